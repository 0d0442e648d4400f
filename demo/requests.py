"""What the page asks: the fields that anyone may send become a typed request, checked once, or are refused."""

import base64
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import torch
from PIL import Image
from torch import Tensor

from demo.limits import Limits
from fmnist_core import CLASS_NAMES, IMAGE_SIZE
from fmnist_core.custom_layers import CUSTOM, LayerLimits, plan, written
from fmnist_core.errors import CheckpointError, FmnistError, PictureError
from fmnist_core.model import Network
from fmnist_core.packing import unpack
from fmnist_core.preparation import PICTURE_KINDS, open_picture
from fmnist_core.settings import Setting
from fmnist_core.synthetic.kinds import SYNTHETIC_KINDS
from fmnist_core.train_config import SETTINGS, TrainConfig, recipe, with_settings

VISITOR: Final = re.compile("[0-9a-f]{32}")
MAX_FILE_NAME: Final = 80  # characters
MAX_NETWORK_NAME: Final = 60  # likewise
ON_PAGE: Final = ("epochs", "learning_rate", "batch_size", "data_fraction")  # of the settings, what the page shows
# What it shows to those who want more, under these headings.
MORE_ON_PAGE: Final[Mapping[str, Sequence[str]]] = {
    "Against learning by heart (regularisation)": ("weight_decay", "label_smoothing"),
    "Random changes of the images (augmentation)": ("flip", "shift", "erase"),
    "Images drawn by the computer (synthetic data)": tuple(SYNTHETIC_KINDS),
    "Speed and chance": ("skipped_fraction", "amp", "seed"),
}
MAX_SEED: Final = 2**53 - 1  # the largest whole number that JavaScript tells from its neighbours
SHORT_VALIDATION_FRACTION: Final = 0.1  # of a short training more is held out than of a long one


class BadRequest(FmnistError):
    """The request is not one that the page sends."""


class Fields:
    """Fields of a request, read with their types."""

    def __init__(self, values: Any, limits: Limits) -> None:
        if not isinstance(values, dict):
            raise BadRequest("The request is not of the form that the page sends.")
        self.values: dict[str, Any] = values
        self.limits = limits

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def visitor(self) -> str:
        """The random token by which the page names its visitor."""
        visitor = self.values.get("visitor")
        if not isinstance(visitor, str) or not VISITOR.fullmatch(visitor):
            raise BadRequest("The page did not say whose request this is: reload it.")
        return visitor

    def text(self, name: str) -> str:
        """A text."""
        value = self.values.get(name)
        if not isinstance(value, str):
            raise BadRequest(f"The request holds no {name}.")
        return value

    def whole(self, name: str) -> int:
        """A whole number."""
        value = self.values.get(name)
        if type(value) is not int:
            raise BadRequest(f"The request holds no whole number {name}.")
        return value

    def optional_whole(self, name: str) -> int | None:
        """A whole number, or None when it is left out."""
        return None if self.values.get(name) is None else self.whole(name)

    def optional_switch(self, name: str) -> bool | None:
        """True or false, or None when it is left out."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise BadRequest(f"The request does not say whether {name} is true or false.")
        return value

    def kind(self) -> str | None:
        """What kind of picture the visitor says it is; None to detect it."""
        kind = self.values.get("kind")
        if kind is not None and (not isinstance(kind, str) or kind not in PICTURE_KINDS):
            raise BadRequest(f"There is no such kind of picture, expected one of {', '.join(PICTURE_KINDS)}.")
        return kind

    def file_name(self) -> str:
        """What errors call the picture."""
        name = self.values.get("name")
        return sendable(name[:MAX_FILE_NAME]) if isinstance(name, str) and name else "The picture"

    def network_name(self, name: str) -> str:
        """What a visitor calls a network, without spaces around it and with single ones in it."""
        text = " ".join(self.text(name).split())
        if not 1 <= len(text) <= MAX_NETWORK_NAME:
            raise BadRequest(f"The name has {len(text):,} characters, expected 1 to {MAX_NETWORK_NAME}.")
        if not text.isprintable():
            raise BadRequest("There are characters in the name that cannot be seen, expected letters and digits.")
        return text

    def contents(self, name: str) -> bytes:
        """Bytes in base64."""
        text = self.values.get(name)
        if not isinstance(text, str):
            raise BadRequest("There is no picture in the request.")
        limit = self.limits.upload_bytes
        if len(text) > limit * 4 // 3 + 4:
            raise PictureError(f"{self.file_name()} is larger than {self.limits.upload_megabytes} MB.")
        try:
            return base64.b64decode(text, validate=True)
        except ValueError:  # binascii.Error, or a character that is not even ASCII
            raise BadRequest("The picture in the request is damaged.") from None

    def picture(self, name: str) -> Image.Image:
        """A picture file in base64, opened."""
        return open_picture(self.contents(name), self.file_name())

    def files(self) -> dict[str, bytes]:
        """Files of a network: the contents of each by its name."""
        given = self.values.get("files")
        texts: dict[str, str] = {}
        for each in given if isinstance(given, list) else []:
            named = _typed([each.get("name"), each.get("file")], str, str) if isinstance(each, dict) else None
            if named is None:
                raise BadRequest("A file in the request has no name or no contents.")
            texts[sendable(named[0][:MAX_FILE_NAME])] = named[1]
        if not texts:
            raise BadRequest("There are no files in the request.")
        limit = self.limits.network_bytes
        if sum(map(len, texts.values())) > limit * 4 // 3 + 4 * len(texts):
            raise CheckpointError(f"The files of the network are larger than {limit // 2**20} MB.")
        try:
            return {name: base64.b64decode(text, validate=True) for name, text in texts.items()}
        except ValueError:  # binascii.Error, or a character that is not even ASCII
            raise BadRequest("A file in the request is damaged.") from None

    def pixels(self, name: str) -> Tensor:
        """Pixels (28, 28) uint8."""
        contents = self.contents(name)
        if len(contents) != IMAGE_SIZE**2:
            raise BadRequest("These are not the pixels of a picture that was opened here.")
        return torch.frombuffer(bytearray(contents), dtype=torch.uint8).reshape(IMAGE_SIZE, IMAGE_SIZE)


@dataclass(frozen=True)
class Request:
    """Something that a visitor asks, without anything else to say."""

    visitor: str

    @classmethod
    def read(cls, fields: Fields) -> "Request":
        """The request from its fields."""
        return cls(fields.visitor())


@dataclass(frozen=True)
class Wants:
    """Parts of an answer that the open views need."""

    maps: str | None = None  # of this layer
    channel: tuple[str, int] | None = None  # the answer without this channel of a layer
    pixel: tuple[int, int, int] | None = None  # the sum behind this value (channel, row, column) of the first layer
    coordinates: bool = False  # on the map
    steps: bool = False  # from the picture to its pixels

    @classmethod
    def read(cls, wants: Any) -> "Wants":
        """What is asked for; a view of a later version of the page may want what this server does not know."""
        given = wants if isinstance(wants, dict) else {}
        maps = given.get("maps")
        channel, pixel = _typed(given.get("channel"), str, int), _typed(given.get("pixel"), int, int, int)
        return cls(
            maps=maps if isinstance(maps, str) else None,
            channel=channel,
            pixel=pixel,
            coordinates="coordinates" in given,
            steps="steps" in given,
        )


@dataclass(frozen=True, eq=False)
class PictureRequest(Request):
    """Recognise one of these: a test sample, the pixels of an opened file, a picture."""

    sample: int | None = None  # index
    pixels: Tensor | None = None  # uint8 (28, 28)
    naive: Tensor | None = None  # of an opened file: its pixels when it is only made grey and small
    picture: Image.Image | None = None
    kind: str | None = None
    network: str | None = None  # the id of the one that is to answer, for ``answer_by``
    wants: Wants = field(default_factory=Wants)

    @classmethod
    def read(cls, fields: Fields) -> "PictureRequest":
        """The request from its fields, its picture opened."""
        visitor, wants = fields.visitor(), Wants.read(fields.values.get("want"))
        network = fields.text("network") if "network" in fields else None
        if "sample" in fields:
            return cls(visitor, sample=fields.whole("sample"), network=network, wants=wants)
        kind = fields.kind()
        if "pixels" not in fields:
            return cls(visitor, picture=fields.picture("picture"), kind=kind, network=network, wants=wants)
        if kind is None:
            raise BadRequest("These are not the pixels of a picture that was opened here.")
        naive = fields.pixels("naive") if "naive" in fields else None
        return cls(visitor, pixels=fields.pixels("pixels"), naive=naive, kind=kind, network=network, wants=wants)


@dataclass(frozen=True, eq=False)
class FileRequest(Request):
    """Prepare a picture file for the pad."""

    picture: Image.Image
    kind: str | None

    @classmethod
    def read(cls, fields: Fields) -> "FileRequest":
        """The request from its fields, its picture opened."""
        return cls(fields.visitor(), fields.picture("file"), fields.kind())


@dataclass(frozen=True)
class NetworkRequest(Request):
    """Something about one of the networks that the visitor can choose."""

    network: str  # its id

    @classmethod
    def read(cls, fields: Fields) -> "NetworkRequest":
        """The request from its fields."""
        return cls(fields.visitor(), fields.text("network"))


@dataclass(frozen=True)
class NameRequest(Request):
    """Call one of the visitor's networks by another name."""

    network: str  # its id
    name: str

    @classmethod
    def read(cls, fields: Fields) -> "NameRequest":
        """The request from its fields, the name checked."""
        return cls(fields.visitor(), fields.text("network"), fields.network_name("name"))


@dataclass(frozen=True)
class ComparisonRequest(Request):
    """Compare two of the networks that the visitor can choose."""

    first: str  # their ids
    second: str

    @classmethod
    def read(cls, fields: Fields) -> "ComparisonRequest":
        """The request from its fields."""
        return cls(fields.visitor(), fields.text("first"), fields.text("second"))


@dataclass(frozen=True)
class ChannelRequest(Request):
    """Tell what a channel looks for."""

    layer: str
    channel: int

    @classmethod
    def read(cls, fields: Fields) -> "ChannelRequest":
        """The request from its fields."""
        return cls(fields.visitor(), fields.text("layer"), fields.whole("channel"))


@dataclass(frozen=True, eq=False)
class ReasonsRequest(Request):
    """Explain why a class is predicted for pixels."""

    pixels: Tensor  # uint8 (28, 28)
    label: int | None  # None: the best one

    @classmethod
    def read(cls, fields: Fields) -> "ReasonsRequest":
        """The request from its fields."""
        return cls(fields.visitor(), fields.pixels("pixels"), fields.optional_whole("label"))


@dataclass(frozen=True)
class ChunkRequest(Request):
    """Project a chunk of the remaining test images."""

    chunk: int  # from 0

    @classmethod
    def read(cls, fields: Fields) -> "ChunkRequest":
        """The request from its fields."""
        return cls(fields.visitor(), fields.whole("chunk"))


@dataclass(frozen=True)
class EventsRequest(Request):
    """Tell what has happened in the visitor's training."""

    seen: int  # events that are known already

    @classmethod
    def read(cls, fields: Fields) -> "EventsRequest":
        """The request from its fields."""
        return cls(fields.visitor(), max(0, fields.whole("seen")))


@dataclass(frozen=True)
class TrainRequest(Request):
    """Train a network."""

    config: TrainConfig
    init_from_current: bool  # from the weights of the network that answers now
    watch: bool = False  # take snapshots
    picture: bytes | None = None  # pixels (28, 28) of the visitor's picture, to be in them

    @classmethod
    def read(cls, fields: Fields) -> "TrainRequest":
        """The request from its fields, its settings checked."""
        settings = fields.values.get("settings")
        if not isinstance(settings, dict):
            raise BadRequest("The settings of the training are missing.")
        architecture = str(settings.get("architecture"))
        rows = []
        if architecture == CUSTOM:
            rows = written(list(plan(settings.get("layers"), limits=layer_limits(fields.limits))))
        config = recipe(architecture, rows)
        changes: dict[str, Any] = {}
        for setting in page_settings(fields.limits):
            setting.check(settings.get(setting.name))
            changes[setting.name] = setting.type(settings[setting.name])
        init_from_current = settings.get("init_from_current") is True
        if not init_from_current:  # else no more is held out than before, as these weights have learned from all else
            changes["validation_fraction"] = SHORT_VALIDATION_FRACTION
        watch = settings.get("watch") is True
        picture = fields.pixels("pixels").numpy().tobytes() if watch and "pixels" in fields else None
        return cls(fields.visitor(), with_settings(config, changes), init_from_current, watch, picture)


@dataclass(frozen=True, eq=False)
class UploadRequest(Request):
    """Let a network answer that the visitor has kept."""

    network: Network

    @classmethod
    def read(cls, fields: Fields) -> "UploadRequest":
        """The request from its fields, the network read from its files."""
        visitor, files = fields.visitor(), fields.files()
        return cls(visitor, unpack(files, fields.limits.network_bytes, layer_limits(fields.limits)))


@dataclass(frozen=True)
class ChangeRequest(Request):
    """Change the visitor's training while it runs; None: as it is.

    All are what shall be, not by how much it shall change: asked twice, nothing happens twice.
    """

    paused: bool | None = None
    learning_rate: float | None = None  # the highest one
    epochs: int | None = None  # in all

    @classmethod
    def read(cls, fields: Fields) -> "ChangeRequest":
        """The request from its fields, its settings checked."""
        settings = {setting.name: setting for setting in page_settings(fields.limits)}
        changes: dict[str, Any] = {}
        for name in ("learning_rate", "epochs"):
            if fields.values.get(name) is not None:
                settings[name].check(fields.values[name])
                changes[name] = settings[name].type(fields.values[name])
        return cls(fields.visitor(), fields.optional_switch("paused"), **changes)


@dataclass(frozen=True)
class TeachRequest(Request):
    """Teach the network that answers the visitor's labelled pictures."""

    pixels: bytes  # (N, 28, 28) uint8
    labels: bytes  # (N,) uint8, 0..9

    @classmethod
    def read(cls, fields: Fields) -> "TeachRequest":
        """The request from its fields, each picture checked."""
        visitor, pictures = fields.visitor(), fields.values.get("pictures")
        most = fields.limits.lesson_pictures
        if not isinstance(pictures, list) or not 1 <= len(pictures) <= most:
            found = len(pictures) if isinstance(pictures, list) else "no"
            raise BadRequest(f"The lesson has {found} pictures, expected 1 to {most}.")
        each = [Fields(picture, fields.limits) for picture in pictures]
        labels = [picture.whole("label") for picture in each]
        if not all(0 <= label < len(CLASS_NAMES) for label in labels):
            raise BadRequest(f"A picture has a label that is no class, expected 0..{len(CLASS_NAMES) - 1}.")
        pixels = b"".join(picture.pixels("pixels").numpy().tobytes() for picture in each)
        return cls(visitor, pixels, bytes(labels))


@dataclass(frozen=True)
class TrainCheckRequest(Request):
    """Tell what a network would be like, before it is trained."""

    architecture: str
    rows: list[Any]  # of a custom network, its layers as the visitor has them now: they may be impossible

    @classmethod
    def read(cls, fields: Fields) -> "TrainCheckRequest":
        """The request from its fields."""
        rows = fields.values.get("layers", [])
        if not isinstance(rows, list):
            raise BadRequest("The layers are not a list of rows.")
        return cls(fields.visitor(), fields.text("architecture"), rows)


@dataclass(frozen=True)
class AnimationRequest(Request):
    """Draw how the map formed in the visitor's training."""

    format: str  # "GIF" or "WebP", checked where it is drawn

    @classmethod
    def read(cls, fields: Fields) -> "AnimationRequest":
        """The request from its fields."""
        return cls(fields.visitor(), fields.text("format"))


def page_settings(limits: Limits) -> list[Setting]:
    """The settings that the page offers, within what this server allows."""
    highest: Mapping[str, float] = {
        "epochs": limits.training_epochs,
        "batch_size": limits.training_batch,
        "seed": MAX_SEED,
    } | dict.fromkeys(SYNTHETIC_KINDS, limits.training_synthetic)
    names = (*ON_PAGE, *itertools.chain(*MORE_ON_PAGE.values()))
    return [replace(SETTINGS[name], high=highest.get(name, SETTINGS[name].high)) for name in names]


def layer_limits(limits: Limits) -> LayerLimits:
    """How large a network of layers of one's own may be on this server."""
    return LayerLimits(limits.own_layers, limits.own_parameters, limits.own_operations, limits.own_values)


def sendable(text: str) -> str:
    """Half a surrogate pair, which JSON lets in, cannot go out again."""
    return text.encode(errors="replace").decode()


def _typed(values: Any, *types: type) -> Any:
    """A list of just these types as a tuple; None of anything else."""
    if not isinstance(values, list) or [type(value) for value in values] != list(types):
        return None
    return tuple(values)
