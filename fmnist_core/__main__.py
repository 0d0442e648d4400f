"""The command line: ``python -m fmnist_core train | evaluate | predict | export | …``, as ``--help`` lists them."""

import signal

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until all is imported, Ctrl-C ends the program without a traceback

import argparse
import io
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tqdm import tqdm

from fmnist_core import (
    CLASS_NAMES,
    checkpoint,
    dataset,
    dataset_formats,
    embedding_files,
    explain,
    export,
    inference,
    projection,
    storage,
)
from fmnist_core.animation import save_animation
from fmnist_core.architectures import ARCHITECTURES
from fmnist_core.comparison import Comparison
from fmnist_core.control import Control
from fmnist_core.custom_layers import CUSTOM, read_layers
from fmnist_core.errors import ConfigError, DatasetError, ExportError, FmnistError, PictureError
from fmnist_core.evaluation import evaluate, predict_logits
from fmnist_core.events import EpochDone, Event, Finished, SnapshotTaken, Started, StepDone
from fmnist_core.layer_kinds import LAYER_KINDS
from fmnist_core.layer_table import LayerRow, layer_table
from fmnist_core.model import Network
from fmnist_core.model_card import model_card
from fmnist_core.preparation import PICTURE_KINDS, open_picture
from fmnist_core.preparation.opening import MAX_BYTES
from fmnist_core.resume import RESUME_FILE, SavedTraining, saved_training
from fmnist_core.segmenter import save_segmenter
from fmnist_core.segmenter_training import SegmenterConfig, intersection_over_union, train_segmenter
from fmnist_core.settings import add_option
from fmnist_core.snapshots import Snapshots, SnapshotTaker, images_to_place
from fmnist_core.synthetic.kinds import SYNTHETIC_KINDS
from fmnist_core.synthetic.scenes import draw_scenes, scene_sheet
from fmnist_core.synthetic.sketch_test_set import TEST_SKETCHES, make_sketch_test_set
from fmnist_core.synthetic.strokes import Rng
from fmnist_core.tensorboard import TensorBoardLog
from fmnist_core.threads import ThreadChooser
from fmnist_core.train_config import DEVICES, SETTINGS, TrainConfig, recipe, with_settings
from fmnist_core.training import check_init_from, pick_device, train
from fmnist_core.world import World, joined

DEFAULT_WEIGHTS = Path(__file__).parent.parent / "weights" / "deep"
SHEET = 1100  # images made for a sheet that shows 900: of what is drawn by chance, some classes get more
TEST_SCENES = 200  # on which a trained segmenter is evaluated
SHEETS = SYNTHETIC_KINDS | {"test-sketches": TEST_SKETCHES}
PICTURES_HELP = "picture: PNG, JPEG, GIF, WebP, BMP or TIFF; - reads one from the standard input"
DATA_HELP = (
    "folder with the four IDX files or with train.csv and test.csv, or one CSV file, or 'samples' for the images "
    "shipped with the program (default: $FMNIST_DATA, data/FashionMNIST/raw, Debian's package, {}the samples)"
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status is 0 on success, else 1 (2 for a wrong option, 130 for Ctrl-C)."""
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
        print(f"{_process_in_words()}{error}", file=sys.stderr)
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
        added = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    sub = command("train", run_train, "Train a network, save the best weights, and evaluate them once at the end.")
    sub.add_argument("--data", metavar="WHERE", help=DATA_HELP.format("a download, "))
    sub.add_argument("--out", type=Path, metavar="DIR", help="folder for the weights (default: runs/<architecture>)")
    sub.add_argument("--init-from", metavar="DIR", help="weights to start from: folder or Hub id (default: random)")
    which = sub.add_mutually_exclusive_group()
    _add_layers(which)
    for setting in SETTINGS.values():
        is_network = setting.name == "architecture"
        add_option(
            which if is_network else sub,
            setting,
            "that of --init-from, or deep" if is_network else "the network's recipe",
        )
    sub.add_argument("--resume", action="store_true", help="go on with the training that was broken off in --out DIR")
    sub.add_argument(
        "--threads",
        type=_thread_count,
        metavar="N",
        help="processor threads, or auto: as many as prove fastest, where other programs run too; the weights then "
        "differ in their last digits from one run to the next (default: PyTorch's choice)",
    )
    sub.add_argument("--snapshots", action="store_true", help="keep how the map forms, for `animate`")
    sub.add_argument(
        "--tensorboard", type=Path, metavar="DIR", help="also write what TensorBoard shows into this folder"
    )
    sub.add_argument("--json", action="store_true", help="print one event a line as JSON instead of the progress bar")

    sub = command("animate", run_animate, "Draw the map that formed in a training with --snapshots as it formed.")
    sub.add_argument("folder", type=Path, metavar="RUN", help="folder of the weights")
    sub.add_argument("--out", type=Path, default=Path("embedding.gif"), metavar="FILE", help="GIF or WebP: %(default)s")

    sub = command("train-segmenter", run_train_segmenter, "Train the network that finds garments in photos, on scenes.")
    sub.add_argument("--data", metavar="WHERE", help=DATA_HELP.format("a download, "))
    sub.add_argument("--out", type=Path, default=Path("runs/segmenter.safetensors"), metavar="FILE", help="%(default)s")
    sub.add_argument("--steps", type=int, default=SegmenterConfig.steps, metavar="N", help="default: %(default)s")
    sub.add_argument("--seed", type=int, default=SegmenterConfig.seed, metavar="N", help="default: %(default)s")

    sub = command(
        "evaluate", run_evaluate, "Evaluate a network on the test images, or on all images of a single CSV file."
    )
    sub.add_argument("--data", metavar="WHERE", help=DATA_HELP.format("a download, "))
    _add_weights(sub)
    sub.add_argument("--device", choices=DEVICES, default="auto", help="auto is CUDA where there is some (%(default)s)")
    sub.add_argument("--json", action="store_true", help="print one JSON object")

    sub = command(
        "compare", run_compare, "Compare two networks on the test images: is the difference more than chance?"
    )
    for place in ("first", "second"):
        sub.add_argument(place, metavar=place.upper(), help="folder or Hub id of its weights")
    sub.add_argument("--data", metavar="WHERE", help=DATA_HELP.format("a download, "))
    sub.add_argument("--json", action="store_true", help="print one JSON object")

    sub = command(
        "predict", run_predict, "Recognise the garments in pictures; the exit status is 1 when one cannot be read."
    )
    sub.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="picture: PNG, JPEG, GIF, WebP, BMP or TIFF; - reads one from the standard input",
    )
    _add_weights(sub)
    sub.add_argument("--kind", choices=PICTURE_KINDS, help="what kind of pictures they are (default: detect)")
    sub.add_argument("--json", action="store_true", help="print one JSON object a line")

    sub = command("export", run_export, "Export a network as ONNX, with its preparation inside and a script beside it.")
    sub.add_argument("weights", nargs="?", default=DEFAULT_WEIGHTS, metavar="WEIGHTS", help="folder or Hub id")
    sub.add_argument("--out", type=Path, default=Path("exported"), metavar="DIR", help="default: %(default)s")

    sub = command(
        "embedding", run_embedding, "Write the embeddings of the test images for the Embedding Projector and others."
    )
    sub.add_argument("weights", nargs="?", default=DEFAULT_WEIGHTS, metavar="WEIGHTS", help="folder or Hub id")
    sub.add_argument("--data", metavar="WHERE", help=DATA_HELP.format("a download, "))
    sub.add_argument("--out", type=Path, default=Path("embedding"), metavar="DIR", help="default: %(default)s")
    sub.add_argument("--layout", choices=("tsne", "pca"), default="tsne", help="places in the CSV file (%(default)s)")
    sub.add_argument("--address", default="", metavar="URL", help="where on the web the folder will be, for its config")

    sub = command("push", run_push, "Upload a network to the Hub, with its model card (after `hf auth login`).")
    sub.add_argument("weights", type=Path, metavar="FOLDER", help="folder of the weights")
    sub.add_argument("repository", metavar="NAME", help="user/name on the Hub; made if it is not there")
    sub.add_argument("--private", action="store_true", help="let nobody else see it, if it is made")

    sub = command("data", run_data, "Find, verify, download or convert the data set.")
    actions = sub.add_subparsers(required=True, metavar="ACTION", dest="action")
    for action, text in (
        ("find", "print where the data set was found"),
        ("verify", "check the four files: magic numbers, counts, sizes, MD5 sums"),
        ("download", "download the four files with torchvision into data/FashionMNIST/raw"),
        ("to-csv", "write train.csv and test.csv in the format used on Kaggle"),
        ("sprite", "draw one picture of the data set, three rows a class"),
        ("synthetic", "draw a sheet of the synthetic images for training, or of the test sketches, three rows a class"),
        ("scenes", "draw a sheet of scenes: garments of the data set as if photographed, each with its mask"),
        ("samples", "make weights/samples.npz, the samples shipped with the program, from the whole data set"),
    ):
        added = actions.add_parser(action, help=text, description=text, allow_abbrev=False)
        if action not in ("download", "synthetic"):
            added.add_argument("--data", metavar="WHERE", help=DATA_HELP.format(""))
        if action == "synthetic":
            added.add_argument("--of", choices=SHEETS, default="drawings", help="which kind (%(default)s)")
        if action in ("to-csv", "sprite", "synthetic", "scenes"):
            default = Path("csv" if action == "to-csv" else f"{action}.png")
            added.add_argument("--out", type=Path, default=default, metavar="PATH", help="default: %(default)s")

    sub = command("layers", run_layers, "Print the layers of a network: output sizes, O = ⌊(n - f + 2p) / s⌋ + 1.")
    which = sub.add_mutually_exclusive_group()
    which.add_argument("--architecture", choices=ARCHITECTURES, default="deep", help="which network (%(default)s)")
    _add_layers(which)
    sub.add_argument("--height", type=int, default=28, metavar="N", help="height of the input (%(default)s)")
    sub.add_argument("--width", type=int, default=28, metavar="N", help="width of the input (%(default)s)")
    return parser


def _add_layers(options: argparse._ActionsContainer) -> None:
    text = 'JSON file with layers of your own: [{"layer": "conv", "channels": 16, "kernel": 3}, {"layer": "relu"}, ...]'
    options.add_argument("--layers", type=Path, metavar="FILE", help=f"{text}; kinds: {', '.join(LAYER_KINDS)}")


def _thread_count(text: str) -> int:
    """The number that ``--threads`` names; 0 for auto."""
    if text == "auto":
        return 0
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number of threads, expected auto or 1 to 1,024")
    return int(text)


def _add_weights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--weights", default=DEFAULT_WEIGHTS, metavar="DIR", help="folder or Hub id (default: the shipped weights)"
    )


def run_train(options: argparse.Namespace) -> int:
    with joined() as world:
        return _train(options, world, *_wanted_training(options, world))


def _wanted_training(options: argparse.Namespace, world: World) -> tuple[TrainConfig, Network | None]:
    """What to train, and the network to start from; ``options.resume`` is set where torchrun starts it once more."""
    given = {name: value for name, value in vars(options).items() if name in SETTINGS and value is not None}
    if options.resume:
        return _to_resume(options, given)
    init_from = checkpoint.load(options.init_from) if options.init_from else None
    config = with_settings(_recipe(options, init_from), given)
    check_init_from(config, init_from)
    out = _folder(options, config)
    if world.restarts and (out / RESUME_FILE).is_file():
        saved, network = saved_training(out)
        if saved == config:  # and not an earlier training in this folder
            options.resume = True
            return config, network
    return config, init_from


def _folder(options: argparse.Namespace, config: TrainConfig) -> Path:
    folder: Path = options.out or Path("runs") / config.architecture
    return folder


def _process_in_words() -> str:
    """Which of several processes this is, unless it is the first, which speaks for all."""
    rank = int(os.environ.get("RANK", 0))
    return f"Process {rank + 1} of {os.environ.get('WORLD_SIZE')}: " if rank else ""


def _recipe(options: argparse.Namespace, init_from: Network | None) -> TrainConfig:
    """That of the layers or the network that are named, or else of the network to start from."""
    if options.layers:
        return recipe(CUSTOM, read_layers(options.layers))
    if options.architecture or init_from is None:
        return recipe(options.architecture or "deep")
    return recipe(init_from.architecture, init_from.rows)


def _to_resume(options: argparse.Namespace, given: dict[str, Any]) -> tuple[TrainConfig, Network]:
    """The training that goes on, and a network of its kind; only where it runs and what it reports can be another."""
    if options.out is None:
        raise ConfigError("Name the folder of the training that is to go on: --resume --out DIR.")
    changed = sorted(
        (given.keys() - {"device", "report_every"})
        | {name for name in ("init_from", "layers") if getattr(options, name)}
    )
    if changed:
        raise ConfigError(f"A training goes on with its own settings: leave out --{changed[0].replace('_', '-')}.")
    config, network = saved_training(options.out)
    return with_settings(config, given), network


def _train(options: argparse.Namespace, world: World, config: TrainConfig, init_from: Network | None) -> int:
    out = _folder(options, config)
    if not world.is_first:
        world.wait()  # else every process would download the data set
        data = dataset.load(options.data, download=True)
        resume = SavedTraining(out, data.train).load if options.resume else None
        control = _with_threads(options, Control)
        for _ in train(config, data.train, init_from=init_from, control=control, resume=resume, world=world):
            pass
        return 0
    log = TensorBoardLog(options.tensorboard, config) if options.tensorboard else None
    with closing(log) if log else nullcontext():
        data = dataset.load(options.data, download=True)
        print(f"Data: {data.source}.", file=sys.stderr)
        storage.claim(out)  # now, and not when the training is over
        with storage.locked(out):
            world.wait()
            return _train_into(out, options, world, config, data, init_from, log)


def _with_threads(options: argparse.Namespace, control: Callable[[], Control]) -> Callable[[], Control]:
    """Set the number of threads; where it is to be found out, ``control`` does so while it is asked."""
    if options.threads == 0:
        return ThreadChooser(torch.get_num_threads()).watching(control)
    if options.threads:
        torch.set_num_threads(options.threads)
    return control


def _train_into(
    out: Path,
    options: argparse.Namespace,
    world: World,
    config: TrainConfig,
    data: dataset.Dataset,
    init_from: Network | None,
    log: TensorBoardLog | None,
) -> int:
    samples, saved = dataset.load_samples().test, SavedTraining(out, data.train)
    taker, taken = SnapshotTaker(images_to_place(samples)) if options.snapshots else None, []
    progress: AbstractContextManager[Callable[[Event], None]]
    progress = nullcontext(_print_json) if options.json else closing(_Progress())
    with progress as show, _interrupt_stops() as request:
        events = train(
            config,
            data.train,
            init_from=init_from,
            control=_with_threads(options, lambda: Control(stop=request.stop)),
            snapshots=taker,
            resume=saved.load if options.resume else None,
            keep=saved.save,
            world=world,
        )
        for event in events:
            if isinstance(event, SnapshotTaken):
                taken.append(event)
            if log:
                log.take(event)
            if not _is_read(show, event):
                request.stop = True
    assert isinstance(event, Finished)
    if event.best_epoch == 0:
        print(f"Stopped before anything was learned: nothing is saved in {out}.", file=sys.stderr)
        return 1
    checkpoint.save(event.network, out)
    if event.stopped and (saved.is_kept or options.resume):
        print(f"To go on with it: train --resume --out {out}", file=sys.stderr)
    else:  # it has ended, or what is there is of another training, whose weights have just been replaced
        (out / RESUME_FILE).unlink(missing_ok=True)
    if taker:
        Snapshots.of(taken, taker.images.labels).save(out)
    evaluation = evaluate(event.network, data.test)
    of_weights = {"weights": checkpoint.fingerprint(event.network)}
    tested = of_weights | {"config": asdict(config), "data": data.source} | evaluation.to_json()
    with storage.write_whole(out / checkpoint.TRAINING_FILE) as file:
        file.write((json.dumps(tested, indent=2) + "\n").encode())
    card = model_card(event.network, tested, dataset.is_published(dataset.find(options.data)))
    checkpoint.save_card(card, out)
    if options.json:
        print(json.dumps({"event": "Tested", "out": str(out)} | tested))
    else:
        print(f"Test accuracy {evaluation.accuracy:.4f} on {evaluation.images:,} images. Saved in {out}.")
    sys.stdout.flush()  # before what takes seconds and could fail
    mapped = projection.with_tsne(projection.fit(event.network, samples))
    projection.save(mapped, event.network, out)
    if log:
        log.finish(evaluation, event.network, samples, mapped)
    explain.save(explain.top_activations(event.network, samples), event.network, out)
    return 0


def run_animate(options: argparse.Namespace) -> int:
    snapshots = Snapshots.load(options.folder)
    save_animation(snapshots, options.out)
    print(f"{options.out}: the map at {len(snapshots.steps)} moments of {int(snapshots.steps[-1]):,} steps.")
    return 0


def run_train_segmenter(options: argparse.Namespace) -> int:
    config = SegmenterConfig(steps=options.steps, seed=options.seed)
    data = dataset.load(options.data, download=True)
    storage.claim(options.out.parent)
    drawn = draw_scenes(data.test.pixels.numpy(), TEST_SCENES, Rng(config.seed + 1))
    scenes, masks = (torch.from_numpy(each) for each in drawn)
    with closing(tqdm(total=config.steps, disable=None)) as bar, _interrupt_stops() as request:
        for step in train_segmenter(data.train.pixels, config):
            bar.set_postfix_str(f"loss {step.loss:.3f}", refresh=False)
            bar.update()
            if request.stop:
                break
    save_segmenter(step.segmenter, options.out)
    agreement = intersection_over_union(step.segmenter, scenes, masks)
    print(f"Intersection over union {agreement:.3f} on {TEST_SCENES} scenes of test images. Saved in {options.out}.")
    return 0


@dataclass
class _StopRequest:
    """Whether the training is to stop and keep its best weights."""

    stop: bool = False


@contextmanager
def _interrupt_stops() -> Iterator[_StopRequest]:
    """Ctrl-C, or SIGTERM, asks the training to stop and keep its best weights; a second one ends the program."""
    request = _StopRequest()

    def ask(number: int, frame: object) -> None:
        request.stop = True
        signal.signal(number, before[signal.Signals(number)])

    numbers = signal.SIGINT, signal.SIGTERM
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, ask)
    try:
        yield request
    finally:
        for number in numbers:
            signal.signal(number, before[number])


def _is_read(show: Callable[[Event], None], event: Event) -> bool:
    """Show an event; False when nobody reads our output any more."""
    try:
        show(event)
    except BrokenPipeError:
        return False
    return True


def _print_json(event: Event) -> None:
    print(json.dumps(event.to_json()), flush=True)


class _Progress:
    """Shows the events of a training as a progress bar and one line an epoch."""

    def __init__(self) -> None:
        self.bar = tqdm(disable=True)  # until it is known how many steps there are

    def close(self) -> None:
        """End the progress bar."""
        self.bar.close()

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            print(
                f"Training {event.parameters:,} parameters on {event.training_images:,} images ({event.device}), "
                f"{event.validation_images:,} held out.",
                file=sys.stderr,
            )
            form = "{percentage:3.0f}% |{bar:25}| {n_fmt}/{total_fmt} steps, {remaining} left{postfix}"
            self.bar = tqdm(total=event.steps, bar_format=form, disable=None)  # None: where no terminal shows it
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
        elif isinstance(event, Finished):
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
    evaluation = evaluate(network, images.to(device))
    sketches = evaluate(network, make_sketch_test_set().to(device))
    if options.json:
        about = {"weights": str(options.weights), "data": source, "parameters": network.parameter_count}
        print(json.dumps(about | evaluation.to_json() | {"sketches": sketches.to_json()}))
        return 0
    print(f"Weights      {options.weights} ({network.architecture}, {network.parameter_count:,} trainable parameters)")
    print(f"Data         {source}")
    print(f"Accuracy     {evaluation.accuracy:.4f} on {evaluation.images:,} images, loss {evaluation.loss:.4f}")
    print(f"Calibration  {evaluation.calibration_error:.4f} expected calibration error")
    print(f"Sketches     {sketches.accuracy:.4f} on the sketch test set: {sketches.images:,} synthetic drawings\n")
    columns = "".join(f"{label:5d}" for label in range(len(network.class_names)))
    print(f"{'true class':15s}accuracy   predicted as {columns}")
    for label, (name, accuracy) in enumerate(evaluation.per_class.items()):
        row = "".join(f"{count:5d}" for count in evaluation.confusion[label].tolist())
        print(f"{label} {name:12s} {'   -  ' if accuracy is None else f'{accuracy:8.3f}'}                {row}")
    return 0


def run_compare(options: argparse.Namespace) -> int:
    networks = [checkpoint.load(folder) for folder in (options.first, options.second)]
    if networks[0].class_names != networks[1].class_names:
        raise ConfigError("The two networks know other classes, expected the same in the same order.")
    data = dataset.load(options.data, download=True)
    predictions = [predict_logits(network, data.test).argmax(1) for network in networks]
    compared = Comparison.of(data.test.labels, *predictions)
    figures = compared.to_json()
    classes = networks[0].class_names
    per_class = dict(zip(classes, compared.per_class(len(classes)), strict=True))
    if options.json:
        about = {"first": options.first, "second": options.second, "data": data.source}
        print(json.dumps(about | figures | {"per_class": per_class}))
        return 0
    print(f"Data      {data.source}")
    for place, accuracy, error in zip(("first", "second"), figures["accuracy"], figures["standard_error"], strict=True):
        print(f"{place.title():9s} {accuracy:.4f} ± {error:.4f}  {getattr(options, place)}")
    print(
        f"Only the first is right about {compared.only_first:,} of {figures['images']:,} images, only the second about "
        f"{compared.only_second:,}, neither about {compared.neither:,}.\n"
        f"If both were equally good, a difference as large would come by chance with probability "
        f"{compared.p_value:.2g} (McNemar's exact test).\n"
    )
    print(f"{'class':12s}   first  second")
    for name, pair in per_class.items():
        print(f"{name:12s}" + ("     -       -" if pair is None else f"{pair[0]:8.3f}{pair[1]:8.3f}"))
    return 0


def run_predict(options: argparse.Namespace) -> int:
    network = checkpoint.load(options.weights)
    status = 0
    for file in options.files:
        outcome: inference.Reading | FmnistError
        try:
            outcome = inference.read_picture(network, _open(file), options.kind)
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


def _open(file: Path) -> Image.Image:
    """The picture in a file, or, of the name ``-``, in the standard input."""
    if str(file) != "-":
        return open_picture(file)
    return open_picture(sys.stdin.buffer.read(MAX_BYTES + 1), "The standard input")


def run_export(options: argparse.Namespace) -> int:
    network = checkpoint.load(options.weights)
    contents = export.to_onnx(network)
    for name, written in ((export.ONNX_FILE, contents), (export.SCRIPT_FILE, export.SCRIPT.encode())):
        with storage.write_whole(options.out / name) as file:
            file.write(written)
    samples = dataset.load_samples().test
    difference = export.largest_difference(contents, network, samples)
    checked = "not checked, as onnxruntime is not installed"
    if difference is not None:
        if difference > export.TOLERANCE:
            raise ExportError(f"The exported network differs by {difference:.2g} in a probability.")
        checked = f"checked on {len(samples):,} images: the largest difference in a probability is {difference:.1g}"
    print(f"{options.out}: {export.ONNX_FILE} and {export.SCRIPT_FILE}; {checked}.")
    return 0


def run_push(options: argparse.Namespace) -> int:
    print(checkpoint.push(options.weights, options.repository, options.private))
    return 0


def run_embedding(options: argparse.Namespace) -> int:
    network = checkpoint.load(options.weights)
    data = dataset.load(options.data, download=True)
    if len(network.class_names) != len(CLASS_NAMES):
        raise ConfigError(f"The network knows {len(network.class_names)} classes, expected {len(CLASS_NAMES)}.")
    print(f"Data: {data.source}.", file=sys.stderr)
    mapped = projection.fit(network, data.test)
    if options.layout == "tsne":
        mapped = projection.with_tsne(mapped)
    embedding_files.save_embedding(network, data.test, mapped, options.out, options.address)
    print(
        f"{options.out}: the embeddings of {len(data.test):,} test images. To open them:\n"
        f"  https://projector.tensorflow.org  (Load: {embedding_files.TENSORS_FILE}, {embedding_files.METADATA_FILE})\n"
        f"  tensorboard --logdir {options.out}  (with the images)\n"
        f"  embedding-atlas {options.out / embedding_files.CSV_FILE} --x x --y y"
    )
    return 0


def run_data(options: argparse.Namespace) -> int:
    if options.action == "download":
        print(f"All four files are in {dataset.download_files()}.")
        return 0
    if options.action == "synthetic":
        sheet = dataset.sprite(_synthetic(options.of))
        with storage.write_whole(options.out) as file:
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
            dataset_formats.write_csv(options.out / name, split.pixels.numpy(), split.labels.numpy().astype("uint8"))
            print(f"{options.out / name}: {len(split):,} images.")
    elif options.action == "scenes":
        with storage.write_whole(options.out) as file:
            Image.fromarray(scene_sheet(data.train.pixels.numpy(), columns=5, rows=10)).save(file, "PNG")
        print(f"{options.out}: 50 scenes.")
    elif options.action == "sprite":
        with storage.write_whole(options.out) as file:
            dataset.sprite(data.train).save(file, "PNG")
        print(f"{options.out}: three rows for each class.")
    else:
        if not dataset.is_published(dataset.find(options.data)):
            raise DatasetError(f"The samples are made from the four published files, not from {data.source}.")
        dataset.save_samples(data)
        print(f"{dataset.SAMPLES_FILE}: {dataset.load_samples().source}.")
    return 0


def _synthetic(name: str) -> dataset.Split:
    """Enough synthetic images of one kind for a sheet, as they are shown in training."""
    kind = SHEETS[name]
    images = kind.make(SHEET, seed=0)
    pixels = kind.augment(images.pixels, torch.Generator().manual_seed(0))
    # Those without a class are spread over all rows.
    labels = images.labels if kind.labelled else torch.arange(SHEET) % len(CLASS_NAMES)
    return replace(images, pixels=pixels, labels=labels)


def run_layers(options: argparse.Namespace) -> int:
    network = Network(**_recipe(options, None).network)
    columns = f"{'f':>5s}{'p':>5s}{'s':>5s}{'d':>5s}{'output':>12s}{'parameters':>12s}{'multiply-adds':>15s}"
    print(f"{'layer':13s}{'kind':19s}{columns}")
    print(_layer_line(LayerRow("input", "", (1, options.height, options.width), 0, 0)))
    operations = 0
    for row in layer_table(network, options.height, options.width):
        print(_layer_line(row))
        operations += row.operations
    print(f"{'all':64s}{network.parameter_count:>12,}{operations:>15,}")
    return 0


def _layer_line(row: LayerRow) -> str:
    f, p, s, d = (
        "" if pair is None else _shape(pair) if pair[0] != pair[1] else str(pair[0])
        for pair in (row.f, row.p, row.s, row.d)
    )
    sizes = f"{f:>5s}{p:>5s}{s:>5s}{d:>5s}{_shape(row.shape):>12s}{row.parameters:>12,}{row.operations:>15,}"
    return f"{row.name:13s}{row.kind:19s}{sizes}"


def _shape(sizes: tuple[int, ...]) -> str:
    return "x".join(map(str, sizes))


if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
