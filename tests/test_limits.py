"""Each limit is changed in one place, and what is enforced changes with it; those of a run: test_training_queue."""

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from types import SimpleNamespace

import pytest
import torch
from fake_training import DEADLINE, FakeProcesses, end_all, follow, wait_until
from wire import ANNA, SETTINGS, asking, error_of, in_base64

from demo import handlers as module
from demo import payloads
from demo.handlers import Handlers
from demo.limits import Limits
from demo.requests import page_settings
from demo.session import Sessions
from demo.training_queue import TrainingQueue
from fmnist_core import inference
from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.layer_table import layer_table
from fmnist_core.model import Network
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
    for field in fields(Limits):
        assert getattr(Limits(), field.name) > 0
    limits = Limits()
    # A file of the largest size in base64 has room in a request, and that one in what may be under way.
    assert limits.upload_bytes * 4 / 3 < limits.request_bytes < limits.all_requests_bytes
    assert limits.quick_waiting + limits.slow_waiting < 40  # threads of Gradio


@pytest.mark.parametrize("megabytes", [1, 2])
def test_size_of_a_file(open_server, original_session, samples, megabytes):
    limits = Limits(upload_bytes=megabytes * 2**20)
    ask = open_server(limits)
    for action, field in (("open_file", "file"), ("answer", "picture")):
        fits, larger = (in_base64(bytes(limits.upload_bytes + more)) for more in (0, 6))
        assert "is not a picture" in error_of(ask(action, **{field: fits}))
        assert error_of(ask(action, **{field: larger})) == f"The picture is larger than {megabytes} MB."
    facts = payloads.facts([original_session], samples.test, "sheet.png", limits)
    assert facts["uploadBytes"] == limits.upload_bytes


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


@pytest.mark.parametrize("patience", [0.0, math.inf])
def test_patience_with_visitors_who_no_longer_ask(open_server, patience):
    ask = open_server(Limits(patience_seconds=patience))
    assert ask("train_start", settings=SETTINGS) == {}
    training = SimpleNamespace(state=lambda visitor, seen: ask("train_state", visitor, seen=seen))
    if patience:
        assert follow(training, ANNA, until="Loading") == [{"event": "Loading"}]
    else:
        events = follow(training, ANNA)
        assert events[-1]["event"] == "Failed"
        assert "as this page was away for 0 seconds" in str(events)


@pytest.mark.parametrize("count", [1, 4])
def test_visitors_whose_choices_are_remembered(original_session, shipped_session, count):
    sessions = Sessions([original_session, shipped_session], Limits(visitors=count))
    for visitor in VISITORS:
        sessions.choose(visitor, "deep")
    assert [visitor for visitor in VISITORS if sessions.get(visitor) is shipped_session] == VISITORS[-count:]


@pytest.fixture
def busy(monkeypatch):
    """On one core, all work waits until ``busy.set()``."""
    done, read_pixels = threading.Event(), inference.read_pixels

    def wait_and_read(*arguments):
        assert done.wait(DEADLINE)
        return read_pixels(*arguments)

    monkeypatch.setattr(module, "cores", lambda: 1)
    monkeypatch.setattr(inference, "read_pixels", wait_and_read)
    yield done
    done.set()


QUICK, SLOW = ("quick", "answer", {"sample": 1}), ("slow", "reasons", {"pixels": in_base64(bytes(784))})


@pytest.mark.parametrize(("speed", "action", "request_"), [QUICK, SLOW])
@pytest.mark.parametrize("waiting", [0, 2])
def test_requests_that_wait_for_a_slot(busy, open_handlers, speed, action, request_, waiting):
    handlers = open_handlers(Limits(waiting_seconds=DEADLINE, **{f"{speed}_waiting": waiting}))
    ask = asking(handlers)
    with ThreadPoolExecutor(1 + waiting) as pool:
        replies = [pool.submit(ask, action, **request_) for _ in range(1 + waiting)]
        wait_until(lambda: handlers._slots[speed]._places._value == 0)  # one is at work, the others wait
        assert "Many people are here" in error_of(ask(action, **request_))  # at once
        busy.set()
        assert all("error" not in reply.result(DEADLINE) for reply in replies)
    assert "error" not in ask(action, **request_)


@pytest.mark.parametrize(("speed", "action", "request_"), [QUICK, SLOW])
def test_seconds_to_wait_for_a_slot(busy, open_handlers, speed, action, request_):
    handlers = open_handlers(Limits(waiting_seconds=0.01))
    ask = asking(handlers)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, action, **request_)
        wait_until(lambda: handlers._slots[speed]._free._value == 0)
        assert "Many people are here" in error_of(ask(action, **request_))
        busy.set()
        assert "error" not in first.result(DEADLINE)
    assert "error" not in ask(action, **request_)
