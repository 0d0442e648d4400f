"""The page: layout and wiring only.

What answers is loaded while the browser opens the page: nothing here imports PyTorch.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr
from starlette.middleware import Middleware

from demo import widgets
from demo.requests import MOST_BATCH, BodyLimit, served_later

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

# Of the networks that one can train, how many numbers training adjusts; and the small one's recipe. A test compares
# them with the networks and recipes themselves, which would bring PyTorch.
NETWORKS: Final = {"original": 33_250, "deep": 482_154}
LEARNING_RATE: Final = 0.01
BATCH_SIZE: Final = 256


@dataclass(frozen=True)
class Page:
    """A page ready to be launched."""

    blocks: gr.Blocks
    head: str  # of the HTML document
    static: Path  # folder of the files that the browser may load


def build_page(handlers: "Future[Handlers]", static: Path) -> Page:
    """The page; requests that come before there are handlers wait for them.

    The browser may load the files in the folder ``static``.
    """
    modules = widgets.Modules.copied(static)

    def widget(name: str, *asks: str) -> None:
        """A widget, and the handlers that it may ask."""
        widgets.widget(name, modules, [served_later(handlers, each) for each in asks])

    def predict(picture: gr.FileData) -> dict[str, Any]:
        """Recognise the garment in a picture file; always answered by the shipped weights.

        Returns what kind of picture it was taken for, the class number (0..9, or null), its name, the probabilities of
        all ten classes, the familiarity (0..1, how much it is like what the network was trained on), and the error
        (null, or a sentence).
        """
        return handlers.result().predict(picture)

    # What is sent to the API arrives as a file: such files are deleted a few minutes later.
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(60, 300)) as blocks:
        widget("head", "facts")
        widget("tour")
        with gr.Row(elem_id="workbench"):
            widget("pad", "answer", "open_file")
            widget("seen")
            with gr.Column(elem_id="result"):
                widget("answer", "choose", "who", "train_state")
                with gr.Row(elem_id="keep"):
                    widget("card")
                    widget("link")
        widget("samples")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Look inside"), gr.Row(elem_id="inside"):
                widget("maps", "layers")
                widget("channel", "channel")
            with gr.Tab("Why"):
                widget("why", "reasons")
            with gr.Tab("Map"):
                widget("map", "points", "all_points")
            with gr.Tab("Mistakes"):
                widget("mistakes", "points")
            with gr.Tab("Train"):
                _train_tab(widget, modules)
            with gr.Tab("Data"):
                widget("glance")
                gr.Markdown("### The 2,000 test images of this page\nClick one to make it the current picture.")
                widget("browser")
            with gr.Tab("Sizes"):
                widget("sizes")
            with gr.Tab("About"):
                gr.Markdown(ABOUT.read_text(encoding="utf-8"), elem_classes="prose-block")
        gr.events.api(predict, api_name="predict", concurrency_limit=None)

    return Page(blocks, modules.preloads(), static)


def launch(page: Page, host: str | None = None, port: int | None = None) -> str:
    """Serve the page from a thread of its own and return its address."""
    page.blocks.queue(max_size=64)
    _, url, _ = page.blocks.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        theme=THEME,
        css=widgets.styles(),
        head=page.head,
        allowed_paths=[str(page.static)],
        max_file_size="20mb",
        app_kwargs={"middleware": [Middleware(BodyLimit)]},
        state_session_capacity=500,  # visitors of whom Gradio keeps its (here empty) state; 10,000 would be 0.8 GB
        footer_links=["api", "gradio"],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        quiet=True,
    )
    return url


def _train_tab(widget: Callable[..., None], modules: widgets.Modules) -> None:
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=280, elem_id="train-form"):
            architecture = gr.Dropdown(
                [(f"{name}: {parameters:,} parameters", name) for name, parameters in NETWORKS.items()],
                value="original",
                label="Network",
                info="the small one learns much faster",
                interactive=True,
            )
            go_on = gr.Radio(
                [("from nothing", False), ("from the network that answers now", True)], value=False, label="Begin"
            )
            epochs = gr.Slider(1, 30, value=5, step=1, label="Epochs", info="how often it sees each image", buttons=[])
            rate = gr.Number(LEARNING_RATE, label="Learning rate", info="how large its steps are at most", step=0.001)
            batch = gr.Number(
                BATCH_SIZE,
                label="Batch size",
                info="images looked at before each step",
                precision=0,
                minimum=2,
                maximum=MOST_BATCH,
            )
            share = gr.Slider(0.01, 1, value=1, step=0.01, label="Share of the data", buttons=[])
            for_people = gr.Checkbox(
                True, label="also for drawings and photos", info="learns from drawings made by the program too"
            )
            with gr.Row():
                start = gr.Button("Train", variant="primary", elem_id="retrain")
                stop = gr.Button("Stop", elem_id="stop", interactive=False)
            restore = gr.Button("Forget my network: back to the shipped weights", elem_id="restore", size="sm")
        with gr.Column(scale=2, min_width=320):
            widget("curves", "train_start", "train_state", "train_stop", "restore")
    facts, curves = modules.imported("shared/facts"), modules.imported("curves/curves")
    architecture.change(None, architecture, share, js=f"async (network) => (await {facts}).facts.shares[network]")
    # The browser hands the form's values to the widget, which starts the run and draws it.
    start.click(
        None,
        [architecture, go_on, epochs, rate, batch, share, for_people],
        js="async (architecture, go_on, epochs, learning_rate, batch_size, share, for_people) => { "
        f"(await {curves}).train.start("
        "{architecture, go_on, epochs, learning_rate, batch_size, share, for_people}); }",
    )
    stop.click(None, js=f"async () => {{ (await {curves}).train.stop(); }}")
    restore.click(None, js=f"async () => {{ (await {curves}).train.restore(); }}")
