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
from starlette.routing import Route

from demo import widgets
from demo.actions import Actions
from demo.allowed_routes import AllowedRoutes
from demo.blocks import Blocks
from demo.body_limit import BodyLimit
from demo.health import health_route
from demo.limits import Limits
from demo.same_origin import SameOrigin
from demo.sub_path import SubPath
from demo.unread_answers import UnreadAnswers

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
    actions: Actions
    static: Path  # folder of the files that the browser may load
    limits: Limits
    health: Route


def build_page(handlers: "Future[Handlers]", static: Path, limits: Limits | None = None) -> Page:
    """The page; requests that come before there are handlers wait for them.

    The browser may load the files in the folder ``static``.
    """
    limits = limits or Limits()
    modules, actions = widgets.Modules(), Actions(handlers, limits)

    def widget(name: str) -> None:
        widgets.widget(name, modules)

    async def predict(picture: gr.FileData) -> dict[str, Any]:
        """Recognise the garment in a picture file; always answered by the shipped weights.

        Returns the kind of picture that was detected, the class number (0..9, or null), its name, the probabilities of
        all ten classes, the familiarity (0..1, how much it is like what the network was trained on), and the error
        (null, or a sentence).
        """
        return await actions.predict(picture)

    # What is sent to the API arrives as a file: such files are deleted a few minutes later.
    with Blocks(title=TITLE, analytics_enabled=False, delete_cache=(60, 300)) as blocks:
        widget("page_header")
        widget("tour")
        with gr.Row(elem_id="workbench"):
            widget("pad")
            widget("network_input")
            with gr.Column(elem_id="result"):
                widget("answer")
                widget("correction")
                with gr.Row(elem_id="keep"):
                    widget("share_card")
                    widget("share_link")
        widget("sample_strip")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Look inside"), gr.Row(elem_id="inside"):
                widget("feature_maps")
                widget("channel")
            with gr.Tab("Why"):
                widget("why")
            with gr.Tab("Map"):
                widget("map")
            with gr.Tab("Mistakes"):
                widget("mistakes")
            with gr.Tab("Train"):
                widget("training")
            with gr.Tab("Teach"):
                widget("teach")
            with gr.Tab("Compare"):
                widget("compare")
            with gr.Tab("Data"):
                widget("sprite")
                gr.Markdown("### The 2,000 test images of this page\nClick one to make it the current picture.")
                widget("sample_browser")
            with gr.Tab("Sizes"):
                widget("sizes")
            with gr.Tab("About"):
                gr.Markdown(ABOUT.read_text(encoding="utf-8"), elem_classes="prose-block")
        gr.events.api(predict, api_name="predict", concurrency_limit=None)

    return Page(blocks, modules, actions, static, limits, health_route(handlers))


def middleware(page: Page, origins: Collection[str]) -> list[Middleware]:
    """What every request goes through before Gradio gets it, from the outside to the inside."""
    limits = page.limits

    async def forget(session: str) -> None:
        """Drop what Gradio's queue keeps of a session."""
        queue = page.blocks._queue
        await queue.clean_events(session_hash=session)
        queue.pending_event_ids_session.pop(session, None)
        queue.pending_messages_per_session.pop(session, None)

    return [
        Middleware(SameOrigin, origins),
        Middleware(SubPath),
        Middleware(AllowedRoutes, page.static),
        Middleware(BodyLimit, limits.request_bytes, limits.all_requests_bytes, limits.body_pause_seconds),
        Middleware(UnreadAnswers, forget, limits.unread_answers),
    ]


def launch(
    page: Page,
    host: str | None = None,
    port: int | None = None,
    origins: Collection[str] = (),
) -> str:
    """Serve the page from a thread of its own and return its address; ``origins`` may use and embed it, too."""
    page.blocks.queue(max_size=64)
    _, url, _ = page.blocks.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        theme=THEME,
        css=widgets.styles(),
        head=page.modules.preloads(),
        allowed_paths=[str(page.static)],
        max_file_size=page.limits.upload_bytes,
        app_kwargs={
            "middleware": middleware(page, origins),
            "routes": [page.actions.route(), page.modules.route(), page.health],
        },
        state_session_capacity=500,  # visitors of whom Gradio keeps its (here empty) state; 10,000 would be 0.8 GB
        footer_links=["api", "gradio"],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        quiet=True,
    )
    return url
