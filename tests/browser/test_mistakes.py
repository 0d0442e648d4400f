"""The network's mistakes: the confusion matrix and the images behind each number."""

import re

import pytest
import torch
from playwright.sync_api import Page, expect
from visitor import answers, on_both_devices, open_mistakes, wait_for_answer, with_modules

from demo.session import Session
from fmnist_core import CLASS_NAMES
from fmnist_core.dataset import Dataset


@pytest.fixture
def counts(shipped_session: Session, samples: Dataset) -> torch.Tensor:
    """The confusion matrix of the shipped network: rows are what the samples are."""
    places = samples.test.labels * 10 + shipped_session.projection.predictions
    return torch.bincount(places, minlength=100).reshape(10, 10)


def marked(page: Page) -> None:
    """Keep what is said to be marked on the map in ``window.marked``."""
    with_modules(page, "({ on }) => on('marked', (indices) => { window.marked = [...indices]; })")


@on_both_devices
def test_mistakes_are_those_of_the_network_that_answers(page: Page, counts: torch.Tensor) -> None:
    open_mistakes(page)
    rows = page.locator("#mistakes tbody tr")
    assert rows.locator("th").all_inner_texts() == [name.replace("T-shirt", "T\u2011shirt") for name in CLASS_NAMES]
    assert page.locator("#mistakes [scope=col]").all_inner_texts() == rows.locator("th").all_inner_texts()
    table = [rows.nth(truth).locator("td").all_inner_texts() for truth in range(10)]
    assert [[int(text) for text in row] for row in table] == counts.tolist()
    correct = int(counts.diagonal().sum())
    summary = page.inner_text("#mistakes .summary")
    assert f"{correct:,} of 2,000 test images are predicted correctly" in summary
    assert f"an accuracy of {correct / 20:.1f} %" in summary
    mistakes = counts.clone().fill_diagonal_(0)
    truth, predicted = divmod(int(mistakes.argmax()), 10)
    first = page.locator("#mistakes .most li").first
    assert first.inner_text() == f"{CLASS_NAMES[truth]} predicted as {CLASS_NAMES[predicted]}: {int(mistakes.max())}"


@on_both_devices
def test_a_number_opens_to_its_images(fresh_page: Page, counts: torch.Tensor, samples: Dataset) -> None:
    page = fresh_page
    open_mistakes(page)
    marked(page)
    truth, predicted = CLASS_NAMES.index("Shirt"), CLASS_NAMES.index("Coat")
    count = int(counts[truth, predicted])
    cell = page.get_by_role("button", name=f"{count} × Shirt, predicted as Coat")
    cell.click()
    expect(cell).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#mistakes .images h3")).to_have_text(f"{count} × Shirt, predicted as Coat")
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
    # The map is opened for the first time only now: it hears of them all the same.
    page.evaluate("() => (window.marked = null)")
    page.get_by_role("button", name="show them on the map").click()
    expect(page.get_by_role("tab", name="Map", exact=True)).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tab", name="Map", exact=True)).to_be_focused()
    expect(page.locator("#map")).to_be_in_viewport()
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
    predicted = int(counts[0, 1:].nonzero()[0]) + 1  # zeros are passed over
    expect(page.locator("#mistakes td button:focus")).to_have_text(str(int(counts[0, predicted])))
    page.keyboard.press("Space")
    expect(page.locator("#mistakes .images h3")).to_contain_text(f"T-shirt/top, predicted as {CLASS_NAMES[predicted]}")
    page.keyboard.press("ArrowLeft")
    expect(cells.first).to_be_focused()
    page.keyboard.press("ArrowUp")  # nothing is there
    expect(cells.first).to_be_focused()


def test_mistakes_are_counted_anew_for_another_network(page: Page) -> None:
    open_mistakes(page)
    summary = page.locator("#mistakes .summary")
    # Three predictions, none of them correct; then more of them than there are labels, which do not count.
    wrong = "samples.labels.slice(0, 3).map((label) => (label + 1) % 10)"
    with_modules(page, f"({{ emit, samples }}) => emit('points', {{ predictions: {wrong} }})")
    expect(summary).to_contain_text("0 of 3 test images are predicted correctly")
    with_modules(page, "({ emit }) => emit('points', { predictions: new Uint8Array(10_000) })")
    expect(summary).to_contain_text("200 of 2,000 test images are predicted correctly")
    with_modules(page, "({ emit }) => emit('network')")  # still the shipped one, asked for again
    expect(summary).not_to_contain_text("200 of 2,000")
    page.wait_for_selector("#mistakes[data-counted='2000']")
