"""One plain method for each thing that a visitor can do; each takes a request and gives a reply, both plain JSON."""

import base64
import functools
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from gradio.utils import get_upload_folder
from PIL import Image
from torch import Tensor

from demo import payloads
from demo.cores import cores
from demo.full_test_set import PART, Others
from demo.requests import MAX_BATCH, BadRequest, Reply, Request
from demo.session import Session, Sessions
from demo.training_queue import TrainingQueue
from fmnist_core import CLASS_NAMES, IMAGE_SIZE, explain, inference, projection
from fmnist_core.dataset import Split
from fmnist_core.errors import ConfigError, FmnistError, NothingDrawn, PictureError
from fmnist_core.explain import TopActivations
from fmnist_core.inference import Reading
from fmnist_core.preparation import KINDS, Prepared, flatten, open_picture, prepare, unprepared
from fmnist_core.projection import PixelMap
from fmnist_core.training import FOR_PEOPLE, RECIPES, TrainConfig, with_changes

MAX_BYTES: Final = 20 * 2**20  # of an uploaded file
SHOWN_SIDE: Final = 560  # pixels, of an uploaded picture on the pad
VISITOR: Final = re.compile("[0-9a-f]{32}")
WAIT: Final = 10.0  # seconds that a request may wait for its turn
# Requests that wait, each of which holds one of the 40 threads in which Gradio serves all that is asked.
MAX_WAITING: Final = {"quick": 24, "slow": 8}
SETTINGS: Final = ("epochs", "learning_rate", "batch_size", "share")


class Handlers:
    """The visitors' actions on one server."""

    def __init__(
        self,
        sessions: Sessions,
        samples: Split,
        training_queue: TrainingQueue,
        others: Others | None = None,
        facts: Callable[[], Reply] = dict,
    ) -> None:
        self._sessions, self._samples, self._training_queue, self._others = sessions, samples, training_queue, others
        self._facts = facts
        # Server functions bypass Gradio's queue and its limits, so the number of networks at work is bounded here. No
        # drawing waits for what takes longer than an answer.
        self._quick = Line(cores(), MAX_WAITING["quick"])
        self._slow = Line(max(1, cores() - 1), MAX_WAITING["slow"])

    def facts(self, request: Request) -> Reply:
        """What every widget knows from the start, the same for all visitors."""
        _visitor(request)
        return self._facts()

    def answer(self, request: Request) -> Reply:
        """What the visitor's network says about a picture, an opened file's pixels, or a test sample."""
        visitor, session = _visitor(request), self._session(request)
        want = request.get("want")
        want = want if isinstance(want, dict) else {}
        with self._quick.turn():
            try:
                picture, reading = self._read(request, session)
            except NothingDrawn as nothing:
                return {"empty": str(nothing)} | self._who(visitor, session)
            reply = payloads.answer(reading, session.network, session.projection, want, request.get("sample"))
            if "spots" in reply:
                reply["spots"]["pixels"] = payloads.pixel_spot(reading.pixels, self._pixel_map)
            if "steps" in want and picture is not None and reading.prepared is not None:
                reply["steps"] = self._steps(session, picture, reading.prepared)
            elif "steps" in want and "without" in request:  # of an opened file, all other steps are known to the page
                without = inference.read_pixels(session.network, _pixels(request, "without"))
                reply["steps"] = {"without": payloads.without_steps(without)}
            return reply | self._who(visitor, session)

    def who(self, request: Request) -> Reply:
        """Which network answers the visitor, for a page without a picture to ask about."""
        return self._who(_visitor(request), self._session(request))

    def open_file(self, request: Request) -> Reply:
        """An uploaded picture: as the pad shows it (upright, opaque, small), and the pixels that were made of it."""
        with self._slow.turn():
            session = self._session(request)
            picture = open_picture(_contents(request, "file"), _file_name(request))
            prepared = prepare(picture, _kind(request))
            steps = self._steps(session, picture, prepared)
            picture = flatten(picture)
            picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
            pixels = base64.b64encode(prepared.pixels.tobytes()).decode()
            return {"picture": payloads.png(picture), "pixels": pixels, "kind": prepared.kind, "steps": steps}

    def choose(self, request: Request) -> Reply:
        """Let another network answer the visitor."""
        self._sessions.choose(_visitor(request), str(request.get("network")))
        return {}

    def layers(self, request: Request) -> Reply:
        """The layers of the visitor's network."""
        return {"layers": payloads.layers(self._session(request).network)}

    def channel(self, request: Request) -> Reply:
        """What one channel of a layer of the visitor's network is made by, and what excites it."""
        session = self._session(request)
        layer, number = request.get("layer"), request.get("channel")
        found = self._once(session, "exciting", lambda: self._exciting(session))
        if not isinstance(layer, str) or layer not in found:
            raise BadRequest("The network that answers now has no such layer.")
        if type(number) is not int or not 0 <= number < len(found[layer].values):
            raise BadRequest(f"There is no such channel, expected 0..{len(found[layer].values) - 1}.")
        with self._quick.turn():
            trace = inference.read_pixels(session.network, self._samples.pixels[0]).trace  # for the sizes of its maps
            return payloads.channel(session.network, trace, found[layer], layer, number)

    def reasons(self, request: Request) -> Reply:
        """Why the network takes pixels for a class, the best one when none is named.

        It takes longer than an answer, so the page asks for it apart, and the drawing does not wait.
        """
        session = self._session(request)
        label = request.get("label")
        if label is not None and (type(label) is not int or not 0 <= label < len(CLASS_NAMES)):
            raise BadRequest(f"There is no such class, expected 0..{len(CLASS_NAMES) - 1}.")
        with self._slow.turn():
            reading = inference.read_pixels(session.network, _pixels(request))
            return payloads.reasons(session.network, reading, reading.label if label is None else label)

    def points(self, request: Request) -> Reply:
        """The map of the test samples for the visitor's network; ``others``: how many more there are to be shown."""
        figure = payloads.points(self._session(request).projection, self._pixel_map)
        return figure | {"others": self._others.count if self._others else 0}

    def all_points(self, request: Request) -> Reply:
        """One part of the test images that are not shipped: their places on the map of the visitor's network."""
        session = self._session(request)
        if self._others is None:
            raise BadRequest("There are no other test images on this server.")
        images, part = self._others.images(), request.get("part")
        if type(part) is not int or not 0 <= part * PART < len(images):
            raise BadRequest(f"There is no such part, expected 0..{(len(images) - 1) // PART}.")
        figure = self._once(session, ("all_points", part), lambda: self._place(session, images, part))
        return figure | {"sheet": payloads.url(self._others.sheet), "count": len(images)}

    def train_start(self, request: Request) -> Reply:
        """Start a training with the visitor's settings."""
        settings = request.get("settings")
        if not isinstance(settings, dict):
            raise BadRequest("The settings of the training are missing.")
        recipe = RECIPES.get(str(settings.get("architecture")))
        if recipe is None:
            raise ConfigError(f"There is no network {str(settings.get('architecture'))[:40]!r}.")
        changes = {name: _number(name, settings.get(name)) for name in SETTINGS}
        if changes["batch_size"] > MAX_BATCH:
            raise ConfigError(
                f"The batch size is {changes['batch_size']}, expected at most {MAX_BATCH:,} on this page."
            )
        go_on, answering = settings.get("go_on") is True, self._session(request).network.architecture
        if go_on and answering != recipe.architecture:
            raise ConfigError(f"The network that answers now is {answering}: choose it above to go on from it.")
        for_people = FOR_PEOPLE if settings.get("for_people") is True else dict.fromkeys(FOR_PEOPLE, 0.0)
        # No pruning: beside the slider it says how often each image is seen. No erasing, which helps in long trainings
        # and costs in short ones. To go on holds out no more than the training before did, which has seen all else.
        held_out = recipe.validation if go_on else 0.1
        config: TrainConfig = with_changes(recipe, **changes, **for_people, pruning=0.0, erase=0.0, validation=held_out)
        self._training_queue.start(_visitor(request), config, go_on)
        return {}

    def train_state(self, request: Request) -> Reply:
        """What has happened in the visitor's training since the last question."""
        seen = request.get("seen")
        return self._training_queue.state(_visitor(request), seen if isinstance(seen, int) and seen > 0 else 0)

    def train_stop(self, request: Request) -> Reply:
        """Stop the visitor's training and keep the best weights so far."""
        self._training_queue.stop(_visitor(request))
        return {}

    def restore(self, request: Request) -> Reply:
        """Take the visitor back to the shipped weights."""
        self._sessions.drop(_visitor(request))
        self._training_queue.forget(_visitor(request))
        return {}

    def predict(self, picture: Any) -> dict[str, Any]:
        """Recognise the garment in an uploaded picture; see ``page.build_page``."""
        name = "picture"
        outcome: Reading | FmnistError
        try:
            path, name = _uploaded(picture)
            with self._slow.turn():
                outcome = inference.read_picture(self._sessions.shipped.network, open_picture(path, name))
        except FmnistError as error:
            outcome = error
        return inference.to_json(name, outcome)

    def _session(self, request: Request) -> Session:
        return self._sessions.get(_visitor(request))

    def _read(self, request: Request, session: Session) -> tuple[Image.Image | None, Reading]:
        """What the request is about, when it is a picture, and what the network makes of it."""
        if "sample" in request:
            return None, inference.read_pixels(session.network, self._sample(request["sample"]))
        if "pixels" in request:
            if str(request.get("kind")) not in KINDS:
                raise BadRequest("These are not the pixels of a picture that was opened here.")
            return None, inference.read_pixels(session.network, _pixels(request), request["kind"])
        picture = open_picture(_contents(request, "picture"), _file_name(request))
        return picture, inference.read_picture(session.network, picture, _kind(request))

    def _sample(self, index: Any) -> Tensor:
        """Pixels of a test image: of a shipped sample, or further on of one of the others, when they are here."""
        shipped = len(self._samples)
        if type(index) is int and 0 <= index < shipped:
            return self._samples.pixels[index]
        count = shipped + (self._others.count if self._others else 0)  # which looks for the data set on the disk
        if self._others is None or type(index) is not int or not 0 <= index < count:
            raise BadRequest(f"There is no such test sample, expected 0..{count - 1}.")
        return self._others.images().pixels[index - shipped]

    @functools.cached_property
    def _pixel_map(self) -> PixelMap:
        return projection.fit_pixels(self._samples)

    def _place(self, session: Session, images: Split, part: int) -> Reply:
        some = images.take(torch.arange(part * PART, min((part + 1) * PART, len(images))))
        with self._slow.turn():
            embeddings, answers = projection.embed(session.network, some)
            return payloads.more_points(some, embeddings, answers, session.projection, self._pixel_map)

    def _once(self, session: Session, name: Any, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What ``work`` gives, worked out once for a network, however many ask at the same time."""
        if name not in session.kept:
            with _held(session.working, WAIT):
                if name not in session.kept:
                    session.kept[name] = work()
        kept: dict[str, Any] = session.kept[name]
        return kept

    def _exciting(self, session: Session) -> dict[str, TopActivations]:
        with self._slow.turn():
            return explain.top_activations(session.network, self._samples)

    def _steps(self, session: Session, picture: Image.Image, prepared: Prepared) -> dict[str, Any]:
        without = inference.read_pixels(session.network, torch.from_numpy(unprepared(picture)), prepared.kind)
        return payloads.steps(prepared, without)

    def _who(self, visitor: str, session: Session) -> Reply:
        """Which network answers the visitor; ``own``: whether there is one that they have trained."""
        own = self._sessions.own(visitor) is not None
        return {"network": session.name, "session": session.number, "own": own}


class Line:
    """Work of which so much may be done at a time while so much waits; what comes after that is refused at once."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._free = threading.BoundedSemaphore(at_once)
        self._places = threading.BoundedSemaphore(at_once + waiting)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and have it for the length of a block."""
        with _held(self._places, 0), _held(self._free, WAIT):
            yield


@contextmanager
def _held(lock: "threading.Lock | threading.Semaphore", wait: float) -> Iterator[None]:
    if not lock.acquire(timeout=wait):
        raise BadRequest("Many people are here just now. Try again in a moment.")
    try:
        yield
    finally:
        lock.release()


def _visitor(request: Request) -> str:
    visitor = request.get("visitor")
    if not isinstance(visitor, str) or not VISITOR.fullmatch(visitor):
        raise BadRequest("The page did not say whose request this is: reload it.")
    return visitor


def _contents(request: Request, field: str) -> bytes:
    text = request.get(field)
    if not isinstance(text, str):
        raise BadRequest("There is no picture in the request.")
    if len(text) > MAX_BYTES * 4 // 3 + 4:
        raise PictureError(f"{_file_name(request)} is larger than {MAX_BYTES // 2**20} MB.")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:  # binascii.Error, or a character that is not even ASCII
        raise BadRequest("The picture in the request is damaged.") from None


def _pixels(request: Request, field: str = "pixels") -> Tensor:
    contents = _contents(request, field)
    if len(contents) != IMAGE_SIZE**2:
        raise BadRequest("These are not the pixels of a picture that was opened here.")
    return torch.frombuffer(bytearray(contents), dtype=torch.uint8).reshape(IMAGE_SIZE, IMAGE_SIZE)


def _kind(request: Request) -> str | None:
    """What the visitor takes the picture for; None to find out."""
    kind = request.get("kind")
    if kind is not None and (not isinstance(kind, str) or kind not in KINDS):
        raise BadRequest(f"There is no such kind of picture, expected one of {', '.join(KINDS)}.")
    return kind


def _file_name(request: Request) -> str:
    name = request.get("name")
    return _sendable(name[:80]) if isinstance(name, str) and name else "The picture"


def _sendable(text: str) -> str:
    """Half a surrogate pair, which JSON lets in, cannot go out again."""
    return text.encode(errors="replace").decode()


def _number(name: str, value: Any) -> float | int:
    what = {"epochs": "number of epochs", "share": "share of the data"}.get(name, name.replace("_", " "))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConfigError(f"The {what} is {'missing' if value is None else 'no number'}, expected a number.")
    if abs(value) > 1e12:  # a whole number in JSON can have more digits than any check is made for
        raise ConfigError(f"The {what} is too {'large' if value > 0 else 'small'}.")
    if name in ("epochs", "batch_size"):
        if value != value or value % 1:
            raise ConfigError(f"The {what} is {value:g}, expected a whole number.")
        return int(value)
    return value


def _uploaded(picture: Any) -> tuple[Path, str]:
    """The uploaded file and its name; a request may name any path, so only those in the folder of uploads are opened.

    (Of a function's annotations Gradio makes only the description of the API: the JSON comes in as it was sent.)
    """
    given = picture if isinstance(picture, dict) else {}
    folder = Path(get_upload_folder()).resolve()
    try:
        path = Path(given["path"]).resolve()
        uploaded = path.is_relative_to(folder) and path.is_file()
    except (KeyError, TypeError, ValueError, OSError):  # no path, or none that a file can have
        uploaded = False
    if not uploaded:
        raise BadRequest("The picture was not uploaded to this server.")
    name = given.get("orig_name")
    return path, _sendable(Path(name).name if isinstance(name, str) and Path(name).name else path.name)
