"""Training: the form, which follows the server, and a run from its start to the shipped weights again."""

import re
import shutil
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect
from visitor import answers, on_a_phone, on_both_devices, open_tab, settle, shown, wait_for_answer, with_modules

from demo.limits import Limits
from demo.loading import SHIPPED
from demo.requests import MORE_ON_PAGE, page_settings
from fmnist_core.animation import BETWEEN
from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.checkpoint import fingerprint, load
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
    networks = field(page, "architecture").locator("option").all_inner_texts()
    assert networks == [*parameters, "layers of your own"]
    field(page, "architecture").select_option("deep")  # which answers, so that a training can start from it
    expect(page.locator("#train-form .cannot-start-from")).to_be_hidden()
    own = next(each["values"] for each in form["architectures"] if each["id"] == "deep")
    begun = {each["name"]: each["value"] for each in form["settings"]} | own
    settings = page_settings(Limits())
    assert [each["name"] for each in form["settings"]] == [setting.name for setting in settings]
    expect(page.locator("#more-settings fieldset").first).to_be_hidden()
    page.locator("#more-settings summary").click()
    labels = page.locator("#train-form :is(.settings, .groups) label")
    assert labels.locator("b").all_inner_texts() == [setting.label for setting in settings]
    assert labels.locator(".about").all_inner_texts() == [setting.help for setting in settings]
    assert page.locator("#more-settings legend").all_inner_texts() == [*MORE_ON_PAGE, "Try several values"]
    for setting in settings:
        found = field(page, setting.name)
        assert found.evaluate("input => input.closest('label').querySelector('b').textContent") == setting.label
        if setting.type is bool:
            assert found.is_checked() == begun[setting.name]
            continue
        low, high = (float(found.get_attribute(end) or "") for end in ("min", "max"))
        # A slider begins at its first step, for nothing can be learned from less.
        assert low == setting.low or (found.get_attribute("type") == "range" and 0 < setting.low < low <= 0.01)
        assert high == setting.high
        assert float(found.input_value()) == begun[setting.name]
        if found.get_attribute("type") == "range":
            found.press("Home")
            expect(found).to_have_value(f"{low:g}")
            expect(output_of(found)).to_have_text(f"{low:g}")
        found.scroll_into_view_if_needed()
        expect(found).to_be_in_viewport(ratio=0.95)  # its edge may lie between two pixels
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
        """({ facts }, given) => facts.training.architectures.forEach(
             ({ id, values }) => (values.data_fraction = given[id]))""",
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


def test_drawings_and_photos_are_one_switch_and_more_for_who_wants_it(fresh_page: Page) -> None:
    page = fresh_page
    open_tab(page, "Train")
    more, people = page.locator("#more-settings"), field(page, "for_people")
    mix = {name: str(value) for name, value in form_of_the_server(page)["suggestedSynthetic"].items()}

    def expect_mix(values: dict[str, str]) -> None:
        for name, value in values.items():
            expect(field(page, name)).to_have_value(value)
            expect(output_of(field(page, name))).to_have_text(value)

    expect_mix(mix)
    people.uncheck()
    expect_mix(dict.fromkeys(mix, "0"))
    expect(more.locator(".changed")).not_to_contain_text("changed")
    more.locator("summary").click()
    fill(page, doodles=0.2)
    expect(people).to_be_checked()
    fill(page, shift=3)
    field(page, "amp").check()
    # What was changed is told when it is folded away again.
    expect(more.locator(".changed")).to_have_text("changed: shift, drawings, cloth, doodles, amp")
    people.uncheck()
    people.check()
    expect_mix(mix)
    expect(more.locator(".changed")).to_have_text("changed: shift, amp")
    # What another network begins with is no change; what the visitor has set stays.
    field(page, "architecture").select_option("deep")
    expect(field(page, "weight_decay")).to_have_value("0.1")
    expect(more.locator(".changed")).to_have_text("changed: shift")
    fill(page, drawings=0, cloth=0, doodles=0)
    expect(people).not_to_be_checked()


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
    page.locator("#sample_strip .thumbnail").nth(2).click()  # in the link, it outlives a reload
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
    expect(page.locator("#answer select")).to_have_value("yours-1")
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


def position(page: Page) -> float:
    """Which moment of a training is shown."""
    return float(page.locator(".player input").input_value())


def last_moment(page: Page) -> int:
    return int(page.locator(".player input").get_attribute("max") or "")


def inked(page: Page, selector: str) -> int:
    """How many pixels of a canvas are painted."""
    return int(
        page.locator(selector).evaluate(
            """(canvas) => {
              const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              return data.filter((value, i) => i % 4 === 3 && value).length;
            }"""
        )
    )


def test_a_network_is_watched_as_it_learns(fresh_page: Page, tmp_path: Path) -> None:
    page = fresh_page
    open_tab(page, "Train")
    formation = page.locator(".formation")
    expect(formation).to_be_hidden()
    field(page, "architecture").select_option("original")
    fill(page, epochs=1)
    page.locator("#retrain").click()
    expect(formation).to_be_visible(timeout=TRAINED)
    expect(page.locator(".training")).to_have_attribute("data-state", "trained", timeout=TRAINED)
    last = last_moment(page)
    assert last >= 2  # on a busy machine, few moments are taken
    page.wait_for_function("last => Number(document.querySelector('.player input').value) === last", arg=last)
    expect(page.locator(".player output")).to_contain_text("of these right")
    assert inked(page, ".forming canvas") > 5000
    assert inked(page, ".kernels canvas") > 1000
    # The picture that was there when the training began: its answer and its bars.
    expect(page.locator(".own figcaption")).to_contain_text("Your picture: ")
    best = page.locator(".own li.best")
    expect(best).to_have_count(1)
    assert page.locator(".own figcaption").inner_text() == (
        f"Your picture: {best.locator('span').first.inner_text()}, {best.locator('b').inner_text()}"
    )

    # Back and forth by the keyboard, from moment to moment.
    slider = page.locator(".player input")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    assert position(page) == last - 1
    slider.fill("0")
    expect(page.locator(".player output")).to_contain_text("step 0:")
    untrained = page.locator(".own b").all_inner_texts()
    page.keyboard.press("ArrowRight")
    assert position(page) == 1
    # It plays to the end, and once more from the beginning.
    page.locator(".player select").select_option("10")
    page.locator(".play").click()
    page.wait_for_function("last => Number(document.querySelector('.player input').value) === last", arg=last)
    expect(page.locator(".play")).to_have_text("▶")
    assert page.locator(".own b").all_inner_texts() != untrained
    slider.focus()
    page.keyboard.press(" ")
    expect(page.locator(".play")).to_have_text("❚❚")
    page.wait_for_function("() => Number(document.querySelector('.player input').value) > 0.2")
    page.keyboard.press(" ")
    expect(page.locator(".play")).to_have_text("▶")

    # What is not to be seen goes.
    for view, shows in (("forming", ".forming"), ("own", ".own"), ("kernels", ".kernels")):
        page.locator(f"[data-view={view}]").click()
        expect(page.locator(f".formation {shows}")).to_be_hidden()
        page.locator(f"[data-view={view}]").click()
        expect(page.locator(f".formation {shows}")).to_be_visible()

    for format in ("GIF", "WebP"):
        with page.expect_download(timeout=TRAINED) as download:
            page.locator(f"[data-format={format}]").click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)
        assert file.name == f"embedding.{format.lower()}"
        with Image.open(file) as picture:
            assert picture.format == format.upper()
            assert getattr(picture, "n_frames", 1) == last * BETWEEN + 1

    # A reloaded page has it all, until the visitor goes back to the shipped weights.
    page.reload()
    page.wait_for_selector("#answer[data-answers]")
    open_tab(page, "Train")
    expect(formation).to_be_visible()
    page.wait_for_function("last => document.querySelector('.player input').max === String(last)", arg=last)
    expect(page.locator("#restore")).to_be_enabled(timeout=TRAINED)
    page.locator("#restore").click()
    expect(formation).to_be_hidden()


def test_a_network_is_kept_and_brought_back(fresh_page: Page, tmp_path: Path) -> None:
    page, said = fresh_page, fresh_page.locator("#train-form .keep .said")
    open_tab(page, "Train")
    with page.expect_download(timeout=TRAINED) as download:
        page.locator("#download").click()
    assert download.value.suggested_filename == "network.zip"
    download.value.save_as(tmp_path / "network.zip")
    shutil.unpack_archive(tmp_path / "network.zip", tmp_path)
    assert fingerprint(load(tmp_path / "network")) == fingerprint(load(SHIPPED / "deep"))
    expect(said).to_contain_text("checked on all 2,000 samples")

    # Another one answers; the one that was kept comes back, and gives the same answer.
    settle(page)
    answered = shown(page)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload a network").click()
    chooser.value.set_files([SHIPPED / "original" / name for name in ("config.json", "model.safetensors")])
    expect(said).to_contain_text("It answers now, as “your network 1”: original, 33,", timeout=TRAINED)
    expect(page.locator("#answer select")).to_have_value("yours-1")
    page.set_input_files("#train-form .keep [type=file]", tmp_path / "network.zip")
    expect(said).to_contain_text("It answers now, as “your network 2”: deep,", timeout=TRAINED)
    expect(page.locator("#answer li b")).to_have_text(answered)
    expect(page.locator("#answer select")).to_have_value("yours-2")

    name = "<img src=x onerror=alert(1)>.pt"
    page.set_input_files("#train-form .keep [type=file]", {"name": name, "mimeType": "", "buffer": b"PAR1 and more"})
    problem = page.locator("#train-form .keep .problem")
    expect(problem).to_contain_text(f"{name} is a Parquet file, expected the zip archive of a download")
    expect(said).to_be_empty()

    open_tab(page, "Compare")
    row = page.locator(".compare [data-network=yours-1]")
    expect(row).to_contain_text("uploaded")
    row.get_by_role("button", name="forget").click()
    expect(row).to_have_count(0)


@on_a_phone
def test_a_training_is_controlled_while_it_runs_and_outlives_a_reload(fresh_page: Page) -> None:
    page = fresh_page
    page.locator("#answer select").select_option("original")  # which the link then names
    open_tab(page, "Train")
    training, controls = page.locator(".training"), page.locator(".training .controls")
    status, changes = training.locator(".status"), training.locator(".curves .changes")
    rate = controls.get_by_label("Learning rate", exact=True)
    expect(controls).to_be_hidden()
    field(page, "architecture").select_option("original")
    field(page, "watch").uncheck()
    fill(page, epochs=28, data_fraction=0.4)
    page.locator("#retrain").click()
    expect(status).to_contain_text("of 28: accuracy", timeout=TRAINED)
    expect(controls).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    # Paused, it takes no step, and hears what is wanted.
    page.locator("#pause").click()
    expect(training).to_have_attribute("data-state", "paused", timeout=TRAINED)
    expect(page.locator("#pause")).to_have_text("Go on")
    found = re.match(r"Paused after step (\d+) of (\d+)\. It waits 5 min at most", status.inner_text())
    assert found
    step, steps = found.groups()
    expect(rate).to_have_value("0.01")
    page.locator("#halve").click()
    expect(changes).to_have_text(f"Changed while it ran: rate 0.005 after step {step}.")
    expect(rate).to_have_value("0.005")
    page.locator("#more").click()
    expect(changes).to_have_text(f"Changed while it ran: rate 0.005 after step {step}; 1 epoch more after step {step}.")
    expect(status).to_contain_text(f"Paused after step {step} of {int(steps) // 28 * 29}.")

    open_tab(page, "Map")
    with page.expect_request(lambda request: request.url.endswith("/actions/train_state") and page.url.endswith("map")):
        page.reload()
    page.wait_for_selector("#answer[data-answers]")
    open_tab(page, "Train")
    expect(status).to_contain_text(f"Paused after step {step} of", timeout=TRAINED)
    expect(rate).to_have_value("0.005")
    page.locator("#pause").click()
    expect(page.locator("#pause")).to_have_text("Pause", timeout=TRAINED)
    expect(status).to_contain_text("of 29: accuracy", timeout=TRAINED)

    # What cannot be is refused in words, and the field says what is so.
    rate.fill("20")
    rate.press("Enter")
    expect(controls.locator(".problem")).to_have_text("Learning rate: 20 is out of range, expected 1e-07 to 10.")
    expect(rate).to_have_value("0.005")
    page.locator("#more").click()  # as many as this server allows
    expect(page.locator("#more")).to_be_disabled()
    expect(status).to_contain_text("of 30: accuracy", timeout=TRAINED)

    kept = training.locator(".key .words")
    expect(kept).to_contain_text(re.compile(r"^best: epoch \d+, (the latest|\d+ epochs? since)$"), timeout=TRAINED)
    stop(page)
    expect(status).to_contain_text("Stopped after")
    expect(kept).to_have_text(re.compile(r"^best, and kept: epoch \d+$"))
    expect(controls).to_be_hidden()
    page.reload()
    page.wait_for_selector("#answer[data-answers]")
    settle(page)
    expect(page.locator("#answer select")).to_have_value("yours-1")  # the link names the other one no more
    open_tab(page, "Train")
    page.locator("#restore").click()
    expect(page.locator(".training .status")).to_have_text("Back to the shipped weights.")
    expect(page.locator("#answer .problem")).to_be_hidden()


def test_settings_for_a_time_fill_the_form(fresh_page: Page) -> None:
    page = fresh_page
    paces = {"original": {"seconds": 8.0, "isMeasured": True}, "deep": {"seconds": 400.0, "isMeasured": False}}
    with_modules(page, "({ facts }, paces) => void (facts.training.paces = paces)", paces)
    open_tab(page, "Train")
    takes = page.locator("#train-form .takes")
    expect(takes).to_contain_text("Learns for about ")
    field(page, "for_people").uncheck()
    expect(takes).to_have_text("Learns for about 40 s, by what an earlier training took here.")  # five epochs
    for name, network, epochs, fraction, words in (
        ("10 seconds", "original", 3, "0.41", "10 s, by what an earlier training took here"),
        ("1 minute", "original", 7, "1", "56 s, by what an earlier training took here"),
        ("10 minutes", "deep", 3, "0.5", "10 min, on two cores; here it has not been measured yet"),
    ):
        button = page.locator("#train-form").get_by_role("button", name=name, exact=True)
        fill(page, learning_rate=0.5)
        expect(button).to_have_attribute("aria-pressed", "false")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".presets [aria-pressed=true]")).to_have_count(1)
        expect(field(page, "architecture")).to_have_value(network)
        expect(field(page, "epochs")).to_have_value(str(epochs))
        expect(field(page, "data_fraction")).to_have_value(fraction)
        expect(field(page, "learning_rate")).to_have_value("0.01")
        expect(takes).to_have_text(f"Learns for about {words}.")
    fill(page, batch_size=64)
    expect(page.locator(".presets [aria-pressed=true]")).to_have_count(0)
    field(page, "architecture").select_option("custom")
    expect(takes).to_have_text("")


def test_what_cannot_be_tried_is_said_before_anything_is_trained(fresh_page: Page) -> None:
    page = fresh_page
    open_tab(page, "Train")
    page.locator("#more-settings summary").click()
    problem, train = page.locator("#train-form .sweep .problem"), page.locator("#retrain")
    expect(field(page, "values_1")).to_be_disabled()
    field(page, "tried_1").select_option("epochs")
    expect(field(page, "values_1")).to_have_value("5")  # the form's
    for values, sentence in (
        ("", "Epochs: no value to try, expected some with commas between, as 1, 2."),
        ("1, x", "Epochs: “x” is not a number."),
        ("1, 1.5", "Epochs: 1.5 is not a whole number."),
        ("0, 1", "Epochs: 0 is out of range, expected 1 to 30."),
        ("1, 2, 3, 4, 5, 6, 7", "These are 7 trainings, expected 6 at most."),
    ):
        field(page, "values_1").fill(values)
        expect(problem).to_have_text(sentence)
        expect(train).to_be_disabled()
    field(page, "values_1").fill("1, 2, 2")
    expect(problem).to_be_hidden()
    expect(train).to_have_text("Train 2 networks")
    field(page, "tried_2").select_option("epochs")
    expect(problem).to_have_text("The same setting is chosen twice, expected another one.")
    field(page, "tried_2").select_option("seed")
    field(page, "values_2").fill("1 2 3")
    expect(train).to_have_text("Train 6 networks")
    field(page, "values_2").fill("1 2 3 4")
    expect(problem).to_have_text("These are 8 trainings, expected 6 at most.")
    for number in (1, 2):
        field(page, f"tried_{number}").select_option("")
    expect(train).to_have_text("Train")
    expect(train).to_be_enabled()


def test_stop_ends_a_sweep(fresh_page: Page) -> None:
    page = fresh_page
    open_tab(page, "Train")
    page.locator("#more-settings summary").click()
    field(page, "tried_1").select_option("seed")
    field(page, "values_1").fill("1, 2, 3")
    start(page)
    page.locator("#stop").click()
    expect(page.locator(".training .status")).to_have_text(
        "1 of 3 networks are trained: “Compare” shows them side by side.", timeout=TRAINED
    )
    expect(page.locator("#answer option[value^=yours]")).to_have_text(["seed 1"])
