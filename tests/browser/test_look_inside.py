"""The layers: their maps, their channels, and why this answer."""

import pytest
import torch
from playwright.sync_api import BrowserContext, Page, expect
from visitor import (
    SHIRT,
    answers,
    clear,
    draw,
    on_both_devices,
    open_tab,
    rounded,
    settle,
    shown,
    wait_for_answer,
    with_modules,
)

from fmnist_core import CLASS_NAMES, explain, inference
from fmnist_core.__main__ import DEFAULT_WEIGHTS
from fmnist_core.dataset import Dataset
from fmnist_core.layer_table import layer_table
from fmnist_core.model import Network, to_probabilities


@on_both_devices
def test_feature_maps_of_every_layer(page: Page, device: str, shipped: Network) -> None:
    page.locator("#feature_maps .lead").scroll_into_view_if_needed()
    names = [name for name, _ in shipped.layers.named_children()]
    expect(page.locator("#feature_maps")).to_have_attribute("data-open", names[0])
    expect(page.locator("#feature_maps .layers b")).to_have_text(names)
    for name in (names[0], names[len(names) // 2], "flatten", "out"):
        page.locator(f"#feature_maps [data-layer={name}]").click()
        expect(page.locator("#feature_maps")).to_have_attribute("data-open", name)
        expect(page.locator("#feature_maps h4 .title")).to_have_text(name)
        row = next(row for row in layer_table(shipped) if row.name == name)
        expect(page.locator("#feature_maps h4 .what")).to_contain_text(" × ".join(map(str, row.shape)))
        parameters = f"{row.parameters:,}" if row.parameters else "no"
        expect(page.locator("#feature_maps .formula")).to_contain_text(f"{parameters} trainable parameters")
        expect(page.locator("#feature_maps [aria-current=true]")).to_have_attribute("data-layer", name)
    page.locator(f"#feature_maps [data-layer={names[0]}]").click()
    expect(page.locator("#feature_maps")).to_have_attribute("data-open", names[0])
    before = page.locator("#feature_maps .tiles").evaluate("canvas => canvas.toDataURL()")
    draw(page, SHIRT, device)
    page.locator("#feature_maps .lead").scroll_into_view_if_needed()
    page.wait_for_function(
        "before => document.querySelector('#feature_maps .tiles').toDataURL() !== before", arg=before
    )


@on_both_devices
def test_one_channel_of_a_layer(page: Page, shipped: Network, samples: Dataset) -> None:
    example = int((samples.test.labels == CLASS_NAMES.index("Ankle boot")).nonzero()[0])
    reading = inference.read_pixels(shipped, samples.test.pixels[example])
    page.locator("#feature_maps .tiles").scroll_into_view_if_needed()
    expect(page.locator("#feature_maps")).to_have_attribute("data-open", "conv1")
    expect(page.locator("#channel .about")).to_be_hidden()
    page.locator("#feature_maps .tiles").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#channel")).to_have_attribute("data-channel", "conv1 1", timeout=30_000)
    expect(page.locator("#channel h4")).to_have_text("conv1, 2 of 32")
    expected = explain.load(DEFAULT_WEIGHTS, shipped)["conv1"].indices[1].tolist()
    titles = [each.get_attribute("title") or "" for each in page.locator("#channel .top button").all()]
    shipped_titles = with_modules(page, "({ samples }, indices) => indices.map(samples.title)", expected)
    assert [title.split(":")[0] for title in titles] == shipped_titles
    # The answer with it ablated, as the core has it.
    expected = to_probabilities(explain.ablate_channel(shipped, reading.trace, "conv1", 1))[0].tolist()
    page.wait_for_selector("#channel[data-without]")
    told = [float(each) for each in (page.get_attribute("#channel", "data-without") or "").split(",")]
    assert told == pytest.approx(expected, abs=1e-3)
    # The sum behind a pixel is the pixel.
    large = page.locator("#channel .large")
    large.scroll_into_view_if_needed()
    large.click(position={"x": 100, "y": 60})
    page.wait_for_selector("#channel[data-sum]")
    row, column = 60 * 28 // 224, 100 * 28 // 224
    value = float(reading.trace.maps["conv1"][0, 1, row, column])
    assert float(page.get_attribute("#channel", "data-sum") or "") == pytest.approx(value, abs=1e-3)
    captions = page.locator("#channel .grids figcaption").all_inner_texts()
    assert captions == ["what enters", "× kernel", "= products"]
    numbers = [float(text.replace("−", "-")) for text in page.locator("#channel .grids td").all_inner_texts()]
    found = explain.pixel_sum(shipped, shipped.to_inputs(samples.test.pixels[example][None]), 1, row, column)
    grids = torch.stack([found.patch, found.kernel, found.patch * found.kernel])
    assert numbers == pytest.approx(grids.flatten().tolist(), abs=0.006)
    expect(page.locator("#channel .where")).to_have_text(f"(row {row + 1}, column {column + 1})")
    # One of the top-activating images becomes the current picture, and the channel stays open for it.
    before = answers(page)
    page.locator("#channel .top button").first.click()
    wait_for_answer(page, before)
    assert page.evaluate("location.hash").count("channel=1") == 1
    expect(page.locator("#channel h4")).to_have_text("conv1, 2 of 32")
    page.locator("#channel .close").click()
    expect(page.locator("#channel .about")).to_be_hidden()
    assert "channel" not in page.evaluate("location.hash")


def test_a_link_opens_a_channel(context: BrowserContext, address: str) -> None:
    html = "<img src=x onerror=alert(1)>"
    for link, layer, channel in [
        ("layer=relu2&channel=5", "relu2", "relu2 5"),
        (f"layer={html}&channel={html}", "conv1", None),
        (f"layer={html}&channel=1", "conv1", None),
        ("layer=relu2&channel=999", "relu2", None),
        ("channel=-1", "conv1", None),
    ]:
        page = context.new_page()
        problems: list[str] = []
        page.on("console", lambda message, to=problems: message.type == "error" and to.append(message.text))
        page.on("dialog", lambda dialog, to=problems: (to.append(dialog.message), dialog.dismiss()))
        page.goto(f"{address}#{link}")
        page.locator("#feature_maps .tiles").scroll_into_view_if_needed()
        expect(page.locator("#feature_maps")).to_have_attribute("data-open", layer)
        if channel:
            expect(page.locator("#channel")).to_have_attribute("data-channel", channel, timeout=30_000)
        else:
            expect(page.locator("#channel .about")).to_be_hidden()
        assert problems == []
        page.close()


def test_another_network_leaves_nothing_of_the_one_before(
    fresh_page: Page, original: Network, samples: Dataset
) -> None:
    page = fresh_page
    example = int((samples.test.labels == CLASS_NAMES.index("Ankle boot")).nonzero()[0])
    page.locator("#feature_maps .tiles").scroll_into_view_if_needed()
    expect(page.locator("#feature_maps")).to_have_attribute("data-open", "conv1")
    page.locator("#feature_maps [data-layer=relu9]").click()
    expect(page.locator("#feature_maps")).to_have_attribute("data-open", "relu9")
    page.locator("#feature_maps .tiles").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#channel h4")).to_have_text("relu9, 1 of 128")
    page.locator("#answer select").select_option("original")
    expect(page.locator("#answer .problem")).to_be_hidden()
    names = [name for name, _ in original.layers.named_children()]
    expect(page.locator("#feature_maps .layers b")).to_have_text(names)
    page.locator("#feature_maps .tiles").scroll_into_view_if_needed()
    expect(page.locator("#feature_maps")).to_have_attribute("data-open", "conv1")  # the other one has no relu9
    expect(page.locator("#channel .about")).to_be_hidden()
    settle(page)
    expect(page.locator("#answer select")).to_have_value("original")
    assert shown(page) == rounded(inference.read_pixels(original, samples.test.pixels[example]).probabilities)
    open_tab(page, "Sizes")
    expect(page.locator("#sizes tbody tr td:first-child")).to_have_text(names)
    page.locator("#answer select").select_option("deep")
    expect(page.locator("#sizes tbody tr td:first-child").last).to_have_text("out")
    expect(page.locator("#sizes tbody tr td:first-child", has_text="relu9")).to_be_visible()


def test_every_view_follows_the_network_after_a_reload_too(
    fresh_page: Page, context: BrowserContext, address: str, original: Network
) -> None:
    page = fresh_page
    page.locator("#feature_maps .tiles").scroll_into_view_if_needed()
    expect(page.locator("#feature_maps")).to_have_attribute("data-open", "conv1")
    page.locator("#answer select").select_option("original")  # it has a conv1, too
    names = [name for name, _ in original.layers.named_children()]
    expect(page.locator("#feature_maps .layers b")).to_have_text(names)
    expect(page.locator("#feature_maps .what")).to_contain_text("6 × 24 × 24")
    assert "network=original" in page.url
    page.locator("#feature_maps .tiles").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#channel h4")).to_have_text("conv1, 1 of 6")
    # The same visitor in a second tab, and another one who opens the link.
    visitor = page.evaluate("sessionStorage.getItem('fmnist-visitor')")
    for link, token in ((address, visitor), (f"{address}#network=original", None)):
        other = context.new_page()
        if token:
            other.add_init_script(f"sessionStorage.setItem('fmnist-visitor', '{token}')")
        other.goto(link)
        other.wait_for_selector("#answer[data-answers]")
        other.locator("#feature_maps .tiles").scroll_into_view_if_needed()
        expect(other.locator("#answer select")).to_have_value("original")
        expect(other.locator("#feature_maps .layers b")).to_have_text(names)
        expect(other.locator("#feature_maps .what")).to_contain_text("6 × 24 × 24")
        other.close()


@on_both_devices  # on a phone the maps are out of sight meanwhile
def test_an_empty_pad_leaves_nothing_of_the_drawing_before(page: Page) -> None:
    page.locator("#feature_maps .tiles").scroll_into_view_if_needed()
    expect(page.locator("#feature_maps")).to_have_attribute("data-open", "conv1")
    page.locator("#feature_maps .tiles").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#channel[data-without]")
    page.locator("#channel .large").click(position={"x": 100, "y": 60})
    page.wait_for_selector("#channel[data-sum]")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#channel .words")).to_have_text("")
    expect(page.locator("#channel .grids table")).to_have_count(0)
    expect(page.locator("#channel .large")).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    page.locator("#feature_maps .tiles").scroll_into_view_if_needed()
    expect(page.locator("#channel .words")).to_contain_text("Without it")
    expect(page.locator("#channel .grids table")).to_have_count(3)


def test_maps_on_a_scale_of_their_own(page: Page) -> None:
    page.locator("#feature_maps .tiles").scroll_into_view_if_needed()
    expect(page.locator("#feature_maps")).to_have_attribute("data-open", "conv1")
    together = page.locator("#feature_maps .tiles").evaluate("canvas => canvas.toDataURL()")
    page.locator("#feature_maps .each").check()
    assert page.locator("#feature_maps .tiles").evaluate("canvas => canvas.toDataURL()") != together
    page.locator("#feature_maps .each").uncheck()
    assert page.locator("#feature_maps .tiles").evaluate("canvas => canvas.toDataURL()") == together


@on_both_devices
def test_why_this_answer(page: Page, device: str, shipped: Network, samples: Dataset) -> None:
    open_tab(page, "Why")
    expect(page.locator("#why")).to_have_attribute("data-label", str(CLASS_NAMES.index("Ankle boot")))
    expect(page.locator("#why .looks")).to_contain_text("Ankle boot")
    expect(page.locator("#why .needs")).to_contain_text("Ankle boot")
    before = page.locator("#why .occlusion").evaluate("canvas => canvas.toDataURL()")
    page.locator("#why select").select_option(label="Sandal")
    expect(page.locator("#why")).to_have_attribute("data-label", str(CLASS_NAMES.index("Sandal")))
    assert page.locator("#why .occlusion").evaluate("canvas => canvas.toDataURL()") != before
    page.locator("#why select").select_option(label="its prediction")
    clear(page)
    draw(page, SHIRT, device)
    page.locator("#why .occlusion").scroll_into_view_if_needed()
    page.wait_for_function("() => !['', '5', '9'].includes(document.querySelector('#why').dataset.label)")
    clear(page)
    expect(page.locator("#why")).to_have_attribute("data-label", "")
