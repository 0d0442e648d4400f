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

from fmnist_core import CLASS_NAMES, inference
from fmnist_core.dataset import Dataset
from fmnist_core.errors import ConfigError
from fmnist_core.model import Network, layer_table, output_size
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


def test_the_map_and_the_visitors_point(page: Page, device: str) -> None:
    open_tab(page, "Map")
    plane = page.locator("#map .plane")
    plane.scroll_into_view_if_needed()
    expect(page.locator("#map")).to_have_attribute("data-points", "2000")
    expect(page.locator("#map")).to_have_attribute("data-you", re.compile(r"\d+,\d+"))
    before = page.get_attribute("#map", "data-you")
    draw(page, SHIRT, device)
    plane.scroll_into_view_if_needed()
    page.wait_for_function("before => document.querySelector('#map').dataset.you !== before", arg=before)
    before = page.get_attribute("#map", "data-you")
    page.get_by_role("button", name="t-SNE").click()
    expect(page.locator("#map")).to_have_attribute("data-layout", "tsne")
    assert page.get_attribute("#map", "data-you") != before
    assert page.locator("#map .legend li").all_inner_texts() == list(CLASS_NAMES)


@pytest.mark.parametrize("device", ["desktop"], indirect=True)  # a phone has no pointer that hovers
def test_hover_and_click_on_the_map(page: Page, device: str, samples: Dataset) -> None:
    open_tab(page, "Map")
    page.locator("#map .plane").scroll_into_view_if_needed()
    expect(page.locator("#map")).to_have_attribute("data-points", "2000")
    box = page.locator("#map .plane").bounding_box()
    assert box is not None
    for part in range(40):  # along a line through the middle there is some point
        page.mouse.move(box["x"] + box["width"] * (0.1 + part / 50), box["y"] + box["height"] / 2)
        if page.locator("#map .tip").is_visible():
            break
    title = page.inner_text("#map .tip span")
    number = int(re.search(r"test image (\d+)", title)[1])  # type: ignore[index]
    index = samples.test.numbers.tolist().index(number)
    assert title.startswith(CLASS_NAMES[int(samples.test.labels[index])])
    before = answers(page)
    page.mouse.down()
    page.mouse.up()
    wait_for_answer(page, before)
    expect(page.locator("#pad .hint")).to_contain_text(f"test image {number}")


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
    expect(page.locator("#answer .whose")).to_have_text("Answered by the network that you trained.")

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
    expect(page.locator("#answer .whose")).to_have_text("")


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


def test_the_screenshot_in_the_readme_exists() -> None:
    assert Path("docs/screenshot.png").is_file()
