"""Trainings in real child processes, on 500 of the shipped samples."""

import dataclasses
import itertools
import json
import multiprocessing
import os
import re
import signal
import threading
import time
from types import SimpleNamespace

import pytest
import torch

from demo import training_queue as module
from demo.handlers import Handlers
from demo.requests import served
from demo.session import Session, Sessions
from demo.training_queue import TrainingQueue, TrainingRefused
from fmnist_core import dataset, inference, projection
from fmnist_core.evaluation import evaluate
from fmnist_core.model import Network
from fmnist_core.training import RECIPES, hold_out

ANNA, BERT, CARL, DORA = "a" * 32, "b" * 32, "c" * 32, "d" * 32
DEADLINE = 300.0  # seconds: only for a machine that hangs
ONE_IMAGE = 1 / 2000  # of accuracy: the child adds up in another order, which may turn the closest of calls

SHORT = dataclasses.replace(RECIPES["original"], epochs=1, share=0.05, batch_size=32)  # 500 images, 15 steps
ENDLESS = dataclasses.replace(SHORT, epochs=1000)


def follow(training_queue, visitor, until=None, also=(), seen=0):
    """Ask as the page does until ``until`` is among the events, or the run has ended; gives all events since ``seen``.

    ``also`` are visitors who ask meanwhile, so that they are still there.
    """
    events = []
    deadline = time.monotonic() + DEADLINE
    while True:
        reply = training_queue.state(visitor, seen + len(events))
        json.dumps(reply)
        events += reply["events"]
        assert reply["seen"] == seen + len(events)
        for other in also:
            training_queue.state(other, 0)
        names = [event["event"] for event in events]
        if until in names:
            return events
        if not reply["alive"]:
            assert until is None, f"{until} never came, but {names}: {events[-1:]}"
            return events
        assert time.monotonic() < deadline, names
        time.sleep(0.02)


def names(events):
    """The names of the events in order, those that follow each other only once."""
    return [name for name, _ in itertools.groupby(event["event"] for event in events)]


def failure(events):
    """The sentence with which a run ended."""
    assert events[-1].keys() == {"event", "sentence"}
    assert events[-1]["event"] == "Failed"
    assert events[-1]["sentence"].endswith(".")
    return events[-1]["sentence"]


def the_child():
    (child,) = multiprocessing.active_children()
    return child


@pytest.fixture
def start(monkeypatch, shipped_session, samples):
    """``start(where)`` gives a training_queue and its sessions; what still runs at the end of the test is ended."""
    made = []

    def start(where=dataset.SAMPLES, **options):
        sessions = Sessions(shipped_session)
        made.append(TrainingQueue(sessions, samples.test, where, **options))
        return SimpleNamespace(training_queue=made[-1], sessions=sessions)

    yield start
    monkeypatch.setattr(module, "STOP_LIMIT", 0.0)  # they are not waited for
    for training_queue in made:
        for visitor in (ANNA, BERT, CARL, DORA):
            training_queue.stop(visitor)
    for thread in threading.enumerate():
        if thread.name == "training":
            thread.join(DEADLINE)
            assert not thread.is_alive()
    assert multiprocessing.active_children() == []


def same(network, other):
    return all(torch.equal(mine, other.state_dict()[name]) for name, mine in network.state_dict().items())


# --- one training from beginning to end -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(shipped_session, samples):
    """Anna has trained, through the handlers, as the page does."""
    sessions = Sessions(shipped_session)
    handlers = Handlers(sessions, samples.test, TrainingQueue(sessions, samples.test, dataset.SAMPLES))
    settings = {"architecture": "original", "epochs": 1, "learning_rate": 0.01, "batch_size": 32, "share": 0.05}
    assert served(handlers.train_start)({"visitor": ANNA, "settings": settings}) == {}
    page = SimpleNamespace(
        state=lambda visitor, seen: served(handlers.train_state)({"visitor": visitor, "seen": seen}),
    )
    events = follow(page, ANNA)
    return SimpleNamespace(sessions=sessions, handlers=handlers, events=events, own=sessions.get(ANNA), page=page)


def test_events_arrive_in_order(trained):
    order = " ".join(event["event"] for event in trained.events)
    assert re.fullmatch("Loading Started (StepDone )+EpochDone Finished Tested Mapped", order)


def test_events_say_what_is_trained(trained, samples):
    config = dataclasses.replace(SHORT, validation=0.1)
    training, held_out = hold_out(samples.train, config)
    events = {event["event"]: event for event in trained.events}
    assert events["Started"]["training_images"] == len(training) == 450
    assert events["Started"]["validation_images"] == len(held_out) == 50
    assert events["Started"]["parameters"] == Network("original").parameter_count
    assert events["Started"]["steps"] == 15
    steps = [event["step"] for event in trained.events if event["event"] == "StepDone"]
    assert steps == sorted(set(steps))
    assert steps[-1] == 15
    assert events["EpochDone"]["epoch"] == events["Finished"]["best_epoch"] == 1
    assert 0 < events["EpochDone"]["validation_loss"] < 10
    assert events["Finished"]["stopped"] is events["Tested"]["stopped"] is False
    assert "network" not in events["Finished"]


def test_a_reloaded_page_gets_all_events_again(trained):
    reply = trained.page.state(ANNA, 0)
    assert reply["events"] == trained.events
    assert reply["alive"] is False
    assert trained.page.state(ANNA, 3)["events"] == trained.events[3:]
    assert trained.page.state(ANNA, 10**6)["events"] == []


def test_the_network_is_another_and_as_good_as_told(trained, shipped, samples):
    tested = next(event for event in trained.events if event["event"] == "Tested")
    assert not same(trained.own.network, shipped)
    assert trained.own.network.architecture == "original"
    assert not trained.own.network.training
    assert tested["images"] == 2000
    assert tested["before"] == pytest.approx(evaluate(shipped, samples.test).accuracy, abs=ONE_IMAGE)
    assert tested["after"] == pytest.approx(evaluate(trained.own.network, samples.test).accuracy, abs=ONE_IMAGE)
    assert 0.1 < tested["after"] < tested["before"]


def test_the_map_belongs_to_the_network(trained, samples):
    fitted = projection.fit(trained.own.network, samples.test)
    torch.testing.assert_close(trained.own.projection.embeddings, fitted.embeddings, rtol=1e-3, atol=1e-3)
    assert trained.own.projection.tsne.shape == (2000, 2)
    assert torch.isfinite(trained.own.projection.tsne).all()


def test_only_the_one_who_trained_gets_the_network(trained, shipped, samples):
    request = {"sample": 11, "want": {"spots": True}}
    annas, berts = (served(trained.handlers.answer)(request | {"visitor": visitor}) for visitor in (ANNA, BERT))
    mine = inference.read_pixels(trained.own.network, samples.test.pixels[11])
    everybodys = inference.read_pixels(shipped, samples.test.pixels[11])
    assert annas["probabilities"] == pytest.approx(mine.probabilities.tolist(), rel=1e-4, abs=1e-9)
    assert berts["probabilities"] == pytest.approx(everybodys.probabilities.tolist(), rel=1e-4, abs=1e-9)
    assert annas["probabilities"] != pytest.approx(berts["probabilities"], abs=0.01)
    assert (annas["own"], berts["own"]) == (True, False)
    assert annas["spots"].keys() == {"pca", "tsne", "pixels"}
    assert trained.page.state(BERT, 0)["events"] == []


def test_restore_brings_the_shipped_network_back(trained, shipped_session):
    try:
        assert served(trained.handlers.restore)({"visitor": ANNA}) == {}
        assert trained.sessions.get(ANNA) is shipped_session
    finally:
        trained.sessions.put(ANNA, trained.own)


# --- going on, stopping ---------------------------------------------------------------------------------------------


def test_going_on_begins_with_the_visitor_s_network(start, trained, samples):
    server = start()
    server.sessions.put(ANNA, trained.own)
    tiny_steps = dataclasses.replace(SHORT, learning_rate=1e-7)
    server.training_queue.start(ANNA, tiny_steps, go_on=True)
    tested = follow(server.training_queue, ANNA, until="Tested")[-1]
    assert tested["before"] == pytest.approx(evaluate(trained.own.network, samples.test).accuracy, abs=ONE_IMAGE)
    moved = [
        (mine - weights).abs().max().item()
        for (name, mine), (_, weights) in zip(
            server.sessions.get(ANNA).network.named_parameters(), trained.own.network.named_parameters(), strict=True
        )
        if not name.startswith("layers.out")  # calibrated anew
    ]
    assert 0 < max(moved) < 1e-4


def test_stop_keeps_the_best_so_far(start, shipped, samples):
    server = start()
    server.training_queue.start(ANNA, ENDLESS)
    events = follow(server.training_queue, ANNA, until="EpochDone")
    server.training_queue.stop(ANNA)
    events += follow(server.training_queue, ANNA, until="Tested", seen=len(events))
    finished, tested = (next(e for e in events if e["event"] == name) for name in ("Finished", "Tested"))
    assert finished["stopped"] is tested["stopped"] is True
    epochs = [event for event in events if event["event"] == "EpochDone"]
    assert epochs[-1]["epoch"] < ENDLESS.epochs
    assert finished["best_epoch"] == [event["epoch"] for event in epochs if event["best"]][-1]
    network = server.sessions.get(ANNA).network
    assert not same(network, shipped)
    assert tested["after"] == pytest.approx(evaluate(network, samples.test).accuracy, abs=ONE_IMAGE)


def test_stop_before_anything_is_learned_changes_nothing(start, shipped_session):
    server = start()
    server.training_queue.start(ANNA, ENDLESS)
    events = follow(server.training_queue, ANNA, until="Loading")
    server.training_queue.stop(ANNA)
    events += follow(server.training_queue, ANNA, seen=len(events))
    assert names(events) == ["Loading", "Started", "Finished", "Failed"]
    assert "unchanged" in failure(events)
    assert server.sessions.get(ANNA) is shipped_session


def test_the_end_can_be_read_after_others_have_started(start):
    server = start()
    server.training_queue.start(ANNA, ENDLESS)
    server.training_queue.stop(ANNA)
    events = follow(server.training_queue, ANNA)
    assert events
    server.training_queue.start(BERT, SHORT)
    assert server.training_queue.state(ANNA, 0)["events"] == events


def test_a_run_has_a_time_limit(start, shipped_session):
    server = start(limit=0.0)
    server.training_queue.start(ANNA, ENDLESS)
    assert "unchanged" in failure(follow(server.training_queue, ANNA))
    assert server.sessions.get(ANNA) is shipped_session


def test_a_child_that_does_not_stop_is_ended(start, monkeypatch, shipped_session):
    monkeypatch.setattr(module, "STOP_LIMIT", 0.0)  # less than a child needs to begin
    server = start()
    server.training_queue.start(ANNA, ENDLESS)
    follow(server.training_queue, ANNA, until="Loading")
    server.training_queue.stop(ANNA)
    assert "ended" in failure(follow(server.training_queue, ANNA))
    assert multiprocessing.active_children() == []
    assert server.sessions.get(ANNA) is shipped_session


def test_a_map_that_is_late_does_not_undo_a_training(start, monkeypatch, shipped):
    server = start()
    server.training_queue.start(ANNA, SHORT)
    events = follow(server.training_queue, ANNA, until="Finished")
    monkeypatch.setattr(module, "STOP_LIMIT", 0.0)  # tests and map have time of their own
    server.training_queue.stop(ANNA)
    events += follow(server.training_queue, ANNA, until="Tested", seen=len(events))
    monkeypatch.setattr(module, "TEST_LIMIT", 0.0)
    events += follow(server.training_queue, ANNA, seen=len(events))
    assert names(events)[-1] in ("Tested", "Mapped")
    assert not same(server.sessions.get(ANNA).network, shipped)


def test_stop_and_state_without_a_run(start):
    server = start()
    server.training_queue.stop(ANNA)
    assert server.training_queue.state(ANNA, 5) == {"events": [], "seen": 0, "alive": False}


# --- the line -------------------------------------------------------------------------------------------------------


def test_visitors_wait_in_line(start, monkeypatch, shipped_session):
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    server = start()
    training_queue = server.training_queue
    training_queue.start(ANNA, ENDLESS)
    follow(training_queue, ANNA, until="Loading")
    with pytest.raises(TrainingRefused, match="still running"):
        training_queue.start(ANNA, SHORT)
    training_queue.start(BERT, SHORT)
    assert follow(training_queue, BERT, until="Waiting") == [{"event": "Waiting", "place": 1}]
    training_queue.start(CARL, ENDLESS)
    assert follow(training_queue, CARL, until="Waiting") == [{"event": "Waiting", "place": 2}]
    with pytest.raises(TrainingRefused, match="3 visitors train or wait"):
        training_queue.start(DORA, SHORT)
    assert training_queue.state(DORA, 0)["events"] == []
    with pytest.raises(TrainingRefused, match="still running"):
        training_queue.start(CARL, SHORT)

    training_queue.stop(BERT)
    assert names(follow(training_queue, BERT, also=[ANNA, CARL])) == ["Waiting", "Failed"]
    assert "before the training began" in failure(training_queue.state(BERT, 0)["events"])
    assert server.sessions.get(BERT) is shipped_session
    assert follow(training_queue, CARL, until="Waiting", seen=1, also=[ANNA]) == [{"event": "Waiting", "place": 1}]
    training_queue.start(BERT, SHORT)  # there is room again

    training_queue.stop(ANNA)
    assert names(follow(training_queue, CARL, until="Started", also=[ANNA, BERT])) == ["Waiting", "Loading", "Started"]
    assert not training_queue.state(ANNA, 0)["alive"]
    assert {event["place"] for event in training_queue.state(BERT, 0)["events"]} == {1, 2}


def test_visitors_who_have_left_make_room(start, monkeypatch):
    server = start()
    training_queue = server.training_queue
    training_queue.start(ANNA, ENDLESS)
    follow(training_queue, ANNA, until="StepDone")
    training_queue.start(BERT, ENDLESS)
    training_queue.start(CARL, SHORT)
    assert follow(training_queue, CARL, until="Waiting", also=[ANNA, BERT])[-1]["place"] == 2
    monkeypatch.setattr(module, "PATIENCE", 6.0)
    # Bert, who waits, no longer asks: Carl is the next.
    assert follow(training_queue, CARL, until="Waiting", seen=1, also=[ANNA]) == [{"event": "Waiting", "place": 1}]
    # Anna, who trains, no longer asks either: Carl trains.
    monkeypatch.setattr(module, "STOP_LIMIT", -1.0)
    assert names(follow(training_queue, CARL, until="Loading", seen=2)) == ["Loading"]
    annas, berts = (training_queue.state(visitor, 0) for visitor in (ANNA, BERT))
    assert not annas["alive"]
    assert not berts["alive"]
    assert "ended" in failure(annas["events"])
    assert "before the training began, as this page was away" in failure(berts["events"])
    assert [event["why"] for event in annas["events"] if event["event"] == "Stopping"] == [module.AWAY]


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_a_child_that_dies_fails_and_the_next_one_works(start, shipped_session):
    server = start()
    server.training_queue.start(ANNA, ENDLESS)
    events = follow(server.training_queue, ANNA, until="StepDone")
    os.kill(the_child().pid, signal.SIGKILL)
    assert "unexpectedly" in failure(follow(server.training_queue, ANNA, seen=len(events)))
    assert server.sessions.get(ANNA) is shipped_session
    server.training_queue.start(ANNA, SHORT)
    follow(server.training_queue, ANNA, until="Tested")
    assert server.sessions.get(ANNA) is not shipped_session


def test_a_child_that_cannot_start_is_told(start, monkeypatch, shipped_session):
    class Stillborn(module.CONTEXT.Process):
        def start(self):
            raise BrokenPipeError(32, "Broken pipe")  # so it is when the child dies while it is sent its task

    server = start()
    with monkeypatch.context() as patch:
        patch.setattr(module.CONTEXT, "Process", Stillborn)
        server.training_queue.start(ANNA, SHORT)
        assert "unexpectedly" in failure(follow(server.training_queue, ANNA))
    assert server.sessions.get(ANNA) is shipped_session
    server.training_queue.start(ANNA, SHORT)
    follow(server.training_queue, ANNA, until="Started")


def test_a_bad_data_place_is_told(start, tmp_path, shipped_session):
    (tmp_path / "train.csv").write_text("label,pixel1\n1,2\n")
    (tmp_path / "test.csv").write_text("label,pixel1\n1,2\n")
    server = start(tmp_path)
    server.training_queue.start(ANNA, SHORT)
    events = follow(server.training_queue, ANNA)
    with pytest.raises(dataset.DatasetError) as error:
        dataset.load(tmp_path)
    assert names(events) == ["Loading", "Failed"]
    assert failure(events) == str(error.value)
    assert server.sessions.get(ANNA) is shipped_session


def test_a_training_that_grows_beyond_all_numbers_is_told(monkeypatch, start, shipped_session):
    server = start()
    broken = Network("original").eval()
    with torch.no_grad():
        broken.layers.out.weight.fill_(float("nan"))
    server.sessions.put(ANNA, mine := Session(broken, shipped_session.projection))
    server.training_queue.start(ANNA, SHORT, go_on=True)
    assert "no number" in failure(follow(server.training_queue, ANNA))
    assert server.sessions.get(ANNA) is mine


def test_the_server_keeps_answering_while_one_trains(start, samples, trained):
    server = start()
    handlers = Handlers(server.sessions, samples.test, server.training_queue)
    server.training_queue.start(ANNA, ENDLESS)
    follow(server.training_queue, ANNA, until="Started")
    before = the_child()
    answer = served(handlers.answer)({"visitor": BERT, "sample": 11})
    assert answer["probabilities"] == served(trained.handlers.answer)({"visitor": BERT, "sample": 11})["probabilities"]
    assert before.is_alive()


@pytest.mark.parametrize("moment", ["restored", "kept"])
def test_a_map_for_a_network_given_back_is_not_kept(start, trained, shipped_session, moment):
    """The map comes some seconds after the network: the visitor may have gone back to the shipped one meanwhile."""
    server = start()
    run = module.Run(ANNA, SHORT, shipped_session.network, go_on=False)
    network = module._pack(trained.own.network)
    tensors = {name: value for name, value in vars(trained.own.projection).items()}
    server.training_queue._take(run, {"event": "Tested"}, network)
    assert same(server.sessions.get(ANNA).network, trained.own.network)
    assert server.sessions.get(ANNA).projection.tsne is None
    if moment == "restored":
        server.sessions.drop(ANNA)
    server.training_queue._take(run, {"event": "Mapped"}, module.to_safetensors(tensors))
    if moment == "restored":
        assert server.sessions.get(ANNA) is shipped_session
        assert names(run.events) == ["Tested"]
    else:
        assert torch.equal(server.sessions.get(ANNA).projection.tsne, trained.own.projection.tsne)
        assert names(run.events) == ["Tested", "Mapped"]


def test_what_goes_wrong_after_the_test_is_no_failure(shipped_session):
    run = module.Run(ANNA, SHORT, shipped_session.network, go_on=False)
    run.tell("Tested")
    run.fail("Its map did not come.")
    assert names(run.events) == ["Tested"]
    run = module.Run(ANNA, SHORT, shipped_session.network, go_on=False)
    run.fail("It ended.")
    assert run.events == [{"event": "Failed", "sentence": "It ended."}]


def test_it_goes_on_from_the_network_that_answered_when_it_was_started(start, samples, trained, shipped_session):
    server = start()
    server.training_queue.start(BERT, ENDLESS)
    follow(server.training_queue, BERT, until="Started")
    server.sessions.put(ANNA, trained.own)
    server.training_queue.start(ANNA, dataclasses.replace(SHORT, learning_rate=1e-7), go_on=True)
    server.sessions.drop(ANNA)  # while it waits
    server.training_queue.stop(BERT)
    tested = {event["event"]: event for event in follow(server.training_queue, ANNA)}["Tested"]
    assert tested["before"] == evaluate(trained.own.network, samples.test).accuracy
    assert tested["before"] != evaluate(shipped_session.network, samples.test).accuracy
    assert tested["after"] > 0.3  # anew, at that learning rate, it would be chance
