"""The line of trainings, with processes that send what a test makes them send, and a clock that a test sets."""

import base64
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from fake_training import (
    EPOCH_DONE,
    FINISHED,
    MAPPED,
    NETWORK,
    STARTED,
    STEP_DONE,
    TESTED,
    Clock,
    FakeProcesses,
    end_all,
    failure,
    follow,
    names,
    wait_until,
)
from networks import new
from safetensors.torch import save as to_safetensors
from wire import ANNA, BERT, CARL, DORA

from demo import training_queue as module
from demo.limits import Limits
from demo.session import Sessions
from demo.training_process import Failed, Lesson, unpack
from demo.training_queue import Loading, Run, Stopping, TrainingQueue, TrainingRefused, Waiting
from fmnist_core import projection
from fmnist_core.control import Control
from fmnist_core.events import Changed, Continued, Paused
from fmnist_core.snapshots import SnapshotTaker, images_to_place
from fmnist_core.train_config import TrainConfig, recipe

CONFIG = TrainConfig("original", epochs=2)
ROOM = Limits(patience_seconds=math.inf)  # for tests whose clock goes ahead while nobody asks


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def open_queue(monkeypatch, clock, shipped_session, original_session, few_samples):
    """``open_queue(limits)`` gives a queue, its sessions and its processes; all are ended at the end of the test."""
    monkeypatch.setattr(module, "POLL", 0.005)
    opened = []

    def open_queue(limits=None, where="samples"):
        sessions, processes = Sessions([shipped_session, original_session]), FakeProcesses()
        training = TrainingQueue(sessions, few_samples, where, limits, start_process=processes)
        opened.append(SimpleNamespace(training=training, sessions=sessions, processes=processes))
        return opened[-1]

    yield open_queue
    for each in opened:
        each.processes.end_all()
        end_all(each.training, (ANNA, BERT, CARL, DORA))
        assert all(process.is_killed for process in each.processes.all)


@pytest.fixture(scope="module")
def few_samples(samples):
    return samples.test.take(torch.arange(60))


@pytest.fixture(scope="module")
def mapped(few_samples):
    """The projection of what comes of every fake training, with coordinates that are no t-SNE."""
    fitted = projection.fit(NETWORK, few_samples)
    return projection.Projection(**vars(fitted) | {"tsne": fitted.pca.contiguous()})


def finish(process, mapped):
    """All that a process sends from beginning to end."""
    process.send(STARTED, STEP_DONE, EPOCH_DONE, FINISHED)
    process.send_tested()
    process.send_mapped(to_safetensors(dict(vars(mapped))))
    process.end()


def same(network, other):
    return all(torch.equal(mine, other.state_dict()[name]) for name, mine in network.state_dict().items())


def test_events_have_the_names_that_the_page_knows():
    assert Waiting(2).to_json() == {"event": "Waiting", "place": 2}
    assert Loading().to_json() == {"event": "Loading"}
    assert Stopping("so").to_json() == {"event": "Stopping", "why": "so"}
    assert Failed("So.").to_json() == {"event": "Failed", "sentence": "So."}


def test_snapshots_are_passed_on_and_kept_for_the_animation(open_queue, few_samples):
    server = open_queue()
    picture = few_samples.pixels[0].numpy().tobytes()
    server.training.start(ANNA, CONFIG, watch=True, picture=picture)
    process = server.processes.next()
    assert (process.task.watch, process.task.picture) == (True, picture)
    assert server.training.snapshots(ANNA) is None
    taker = SnapshotTaker(images_to_place(few_samples), few_samples.pixels[0])
    taken = [taker.take(new("original", seed=seed), seed, 2) for seed in range(3)]
    for each in taken:
        process.send_snapshot(each)
    process.send(FINISHED)
    events = follow(server.training, ANNA, until=FINISHED.name)
    told = [event for event in events if event["event"] == "SnapshotTaken"]
    assert [event["step"] for event in told] == [0, 1, 2]
    for event, each in zip(told, taken, strict=True):
        coordinates = np.frombuffer(base64.b64decode(event["coordinates"]), "<i2").reshape(-1, 2) / 1000
        assert np.abs(coordinates - each.coordinates.numpy()).max() <= 0.0006
        assert list(base64.b64decode(event["labels"])) == few_samples.labels.tolist()
        assert event["place"] == each.place.tolist()
        assert event["probabilities"] == each.probabilities.tolist()
        assert event["kernels"]["shape"] == list(each.kernels.shape)
    kept = server.training.snapshots(ANNA)
    assert torch.equal(kept.coordinates, torch.stack([each.coordinates for each in taken]))
    assert torch.equal(kept.labels, few_samples.labels)
    assert server.training.snapshots(BERT) is None


def test_a_shipped_network_is_tested_before_one_training_and_known_from_then_on(open_queue, mapped, shipped_session):
    server = open_queue()
    for visitor, known in ((ANNA, None), (BERT, (TESTED.before, TESTED.before_sketches))):
        server.training.start(visitor, CONFIG)
        process = server.processes.next()
        assert process.task.known == known
        finish(process, mapped)
        follow(server.training, visitor)
    # One that a visitor has trained is another for each visitor, and is tested.
    server.training.start(ANNA, CONFIG)
    assert server.processes.next().task.known is None
    server.training.stop(ANNA)


# --- one training from beginning to end -----------------------------------------------------------------------------


def test_events_are_passed_on_and_the_visitor_gets_the_network(open_queue, mapped, shipped_session):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    process = server.processes.next()
    finish(process, mapped)
    events = follow(server.training, ANNA)
    sent = (STARTED, STEP_DONE, EPOCH_DONE, FINISHED, TESTED, MAPPED)
    assert events == [Loading().to_json(), *(event.to_json() for event in sent)]
    assert process.is_killed
    assert not process.control.stop
    own = server.sessions.get(ANNA)
    assert server.sessions.own(ANNA) == (own,)
    assert own.id == "yours-1"
    assert own.record.config is CONFIG
    assert (own.record.init_from, own.record.images, own.record.accuracy, own.record.sketches) == (None, 60, 0.6, 0.4)
    assert list(own.record.events) == [STEP_DONE.to_json(), EPOCH_DONE.to_json()]
    assert own.network.architecture == "original"
    assert not own.network.training
    assert same(own.network, NETWORK)
    assert torch.equal(own.projection.tsne, mapped.tsne)
    assert server.sessions.get(BERT) is shipped_session
    assert server.training.state(BERT, 0)["events"] == []


def test_a_reloaded_page_gets_all_events_again(open_queue, mapped):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    finish(server.processes.next(), mapped)
    events = follow(server.training, ANNA)
    assert server.training.state(ANNA, 0) == {"events": events, "seen": len(events), "alive": False}
    assert server.training.state(ANNA, 3)["events"] == events[3:]
    assert server.training.state(ANNA, 10**6)["events"] == []


def test_the_process_is_given_the_task(open_queue, shipped, tmp_path):
    server = open_queue(where=tmp_path)
    server.training.start(ANNA, CONFIG)
    task = server.processes.next().task
    assert task.config is CONFIG
    assert task.where == tmp_path
    assert task.init_from_before is False
    assert same(unpack(task.before, task.weights), shipped)


def test_the_network_before_is_the_one_that_answered_when_the_training_was_started(open_queue, original):
    server = open_queue()
    server.training.start(BERT, CONFIG)
    first = server.processes.next()
    server.sessions.choose(ANNA, "original")
    server.training.start(ANNA, CONFIG, init_from_current=True)
    server.sessions.drop(ANNA)  # while it waits
    first.end()
    task = server.processes.next().task
    assert task.init_from_before is True
    assert same(unpack(task.before, task.weights), original)


@pytest.mark.parametrize("init_from_current", [True, False])
def test_the_new_network_has_the_preparation_of_the_one_that_it_started_from(
    open_queue, shipped_session, init_from_current
):
    server = open_queue()
    before = new("original", mean=0.5, std=0.25)
    server.sessions.put(ANNA, module.Session(before, shipped_session.projection))
    server.training.start(ANNA, CONFIG, init_from_current)
    process = server.processes.next()
    assert unpack(process.task.before, process.task.weights).config == before.config
    process.send_tested()
    follow(server.training, ANNA, until="Tested")
    own = server.sessions.get(ANNA)
    assert own.network.config == (before if init_from_current else NETWORK).config
    assert own.record.init_from == ("your network 1" if init_from_current else None)


def test_a_network_of_one_s_own_layers_answers_its_visitor(open_queue):
    server = open_queue()
    network = new("custom", layers=[{"layer": "conv", "channels": 2, "stride": 4}, {"layer": "tanh"}])
    server.training.start(ANNA, recipe("custom", network.rows))
    server.processes.next().send_tested(network)
    follow(server.training, ANNA, until="Tested")
    answering = server.sessions.get(ANNA).network
    assert answering.config == network.config
    assert same(answering, network)


def test_the_map_before_the_t_sne_map_comes_is_that_of_the_new_network(open_queue, few_samples):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    server.processes.next().send_tested()
    follow(server.training, ANNA, until="Tested")
    shown, fitted = server.sessions.get(ANNA).projection, projection.fit(NETWORK, few_samples)
    assert torch.allclose(shown.embeddings, fitted.embeddings)
    assert shown.tsne is None


@pytest.mark.parametrize("is_restored", [True, False])
def test_a_map_for_a_network_that_was_given_back_is_dropped(open_queue, mapped, shipped_session, is_restored):
    """The map comes some seconds after the network: the visitor may have gone back to the shipped one meanwhile."""
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    process = server.processes.next()
    process.send_tested()
    follow(server.training, ANNA, until="Tested")
    if is_restored:
        server.sessions.drop(ANNA)
    process.send_mapped(to_safetensors(dict(vars(mapped))))
    process.end()
    events = follow(server.training, ANNA)
    if is_restored:
        assert server.sessions.get(ANNA) is shipped_session
        assert names(events) == ["Loading", "Tested"]
    else:
        assert torch.equal(server.sessions.get(ANNA).projection.tsne, mapped.tsne)
        assert names(events) == ["Loading", "Tested", "Mapped"]


def test_of_what_was_worked_out_before_the_map_came_only_top_activations_stay(open_queue, mapped):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    process = server.processes.next()
    process.send_tested()
    follow(server.training, ANNA, until="Tested")
    before = server.sessions.get(ANNA)
    before.cache.update({"top_activations": "of its channels", ("remaining_points", 0): "on the map before"})
    process.send_mapped(to_safetensors(dict(vars(mapped))))
    follow(server.training, ANNA, until="Mapped")
    after = server.sessions.get(ANNA)
    assert after.cache == {"top_activations": "of its channels"}
    assert (after.network, after.number) == (before.network, before.number)


# --- stopping -------------------------------------------------------------------------------------------------------


def test_stop_reaches_the_process_which_then_sends_its_best(open_queue, shipped):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    process = server.processes.next()
    process.send(STARTED, EPOCH_DONE)
    events = follow(server.training, ANNA, until="EpochDone")
    assert not process.control.stop
    server.training.stop(ANNA)
    assert process.control.stop
    process.send(FINISHED)
    process.send_tested()
    process.end()
    events += follow(server.training, ANNA, seen=len(events))
    assert names(events) == ["Loading", "Started", "EpochDone", "Finished", "Tested"]
    assert not same(server.sessions.get(ANNA).network, shipped)


def test_stop_before_anything_was_learned_changes_nothing(open_queue, shipped_session):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    process = server.processes.next()
    server.training.stop(ANNA)
    process.send(STARTED, FINISHED, Failed("Stopped before anything was learned: your network is unchanged."))
    process.end()
    events = follow(server.training, ANNA)
    assert names(events) == ["Loading", "Started", "Finished", "Failed"]
    assert "unchanged" in failure(events)
    assert server.sessions.get(ANNA) is shipped_session


def test_the_end_can_be_read_after_others_have_started(open_queue):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    server.processes.next().die()
    events = follow(server.training, ANNA)
    assert events
    server.training.start(BERT, CONFIG)
    server.processes.next()
    assert server.training.state(ANNA, 0)["events"] == events


def test_the_end_is_forgotten_when_others_start_long_after(open_queue, clock):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    server.processes.next().die()
    follow(server.training, ANNA)
    clock.ahead += Limits().patience_seconds + 1
    server.training.start(BERT, CONFIG)
    assert server.training.state(ANNA, 0)["events"] == []


def test_a_visitor_s_run_is_forgotten_once_it_has_ended(open_queue):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    process = server.processes.next()
    server.training.forget(ANNA)
    assert server.training.state(ANNA, 0)["alive"]
    process.die()
    follow(server.training, ANNA)
    server.training.forget(ANNA)
    server.training.forget(BERT)
    assert server.training.state(ANNA, 0) == {"events": [], "seen": 0, "alive": False}


@pytest.mark.parametrize("limit", [30.0, 900.0])
def test_a_run_has_a_time_limit(open_queue, clock, limit):
    server = open_queue(Limits(training_seconds=limit, patience_seconds=math.inf))
    server.training.start(ANNA, CONFIG)
    process = server.processes.next()
    clock.ahead += limit - 10  # a slow machine has ten seconds to reach the next line
    process.send(STARTED)
    assert names(follow(server.training, ANNA, until="Started")) == ["Loading", "Started"]
    assert not process.control.stop
    clock.ahead += 10
    events = follow(server.training, ANNA, until="Stopping")
    assert events[-1] == Stopping("the longest that one may train here").to_json()
    wait_until(lambda: process.control.stop)


def test_what_is_changed_reaches_the_process_and_all_else_stays(open_queue):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    control = server.processes.next().control
    assert control.read() == Control()
    server.training.change(ANNA, learning_rate=0.003)
    server.training.change(ANNA, paused=True)
    assert control.read() == Control(paused=True, learning_rate=0.003)
    server.training.change(ANNA, epochs=7)
    server.training.change(ANNA, paused=False)
    assert control.read() == Control(learning_rate=0.003, epochs=7)
    server.training.stop(ANNA)
    assert control.read().stop


def test_what_is_told_of_a_change_is_passed_on(open_queue):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    sent = (STARTED, Paused(3), Changed(3, 30, 2, 0.003), Continued(3))
    server.processes.next().send(*sent)
    events = follow(server.training, ANNA, until="Continued")
    assert events[1:] == [event.to_json() for event in sent]


@pytest.mark.parametrize("ending", ["none", "finished", "over"])
def test_what_has_ended_cannot_be_changed(open_queue, ending):
    server = open_queue()
    if ending != "none":
        server.training.start(ANNA, CONFIG)
        process = server.processes.next()
        process.send(STARTED, FINISHED)
        follow(server.training, ANNA, until="Finished")
        if ending == "over":
            process.end()
            follow(server.training, ANNA)
    server.training.start(BERT, CONFIG)
    with pytest.raises(TrainingRefused, match="has ended: nothing about it can be changed"):
        server.training.change(ANNA, paused=True)
    server.training.change(BERT, paused=True)


@pytest.mark.parametrize("limit", [60.0, 300.0])
def test_all_pauses_of_a_run_together_have_a_limit(open_queue, clock, limit):
    server = open_queue(Limits(pause_seconds=limit, training_seconds=1000.0, patience_seconds=math.inf))
    training = server.training
    training.start(ANNA, CONFIG)
    process = server.processes.next()

    run = training._runs[ANNA]

    def let_pass(seconds):
        before = run.seconds + run.paused_seconds
        clock.ahead += seconds
        wait_until(lambda: run.seconds + run.paused_seconds >= before + seconds)

    for _ in range(2):
        training.change(ANNA, paused=True)
        let_pass(limit / 2 - 10)
        training.change(ANNA, paused=False)
        let_pass(300.0)
    assert not process.control.stop
    training.change(ANNA, paused=True)
    clock.ahead += 21
    events = follow(training, ANNA, until="Stopping")
    assert events[-1] == Stopping(f"as it was paused for {limit:.0f} seconds, the longest here").to_json()
    wait_until(lambda: process.control.stop)


def test_a_paused_run_ends_when_its_visitor_leaves(open_queue, clock):
    server = open_queue(Limits(patience_seconds=90.0, pause_seconds=1000.0))
    server.training.start(ANNA, CONFIG)
    process = server.processes.next()
    server.training.change(ANNA, paused=True)
    clock.ahead += 91
    wait_until(lambda: process.control.stop)
    process.send(STARTED, FINISHED)
    process.send_tested()
    process.end()
    events = follow(server.training, ANNA)
    assert [event["why"] for event in events if event["event"] == "Stopping"] == [
        "as this page was away for 90 seconds"
    ]
    assert events[-1]["event"] == "Tested"


@pytest.mark.parametrize("limit", [20.0, 60.0])
def test_a_process_that_does_not_stop_is_ended(open_queue, clock, shipped_session, limit):
    server = open_queue(Limits(stop_seconds=limit, patience_seconds=math.inf))
    server.training.start(ANNA, CONFIG)
    process = server.processes.next()
    server.training.stop(ANNA)
    process.send(STARTED, STEP_DONE)  # while this is taken it is seen to have been stopped
    follow(server.training, ANNA, until="StepDone")
    clock.ahead += limit - 10
    process.send(EPOCH_DONE)
    follow(server.training, ANNA, until="EpochDone")
    clock.ahead += 11
    assert failure(follow(server.training, ANNA)) == "The training did not stop by itself and was ended."
    assert process.is_killed
    assert server.sessions.get(ANNA) is shipped_session


@pytest.mark.parametrize("limit", [100.0, 240.0])
def test_a_late_map_does_not_undo_a_training(open_queue, clock, shipped, limit):
    server = open_queue(Limits(stop_seconds=20.0, test_seconds=limit, patience_seconds=math.inf))
    server.training.start(ANNA, CONFIG)
    process = server.processes.next()
    process.send(STARTED, FINISHED)
    follow(server.training, ANNA, until="Finished")
    server.training.stop(ANNA)
    clock.ahead += limit - 10  # tests and map have time of their own
    process.send_tested()
    follow(server.training, ANNA, until="Tested")
    clock.ahead += 11
    events = follow(server.training, ANNA)
    assert names(events) == ["Loading", "Started", "Finished", "Tested"]
    assert process.is_killed
    assert not same(server.sessions.get(ANNA).network, shipped)


def test_tests_that_never_end_are_ended(open_queue, clock, shipped_session):
    server = open_queue(ROOM)
    server.training.start(ANNA, CONFIG)
    process = server.processes.next()
    process.send(STARTED, FINISHED)
    follow(server.training, ANNA, until="Finished")
    clock.ahead += ROOM.test_seconds + 1
    assert failure(follow(server.training, ANNA)) == "The training did not stop by itself and was ended."
    assert server.sessions.get(ANNA) is shipped_session


def test_stop_and_state_without_a_run(open_queue):
    server = open_queue()
    server.training.stop(ANNA)
    assert server.training.state(ANNA, 5) == {"events": [], "seen": 0, "alive": False}


# --- the line -------------------------------------------------------------------------------------------------------


def test_visitors_wait_in_line(open_queue, shipped_session):
    server = open_queue(Limits(training_queue=3))
    training = server.training
    training.start(ANNA, CONFIG)
    first = server.processes.next()
    with pytest.raises(TrainingRefused, match="still running"):
        training.start(ANNA, CONFIG)
    training.start(BERT, CONFIG)
    assert follow(training, BERT, until="Waiting") == [{"event": "Waiting", "place": 1}]
    training.start(CARL, CONFIG)
    assert follow(training, CARL, until="Waiting") == [{"event": "Waiting", "place": 2}]
    with pytest.raises(TrainingRefused, match="3 visitors train or wait"):
        training.start(DORA, CONFIG)
    assert training.state(DORA, 0)["events"] == []
    with pytest.raises(TrainingRefused, match="still running"):
        training.start(CARL, CONFIG)

    training.stop(BERT)
    assert names(follow(training, BERT, also=[ANNA, CARL])) == ["Waiting", "Failed"]
    assert failure(training.state(BERT, 0)["events"]) == "Stopped before the training began."
    assert server.sessions.get(BERT) is shipped_session
    assert follow(training, CARL, until="Waiting", seen=1, also=[ANNA]) == [{"event": "Waiting", "place": 1}]
    training.start(BERT, CONFIG)  # there is room again
    assert follow(training, BERT, until="Waiting") == [{"event": "Waiting", "place": 2}]

    first.end()
    server.processes.next().send(STARTED)
    assert names(follow(training, CARL, until="Started", also=[ANNA, BERT])) == ["Waiting", "Loading", "Started"]
    assert not training.state(ANNA, 0)["alive"]
    wait_until(lambda: len(training.state(BERT, 0)["events"]) == 2)
    assert [event["place"] for event in training.state(BERT, 0)["events"]] == [2, 1]
    assert server.processes.started.empty()  # one runs at a time


@pytest.mark.parametrize("patience", [60.0, 90.0])
def test_visitors_who_have_left_make_room(open_queue, clock, patience):
    server = open_queue(Limits(patience_seconds=patience, stop_seconds=20.0))
    training = server.training
    training.start(ANNA, CONFIG)
    annas = server.processes.next()
    training.start(BERT, CONFIG)
    training.start(CARL, CONFIG)
    assert follow(training, CARL, until="Waiting", also=[ANNA, BERT])[-1]["place"] == 2

    def let_pass(seconds, present):
        """Visitors who are present ask half-way."""
        clock.ahead += seconds / 2
        for visitor in present:
            training.state(visitor, 0)
        clock.ahead += seconds / 2

    # Bert, who waits, no longer asks: Carl is the next.
    let_pass(patience + 1, [ANNA, CARL])
    assert follow(training, CARL, until="Waiting", seen=1, also=[ANNA]) == [{"event": "Waiting", "place": 1}]
    assert not annas.control.stop
    # Anna, who trains, no longer asks either: Carl trains.
    let_pass(patience + 1, [CARL])
    wait_until(lambda: annas.control.stop)
    training.state(CARL, 0)
    clock.ahead += 21  # it does not stop
    assert names(follow(training, CARL, until="Loading", seen=2)) == ["Loading"]
    assert annas.is_killed
    of_anna, of_bert = (training.state(visitor, 0) for visitor in (ANNA, BERT))
    assert not of_anna["alive"]
    assert not of_bert["alive"]
    away = f"as this page was away for {patience:.0f} seconds"
    assert "ended" in failure(of_anna["events"])
    assert failure(of_bert["events"]) == f"Stopped before the training began, {away}."
    assert [event["why"] for event in of_anna["events"] if event["event"] == "Stopping"] == [away]


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_a_process_that_dies_fails_and_the_next_one_works(open_queue, mapped, shipped_session):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    process = server.processes.next()
    process.send(STARTED, STEP_DONE)
    events = follow(server.training, ANNA, until="StepDone")
    process.die()
    assert "unexpectedly" in failure(follow(server.training, ANNA, seen=len(events)))
    assert server.sessions.get(ANNA) is shipped_session
    server.training.start(ANNA, CONFIG)
    finish(server.processes.next(), mapped)
    follow(server.training, ANNA, until="Tested")
    assert server.sessions.get(ANNA) is not shipped_session


def test_a_process_that_ends_without_a_result_is_told(open_queue, shipped_session):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    server.processes.next().end()
    assert failure(follow(server.training, ANNA)) == "The training ended unexpectedly."
    assert server.sessions.get(ANNA) is shipped_session


def test_a_process_that_cannot_start_is_told(monkeypatch, open_queue, shipped_session):
    def stillborn(task, control, connection):
        raise BrokenPipeError(32, "Broken pipe")  # so it is when the process dies while it is sent its task

    server = open_queue()
    with monkeypatch.context() as patch:
        patch.setattr(server.training, "_start_process", stillborn)
        server.training.start(ANNA, CONFIG)
        assert "unexpectedly" in failure(follow(server.training, ANNA))
    assert server.sessions.get(ANNA) is shipped_session
    server.training.start(ANNA, CONFIG)
    server.processes.next().send(STARTED)
    follow(server.training, ANNA, until="Started")


def test_what_the_process_finds_wrong_is_passed_on(open_queue, original_session):
    server = open_queue()
    server.sessions.choose(ANNA, "original")
    server.training.start(ANNA, CONFIG, init_from_current=True)
    process = server.processes.next()
    process.send(STARTED, Failed("The loss is no longer finite."))
    process.end()
    assert failure(follow(server.training, ANNA)) == "The loss is no longer finite."
    assert server.sessions.get(ANNA) is original_session


def test_what_goes_wrong_after_the_test_is_no_failure(open_queue, shipped):
    server = open_queue()
    server.training.start(ANNA, CONFIG)
    process = server.processes.next()
    process.send_tested()
    process.die()
    assert names(follow(server.training, ANNA)) == ["Loading", "Tested"]
    assert not same(server.sessions.get(ANNA).network, shipped)


def test_a_run_fails_unless_its_network_is_there(shipped):
    run = Run(ANNA, CONFIG, shipped, init_from_before=False, patience=1.0)
    run.tell(TESTED)
    run.fail("Its map did not come.")
    assert names(run.events) == ["Tested"]
    run = Run(ANNA, CONFIG, shipped, init_from_before=False, patience=1.0)
    run.fail("It ended.")
    assert run.events == [{"event": "Failed", "sentence": "It ended."}]


# --- teaching ---------------------------------------------------------------------------------------------------------


def test_a_lesson_is_for_the_network_that_answers_and_is_not_kept(open_queue, mapped, few_samples):
    server = open_queue()
    fitted = projection.fit(NETWORK, few_samples)
    server.sessions.put(ANNA, module.Session(NETWORK, fitted))
    lesson = Lesson(bytes(2 * 784), bytes([3, 5]))
    server.training.start(ANNA, lesson, init_from_current=True)
    process = server.processes.next()
    assert process.task.config is lesson
    assert same(unpack(process.task.before, process.task.weights), NETWORK)
    right = fitted.predictions == few_samples.labels
    assert process.task.known == (pytest.approx(float(right.double().mean())), None)
    process.send_tested(NETWORK, replace(TESTED, before_sketches=None, after_sketches=None))
    follow(server.training, ANNA, until="Tested")
    record = server.sessions.get(ANNA).record
    assert (record.config, record.pictures, record.init_from, record.sketches) == (None, 2, "your network 1", None)
    process.send_mapped(to_safetensors(dict(vars(mapped))))
    process.end()
    follow(server.training, ANNA)
    # The figures of a lesson, on the samples, are no news of the network before on the whole test set.
    server.training.start(BERT, CONFIG)
    assert server.processes.next().task.known is None


def test_how_long_a_training_takes_is_known_from_then_on(open_queue, mapped):
    server = open_queue()
    mixed = replace(CONFIG, data_fraction=0.5, skipped_fraction=0.2, synthetic={"drawings": 0.25})
    for config, expected in ((CONFIG, 0.5), (mixed, 0.5 / (0.5 * 0.8 * 1.25))):  # its one epoch took half a second
        server.training.start(ANNA, config)
        finish(server.processes.next(), mapped)
        follow(server.training, ANNA)
        assert server.training.paces == {"original": pytest.approx(expected)}


def test_layers_of_one_s_own_tell_nothing_of_other_layers(open_queue):
    server = open_queue()
    server.training.start(ANNA, recipe("custom", [{"layer": "relu"}]))
    process = server.processes.next()
    process.send(STARTED, STEP_DONE, EPOCH_DONE)
    process.end()
    follow(server.training, ANNA)
    assert server.training.paces == {}
