"""The pad and what comes onto it: drawings, files, test images."""

import base64
from pathlib import Path

import numpy as np
import pytest
import torch
from persons import person, shaded
from PIL import Image, ImageDraw
from playwright.sync_api import BrowserContext, Page, Route, expect
from visitor import (
    SERVER,
    SHIRT,
    answers,
    clear,
    draw,
    hold_requests,
    on_a_phone,
    on_both_devices,
    png,
    rounded,
    seen,
    settle,
    shown,
    trousers,
    upload,
    wait_for_answer,
    wait_for_held,
    wait_for_modules,
    with_modules,
)

from fmnist_core import CLASS_NAMES, inference
from fmnist_core.dataset import Dataset
from fmnist_core.model import Network
from fmnist_core.preparation import open_picture, prepare, prepare_naively


def test_first_paint_shows_a_finished_example(fresh_page: Page, shipped: Network, samples: Dataset) -> None:
    page = fresh_page
    example = int((samples.test.labels == CLASS_NAMES.index("Ankle boot")).nonzero()[0])
    reading = inference.read_pixels(shipped, samples.test.pixels[example])
    assert shown(page) == rounded(reading.probabilities)
    assert page.inner_text("#answer .words") == inference.in_words(reading)
    assert seen(page) == samples.test.pixels[example].flatten().tolist()


@on_both_devices
def test_drawing_a_shirt(fresh_page: Page, device: str, shipped: Network) -> None:
    page = fresh_page
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


def test_the_visitor_says_what_kind_of_picture_it_is(page: Page, tmp_path: Path, shipped: Network) -> None:
    picture = Image.new("RGB", (300, 400), "#b98a5a")
    for y in range(0, 400, 25):
        ImageDraw.Draw(picture).line((0, y, 300, y), fill="#70502c", width=6)
    ImageDraw.Draw(picture).polygon(
        [(90, 60), (210, 60), (225, 350), (170, 350), (150, 150), (130, 350), (75, 350)], "navy"
    )
    picture.save(tmp_path / "trousers.png")
    select, again = page.locator("#network_input select"), page.locator("#network_input button")
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
    # What the visitor said of this picture does not hold for the next one.
    select.select_option("sample")
    expect(again).to_be_visible()
    clear(page)
    expect(page.locator("#network_input button")).to_be_hidden()


def test_of_a_person_the_visitor_may_choose_which_garment(page: Page, shipped: Network) -> None:
    picture = Image.fromarray(shaded(person("#a07e56", "#1f4fa0", "#b01818")))
    upload(page, picture)
    select = page.locator("#network_input select")
    expect(select).to_have_value("worn_lower")
    settle(page)
    assert shown(page) == rounded(inference.read_picture(shipped, picture).probabilities)
    expect(page.locator("#network_input .how")).to_contain_text("the upper part can be chosen instead")
    before = answers(page)
    select.select_option("worn_upper")
    wait_for_answer(page, before)
    settle(page)
    assert seen(page) == prepare(picture, "worn_upper").pixels.flatten().tolist()
    expect(page.locator("#answer .words")).to_contain_text("shirt/top")


def test_the_steps_of_the_preparation(page: Page, device: str) -> None:
    page.locator("#network_input summary").click()
    expect(page.locator("#network_input .said")).to_have_text("An image of the data set needs no preparation.")
    clear(page)
    draw(page, SHIRT, device)
    expect(page.locator("#network_input .said")).to_contain_text("Only made grey and resized")
    is_painted = """name => document.querySelector(`#network_input canvas.${name}`).getContext('2d')
        .getImageData(0, 0, 128, 128).data.some((value, place) => place % 4 === 0 && value > 200)"""
    for name in ("found", "cropped", "naive"):
        page.wait_for_function(is_painted, arg=name)
    clear(page)
    expect(page.locator("#network_input .said")).to_have_text("")


def test_an_opened_file_s_steps_follow_the_network(fresh_page: Page, shipped: Network, original: Network) -> None:
    page, picture = fresh_page, trousers("tan", "grey")
    naive = torch.from_numpy(prepare_naively(picture))
    before, after = (inference.in_words(inference.read_pixels(each, naive)) for each in (shipped, original))
    assert before != after
    page.locator("#network_input summary").click()
    page.set_input_files("#upload", {"name": "trousers.png", "mimeType": "image/png", "buffer": png(picture)})
    expect(page.locator("#network_input .said")).to_contain_text(f"“{before}”")
    page.locator("#answer select").select_option("original")
    expect(page.locator("#network_input .said")).to_contain_text(f"“{after}”")


def test_the_kind_of_a_new_drawing_is_detected_again(page: Page, device: str) -> None:
    clear(page)
    draw(page, SHIRT, device)
    page.locator("#network_input select").select_option("photo")
    expect(page.locator("#network_input button")).to_be_visible()
    clear(page)
    draw(page, SHIRT, device)
    settle(page)
    expect(page.locator("#network_input select")).to_have_value("drawing")
    expect(page.locator("#network_input button")).to_be_hidden()


def test_a_file_or_kind_that_comes_late_leaves_the_next_picture_alone(page: Page) -> None:
    def let_go(count: int) -> None:
        page.wait_for_selector(".busy")
        wait_for_held(page, held)
        assert len(held) == count
        page.locator("#sample_strip .thumbnail").nth(count).click()
        title = page.locator("#sample_strip .thumbnail").nth(count).get_attribute("title") or ""
        expect(page.locator("#pad .hint")).to_have_text(title)
        with page.expect_response(lambda response: response.request.url.endswith("/actions/open_file")):
            held[-1].continue_()
        settle(page)
        expect(page.locator("#pad .hint")).to_have_text(title)
        expect(page.locator("#network_input select")).to_have_value("sample")
        expect(page.locator("#network_input button")).to_be_hidden()

    held = hold_requests(page, "open_file")
    upload(page, trousers())
    let_go(1)
    page.unroute(SERVER)
    upload(page, trousers())
    expect(page.locator("#network_input select")).not_to_have_value("sample")
    held = hold_requests(page, "open_file")
    page.locator("#network_input select").select_option("photo")
    let_go(1)


def test_what_takes_time_is_shown_until_another_wish(page: Page) -> None:
    clear(page)
    draw(page, SHIRT, "desktop")
    settle(page)
    held = hold_requests(page, "open_file")
    upload(page, trousers())
    expect(page.locator("#pad .hint")).to_have_text("Sending the picture …")
    page.locator("#network_input select").select_option("product")  # of the drawing
    settle(page)
    expect(page.locator(".busy")).to_have_count(1)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".busy")).to_have_count(0)
    expect(page.locator("#pad .hint")).to_be_hidden()
    wait_for_held(page, held)
    assert len(held) == 1


def test_an_answer_that_comes_late_is_not_about_another_picture(page: Page) -> None:
    clear(page)
    held = hold_requests(page, "answer")
    box = page.locator("#pad canvas").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 100, box["y"] + 100)
    page.mouse.click(box["x"] + 200, box["y"] + 200)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#answer .words")).to_have_text("Draw something")
    page.locator("#sample_strip .thumbnail").nth(1).click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#answer .words")).to_have_text("Draw something")
    wait_for_held(page, held)
    for route in held:
        with page.expect_response(route.request.url):
            route.continue_()
    settle(page)
    expect(page.locator("#answer .words")).to_have_text("Draw something")


@on_a_phone
def test_a_pen_writes_although_a_palm_lies_on_the_pad(page: Page) -> None:
    clear(page)
    page.locator("#pad canvas").scroll_into_view_if_needed()
    box = page.locator("#pad canvas").bounding_box()
    assert box is not None
    devtools = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in points]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    def pen(kind: str, x: float, y: float) -> None:
        place = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        button = {"button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen"}
        devtools.send("Input.dispatchMouseEvent", {"type": kind} | place | button)

    def is_ink(x: float, y: float) -> bool:
        script = "([x, y]) => document.querySelector('#pad canvas').getContext('2d').getImageData(x, y, 1, 1).data[0]"
        return bool(page.evaluate(script, [round(560 * x), round(560 * y)]) < 128)

    touch("touchStart", (0.8, 0.8))
    touch("touchMove", (0.8, 0.85))
    assert is_ink(0.8, 0.82)
    pen("mousePressed", 0.2, 0.2)
    pen("mouseMoved", 0.5, 0.2)
    assert is_ink(0.35, 0.2)
    assert not is_ink(0.8, 0.82), "the palm has left a blot"
    touch("touchMove", (0.8, 0.7))
    pen("mouseReleased", 0.5, 0.2)
    touch("touchEnd")
    assert not is_ink(0.8, 0.75)
    page.get_by_role("button", name="Undo").tap()
    assert not is_ink(0.35, 0.2)
    page.locator("#pad canvas").scroll_into_view_if_needed()
    touch("touchStart", (0.2, 0.6))
    touch("touchMove", (0.5, 0.6))
    assert is_ink(0.35, 0.6)
    touch("touchCancel")  # the system took it for a gesture of its own: what could be redone still can
    assert not is_ink(0.35, 0.6)
    page.get_by_role("button", name="Redo").tap()
    assert is_ink(0.35, 0.2)
    settle(page)


def test_a_large_photo_is_made_smaller_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 60, (2400, 3000, 3), dtype=np.uint8)
    photo = Image.fromarray(np.asarray(trousers().resize((3000, 2400))) // 2 + noise)
    photo.save(tmp_path / "photo.jpg", quality=95)
    size = (tmp_path / "photo.jpg").stat().st_size
    assert size > 3 * 2**20
    with page.expect_request(lambda request: request.url.endswith("/actions/open_file")) as sent:
        page.set_input_files("#upload", tmp_path / "photo.jpg")
    assert len(sent.value.post_data or "") < 0.7 * size
    expect(page.locator(".busy")).to_have_count(0, timeout=30_000)
    expect(page.locator("#pad .problem")).to_be_hidden()


def test_without_an_answer_none_is_shown(page: Page, device: str) -> None:
    def refuse(route: Route) -> None:
        if route.request.url.endswith("/actions/answer"):
            route.fulfill(body="null", content_type="application/json")
        else:
            route.continue_()

    clear(page)
    page.route(SERVER, refuse)
    draw(page, SHIRT, device)
    settle(page)
    expect(page.locator("#answer .words")).to_have_text("No answer")
    assert set(shown(page)) == {"–"}
    expect(page.locator("#pad .problem")).to_have_text("The server did not answer. Try again in a moment.")
    expect(page.get_by_role("button", name="Save as picture")).to_be_disabled()
    page.unroute(SERVER)
    draw(page, ((0.4, 0.5), (0.6, 0.5)), device)
    settle(page)
    expect(page.locator("#pad .problem")).to_be_hidden()
    assert "–" not in shown(page)


def test_what_another_tab_of_the_visitor_replaced_is_asked_for_again(page: Page) -> None:
    replaced = iter(range(2))

    def replace(route: Route) -> None:
        if route.request.url.endswith("/actions/answer") and next(replaced, None) is not None:
            route.fulfill(json={"replaced": True})
        else:
            route.continue_()

    clear(page)
    before = answers(page)
    page.route(SERVER, replace)
    with_modules(page, "({ emit, facts }) => emit('sample', facts.example)")
    wait_for_answer(page, before)
    settle(page)
    assert next(replaced, None) is None
    assert answers(page) == before + 1  # what was replaced is not shown
    expect(page.locator("#pad .problem")).to_be_hidden()
    expect(page.locator("#answer .words")).to_have_text("Ankle boot")


def test_a_drawing_can_be_said_to_be_of_another_kind(page: Page, device: str) -> None:
    clear(page)
    draw(page, SHIRT, device)
    settle(page)
    expect(page.locator("#network_input select")).to_have_value("drawing")
    before, pixels = answers(page), seen(page)
    page.locator("#network_input select").select_option("product")
    wait_for_answer(page, before)
    settle(page)
    assert seen(page) != pixels
    draw(page, ((0.4, 0.5), (0.6, 0.6)), device)  # and remains so while one draws on
    settle(page)
    expect(page.locator("#network_input select")).to_have_value("product")


def test_what_is_no_garment_is_only_guessed(page: Page, device: str) -> None:
    clear(page)
    draw(page, ((0.1, 0.5), (0.9, 0.45), (0.15, 0.6), (0.85, 0.55), (0.5, 0.1), (0.45, 0.9)), device)
    settle(page)
    words, aside = page.inner_text("#answer .words"), page.inner_text("#answer .aside")
    assert words.startswith("At a guess: ")
    assert aside == inference.UNFAMILIAR
    meter = float(page.locator("#answer meter").evaluate("meter => meter.value"))
    assert page.inner_text("#answer .familiar b") == f"{int(100 * meter + 0.5)} %"
    assert meter < inference.FAMILIAR


@on_both_devices
def test_the_page_does_not_scroll_under_a_drawing_finger(page: Page, device: str) -> None:
    if device == "desktop":
        page.set_viewport_size({"width": 1280, "height": 500})
    page.locator("#pad canvas").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    draw(page, ((0.5, 0.9), (0.5, 0.1)), device)
    assert page.evaluate("scrollY") == before


@on_both_devices
def test_clear_undo_and_eraser(page: Page, device: str) -> None:
    clear(page)
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
    pixels = page.locator("#network_input canvas.pixels")
    before = pixels.evaluate("canvas => canvas.toDataURL()")
    draw(page, ((0.25, 0.6), (0.75, 0.6), (0.25, 0.85), (0.75, 0.9)), device)
    settle(page)
    assert pixels.evaluate("canvas => canvas.toDataURL()") != before


def test_redo_beside_undo(page: Page) -> None:
    """As in every drawing program: what was undone can be done again, until something else is done."""

    def on_the_pad() -> str:
        settle(page)
        return str(page.locator("#pad canvas").evaluate("canvas => canvas.toDataURL()"))

    undo, redo = (page.get_by_role("button", name=name) for name in ("Undo", "Redo"))
    clear(page)
    empty = on_the_pad()
    expect(redo).to_be_disabled()
    draw(page, ((0.2, 0.3), (0.8, 0.3)), "desktop")
    one = on_the_pad()
    draw(page, ((0.2, 0.6), (0.8, 0.7)), "desktop")
    two, answered = on_the_pad(), shown(page)
    clear(page)
    for before in (two, one, empty):
        undo.click()
        assert on_the_pad() == before
    redo.click()
    assert on_the_pad() == one
    # The key goes to the pad although the button that has the focus can do nothing more.
    for key, after in (("Control+Shift+Z", two), ("Control+y", empty)):
        page.keyboard.press(key)
        assert on_the_pad() == after
    expect(redo).to_be_disabled()
    expect(page.locator("#answer .words")).to_have_text("Draw something")
    page.keyboard.press("Control+Shift+Z")  # nothing is left to be redone
    assert on_the_pad() == empty
    page.keyboard.press("Control+z")
    assert on_the_pad() == two
    expect(page.locator("#answer li b")).to_have_text(answered)
    expect(redo).to_be_enabled()
    draw(page, ((0.5, 0.1), (0.5, 0.9)), "desktop")
    expect(redo).to_be_disabled()
    three = on_the_pad()
    page.keyboard.press("Control+y")
    assert on_the_pad() == three
    undo.click()
    assert on_the_pad() == two


def test_all_that_is_on_the_pad_can_be_undone(fresh_page: Page) -> None:
    page, undo = fresh_page, fresh_page.get_by_role("button", name="Undo")
    expect(undo).to_be_enabled()  # the example
    undo.click()
    expect(page.locator("#answer .words")).to_have_text("Draw something")
    expect(undo).to_be_disabled()
    page.keyboard.press("Control+Shift+Z")
    expect(page.locator("#answer li.best")).to_have_count(1)
    # Drawing begins anew in place of the example, which does not come back.
    draw(page, ((0.2, 0.3), (0.8, 0.3)), "desktop")
    undo.click()
    expect(undo).to_be_disabled()
    expect(page.locator("#answer .words")).to_have_text("Draw something")


def test_clearing_in_the_middle_of_a_stroke_ends_it(page: Page) -> None:
    clear(page)
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
    wait_for_modules(page, "({ samples }) => samples.isReady()")
    settle(page)
    assert shown(page) == before
    expect(page.locator("#pad .hint")).to_be_hidden()


@on_both_devices
def test_a_dot_is_no_garment(page: Page, device: str) -> None:
    clear(page)
    page.locator("#pad [type=range]").evaluate("field => { field.value = 8; field.dispatchEvent(new Event('input')); }")
    before = answers(page)
    draw(page, ((0.5, 0.5), (0.502, 0.5)), device)
    wait_for_answer(page, before)
    settle(page)
    assert "dot" in page.inner_text("#answer .words")
    assert page.locator("#answer li.best").count() == 0


def test_upload_by_button(page: Page, shipped: Network) -> None:
    before = answers(page)
    upload(page, trousers())
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
    button = page.locator("#sample_strip .thumbnail").nth(CLASS_NAMES.index("Bag"))
    title = button.get_attribute("title")
    button.click()
    wait_for_answer(page, before)
    expect(page.locator("#pad .hint")).to_have_text(title or "")
    settle(page)
    as_it_is = seen(page)
    draw(page, ((0.1, 0.1), (0.9, 0.9), (0.1, 0.9)), device)
    settle(page)
    assert seen(page) != as_it_is
    first = page.locator("#sample_strip .thumbnail").first.get_attribute("title")
    page.get_by_role("button", name="another ten").click()
    titles = [each.get_attribute("title") or "" for each in page.locator("#sample_strip .thumbnail").all()]
    assert [title.split(",")[0] for title in titles] == list(CLASS_NAMES)  # one of each class
    assert titles[0] != first
