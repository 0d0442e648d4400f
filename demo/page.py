"""The page: layout and wiring only.

What answers is loaded while the browser opens the page: nothing here imports PyTorch.
"""

import functools
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import gradio as gr
from starlette.middleware import Middleware

from demo import widgets
from demo.requests import MAX_BATCH, BodyLimit, Reply, Request, served_later

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
HEAD: Final = """
<header class="head">
  <div>
    <h1>Draw a garment</h1>
    <p>A small neural network says what it is while you draw. Look inside it, find your drawing among its neighbours,
      and train the network anew.</p>
  </div>
  <button type="button" class="guide" title="What there is to see here, in five steps">Tour</button>
  <button type="button" class="theme" title="Light or dark" aria-label="Switch between light and dark">◐</button>
</header>
"""
HEAD_SCRIPT: Final = """
const PAUSE = 2000;  // milliseconds
const lead = element.querySelector("p");
const words = lead.textContent;
const begin = async () => {
  const facts = await fmnist.call(server.facts, {});
  lead.textContent = facts.error ?? words;
  if (facts.error) setTimeout(begin, PAUSE);
  else fmnist.begin(facts);
};
begin();
element.querySelector(".guide").onclick = () => fmnist.emit("tour");
const theme = fmnist.kept("theme");
if (theme && !location.search.includes("__theme")) document.body.classList.toggle("dark", theme === "dark");
element.querySelector(".theme").onclick = () => {
  fmnist.keep("theme", document.body.classList.toggle("dark") ? "dark" : "light");
};
"""

# Of the networks that one can train, how many numbers training adjusts; and the small one's recipe. A test compares
# them with the networks and recipes themselves, which would bring PyTorch.
NETWORKS: Final = {"original": 33_250, "deep": 482_154}
LEARNING_RATE: Final = 0.01
BATCH_SIZE: Final = 256

GLANCE: Final = """
<div class="glance">
  <p></p>
  <h3>The training images at a glance: three rows a class</h3>
  <img alt="Three rows of images for each class">
</div>
"""
GLANCE_SCRIPT: Final = """
fmnist.ready.then(() => {
  element.querySelector("p").textContent = fmnist.facts.data;
  element.querySelector("img").src = fmnist.facts.sprite;
});
"""

ABOUT: Final = """
### What this is
A convolutional neural network that has learned ten kinds of clothing from the 60,000 small pictures of
[Fashion-MNIST](https://github.com/zalandoresearch/fashion-mnist) (Zalando, MIT licence). “Answered by” says how many
numbers it has adjusted to learn them; it answers on this server's processor in a few milliseconds.

### What it can and cannot do
It knows nothing but these ten kinds. Shown anything else, it can only guess, and the deep network mostly says so:
“Familiar” tells how much your picture is like what it has learned from. Those were photographs of articles on a plain
background, and drawings, garments of cloth and doodles that this program makes itself; no picture of a visitor. A
network that has learned from the photographs alone (the original one, or yours without “also for drawings and
photos”) has never seen anything else, and is sure of almost everything.

Your picture is made more like the data set before it is looked at: of a drawing the lines get one width, and what they
enclose is filled; from a photo the garment is cut out. Close your outlines, and lay a garment out flat on a background
of another colour: it does better then. Shirts, pullovers and coats look much alike in 28 × 28 pixels, to people too.

### What happens to your pictures
They are looked at and forgotten: none is kept (a file sent to the API is deleted within minutes). A network that you
train answers only you, and is forgotten too.

### Use it from a program
On a wide screen, the link “Use via API” at the foot of the page shows how to call `/predict` with a picture file. On
the command line, `python -m fmnist_core predict picture.png` gives the same answer.
"""


@dataclass(frozen=True)
class Page:
    """A page ready to be launched."""

    blocks: gr.Blocks
    head: str  # scripts for the head of the HTML document
    static: Path  # folder of the files that the browser may load


def build_page(handlers: "Future[Handlers]", static: Path) -> Page:
    """The page; requests that come before there are handlers wait for them.

    The browser may load the files in the folder ``static``.
    """
    ask = functools.partial(served_later, handlers)

    def predict(picture: gr.FileData) -> dict[str, Any]:
        """Recognise the garment in a picture file; always answered by the shipped weights.

        Returns what kind of picture it was taken for, the class number (0..9, or null), its name, the probabilities of
        all ten classes, the familiarity (0..1, how much it is like what the network was trained on), and the error
        (null, or a sentence).
        """
        return handlers.result().predict(picture)

    # What is sent to the API arrives as a file: such files are deleted a few minutes later.
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(60, 300)) as blocks:
        gr.HTML(
            html_template=HEAD,
            js_on_load=HEAD_SCRIPT,
            elem_id="head",
            apply_default_css=False,
            server_functions=[ask("facts")],
        )
        widgets.widget("tour")
        with gr.Row(elem_id="workbench"):
            widgets.widget("pad", [ask("answer"), ask("open_file")])
            widgets.widget("seen")
            with gr.Column(elem_id="result"):
                widgets.widget("answer", [ask("choose"), ask("who"), ask("train_state")])
                with gr.Row(elem_id="keep"):
                    widgets.widget("card")
                    widgets.widget("link")
        widgets.widget("samples")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Look inside"), gr.Row(elem_id="inside"):
                widgets.widget("maps", [ask("layers")])
                widgets.widget("channel", [ask("channel")])
            with gr.Tab("Why"):
                widgets.widget("why", [ask("reasons")])
            with gr.Tab("Map"):
                widgets.widget("map", [ask("points"), ask("all_points")])
            with gr.Tab("Mistakes"):
                widgets.widget("mistakes", [ask("points")])
            with gr.Tab("Train"):
                _train_tab(ask)
            with gr.Tab("Data"):
                gr.HTML(html_template=GLANCE, js_on_load=GLANCE_SCRIPT, elem_id="glance", apply_default_css=False)
                gr.Markdown("### The 2,000 test images of this page\nClick one to make it the current picture.")
                widgets.widget("browser")
            with gr.Tab("Sizes"):
                widgets.widget("sizes")
            with gr.Tab("About"):
                gr.Markdown(ABOUT, elem_classes="prose-block")
        gr.events.api(predict, api_name="predict", concurrency_limit=None)

    return Page(blocks, f"<script>{widgets.scripts()}</script>", static)


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


def _train_tab(ask: Callable[[str], Callable[[Request], Reply]]) -> None:
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
                maximum=MAX_BATCH,
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
            widgets.widget(
                "curves",
                [
                    ask("train_start"),
                    ask("train_state"),
                    ask("train_stop"),
                    ask("restore"),
                ],
            )
    architecture.change(None, architecture, share, js="(network) => fmnist.facts.shares[network]")
    # The browser hands the form's values to the widget, which starts the run and draws it.
    start.click(
        None,
        [architecture, go_on, epochs, rate, batch, share, for_people],
        js="(architecture, go_on, epochs, learning_rate, batch_size, share, for_people) => { fmnist.train.start("
        "{architecture, go_on, epochs, learning_rate, batch_size, share, for_people}); }",
    )
    stop.click(None, js="() => { fmnist.train.stop(); }")
    restore.click(None, js="() => { fmnist.train.restore(); }")
