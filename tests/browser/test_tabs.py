"""The other tabs, and what holds for all of the page."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from visitor import SHIRT, answers, draw, open_mistakes, open_tab, settle, shown, wait_for_answer, with_modules

from fmnist_core import CLASS_NAMES
from fmnist_core.dataset import Dataset
from fmnist_core.errors import ConfigError
from fmnist_core.model import Network, layer_table, output_size


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
    settle(page)
    # The answer is far above: it is told here, with the way there.
    expect(page.locator("#answer .words")).not_to_be_in_viewport()
    said = page.locator("#answer .words").inner_text()
    expect(page.locator("#answer .elsewhere")).to_have_text(re.compile(rf"{said}, \d+ %\s+↑"))
    page.locator("#answer .elsewhere").click()
    expect(page.locator("#answer .words")).to_be_in_viewport()
    expect(page.locator("#answer .elsewhere")).to_be_hidden()


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


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_each_network_is_offered_its_share_of_the_data(page: Page) -> None:
    open_tab(page, "Train")
    with_modules(page, "({ facts }) => { facts.shares = { deep: 0.1, original: 0.7 }; }")
    share = page.get_by_label("number input for Share of the data")
    for network, part in (("deep", "0.1"), ("original", "0.7")):
        page.get_by_role("combobox", name="Network").fill(network)
        page.keyboard.press("Enter")
        expect(share).to_have_value(part)


def test_retraining(page: Page, device: str, context: BrowserContext) -> None:
    open_tab(page, "Train")
    before = answers(page)
    page.locator("#samples .thumbnail").nth(2).click()  # stays the picture: it is in the link, which outlives a reload
    wait_for_answer(page, before)
    settle(page)
    first = shown(page)
    for network in ("original", "deep"):  # the link says so from now on
        page.locator("#answer select").select_option(network)
        page.wait_for_function("network => location.hash.includes(`network=${network}`)", arg=network)
    settle(page)
    fill_form(page, epochs=30, share=1)
    page.locator("#retrain").click()
    curves = page.locator(".curves")
    expect(curves.locator(".status")).to_contain_text("images a second", timeout=180_000)
    # The page answers as ever meanwhile.
    before = answers(page)
    page.locator("#samples .thumbnail").nth(2).click()
    wait_for_answer(page, before)
    page.locator("#samples .thumbnail").nth(9).scroll_into_view_if_needed()
    page.locator("#stop").click()
    expect(curves).to_have_attribute("data-state", "trained", timeout=180_000)
    expect(curves.locator(".status")).to_contain_text("Stopped")
    for cell in (".before", ".after", ".before-drawings", ".after-drawings"):
        assert re.fullmatch(r"\d+\.\d %", curves.locator(cell).inner_text())
    expect(page.locator("#retrain")).to_be_enabled(timeout=180_000)  # its map is ready, too
    expect(page.locator("#answer select")).to_have_value("yours")
    assert "network" not in page.url  # else a reload would go back to that one

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
        "deep: 482,154 parameters",
        "original: 33,250 parameters",
    ]


@pytest.mark.parametrize("device", ["desktop"], indirect=True)
def test_a_training_outlives_a_reload_on_another_tab(page: Page) -> None:
    page.locator("#answer select").select_option("original")  # which the link then names
    open_tab(page, "Train")
    fill_form(page, epochs=30, share=1)
    page.locator("#retrain").click()
    expect(page.locator(".curves .status")).to_contain_text("images a second", timeout=180_000)
    open_tab(page, "Map")
    with page.expect_request(lambda request: '"train_state"' in (request.post_data or "") and page.url.endswith("map")):
        page.reload()
    page.wait_for_selector("#answer[data-answers]")
    open_tab(page, "Train")
    expect(page.locator(".curves .status")).to_contain_text("images a second", timeout=180_000)
    with_modules(
        page, "({ train }) => train.stop()"
    )  # as its button does, which a tab just opened may not have wired yet
    expect(page.locator(".curves")).to_have_attribute("data-state", "trained", timeout=180_000)
    expect(page.locator("#restore")).to_be_enabled(timeout=180_000)
    page.reload()
    page.wait_for_selector("#answer[data-answers]")
    settle(page)
    expect(page.locator("#answer select")).to_have_value("yours")  # the link names the other one no more
    open_tab(page, "Train")
    page.locator("#restore").click()
    expect(page.locator(".curves .status")).to_have_text("Back to the shipped weights.")
    expect(page.locator("#answer .problem")).to_be_hidden()


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
