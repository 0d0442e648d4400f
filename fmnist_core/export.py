"""A network for use without this package: as ONNX."""

import copy
import importlib.util
import json
import logging
import threading
from typing import Final

import numpy as np
import torch

from fmnist_core import IMAGE_SIZE
from fmnist_core.dataset import Split
from fmnist_core.errors import ExportError
from fmnist_core.model import Network

ONNX_FILE: Final = "model.onnx"
SCRIPT_FILE: Final = "predict.py"
NEEDED: Final = ("onnx", "onnxscript")  # by PyTorch's exporter
TOLERANCE: Final = 1e-4  # largest difference of a probability between the exported network and this one

# Goes beside model.onnx, and needs nothing of this project.
SCRIPT: Final = '''"""What is in a picture? python predict.py picture.png; needs onnxruntime, numpy, pillow."""
import json
import pathlib
import sys

import numpy
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession(pathlib.Path(__file__).with_name("model.onnx"))
grey = Image.open(sys.argv[1]).convert("L")
if grey.getpixel((0, 0)) > 127:  # garments are bright on black
    grey = ImageOps.invert(grey)
pixels = numpy.asarray(ImageOps.pad(grey, (28, 28)))[None]
(probabilities,) = session.run(None, {"pixels": pixels})
names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
for probability, name in sorted(zip(probabilities[0], names), reverse=True):
    print(f"{probability:6.1%}  {name}")
'''

_exporting = threading.Lock()  # PyTorch's exporter keeps what it does in global variables


def can_export() -> bool:
    """Whether the packages are installed that ``to_onnx`` needs."""
    return not _missing()


def _missing() -> list[str]:
    return [name for name in NEEDED if not importlib.util.find_spec(name)]


def to_onnx(network: Network) -> bytes:
    """The network as ONNX with its preparation inside.

    Its input is ``pixels``, uint8 (N, 28, 28), its output ``probabilities``, float32 (N, classes); the class names are
    a JSON list in the metadata.

    Raises:
        ExportError: a package that is needed is not installed.
    """
    if missing := _missing():
        raise ExportError(f"To export as ONNX, install {' and '.join(missing)}: pip install {' '.join(missing)}.")
    example = torch.zeros(2, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    with _exporting:
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of every step
        program = torch.onnx.export(
            copy.deepcopy(network).cpu().eval(),
            (example,),
            dynamo=True,
            verbose=False,
            input_names=["pixels"],
            output_names=["probabilities"],
            dynamic_shapes={"pixels": {0: torch.export.Dim("N")}},
        )
    assert program is not None
    program.model.metadata_props["class_names"] = json.dumps(list(network.class_names))
    import onnx_ir  # comes with onnxscript

    contents: bytes = onnx_ir.to_proto(program.model).SerializeToString()
    return contents


def largest_difference(contents: bytes, network: Network, images: Split) -> float | None:
    """By how much a probability of the exported network differs from this one's at most; None without onnxruntime."""
    try:
        import onnxruntime
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(contents, providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        return max(
            float(np.abs(session.run(None, {"pixels": pixels.numpy()})[0] - network(pixels).numpy()).max())
            for pixels in torch.split(images.pixels, 250)
        )
