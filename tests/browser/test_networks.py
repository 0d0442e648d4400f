"""Other networks than the two shipped ones: named when the page is started, or added to the registry."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import networks
import pytest
from conftest import Opened, serve
from playwright.sync_api import BrowserContext, Page, expect
from visitor import on_both_devices, open_mistakes, open_tab, rounded, settle, shown

from fmnist_core import checkpoint, inference
from fmnist_core.dataset import Dataset
from fmnist_core.errors import ConfigError
from fmnist_core.evaluation import predict_logits
from fmnist_core.explain import channel_weights
from fmnist_core.layer_table import layer_table
from fmnist_core.model import Network

ROOT = Path(__file__).parent.parent.parent
TRAINED = 180_000  # milliseconds: only for a machine that hangs


# --- named by --weights -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["original", "yours"])
def test_weights_of_any_folder_beside_the_shipped_ones(
    context: BrowserContext, tmp_path: Path, samples: Dataset, shipped: Network, original: Network, folder: str
) -> None:
    """Also of one that is called as a shipped network is, or as the one that a visitor trains."""
    shutil.copytree(ROOT / "weights" / "original", tmp_path / folder)
    named = networks.new("original", seed=1)
    checkpoint.save(named, tmp_path / folder)
    with serve("--data", "samples", "--weights", str(tmp_path / folder)) as address:
        opened = Opened(context, address)
        page, select = opened.page, opened.page.locator("#answer select")
        chosen = int(samples.test.labels.argmin())
        page.locator("#sample_strip .thumbnail").first.click()
        expected = {"given": named, "deep": shipped, "original": original}
        options = select.locator("option")
        assert [each.get_attribute("value") for each in options.all()] == list(expected)
        names = options.all_inner_texts()
        assert len(set(names)) == 3, "two cannot be told apart"
        assert folder in names[0]
        expect(select).to_have_value("given")
        for network in ("given", "deep", "original", "given"):
            select.select_option(network)
            reading = inference.read_pixels(expected[network], samples.test.pixels[chosen])
            expect(page.locator("#answer li b")).to_have_text(rounded(reading.probabilities))
            expect(select).to_have_value(network)
            expect(page.locator("#answer .problem")).to_be_hidden()
        # Nobody has trained a network yet, whatever the folder is called.
        page.reload()
        page.wait_for_selector("#answer[data-answers]")
        expect(select).to_have_value("given")
        assert opened.problems == []


# --- added to the registry --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def added() -> dict[str, Network]:
    """A residual and a dilated network with random weights."""
    with pytest.MonkeyPatch.context() as patch:
        networks.register(patch)
        return {name: networks.new(name) for name in ("residual", "dilated")}


@pytest.fixture(scope="module")
def address_with_added(added: dict[str, Network], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an app that has them, too; the residual one answers at first."""
    weights = tmp_path_factory.mktemp("weights")
    shutil.copytree(ROOT / "weights" / "original", weights / "original")
    for name, network in added.items():
        checkpoint.save(network, weights / name)
    program = str(Path(__file__).parent / "app_with_more_networks.py")
    options = ("--data", "samples", "--weights", str(weights / "residual"))
    with serve(*options, str(weights), program=program) as address:
        yield address


@pytest.mark.parametrize(
    ("name", "layer", "shape"), [("residual", "block1", "6 × 14 × 14"), ("dilated", "conv1", "4 × 28 × 28")]
)
@on_both_devices
def test_every_tab_works_with_an_added_network(
    context: BrowserContext,
    address_with_added: str,
    added: dict[str, Network],
    samples: Dataset,
    name: str,
    layer: str,
    shape: str,
) -> None:
    network = added[name]
    opened = Opened(context, f"{address_with_added}#network={name}")
    page = opened.page
    page.locator("#sample_strip .thumbnail").nth(8).click()
    settle(page)
    expect(page.locator("#answer select")).to_have_value(name)
    example = int((samples.test.labels == 8).nonzero()[0])
    reading = inference.read_pixels(network, samples.test.pixels[example])
    # Untrained, it finds all classes nearly as probable: one may lie just between two whole numbers.
    percents = [[int(text.strip("<% ")) for text in texts] for texts in (shown(page), rounded(reading.probabilities))]
    assert max(abs(one - other) for one, other in zip(*percents, strict=True)) <= 1

    layers = list(network.layer_names)
    expect(page.locator("#feature_maps .layers b")).to_have_text(layers)
    for each in layers:
        page.locator(f"#feature_maps [data-layer={each}]").click()
        expect(page.locator("#feature_maps")).to_have_attribute("data-open", each)
    look_at_a_channel(page, network, reading, layer, shape)

    open_tab(page, "Why")
    expect(page.locator("#why")).to_have_attribute("data-label", str(reading.label), timeout=30_000)
    assert page.inner_text("#why .looks").strip()
    assert page.inner_text("#why .needs").strip()

    open_tab(page, "Map")
    page.locator("#map .plane").scroll_into_view_if_needed()
    expect(page.locator("#map")).to_have_attribute("data-points", "2000")
    expect(page.locator("#map")).to_have_attribute("data-you", re.compile(r"\d+,\d+"))
    expect(page.locator("#map .note")).to_contain_text("t-SNE is not ready for this network.")
    expect(page.locator("#map .alike li")).to_have_count(5)

    open_mistakes(page)
    correct = int((predict_logits(network, samples.test).argmax(1) == samples.test.labels).sum())
    expect(page.locator("#mistakes .summary")).to_contain_text(f"{correct:,} of 2,000 test images")

    open_tab(page, "Train")
    options = page.locator("#train-form [name=architecture] option")
    expect(options).to_have_count(len(networks.EVERY) + 1)
    assert [each.get_attribute("value") for each in options.all()] == [*networks.EVERY, "custom"]
    page.locator("#train-form [name=architecture]").select_option(name)
    expect(page.locator("#train-form .architecture .about")).to_have_text("for tests")

    open_tab(page, "Sizes")
    rows = list(layer_table(network))
    cells = page.locator("#sizes tbody tr")
    expect(cells.locator("td:first-child")).to_have_text(layers)
    for row, line in zip(rows, cells.all(), strict=True):
        assert line.locator("td").nth(6).inner_text() == " × ".join(map(str, row.shape))
    dilations = page.locator("#sizes tbody td:nth-child(6)")
    assert all(each.is_visible() is (name == "dilated") for each in dilations.all())
    if name == "dilated":
        page.locator("#sizes tbody tr", has_text="conv2").click()
        expect(page.locator("#sizes [data-of=d0]")).to_have_value("2")
        expect(page.locator("#sizes .result")).to_have_attribute("data-size", "5x5")

    for tab in ("Data", "About"):
        open_tab(page, tab)
    assert opened.problems == []


def look_at_a_channel(page: Page, network: Network, reading: inference.Reading, layer: str, shape: str) -> None:
    """Choose one of its maps: its weights or the sentence that it has none, and the images that activate it most."""
    page.locator(f"#feature_maps [data-layer={layer}]").click()
    expect(page.locator("#feature_maps h4 .what")).to_contain_text(shape)
    page.locator("#feature_maps .tiles").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#channel")).to_have_attribute("data-channel", f"{layer} 0", timeout=30_000)
    try:
        channel_weights(network, reading.trace, layer, 0)
        expect(page.locator("#channel .weights")).to_be_visible()
        expect(page.locator("#channel .made")).to_contain_text("kernel of 3 × 5")
    except ConfigError as error:
        expect(page.locator("#channel .made")).to_have_text(str(error))
        expect(page.locator("#channel .weights")).to_be_hidden()
    expect(page.locator("#channel .top button").first).to_be_visible()
    page.wait_for_selector("#channel[data-without]")
    expect(page.locator("#channel .words")).to_contain_text("Without it")


def test_an_added_network_can_be_trained(context: BrowserContext, address_with_added: str) -> None:
    opened = Opened(context, address_with_added)
    page = opened.page
    open_tab(page, "Train")
    page.locator("#train-form [name=architecture]").select_option("residual")
    page.get_by_label("the network that answers now").check()
    page.get_by_label("also for drawings and photos").uncheck()
    for name, value in {"epochs": 2, "data_fraction": 0.2, "batch_size": 32}.items():
        page.locator(f"#train-form [name={name}]").fill(str(value))
    page.locator("#retrain").click()
    expect(page.locator(".training")).to_have_attribute("data-state", "trained", timeout=TRAINED)
    before, after = (float(page.inner_text(f".training {cell}").rstrip(" %")) for cell in (".before", ".after"))
    assert after > before + 10  # it has begun with random weights
    expect(page.locator("#answer select")).to_have_value("yours-1")
    expect(page.locator("#retrain")).to_be_enabled(timeout=TRAINED)
    assert opened.problems == []
