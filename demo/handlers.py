"""One plain method for each thing that a visitor can do: a typed request goes in, a reply of plain JSON comes out."""

import base64
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from gradio.utils import get_upload_folder
from PIL import Image
from torch import Tensor

from demo import payloads
from demo.actions import NoSuchAction, Reply, Speed
from demo.blocks import NOT_UPLOADED
from demo.limits import Limits
from demo.remaining_images import CHUNK, RemainingImages
from demo.requests import (
    AnimationRequest,
    BadRequest,
    ChangeRequest,
    ChannelRequest,
    ChunkRequest,
    ComparisonRequest,
    EventsRequest,
    Fields,
    FileRequest,
    NameRequest,
    NetworkRequest,
    PictureRequest,
    ReasonsRequest,
    Request,
    TeachRequest,
    TrainCheckRequest,
    TrainRequest,
    UploadRequest,
    layer_limits,
    sendable,
)
from demo.session import Session, Sessions
from demo.training_process import Lesson
from demo.training_queue import TrainingQueue
from demo.uploading import admitted
from fmnist_core import explain, inference, projection
from fmnist_core.animation import animate
from fmnist_core.custom_layers import CUSTOM
from fmnist_core.dataset import Split
from fmnist_core.errors import ConfigError, FmnistError, NothingDrawn
from fmnist_core.export import can_export, largest_difference, to_onnx
from fmnist_core.inference import Reading
from fmnist_core.packing import pack
from fmnist_core.preparation import Prepared, flatten, open_picture, prepare, prepare_naively
from fmnist_core.projection import PixelProjection
from fmnist_core.train_config import recipe
from fmnist_core.training import check_init_from

TOP_ACTIVATIONS: Final = "top_activations"  # in the cache of a session
SHOWN_SIDE: Final = 560  # pixels, of an uploaded picture on the pad

AnyRequest = TypeVar("AnyRequest", bound=Request)


def action(
    request: type[AnyRequest], speed: Speed = "quick"
) -> Callable[[Callable[[Any, AnyRequest], Reply]], Callable[[Any, AnyRequest], Reply]]:
    """Mark a method of ``Handlers`` as an action: what it is asked, and how long it takes to read and answer that."""

    def mark(method: Callable[[Any, AnyRequest], Reply]) -> Callable[[Any, AnyRequest], Reply]:
        method.request, method.speed = request, speed  # type: ignore[attr-defined]
        return method

    return mark


class Handlers:
    """The visitors' actions on one server."""

    def __init__(
        self,
        sessions: Sessions,
        samples: Split,
        training: TrainingQueue,
        remaining: RemainingImages | None = None,
        facts: Callable[[], Reply] = dict,
        limits: Limits | None = None,
    ) -> None:
        self._sessions, self._samples, self._training, self._remaining = sessions, samples, training, remaining
        self._facts = facts
        self._limits = limits or Limits()

    def serve(self, name: str, values: Any) -> Reply:
        """Read the fields of a request to the action of that name, and answer it.

        Raises:
            FmnistError: the request is refused; the sentence says why.
        """
        method = self._method(name)
        reply: Reply = method(self, method.request.read(Fields(values, self._limits)))
        return reply

    def lane(self, name: str, values: Any) -> tuple[str, Speed]:
        """Whose turn it takes to answer such a request, and how long that takes.

        Raises:
            FmnistError: the request is refused; the sentence says why.
        """
        method = self._method(name)
        visitor = Fields(values, self._limits).visitor()
        is_known = name != "channel" or TOP_ACTIVATIONS in self._sessions.get(visitor).cache
        return visitor, method.speed if is_known else "long"

    def _method(self, name: str) -> Any:
        method = getattr(type(self), name, None)
        if not hasattr(method, "request"):
            raise NoSuchAction("There is no such action.")
        return method

    @action(Request)
    def facts(self, request: Request) -> Reply:
        """What every widget knows from the start, the same for all visitors."""
        return self._facts()

    @action(PictureRequest, "drawing")
    def answer(self, request: PictureRequest) -> Reply:
        """What the visitor's network says about a picture, an opened file's pixels, or a test sample."""
        return self._answer(request, self._sessions.get(request.visitor))

    @action(PictureRequest, "quick")
    def answer_by(self, request: PictureRequest) -> Reply:
        """As ``answer``, by the network that the request names; it takes the place of no drawing."""
        return self._answer(request, self._sessions.find(request.visitor, request.network or ""))

    def _answer(self, request: PictureRequest, session: Session) -> Reply:
        wants = request.wants
        try:
            reading = self._read(request, session)
        except NothingDrawn as nothing:
            return {"empty": str(nothing)} | self._which(request.visitor)
        reply = payloads.answer(reading, session.network, wants)
        if wants.coordinates:
            reply |= payloads.place(reading, session.projection, self._pixel_projection, request.sample)
        if wants.steps and request.picture is not None and reading.prepared is not None:
            reply["steps"] = self._steps(session, request.picture, reading.prepared)
        elif wants.steps and request.naive is not None:  # of an opened file, the page knows all other steps
            naive = inference.read_pixels(session.network, request.naive)
            reply["steps"] = {"naive": payloads.naive_step(naive)}
        return reply | self._which(request.visitor)

    @action(Request)
    def which(self, request: Request) -> Reply:
        """Which network answers the visitor, for a page without a picture to ask about."""
        return self._which(request.visitor)

    @action(FileRequest, "slow")
    def open_file(self, request: FileRequest) -> Reply:
        """An uploaded picture: as the pad shows it (upright, opaque, small), and the pixels that were made of it."""
        session = self._sessions.get(request.visitor)
        prepared = prepare(request.picture, request.kind)
        shown = flatten(request.picture)
        shown.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
        return {
            "picture": payloads.png(shown),
            "pixels": base64.b64encode(prepared.pixels.tobytes()).decode(),
            "kind": prepared.kind,
            "steps": self._steps(session, request.picture, prepared),
        }

    @action(NetworkRequest)
    def choose(self, request: NetworkRequest) -> Reply:
        """Let another network answer the visitor."""
        self._sessions.choose(request.visitor, request.network)
        return {}

    @action(NetworkRequest)
    def forget(self, request: NetworkRequest) -> Reply:
        """Forget one of the networks that the visitor has trained."""
        self._sessions.forget(request.visitor, request.network)
        return {}

    @action(NameRequest)
    def rename(self, request: NameRequest) -> Reply:
        """Call one of the networks that the visitor has trained by another name."""
        self._sessions.rename(request.visitor, request.network, request.name)
        return {}

    @action(Request)
    def networks(self, request: Request) -> Reply:
        """All networks that the visitor can choose, and how each came about."""
        known = self._sessions.known(request.visitor).values()
        return {"networks": [payloads.network(each, self._samples, self._limits) for each in known]}

    @action(ComparisonRequest)
    def compare(self, request: ComparisonRequest) -> Reply:
        """Two networks on the test samples: which of them predicts what."""
        first, second = (self._sessions.find(request.visitor, id) for id in (request.first, request.second))
        return payloads.comparison(first, second, self._samples)

    @action(Request)
    def layers(self, request: Request) -> Reply:
        """The layers of the visitor's network."""
        return {"layers": payloads.layers(self._sessions.get(request.visitor).network)}

    @action(ChannelRequest)
    def channel(self, request: ChannelRequest) -> Reply:
        """What one channel of a layer of the visitor's network is made by, and what activates it."""
        session = self._sessions.get(request.visitor)
        layer, channel = request.layer, request.channel
        found = self._cached(session, TOP_ACTIVATIONS, lambda: explain.top_activations(session.network, self._samples))
        if layer not in found:
            raise BadRequest("The network that answers now has no such layer.")
        if not 0 <= channel < len(found[layer].values):
            raise BadRequest(f"There is no such channel, expected 0..{len(found[layer].values) - 1}.")
        trace = inference.read_pixels(session.network, self._samples.pixels[0]).trace  # for the sizes of its maps
        return payloads.channel(session.network, trace, found[layer], layer, channel)

    @action(ReasonsRequest, "slow")
    def reasons(self, request: ReasonsRequest) -> Reply:
        """Why the network predicts a class for pixels, the best one when none is named.

        It takes longer than an answer, so the page asks for it separately, and the drawing does not wait.
        """
        network, label = self._sessions.get(request.visitor).network, request.label
        if label is not None and not 0 <= label < len(network.class_names):
            raise BadRequest(f"There is no such class, expected 0..{len(network.class_names) - 1}.")
        reading = inference.read_pixels(network, request.pixels)
        return payloads.reasons(network, reading, reading.label if label is None else label)

    @action(Request)
    def points(self, request: Request) -> Reply:
        """The map of the test samples for the visitor's network, and how many test images remain to be shown."""
        points = payloads.points(self._sessions.get(request.visitor).projection, self._pixel_projection)
        return points | {"remaining": self._remaining.count if self._remaining else 0}

    @action(ChunkRequest, "long")
    def remaining_points(self, request: ChunkRequest) -> Reply:
        """A chunk of the test images that are not shipped: their coordinates on the map of the visitor's network."""
        session, chunk = self._sessions.get(request.visitor), request.chunk
        if self._remaining is None:
            raise BadRequest("There are no other test images on this server.")
        images = self._remaining.images()
        if not 0 <= chunk * CHUNK < len(images):
            raise BadRequest(f"There is no such chunk, expected 0..{(len(images) - 1) // CHUNK}.")
        points = self._cached(session, ("remaining_points", chunk), lambda: self._project(session, images, chunk))
        return points | {"sheet": payloads.url(self._remaining.sheet), "count": len(images)}

    @action(TrainCheckRequest)
    def train_check(self, request: TrainCheckRequest) -> Reply:
        """What the layers of a network would put out, or why they cannot; and whether it can start from the visitor's.

        ``cannotStartFrom`` says why not: a sentence, or null.
        """
        reply: Reply = {"cannotStartFrom": None}
        if request.architecture == CUSTOM:
            reply |= payloads.own_layers(request.rows, layer_limits(self._limits))
        if reply.get("problem") is None:
            try:
                config = recipe(request.architecture, request.rows)
                check_init_from(config, self._sessions.get(request.visitor).network)
            except ConfigError as error:
                reply["cannotStartFrom"] = str(error)
        return reply

    @action(TrainRequest)
    def train_start(self, request: TrainRequest) -> Reply:
        """Start a training with the visitor's settings."""
        if request.init_from_current:
            check_init_from(request.config, self._sessions.get(request.visitor).network)
        self._training.start(request.visitor, request.config, request.init_from_current, request.watch, request.picture)
        return {}

    @action(TeachRequest)
    def teach(self, request: TeachRequest) -> Reply:
        """Start teaching the network that answers the visitor's pictures."""
        self._training.start(request.visitor, Lesson(request.pixels, request.labels), init_from_current=True)
        return {}

    @action(EventsRequest)
    def train_state(self, request: EventsRequest) -> Reply:
        """What has happened in the visitor's training since the last request."""
        return self._training.state(request.visitor, request.seen)

    @action(AnimationRequest, "long")
    def animation(self, request: AnimationRequest) -> Reply:
        """How the map formed in the visitor's training so far, as an animated picture."""
        snapshots = self._training.snapshots(request.visitor)
        if snapshots is None:
            raise BadRequest("There is no map that formed to be saved: train with “Watch it learn” first.")
        contents = animate(snapshots, request.format)
        return {"file": base64.b64encode(contents).decode(), "type": f"image/{request.format.lower()}"}

    @action(Request, "long")
    def download(self, request: Request) -> Reply:
        """The network that answers the visitor as a zip archive; with ONNX, where this server can export it.

        ``difference`` is by how much a probability of the exported network is off at most, on all samples.
        """
        network = self._sessions.get(request.visitor).network
        onnx = to_onnx(network) if can_export() else None
        difference = largest_difference(onnx, network, self._samples) if onnx is not None else None
        return {"file": base64.b64encode(pack(network, onnx)).decode(), "difference": difference}

    @action(UploadRequest, "slow")
    def upload(self, request: UploadRequest) -> Reply:
        """Let a network that the visitor has kept answer them; it is told as the others are in ``networks``."""
        session = admitted(request.network, self._sessions.default.network, self._samples)
        return payloads.network(self._sessions.put(request.visitor, session), self._samples, self._limits)

    @action(ChangeRequest)
    def train_change(self, request: ChangeRequest) -> Reply:
        """Let the visitor's training wait or go on, or take another learning rate or more epochs from here on."""
        self._training.change(request.visitor, request.paused, request.learning_rate, request.epochs)
        return {}

    @action(Request)
    def train_stop(self, request: Request) -> Reply:
        """Stop the visitor's training and keep the best weights so far."""
        self._training.stop(request.visitor)
        return {}

    @action(Request)
    def restore(self, request: Request) -> Reply:
        """Take the visitor back to the shipped weights."""
        self._sessions.drop(request.visitor)
        self._training.forget(request.visitor)
        return {}

    def predict(self, picture: Any) -> dict[str, Any]:
        """Recognise the garment in an uploaded picture; see ``page.build_page``."""
        name = "picture"
        outcome: Reading | FmnistError
        try:
            path, name = _uploaded(picture)
            outcome = inference.read_picture(self._sessions.default.network, open_picture(path, name))
        except FmnistError as error:
            outcome = error
        return inference.to_json(name, outcome)

    def no_prediction(self, error: FmnistError) -> dict[str, Any]:
        """What ``predict`` returns when it is not even asked."""
        return inference.to_json("picture", error)

    def _read(self, request: PictureRequest, session: Session) -> Reading:
        """What the network makes of the picture that the request is about."""
        if request.picture is not None:
            return inference.read_picture(session.network, request.picture, request.kind)
        if request.pixels is not None:
            return inference.read_pixels(session.network, request.pixels, request.kind or "sample")
        return inference.read_pixels(session.network, self._sample(request.sample or 0))

    def _sample(self, index: int) -> Tensor:
        """Pixels of a test image: of a shipped sample, or after them of one of the others, when they are here."""
        shipped = len(self._samples)
        if 0 <= index < shipped:
            return self._samples.pixels[index]
        count = shipped + (self._remaining.count if self._remaining else 0)  # which looks for the data set on the disk
        if self._remaining is None or not 0 <= index < count:
            raise BadRequest(f"There is no such test sample, expected 0..{count - 1}.")
        return self._remaining.images().pixels[index - shipped]

    @functools.cached_property
    def _pixel_projection(self) -> PixelProjection:
        return projection.fit_pixels(self._samples)

    def _project(self, session: Session, images: Split, chunk: int) -> Reply:
        some = images.take(torch.arange(chunk * CHUNK, min((chunk + 1) * CHUNK, len(images))))
        embeddings, predictions = projection.embed(session.network, some)
        return payloads.more_points(some, embeddings, predictions, session.projection, self._pixel_projection)

    def _cached(self, session: Session, key: Any, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What ``work`` gives, worked out once for a network, however many ask at the same time."""
        if key not in session.cache:
            with session.working:
                if key not in session.cache:
                    session.cache[key] = work()
        cached: dict[str, Any] = session.cache[key]
        return cached

    def _steps(self, session: Session, picture: Image.Image, prepared: Prepared) -> dict[str, Any]:
        naive = inference.read_pixels(session.network, torch.from_numpy(prepare_naively(picture)), prepared.kind)
        return payloads.steps(prepared, naive)

    def _which(self, visitor: str) -> Reply:
        """Which network answers the visitor, and which ones they have trained."""
        session, own = self._sessions.get(visitor), self._sessions.own(visitor)
        return {
            "network": session.id,
            "session": session.number,
            "own": [{"id": each.id, "name": each.name} for each in own],
        }


def _uploaded(picture: Any) -> tuple[Path, str]:
    """The uploaded file and its name; a request may name any path, so only those in the folder of uploads are opened.

    (Gradio uses a function's annotations only to describe the API: the JSON comes in as it was sent.)
    """
    given = picture if isinstance(picture, dict) else {}
    folder = Path(get_upload_folder()).resolve()
    try:
        path = Path(given["path"]).resolve()
        uploaded = path.is_relative_to(folder) and path.is_file()
    except (KeyError, TypeError, ValueError, OSError):  # no path, or none that a file can have
        uploaded = False
    if not uploaded:
        raise BadRequest(NOT_UPLOADED)
    name = given.get("orig_name")
    return path, sendable(Path(name).name if isinstance(name, str) and Path(name).name else path.name)
