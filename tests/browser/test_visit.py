"""A visit from the first tour to the link and the picture that one takes along, and the network's mistakes."""

import re
from pathlib import Path

import pytest
import torch
from conftest import DEVICES
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from test_in_browser import (
    SHIRT,
    answers,
    draw,
    open_tab,
    png,
    seen,
    settle,
    shown,
    trousers,
    wait_for_answer,
)

from demo.session import Session
from fmnist_core import CLASS_NAMES
from fmnist_core.dataset import Dataset

# --- mistakes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def counts(shipped_session: Session, samples: Dataset) -> torch.Tensor:
    """The confusion matrix of the shipped network: rows are what the samples are."""
    places = samples.test.labels * 10 + shipped_session.projection.answers
    return torch.bincount(places, minlength=100).reshape(10, 10)


def open_mistakes(page: Page) -> None:
    open_tab(page, "Mistakes")
    page.locator("#mistakes .summary").scroll_into_view_if_needed()
    page.wait_for_selector("#mistakes[data-counted]")


def marked(page: Page) -> None:
    """Keep what is said to be marked on the map in ``window.marked``."""
    page.evaluate("() => fmnist.on('marked', (indices) => (window.marked = [...indices]))")


def test_mistakes_are_those_of_the_network_that_answers(page: Page, device: str, counts: torch.Tensor) -> None:
    open_mistakes(page)
    rows = page.locator("#mistakes tbody tr")
    assert rows.locator("th").all_inner_texts() == [name.replace("T-shirt", "T\u2011shirt") for name in CLASS_NAMES]
    assert page.locator("#mistakes [scope=col]").all_inner_texts() == rows.locator("th").all_inner_texts()
    table = [rows.nth(truth).locator("td").all_inner_texts() for truth in range(10)]
    assert [[int(text) for text in row] for row in table] == counts.tolist()
    right = int(counts.diagonal().sum())
    summary = page.inner_text("#mistakes .summary")
    assert f"Of 2,000 test images the network gets {right:,} right" in summary
    assert f"{right / 20:.1f} %" in summary
    mistakes = counts.clone().fill_diagonal_(0)
    truth, said = divmod(int(mistakes.argmax()), 10)
    first = page.locator("#mistakes .most li").first
    assert first.inner_text() == f"{CLASS_NAMES[truth]} for {CLASS_NAMES[said]}: {int(mistakes.max())} times"


def test_a_number_opens_to_its_images(page: Page, device: str, counts: torch.Tensor, samples: Dataset) -> None:
    open_mistakes(page)
    marked(page)
    truth, said = CLASS_NAMES.index("Shirt"), CLASS_NAMES.index("Coat")
    count = int(counts[truth, said])
    cell = page.get_by_role("button", name=f"{count} × Shirt, taken for Coat")
    cell.click()
    expect(cell).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#mistakes .images h3")).to_have_text(f"{count} × Shirt, taken for Coat")
    images = page.locator("#mistakes .thumbnail")
    expect(images).to_have_count(count)
    indices = page.evaluate("() => window.marked")
    assert [int(samples.test.labels[index]) for index in indices] == [truth] * count
    numbers = [int(re.search(r"test image (\d+)", title)[1]) for title in titles(page)]  # type: ignore[index]
    assert numbers == samples.test.numbers[indices].tolist()
    before = answers(page)
    images.first.click()
    wait_for_answer(page, before)
    expect(page.locator("#pad .hint")).to_have_text(titles(page)[0])
    # The map may only now be opened for the first time: it hears of them all the same.
    page.evaluate("() => (window.marked = null)")
    page.get_by_role("button", name="show them on the map").click()
    expect(page.get_by_role("tab", name="Map", exact=True)).to_have_attribute("aria-selected", "true")
    page.wait_for_function("() => document.querySelector('#map')?.dataset.points")
    page.wait_for_function("indices => JSON.stringify(window.marked) === JSON.stringify(indices)", arg=indices)
    open_mistakes(page)
    expect(cell).to_have_attribute("aria-pressed", "true")
    cell.click()
    expect(cell).to_have_attribute("aria-pressed", "false")
    expect(images).to_have_count(0)
    assert page.evaluate("() => window.marked") == []


def titles(page: Page) -> list[str]:
    return [str(each.get_attribute("title")) for each in page.locator("#mistakes .thumbnail").all()]


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_many_images_come_by_portions_and_arrow_keys_move(page: Page, counts: torch.Tensor) -> None:
    open_mistakes(page)
    cells = page.locator("#mistakes td button")
    assert [each.get_attribute("tabindex") for each in cells.all()].count("0") == 1
    cells.first.focus()
    page.keyboard.press("Enter")
    images = page.locator("#mistakes .thumbnail")
    expect(images).to_have_count(60)
    while (more := page.locator("#mistakes .more")).is_visible():
        more.click()
    expect(images).to_have_count(int(counts[0, 0]))
    cells.first.focus()
    page.keyboard.press("ArrowRight")
    said = int(counts[0, 1:].nonzero()[0]) + 1  # zeros are passed over
    expect(page.locator("#mistakes td button:focus")).to_have_text(str(int(counts[0, said])))
    page.keyboard.press("Space")
    expect(page.locator("#mistakes .images h3")).to_contain_text(f"T-shirt/top, taken for {CLASS_NAMES[said]}")
    page.keyboard.press("ArrowLeft")
    expect(cells.first).to_be_focused()
    page.keyboard.press("ArrowUp")  # nothing is there
    expect(cells.first).to_be_focused()


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_mistakes_are_counted_anew_for_another_network(page: Page) -> None:
    open_mistakes(page)
    # Two of three answers, none of them right: as many as there are labels for are counted.
    said = "fmnist.samples.labels.slice(0, 3).map((label) => (label + 1) % 10)"
    page.evaluate(f"() => fmnist.emit('points', {{ answers: {said} }})")
    expect(page.locator("#mistakes .summary")).to_contain_text("Of 3 test images the network gets 0 right")
    page.evaluate("() => fmnist.emit('points', { answers: new Uint8Array(10_000) })")
    expect(page.locator("#mistakes .summary")).to_contain_text("Of 2,000 test images the network gets 200 right")
    page.evaluate("() => fmnist.emit('network')")  # still the shipped one, asked for again
    expect(page.locator("#mistakes .summary")).not_to_contain_text("200 right")
    page.wait_for_selector("#mistakes[data-counted='2000']")


# Contrast as the Web Content Accessibility Guidelines 2 define it; colours in the notation that browsers compute.
CONTRAST = """(selector) => [...document.querySelectorAll(selector)].filter((each) => each.offsetParent).map((each) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const luminance = () => {
        const linear = [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)].map((value) => {
            const part = value / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const paint = (colour) => {
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
    };
    const grounds = [];
    for (let at = each; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
    paint('#fff');
    grounds.forEach(paint);
    const below = luminance();
    paint(getComputedStyle(each).color);
    const text = luminance();
    return (Math.max(text, below) + 0.05) / (Math.min(text, below) + 0.05);
})"""


def test_text_can_be_read_in_both_themes(page: Page, device: str) -> None:
    open_mistakes(page)
    page.locator("#mistakes .most button").first.click()
    page.get_by_role("button", name="Tour").click()
    page.locator("#tour .next").click()
    mistakes = ("td button", "tbody td:not(:has(button))", "th span", "p", "h3", "b", "caption", ".quiet")
    others = ("#tour p", "#tour h2", "#tour button", "#keep button", "#keep p", ".head *")
    for selector in (*(f"#mistakes {part}" for part in mistakes), *others):
        ratios = page.evaluate(CONTRAST, selector)
        assert ratios, selector
        assert min(ratios) >= 4.5, selector


# --- the tour -------------------------------------------------------------------------------------------------------


def test_the_tour_comes_once_and_leads_through_the_page(newcomer: Page, device: str) -> None:
    page = newcomer
    dialog = page.get_by_role("dialog", name="Draw a garment")
    expect(dialog).to_be_visible()
    expect(dialog).to_be_focused()
    expect(dialog.locator(".back")).to_be_hidden()
    places = ["#pad", "#answer", "#maps", "#map", "#retrain"]
    for number, place in enumerate(places, 1):
        expect(page.locator("#tour .step")).to_have_text(f"Step {number} of 5")
        expect(page.locator(".toured")).to_have_count(1)
        expect(page.locator(place)).to_have_class(re.compile(r"\btoured\b"))
        expect(page.locator(place)).to_be_in_viewport()
        expect(page.locator("#tour .tour")).to_be_in_viewport(ratio=1)
        if number < len(places):
            page.locator("#tour .next").focus()
            page.keyboard.press("Enter")
    tour, train = (page.locator(place).bounding_box() for place in ("#tour .tour", "#retrain"))
    assert tour and train
    is_above = tour["y"] + tour["height"] <= train["y"]
    assert is_above or tour["y"] >= train["y"] + train["height"], "the tour hides what it is about"
    page.locator("#tour .back").click()
    expect(page.locator("#tour .step")).to_have_text("Step 4 of 5")
    page.locator("#tour .next").click()
    page.get_by_role("button", name="Done").click()
    expect(page.locator("#tour .tour")).to_be_hidden()
    expect(page.locator(".toured")).to_have_count(0)
    page.reload()
    page.wait_for_selector("#answer[data-answers]")
    expect(page.locator("#tour .tour")).to_be_hidden()


def test_drawing_goes_on_during_the_tour(newcomer: Page, device: str) -> None:
    first = shown(newcomer)
    draw(newcomer, SHIRT, device)
    settle(newcomer)
    assert shown(newcomer) != first
    expect(newcomer.locator("#tour .step")).to_have_text("Step 1 of 5")
    newcomer.locator("#tour .skip").click()
    expect(newcomer.locator("#tour .tour")).to_be_hidden()


def test_the_tour_by_its_button(page: Page, device: str) -> None:
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


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
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


# --- links ----------------------------------------------------------------------------------------------------------


def fragment(page: Page) -> str:
    return str(page.evaluate("location.hash"))


def test_a_link_opens_the_same_view(page: Page, device: str, samples: Dataset, context: BrowserContext) -> None:
    assert fragment(page) == ""  # the example is nobody's choice
    open_tab(page, "Sizes")
    before = answers(page)
    page.locator("#samples .thumbnail").nth(3).click()
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
        page.locator("#samples .thumbnail").nth(1).click()
        wait_for_answer(page, before)
        assert re.fullmatch(r"#sample=\d+", fragment(page))

    choose()
    page.get_by_role("button", name="Clear").click()
    assert fragment(page) == ""
    page.get_by_role("button", name="Undo").click()
    assert re.fullmatch(r"#sample=\d+", fragment(page))
    draw(page, ((0.2, 0.2), (0.8, 0.8)), device)
    assert fragment(page) == ""
    page.get_by_role("button", name="Undo").click()
    assert re.fullmatch(r"#sample=\d+", fragment(page))
    page.set_input_files("#upload", {"name": "trousers.png", "mimeType": "image/png", "buffer": png(trousers())})
    page.wait_for_function("() => location.hash === ''")


def test_a_link_put_into_an_open_page(page: Page, device: str, samples: Dataset) -> None:
    number = int(samples.test.numbers[11])

    def put(link: str) -> None:
        page.evaluate("link => (location.hash = link)", link)

    put(f"tab=look-inside&layer=conv2&channel=5&sample={number}")
    expect(page.locator("#channel")).to_have_attribute("data-channel", "conv2 5", timeout=30_000)
    expect(page.locator("#pad .hint")).to_contain_text(f"test image {number}")
    expect(page.locator("#maps [data-layer=conv2]")).to_be_in_viewport()  # on a phone, far below the pad
    put(f"tab=look-inside&layer=conv2&channel=6&sample={number}")
    expect(page.locator("#channel")).to_have_attribute("data-channel", "conv2 6", timeout=30_000)
    put("tab=look-inside&layer=fc1&channel=3&network=original")  # a layer that the network of before does not have
    expect(page.locator("#channel")).to_have_attribute("data-channel", "fc1 3", timeout=30_000)
    put("tab=look-inside&network=deep")
    expect(page.locator("#maps")).to_have_attribute("data-open", "conv1")
    expect(page.locator("#maps .layers li")).to_have_count(23)
    expect(page.locator("#channel .about")).to_be_hidden()
    put("tab=map&layout=pixels&colour=mistakes")
    expect(page.locator("#map")).to_have_attribute("data-layout", "pixels")
    put("tab=map&colour=predicted")
    expect(page.locator("#map")).to_have_attribute("data-layout", "pca")
    expect(page.locator("#map")).to_have_attribute("data-colour", "predicted")


def test_a_newcomer_with_a_link_is_led_to_its_view(browser: Browser, address: str, device: str) -> None:
    context = browser.new_context(**DEVICES[device])
    page = context.new_page()
    page.goto(f"{address}#tab=look-inside&layer=fc1&channel=7&network=original")
    expect(page.locator("#channel")).to_have_attribute("data-channel", "fc1 7", timeout=30_000)
    expect(page.locator("#maps [data-layer=fc1]")).to_be_in_viewport()
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
@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_nothing_comes_of_a_made_up_link(page: Page, link: str) -> None:
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


def test_copy_link(page: Page, device: str, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    before = answers(page)
    page.locator("#samples .thumbnail").nth(5).click()
    wait_for_answer(page, before)
    button, said, field = (page.locator(f"#link {what}") for what in ("button", "[role=status]", "input"))
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


def test_save_as_picture(page: Page, device: str, tmp_path: Path) -> None:
    save = page.get_by_role("button", name="Save as picture")
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
    page.get_by_role("button", name="Clear").click()
    expect(save).to_be_disabled()


# --- the keyboard ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_the_keyboard_reaches_everything_with_a_focus_that_shows(page: Page) -> None:
    open_mistakes(page)
    page.locator("#mistakes .most button").first.click()
    page.get_by_role("button", name="Tour").click()
    page.locator("#tour .next").click()
    page.locator(".head .guide").focus()
    page.keyboard.press("Shift+Tab")  # before all that is ours
    controls = ["Tour", "Switch between light and dark", "Skip", "Back", "Next", "Save as picture", "Copy link"]
    controls += ["show them on the map", "close"]
    reached = []
    for _ in range(120):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            """() => {
                const at = document.activeElement;
                const { outlineStyle, outlineWidth } = getComputedStyle(at);
                return {
                    name: at.getAttribute('aria-label') ?? at.textContent.trim(),
                    ours: at.closest('#tour, .head, #keep, #mistakes') !== null,
                    cell: at.closest('td') !== null,
                    shows: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
                };
            }"""
        )
        if focus["ours"]:
            assert focus["shows"], focus
            reached.append("a number" if focus["cell"] else focus["name"])
        if focus["name"] == "Use via API":
            break
    for name in controls:
        assert name in reached, name
    assert reached.count("a number") == 1  # the arrow keys do the rest
    assert sum("taken for" in name or " for " in name for name in reached) >= 5  # the mixing-ups in words
    positions = [reached.index(name) for name in ("Tour", "Next", "Save as picture", "a number", "close")]
    assert positions == sorted(positions)
