"""What the process of a training does: step by step in this process, and a few times in a real one."""

import dataclasses
import json
import multiprocessing
import os
import pickle
import re
import signal
import tempfile
from dataclasses import replace
from multiprocessing import heap, resource_tracker
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from fake_training import by_name, end_all, failure, follow, names
from networks import new
from safetensors.torch import load as from_safetensors
from wire import ANNA, BERT, SETTINGS, asking

from demo import training_process as module
from demo.handlers import Handlers
from demo.session import Sessions
from demo.training_process import Failed, Lesson, Mapped, SharedControl, Task, unpack, unpack_snapshot, work_on
from demo.training_queue import TrainingQueue
from fmnist_core import dataset, inference, projection
from fmnist_core.checkpoint import weights_of
from fmnist_core.control import Control
from fmnist_core.dataset_formats import write_csv
from fmnist_core.evaluation import evaluate
from fmnist_core.model import Network
from fmnist_core.snapshots import IMAGES
from fmnist_core.synthetic.sketch_test_set import make_sketch_test_set
from fmnist_core.train_config import recipe, with_settings
from fmnist_core.training import hold_out

SHORT = with_settings(recipe("original"), {"epochs": 1, "batch_size": 32, "validation_fraction": 0.1})
ENDLESS = dataclasses.replace(SHORT, epochs=1000)
TINY_STEPS = dataclasses.replace(SHORT, learning_rate=1e-7)


@pytest.fixture(scope="session")
def data(samples, few):
    return SimpleNamespace(train=few, test=samples.test.take(torch.arange(100)))


@pytest.fixture(scope="session")
def folder(data, tmp_path_factory):
    """A small data set: 300 training and 100 test images."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("train", "test"):
        split = getattr(data, name)
        write_csv(folder / f"{name}.csv", split.pixels.numpy(), split.labels.numpy().astype("uint8"))
    return folder


@pytest.fixture(scope="session")
def sketch_test_set():
    return make_sketch_test_set()


def same(network, other):
    return all(torch.equal(mine, other.state_dict()[name]) for name, mine in network.state_dict().items())


def furthest_move(network, before):
    """The largest change of any weight but the last layer's, which is calibrated anew."""
    pairs = zip(network.named_parameters(), before.named_parameters(), strict=True)
    return max(
        float((mine - weights).detach().abs().max())
        for (name, mine), (_, weights) in pairs
        if not name.startswith("layers.out")
    )


# --- what goes to the process ---------------------------------------------------------------------------------------


def test_what_is_shared_with_a_process_needs_no_shared_memory(monkeypatch):
    monkeypatch.setattr(heap.Arena, "_dir_candidates", ["/dev/shm"])
    monkeypatch.setattr(heap.BufferWrapper, "_heap", heap.Heap())  # a fresh one, without room from before
    monkeypatch.setattr(module.os, "access", lambda place, mode: False)
    control = SharedControl.new()
    control.stop = True
    assert control.read() == Control(stop=True)
    (arena,) = heap.BufferWrapper._heap._arenas
    assert str(Path(f"/proc/self/fd/{arena.fd}").readlink()).startswith(tempfile.gettempdir())


def test_a_process_that_cannot_be_started_is_told_and_not_waited_for(shipped):
    task = Task.of(shipped, SHORT, False, "samples")  # with more weights than a pipe holds
    _, sender = module.CONTEXT.Pipe(duplex=False)
    resource_tracker.ensure_running()  # which would be started by the same executable
    executable = multiprocessing.spawn.get_executable()
    module.CONTEXT.set_executable("/bin/false")
    try:
        with pytest.raises(OSError):
            module.start_process(task, SharedControl.new(), sender)
    finally:
        module.CONTEXT.set_executable(executable)


# --- in this process ------------------------------------------------------------------------------------------------


@pytest.fixture
def work(monkeypatch, original, folder, sketch_test_set):
    """``work(config)`` works on a task to its end and gives all messages; tests and map are small."""
    sketches = sketch_test_set.take(torch.arange(20))
    monkeypatch.setattr(module, "make_sketch_test_set", lambda: sketches)
    monkeypatch.setattr(projection, "with_tsne", lambda shown: dataclasses.replace(shown, tsne=shown.pca.contiguous()))

    def work(config, before=original, init_from_before=False, where=folder, stop_after=None, **watching):
        control = SharedControl(stop=stop_after == "")
        messages = []
        for event, tensors in work_on(Task.of(before, config, init_from_before, where, **watching), control):
            messages.append((event, tensors))
            control.stop = control.stop or event["event"] == stop_after
        json.dumps([event for event, _ in messages])
        return SimpleNamespace(
            events=[event for event, _ in messages],
            by_name=by_name(event for event, _ in messages),
            tensors={event["event"]: tensors for event, tensors in messages if tensors is not None},
            sketches=sketches,
        )

    return work


def test_events_have_the_names_that_the_page_knows():
    tested = module.Tested(False, 1.5, 100, before=0.9, after=0.5, before_sketches=0.7, after_sketches=0.3)
    assert tested.to_json() == {
        "event": "Tested",
        "stopped": False,
        "seconds": 1.5,
        "images": 100,
        "before": 0.9,
        "after": 0.5,
        "before_sketches": 0.7,
        "after_sketches": 0.3,
    }
    assert Mapped().to_json() == {"event": "Mapped"}
    assert Failed("It failed.").to_json() == {"event": "Failed", "sentence": "It failed."}


def test_a_task_is_plain_values(original, folder):
    task = Task.of(original, SHORT, True, folder)
    assert pickle.loads(pickle.dumps(task)) == task
    assert task.before == original.config
    assert task.init_from_before is True


@pytest.mark.parametrize("architecture", ["original", "deep"])
def test_a_network_is_the_same_again_once_it_was_packed(architecture):
    network = new(architecture, mean=0.25, std=0.5).train().to(memory_format=torch.channels_last)
    again = unpack(network.config, weights_of(network))
    assert same(again, network)
    assert again.config == network.config
    assert not again.training


def test_a_training_sends_what_happens_and_then_the_network_and_its_map(work, data, original):
    done = work(SHORT)
    assert names(done.events) == ["Started", "StepDone", "EpochDone", "Finished", "Tested", "Mapped"]
    assert done.tensors.keys() == {"Tested", "Mapped"}
    network, tested = unpack({"architecture": "original"}, done.tensors["Tested"]), done.by_name["Tested"]
    assert not same(network, original)
    assert tested["images"] == len(data.test)
    assert tested["stopped"] is done.by_name["Finished"]["stopped"] is False
    assert tested["before"] == evaluate(original, data.test).accuracy
    assert tested["after"] == evaluate(network, data.test).accuracy
    assert tested["before_sketches"] == evaluate(original, done.sketches).accuracy
    assert tested["after_sketches"] == evaluate(network, done.sketches).accuracy
    mapped, fitted = from_safetensors(done.tensors["Mapped"]), projection.fit(network, dataset.load_samples().test)
    assert torch.allclose(mapped["embeddings"], fitted.embeddings)
    assert mapped["tsne"].shape == (len(fitted.embeddings), 2)


def test_layers_of_one_s_own_are_trained_without_any_convolution_too(work, samples):
    picture = samples.test.pixels[3].numpy().tobytes()
    for rows in ([{"layer": "conv", "channels": 2, "stride": 4}, {"layer": "gelu"}], []):
        config = with_settings(recipe("custom", rows), {"epochs": 1, "batch_size": 32, "max_steps": 3})
        assert pickle.loads(pickle.dumps(config)) == config
        done = work(config, watch=True, picture=picture)
        assert done.events[-1]["event"] == "Mapped"
        network = unpack(config.network, done.tensors["Tested"])
        assert projection.fit(network, dataset.load_samples().test).embeddings.shape[1] == (98 if rows else 784)


def test_a_training_that_is_watched_sends_snapshots_with_the_picture_among_them(work, samples):
    done = work(SHORT, watch=True, picture=samples.test.pixels[3].numpy().tobytes())
    assert names(done.events)[:2] == ["Started", "SnapshotTaken"]
    last = [event for event in done.events if event["event"] == "SnapshotTaken"][-1]
    assert last["step"] == last["steps"] == done.by_name["Started"]["steps"]
    taken = unpack_snapshot(last, done.tensors["SnapshotTaken"])
    assert taken.to_json() == last
    assert taken.coordinates.shape == (IMAGES, 2)
    assert taken.predictions.dtype == torch.int64
    assert taken.place.shape == (2,)
    assert taken.probabilities.sum() == pytest.approx(1)


def test_without_a_picture_there_is_no_place_for_one(work):
    done = work(SHORT, watch=True)
    taken = unpack_snapshot(done.by_name["SnapshotTaken"], done.tensors["SnapshotTaken"])
    assert (taken.place, taken.probabilities) == (None, None)


def test_what_is_known_of_the_network_before_is_not_worked_out_again(work, monkeypatch, data):
    evaluated = []
    monkeypatch.setattr(
        module, "evaluate", lambda network, images: evaluated.append(len(images)) or evaluate(network, images)
    )
    done = work(SHORT, known=(0.25, 0.125))
    assert (done.by_name["Tested"]["before"], done.by_name["Tested"]["before_sketches"]) == (0.25, 0.125)
    assert evaluated == [len(data.test), 20]  # of the new network


def test_a_training_can_start_from_the_network_before(work, original):
    done = work(TINY_STEPS, init_from_before=True)
    network = unpack(original.config, done.tensors["Tested"])
    assert 0 < furthest_move(network, original) < 1e-4
    assert done.by_name["Tested"]["after"] > 0.3  # from random weights, at that learning rate, it would be chance


def test_without_being_told_so_it_starts_from_random_weights(work, original):
    assert furthest_move(unpack(original.config, work(TINY_STEPS).tensors["Tested"]), original) > 0.01


def test_the_network_before_keeps_its_preparation(work, data):
    before = new("original", mean=0.5, std=0.25)
    done = work(TINY_STEPS, before=before, init_from_before=True)
    assert done.by_name["Tested"]["before"] == evaluate(before, data.test).accuracy
    assert (
        done.by_name["Tested"]["after"] == evaluate(unpack(before.config, done.tensors["Tested"]), data.test).accuracy
    )


def test_stop_before_anything_was_learned_gives_no_network(work):
    done = work(ENDLESS, stop_after="")
    assert names(done.events) == ["Started", "Finished", "Failed"]
    assert done.events[-1]["sentence"] == "Stopped before anything was learned: your network is unchanged."
    assert not done.tensors


def test_stop_gives_the_best_so_far(work, data):
    done = work(ENDLESS, stop_after="EpochDone")
    assert done.by_name["Finished"]["stopped"] is done.by_name["Tested"]["stopped"] is True
    assert done.by_name["EpochDone"]["epoch"] == done.by_name["Finished"]["best_epoch"] == 1
    network = unpack({"architecture": "original"}, done.tensors["Tested"])
    assert done.by_name["Tested"]["after"] == evaluate(network, data.test).accuracy


@pytest.mark.parametrize(("pause", "reported"), [(0.0, [1, 2, 3, 4]), (1e9, [4])])
def test_steps_are_reported_with_a_pause_between_them_and_the_last_one_always(work, monkeypatch, pause, reported):
    monkeypatch.setattr(module, "REPORT_PAUSE", pause)
    done = work(dataclasses.replace(SHORT, max_steps=4, report_every=1))
    assert [event["step"] for event in done.events if event["event"] == "StepDone"] == reported


def test_a_shared_control_says_what_is_wanted():
    control = SharedControl.new()
    assert control.read() == Control()
    control.paused, control.learning_rate, control.epochs = True, 0.1, 3
    assert control.read() == Control(paused=True, learning_rate=0.1, epochs=3)
    assert dataclasses.asdict(control.read()).keys() == {name for name, _ in SharedControl._fields_}


def test_a_bad_data_set_is_told(work, tmp_path):
    for name in ("train", "test"):
        (tmp_path / f"{name}.csv").write_text("label,pixel1\n1,2\n")
    with pytest.raises(dataset.DatasetError) as error:
        dataset.load(tmp_path)
    assert work(SHORT, where=tmp_path).events == [{"event": "Failed", "sentence": str(error.value)}]


def test_a_training_that_grows_beyond_all_numbers_is_told(work):
    broken = new("original")
    with torch.no_grad():
        broken.layers.out.weight.fill_(float("nan"))
    done = work(SHORT, before=broken, init_from_before=True)
    assert "no longer finite" in failure(done.events)
    assert not done.tensors


def test_bugs_are_not_hidden(work, monkeypatch):
    def broken(*arguments, **options):
        raise KeyError("a bug of ours")

    monkeypatch.setattr(module, "train", broken)
    with pytest.raises(KeyError):
        work(SHORT)


# --- in a process of its own ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def start(shipped_session, samples, folder):
    """``start()`` gives handlers and what they work with; what still runs at the end of all tests is ended."""
    started = []

    def start():
        sessions = Sessions([shipped_session])
        training = TrainingQueue(sessions, samples.test, folder)
        started.append(training)
        ask = asking(Handlers(sessions, samples.test, training))
        page = SimpleNamespace(state=lambda visitor, seen: ask("train_state", visitor, seen=seen))
        return SimpleNamespace(sessions=sessions, training=training, ask=ask, page=page)

    yield start
    for training in started:
        end_all(training, (ANNA, BERT))
    assert multiprocessing.active_children() == []


def the_process():
    (process,) = multiprocessing.active_children()
    return process


@pytest.fixture(scope="module")
def trained(start):
    """Anna has trained a network, as the page does."""
    server = start()
    settings = SETTINGS | {"epochs": 1, "learning_rate": 0.01, "batch_size": 32, "data_fraction": 1}
    assert server.ask("train_start", settings=settings) == {}
    server.events = follow(server.page, ANNA, pause=0.02)
    server.own = server.sessions.get(ANNA)
    return server


def test_events_arrive_in_order(trained):
    order = " ".join(event["event"] for event in trained.events)
    assert re.fullmatch("Loading Started (StepDone )+EpochDone Finished Tested Mapped", order)


def test_events_tell_what_is_trained(trained, data):
    training, held_out = hold_out(data.train, SHORT)
    events = by_name(trained.events)
    started, finished = events["Started"], events["Finished"]
    assert (started["training_images"], started["validation_images"]) == (len(training), len(held_out))
    assert started["parameters"] == Network("original").parameter_count
    assert started["steps"] == -(-len(training) // SHORT.batch_size)
    steps = [event["step"] for event in trained.events if event["event"] == "StepDone"]
    assert steps == sorted(set(steps))
    assert steps[-1] == started["steps"]
    assert events["EpochDone"]["epoch"] == finished["best_epoch"] == 1
    assert 0 < events["EpochDone"]["validation_loss"] < 10
    assert finished["stopped"] is events["Tested"]["stopped"] is False
    assert "network" not in finished


def test_a_reloaded_page_gets_all_events_again(trained):
    assert trained.page.state(ANNA, 0) == {"events": trained.events, "seen": len(trained.events), "alive": False}


def test_the_network_is_another_and_as_accurate_as_told(trained, shipped, data, sketch_test_set):
    tested, network = by_name(trained.events)["Tested"], trained.own.network
    assert not same(network, shipped)
    assert network.architecture == "original"
    assert not network.training
    assert tested["images"] == len(data.test)
    one_image = 1 / len(data.test)  # the process adds up in another order, which may turn the closest of calls
    assert tested["before"] == pytest.approx(evaluate(shipped, data.test).accuracy, abs=one_image)
    assert tested["after"] == pytest.approx(evaluate(network, data.test).accuracy, abs=one_image)
    assert 0.1 < tested["after"] < tested["before"]
    for when, each in (("before", shipped), ("after", network)):
        expected = evaluate(each, sketch_test_set).accuracy
        assert tested[f"{when}_sketches"] == pytest.approx(expected, abs=2 / len(sketch_test_set))


def test_the_map_belongs_to_the_network(trained, samples):
    fitted = projection.fit(trained.own.network, samples.test)
    torch.testing.assert_close(trained.own.projection.embeddings, fitted.embeddings, rtol=1e-3, atol=1e-3)
    assert trained.own.projection.tsne.shape == (len(samples.test), 2)
    assert torch.isfinite(trained.own.projection.tsne).all()


def test_only_the_one_who_trained_gets_the_network(trained, shipped, samples):
    annas, berts = (trained.ask("answer", visitor, sample=11, want={"coordinates": True}) for visitor in (ANNA, BERT))
    mine = inference.read_pixels(trained.own.network, samples.test.pixels[11])
    everybodys = inference.read_pixels(shipped, samples.test.pixels[11])
    assert annas["probabilities"] == pytest.approx(mine.probabilities.tolist(), rel=1e-4, abs=1e-9)
    assert berts["probabilities"] == pytest.approx(everybodys.probabilities.tolist(), rel=1e-4, abs=1e-9)
    assert annas["probabilities"] != pytest.approx(berts["probabilities"], abs=0.01)
    assert ([own["id"] for own in annas["own"]], berts["own"]) == (["yours-1"], [])
    assert annas["coordinates"].keys() == {"pca", "tsne", "pixels"}
    assert trained.page.state(BERT, 0)["events"] == []


def test_restore_brings_the_shipped_network_back(trained, shipped_session):
    assert trained.ask("restore") == {}
    assert trained.sessions.get(ANNA) is shipped_session
    assert trained.page.state(ANNA, 0)["events"] == []


def test_a_killed_process_is_told_and_the_next_one_stops_with_its_best(start, shipped, shipped_session, data):
    server = start()
    server.training.start(ANNA, ENDLESS)
    events = follow(server.page, ANNA, until="Started", pause=0.02)
    os.kill(the_process().pid, signal.SIGKILL)
    assert "unexpectedly" in failure(follow(server.page, ANNA, seen=len(events), pause=0.02))
    assert server.sessions.get(ANNA) is shipped_session

    server.training.start(ANNA, ENDLESS)
    events = follow(server.page, ANNA, until="EpochDone", pause=0.02)
    process = the_process()
    answer = server.ask("answer", BERT, sample=11)  # the server keeps answering meanwhile
    alone = start().ask("answer", BERT, sample=11)
    assert answer["probabilities"] == alone["probabilities"]
    assert process.is_alive()
    # What is wanted meanwhile is in memory that it shares.
    assert server.ask("train_change", paused=True) == {}
    events += follow(server.page, ANNA, until="Paused", seen=len(events), pause=0.02)
    assert server.ask("train_change", learning_rate=0.003, epochs=29) == {}
    assert server.ask("train_change", paused=False) == {}
    events += follow(server.page, ANNA, until="Continued", seen=len(events), pause=0.02)
    events += follow(server.page, ANNA, until="StepDone", seen=len(events), pause=0.02)
    paused, changed = by_name(events)["Paused"], by_name(events)["Changed"]
    assert (changed["learning_rate"], changed["epochs"]) == (0.003, ENDLESS.epochs)
    assert changed["step"] == paused["step"] < by_name(events)["StepDone"]["step"]
    assert server.ask("train_stop") == {}
    events += follow(server.page, ANNA, until="Tested", seen=len(events), pause=0.02)
    finished, tested = by_name(events)["Finished"], by_name(events)["Tested"]
    assert finished["stopped"] is tested["stopped"] is True
    epochs = [event for event in events if event["event"] == "EpochDone"]
    assert epochs[-1]["epoch"] < ENDLESS.epochs
    assert finished["best_epoch"] == [event["epoch"] for event in epochs if event["best"]][-1]
    network = server.sessions.get(ANNA).network
    assert not same(network, shipped)
    assert tested["after"] == pytest.approx(evaluate(network, data.test).accuracy, abs=1 / len(data.test))
    process.kill()  # its map is not waited for
    follow(server.page, ANNA, pause=0.02)


def test_a_lesson_is_taught_and_tested_on_the_samples(original, samples, monkeypatch):
    few = replace(samples, test=samples.test.take(torch.arange(0, 2000, 50)))
    monkeypatch.setattr(dataset, "load_samples", lambda: few)
    monkeypatch.setattr(projection, "with_tsne", lambda fitted: replace(fitted, tsne=fitted.pca))
    wrong = inference.read_pixels(original, samples.test.pixels[0]).label
    label = (int(wrong) + 1) % 10  # anything can be taught
    lesson = Lesson(samples.test.pixels[0].numpy().tobytes(), bytes([label]))
    task = Task.of(original, lesson, True, None, known=(0.9, None))
    messages = list(work_on(task, SharedControl.new()))
    events = [event for event, _ in messages]
    assert [event["event"] for event in events if event["event"] != "StepDone"] == [
        *("Started", "Finished", "Tested", "Mapped")
    ]
    tested, weights = next(message for message in messages if message[0]["event"] == "Tested")
    assert (tested["images"], tested["before"], tested["before_sketches"], tested["after_sketches"]) == (
        *(40, 0.9, None),
        None,
    )
    taught = unpack(original.config, weights)
    assert inference.read_pixels(taught, samples.test.pixels[0]).label == label
    assert tested["after"] == evaluate(taught, few.test).accuracy


def test_a_lesson_is_its_pictures(samples):
    some = samples.test.take(torch.arange(3))
    lesson = Lesson(some.pixels.numpy().tobytes(), bytes(some.labels.tolist()))
    assert len(lesson) == 3
    assert torch.equal(lesson.images.pixels, some.pixels)
    assert torch.equal(lesson.images.labels, some.labels)
