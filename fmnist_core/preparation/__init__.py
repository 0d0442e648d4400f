"""A person's picture -> pixels: the one preparation, used by the page, the command line, the API and in training.

``open_picture`` reads a file safely, ``prepare`` detects what kind of picture it is, finds the garment, and fits it
into 28x28 pixels as in the data set.
"""

from fmnist_core.preparation.opening import flatten, open_picture
from fmnist_core.preparation.picture_kinds import PICTURE_KINDS, Prepared, prepare, prepare_naively

__all__ = ["PICTURE_KINDS", "Prepared", "flatten", "open_picture", "prepare", "prepare_naively"]
