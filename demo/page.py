"""The page: layout and wiring only."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import gradio as gr

from demo import figures, widgets
from demo.handlers import Handlers, served
from demo.others import Others
from demo.session import Session, Sessions
from demo.trainer import Trainer
from fmnist_core import checkpoint, dataset, explain, projection
from fmnist_core.model import ARCHITECTURES, Network
from fmnist_core.training import RECIPES

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
element.querySelector(".guide").onclick = () => fmnist.emit("tour");
element.querySelector(".theme").onclick = () => document.body.classList.toggle("dark");
"""

ABOUT: Final = """
### What this is
A convolutional neural network that has learned ten kinds of clothing from the 60,000 small pictures of
[Fashion-MNIST](https://github.com/zalandoresearch/fashion-mnist) (Zalando, MIT licence). It has {parameters:,} numbers
to adjust, and it answers on this server's processor in a few milliseconds.

### What it can and cannot do
It knows nothing but these ten kinds. Shown anything else, it can only guess, and mostly says so: “Familiar” tells how
much your picture is like what it has learned from. Those were photographs of articles on a plain background, and
drawings, garments of cloth and doodles that this program makes itself; no picture of a visitor.

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
    head: str  # scripts and facts for the head of the HTML document
    static: Path  # folder of the files that the browser may load


def build_page(weights: str | Path, where: str | Path | None, static: Path, others: Sequence[str | Path] = ()) -> Page:
    """The page for the network in ``weights``, trained anew on the data set at ``where``.

    The networks in ``others`` can be chosen instead.

    Writes the two pictures that the browser loads into the folder ``static``, which must be an allowed path.

    Raises:
        CheckpointError, DatasetError: the weights, or the shipped samples, cannot be read.
    """
    data = dataset.load_samples()
    samples = data.test
    shipped, *more = (_session(each, samples) for each in (weights, *others))
    sessions = Sessions(shipped, more)
    trainer = Trainer(sessions, samples, where)
    handlers = Handlers(sessions, samples, trainer, Others(samples, where, static))

    figures.sheet(samples).save(static / "samples.png")
    dataset.sprite(data.train).save(static / "sprite.png")

    def training_data() -> str:
        return f"Training uses {_describe(where)}."

    # What is sent to the API arrives as a file: such files are deleted a few minutes later.
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(60, 300)) as blocks:
        gr.HTML(html_template=HEAD, js_on_load=HEAD_SCRIPT, apply_default_css=False)
        widgets.widget("tour")
        with gr.Row(elem_id="workbench"):
            widgets.widget("pad", [served(handlers.answer), served(handlers.open_file)])
            widgets.widget("seen")
            with gr.Column(elem_id="result"):
                widgets.widget("answer", [served(handlers.choose)])
                with gr.Row(elem_id="keep"):
                    widgets.widget("card")
                    widgets.widget("link")
        widgets.widget("samples")
        with gr.Tabs(elem_id="tabs"):
            with gr.Tab("Look inside"), gr.Row(elem_id="inside"):
                widgets.widget("maps", [served(handlers.layers)])
                widgets.widget("channel", [served(handlers.channel)])
            with gr.Tab("Why"):
                widgets.widget("why", [served(handlers.reasons)])
            with gr.Tab("Map"):
                widgets.widget("map", [served(handlers.points), served(handlers.all_points)])
            with gr.Tab("Mistakes"):
                widgets.widget("mistakes", [served(handlers.points)])
            with gr.Tab("Train"):
                _train_tab(handlers)
            with gr.Tab("Data"):
                source = gr.Markdown(training_data(), elem_classes="prose-block")
                blocks.load(training_data, None, source, api_visibility="private")  # a download may have ended
                gr.HTML(
                    html_template=f'<div class="glance"><h3>The training images at a glance: three rows a class</h3>'
                    f'<img src="{figures.url(static / "sprite.png")}" alt="Three rows of images for each class"></div>',
                    js_on_load=None,
                    apply_default_css=False,
                )
                gr.Markdown("### The 2,000 test images of this page\nClick one to make it the current picture.")
                widgets.widget("browser")
            with gr.Tab("Sizes"):
                widgets.widget("sizes")
            with gr.Tab("About"):
                gr.Markdown(ABOUT.format(parameters=shipped.network.parameter_count), elem_classes="prose-block")
        gr.events.api(handlers.predict, api_name="predict", concurrency_limit=None)

    # JSON inside a script element: "<" is the one character that could end it early.
    networks = {session.name: session.network for session in (shipped, *more)}
    text = json.dumps(figures.facts(networks, samples, figures.url(static / "samples.png"))).replace("<", "\\u003c")
    head = f'<script type="application/json" id="fmnist-facts">{text}</script><script>{widgets.scripts()}</script>'
    return Page(blocks, head, static)


def _session(weights: str | Path, samples: dataset.Split) -> Session:
    folder = checkpoint.fetch(weights)
    network = checkpoint.load(folder)
    found = explain.load(folder, network)
    kept = {} if found is None else {"exciting": found}
    return Session(network, projection.load(folder, network, samples), Path(weights).name, kept)


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
        footer_links=["api", "gradio"],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        pwa=False,
        quiet=True,
    )
    return url


def _train_tab(handlers: Handlers) -> None:
    recipe = RECIPES["original"]
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=280, elem_id="train-form"):
            architecture = gr.Dropdown(
                [(f"{name}: {Network(name).parameter_count:,} parameters", name) for name in ARCHITECTURES],
                value="original",
                label="Network",
                info="the small one learns much faster",
                interactive=True,
            )
            go_on = gr.Radio(
                [("from nothing", False), ("from the network that answers now", True)], value=False, label="Begin"
            )
            epochs = gr.Slider(1, 30, value=5, step=1, label="Epochs", info="how often it sees each image", buttons=[])
            rate = gr.Number(
                recipe.learning_rate, label="Learning rate", info="how large its steps are at most", step=0.001
            )
            batch = gr.Number(
                recipe.batch_size, label="Batch size", info="images looked at before each step", precision=0
            )
            share = gr.Slider(0.01, 1, value=1, step=0.01, label="Share of the data", buttons=[])
            for_people = gr.Checkbox(
                True, label="also for drawings and photos", info="learns from drawings made by the program too"
            )
            with gr.Row():
                start = gr.Button("Train", variant="primary", elem_id="retrain")
                stop = gr.Button("Stop", elem_id="stop", interactive=False)
            restore = gr.Button("Back to the shipped weights", elem_id="restore", size="sm")
        with gr.Column(scale=2, min_width=320):
            widgets.widget(
                "curves",
                [
                    served(handlers.train_start),
                    served(handlers.train_state),
                    served(handlers.train_stop),
                    served(handlers.restore),
                ],
            )
    # The browser hands the form's values to the widget, which starts the run and draws it.
    start.click(
        None,
        [architecture, go_on, epochs, rate, batch, share, for_people],
        js="(architecture, go_on, epochs, learning_rate, batch_size, share, for_people) => { fmnist.train.start("
        "{architecture, go_on, epochs, learning_rate, batch_size, share, for_people}); }",
    )
    stop.click(None, js="() => { fmnist.train.stop(); }")
    restore.click(None, js="() => { fmnist.train.restore(); }")


def _describe(where: str | Path | None) -> str:
    place = dataset.find(where)
    if place is None:
        return "the 10,000 training and 2,000 test images that are shipped with the program"
    if place.is_file():
        return "the images of a CSV file"
    if any((place / training).is_file() and (place / test).is_file() for training, test in dataset.CSV_PAIRS):
        return "the images of two CSV files"
    return "all 60,000 training and 10,000 test images of Fashion-MNIST"
