"""Layers of one's own: composed in the training form, trained, and looked into."""

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect
from visitor import on_both_devices, open_tab

from fmnist_core.custom_layers import ORIGINAL_ROWS, plan
from fmnist_core.layer_kinds import Convolution, Flatten, Pooling

TRAINED = 180_000  # milliseconds: only for a machine that hangs
Row = dict[str, Any]


def compose(page: Page) -> None:
    """Choose layers of one's own in the training form, and begin with the original network's."""
    open_tab(page, "Train")
    page.locator("#train-form [name=architecture]").select_option("custom")
    page.locator("#own-layers .again").click()
    expect(page.locator("#own-layers .totals")).to_have_text("33,250 parameters · 232,440 multiply-adds for each image")


def line(page: Page, number: int) -> Locator:
    """The row of that number, from 1."""
    return page.locator("#own-layers li").nth(number - 1)


def number_of(page: Page, row: int, name: str) -> Locator:
    return line(page, row).locator(f"[data-of={name}]")


def does(page: Page, row: int, what: str) -> Locator:
    return line(page, row).locator(f"[data-does='{what}']")


def expect_sizes(page: Page, rows: list[Row]) -> None:
    """Each row, and after them the last layer, says what the arithmetic of the core says."""
    lines, flattened = [], 0
    for each in plan(rows):
        if isinstance(each.layer, Flatten):
            flattened = each.shape[0]
            continue
        words = [" × ".join(map(str, each.shape))]
        if isinstance(each.layer, Convolution | Pooling):
            f, p, s = each.layer.kernel, each.layer.padding, each.layer.stride
            words.append(f"⌊({each.entering[1]} − {f} + 2·{p}) / {s}⌋ + 1 = {each.shape[1]}")
        words += [f"from {flattened:,} in one row"] if flattened else []
        words += [f"{each.parameters:,} parameters"] if each.parameters else []
        words += [f"{each.operations:,} multiply-adds"] if each.operations else []
        lines.append(" · ".join(words))
        flattened = 0
    expect(page.locator("#own-layers .puts-out")).to_have_text(lines)


def expect_problem(page: Page, row: int, sentence: str) -> None:
    """It is said at its row and beside the button, which is disabled; from there on no size is told."""
    expect(line(page, row).locator(".wrong")).to_have_text(sentence)
    expect(page.locator("#own-layers .wrong:not(:empty)")).to_have_count(1)
    expect(page.locator("#train-form .cannot-train")).to_have_text(sentence)
    expect(page.locator("#own-layers .puts-out b")).to_have_count(row - 1)
    expect(page.locator("#retrain")).to_be_disabled()


def expect_possible(page: Page) -> None:
    expect(page.locator("#own-layers .wrong:not(:empty)")).to_have_count(0)
    expect(page.locator("#train-form .cannot-train")).to_be_hidden()
    expect(page.locator("#retrain")).to_be_enabled()


@on_both_devices
def test_layers_are_composed_and_what_cannot_be_is_explained(page: Page) -> None:
    compose(page)
    rows = [dict(row) for row in ORIGINAL_ROWS]
    expect_sizes(page, rows)
    number_of(page, 1, "padding").fill("2")
    rows[0]["padding"] = 2
    expect(line(page, 1).locator(".puts-out")).to_contain_text("6 × 28 × 28 · ⌊(28 − 5 + 2·2) / 1⌋ + 1 = 28")
    expect_sizes(page, rows)
    number_of(page, 5, "kernel").fill("20")
    expect_problem(page, 5, "Row 5 (convolution): the filter is 20 wide, but the input with its padding only 14.")
    number_of(page, 5, "kernel").fill("")
    expect_problem(page, 5, "Row 5: kernel: missing, expected a number.")
    number_of(page, 5, "kernel").fill("5")
    expect_possible(page)

    # One more after a fully connected layer; it moves to where it can be.
    does(page, 8, "Add one after").click()
    expect(does(page, 9, "kind")).to_be_focused()
    does(page, 9, "kind").select_option("avg_pool")
    sentence = "it slides over maps, but after a fully connected layer there is only a row of 120 values."
    expect_problem(page, 9, f"Row 9 (average pooling): {sentence}")
    number_of(page, 9, "stride").fill("1")
    does(page, 9, "Move up").focus()
    page.keyboard.press("Enter")
    expect(does(page, 8, "Move up")).to_be_focused()
    expect_possible(page)
    rows.insert(7, {"layer": "avg_pool", "stride": 1})
    expect_sizes(page, rows)
    does(page, 12, "Move down").click()
    rows[11:13] = rows[12], rows[11]
    expect_sizes(page, rows)
    expect(does(page, 13, "kind")).to_be_focused()  # no further down
    for _ in range(len(rows)):
        does(page, 1, "Remove").click()
    expect(page.locator("#own-layers .add")).to_be_focused()
    expect_sizes(page, [])
    page.locator("#own-layers .add").click()
    problem = "there would be 10,816 values in one row, expected at most 4,096: pooling before it makes them fewer."
    expect(page.locator("#own-layers .last .wrong")).to_have_text(f"The last layer: {problem}")
    expect(page.locator("#retrain")).to_be_disabled()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    number_of(page, 1, "stride").press("Enter")  # starts no training
    page.locator("#train-form [name=architecture]").select_option("original")
    expect(page.locator("#own-layers")).to_be_hidden()
    expect(page.locator("#train-form .cannot-train")).to_be_hidden()
    expect(page.locator("#retrain")).to_be_enabled()
    assert page.locator(".training").get_attribute("data-state") == "idle"


def test_layers_of_one_s_own_are_trained_and_looked_into(fresh_page: Page, tmp_path: Path) -> None:
    page = fresh_page
    page.locator("#answer select").select_option("original")  # sooner tested than the deep one
    page.wait_for_function("location.hash.includes('network=original')")
    compose(page)
    rows: list[Row] = [
        {"layer": "conv", "channels": 3, "kernel": 30, "stride": 2, "padding": 1},
        {"layer": "leaky_relu"},
        {"layer": "dropout", "rate": 0.1},
    ]
    with page.expect_file_chooser() as chooser:
        page.locator("#own-layers .open").click()
    chooser.value.set_files({"name": "x.json", "mimeType": "text/plain", "buffer": b'[{"layer": "<b>"}]'})
    expect(page.locator("#own-layers > .problem")).to_contain_text("no list of layers")
    (tmp_path / "layers.json").write_text(json.dumps(rows))
    page.locator("#own-layers [type=file]").set_input_files(tmp_path / "layers.json")
    expect(page.locator("#own-layers > .problem")).to_be_hidden()
    expect_sizes(page, rows)
    number_of(page, 1, "padding").fill("0")
    expect_problem(page, 1, "Row 1 (convolution): the filter is 30 wide, but the input with its padding only 28.")
    number_of(page, 1, "kernel").fill("4")
    rows[0] |= {"kernel": 4, "padding": 0}
    expect_possible(page)
    expect_sizes(page, rows)
    page.reload()  # which what was composed outlives
    page.wait_for_selector("#answer[data-answers]")
    open_tab(page, "Train")
    page.locator("#train-form [name=architecture]").select_option("custom")
    expect_sizes(page, rows)
    # The network that answers has other layers.
    from_current = page.locator("#train-form [name=init_from_current][value=yes]")
    expect(from_current).to_be_disabled()
    expect(page.locator("#train-form .cannot-start-from")).to_have_text(
        "The weights to start from are of the network original, expected custom."
    )
    for name, value in (("epochs", 1), ("data_fraction", 0.02), ("batch_size", 16)):
        page.locator(f"#train-form [name={name}]").fill(str(value))
    for name in ("for_people", "watch"):
        page.locator(f"#train-form [name={name}]").uncheck()
    page.locator("#retrain").click()
    expect(page.locator(".training")).to_have_attribute("data-state", "trained", timeout=TRAINED)
    expect(from_current).to_be_enabled()
    number_of(page, 1, "channels").fill("4")
    expect(from_current).to_be_disabled()
    expect(page.locator("#train-form .cannot-start-from")).to_have_text(
        "The weights to start from are of a network with other layers."
    )
    open_tab(page, "Look inside")
    names = [each.name for each in plan(rows)]
    expect(page.locator("#feature_maps .layers b")).to_have_text(names)
    page.locator("#feature_maps [data-layer=leaky_relu1]").click()
    expect(page.locator("#feature_maps")).to_have_attribute("data-open", "leaky_relu1")
    expect(page.locator("#feature_maps .what")).to_have_text("leaky ReLU, 3 × 13 × 13")
