"""Comparing networks: the table of those that the visitor can choose, and two of them side by side."""

import re

from playwright.sync_api import Page, expect
from visitor import answers, on_both_devices, open_tab, wait_for_answer

from demo.loading import SHIPPED
from fmnist_core import dataset, projection
from fmnist_core.checkpoint import load
from fmnist_core.comparison import Comparison

TRAINED = 180_000  # milliseconds: only for a machine that hangs


def open_compare(page: Page) -> None:
    open_tab(page, "Compare")
    page.locator(".compare").scroll_into_view_if_needed()
    page.wait_for_selector("#compare[data-compared]")


def compared() -> Comparison:
    """The two shipped networks, as the page shows them."""
    samples = dataset.load_samples().test
    maps = [projection.load(SHIPPED / name, load(SHIPPED / name), samples) for name in ("deep", "original")]
    return Comparison.of(samples.labels, *(each.predictions for each in maps))


@on_both_devices
def test_the_shipped_networks_are_compared(page: Page) -> None:
    open_compare(page)
    rows = page.locator(".compare .networks tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("answers now")
    expected = compared()
    verdict = page.locator(".compare .verdict")
    expect(verdict).to_contain_text(f"deep is right about {100 * expected.accuracy[0]:.1f} %")
    expect(verdict).to_contain_text(f"They disagree about {expected.only_first + expected.only_second}")
    flips = page.locator(".compare [data-flip]")
    counts = (expected.only_second, expected.only_first, expected.neither)
    words = ("became right", "became wrong", "stay wrong")
    expect(flips).to_have_text([f"{count} {word}" for count, word in zip(counts, words, strict=True)])
    flips.nth(2).click()
    expect(page.locator(".compare .thumbnail")).to_have_count(min(expected.neither, 60))
    # The images are the right ones: the first is wrong by both.
    index = int((~expected.first & ~expected.second).nonzero()[0])
    numbers = dataset.load_samples().test.numbers
    expect(page.locator(".compare .thumbnail").first).to_have_attribute(
        "title", re.compile(rf" {int(numbers[index])}$")
    )


def test_both_see_the_picture_that_is_drawn(page: Page) -> None:
    open_compare(page)
    canvas = page.locator(".compare .second canvas")
    expect(canvas).to_be_visible()
    sides = [page.locator(f".compare figure.{side} figcaption") for side in ("first", "second")]
    expect(sides[0]).to_contain_text("deep: Ankle boot")
    before, seen = answers(page), canvas.evaluate("canvas => canvas.toDataURL()")
    page.locator("#sample_strip .thumbnail").nth(1).click()
    wait_for_answer(page, before)
    page.wait_for_function("seen => document.querySelector('.compare .second canvas').toDataURL() !== seen", arg=seen)
    page.locator(".compare .second select").select_option("pool2")
    expect(canvas).to_have_attribute("aria-label", re.compile("maps of pool2 of original"))


def test_flips_are_shown_on_the_map(page: Page) -> None:
    open_compare(page)
    page.locator(".compare [data-flip=won]").click()
    page.locator(".compare .onmap").click()
    expect(page.get_by_role("tab", name="Map")).to_have_attribute("aria-selected", "true")
    page.wait_for_selector("#map[data-points][data-marked]")
    expect(page.locator("#map")).to_have_attribute("data-marked", str(compared().only_second))
    open_tab(page, "Compare")
    page.get_by_role("button", name="Take the marks off the map").click()
    open_tab(page, "Map")
    expect(page.locator("#map")).to_have_attribute("data-marked", "0")


def test_what_was_trained_is_compared_trained_again_and_forgotten(fresh_page: Page) -> None:
    page = fresh_page
    open_tab(page, "Train")
    form = page.locator("#train-form")
    form.locator("[name=architecture]").select_option("original")
    form.locator("[name=epochs]").fill("1")
    form.locator("[name=data_fraction]").fill("0.05")
    form.locator("[name=learning_rate]").fill("0.002")
    form.locator("[name=for_people]").uncheck()
    page.locator("#retrain").click()
    expect(page.locator(".training")).to_have_attribute("data-state", "trained", timeout=TRAINED)
    open_compare(page)
    mine = page.locator(".compare .networks tr[data-network^=yours]")
    expect(mine).to_have_count(1)
    expect(mine).to_contain_text("your network 1")
    expect(mine).to_contain_text("0.002")
    expect(page.locator(".compare select.second").first).to_have_value("yours-1")
    page.locator("[data-network=deep]").get_by_text("let it answer").click()
    expect(page.locator("#answer select")).to_have_value("deep")
    expect(page.locator("[data-network=deep]")).to_contain_text("answers now")
    mine.get_by_text("train again").click()
    expect(form.locator("[name=learning_rate]")).to_have_value("0.002")
    expect(form.locator("[name=for_people]")).not_to_be_checked()
    open_compare(page)
    mine.get_by_text("forget").click()
    expect(mine).to_have_count(0)
    assert page.locator("#answer option").count() == 2
    expect(page.locator("#answer .problem")).to_be_hidden()


def train_two(page: Page) -> None:
    """Train two networks that differ in their learning rate, as one sweep."""
    open_tab(page, "Train")
    form = page.locator("#train-form")
    form.locator("[name=architecture]").select_option("original")
    form.locator("[name=epochs]").fill("2")
    form.locator("[name=data_fraction]").fill("0.03")
    for name in ("for_people", "watch"):
        form.locator(f"[name={name}]").uncheck()
    page.locator("#more-settings summary").click()
    form.locator("[name=tried_1]").select_option("learning_rate")
    form.locator("[name=values_1]").fill("0.001, 0.01")
    expect(page.locator("#retrain")).to_have_text("Train 2 networks")
    page.locator("#retrain").click()
    expect(page.locator(".training .status")).to_contain_text("Network 1 of 2 (learning rate 0.001): ")
    expect(page.locator(".training .status")).to_contain_text("Network 2 of 2 (learning rate 0.01): ", timeout=TRAINED)


def test_several_networks_are_trained_in_a_row_seen_together_and_renamed(fresh_page: Page) -> None:
    page = fresh_page
    train_two(page)
    # At the end, the page opens the comparison by itself.
    expect(page.get_by_role("tab", name="Compare")).to_have_attribute("aria-selected", "true", timeout=TRAINED)
    page.wait_for_selector("#compare[data-compared='yours-1 yours-2']")
    assert page.locator(".training .status").text_content() == (
        "2 of 2 networks are trained: “Compare” shows them side by side."
    )
    legend = page.locator(".compare .runs .legend li")
    expect(legend.locator("b")).to_have_text(["learning rate 0.001", "learning rate 0.01"])
    expect(page.locator(".compare .runs .legend .strong")).to_have_count(2)
    charts = page.locator(".compare .runs canvas")
    expect(charts.nth(1)).to_have_attribute(
        "aria-label", "accuracy on held-out images, of learning rate 0.001, learning rate 0.01"
    )
    by_epochs = charts.nth(0).evaluate("canvas => canvas.toDataURL()")
    page.get_by_role("button", name="by images seen").click()
    assert charts.nth(0).evaluate("canvas => canvas.toDataURL()") != by_epochs

    # The one that is not compared is drawn faint.
    page.locator(".compare .pair select.second").select_option("deep")
    expect(page.locator(".compare .runs .strong b")).to_have_text(["learning rate 0.001"])

    mine = page.locator("[data-network=yours-1]")
    mine.get_by_text("rename").click()
    name = mine.get_by_role("textbox")
    expect(name).to_be_focused()
    name.fill("x")
    name.press("Escape")
    expect(mine.locator("th")).to_have_text("learning rate 0.001")
    mine.get_by_text("rename").click()
    name.fill("deep")
    name.press("Enter")
    expect(page.locator(".compare > .problem")).to_have_text(
        "There is a network 'deep' already, expected another name."
    )
    mine.get_by_text("rename").click()
    name.fill("  <b>small</b> steps ")
    name.press("Enter")
    expect(mine.locator("th")).to_have_text("<b>small</b> steps")
    expect(legend.locator("b").first).to_have_text("<b>small</b> steps")
    expect(page.locator(".compare select.first option[value=yours-1]").first).to_have_text("<b>small</b> steps")
    expect(page.locator("#answer option[value=yours-1]")).to_have_text("<b>small</b> steps")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
