"""The other tabs, and what holds for all of the page."""

import random
import re

import pytest
from playwright.sync_api import Page, expect
from visitor import (
    SHIRT,
    answers,
    clear,
    draw,
    on_a_phone,
    on_both_devices,
    open_mistakes,
    open_tab,
    settle,
    wait_for_answer,
    with_modules,
)

from fmnist_core import CLASS_NAMES
from fmnist_core.dataset import Dataset
from fmnist_core.errors import ConfigError
from fmnist_core.formula import output_size
from fmnist_core.layer_table import layer_table
from fmnist_core.model import Network


@on_both_devices
def test_the_data_tab(page: Page, samples: Dataset) -> None:
    open_tab(page, "Data")
    expect(page.get_by_text("10,000 training and 2,000 test images that are shipped with the program")).to_be_visible()
    sprite = page.locator(".sprite img")
    sprite.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('.sprite img').naturalWidth === 840")
    page.locator("#sample_browser select").select_option("Sandal")
    cards = page.locator("#sample_browser li")
    expect(cards).to_have_count(40)
    assert {text.split("\n")[0] for text in cards.all_inner_texts()} == {"Sandal"}
    page.get_by_role("button", name="Next page").click()
    expect(page.locator("#sample_browser .page")).to_have_text("page 2 of 5")
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
    "sides",  # height and width of n, f, p, s, d
    [
        {"n": (28, 28), "f": (5, 5), "p": (0, 0), "s": (1, 1), "d": (1, 1)},
        {"n": (24, 30), "f": (2, 3), "p": (1, 0), "s": (2, 4), "d": (1, 1)},
        {"n": (7, 5), "f": (9, 5), "p": (1, 0), "s": (1, 1), "d": (1, 1)},
        {"n": (7, 5), "f": (10, 5), "p": (1, 0), "s": (1, 1), "d": (1, 1)},
        {"n": (28, 20), "f": (3, 5), "p": (0, 2), "s": (1, 2), "d": (4, 2)},
        {"n": (9, 20), "f": (3, 3), "p": (0, 0), "s": (1, 1), "d": (4, 1)},  # just as wide as the input
        {"n": (8, 20), "f": (3, 3), "p": (0, 0), "s": (1, 1), "d": (4, 1)},  # wider than it
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
    page.locator("#sizes tbody tr", has_text="conv2").click()  # which takes the dilation back, too
    height, width = next(row.shape[1:] for row in layer_table(shipped) if row.name == "conv2")
    expect(page.locator("#sizes .result")).to_have_attribute("data-size", f"{height}x{width}")


def test_the_calculator_draws_the_filter_with_its_dilation(page: Page) -> None:
    open_tab(page, "Sizes")
    for name, value in {"n": 28, "f": 5, "p": 0, "s": 1}.items():
        for direction in (0, 1):
            page.locator(f"#sizes [data-of={name}{direction}]").fill(str(value))
    pictures = set()
    for dilation in (1, 2, 3):
        for direction in (0, 1):
            page.locator(f"#sizes [data-of=d{direction}]").fill(str(dilation))
        pictures.add(page.locator("#sizes canvas").evaluate("canvas => canvas.toDataURL()"))
    assert len(pictures) == 3
    expect(page.locator("#sizes .result")).to_contain_text("height ⌊(28 − 13 + 2·0) / 1⌋ + 1 = 16")


def size_or_nothing(*numbers: int) -> int:
    try:
        return output_size(*numbers)
    except ConfigError:
        return 0


def test_the_formula_of_the_page_is_the_core_s(page: Page) -> None:
    choose = random.Random(0)
    draws = [
        [choose.randint(0, 40), choose.randint(0, 9), choose.randint(-1, 6), choose.randint(0, 5), choose.randint(0, 5)]
        for _ in range(600)
    ]
    sizes = [size_or_nothing(*each) for each in draws]
    assert 100 < sizes.count(0) < 500  # both kinds are there
    script = "({ outputSize }, draws) => draws.map((each) => outputSize(...each))"
    found = with_modules(page, script, draws)
    assert [each["size"] for each in found] == sizes
    assert [each["wrong"] == "" for each in found] == [size > 0 for size in sizes]
    assert all(each["sum"].endswith(f"= {size}") for each, size in zip(found, sizes, strict=True) if size)


@on_both_devices
def test_themes_and_width(page: Page, device: str) -> None:
    is_dark = page.evaluate("document.body.classList.contains('dark')")
    assert is_dark is (device == "phone")
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("document.body.classList.contains('dark')") is not is_dark
    for name in ("Look inside", "Why", "Map", "Mistakes", "Train", "Compare", "Data", "Sizes", "About"):
        open_tab(page, name)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.evaluate("innerWidth"), f"{name} is wider than the screen"
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("document.body.classList.contains('dark')") is is_dark


@on_both_devices
def test_nothing_jumps(page: Page, device: str) -> None:
    parts = "['#answer .bars', '#network_input details', '#sample_strip']"
    places = f"() => {parts}.map((each) => document.querySelector(each).getBoundingClientRect().top + scrollY)"
    clear(page)
    draw(page, SHIRT, device)
    settle(page)
    expected = page.evaluate(places)
    page.locator("#network_input select").select_option("photo")
    expect(page.locator("#network_input button")).to_be_visible()
    assert page.evaluate(places) == expected
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#answer .words")).to_have_text("Draw something")
    assert page.evaluate(places) == expected


@on_a_phone
def test_a_finger_finds_the_tabs(page: Page) -> None:
    page.locator(".overflow-menu > button").click()
    for button in page.locator("#tabs [role=tab], .overflow-menu button").all():
        box = button.bounding_box()
        assert box and box["height"] >= 44, button.inner_text()
    for select in ("#answer select", "#network_input select"):  # what is chosen can be read
        assert page.locator(select).evaluate("each => each.scrollWidth <= each.clientWidth"), select


# Contrast as the Web Content Accessibility Guidelines 2 define it; colours in the notation that browsers compute.
CONTRAST = """(selector) => [...document.querySelectorAll(selector)].filter((each) => each.offsetParent).map((each) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const luminance = () => {
        const linear = [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)].map((value) => {
            const level = value / 255;
            return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const paint = (colour) => {
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
    };
    const backgrounds = [];
    for (let at = each; at; at = at.parentElement) backgrounds.unshift(getComputedStyle(at).backgroundColor);
    paint('#fff');
    backgrounds.forEach(paint);
    const below = luminance();
    paint(getComputedStyle(each).color);
    const text = luminance();
    return (Math.max(text, below) + 0.05) / (Math.min(text, below) + 0.05);
})"""


@on_both_devices
def test_text_can_be_read_in_both_themes(page: Page) -> None:
    open_tab(page, "Train")
    for selector in ("#train-form :is(b, legend, label, .about, output)", "#training :is(p, figcaption, span)"):
        assert min(page.evaluate(CONTRAST, selector)) >= 4.5, selector
    open_mistakes(page)
    page.locator("#mistakes .most button").first.click()
    page.get_by_role("button", name="Tour").click()
    page.locator("#tour .next").click()
    mistakes = ("td button", "tbody td:not(:has(button))", "th span", "p", "h3", "b", "caption", ".quiet")
    others = ("#tour p", "#tour h2", "#tour button", "#keep button", "#keep p", ".page_header *")
    for selector in (*(f"#mistakes {part}" for part in mistakes), *others):
        ratios = page.evaluate(CONTRAST, selector)
        assert ratios, selector
        assert min(ratios) >= 4.5, selector
