"""The curves of a training: what is worked out for them, and what a mouse, fingers and keys do on the charts."""

import csv
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect
from visitor import on_a_phone, open_tab

# The very modules that the page runs.
MODULES = """async () => {
    const addresses = Array.from(document.querySelectorAll('link[rel=modulepreload]'), (link) => link.href);
    const load = (name) => import(addresses.find((address) => address.endsWith(`/${name}.js`)));
    const names = ['training/smoothing', 'shared/thinning', 'shared/scales', 'training/run'];
    return Object.assign({}, ...(await Promise.all(names.map(load))));
}"""


class Worked:
    """What the modules work out, on a page of its own that nothing else is done to."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def __call__(self, script: str, argument: object = None) -> Any:
        """What ``script`` gives, a function in JavaScript of what the modules know and of an argument."""
        return self._page.evaluate(f"async (argument) => ({script})(await ({MODULES})(), argument)", argument)


@pytest.fixture(scope="module")
def work(contexts: dict[str, BrowserContext], address: str) -> Iterator[Worked]:
    page = contexts["desktop"].new_page()
    page.goto(address)
    page.wait_for_selector("#answer[data-answers]")
    yield Worked(page)
    page.close()


# --- pure functions -------------------------------------------------------------------------------------------------


def test_smoothing_is_an_average_whose_weights_fall_exponentially(work: Worked) -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]
    script = "({ smooth }, [values, weight]) => smooth(values, weight)"
    for weight in (0.0, 0.6, 0.99):
        expected = []
        for i in range(len(values)):
            weights = [weight ** (i - j) for j in range(i + 1)]
            expected.append(sum(w * v for w, v in zip(weights, values, strict=False)) / sum(weights))
        assert work(script, [values, weight]) == pytest.approx(expected)
    assert work(script, [values, 0]) == values
    assert work(script, [[2.5] * 20, 0.97]) == pytest.approx([2.5] * 20)  # from the first one on
    assert work(script, [[], 0.5]) == []


def test_a_thinned_line_keeps_every_peak_and_both_ends(work: Worked) -> None:
    random = np.random.default_rng(3)
    points = np.stack([np.sort(random.uniform(0, 50, 3000)), random.normal(size=3000)], 1)
    kept = np.array(work("({ thin }, points) => thin(points)", points.tolist()))
    assert len(kept) <= 4 * 50
    assert set(map(tuple, kept)) < set(map(tuple, points))
    assert (np.diff(kept[:, 0]) >= 0).all()
    for column in range(50):
        every, some = (each[each[:, 0].astype(int) == column] for each in (points, kept))
        assert (some[0] == every[0]).all() and (some[-1] == every[-1]).all()
        assert (some[:, 1].min(), some[:, 1].max()) == (every[:, 1].min(), every[:, 1].max())
    few = [[1.5, 3.0], [2.5, 1.0], [9.0, 2.0]]
    assert work("({ thin }, points) => thin(points)", few) == few
    assert work("({ thin }, points) => thin(points)", []) == []


@pytest.mark.parametrize(("low", "high", "is_log"), [(0, 600, False), (-2, 3, False), (1, 600, True), (0.1, 4, True)])
def test_a_scale_goes_there_and_back(work: Worked, low: float, high: float, is_log: bool) -> None:
    places, values = work(
        """({ makeScale }, [low, high, isLog]) => {
            const { at, back } = makeScale([low, high], [40, 340], isLog);
            const places = Array.from({ length: 31 }, (_, i) => 40 + 10 * i);
            return [places.map((place) => at(back(place))), places.map(back)];
        }""",
        [low, high, is_log],
    )
    assert places == pytest.approx([40 + 10 * i for i in range(31)])
    assert (values[0], values[-1]) == (pytest.approx(low), pytest.approx(high))
    steps = [math.log(b / a) if is_log else b - a for a, b in itertools.pairwise(values)]
    assert steps == pytest.approx([steps[0]] * 30)  # even


@pytest.mark.parametrize(
    ("low", "high", "count", "values", "decimals"),
    [
        (0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1], 1),
        (0, 2.5, 5, [0, 0.5, 1, 1.5, 2, 2.5], 1),
        (0.712, 0.748, 5, [0.72, 0.73, 0.74], 2),
        (37, 642, 4, [200, 400, 600], 0),
        (0, 9000, 5, [0, 2000, 4000, 6000, 8000], 0),
    ],
)
def test_marks_are_round(work: Worked, low: float, high: float, count: int, values: list[float], decimals: int) -> None:
    found = work("({ ticks }, [range, count]) => ticks(range, count)", [[low, high], count])
    assert found["values"] == pytest.approx(values)
    assert str(found["values"][0]) != "-0"
    assert found["decimals"] == decimals


@pytest.mark.parametrize(
    ("low", "high", "values"),
    [
        (0.04, 3, [0.05, 0.1, 0.2, 0.5, 1, 2]),
        (1, 1000, [1, 10, 100, 1000]),  # more would be too many
        (0.31, 0.44, [0.32, 0.34, 0.36, 0.38, 0.4, 0.42, 0.44]),  # evenly: there is but one
    ],
)
def test_marks_of_a_logarithmic_axis(work: Worked, low: float, high: float, values: list[float]) -> None:
    found = work("({ logTicks }, range) => logTicks(range, 7)", [low, high])
    assert found["values"] == pytest.approx(values)


def test_zooming_keeps_what_is_under_the_pointer(work: Worked) -> None:
    zoomed, out, left, right = work(
        """({ makeScale, zoomed, moved }) => {
            const whole = [0, 100];
            const places = [40, 240];
            const once = zoomed(makeScale(whole, places), places, 2, 90, whole); // at step 25
            return [
                once,
                zoomed(makeScale(once, places), places, 0.1, 90, whole),
                moved(makeScale(once, places), places, -1000, whole),
                moved(makeScale(once, places), places, 40, whole),
            ];
        }""",
    )
    assert zoomed == pytest.approx([12.5, 62.5])
    assert out == pytest.approx([0, 100])
    assert left == pytest.approx([0, 50])  # as far as there is something
    assert right == pytest.approx([22.5, 72.5])


def test_the_nearest_step(work: Worked) -> None:
    script = "({ nearest }, [steps, step]) => nearest(steps, step)"
    steps = [10, 20, 30, 36]
    for step, place in ((0, 0), (10, 0), (14, 0), (16, 1), (32, 2), (34, 3), (99, 3)):
        assert work(script, [steps, step]) == place
    assert work(script, [[], 5]) == -1


def test_the_best_epoch_in_words(work: Worked) -> None:
    script = """({ addEpoch, bestInWords, newRun }, epochs) => {
        const run = newRun();
        return [bestInWords(run), ...epochs.map(([best, validation_loss], i) => {
            addEpoch(run, { step: 9 * i + 9, epoch: i + 1, validation_loss, validation_accuracy: 0.5, best });
            return bestInWords(run);
        })];
    }"""
    assert work(script, [(True, 1), (True, 0.8), (False, 0.9), (False, 0.9)]) == [
        "",
        "best: epoch 1, the latest",
        "best: epoch 2, the latest",
        "best: epoch 2, 1 epoch since",
        "best: epoch 2, 2 epochs since",
    ]
    assert work(script, [(True, None)]) == ["", ""]  # without held-out images there is no dot


# --- on the charts --------------------------------------------------------------------------------------------------

EPOCHS = 4
EVENTS: list[dict[str, Any]] = [
    {"event": "Started", "device": "cpu", "training_images": 900, "validation_images": 100, "steps": 100}
    | {"epochs": EPOCHS, "learning_rate": 0.01},
    *(
        {"event": "StepDone", "step": step, "steps": 100, "epoch": -(-step // 25), "loss": 20 / (10 + step)}
        | {"accuracy": step / 110, "images_per_second": 1000, "seconds_left": 1}
        for step in range(2, 101, 2)
    ),
    *(
        {"event": "EpochDone", "epoch": epoch, "step": 25 * epoch, "validation_loss": loss, "best": epoch < 3}
        | {"validation_accuracy": 0.2 * epoch}
        for epoch, loss in enumerate((1.2, 0.5, 0.6, 0.7), 1)
    ),
    {"event": "Changed", "step": 50, "steps": 100, "epochs": EPOCHS, "learning_rate": 0.005},
    {"event": "Finished", "stopped": False, "best_epoch": 2},
    {"event": "Failed", "sentence": "It was none."},
]


@pytest.fixture
def curves(page: Page) -> Page:
    """The page with the curves of a training that the server tells of, although there was none."""

    told: dict[str, Any] = {"events": [], "seen": 0, "alive": False}

    def begin(route: Any) -> None:
        told.update(events=EVENTS, seen=len(EVENTS))
        route.fulfill(json={})

    page.route("**/actions/train_state", lambda route: route.fulfill(json=told))
    page.route("**/actions/train_start", begin)
    open_tab(page, "Train")
    page.locator("#retrain").click()
    expect(page.locator(".training .status")).to_have_text("It was none.")
    return page


def reading(page: Page, measure: str = "loss") -> Locator:
    return page.locator(f"[data-reading={measure}]")


def test_the_keys_tell_values_and_zoom(curves: Page) -> None:
    page, loss = curves, curves.locator("[data-chart=loss]")
    expect(page.locator(".key .words")).to_have_text("best, and kept: epoch 2")
    expect(page.locator(".curves .changes")).to_have_text("Changed while it ran: rate 0.005 after step 50.")
    expect(loss).to_have_attribute("aria-label", "Loss by steps; on held-out images: 0.700 after step 100 of 100")
    page.locator("[name=smoothing]").fill("0")
    loss.focus()
    page.keyboard.press("Home")
    expect(reading(page)).to_have_text("Step 2: 1.67")
    page.keyboard.press("ArrowRight")
    expect(reading(page)).to_have_text("Step 4: 1.43")
    expect(reading(page, "accuracy")).to_have_text("Step 4: 3.6\u00a0%")
    page.keyboard.press("End")
    expect(reading(page)).to_have_text("Step 100: 0.182, validation 0.700")
    page.locator("[name=smoothing]").fill("0.9")
    loss.focus()
    page.keyboard.press("End")
    expect(reading(page)).to_contain_text("(smoothed 0.")
    show_all = page.get_by_role("button", name="Show all steps")
    expect(show_all).to_be_hidden()
    page.keyboard.press("+")
    expect(show_all).to_be_visible()
    page.keyboard.press("0")
    expect(show_all).to_be_hidden()
    page.keyboard.press("Escape")
    expect(reading(page)).to_be_empty()


def painted(page: Page) -> str:
    return str(page.evaluate("document.querySelector('[data-chart=loss]').toDataURL()"))


def test_a_mouse_tells_values_and_zooms(curves: Page) -> None:
    page, loss = curves, curves.locator("[data-chart=loss]")
    loss.scroll_into_view_if_needed()
    box = loss.bounding_box()
    assert box
    whole = painted(page)
    [left, right], y = [box["x"] + 44, box["x"] + box["width"] - 10], box["y"] + 90
    page.mouse.move((left + right) / 2, y)
    expect(reading(page)).to_contain_text("Step 50: ")
    page.mouse.down()
    page.mouse.move(left + 0.75 * (right - left), y, steps=3)
    page.mouse.up()
    show_all = page.get_by_role("button", name="Show all steps")
    expect(show_all).to_be_visible()
    page.mouse.move(left, y)  # from step 50 to 75 now
    expect(reading(page)).to_contain_text("Step 50: ")
    page.mouse.move(right, y)
    expect(reading(page)).to_contain_text("Step 75: ")
    page.mouse.dblclick(right, y)
    expect(show_all).to_be_hidden()
    page.mouse.move(left, y - 200)
    expect(reading(page)).to_be_empty()
    assert painted(page) == whole
    loss.focus()
    page.mouse.move((left + right) / 2, y)
    page.mouse.wheel(0, -400)
    expect(show_all).to_be_visible()
    show_all.click()
    expect(show_all).to_be_hidden()


@on_a_phone
def test_fingers_tell_values_and_zoom(curves: Page) -> None:
    page, loss = curves, curves.locator("[data-chart=loss]")
    loss.scroll_into_view_if_needed()
    box = loss.bounding_box()
    assert box
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *places: float) -> None:
        points = [{"x": box["x"] + x, "y": box["y"] + 90, "id": i} for i, x in enumerate(places)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    middle = (44 + box["width"] - 10) / 2
    send("touchStart", middle)
    expect(reading(page)).to_contain_text("Step 50: ")
    send("touchMove", middle + 40)
    expect(reading(page)).not_to_contain_text("Step 50: ")
    send("touchEnd")
    expect(reading(page)).to_contain_text("Step ")  # it stays to be read
    send("touchStart", middle - 20)
    send("touchStart", middle - 20, middle + 20)
    for spread in (30, 50, 80):
        send("touchMove", middle - spread, middle + spread)
    send("touchEnd")
    show_all = page.get_by_role("button", name="Show all steps")
    expect(show_all).to_be_visible()
    size = show_all.bounding_box()
    assert size and size["height"] >= 40
    show_all.click()
    expect(show_all).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_curves_are_drawn_as_chosen_and_saved(curves: Page, tmp_path: Path) -> None:
    page = curves
    looks = [painted(page)]
    for name in ("log_loss", "log_steps"):
        page.locator(f"[name={name}]").check()
        looks.append(painted(page))
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function(
        "before => document.querySelector('[data-chart=loss]').toDataURL() !== before", arg=looks[-1]
    )
    looks.append(painted(page))
    assert len(set(looks)) == 4

    page.locator("[name=smoothing]").fill("0.5")
    for measure in ("loss", "accuracy"):
        for kind in ("CSV", "PNG"):
            with page.expect_download() as download:
                page.get_by_role("button", name=f"Save {measure} as {kind}").click()
            assert download.value.suggested_filename == f"{measure}.{kind.lower()}"
            download.value.save_as(tmp_path / download.value.suggested_filename)
        with Image.open(tmp_path / f"{measure}.png") as picture:
            assert picture.size == (1600, 868)
            assert picture.convert("RGBA").getextrema()[3] == (255, 255)  # it can be seen on any ground
    with (tmp_path / "loss.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    told = {event["step"]: event for event in EVENTS if event["event"] == "StepDone"}
    held = {event["step"]: event for event in EVENTS if event["event"] == "EpochDone"}
    assert [int(row["step"]) for row in rows] == sorted(told.keys() | held.keys())
    for row in rows:
        step = int(row["step"])
        for events, name, key in ((told, "training_loss", "loss"), (held, "validation_loss", "validation_loss")):
            assert float(row[name] or -1) == (events[step][key] if step in events else -1)
    assert float(rows[1]["training_loss_smoothed"]) == pytest.approx((20 / 12 * 0.25 + 20 / 14 * 0.5) / 0.75)
    assert rows[-1]["epoch"] == str(EPOCHS)
