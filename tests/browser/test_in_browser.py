"""The page as a visitor has it, on a desktop in light and on a phone in dark."""

import base64
import io
import itertools
import re
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw
from playwright.sync_api import BrowserContext, Page, expect

from fmnist_core import CLASS_NAMES, explain, inference
from fmnist_core.dataset import Dataset
from fmnist_core.errors import ConfigError
from fmnist_core.evaluation import all_logits
from fmnist_core.model import Network, layer_table, output_size, to_probabilities
from fmnist_core.pixels import open_picture, prepare

SHIRT = (
    (0.35, 0.15), (0.15, 0.25), (0.08, 0.45), (0.22, 0.5), (0.28, 0.4), (0.28, 0.88), (0.72, 0.88),
    (0.72, 0.4), (0.78, 0.5), (0.92, 0.45), (0.85, 0.25), (0.65, 0.15), (0.5, 0.22), (0.35, 0.15),
)  # fmt: skip


def answers(page: Page) -> int:
    return int(page.get_attribute("#answer", "data-answers") or 0)


def wait_for_answer(page: Page, after: int) -> None:
    page.wait_for_function("after => Number(document.querySelector('#answer').dataset.answers) > after", arg=after)


def settle(page: Page) -> None:
    """Wait until no answer is under way: nothing more is painted over a good while."""
    page.wait_for_function(
        """() => new Promise(resolve => {
            const before = document.querySelector('#answer').dataset.answers;
            setTimeout(() => resolve(before === document.querySelector('#answer').dataset.answers), 400);
        })"""
    )


def draw(page: Page, corners: tuple[tuple[float, float], ...], device: str) -> int:
    """One stroke through ``corners`` (parts of the pad); returns how many answers came before it ended."""
    page.locator("#pad canvas").scroll_into_view_if_needed()
    box = page.locator("#pad canvas").bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    before = answers(page)
    if device == "desktop":
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place, steps=8)
            wait_for_answer(page, before)
        live = answers(page) - before
        page.mouse.up()
        return live
    touch = page.context.new_cdp_session(page)

    def send(kind: str, place: tuple[float, float] | None) -> None:
        points = [] if place is None else [{"x": place[0], "y": place[1]}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    send("touchStart", places[0])
    for (x0, y0), (x1, y1) in itertools.pairwise(places):
        for step in range(1, 9):
            send("touchMove", (x0 + (x1 - x0) * step / 8, y0 + (y1 - y0) * step / 8))
        wait_for_answer(page, before)
    live = answers(page) - before
    send("touchEnd", None)
    return live


def shown(page: Page) -> list[str]:
    return page.locator("#answer li b").all_inner_texts()


def seen(page: Page) -> list[int]:
    """The 784 pixels that the page says the network sees."""
    script = "() => [...document.querySelector('#seen .pixels').getContext('2d').getImageData(0, 0, 28, 28).data]"
    return list(page.evaluate(script)[::4])


def rounded(probabilities: torch.Tensor) -> list[str]:
    """Probabilities as the page writes them."""
    return ["<1 %" if 0 < part < 0.005 else f"{int(100 * part + 0.5)} %" for part in probabilities.double().tolist()]


def open_tab(page: Page, name: str) -> None:
    tab = page.get_by_role("tab", name=name, exact=True)
    if not tab.is_visible():  # on a phone, the last tabs are in a menu
        page.locator(".overflow-menu > button").click()
        page.locator(".overflow-dropdown button", has_text=name).click()
    else:
        tab.click()


def test_first_paint_shows_a_finished_example(page: Page, shipped: Network, samples: Dataset) -> None:
    example = int((samples.test.labels == CLASS_NAMES.index("Ankle boot")).nonzero()[0])
    reading = inference.read_pixels(shipped, samples.test.pixels[example])
    assert shown(page) == rounded(reading.probabilities)
    assert page.inner_text("#answer .words") == inference.in_words(reading)
    assert seen(page) == samples.test.pixels[example].flatten().tolist()


def test_drawing_a_shirt(page: Page, device: str, shipped: Network) -> None:
    page.wait_for_selector("#pad .hint:visible")
    scroll = page.evaluate("scrollY")
    live = draw(page, SHIRT, device)
    assert live >= 3, "the answer did not change while the stroke was being drawn"
    assert page.evaluate("scrollY") == pytest.approx(scroll, abs=400)  # only to bring the pad into view
    settle(page)
    # The example made room: what the network sees is the drawing, prepared by the core.
    sent = page.evaluate(
        """() => {
            const small = document.createElement('canvas');
            small.width = small.height = 224;
            const context = small.getContext('2d');
            context.imageSmoothingQuality = 'high';
            context.drawImage(document.querySelector('#pad canvas'), 0, 0, 224, 224);
            return small.toDataURL('image/png').split(',')[1];
        }"""
    )
    picture = open_picture(base64.b64decode(sent))
    reading = inference.read_picture(shipped, picture)
    assert shown(page) == rounded(reading.probabilities)
    assert seen(page) == prepare(picture).pixels.flatten().tolist()
    assert page.locator("#answer li.best").count() == 1


def test_the_visitor_says_what_a_picture_is(page: Page, tmp_path: Path, shipped: Network) -> None:
    picture = Image.new("RGB", (300, 400), "#b98a5a")
    for y in range(0, 400, 25):
        ImageDraw.Draw(picture).line((0, y, 300, y), fill="#70502c", width=6)
    ImageDraw.Draw(picture).polygon(
        [(90, 60), (210, 60), (225, 350), (170, 350), (150, 150), (130, 350), (75, 350)], "navy"
    )
    picture.save(tmp_path / "trousers.png")
    select, again = page.locator("#seen select"), page.locator("#seen button")
    expect(select).to_be_disabled()  # an image of the data set is what it is
    before = answers(page)
    page.set_input_files("#pad [type=file]", tmp_path / "trousers.png")
    wait_for_answer(page, before)
    expect(select).to_have_value("photo")
    expect(again).to_be_hidden()
    settle(page)
    assert seen(page) == prepare(picture).pixels.flatten().tolist()
    before = answers(page)
    select.select_option("product")
    wait_for_answer(page, before)
    expect(select).to_have_value("product")
    settle(page)
    assert seen(page) == prepare(picture, "product").pixels.flatten().tolist()
    before = answers(page)
    again.click()
    wait_for_answer(page, before)
    expect(select).to_have_value("photo")
    expect(again).to_be_hidden()
    # What was said of this picture is not said of the next one.
    select.select_option("sample")
    expect(again).to_be_visible()
    page.locator("#pad [data-do=clear]").click()
    expect(page.locator("#seen button")).to_be_hidden()


def test_the_steps_of_the_preparation(page: Page, device: str) -> None:
    page.locator("#seen summary").click()
    expect(page.locator("#seen .said")).to_have_text("An image of the data set needs no preparation.")
    draw(page, SHIRT, device)
    expect(page.locator("#seen .said")).to_contain_text("Only made grey and small")
    is_painted = """name => document.querySelector(`#seen canvas.${name}`).getContext('2d')
        .getImageData(0, 0, 128, 128).data.some((value, place) => place % 4 === 0 && value > 200)"""
    for name in ("found", "cropped", "without"):
        page.wait_for_function(is_painted, arg=name)
    page.locator("#pad [data-do=clear]").click()
    expect(page.locator("#seen .said")).to_have_text("")


def test_a_drawing_can_be_taken_for_something_else(page: Page, device: str) -> None:
    draw(page, SHIRT, device)
    settle(page)
    expect(page.locator("#seen select")).to_have_value("drawing")
    before, pixels = answers(page), seen(page)
    page.locator("#seen select").select_option("product")
    wait_for_answer(page, before)
    settle(page)
    assert seen(page) != pixels
    draw(page, ((0.4, 0.5), (0.6, 0.6)), device)  # and remains so while one draws on
    settle(page)
    expect(page.locator("#seen select")).to_have_value("product")


def test_what_is_no_garment_is_only_guessed(page: Page, device: str) -> None:
    draw(page, ((0.1, 0.5), (0.9, 0.45), (0.15, 0.6), (0.85, 0.55), (0.5, 0.1), (0.45, 0.9)), device)
    settle(page)
    words, aside = page.inner_text("#answer .words"), page.inner_text("#answer .aside")
    assert words.startswith("At a guess: ")
    assert aside == inference.UNFAMILIAR
    meter = float(page.locator("#answer meter").evaluate("meter => meter.value"))
    assert page.inner_text("#answer .familiar b") == f"{int(100 * meter + 0.5)} %"
    assert meter < inference.FAMILIAR


def test_the_page_does_not_scroll_under_a_drawing_finger(page: Page, device: str) -> None:
    if device == "desktop":
        page.set_viewport_size({"width": 1280, "height": 500})
    page.locator("#pad canvas").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    draw(page, ((0.5, 0.9), (0.5, 0.1)), device)
    assert page.evaluate("scrollY") == before


def test_clear_undo_and_eraser(page: Page, device: str) -> None:
    draw(page, SHIRT, device)
    settle(page)
    drawn = shown(page)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#answer .words")).to_have_text("Draw something")
    assert page.locator("#answer li.best").count() == 0
    assert set(shown(page)) == {"–"}
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#answer li b")).to_have_text(drawn)
    page.get_by_role("button", name="Eraser").click()
    assert page.get_attribute("[data-tool=eraser]", "aria-pressed") == "true"
    page.locator("#pad [type=range]").evaluate(
        "field => { field.value = 64; field.dispatchEvent(new Event('input')); }"
    )
    draw(page, ((0.25, 0.6), (0.75, 0.6), (0.25, 0.85), (0.75, 0.9)), device)
    settle(page)
    assert shown(page) != drawn


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_clearing_in_the_middle_of_a_stroke_ends_it(page: Page, device: str) -> None:
    box = page.locator("#pad canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 80, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 200, steps=5)
    page.keyboard.press("Delete")
    expect(page.locator("#answer .words")).to_have_text("Draw something")
    page.mouse.move(box["x"] + 250, box["y"] + 100, steps=5)
    page.mouse.up()
    settle(page)
    pad = "document.querySelector('#pad canvas').getContext('2d').getImageData(0, 0, 560, 560).data"
    assert page.evaluate(f"() => {pad}.every(value => value === 255)")
    page.keyboard.press("Control+z")  # works wherever on the pad the focus is, and brings the stroke back
    expect(page.locator("#answer li.best")).to_have_count(1)


def test_an_example_that_comes_late_leaves_the_drawing_alone(
    context: BrowserContext, address: str, device: str
) -> None:
    page = context.new_page()
    held = []
    page.route("**/samples.png", lambda route: held.append(route))
    page.goto(address, wait_until="domcontentloaded")
    page.wait_for_selector("#pad canvas")
    page.wait_for_function("() => document.querySelectorAll('#answer li').length === 10")
    draw(page, SHIRT, device)
    settle(page)
    before = shown(page)
    for route in held:
        route.continue_()
    page.wait_for_function("() => fmnist.samples.ready")
    settle(page)
    assert shown(page) == before
    expect(page.locator("#pad .hint")).to_be_hidden()


def test_a_dot_is_no_garment(page: Page, device: str) -> None:
    page.locator("#pad [type=range]").evaluate("field => { field.value = 8; field.dispatchEvent(new Event('input')); }")
    before = answers(page)
    draw(page, ((0.5, 0.5), (0.502, 0.5)), device)
    wait_for_answer(page, before)
    settle(page)
    assert "dot" in page.inner_text("#answer .words")
    assert page.locator("#answer li.best").count() == 0


def test_feature_maps_of_every_layer(page: Page, device: str, shipped: Network) -> None:
    page.locator("#maps .lead").scroll_into_view_if_needed()
    names = [name for name, _ in shipped.layers.named_children()]
    expect(page.locator("#maps")).to_have_attribute("data-open", names[0])
    assert page.locator("#maps .layers b").all_inner_texts() == names
    for name in (names[0], names[len(names) // 2], "flatten", "out"):
        page.locator(f"#maps [data-layer={name}]").click()
        expect(page.locator("#maps")).to_have_attribute("data-open", name)
        expect(page.locator("#maps h4 .title")).to_have_text(name)
        shape = next(row.shape for row in layer_table(shipped) if row.name == name)
        expect(page.locator("#maps h4 .what")).to_contain_text(" × ".join(map(str, shape)))
        expect(page.locator("#maps [aria-current=true]")).to_have_attribute("data-layer", name)
    page.locator(f"#maps [data-layer={names[0]}]").click()
    expect(page.locator("#maps")).to_have_attribute("data-open", names[0])
    before = page.locator("#maps .tiles").evaluate("canvas => canvas.toDataURL()")
    draw(page, SHIRT, device)
    page.locator("#maps .lead").scroll_into_view_if_needed()
    page.wait_for_function("before => document.querySelector('#maps .tiles').toDataURL() !== before", arg=before)


def test_one_channel_of_a_layer(page: Page, device: str, shipped: Network, samples: Dataset) -> None:
    example = int((samples.test.labels == CLASS_NAMES.index("Ankle boot")).nonzero()[0])
    reading = inference.read_pixels(shipped, samples.test.pixels[example])
    page.locator("#maps .tiles").scroll_into_view_if_needed()
    expect(page.locator("#maps")).to_have_attribute("data-open", "conv1")
    expect(page.locator("#channel .about")).to_be_hidden()
    page.locator("#maps .tiles").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#channel")).to_have_attribute("data-channel", "conv1 1", timeout=30_000)
    expect(page.locator("#channel h4")).to_have_text("conv1, 2 of 32")
    expect(page.locator("#channel .exciting button")).to_have_count(9)
    # The answer without it, as the core has it.
    expected = to_probabilities(explain.switched_off(shipped, reading.trace, "conv1", 1))[0].tolist()
    page.wait_for_selector("#channel[data-without]")
    told = [float(part) for part in (page.get_attribute("#channel", "data-without") or "").split(",")]
    assert told == pytest.approx(expected, abs=1e-3)
    # The sum behind a pixel is the pixel.
    large = page.locator("#channel .large")
    large.scroll_into_view_if_needed()
    large.click(position={"x": 100, "y": 60})
    page.wait_for_selector("#channel[data-sum]")
    row, column = 60 * 28 // 224, 100 * 28 // 224
    value = float(reading.trace.maps["conv1"][0, 1, row, column])
    assert float(page.get_attribute("#channel", "data-sum") or "") == pytest.approx(value, abs=1e-3)
    assert page.locator("#channel .grids table").count() == 3
    assert page.locator("#channel .grids td").count() == 27
    expect(page.locator("#channel .where")).to_have_text(f"(row {row + 1}, column {column + 1})")
    # One of the images that excite it becomes the current picture, and the channel stays open for it.
    before = answers(page)
    page.locator("#channel .exciting button").first.click()
    wait_for_answer(page, before)
    assert page.evaluate("location.hash").count("channel=1") == 1
    expect(page.locator("#channel h4")).to_have_text("conv1, 2 of 32")
    page.locator("#channel .close").click()
    expect(page.locator("#channel .about")).to_be_hidden()
    assert "channel" not in page.evaluate("location.hash")


@pytest.mark.parametrize("device", ["desktop"], indirect=True)  # the same on a phone
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
        page.locator("#maps .tiles").scroll_into_view_if_needed()
        expect(page.locator("#maps")).to_have_attribute("data-open", layer)
        if channel:
            expect(page.locator("#channel")).to_have_attribute("data-channel", channel, timeout=30_000)
        else:
            expect(page.locator("#channel .about")).to_be_hidden()
        assert problems == []
        page.close()


def test_another_network_leaves_nothing_of_the_one_before(page: Page, original: Network, samples: Dataset) -> None:
    example = int((samples.test.labels == CLASS_NAMES.index("Ankle boot")).nonzero()[0])
    page.locator("#maps .tiles").scroll_into_view_if_needed()
    expect(page.locator("#maps")).to_have_attribute("data-open", "conv1")
    page.locator("#maps [data-layer=relu6]").click()
    expect(page.locator("#maps")).to_have_attribute("data-open", "relu6")
    page.locator("#maps .tiles").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#channel h4")).to_have_text("relu6, 1 of 160")
    page.locator("#answer select").select_option("original")
    expect(page.locator("#answer .problem")).to_be_hidden()
    names = [name for name, _ in original.layers.named_children()]
    expect(page.locator("#maps .layers b")).to_have_text(names)
    page.locator("#maps .tiles").scroll_into_view_if_needed()
    expect(page.locator("#maps")).to_have_attribute("data-open", "conv1")  # the other one has no relu6
    expect(page.locator("#channel .about")).to_be_hidden()
    settle(page)
    expect(page.locator("#answer select")).to_have_value("original")
    assert shown(page) == rounded(inference.read_pixels(original, samples.test.pixels[example]).probabilities)


@pytest.mark.parametrize("device", ["desktop"], indirect=True)  # the same on a phone
def test_every_view_follows_the_network_after_a_reload_too(
    page: Page, context: BrowserContext, address: str, original: Network
) -> None:
    page.locator("#maps .tiles").scroll_into_view_if_needed()
    expect(page.locator("#maps")).to_have_attribute("data-open", "conv1")
    page.locator("#answer select").select_option("original")  # it has a conv1, too
    names = [name for name, _ in original.layers.named_children()]
    expect(page.locator("#maps .layers b")).to_have_text(names)
    expect(page.locator("#maps .what")).to_contain_text("6 × 24 × 24")
    assert "network=original" in page.url
    page.locator("#maps .tiles").focus()
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
        other.locator("#maps .tiles").scroll_into_view_if_needed()
        expect(other.locator("#answer select")).to_have_value("original")
        expect(other.locator("#maps .layers b")).to_have_text(names)
        expect(other.locator("#maps .what")).to_contain_text("6 × 24 × 24")
        other.close()


def test_an_empty_pad_leaves_nothing_of_the_drawing_before(page: Page) -> None:
    page.locator("#maps .tiles").scroll_into_view_if_needed()
    expect(page.locator("#maps")).to_have_attribute("data-open", "conv1")
    page.locator("#maps .tiles").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#channel[data-without]")
    page.locator("#channel .large").click(position={"x": 100, "y": 60})
    page.wait_for_selector("#channel[data-sum]")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#channel .words")).to_have_text("")
    expect(page.locator("#channel .grids table")).to_have_count(0)
    expect(page.locator("#channel .large")).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    page.locator("#maps .tiles").scroll_into_view_if_needed()  # on a phone it was out of sight
    expect(page.locator("#channel .words")).to_contain_text("Without it")
    expect(page.locator("#channel .grids table")).to_have_count(3)


def test_maps_on_a_scale_of_their_own(page: Page) -> None:
    page.locator("#maps .tiles").scroll_into_view_if_needed()
    expect(page.locator("#maps")).to_have_attribute("data-open", "conv1")
    together = page.locator("#maps .tiles").evaluate("canvas => canvas.toDataURL()")
    page.locator("#maps .each").check()
    assert page.locator("#maps .tiles").evaluate("canvas => canvas.toDataURL()") != together
    page.locator("#maps .each").uncheck()
    assert page.locator("#maps .tiles").evaluate("canvas => canvas.toDataURL()") == together


def test_why_this_answer(page: Page, device: str, shipped: Network, samples: Dataset) -> None:
    open_tab(page, "Why")
    expect(page.locator("#why")).to_have_attribute("data-label", str(CLASS_NAMES.index("Ankle boot")))
    expect(page.locator("#why .looks")).to_contain_text("Ankle boot")
    expect(page.locator("#why .needs")).to_contain_text("Ankle boot")
    before = page.locator("#why .occlusion").evaluate("canvas => canvas.toDataURL()")
    page.locator("#why select").select_option(label="Sandal")
    expect(page.locator("#why")).to_have_attribute("data-label", str(CLASS_NAMES.index("Sandal")))
    assert page.locator("#why .occlusion").evaluate("canvas => canvas.toDataURL()") != before
    page.locator("#why select").select_option(label="its answer")
    draw(page, SHIRT, device)
    page.locator("#why .occlusion").scroll_into_view_if_needed()
    page.wait_for_function("() => !['', '5', '9'].includes(document.querySelector('#why').dataset.label)")
    page.locator("#pad [data-do=clear]").click()
    expect(page.locator("#why")).to_have_attribute("data-label", "")


def open_map(page: Page) -> None:
    """The map with all its points at rest and the visitor's among them, in sight."""
    open_tab(page, "Map")
    page.locator("#map .plane").scroll_into_view_if_needed()
    expect(page.locator("#map")).to_have_attribute("data-moving", "false")
    expect(page.locator("#map")).to_have_attribute("data-you", re.compile(r"\d+,\d+"))


def on_map(page: Page, x: float, y: float) -> tuple[float, float]:
    """A place of the page, from parts of the map's width and height."""
    box = page.locator("#map .plane").bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def lit(page: Page) -> str:
    """The index of the image that the pointer or the keyboard is at, or nothing."""
    return page.get_attribute("#map", "data-lit") or ""


def hovered(page: Page, place: tuple[float, float]) -> str:
    """The image at a place of the page, or nothing."""
    page.mouse.move(*place)
    return lit(page)


def hover_a_mark(page: Page, along: float = 0.5) -> tuple[float, float]:
    """Move the pointer along a line through the map until it is at a mark; returns where."""
    for part in range(60):
        place = on_map(page, 0.2 + part / 100, along)
        page.mouse.move(*place)
        if lit(page):
            return place
    raise AssertionError("there is no mark on that line")


def test_the_map_and_the_visitors_point(page: Page, device: str) -> None:
    open_map(page)
    expect(page.locator("#map")).to_have_attribute("data-points", "2000")
    before = page.get_attribute("#map", "data-you")
    draw(page, SHIRT, device)
    page.locator("#map .plane").scroll_into_view_if_needed()
    page.wait_for_function("before => document.querySelector('#map').dataset.you !== before", arg=before)
    expect(page.locator("#map .alike li")).to_have_count(5)
    for card in page.locator("#map .alike li").all_inner_texts():
        assert re.fullmatch(rf"({'|'.join(CLASS_NAMES)})\n\d+(\.\d+)?", card)
    for layout, name in (("tsne", "t-SNE"), ("pixels", "raw pixels"), ("pca", "PCA")):
        before = page.get_attribute("#map", "data-you")
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator("#map")).to_have_attribute("data-layout", layout)
        expect(page.locator("#map")).to_have_attribute("data-moving", "false")
        assert page.get_attribute("#map", "data-you") != before
        assert "estimate" in page.inner_text("#map .note") or layout != "tsne"
    assert [text.strip() for text in page.locator("#map .legend li").all_inner_texts()] == list(CLASS_NAMES)


def test_points_travel_from_layout_to_layout(page: Page) -> None:
    open_map(page)
    painted = "document.querySelector('#map .dots').getContext('2d').getImageData(0, 0, 300, 300).data.join()"
    pictures, moving = page.evaluate(
        f"""async () => {{
            const map = document.querySelector('#map');
            document.querySelector('#map [data-layout=tsne]').click();
            const pictures = new Set();
            const moving = map.dataset.moving;
            while (map.dataset.moving === 'true') {{
                pictures.add({painted});
                await new Promise(requestAnimationFrame);
            }}
            return [pictures.size, moving];
        }}"""
    )
    assert moving == "true"
    assert pictures >= 3
    page.emulate_media(reduced_motion="reduce")
    page.locator("#map [data-layout=pca]").click()
    assert page.get_attribute("#map", "data-moving") == "false"


def test_a_link_opens_the_map_as_it_was(page: Page, address: str, context: BrowserContext) -> None:
    open_map(page)
    page.locator("#map [data-layout=pixels]").click()
    page.locator("#map [data-colour=mistakes]").click()
    assert "layout=pixels" in page.url
    assert "colour=mistakes" in page.url
    for link, layout, colour in (
        (page.url, "pixels", "mistakes"),
        (f"{address}#layout=__proto__&colour=%3Cimg%3E", "pca", "true"),
    ):
        other = context.new_page()
        other.goto(link)
        other.wait_for_selector("#answer[data-answers]")
        open_map(other)
        expect(other.locator("#map")).to_have_attribute("data-layout", layout)
        expect(other.locator("#map")).to_have_attribute("data-colour", colour)
        expect(other.locator(f"#map [data-layout={layout}]")).to_have_attribute("aria-pressed", "true")
        expect(other.locator(f"#map [data-colour={colour}]")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_a_network_without_tsne_falls_back_to_pca(page: Page) -> None:
    open_map(page)
    page.locator("#map [data-layout=tsne]").click()
    expect(page.locator("#map")).to_have_attribute("data-moving", "false")
    page.evaluate(
        """() => {
            const call = fmnist.call;
            fmnist.call = async (...request) => {
                const reply = await call(...request);
                return "others" in reply ? { ...reply, tsne: null } : reply; // the points
            };
            fmnist.emit("network");
        }"""
    )
    expect(page.locator("#map")).to_have_attribute("data-layout", "pca")
    expect(page.locator("#map [data-layout=tsne]")).to_be_disabled()
    expect(page.locator("#map .note")).to_contain_text("t-SNE is not ready for this network.")
    expect(page.locator("#map")).to_have_attribute("data-moving", "false")


def test_marks_by_answer_and_one_class_alone(page: Page, shipped: Network, samples: Dataset) -> None:
    labels, answered = samples.test.labels, all_logits(shipped, samples.test).argmax(1)
    coat = CLASS_NAMES.index("Coat")
    plain, legend = page.locator("#map"), page.locator("#map .legend button", has_text="Coat")

    def painted() -> str:
        expect(page.locator("#map")).to_have_attribute("data-moving", "false")
        page.evaluate("() => new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)))")
        return str(page.locator("#map .dots").evaluate("canvas => canvas.toDataURL()"))

    open_map(page)
    pictures = [painted()]
    for colour, shown, coats in (
        ("true", len(labels), labels == coat),
        ("predicted", len(labels), answered == coat),
        ("mistakes", (labels != answered).sum(), (answered == coat) & (labels != coat)),
    ):
        page.locator(f"#map [data-colour={colour}]").click()
        expect(plain).to_have_attribute("data-plain", str(int(shown)))
        pictures.append(painted())
        legend.click()
        expect(legend).to_have_attribute("aria-pressed", "true")
        expect(plain).to_have_attribute("data-plain", str(int(coats.sum())))
        pictures.append(painted())
        legend.click()
        expect(legend).to_have_attribute("aria-pressed", "false")
        expect(plain).to_have_attribute("data-plain", str(int(shown)))
    assert len(set(pictures)) == 6  # the first two are the same
    legend.click()
    page.locator("#map .legend button", has_text="Bag").click()  # instead of the other
    expect(legend).to_have_attribute("aria-pressed", "false")
    assert f"{int((labels != answered).sum())} of 2,000." in page.inner_text("#map .note")


@pytest.mark.parametrize("device", ["desktop"], indirect=True)  # a phone has no pointer that hovers
def test_hover_and_click_on_the_map(page: Page, samples: Dataset, shipped: Network) -> None:
    open_map(page)
    place = hover_a_mark(page)
    index = int(lit(page))
    expect(page.locator("#map .tip")).to_be_visible()
    number, answer = int(samples.test.numbers[index]), inference.read_pixels(shipped, samples.test.pixels[index]).label
    assert page.inner_text("#map .tip .class").strip() == CLASS_NAMES[samples.test.labels[index]]
    assert page.inner_text("#map .tip .taken").split("\n")[-1].strip().endswith(CLASS_NAMES[answer])
    assert page.inner_text("#map .tip .number") == f"test image {number}"
    shown = page.evaluate(
        """() => [...document.querySelector('#map .picture').getContext('2d').getImageData(0, 0, 84, 84).data]
            .filter((_, i) => i % 12 === 0 && Math.floor(i / 336) % 3 === 0)"""
    )
    assert shown == samples.test.pixels[index].flatten().tolist()
    before = answers(page)
    page.mouse.click(*place)
    wait_for_answer(page, before)
    expect(page.locator("#pad .hint")).to_contain_text(f"test image {number}")


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_zoom_and_drag_keep_marks_below_the_pointer(page: Page) -> None:
    open_map(page)
    page.evaluate("() => { fmnist.on('points', points => { window.points = points; }); fmnist.emit('network'); }")
    page.wait_for_function("() => window.points")
    expect(page.locator("#map")).to_have_attribute("data-moving", "false")
    spots = torch.tensor(page.evaluate("() => [...points.pca]")).reshape(-1, 2)
    # The mark that is farthest from all others, in the middle part of the map.
    alone = torch.cdist(spots, spots).fill_diagonal_(9).min(1).values * ((spots - 0.5).abs() < 0.3).all(1)
    index = str(int(alone.argmax()))
    right, up = spots[int(index)].tolist()

    def mark() -> tuple[float, float]:
        page.locator("#map .plane").scroll_into_view_if_needed()
        box = page.locator("#map .plane").bounding_box()
        assert box is not None
        width, height = box["width"] - 2, box["height"] - 2  # without the frame
        return (
            box["x"] + 1 + width / 2 + (right - 0.5) * (width - 44),
            box["y"] + 1 + height / 2 - (up - 0.5) * (height - 44),
        )

    # The wheel scrolls the page, unless it is meant for the map.
    page.mouse.move(*mark())
    assert lit(page) == index
    scroll = page.evaluate("scrollY")
    page.mouse.wheel(0, -120)
    page.wait_for_function("before => scrollY !== before", arg=scroll)
    expect(page.locator("#map")).to_have_attribute("data-zoom", "1.00")
    x, y = mark()
    page.mouse.move(x, y)
    scroll = page.evaluate("scrollY")
    page.keyboard.down("Control")
    for _ in range(4):
        page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_function("() => Number(document.querySelector('#map').dataset.zoom) > 3")
    assert page.evaluate("scrollY") == scroll
    page.mouse.move(x + 1, y)
    assert lit(page) == index
    page.mouse.move(x + 16, y)
    assert lit(page) != index
    page.mouse.move(x, y)
    before = answers(page)
    page.mouse.down()
    page.mouse.move(x + 61, y + 40, steps=5)
    assert lit(page) == ""
    page.mouse.up()
    page.mouse.move(x + 60, y + 40)
    assert lit(page) == index
    settle(page)
    assert answers(page) == before, "a drag is no click"
    page.get_by_role("button", name="Show the whole map").click()
    expect(page.locator("#map")).to_have_attribute("data-zoom", "1.00")
    page.mouse.move(*mark())
    assert lit(page) == index
    page.get_by_role("button", name="Zoom in").click()
    expect(page.locator("#map")).to_have_attribute("data-zoom", "1.50")
    empty = next(place for part in range(50) if not hovered(page, place := on_map(page, 0.1 + part / 70, 0.1)))
    page.mouse.dblclick(*empty)
    expect(page.locator("#map")).to_have_attribute("data-zoom", "3.00")


@pytest.mark.parametrize("device", ["phone"], indirect=True)
def test_fingers_on_the_map(page: Page) -> None:
    open_map(page)
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def swipe() -> None:
        x, y = on_map(page, 0.5, 0.6)
        send("touchStart", (x, y))
        for step in range(1, 11):
            send("touchMove", (x, y - 10 * step))
        send("touchEnd")

    scroll = page.evaluate("scrollY")
    swipe()
    page.wait_for_function("before => scrollY > before + 30", arg=scroll)  # one finger scrolls the page
    page.locator("#map .plane").scroll_into_view_if_needed()
    (x, y), scroll = on_map(page, 0.5, 0.5), page.evaluate("scrollY")
    send("touchStart", (x - 20, y), (x + 20, y))
    for step in range(1, 11):
        send("touchMove", (x - 20 - 8 * step, y), (x + 20 + 8 * step, y))
    send("touchEnd")
    page.wait_for_function("() => Number(document.querySelector('#map').dataset.zoom) > 3")
    before = page.get_attribute("#map", "data-you")
    swipe()  # now it moves the map
    page.wait_for_function("before => document.querySelector('#map').dataset.you !== before", arg=before)
    assert page.evaluate("scrollY") == scroll
    assert page.evaluate("visualViewport.scale") == 1


def test_the_map_by_keyboard(page: Page) -> None:
    open_map(page)
    canvas = page.get_by_role("application", name="Map of the test images")
    canvas.focus()
    assert "arrows" in page.locator("#map-keys").inner_text() or page.evaluate("innerWidth") < 700
    walked = []
    for key in ("n", "n", "n", "Shift+N", "n"):
        page.keyboard.press(key)
        walked.append(lit(page))
    assert len({*walked[:3]}) == 3
    assert walked[3:] == [walked[1], walked[2]]
    spoken = page.locator("#map .spoken").inner_text()
    number = re.search(r"test image (\d+)", spoken)
    assert number
    page.keyboard.press("+")
    page.keyboard.press("+")
    expect(page.locator("#map")).to_have_attribute("data-zoom", "2.25")
    before = page.get_attribute("#map", "data-you")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => document.querySelector('#map').dataset.you !== before", arg=before)
    page.keyboard.press("-")
    expect(page.locator("#map")).to_have_attribute("data-zoom", "1.50")
    page.keyboard.press("0")
    expect(page.locator("#map")).to_have_attribute("data-zoom", "1.00")
    assert lit(page) == walked[-1]
    before_answers = answers(page)
    page.keyboard.press("Enter")
    wait_for_answer(page, before_answers)
    expect(page.locator("#pad .hint")).to_contain_text(f"test image {number[1]}")
    page.keyboard.press("Escape")
    assert lit(page) == ""


def test_a_test_image_found_by_its_number(page: Page, samples: Dataset) -> None:
    open_map(page)
    numbers = samples.test.numbers.tolist()
    page.locator("#map .seek input").fill(str(numbers[1234]))
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#map")).to_have_attribute("data-lit", "1234")
    expect(page.locator("#map")).to_have_attribute("data-zoom", "5.00")
    name = CLASS_NAMES[samples.test.labels[1234]]
    expect(page.locator("#map .said")).to_contain_text(f"{name}, test image {numbers[1234]}")
    missing = next(number for number in range(10_000) if number not in numbers)
    page.locator("#map .seek input").fill(str(missing))
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#map .said")).to_contain_text(f"Test image {missing} is not on the map.")
    expect(page.locator("#map .more")).to_be_hidden()  # this server has only the samples


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_the_trail_grows_and_is_cleared(page: Page, device: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 1700})  # pad and map are in sight together
    open_map(page)
    length = "() => Number(document.querySelector('#map').dataset.trail)"
    assert page.evaluate(length) == 1
    draw(page, SHIRT, device)
    page.wait_for_function(f"() => ({length})() >= 4")
    for _ in range(6):
        draw(page, SHIRT, device)
    settle(page)
    assert page.evaluate(length) <= 40
    page.locator("#map [data-layout=pixels]").click()
    expect(page.locator("#map")).to_have_attribute("data-moving", "false")
    expect(page.locator("#map")).to_have_attribute("data-trail", "1")
    draw(page, SHIRT, device)
    page.wait_for_function(f"() => ({length})() >= 3")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#map")).to_have_attribute("data-trail", "0")
    assert page.get_attribute("#map", "data-you") is None
    assert page.locator("#map .alike li").count() == 0
    for number in (1, 2):
        page.locator("#samples .thumbnail").nth(number).click()
        expect(page.locator("#map")).to_have_attribute("data-trail", "1")


def test_marked_samples_have_a_ring(page: Page) -> None:
    open_map(page)
    over = "document.querySelector('#map .over').toDataURL()"
    before = page.evaluate(over)
    assert page.evaluate(f"() => {{ fmnist.emit('marked', [5, 6, 1999]); return {over}; }}") != before
    assert page.evaluate(f"() => {{ fmnist.emit('marked', []); return {over}; }}") == before


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_all_test_images(
    context: BrowserContext, whole_address: str, full_data: Dataset, samples: Dataset, original: Network
) -> None:
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(whole_address)
    page.wait_for_selector("#answer[data-answers]")
    open_map(page)
    page.evaluate("() => fmnist.on('points', points => { window.points = points; })")
    page.get_by_role("button", name="Show all 10,000").click()
    expect(page.locator("#map")).to_have_attribute("data-points", "10000", timeout=120_000)
    expect(page.locator("#map")).to_have_attribute("data-moving", "false")
    told = page.evaluate("() => [[...fmnist.samples.numbers], [...fmnist.samples.labels], [...points.answers]]")
    numbers, labels, answered = (torch.tensor(list_) for list_ in told)
    assert numbers[:2000].tolist() == samples.test.numbers.tolist()
    assert sorted(numbers.tolist()) == list(range(10_000))
    assert torch.equal(labels, full_data.test.labels[numbers])
    assert (answered == all_logits(original, full_data.test.take(numbers)).argmax(1)).float().mean() > 0.999
    for name in ("pca", "pixels", "tsne"):
        spots = page.evaluate(f"() => [...points.{name}]")
        assert [len(spots), min(spots), max(spots)] == [20_000, 0, 1]
    # One that is not shipped: found by its number, and made the current picture.
    page.locator("#map .seek input").fill(str(int(numbers[7000])))
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#map")).to_have_attribute("data-lit", "7000")
    before = answers(page)
    page.locator("#map .over").focus()
    page.keyboard.press("Enter")
    wait_for_answer(page, before)
    expect(page.locator("#pad .hint")).to_contain_text(f"test image {numbers[7000]}")
    settle(page)
    assert seen(page) == full_data.test.pixels[numbers[7000]].flatten().tolist()
    page.get_by_role("button", name="Show only 2,000").click()
    expect(page.locator("#map")).to_have_attribute("data-points", "2000")
    page.get_by_role("button", name="Show all 10,000").click()  # known already
    expect(page.locator("#map")).to_have_attribute("data-points", "10000")
    page.evaluate("() => fmnist.emit('network')")  # all that is known is stale
    expect(page.locator("#map")).to_have_attribute("data-points", "2000")
    assert page.evaluate("() => [points.answers.length, fmnist.samples.labels.length]") == [2000, 2000]
    assert problems == []


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def trousers() -> Image.Image:
    picture = Image.new("RGB", (300, 400), "white")
    pen = ImageDraw.Draw(picture)
    pen.polygon([(100, 40), (200, 40), (230, 370), (170, 370), (150, 150), (130, 370), (70, 370)], fill="navy")
    return picture


def test_upload_by_button(page: Page, shipped: Network) -> None:
    before = answers(page)
    page.set_input_files("#upload", {"name": "trousers.png", "mimeType": "image/png", "buffer": png(trousers())})
    wait_for_answer(page, before)
    # Polled: an answer to what was there before may still have been under way.
    expect(page.locator("#answer li b")).to_have_text(
        rounded(inference.read_picture(shipped, trousers()).probabilities)
    )
    expect(page.locator("#pad .problem")).to_be_hidden()


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_drop_and_paste(page: Page, shipped: Network, way: str) -> None:
    before = answers(page)
    page.evaluate(
        """([way, contents]) => {
            const bytes = Uint8Array.from(atob(contents), c => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], 'trousers.png', {type: 'image/png'}));
            const target = document.querySelector('#pad canvas');
            target.dispatchEvent(way === 'drop'
                ? new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true})
                : new ClipboardEvent('paste', {clipboardData: transfer, bubbles: true}));
        }""",
        [way, base64.b64encode(png(trousers())).decode()],
    )
    wait_for_answer(page, before)
    # Polled: an answer to what was there before may still have been under way.
    expect(page.locator("#answer li b")).to_have_text(
        rounded(inference.read_picture(shipped, trousers()).probabilities)
    )


def test_a_file_that_is_no_picture(page: Page, device: str) -> None:
    settle(page)
    before = shown(page)
    name = "<img src=x onerror=alert(1)>${alert(2)}{{3}}.png"
    page.set_input_files("#upload", {"name": name, "mimeType": "image/png", "buffer": b"just words"})
    problem = page.locator("#pad .problem")
    expect(problem).to_be_visible()
    expect(problem).to_have_text(f"{name} is not a picture that can be read; PNG, JPEG, GIF, WebP, BMP and TIFF can.")
    assert page.locator("#pad img").count() == 0
    assert shown(page) == before, "the answer before was lost"
    draw(page, SHIRT, device)  # and the page still works
    expect(problem).to_be_hidden()
    page.set_input_files("#upload", {"name": name, "mimeType": "image/png", "buffer": b"just words"})
    expect(problem).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(problem).to_be_hidden()


def test_one_click_samples_and_drawing_on_them(page: Page, device: str) -> None:
    before = answers(page)
    button = page.locator("#samples .thumbnail").nth(CLASS_NAMES.index("Bag"))
    title = button.get_attribute("title")
    button.click()
    wait_for_answer(page, before)
    expect(page.locator("#pad .hint")).to_have_text(title or "")
    settle(page)
    as_it_is = seen(page)
    draw(page, ((0.1, 0.1), (0.9, 0.9), (0.1, 0.9)), device)
    settle(page)
    assert seen(page) != as_it_is
    first = page.locator("#samples .thumbnail").first.get_attribute("title")
    page.get_by_role("button", name="another ten").click()
    assert page.locator("#samples .thumbnail").count() == 10
    assert page.locator("#samples .thumbnail").first.get_attribute("title") != first


def test_the_data_tab(page: Page, samples: Dataset) -> None:
    open_tab(page, "Data")
    expect(page.get_by_text("10,000 training and 2,000 test images that are shipped with the program")).to_be_visible()
    sprite = page.locator(".glance img")
    sprite.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('.glance img').naturalWidth === 840")
    page.locator("#browser select").select_option("Sandal")
    cards = page.locator("#browser li")
    expect(cards).to_have_count(40)
    assert {text.split("\n")[0] for text in cards.all_inner_texts()} == {"Sandal"}
    page.get_by_role("button", name="Next page").click()
    expect(page.locator("#browser .page")).to_have_text("page 2 of 5")
    numbers = [int(text.split("no. ")[1]) for text in cards.all_inner_texts()]
    sandals = samples.test.numbers[samples.test.labels == CLASS_NAMES.index("Sandal")]
    assert numbers == sandals[40:80].tolist()
    before = answers(page)
    cards.first.locator("button").click()
    wait_for_answer(page, before)


@pytest.mark.parametrize(
    "sides",  # height and width of n, f, p, s
    [
        {"n": (28, 28), "f": (5, 5), "p": (0, 0), "s": (1, 1)},
        {"n": (24, 30), "f": (2, 3), "p": (1, 0), "s": (2, 4)},
        {"n": (7, 5), "f": (9, 5), "p": (1, 0), "s": (1, 1)},
        {"n": (7, 5), "f": (10, 5), "p": (1, 0), "s": (1, 1)},
    ],
)
def test_the_size_calculator(page: Page, shipped: Network, sides: dict[str, tuple[int, int]]) -> None:
    open_tab(page, "Sizes")
    for name, pair in sides.items():
        for direction in (0, 1):
            page.locator(f"#sizes [data-of={name}{direction}]").fill(str(pair[direction]))
    try:
        height, width = (output_size(**{name: pair[i] for name, pair in sides.items()}) for i in (0, 1))
        expect(page.locator("#sizes .result")).to_have_attribute("data-size", f"{height}x{width}")
        expect(page.locator("#sizes .result")).to_contain_text(f"output {height} × {width}")
    except ConfigError:
        expect(page.locator("#sizes .result")).to_contain_text("wider than the padded input")
    page.locator("#sizes tbody tr", has_text="conv2").click()
    height, width = next(row.shape[1:] for row in layer_table(shipped) if row.name == "conv2")
    expect(page.locator("#sizes .result")).to_have_attribute("data-size", f"{height}x{width}")


def fill_form(page: Page, epochs: int, share: float, rate: float | None = None) -> None:
    for label, value in (("Epochs", epochs), ("Share of the data", share)):
        page.get_by_label(f"number input for {label}").fill(str(value))
        page.keyboard.press("Tab")
    if rate is not None:
        page.get_by_label("Learning rate").fill(str(rate))
        page.keyboard.press("Tab")


def test_retraining(page: Page, device: str, context: BrowserContext) -> None:
    open_tab(page, "Train")
    before = answers(page)
    page.locator("#samples .thumbnail").nth(2).click()  # stays the picture: it is in the link, which outlives a reload
    wait_for_answer(page, before)
    settle(page)
    first = shown(page)
    fill_form(page, epochs=30, share=1)
    page.locator("#retrain").click()
    curves = page.locator(".curves")
    expect(curves.locator(".status")).to_contain_text("images a second", timeout=60_000)
    # The page answers as ever meanwhile.
    before = answers(page)
    page.locator("#samples .thumbnail").nth(2).click()
    wait_for_answer(page, before)
    page.locator("#samples .thumbnail").nth(9).scroll_into_view_if_needed()
    page.locator("#stop").click()
    expect(curves).to_have_attribute("data-state", "trained", timeout=30_000)
    expect(curves.locator(".status")).to_contain_text("Stopped")
    for cell in (".before", ".after", ".before-drawings", ".after-drawings"):
        assert re.fullmatch(r"\d+\.\d %", curves.locator(cell).inner_text())
    expect(page.locator("#retrain")).to_be_enabled(timeout=60_000)  # its map is ready, too
    expect(page.locator("#answer select")).to_have_value("yours")

    # Another visitor still has the shipped network; so has this one after one click.
    other = context.browser.new_context()  # type: ignore[union-attr]
    stranger = other.new_page()
    stranger.goto(page.url)
    stranger.wait_for_selector("#answer[data-answers]")
    assert shown(stranger) == first
    other.close()
    page.reload()
    page.wait_for_selector("#answer[data-answers]")
    assert shown(page) != first, "a reload lost the visitor's network"
    open_tab(page, "Train")
    page.locator("#restore").click()
    expect(page.locator("#answer li b")).to_have_text(first)
    expect(page.locator("#answer select")).to_have_value("deep")
    expect(curves.locator(".progress")).to_have_attribute("aria-valuenow", "0")
    assert page.locator("#answer option").all_inner_texts() == [
        "deep: 611,434 parameters",
        "original: 33,250 parameters",
    ]


def test_a_learning_rate_that_cannot_work(page: Page) -> None:
    open_tab(page, "Train")
    for rate, words in ((0, "learning rate is 0"), (-1, "learning rate is -1")):
        fill_form(page, epochs=1, share=0.1, rate=rate)
        page.locator("#retrain").click()
        expect(page.locator(".curves .status")).to_contain_text(words)
        expect(page.locator("#retrain")).to_be_enabled()


def test_themes_and_width(page: Page, device: str) -> None:
    is_dark = page.evaluate("document.body.classList.contains('dark')")
    assert is_dark is (device == "phone")
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("document.body.classList.contains('dark')") is not is_dark
    for name in ("Look inside", "Map", "Mistakes", "Train", "Data", "Sizes", "About"):
        open_tab(page, name)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.evaluate("innerWidth"), f"{name} is wider than the screen"


def test_nothing_jumps(page: Page, device: str) -> None:
    parts = "['#answer .bars', '#seen details', '#samples']"
    places = f"() => {parts}.map((each) => document.querySelector(each).getBoundingClientRect().top + scrollY)"
    draw(page, SHIRT, device)
    settle(page)
    expected = page.evaluate(places)
    page.locator("#seen select").select_option("photo")
    expect(page.locator("#seen button")).to_be_visible()
    assert page.evaluate(places) == expected
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#answer .words")).to_have_text("Draw something")
    assert page.evaluate(places) == expected


@pytest.mark.parametrize("device", ["phone"], indirect=True)
def test_a_finger_finds_the_tabs(page: Page) -> None:
    page.locator(".overflow-menu > button").click()
    for button in page.locator("#tabs [role=tab], .overflow-menu button").all():
        box = button.bounding_box()
        assert box and box["height"] >= 44, button.inner_text()
    for select in ("#answer select", "#seen select"):  # what is chosen can be read
        assert page.locator(select).evaluate("each => each.scrollWidth <= each.clientWidth"), select


def test_the_screenshot_in_the_readme_exists() -> None:
    assert Path("docs/screenshot.png").is_file()
