"""A visit: from the first tour to the link and the picture that one takes along."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from visitor import (
    DEVICES,
    SERVER,
    SHIRT,
    answers,
    clear,
    draw,
    hold_requests,
    on_both_devices,
    open_tab,
    seen,
    settle,
    shown,
    trousers,
    upload,
    wait_for_answer,
    wait_for_held,
    wait_for_modules,
)

from fmnist_core import CLASS_NAMES
from fmnist_core.dataset import Dataset
from fmnist_core.model import Network

# --- the tour -------------------------------------------------------------------------------------------------------


@on_both_devices
def test_the_tour_comes_once_and_leads_through_the_page(newcomer: Page, device: str) -> None:
    page = newcomer
    dialog = page.get_by_role("dialog", name="Draw a garment")
    expect(dialog).to_be_visible()
    expect(dialog).to_be_focused()
    expect(dialog.locator(".back")).to_be_hidden()
    places = ["#pad", "#answer", "#feature_maps", "#map", "#train-form .presets"]
    for number, place in enumerate(places, 1):
        expect(page.locator("#tour .step")).to_have_text(f"Step {number} of 5")
        expect(page.locator(".tour-target")).to_have_count(1)
        expect(page.locator(place)).to_have_class(re.compile(r"\btour-target\b"))
        expect(page.locator(place)).to_be_in_viewport()
        expect(page.locator("#tour .tour")).to_be_in_viewport(ratio=1)
        if number < len(places):
            page.locator("#tour .next").focus()
            page.keyboard.press("Enter")
    tour, train = (page.locator(place).bounding_box() for place in ("#tour .tour", "#train-form .presets"))
    assert tour and train
    is_above = tour["y"] + tour["height"] <= train["y"]
    assert is_above or tour["y"] >= train["y"] + train["height"], "the tour hides what it is about"
    page.locator("#tour .back").click()
    expect(page.locator("#tour .step")).to_have_text("Step 4 of 5")
    page.locator("#tour .next").click()
    page.get_by_role("button", name="Done").click()
    expect(page.locator("#tour .tour")).to_be_hidden()
    expect(page.locator(".tour-target")).to_have_count(0)
    page.reload()
    page.wait_for_selector("#answer[data-answers]")
    expect(page.locator("#tour .tour")).to_be_hidden()


@on_both_devices
def test_drawing_goes_on_during_the_tour(newcomer: Page, device: str) -> None:
    first = shown(newcomer)
    draw(newcomer, SHIRT, device)
    settle(newcomer)
    assert shown(newcomer) != first
    expect(newcomer.locator("#tour .step")).to_have_text("Step 1 of 5")
    newcomer.locator("#tour .skip").click()
    expect(newcomer.locator("#tour .tour")).to_be_hidden()


@on_both_devices
def test_the_tour_by_its_button(page: Page) -> None:
    button = page.get_by_role("button", name="Tour")
    expect(page.locator("#tour .tour")).to_be_hidden()
    height = page.evaluate("document.documentElement.scrollHeight")
    button.click()
    expect(page.locator("#tour .tour")).to_be_focused()
    assert page.evaluate("document.documentElement.scrollHeight") == height
    page.keyboard.press("Tab")
    expect(page.locator("#tour .skip")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#tour .back").focus()
    page.keyboard.press("Enter")  # back to the first step, which has no such button: the focus stays in the tour
    expect(page.locator("#tour .tour")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#tour .tour")).to_be_hidden()
    expect(button).to_be_focused()


def test_no_tour_by_itself_where_storage_is_forbidden(browser: Browser, address: str, device: str) -> None:
    context = browser.new_context()
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#answer[data-answers]")
    expect(page.locator("#tour .tour")).to_be_hidden()
    page.get_by_role("button", name="Tour").click()
    expect(page.locator("#tour .tour")).to_be_visible()
    context.close()


# --- a server that is late ------------------------------------------------------------------------------------------


def test_a_page_that_comes_before_its_server_begins_by_itself(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    failures = iter(range(2))

    def fail_at_first(route: Route) -> None:
        if route.request.url.endswith("/actions/facts") and next(failures, None) is not None:
            route.fulfill(body="null", content_type="application/json")
        else:
            route.continue_()

    page.route(SERVER, fail_at_first)
    page.goto(address)
    expect(page.locator("#page_header p")).to_have_text("The server did not answer. Try again in a moment.")
    page.wait_for_selector("#answer[data-answers]", timeout=30_000)
    expect(page.locator("#page_header p")).to_contain_text("A small neural network says what it is")
    page.close()


def test_a_view_that_had_no_answer_asks_again_when_it_is_opened_again(fresh_page: Page) -> None:
    page = fresh_page
    held = hold_requests(page, "points")
    open_tab(page, "Map")
    page.locator("#map .plane").scroll_into_view_if_needed()
    wait_for_modules(page, "({ wanted }) => wanted.coordinates")
    wait_for_held(page, held)
    held[0].fulfill(body="null", content_type="application/json")
    expect(page.locator("#map .problem")).to_have_text("The server did not answer. Try again in a moment.")
    page.unroute(SERVER)
    open_tab(page, "Sizes")
    open_tab(page, "Map")
    page.wait_for_selector("#map[data-points]")
    expect(page.locator("#map .problem")).to_be_hidden()


# --- links ----------------------------------------------------------------------------------------------------------


def fragment(page: Page) -> str:
    return str(page.evaluate("location.hash"))


@on_both_devices
def test_a_link_opens_the_same_view(fresh_page: Page, samples: Dataset, context: BrowserContext) -> None:
    page = fresh_page
    assert fragment(page) == ""  # the example is nobody's choice
    open_tab(page, "Sizes")
    before = answers(page)
    page.locator("#sample_strip .thumbnail").nth(3).click()
    wait_for_answer(page, before)
    settle(page)
    hint = page.inner_text("#pad .hint")
    number = int(hint.split()[-1])
    assert fragment(page) == f"#tab=sizes&sample={number}"
    expected = shown(page)

    other = context.new_page()
    other.goto(page.url)
    other.wait_for_selector("#answer[data-answers]")
    expect(other.get_by_role("tab", name="Sizes")).to_have_attribute("aria-selected", "true")
    assert other.inner_text("#pad .hint") == hint
    assert shown(other) == expected
    settle(other)
    assert other.url == page.url
    # The same page takes another link, too.
    bag = int(samples.test.numbers[(samples.test.labels == CLASS_NAMES.index("Bag")).nonzero()[7, 0]])
    other.evaluate(f"() => (location.hash = 'sample={bag}&tab=look-inside')")
    expect(other.locator("#pad .hint")).to_have_text(f"Bag, test image {bag}")
    expect(other.get_by_role("tab", name="Look inside")).to_have_attribute("aria-selected", "true")
    other.close()


def test_a_link_names_no_sample_that_is_drawn_on_or_gone(page: Page, device: str) -> None:
    def choose() -> None:
        before = answers(page)
        page.locator("#sample_strip .thumbnail").nth(1).click()
        wait_for_answer(page, before)
        assert re.fullmatch(r"#sample=\d+", fragment(page))

    choose()
    clear(page)
    assert fragment(page) == ""
    page.get_by_role("button", name="Undo").click()
    assert re.fullmatch(r"#sample=\d+", fragment(page))
    draw(page, ((0.2, 0.2), (0.8, 0.8)), device)
    assert fragment(page) == ""
    page.get_by_role("button", name="Undo").click()
    assert re.fullmatch(r"#sample=\d+", fragment(page))
    upload(page, trousers())
    page.wait_for_function("() => location.hash === ''")


@on_both_devices
def test_a_link_put_into_an_open_page(fresh_page: Page, samples: Dataset, shipped: Network) -> None:
    page = fresh_page
    number = int(samples.test.numbers[11])

    def put(link: str) -> None:
        page.evaluate("link => (location.hash = link)", link)

    put(f"tab=look-inside&layer=conv2&channel=5&sample={number}")
    expect(page.locator("#channel")).to_have_attribute("data-channel", "conv2 5", timeout=30_000)
    expect(page.locator("#pad .hint")).to_contain_text(f"test image {number}")
    expect(page.locator("#feature_maps [data-layer=conv2]")).to_be_in_viewport()  # on a phone, far below the pad
    put(f"tab=look-inside&layer=conv2&channel=6&sample={number}")
    expect(page.locator("#channel")).to_have_attribute("data-channel", "conv2 6", timeout=30_000)
    put("tab=look-inside&layer=fc1&channel=3&network=original")  # a layer that the network of before does not have
    expect(page.locator("#channel")).to_have_attribute("data-channel", "fc1 3", timeout=30_000)
    put("tab=look-inside&network=deep")
    expect(page.locator("#feature_maps")).to_have_attribute("data-open", "conv1")
    expect(page.locator("#feature_maps .layers li")).to_have_count(len(shipped.layers))
    expect(page.locator("#channel .about")).to_be_hidden()
    put("tab=map&layout=pixels&colour=mistakes")
    expect(page.locator("#map")).to_have_attribute("data-layout", "pixels")
    put("tab=map&colour=predicted")
    expect(page.locator("#map")).to_have_attribute("data-layout", "pca")
    expect(page.locator("#map")).to_have_attribute("data-colour", "predicted")


@on_both_devices
def test_a_newcomer_with_a_link_is_led_to_its_view(browser: Browser, address: str, device: str) -> None:
    context = browser.new_context(**DEVICES[device])
    page = context.new_page()
    page.goto(f"{address}#tab=look-inside&layer=fc1&channel=7&network=original")
    expect(page.locator("#channel")).to_have_attribute("data-channel", "fc1 7", timeout=30_000)
    expect(page.locator("#feature_maps [data-layer=fc1]")).to_be_in_viewport()
    expect(page.locator("#tour .tour")).to_be_hidden()
    context.close()


@pytest.mark.parametrize(
    "link",
    [
        "#tab=<img src=x onerror=alert(1)>&sample=%3Cscript%3Ealert(1)%3C/script%3E",
        "#tab=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&sample=1e3",
        "#tab=constructor&sample=-1&sample=0x10",
        "#tab=%&sample=99999&__proto__=1",
        "#tab&sample=%F0%9F%91%95&&&=",
    ],
)
def test_nothing_comes_of_a_made_up_link(fresh_page: Page, link: str) -> None:
    page = fresh_page
    first, hint = shown(page), page.inner_text("#pad .hint")
    page.evaluate("link => (location.hash = link)", link)
    settle(page)
    assert page.inner_text("#pad .hint") == hint
    assert fragment(page) != ""
    page.reload()
    page.wait_for_selector("#answer[data-answers]")
    settle(page)
    assert shown(page) == first
    assert page.inner_text("#pad .hint") == hint
    expect(page.get_by_role("tab", name="Look inside")).to_have_attribute("aria-selected", "true")
    assert page.locator("img[src=x], img[onerror]").count() == 0
    assert "alert(1)" not in page.locator("body").inner_html()


def test_copy_link(fresh_page: Page, device: str, context: BrowserContext) -> None:
    page = fresh_page
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    before = answers(page)
    page.locator("#sample_strip .thumbnail").nth(5).click()
    wait_for_answer(page, before)
    button, said, field = (page.locator(f"#share_link {what}") for what in ("button", "[role=status]", "input"))
    button.click()
    expect(said).to_contain_text("Link copied. It opens this view with this test image.")
    expect(field).to_be_hidden()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    draw(page, ((0.2, 0.2), (0.8, 0.8)), device)
    expect(said).to_have_text("")  # that link is not this picture's
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")  # as on plain http
    button.click()
    expect(said).to_contain_text("Copy this link. It opens this view, without your picture.")
    expect(field).to_be_focused()
    assert field.input_value() == page.url
    assert field.evaluate("field => field.selectionEnd - field.selectionStart") == len(page.url)


# --- the card -------------------------------------------------------------------------------------------------------


@on_both_devices
def test_save_as_picture(page: Page, device: str, tmp_path: Path) -> None:
    save = page.get_by_role("button", name="Save as picture")
    clear(page)
    draw(page, SHIRT, device)
    settle(page)
    with page.expect_download() as download:
        save.click()
    assert re.fullmatch(r"[a-z-]+\.png", download.value.suggested_filename)
    download.value.save_as(tmp_path / "card.png")
    with Image.open(tmp_path / "card.png") as card:
        assert card.format == "PNG"
        assert card.size == (1200, 630)
        card = card.convert("L")
    left, top, side = 528, 222, 8  # of the network's view, and of each of its pixels
    middles = [card.getpixel((left + side * x + 4, top + side * y + 4)) for y in range(28) for x in range(28)]
    assert middles == seen(page)
    picture = card.crop((56, 56, 480, 480))
    assert picture.getextrema()[0] < 60, "the drawing is not on the card"
    assert card.crop((528, 56, 1144, 110)).getextrema()[0] < 90, "the answer is not on the card"
    assert card.getpixel((5, 5)) == 255, "the card is not light"
    clear(page)
    expect(save).to_be_disabled()
