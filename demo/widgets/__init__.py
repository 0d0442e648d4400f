"""The parts of the page that Gradio does not have: a folder each, with the .html, .js and .css of one widget.

The .js file with the widget's name exports ``mount(element, server)``, which ``mount.js`` calls. What it needs it
imports, from files beside it and from ``shared/``; ``types.d.ts`` names what goes between widgets and server. To add a
widget is to add a folder, and a place for it in ``page.py``.

The templates are static, and nothing that a visitor sends is ever put into one: a Gradio template is code.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

FOLDER = Path(__file__).parent
NAMES = sorted(template.stem for template in FOLDER.glob("*/*.html"))
FIRST = ("widgets", "shared", "head")  # folders whose modules are loaded before all others


@dataclass(frozen=True)
class Modules:
    """The JavaScript modules of the widgets, where the browser may load them."""

    folder: Path

    @classmethod
    def copied(cls, static: Path) -> "Modules":
        """Copies of all modules and of nothing else, below the folder ``static``.

        The server makes a new such folder each time it starts. So no browser takes modules of an earlier version from
        its cache, as it otherwise might: Gradio sends files without a word on how long they may be kept.
        """
        folder = static / "widgets"
        for file in FOLDER.rglob("*.js"):
            copy = folder / file.relative_to(FOLDER)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy)
        return cls(folder)

    def imported(self, name: str) -> str:
        """A JavaScript expression: the promise of the module ``name``, "mount" for one.

        The address is relative to the page, wherever a proxy puts that. The script in which Gradio puts the expression
        lies elsewhere.
        """
        return f'import(new URL("{self._address(self.folder / name)}.js", document.baseURI))'

    def preloads(self) -> str:
        """HTML for the head of the page: the browser loads all modules at once, not level by level as it finds them.

        First those that ask the server for the facts, so that it works these out while the others are on their way.
        """
        files = sorted(self.folder.rglob("*.js"), key=lambda file: (file.parent.name not in FIRST, file))
        return "\n".join(f'<link rel="modulepreload" href="{self._address(file)}">' for file in files)

    def _address(self, file: Path) -> str:
        return f"gradio_api/file={file.as_posix()}"


def widget(name: str, modules: Modules, server_functions: Sequence[Callable[..., Any]] = ()) -> gr.HTML:
    """The widget of that name, with ``#name`` as its element; its module may call ``server_functions``."""
    return gr.HTML(
        html_template=(FOLDER / name / f"{name}.html").read_text(encoding="utf-8"),
        js_on_load=f'{modules.imported("mount")}.then(({{ mount }}) => mount("{name}", element, server));',
        elem_id=name,
        apply_default_css=False,
        server_functions=list(server_functions),
    )


def styles() -> str:
    """All CSS: that of the page, then the widgets' in any order, for each speaks of its own widget only."""
    files = [FOLDER.parent / "page.css", *(FOLDER / name / f"{name}.css" for name in NAMES)]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
