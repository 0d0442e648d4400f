"""Teaching: the visitor says what pictures are, the network learns them, and what it forgot is told."""

import csv
import re
from pathlib import Path

from playwright.sync_api import Page, expect
from visitor import answers, clear, draw, on_both_devices, open_tab, settle, wait_for_answer

from fmnist_core import dataset

TRIANGLE = ((0.5, 0.15), (0.2, 0.85), (0.8, 0.85), (0.5, 0.15))
TAUGHT = 180_000  # milliseconds: only for a machine that hangs


def add(page: Page, name: str) -> None:
    """Say what the current picture is."""
    settle(page)
    page.locator(".correction select").select_option(name)
    page.locator(".correction [type=submit]").click()
    expect(page.locator(".correction .said")).to_contain_text(f"Added as {name}")


def test_a_network_is_taught_and_given_back(fresh_page: Page, device: str, tmp_path: Path) -> None:
    page = fresh_page
    guessed = page.locator(".correction select")
    expect(guessed).to_have_value("9")  # prefilled with the guess: the example is an ankle boot
    clear(page)
    expect(guessed).to_be_disabled()
    draw(page, TRIANGLE, device)
    add(page, "Bag")
    before = answers(page)
    page.locator("#sample_strip .thumbnail").first.click()
    wait_for_answer(page, before)
    add(page, "Coat")
    page.locator(".correction .said button").click()

    # The set: corrected, saved, removed, and read again.
    rows = page.locator(".teach .lesson li")
    expect(rows).to_have_count(2)
    rows.nth(1).locator("select").select_option("T-shirt/top")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    file = tmp_path / "mine.csv"
    download.value.save_as(file)
    assert dataset.load_csv(file).labels.tolist() == [8, 0]
    page.get_by_role("button", name="Remove all").click()
    expect(rows).to_have_count(0)
    expect(page.locator(".teach .start")).to_be_disabled()
    page.locator(".teach .open input").set_input_files(file)
    expect(rows).to_have_count(2)
    page.reload()  # they stay in this tab
    page.wait_for_selector("#answer[data-answers]")
    open_tab(page, "Teach")
    expect(rows).to_have_count(2)

    page.locator(".teach .start").click()
    expect(page.locator(".teach .outcome")).to_be_visible(timeout=TAUGHT)
    expect(page.locator(".teach .status")).to_have_text("Now it is right about 2 of your 2 pictures.")
    assert re.search(r"right about 95\.\d % before and is about \d\d\.\d % now", page.inner_text(".teach .outcome"))
    expect(rows.first.locator(".answers")).to_contain_text(re.compile("before: .*after: Bag"))
    expect(page.locator("#answer select").first).to_have_value("yours-1")
    page.locator(".teach .see").click()
    expect(page.locator(".compare .networks")).to_contain_text("deep, taught 2")
    expect(page.locator(".compare .pair select.first")).to_have_value("deep")
    open_tab(page, "Teach")
    page.locator(".teach .back").click()
    expect(page.locator("#answer .whose select")).to_have_value("deep")


@on_both_devices
def test_a_file_that_holds_no_pictures_is_refused_with_its_line(page: Page, tmp_path: Path) -> None:
    open_tab(page, "Teach")
    good = ["3", *["0"] * 784]
    for rows, sentence in (
        ([good, good[:-1]], "Line 2 has 784 values, expected 785"),
        ([["label"], good, ["12", *good[1:]]], "Line 3, column 1: expected a label from 0 to 9."),
        ([[*good[:-1], "256"]], "Line 1, column 785: expected a pixel from 0 to 255."),
        ([], "There is no picture in this file"),
    ):
        file = tmp_path / "wrong.csv"
        with file.open("w", newline="") as opened:
            csv.writer(opened).writerows(rows)
        page.locator(".teach .open input").set_input_files(file)
        expect(page.locator(".teach .problem")).to_contain_text(sentence)
