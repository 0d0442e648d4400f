"""The parts of the page that Gradio does not have: a folder each, with the .html, .js and .css of one widget.

The .js file with the widget's name exports ``mount(element, server)``, which ``mount.js`` calls. What it needs it
imports, from files beside it and from ``shared/``; ``types.d.ts`` names what goes between widgets and server. To add a
widget is to add a folder, and a place for it in ``page.py``.

The templates are static, and nothing that a visitor sends is ever put into one: a Gradio template is code.
"""

import hashlib
from pathlib import Path
from typing import Final

import gradio as gr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER: Final = Path(__file__).parent
NAMES: Final = sorted(template.stem for template in FOLDER.glob("*/*.html"))
FIRST: Final = ("", "shared", "page_header")  # folders whose modules are loaded before all others
FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}


class Modules:
    """The JavaScript modules of the widgets, as the browser gets them.

    Their address has a version in it, made of what they say: the browser keeps them, and asks for others when one has
    changed. They are served from memory, and so nothing else can be had from this folder.
    """

    def __init__(self) -> None:
        files = sorted(FOLDER.rglob("*.js"), key=lambda file: (_folder(file) not in FIRST, file))
        self._contents = {file.relative_to(FOLDER).as_posix(): file.read_bytes() for file in files}
        self._place = f"widgets/{hashlib.sha256(b''.join(self._contents.values())).hexdigest()[:16]}"

    def route(self) -> Route:
        """Where the server serves them, and nothing else."""

        async def serve(request: Request) -> Response:
            contents = self._contents.get(request.path_params["name"])
            if contents is None:
                return Response(status_code=404)
            return Response(contents, media_type="text/javascript", headers=FOR_EVER)

        return Route(f"/{self._place}/{{name:path}}", serve)

    def preloads(self) -> str:
        """HTML for the head of the page: the browser loads all modules at once, not level by level as it finds them.

        First those that ask the server for the facts, so that it works these out while the others are on their way.
        """
        return "\n".join(f'<link rel="modulepreload" href="{self._place}/{name}">' for name in self._contents)

    def imported(self, name: str) -> str:
        """A JavaScript expression: the promise of the module ``name``, "mount.js" for one.

        The address is relative to the page, wherever a proxy puts that. The script in which Gradio puts the expression
        lies elsewhere.
        """
        return f'import(new URL("{self._place}/{name}", document.baseURI))'


def _folder(file: Path) -> str:
    return file.relative_to(FOLDER).parent.name


def widget(name: str, modules: Modules) -> gr.HTML:
    """The widget of that name, with ``#name`` as its element."""
    return gr.HTML(
        html_template=(FOLDER / name / f"{name}.html").read_text(encoding="utf-8"),
        js_on_load=f'{modules.imported("mount.js")}.then(({{ mount }}) => mount("{name}", element));',
        elem_id=name,
        apply_default_css=False,
    )


def styles() -> str:
    """All CSS: that of the page, then the widgets' in any order, for each speaks of its own widget only."""
    files = [FOLDER.parent / "page.css", *(FOLDER / name / f"{name}.css" for name in NAMES)]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
