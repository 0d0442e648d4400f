"""What the page sends to the server, and how it reads the replies: shared by the tests of ``demo``."""

import base64
import json

import numpy as np

from fmnist_core.errors import FmnistError

ANNA, BERT, CARL, DORA = "a" * 32, "0123456789abcdef" * 2, "c" * 32, "d" * 32  # visitors
HTML_NAME = "<img src=x onerror=alert(1)>.png"
SETTINGS = {
    "architecture": "original",
    "init_from_current": False,
    "epochs": 3,
    "learning_rate": 0.02,
    "batch_size": 64,
    "data_fraction": 0.5,
    "weight_decay": 0.02,
    "label_smoothing": 0.1,
    "flip": 0.25,
    "shift": 2,
    "erase": 0.0,
    "drawings": 0.0,
    "cloth": 0.0,
    "doodles": 0.0,
    "skipped_fraction": 0.0,
    "amp": False,
    "seed": 7,
}
NAN, INFINITY = float("nan"), float("inf")


def asking(handlers):
    """``ask("answer", sample=3)`` asks these handlers as the page does, from JSON to JSON."""

    def ask(action, visitor=ANNA, **request):
        try:
            reply = handlers.serve(action, json.loads(json.dumps({"visitor": visitor} | request)))
        except FmnistError as error:
            reply = {"error": str(error)}
        return json.loads(json.dumps(reply, allow_nan=False, ensure_ascii=False).encode())

    return ask


def in_base64(contents):
    return base64.b64encode(contents).decode()


def as_array(text, dtype=np.uint8):
    return np.frombuffer(base64.b64decode(text, validate=True), dtype)


def pixels_of(reply):
    return as_array(reply["pixels"]).reshape(28, 28)


def dequantised(maps):
    """The values (maps, places) behind quantised maps, and how far off each map may be."""
    tops = np.array(maps["tops"])[:, None]
    levels = as_array(maps["values"]).astype(np.float64).reshape(len(tops), -1)
    return (levels - 128) / 127 * tops, tops / 254


def error_of(reply):
    """The sentence of a reply that is an error and nothing else; it may begin with the name of a file."""
    assert reply.keys() == {"error"}
    sentence = reply["error"]
    assert isinstance(sentence, str)
    assert sentence[0].isupper() or sentence.startswith(HTML_NAME)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    return sentence
