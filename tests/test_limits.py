"""Each limit is changed in one place, and what is enforced changes with it; those of a run: test_training_queue."""

import argparse
import asyncio
import math
import re
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import httpx
import pytest
import torch
from fake_training import DEADLINE, Clock, FakeProcesses, end_all, follow, wait_until
from networks import new
from starlette.applications import Starlette
from wire import ANNA, SETTINGS, asking, error_of, in_base64

from demo import actions, page, payloads
from demo.actions import Actions
from demo.handlers import Handlers
from demo.limits import SETTINGS as LIMITS
from demo.limits import Limits, add_options, read_limits, variable
from demo.requests import page_settings
from demo.session import Sessions
from demo.training_queue import TrainingQueue
from demo.unread_answers import UnreadAnswers
from fmnist_core import inference
from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.errors import ConfigError
from fmnist_core.layer_table import layer_table
from fmnist_core.model import Network
from fmnist_core.packing import pack
from fmnist_core.synthetic.kinds import SYNTHETIC_KINDS

VISITORS = [f"{number:032x}" for number in range(12)]


@pytest.fixture
def open_handlers(original_session, samples):
    """``open_handlers(limits)`` gives handlers; their trainings have fake processes."""
    opened = []

    def open_handlers(limits):
        sessions, processes = Sessions([original_session], limits), FakeProcesses()
        few = samples.test.take(torch.arange(20))
        training = TrainingQueue(sessions, few, "samples", limits, start_process=processes)
        opened.append((training, processes))
        return Handlers(sessions, few, training, limits=limits)

    yield open_handlers
    for training, processes in opened:
        processes.end_all()
        end_all(training, VISITORS)


@pytest.fixture
def open_server(open_handlers):
    """``open_server(limits)`` gives a function that asks as the page does."""
    return lambda limits: asking(open_handlers(limits))


def test_every_limit_leaves_some_room():
    limits = Limits()
    for field in fields(Limits):
        assert getattr(limits, field.name) == "everyone" or getattr(limits, field.name) > 0
    # A file of the largest size in base64 has room in a request, and that one in what may be under way.
    assert limits.upload_bytes * 4 / 3 < limits.request_bytes < limits.all_requests_bytes
    assert limits.slow_waiting_each < limits.slow_waiting


@pytest.mark.parametrize("megabytes", [1, 2])
def test_size_of_a_file(open_server, original_session, samples, megabytes):
    limits = Limits(upload_megabytes=megabytes)
    ask = open_server(limits)
    for action, field in (("open_file", "file"), ("answer", "picture")):
        fits, larger = (in_base64(bytes(limits.upload_bytes + more)) for more in (0, 6))
        assert "is not a picture" in error_of(ask(action, **{field: fits}))
        assert error_of(ask(action, **{field: larger})) == f"The picture is larger than {megabytes} MB."
    facts = payloads.facts([original_session], samples.test, "sheet.png", limits)
    assert facts["uploadBytes"] == limits.upload_bytes


def test_size_of_an_uploaded_network(open_server, original_session, samples, monkeypatch):
    packed = pack(original_session.network)
    assert len(packed) < 150_000
    sentences = []
    for most in (len(packed) - 6, 135_000, 2**20):
        monkeypatch.setattr(Limits, "network_bytes", property(lambda self, most=most: most))
        reply = open_server(Limits())("upload", files=[{"name": "network.zip", "file": in_base64(packed)}])
        sentences.append(reply.get("error"))
        assert payloads.facts([original_session], samples.test, "", Limits())["networkBytes"] == most
    assert sentences[0] == "The files of the network are larger than 0 MB."
    assert sentences[1] == "model.safetensors in network.zip is larger than 0 MB."
    assert sentences[2] is None


def test_an_uploaded_network_of_one_s_own_layers_is_no_larger_than_one_that_is_trained_here(open_server):
    network = new("custom", layers=ROWS)
    files = [{"name": "network.zip", "file": in_base64(pack(network))}]
    most = network.parameter_count
    assert open_server(Limits(own_parameters=most))("upload", files=files)["parameters"] == most
    sentence = open_server(Limits(own_parameters=most - 1))("upload", files=files)["error"]
    assert sentence.startswith("config.json: The last layer")
    assert f"expected at most {most - 1:,}" in sentence


@pytest.mark.parametrize(("epochs", "batch"), [(3, 64), (40, 2048)])
def test_epochs_and_batch_of_a_training(open_server, epochs, batch):
    limits = Limits(training_epochs=epochs, training_batch=batch)
    ask = open_server(limits)
    offered = {each["name"]: each for each in payloads.training_form(False, limits)["settings"]}
    for name, highest in (("epochs", epochs), ("batch_size", batch)):
        assert offered[name]["high"] == highest
        assert next(setting for setting in page_settings(limits) if setting.name == name).high == highest
        sentence = error_of(ask("train_start", settings=SETTINGS | {name: highest + 1}))
        assert f"{highest + 1} is out of range" in sentence
        assert sentence.endswith(f"to {highest:,}.")
    assert ask("train_start", settings=SETTINGS | {"epochs": epochs, "batch_size": batch}) == {}


@pytest.mark.parametrize("highest", [0.25, 1.0])
def test_synthetic_images_of_a_training(open_server, highest):
    limits = Limits(training_synthetic=highest)
    ask = open_server(limits)
    form = payloads.training_form(False, limits)
    offered = {each["name"]: each["high"] for each in form["settings"]}
    for name in SYNTHETIC_KINDS:
        assert offered[name] == highest
        assert form["suggestedSynthetic"][name] <= highest
        sentence = error_of(ask("train_start", settings=SETTINGS | {name: highest + 0.01}))
        assert sentence.endswith(f"is out of range, expected 0 to {highest:g}.")
    assert ask("train_start", settings=SETTINGS | dict.fromkeys(SYNTHETIC_KINDS, highest)) == {}


@pytest.mark.parametrize("runs", [2, 6])
def test_the_page_is_told_how_many_trainings_it_may_start_in_a_row(runs):
    assert payloads.training_form(False, Limits(sweep_runs=runs))["sweepRuns"] == runs
    assert Limits().sweep_runs <= Limits().visitor_networks  # else the first ones would be forgotten before the last


@pytest.mark.parametrize("seconds", [60.0, 300.0])
def test_the_page_is_told_how_long_a_training_may_pause(seconds):
    assert payloads.training_form(False, Limits(pause_seconds=seconds))["pauseSeconds"] == seconds


ROWS = [{"layer": "conv", "channels": 4, "stride": 2}, {"layer": "relu"}, {"layer": "fc", "size": 20}]


@pytest.mark.parametrize(
    ("limit", "reached"),
    [
        ("layers", 3),
        ("parameters", 40 + 676 * 20 + 20 + 210),
        ("operations", 676 * 9 + 676 * 20 + 200),
        ("values", 2058),
    ],
)
def test_how_large_a_network_of_one_s_own_may_be(open_server, limit, reached):
    settings = SETTINGS | {"architecture": "custom", "layers": ROWS}
    for most, is_allowed in ((reached, True), (reached - 1, False)):
        ask = open_server(Limits(**{f"own_{limit}": most}))
        problem = ask("train_check", architecture="custom", layers=ROWS)["problem"]
        reply = ask("train_start", settings=settings)
        assert (problem, reply) == (None, {}) if is_allowed else (error_of(reply), {"error": problem})
        assert is_allowed or f"expected at most {most:,}" in problem


def test_the_shipped_networks_are_within_the_limits_of_one_s_own():
    limits = Limits()
    for name in ARCHITECTURES:
        rows = list(layer_table(Network(name)))
        assert len(rows) <= limits.own_layers
        assert sum(row.parameters for row in rows) <= limits.own_parameters
        assert sum(row.operations for row in rows) <= limits.own_operations
        assert sum(math.prod(row.shape) for row in rows) <= limits.own_values


def test_the_form_starts_within_its_limits():
    """Whatever a host allows, what the form shows at first can be sent."""
    for epochs, batch in ((1, 2), (3, 64), (30, 1024)):
        limits = Limits(training_epochs=epochs, training_batch=batch)
        for each in payloads.training_form(False, limits)["settings"]:
            assert each["low"] <= each["value"] <= each["high"], each["name"]


@pytest.mark.parametrize("length", [1, 3, 10])
def test_length_of_the_line(open_server, length):
    ask = open_server(Limits(training_queue=length))
    replies = [ask("train_start", visitor, settings=SETTINGS) for visitor in VISITORS[: length + 1]]
    assert replies[:-1] == [{}] * length
    assert replies[-1]["error"].startswith(f"{length} visitors train or wait")


@pytest.mark.parametrize("patience", [20.0, math.inf])
def test_patience_with_visitors_who_no_longer_ask(open_handlers, patience, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("demo.training_queue.time", clock)
    limits = Limits(patience_seconds=patience)
    assert payloads.training_form(False, limits)["patience"] == patience  # so long the page tries to ask again
    handlers = open_handlers(limits)
    assert asking(handlers)("train_start", settings=SETTINGS) == {}
    training = handlers._training
    follow(training, ANNA, until="Loading")
    clock.ahead += 21
    if patience == math.inf:
        assert follow(training, ANNA, until="Loading") == [{"event": "Loading"}]
    else:
        events = training._runs[ANNA].events
        wait_until(lambda: events[-1]["event"] == "Stopping")
        assert events[-1]["why"] == "as this page was away for 20 seconds"


@pytest.mark.parametrize("who", ["everyone", "nobody"])
def test_who_may_train(open_server, who):
    limits = Limits(training=who)
    ask = open_server(limits)
    assert payloads.training_form(False, limits)["isOpen"] is (who == "everyone")
    reply = ask("train_start", settings=SETTINGS)
    if who == "everyone":
        assert reply == {}
    else:
        assert error_of(reply) == "Training is switched off on this server."
        assert ask("train_state", seen=0)["events"] == []


@pytest.mark.parametrize("count", [1, 4])
def test_visitors_whose_choices_are_remembered(original_session, shipped_session, count):
    sessions = Sessions([original_session, shipped_session], Limits(visitors=count))
    for visitor in VISITORS:
        sessions.choose(visitor, "deep")
    assert [visitor for visitor in VISITORS if sessions.get(visitor) is shipped_session] == VISITORS[-count:]


@pytest.fixture
def ask_together(open_handlers):
    """``ask_together(limits, requests)``: the replies to requests (action, visitor, fields) of the same moment."""

    def ask_together(limits, requests):
        handlers = Future()
        handlers.set_result(open_handlers(limits))

        async def ask_all():
            service = Starlette(routes=[Actions(handlers, limits).route()])
            transport = httpx.ASGITransport(service)
            async with httpx.AsyncClient(transport=transport, base_url="http://page", timeout=DEADLINE) as client:
                asked = [
                    client.post(f"/actions/{action}", json={"visitor": visitor} | fields)
                    for action, visitor, fields in requests
                ]
                return [reply.json() for reply in await asyncio.gather(*asked)]

        with ThreadPoolExecutor(1) as pool:  # which has no event loop yet
            return pool.submit(asyncio.run, ask_all()).result(DEADLINE)

    return ask_together


REASONS = {"pixels": in_base64(bytes(784))}


def refused(replies):
    return sum("Many people are here" in reply.get("error", "") for reply in replies)


@pytest.mark.parametrize("waiting", [0, 2])
def test_explanations_that_wait_for_their_turn(monkeypatch, ask_together, waiting):
    monkeypatch.setattr(actions, "cores", lambda: 1)
    limits = Limits(slow_waiting=waiting, slow_waiting_each=9)
    assert refused(ask_together(limits, [("reasons", visitor, REASONS) for visitor in VISITORS])) == 11 - waiting


@pytest.mark.parametrize("waiting", [1, 2])
def test_explanations_of_one_visitor_that_wait(monkeypatch, ask_together, waiting):
    monkeypatch.setattr(actions, "cores", lambda: 1)
    requests = [("reasons", visitor, REASONS) for visitor in VISITORS[:2] for _ in range(5)]
    assert refused(ask_together(Limits(slow_waiting_each=waiting), requests)) == 10 - 1 - 2 * waiting


def test_seconds_to_wait_for_a_turn(monkeypatch, ask_together):
    monkeypatch.setattr(actions, "cores", lambda: 1)
    read_pixels = inference.read_pixels
    monkeypatch.setattr(inference, "read_pixels", lambda *arguments: time.sleep(0.05) or read_pixels(*arguments))
    requests = [("reasons", visitor, REASONS) for visitor in VISITORS[:3]]
    assert refused(ask_together(Limits(waiting_seconds=0.001), requests)) == 2


def test_nobody_s_drawing_is_refused(ask_together):
    limits = Limits(slow_waiting=1, slow_waiting_each=1, waiting_seconds=0.001)
    replies = ask_together(limits, [("answer", visitor, {"sample": 1}) for visitor in VISITORS])
    assert all("words" in reply for reply in replies)


def test_answers_that_nobody_fetches(tmp_path):
    limits = Limits(unread_answers=3)
    built = page.build_page(Future(), tmp_path, limits)
    middleware = page.middleware(built, ())
    assert [each.args[-1] for each in middleware if each.cls is UnreadAnswers] == [3]


# --- how a host sets them -------------------------------------------------------------------------------------------


def given(*options, **environment):
    """The limits after these options and these environment variables."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    return read_limits(vars(parser.parse_args(options)), environment)


def test_every_limit_is_a_setting_with_a_range_in_which_its_default_lies():
    assert list(LIMITS) == [field.name for field in fields(Limits)]
    for name, setting in LIMITS.items():
        setting.check(getattr(Limits(), name))
        assert setting.help


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_set_by_its_option_or_by_its_environment_variable(name):
    option, text = f"--{name.replace('_', '-')}", {"training": "nobody", "all_requests_megabytes": "70"}.get(name, "7")
    expected = Limits(**{name: LIMITS[name].type(text)})
    assert given() == given(**{variable(name): ""}) == Limits()
    assert given(option, text) == given(**{variable(name): f" {text} "}) == expected != Limits()
    assert given(option, text, **{variable(name): str(getattr(Limits(), name))}) == expected  # the option counts


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"FMNIST_VISITORS": "many"}, "Visitors: 'many' is not a number."),
        ({"FMNIST_VISITORS": "0"}, "Visitors: 0 is out of range, expected 1 or more."),
        ({"FMNIST_VISITORS": "2.5"}, "Visitors: 2.5 is not a whole number."),
        ({"FMNIST_UPLOAD_MEGABYTES": "-1"}, "Upload megabytes: -1 is out of range, expected 1 to 1,000 MB."),
        ({"FMNIST_TRAINING": "me"}, "Training: 'me' is not known, expected everyone or nobody."),
        ({"FMNIST_TRAINING_SECONDS": "nan"}, "Training seconds: nan is out of range, expected 1 s or more."),
        ({"FMNIST_UPLOAD_MEGABYTES": "400"}, "All requests megabytes: 300 is out of range, expected 600 MB or more, "
         "which is half as much again as a picture file may have."),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_a_sentence(environment, sentence):
    with pytest.raises(ConfigError) as refusal:
        given(**environment)
    assert str(refusal.value) == sentence


def test_the_readme_has_a_table_of_all_of_them():
    text = (Path(__file__).parent.parent / "README.md").read_text()
    rows = re.findall(r"^\| `--([a-z-]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", text, re.MULTILINE)
    expected = []
    for name, setting in LIMITS.items():
        default = getattr(Limits, name)
        shown = default if setting.choices else f"{default:g}"
        values = " or ".join(setting.choices) if setting.choices else setting.expected
        expected.append((name.replace("_", "-"), shown, values, setting.help))
    assert rows == expected
