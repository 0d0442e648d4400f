"""Load the shipped weights, build the page, serve it: ``python app.py``."""

import argparse
import gc
import os
import signal
import sys
import tempfile
import threading
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from demo.handlers import Handlers
    from demo.limits import Limits

WEIGHTS = Path(__file__).parent / "weights" / "deep"


def accelerator() -> str:
    """Name of the CUDA device that this process sees, or "none"."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "none"


def load(handlers: "Future[Handlers]", options: argparse.Namespace, static: Path, limits: "Limits") -> None:
    """Read everything that answers, and give the page its handlers."""
    import torch  # takes longer than everything else here

    from demo.loading import load_handlers
    from fmnist_core import dataset

    torch.set_num_threads(1)  # one picture is too little work to divide among cores
    handlers.set_result(load_handlers(options.weights, options.data, static, limits))
    if options.data is None and "FMNIST_DATA" not in os.environ and dataset.find() is None:
        threading.Thread(target=_download, daemon=True).start()


def _download() -> None:
    from fmnist_core import dataset
    from fmnist_core.errors import DatasetError

    with suppress(DatasetError):  # the page goes on with the samples
        dataset.download_files()


def build_parser() -> argparse.ArgumentParser:
    """The options: where to serve what, and every limit."""
    from demo.limits import add_options

    parser = argparse.ArgumentParser(description="Draw a garment and watch a network recognise it, in a browser.")
    parser.add_argument("--host", help="address to listen on (default: $GRADIO_SERVER_NAME or 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port (default: $GRADIO_SERVER_PORT or the first free one from 7860)")
    parser.add_argument(
        "--weights",
        default=WEIGHTS,
        metavar="DIR",
        help="folder or Hub id of the network that answers; the shipped ones can be chosen as well (default: deep)",
    )
    parser.add_argument(
        "--data", metavar="WHERE", help="data set to retrain on: a folder, a CSV file, or 'samples' (default: search)"
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a site that may embed the page and use its API, as https://example.org; may be given several times",
    )
    add_options(parser)
    return parser


def main() -> int:
    """Serve the page until interrupted; the exit status is 1 when it cannot be served, and a sentence says why."""
    from demo.limits import read_limits
    from fmnist_core.errors import FmnistError

    options = build_parser().parse_args()
    if os.environ.get("SPACES_ZERO_GPU"):  # such a host starts only what has a function for its GPU, and asks first
        import spaces

        spaces.GPU(accelerator)
    try:
        serve(options, read_limits(vars(options), os.environ))
    except FmnistError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The page cannot be made: {error}", file=sys.stderr)
        return 1
    return 0


def serve(options: argparse.Namespace, limits: "Limits") -> None:
    """Serve the page until interrupted.

    Raises:
        FmnistError, OSError: it cannot be made, or not be served.
    """
    # Until the page is served: else an import that is interrupted ends in pages of traceback.
    signal.signal(signal.SIGINT, lambda *_: sys.exit(128 + signal.SIGINT))
    # Everything that is imported and loaded stays: looking for garbage in it takes a tenth of the start.
    gc.disable()
    # Imported here because a training starts this file again in a process of its own, which needs none of it.
    from demo.page import build_page, launch
    from fmnist_core.errors import ConfigError

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # a host's way to stop us: clean up as at Ctrl-C
    # What somebody names may be wrong: it is read before anything is served. What is shipped is read while the browser
    # opens the page, which takes as long.
    named = options.weights != WEIGHTS or options.data not in (None, "samples") or "FMNIST_DATA" in os.environ
    # Hugging Face shows a Space within a page of its own.
    origins = [*options.allow_origin, *(["https://huggingface.co"] if "SPACE_ID" in os.environ else [])]
    handlers: Future[Handlers] = Future()
    with tempfile.TemporaryDirectory(prefix="fmnist-page-") as static:
        try:
            page = build_page(handlers, Path(static), limits)
            if named:
                load(handlers, options, Path(static), limits)
            try:
                address = launch(page, options.host, options.port, origins)
            except (OSError, OverflowError) as error:  # from the socket: the port is taken, or is no port
                where = "any port" if options.port is None else f"port {options.port}"
                raise ConfigError(f"The page cannot be served on {where}: {error}") from None
            print(f"The page is at {address}", flush=True)
            if not named:
                load(handlers, options, Path(static), limits)
            gc.freeze()
            gc.enable()
        finally:
            handlers.cancel()  # else a request that waits for them would keep the process alive
        signal.signal(signal.SIGINT, signal.default_int_handler)
        page.blocks.block_thread()


if __name__ == "__main__":
    sys.exit(main())
