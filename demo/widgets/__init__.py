"""The parts of the page that Gradio does not have: a folder each, with the .html, .js and .css of one widget.

A widget may have several .js files: the one with its name mounts it, each other one makes a part of it. All that a file
does when it is loaded is to define its one function, so that their order does not matter.

The templates are static, and nothing that a visitor sends is ever put into one: a Gradio template is code.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

FOLDER = Path(__file__).parent
NAMES = (
    *("tour", "pad", "answer", "card", "link", "seen", "samples"),
    *("maps", "channel", "why", "map", "mistakes", "curves", "browser", "sizes"),
)


def widget(name: str, server_functions: Sequence[Callable[..., Any]] = ()) -> gr.HTML:
    """The widget of that name, with ``#name`` as its element; its script may call ``server_functions``."""
    return gr.HTML(
        html_template=(FOLDER / name / f"{name}.html").read_text(encoding="utf-8"),
        js_on_load=f"fmnist.ready.then(() => fmnist.mount{name.capitalize()}(element, server))",
        elem_id=name,
        apply_default_css=False,
        server_functions=list(server_functions),
    )


def scripts() -> str:
    """All JavaScript of the widgets, what they share first."""
    files = [FOLDER / "shared.js", *(file for name in NAMES for file in sorted((FOLDER / name).glob("*.js")))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def styles() -> str:
    """All CSS of the widgets, after that of the page."""
    files = [FOLDER.parent / "page.css", *(FOLDER / name / f"{name}.css" for name in NAMES)]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)
