"""The map: its points, layouts and marks, by mouse, finger and keyboard."""

import re

import torch
from playwright.sync_api import BrowserContext, Page, Route, expect
from visitor import (
    SERVER,
    SHIRT,
    answers,
    clear,
    draw,
    on_a_phone,
    on_both_devices,
    open_tab,
    seen,
    settle,
    wait_for_answer,
    with_modules,
)

from fmnist_core import CLASS_NAMES, inference
from fmnist_core.dataset import Dataset
from fmnist_core.evaluation import predict_logits
from fmnist_core.model import Network


def open_map(page: Page) -> None:
    """The map with all its points at rest and the visitor's among them, in sight."""
    open_tab(page, "Map")
    page.locator("#map .plane").scroll_into_view_if_needed()
    expect(page.locator("#map")).to_have_attribute("data-moving", "false")
    expect(page.locator("#map")).to_have_attribute("data-you", re.compile(r"\d+,\d+"))


def on_map(page: Page, x: float, y: float) -> tuple[float, float]:
    """A place on the page, from fractions of the map's width and height."""
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
    for step in range(60):
        place = on_map(page, 0.2 + step / 100, along)
        page.mouse.move(*place)
        if lit(page):
            return place
    raise AssertionError("there is no mark on that line")


@on_both_devices
def test_the_map_and_the_visitors_point(page: Page, device: str) -> None:
    open_map(page)
    expect(page.locator("#map")).to_have_attribute("data-points", "2000")
    clear(page)
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


def test_a_network_without_tsne_falls_back_to_pca(fresh_page: Page) -> None:
    page = fresh_page
    open_map(page)
    page.locator("#map [data-layout=tsne]").click()
    expect(page.locator("#map")).to_have_attribute("data-moving", "false")

    def without_tsne(route: Route) -> None:
        if route.request.url.endswith("/actions/points"):
            route.fulfill(json=route.fetch().json() | {"tsne": None})
        else:
            route.continue_()

    page.route(SERVER, without_tsne)
    with_modules(page, "({ emit }) => emit('network')")
    expect(page.locator("#map")).to_have_attribute("data-layout", "pca")
    expect(page.locator("#map [data-layout=tsne]")).to_be_disabled()
    expect(page.locator("#map .note")).to_contain_text("t-SNE is not ready for this network.")
    expect(page.locator("#map")).to_have_attribute("data-moving", "false")


def test_marks_by_prediction_and_one_class_alone(page: Page, shipped: Network, samples: Dataset) -> None:
    labels, predictions = samples.test.labels, predict_logits(shipped, samples.test).argmax(1)
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
        ("predicted", len(labels), predictions == coat),
        ("mistakes", (labels != predictions).sum(), (predictions == coat) & (labels != coat)),
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
    assert f"{int((labels != predictions).sum())} of 2,000." in page.inner_text("#map .note")


def test_hover_and_click_on_the_map(page: Page, samples: Dataset, shipped: Network) -> None:
    open_map(page)
    place = hover_a_mark(page)
    index = int(lit(page))
    expect(page.locator("#map .tip")).to_be_visible()
    number = int(samples.test.numbers[index])
    prediction = inference.read_pixels(shipped, samples.test.pixels[index]).label
    assert page.inner_text("#map .tip .class").strip() == CLASS_NAMES[samples.test.labels[index]]
    assert page.inner_text("#map .tip .predicted").split("\n")[-1].strip().endswith(CLASS_NAMES[prediction])
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


def test_zoom_and_drag_keep_marks_below_the_pointer(page: Page) -> None:
    open_map(page)
    with_modules(page, "({ on, emit }) => { on('points', points => { window.points = points; }); emit('network'); }")
    page.wait_for_function("() => window.points")
    expect(page.locator("#map")).to_have_attribute("data-moving", "false")
    coordinates = torch.tensor(page.evaluate("() => [...points.pca]")).reshape(-1, 2)
    # The mark that is farthest from all others, in the middle part of the map.
    distances = torch.cdist(coordinates, coordinates).fill_diagonal_(9).min(1).values
    index = str(int((distances * ((coordinates - 0.5).abs() < 0.3).all(1)).argmax()))
    across, up = coordinates[int(index)].tolist()

    def mark() -> tuple[float, float]:
        page.locator("#map .plane").scroll_into_view_if_needed()
        box = page.locator("#map .plane").bounding_box()
        assert box is not None
        width, height = box["width"] - 2, box["height"] - 2  # without the frame
        return (
            box["x"] + 1 + width / 2 + (across - 0.5) * (width - 44),
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
    empty = next(place for step in range(50) if not hovered(page, place := on_map(page, 0.1 + step / 70, 0.1)))
    page.mouse.dblclick(*empty)
    expect(page.locator("#map")).to_have_attribute("data-zoom", "3.00")


@on_a_phone
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


@on_both_devices
def test_the_map_by_keyboard(page: Page, device: str) -> None:
    open_map(page)
    canvas = page.get_by_role("application", name="Map of the test images")
    canvas.focus()
    assert ("arrows" in page.locator("#map-keys").inner_text()) is (device == "desktop")
    walked = []
    for key in ("n", "n", "n", "Shift+N", "n"):
        page.keyboard.press(key)
        walked.append(lit(page))
    assert walked == [*walked[:3], walked[1], walked[2]]
    assert "" not in walked
    assert len({*walked}) == 3  # one image after the other
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


def test_the_trail_grows_and_is_cleared(page: Page, device: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 1700})  # pad and map are in sight together
    open_map(page)
    length = "() => Number(document.querySelector('#map').dataset.trail)"
    expect(page.locator("#map")).to_have_attribute("data-trail", "1")
    clear(page)
    draw(page, SHIRT, device)
    page.wait_for_function(f"() => ({length})() >= 4")
    settle(page)
    with_modules(page, "({ emit, latest }) => { for (let i = 0; i < 50; i++) emit('answer', latest('answer')); }")
    assert page.evaluate(length) == 40  # the latest ones
    page.locator("#map [data-layout=pixels]").click()
    expect(page.locator("#map")).to_have_attribute("data-moving", "false")
    expect(page.locator("#map")).to_have_attribute("data-trail", "1")
    draw(page, ((0.3, 0.3), (0.5, 0.5), (0.7, 0.4)), device)
    page.wait_for_function(f"() => ({length})() >= 3")
    clear(page)
    expect(page.locator("#map")).to_have_attribute("data-trail", "0")
    assert page.get_attribute("#map", "data-you") is None
    assert page.locator("#map .alike li").count() == 0
    for number in (1, 2):
        page.locator("#sample_strip .thumbnail").nth(number).click()
        expect(page.locator("#map")).to_have_attribute("data-trail", "1")


def test_marked_samples_have_a_ring(page: Page) -> None:
    open_map(page)
    over = "document.querySelector('#map .over').toDataURL()"
    before = page.evaluate(over)
    assert with_modules(page, f"({{ emit }}) => {{ emit('marked', [5, 6, 1999]); return {over}; }}") != before
    assert with_modules(page, f"({{ emit }}) => {{ emit('marked', []); return {over}; }}") == before


def test_all_test_images(
    context: BrowserContext, whole_address: str, full_data: Dataset, samples: Dataset, original: Network
) -> None:
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(whole_address)
    page.wait_for_selector("#answer[data-answers]")
    open_map(page)
    with_modules(page, "({ on }) => on('points', points => { window.points = points; })")
    page.get_by_role("button", name="Show all 10,000").click()
    expect(page.locator("#map")).to_have_attribute("data-points", "10000", timeout=120_000)
    expect(page.locator("#map")).to_have_attribute("data-moving", "false")
    script = "({ samples }) => [[...samples.numbers], [...samples.labels], [...points.predictions]]"
    numbers, labels, predictions = (torch.tensor(list_) for list_ in with_modules(page, script))
    assert numbers[:2000].tolist() == samples.test.numbers.tolist()
    assert sorted(numbers.tolist()) == list(range(10_000))
    assert torch.equal(labels, full_data.test.labels[numbers])
    assert (predictions == predict_logits(original, full_data.test.take(numbers)).argmax(1)).float().mean() > 0.999
    for name in ("pca", "pixels", "tsne"):
        coordinates = page.evaluate(f"() => [...points.{name}]")
        assert [len(coordinates), min(coordinates), max(coordinates)] == [20_000, 0, 1]
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
    with_modules(page, "({ emit }) => emit('network')")  # all that is known is stale
    expect(page.locator("#map")).to_have_attribute("data-points", "2000")
    lengths = with_modules(page, "({ samples }) => [points.predictions.length, samples.labels.length]")
    assert lengths == [2000, 2000]
    assert problems == []
