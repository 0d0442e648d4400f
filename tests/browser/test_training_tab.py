"""Training: the form, which follows the server, and a run from its start to the shipped weights again."""

import re
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect
from visitor import answers, on_both_devices, open_tab, settle, shown, wait_for_answer, with_modules

from demo.limits import Limits
from demo.requests import page_settings
from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.model import Network

TRAINED = 180_000  # milliseconds: only for a machine that hangs


def field(page: Page, name: str) -> Locator:
    return page.locator(f"#train-form [name={name}]")


def output_of(slider: Locator) -> Locator:
    """Where its number stands."""
    return slider.locator("xpath=../output")


def fill(page: Page, **settings: float) -> None:
    """Fill in settings as a visitor does, a slider by its keys."""
    for name, value in settings.items():
        field(page, name).fill(str(value))
        expect(field(page, name)).to_have_value(str(value))


def form_of_the_server(page: Page) -> dict[str, Any]:
    return dict(with_modules(page, "({ facts }) => facts.training"))


def start(page: Page) -> None:
    """Start a long training of the small network, and wait until it learns."""
    field(page, "architecture").select_option("original")
    fill(page, epochs=30)
    page.locator("#retrain").click()
    expect(page.locator(".training .status")).to_contain_text("images a second", timeout=TRAINED)


def stop(page: Page) -> None:
    """Stop it, and wait for the trained network and its map."""
    page.locator("#stop").click()
    expect(page.locator(".training")).to_have_attribute("data-state", "trained", timeout=TRAINED)
    expect(page.locator("#retrain")).to_be_enabled(timeout=TRAINED)


@on_both_devices
def test_the_form_is_the_server_s(fresh_page: Page) -> None:
    page = fresh_page
    open_tab(page, "Train")
    form = form_of_the_server(page)
    assert [each["id"] for each in form["architectures"]] == list(ARCHITECTURES)
    parameters = [f"{name}: {Network(name).parameter_count:,} parameters" for name in ARCHITECTURES]
    assert page.locator("#train-form option").all_inner_texts() == parameters
    settings = page_settings(Limits())
    assert [each["name"] for each in form["settings"]] == [setting.name for setting in settings]
    labels = page.locator("#train-form .settings label")
    assert labels.locator("b").all_inner_texts() == [setting.label for setting in settings]
    assert labels.locator(".about").all_inner_texts() == [setting.help for setting in settings]
    for setting, told in zip(settings, form["settings"], strict=True):
        found = field(page, setting.name)
        expect(page.get_by_label(setting.label)).to_have_attribute("name", setting.name)
        low, high = (float(found.get_attribute(end) or "") for end in ("min", "max"))
        # A slider begins at its first step, for nothing can be learned from less.
        assert low == setting.low or (found.get_attribute("type") == "range" and setting.low < low <= 0.01)
        assert high == setting.high
        assert float(found.input_value()) == told["value"]
        if found.get_attribute("type") == "range":
            found.press("Home")
            expect(found).to_have_value(f"{low:g}")
            expect(output_of(found)).to_have_text(f"{low:g}")
        found.scroll_into_view_if_needed()
        expect(found).to_be_in_viewport(ratio=1)
    for box in page.locator("#train-form :is([type=radio], [type=checkbox])").all():
        size = box.bounding_box()
        assert size and min(size["width"], size["height"]) >= 16, "it can hardly be seen"
        box.check()
        # Painted by the browser, not as an empty square of Gradio's.
        assert box.evaluate("each => getComputedStyle(each).appearance") != "none"


def test_each_network_is_offered_its_fraction_of_the_data(fresh_page: Page) -> None:
    page = fresh_page
    fractions = {"deep": 0.1, "original": 0.7}
    with_modules(
        page,
        "({ facts }, given) => facts.training.architectures.forEach((each) => (each.fraction = given[each.id]))",
        fractions,
    )
    open_tab(page, "Train")
    first = field(page, "architecture").input_value()
    assert first == next(iter(ARCHITECTURES))
    for network in (first, "deep", "original"):
        field(page, "architecture").select_option(network)
        expect(field(page, "data_fraction")).to_have_value(str(fractions[network]))
        expect(output_of(field(page, "data_fraction"))).to_have_text(str(fractions[network]))
        expect(page.locator("#train-form .architecture .about")).to_have_text(ARCHITECTURES[network].description)


@on_both_devices
def test_a_setting_that_cannot_work_is_refused_with_a_sentence(page: Page) -> None:
    open_tab(page, "Train")
    status, rate = page.locator(".training .status"), field(page, "learning_rate")
    known = rate.input_value()
    for value, sentence in (
        ("0", "Learning rate: 0 is out of range, expected 1e-07 to 10."),
        ("-1", "Learning rate: -1 is out of range, expected 1e-07 to 10."),
        ("", "Learning rate: missing, expected a number."),
    ):
        rate.fill(value)
        page.locator("#retrain").click()
        expect(status).to_have_text(sentence)
        expect(page.locator(".training")).to_have_attribute("data-state", "failed")
        expect(page.locator("#retrain")).to_be_enabled()
    rate.fill(known)
    page.locator("#restore").click()
    expect(status).to_have_text("Back to the shipped weights.")


def test_a_training_and_the_way_back(fresh_page: Page, context: BrowserContext) -> None:
    page = fresh_page
    open_tab(page, "Train")
    before = answers(page)
    page.locator("#sample_strip .thumbnail").nth(
        2
    ).click()  # stays the picture: it is in the link, which outlives a reload
    wait_for_answer(page, before)
    settle(page)
    first = shown(page)
    for network in ("original", "deep"):  # the link says so from now on
        page.locator("#answer select").select_option(network)
        page.wait_for_function("network => location.hash.includes(`network=${network}`)", arg=network)
    settle(page)
    start(page)
    # The page answers as ever meanwhile.
    before = answers(page)
    page.locator("#sample_strip .thumbnail").nth(2).click()
    wait_for_answer(page, before)
    page.locator("#sample_strip .thumbnail").nth(9).scroll_into_view_if_needed()
    stop(page)
    training = page.locator(".training")
    expect(training.locator(".status")).to_contain_text("Stopped")
    for cell in (".before", ".after", ".before-sketches", ".after-sketches"):
        assert re.fullmatch(r"\d+\.\d %", training.locator(cell).inner_text())
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
    expect(training.locator(".progress")).to_have_attribute("aria-valuenow", "0")
    assert page.locator("#answer option").all_inner_texts() == [
        "deep: 482,154 parameters",
        "original: 33,250 parameters",
    ]


def test_a_training_outlives_a_reload_on_another_tab(fresh_page: Page) -> None:
    page = fresh_page
    page.locator("#answer select").select_option("original")  # which the link then names
    open_tab(page, "Train")
    start(page)
    open_tab(page, "Map")
    with page.expect_request(lambda request: '"train_state"' in (request.post_data or "") and page.url.endswith("map")):
        page.reload()
    page.wait_for_selector("#answer[data-answers]")
    open_tab(page, "Train")
    expect(page.locator(".training .status")).to_contain_text("images a second", timeout=TRAINED)
    stop(page)
    page.reload()
    page.wait_for_selector("#answer[data-answers]")
    settle(page)
    expect(page.locator("#answer select")).to_have_value("yours")  # the link names the other one no more
    open_tab(page, "Train")
    page.locator("#restore").click()
    expect(page.locator(".training .status")).to_have_text("Back to the shipped weights.")
    expect(page.locator("#answer .problem")).to_be_hidden()
