"""The command line: ``python -m fmnist_core train | evaluate | predict | data | layers``."""

import argparse
import io
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tqdm import tqdm

from fmnist_core import CLASS_NAMES, checkpoint, dataset, explain, files, inference, projection, sketches
from fmnist_core.augment import random_cloth, random_photo
from fmnist_core.errors import DatasetError, FmnistError, PictureError
from fmnist_core.evaluation import Measured, measure
from fmnist_core.exam import make_exam
from fmnist_core.model import ARCHITECTURES, LayerRow, Network, layer_table
from fmnist_core.pixels import KINDS, open_picture
from fmnist_core.training import (
    DEVICES,
    RECIPES,
    EpochDone,
    Event,
    Finished,
    Started,
    StepDone,
    TrainConfig,
    check_start,
    pick_device,
    train,
    with_changes,
)

DEFAULT_WEIGHTS = Path(__file__).parent.parent / "weights" / "deep"
MATERIAL = ("drawings", "tracings", "cloth", "photos", "doodles", "exam")
SHEET = 1100  # pictures made for a sheet that shows 900: of what is drawn by chance, some classes get more
DATA_HELP = (
    "folder with the four IDX files or with train.csv and test.csv, or one CSV file, or 'samples' for the images "
    "shipped with the program (default: $FMNIST_DATA, data/FashionMNIST/raw, Debian's package, {}the samples)"
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status is 0 when all went well, else 1 (2 for a wrong option, 130 for Ctrl-C)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # characters that it cannot show are escaped
            stream.reconfigure(errors="backslashreplace")
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # such a picture is refused with a sentence
    options = build_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        status = run(options)
        sys.stdout.flush()
        return status
    except FmnistError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT  # as the shell says it
    except BrokenPipeError:  # the reader of our output (head, say) has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python still writes at its end
        return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; ``options.run`` is the function of the chosen one."""
    parser = argparse.ArgumentParser("python -m fmnist_core", description="Fashion-MNIST on the command line.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    sub = command("train", run_train, "Train a network, save the best weights, and test them once at the end.")
    sub.add_argument("--architecture", choices=ARCHITECTURES, help="default: that of --weights, or deep")
    sub.add_argument("--data", metavar="WHERE", help=DATA_HELP.format("a download, "))
    sub.add_argument("--out", type=Path, metavar="DIR", help="folder for the weights (default: runs/<architecture>)")
    sub.add_argument("--weights", metavar="DIR", help="weights to go on from: folder or Hub id (default: none)")
    for name, kind, text in (
        ("epochs", int, "rounds through the images"),
        ("batch-size", int, "images per step"),
        ("learning-rate", float, "highest learning rate of the one-cycle schedule"),
        ("weight-decay", float, "pull of the weights towards zero"),
        ("label-smoothing", float, "part of the target spread over all classes"),
        ("shift", int, "furthest that images are moved, in pixels"),
        ("drawings", float, "drawings from templates shown with each batch, as a part of its size"),
        ("tracings", float, "drawings traced from the images, likewise"),
        ("cloth", float, "garments cut out of cloth along the templates, likewise"),
        ("doodles", float, "drawings of other things, to be answered with any class, likewise"),
        ("photos", float, "part of the images changed as if they had been photographed"),
        ("erase", float, "part of the images in which a rectangle is filled with noise"),
        ("pruning", float, "part of the images that each epoch leaves out, among the easy ones"),
        ("share", float, "part of the training images to use, up to 1"),
        ("validation", float, "part of those held out to find the epoch of least loss; 0: keep the last"),
        ("seed", int, "start of all that is random"),
        ("max-steps", int, "stop after so many steps; 0: no limit"),
    ):
        sub.add_argument(f"--{name}", type=kind, metavar="N", help=f"{text} (default: the network's recipe)")
    sub.add_argument("--flip", action=argparse.BooleanOptionalAction, help="mirror half of the images")
    sub.add_argument("--mixed", action=argparse.BooleanOptionalAction, help="multiply in 16 bits where that is faster")
    sub.add_argument("--device", choices=DEVICES, help="auto takes CUDA when there is some (auto)")
    sub.add_argument("--json", action="store_true", help="print one event a line as JSON instead of the progress bar")

    sub = command(
        "evaluate", run_evaluate, "Measure a network on the test images, or on all images of a single CSV file."
    )
    sub.add_argument("--data", metavar="WHERE", help=DATA_HELP.format("a download, "))
    _add_weights(sub)
    sub.add_argument("--device", choices=DEVICES, default="auto", help="auto takes CUDA when there is some (auto)")
    sub.add_argument("--json", action="store_true", help="print one JSON object")

    sub = command("predict", run_predict, "Say what is in pictures; the exit status is 1 when one could not be read.")
    sub.add_argument("files", nargs="+", type=Path, metavar="FILE", help="picture: PNG, JPEG, GIF, WebP, BMP or TIFF")
    _add_weights(sub)
    sub.add_argument("--kind", choices=KINDS, help="what to take the pictures for (default: found out for each)")
    sub.add_argument("--json", action="store_true", help="print one JSON object a line")

    sub = command("data", run_data, "Find, verify, download or convert the data set.")
    actions = sub.add_subparsers(required=True, metavar="ACTION", dest="action")
    for action, text in (
        ("find", "print where the data set was found"),
        ("verify", "check the four files: magic numbers, counts, sizes, MD5 sums"),
        ("download", "download the four files with torchvision into data/FashionMNIST/raw"),
        ("to-csv", "write train.csv and test.csv in the form used on Kaggle"),
        ("sprite", "draw one picture of the data set, three rows a class"),
        ("sketches", "draw a sheet of what the program makes for training or for the exam, three rows a class"),
        ("samples", "make weights/samples.npz, the samples shipped with the program, from the whole data set"),
    ):
        added = actions.add_parser(action, help=text, description=text)
        if action != "download":
            added.add_argument("--data", metavar="WHERE", help=DATA_HELP.format(""))
        if action == "sketches":
            added.add_argument("--of", choices=MATERIAL, default="drawings", help="which material (%(default)s)")
        if action in ("to-csv", "sprite", "sketches"):
            default = Path("csv" if action == "to-csv" else f"{action}.png")
            added.add_argument("--out", type=Path, default=default, metavar="PATH", help="default: %(default)s")

    sub = command("layers", run_layers, "Print the layers of a network: output sizes, O = ⌊(n - f + 2p) / s⌋ + 1.")
    sub.add_argument("--architecture", choices=ARCHITECTURES, default="deep", help="which network (%(default)s)")
    sub.add_argument("--height", type=int, default=28, metavar="N", help="height of the input (%(default)s)")
    sub.add_argument("--width", type=int, default=28, metavar="N", help="width of the input (%(default)s)")
    return parser


def _add_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights", default=DEFAULT_WEIGHTS, metavar="DIR", help="folder or Hub id (default: the shipped weights)"
    )


def run_train(options: argparse.Namespace) -> int:
    names = {field.name for field in fields(TrainConfig)}
    given = {name: value for name, value in vars(options).items() if name in names}
    start = checkpoint.load(options.weights) if options.weights else None
    architecture = options.architecture or (start.architecture if start else "deep")
    config = with_changes(RECIPES[architecture], **given)
    check_start(config, start)
    out: Path = options.out or Path("runs") / config.architecture
    data = dataset.load(options.data, download=True)
    print(f"Data: {data.source}.", file=sys.stderr)
    files.claim(out)  # now, and not when the training is over
    progress: AbstractContextManager[Callable[[Event], None]]
    progress = nullcontext(_print_json) if options.json else closing(_Progress())
    with progress as show, _interrupt_stops() as wish:
        for event in train(config, data.train, start=start, should_stop=lambda: wish.stop):
            if not _is_read(show, event):
                wish.stop = True
    assert isinstance(event, Finished)
    if event.best_epoch == 0:
        print(f"Stopped before anything was learned: nothing is saved in {out}.", file=sys.stderr)
        return 1
    checkpoint.save(event.network, out)
    measured = measure(event.network, data.test)
    tested = {"config": asdict(config), "data": data.source} | _measured_json(measured)
    with files.write_whole(out / checkpoint.TRAINING_FILE) as file:
        file.write((json.dumps(tested, indent=2) + "\n").encode())
    if options.json:
        print(json.dumps({"event": "Tested", "out": str(out)} | tested))
    else:
        print(f"Test accuracy {measured.accuracy:.4f} on {measured.images:,} images. Saved in {out}.")
    sys.stdout.flush()  # before what takes seconds and could fail
    samples = dataset.load_samples().test
    projection.save(projection.with_tsne(projection.fit(event.network, samples)), event.network, out)
    explain.save(explain.exciting(event.network, samples), event.network, out)
    return 0


@dataclass
class _Wish:
    """Whether the training is to stop and keep its best weights."""

    stop: bool = False


@contextmanager
def _interrupt_stops() -> Iterator[_Wish]:
    """Ctrl-C asks the training to stop and keep its best weights; a second one ends the program."""
    wish = _Wish()

    def ask(number: int, frame: object) -> None:
        wish.stop = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield wish
    finally:
        signal.signal(signal.SIGINT, before)


def _is_read(show: Callable[[Event], None], event: Event) -> bool:
    """Show an event; False when nobody reads our output any more."""
    try:
        show(event)
    except BrokenPipeError:
        return False
    return True


def _print_json(event: Event) -> None:
    values = {name: value for name, value in vars(event).items() if not isinstance(value, Network)}
    print(json.dumps({"event": type(event).__name__} | values), flush=True)


class _Progress:
    """Shows the events of a training as a progress bar and one line an epoch."""

    def __init__(self) -> None:
        self.bar = tqdm(disable=True)  # until it is known how many steps there are

    def close(self) -> None:
        """Leave the line to others."""
        self.bar.close()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            print(
                f"Training {event.parameters:,} parameters on {event.training_images:,} images ({event.device}), "
                f"{event.validation_images:,} held out.",
                file=sys.stderr,
            )
            form = "{percentage:3.0f}% |{bar:25}| {n_fmt}/{total_fmt} steps, {remaining} left{postfix}"
            self.bar = tqdm(total=event.steps, bar_format=form)
        elif isinstance(event, StepDone):
            self.bar.set_postfix_str(
                f"loss {event.loss:.3f}, accuracy {event.accuracy:.3f}, {event.images_per_second:,.0f} images/s", False
            )
            self.bar.update(event.step - self.bar.n)
        elif isinstance(event, EpochDone):
            held_out = ""
            if event.validation_loss is not None:
                held_out = f"   held out: loss {event.validation_loss:.4f}, accuracy {event.validation_accuracy:.4f}"
            best = " (best)" if event.best and held_out else ""
            self.bar.write(
                f"epoch {event.epoch:3d}   loss {event.loss:.4f}, accuracy {event.accuracy:.4f}{held_out}{best}",
                file=sys.stderr,
            )
        else:
            self.bar.close()
            ending = "Stopped" if event.stopped else "Finished"
            print(f"{ending} after {event.seconds:.1f} s; epoch {event.best_epoch} is kept.", file=sys.stderr)


def run_evaluate(options: argparse.Namespace) -> int:
    device = pick_device(options.device)
    network = checkpoint.load(options.weights).to(device)
    place = dataset.find(options.data)
    if place is not None and place.is_file():  # of which a training would hold out a sixth
        images = dataset.load_csv(place)
        source = f"all {len(images):,} images from {place.name}"
    else:
        data = dataset.load(options.data, download=True)
        images, source = data.test, data.source
    measured = measure(network, images.to(device))
    drawings = measure(network, make_exam().to(device))
    if options.json:
        answer = {"weights": str(options.weights), "data": source, "parameters": network.parameter_count}
        print(json.dumps(answer | _measured_json(measured) | {"drawings": _measured_json(drawings)}))
        return 0
    print(f"Weights     {options.weights} ({network.architecture}, {network.parameter_count:,} parameters)")
    print(f"Data        {source}")
    print(f"Accuracy    {measured.accuracy:.4f} on {measured.images:,} images, loss {measured.loss:.4f}")
    print(f"Calibration {measured.calibration_error:.4f} expected calibration error")
    print(f"Drawings    {drawings.accuracy:.4f} on {drawings.images:,} made from templates that no training uses\n")
    print("True class     right   answered as " + "".join(f"{label:5d}" for label in range(len(CLASS_NAMES))))
    for label, (name, right) in enumerate(measured.per_class.items()):
        row = "".join(f"{count:5d}" for count in measured.confusion[label].tolist())
        print(f"{label} {name:12s} {'   -  ' if right is None else f'{right:6.3f}'}               {row}")
    return 0


def _measured_json(measured: Measured) -> dict[str, Any]:
    return {
        "images": measured.images,
        "accuracy": measured.accuracy,
        "loss": measured.loss,
        "calibration_error": measured.calibration_error,
        "per_class": measured.per_class,
        "confusion": measured.confusion.tolist(),
    }


def run_predict(options: argparse.Namespace) -> int:
    network = checkpoint.load(options.weights)
    status = 0
    for file in options.files:
        outcome: inference.Reading | FmnistError
        try:
            outcome = inference.read_picture(network, open_picture(file), options.kind)
        except PictureError as error:
            outcome, status = error, 1
        answer = inference.to_json(str(file), outcome)
        if options.json:
            print(json.dumps(answer), flush=True)
        elif isinstance(outcome, FmnistError):
            print(f"{file}: {outcome}")
        else:
            note = "" if outcome.is_familiar else f" {inference.UNFAMILIAR}"
            print(f"{file}: {inference.in_words(outcome)} ({outcome.probabilities.max():.0%}).{note}")
    return status


def run_data(options: argparse.Namespace) -> int:
    if options.action == "download":
        print(f"All four files are in {dataset.download_files()}.")
        return 0
    if options.action == "sketches":
        sheet = dataset.sprite(_material(options.of, lambda: dataset.load(options.data).train))
        with files.write_whole(options.out) as file:
            sheet.resize((2 * sheet.width, 2 * sheet.height), Image.Resampling.NEAREST).save(file, "PNG")
        print(f"{options.out}: three rows for each class.")
        return 0
    if options.action == "verify":
        folder = dataset.find(options.data)
        if folder is None:
            raise DatasetError("Only the shipped samples are here, not the data set; `data download` fetches it.")
        data = dataset.load_path(folder)
        print(f"Right: {data.source}.")
        return 0
    data = dataset.load(options.data)
    if options.action == "find":
        print(f"{data.source[0].upper()}{data.source[1:]}.")
    elif options.action == "to-csv":
        print(f"Data: {data.source}.", file=sys.stderr)
        for name, split in (("train.csv", data.train), ("test.csv", data.test)):
            files.write_csv(options.out / name, split.pixels.numpy(), split.labels.numpy().astype("uint8"))
            print(f"{options.out / name}: {len(split):,} images.")
    elif options.action == "sprite":
        with files.write_whole(options.out) as file:
            dataset.sprite(data.train).save(file, "PNG")
        print(f"{options.out}: three rows for each class.")
    else:
        if not dataset.is_published(dataset.find(options.data)):
            raise DatasetError(f"The samples are made from the four published files, not from {data.source}.")
        dataset.save_samples(data)
        print(f"{dataset.SAMPLES_FILE}: {dataset.load_samples().source}.")
    return 0


def _material(name: str, load: Callable[[], dataset.Split]) -> dataset.Split:
    """Enough of one kind of training material for a sheet; some are made from the training images."""
    generator = torch.Generator().manual_seed(0)
    if name == "photos":
        images = load()
        chosen = images.take(torch.randperm(len(images), generator=generator)[:SHEET])
        return replace(chosen, pixels=random_photo(chosen.pixels, 1.0, generator))
    if name == "tracings":
        return sketches.make_tracings(load(), SHEET, 0)
    if name == "cloth":
        cut = sketches.make_cloth(SHEET, 0)
        return replace(cut, pixels=random_cloth(cut.pixels, generator))
    if name == "doodles":  # they have no class: any row will do
        return replace(sketches.make_doodles(SHEET, 0), labels=torch.arange(SHEET) % len(CLASS_NAMES))
    return make_exam(SHEET) if name == "exam" else sketches.make_sketches(SHEET, 0)


def run_layers(options: argparse.Namespace) -> int:
    network = Network(options.architecture)
    print(f"{'layer':9s}{'kind':13s}{'f':>5s}{'p':>5s}{'s':>5s}{'output':>12s}{'parameters':>12s}")
    print(_layer_line(LayerRow("input", "", (1, options.height, options.width), 0)))
    for row in layer_table(network, options.height, options.width):
        print(_layer_line(row))
    print(f"{'all':49s}{network.parameter_count:>12,}")
    return 0


def _layer_line(row: LayerRow) -> str:
    f, p, s = (
        "" if pair is None else _shape(pair) if pair[0] != pair[1] else str(pair[0]) for pair in (row.f, row.p, row.s)
    )
    return f"{row.name:9s}{row.kind:13s}{f:>5s}{p:>5s}{s:>5s}{_shape(row.shape):>12s}{row.parameters:>12,}"


def _shape(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))


if __name__ == "__main__":
    sys.exit(main())
