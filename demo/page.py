"""The page: layout and wiring only.

What answers is loaded while the browser opens the page: nothing here imports PyTorch.
"""

from collections.abc import Collection
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr
from starlette.middleware import Middleware

from demo import widgets
from demo.body_limit import BodyLimit
from demo.limits import Limits
from demo.same_origin import SameOrigin
from demo.server_functions import serve_later

if TYPE_CHECKING:
    from demo.handlers import Handlers

THEME: Final = gr.themes.Base(
    primary_hue="indigo",
    neutral_hue="slate",
    font=["system-ui", "Segoe UI", "Roboto", "sans-serif"],  # of the visitor's machine: nothing is fetched
    font_mono=["ui-monospace", "Consolas", "monospace"],
).set(  # contrast of 4.5 and more
    body_text_color_subdued="*neutral_500",
    body_text_color_subdued_dark="*neutral_400",
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
)

TITLE: Final = "Fashion-MNIST: draw it, see it recognised"
ABOUT: Final = Path(__file__).parent / "about.md"


@dataclass(frozen=True)
class Page:
    """A page ready to be launched."""

    blocks: gr.Blocks
    modules: widgets.Modules
    static: Path  # folder of the files that the browser may load


def build_page(handlers: "Future[Handlers]", static: Path) -> Page:
    """The page; requests that come before there are handlers wait for them.

    The browser may load the files in the folder ``static``.
    """
    modules = widgets.Modules()

    def widget(name: str, *asks: str) -> None:
        """A widget, and the handlers that it may ask."""
        widgets.widget(name, modules, [serve_later(handlers.result, each) for each in asks])

    def predict(picture: gr.FileData) -> dict[str, Any]:
        """Recognise the garment in a picture file; always answered by the shipped weights.

        Returns the kind of picture that was detected, the class number (0..9, or null), its name, the probabilities of
        all ten classes, the familiarity (0..1, how much it is like what the network was trained on), and the error
        (null, or a sentence).
        """
        return handlers.result().predict(picture)

    # What is sent to the API arrives as a file: such files are deleted a few minutes later.
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(60, 300)) as blocks:
        widget("page_header", "facts")
        widget("tour")
        with gr.Row(elem_id="workbench"):
            widget("pad", "answer", "open_file")
            widget("network_input")
            with gr.Column(elem_id="result"):
                widget("answer", "choose", "which", "train_state")
                with gr.Row(elem_id="keep"):
                    widget("share_card")
                    widget("share_link")
        widget("sample_strip")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Look inside"), gr.Row(elem_id="inside"):
                widget("feature_maps", "layers")
                widget("channel", "channel")
            with gr.Tab("Why"):
                widget("why", "reasons")
            with gr.Tab("Map"):
                widget("map", "points", "remaining_points")
            with gr.Tab("Mistakes"):
                widget("mistakes", "points")
            with gr.Tab("Train"):
                widget(
                    "training",
                    *("train_check", "train_start", "train_state", "train_change", "train_stop"),
                    *("which", "choose", "rename"),
                    *("restore", "animation", "download"),
                )
            with gr.Tab("Compare"):
                widget("compare", "networks", "which", "compare", "answer", "choose", "rename", "forget")
            with gr.Tab("Data"):
                widget("sprite")
                gr.Markdown("### The 2,000 test images of this page\nClick one to make it the current picture.")
                widget("sample_browser")
            with gr.Tab("Sizes"):
                widget("sizes")
            with gr.Tab("About"):
                gr.Markdown(ABOUT.read_text(encoding="utf-8"), elem_classes="prose-block")
        gr.events.api(predict, api_name="predict", concurrency_limit=None)

    return Page(blocks, modules, static)


def launch(
    page: Page,
    host: str | None = None,
    port: int | None = None,
    limits: Limits | None = None,
    origins: Collection[str] = (),
) -> str:
    """Serve the page from a thread of its own and return its address; ``origins`` may use and embed it, too."""
    limits = limits or Limits()
    body_limit = Middleware(BodyLimit, limits.request_bytes, limits.all_requests_bytes, limits.body_pause_seconds)
    page.blocks.queue(max_size=64)
    _, url, _ = page.blocks.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        theme=THEME,
        css=widgets.styles(),
        head=page.modules.preloads(),
        allowed_paths=[str(page.static)],
        max_file_size=limits.upload_bytes,
        app_kwargs={"middleware": [Middleware(SameOrigin, origins), body_limit], "routes": [page.modules.route()]},
        state_session_capacity=500,  # visitors of whom Gradio keeps its (here empty) state; 10,000 would be 0.8 GB
        footer_links=["api", "gradio"],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        quiet=True,
    )
    return url
