"""A test set of sketches, drawn from other templates than those that any network is trained on.

Each template is a shape drawn by hand into a box of 1 x 1, x to the right and y down, of which every corner is moved at
random; those for training (``templates``) build a garment from its parts.
"""

from typing import Final

import numpy as np

from fmnist_core.dataset import Split
from fmnist_core.preparation.fitting import UInt8Image
from fmnist_core.synthetic.kinds import SyntheticKind
from fmnist_core.synthetic.rendering import render
from fmnist_core.synthetic.strokes import Rng, Strokes, mirrored, oval

SIZE: Final = 1000
SEED: Final = 2**31
JITTER: Final = 0.018  # standard deviation of a corner's position

# Each shape: strokes separated by ";", points in hundredths; "=" begins the right half of a symmetric outline, x from
# the middle; "o" a row of buttons.
SHAPES: Final = (
    (  # T-shirt/top
        "= 13,0 25,3 50,25 40,40 27,30 26,95; 38,0 43,7 50,9 57,7 62,0",
        "= 12,0 42,12 42,33 24,28 27,85; 38,0 43,7 50,9 57,7 62,0",
        "= 10,22 13,0 22,0 24,25 30,35 30,100; 20,92 80,92",
    ),
    (  # Trouser
        "= 20,0 30,100 9,100 0,30; 30,6 70,6; 50,6 50,30",
        "= 17,0 22,30 42,110 25,113 0,38; 33,7 67,7",
    ),
    (  # Pullover
        "= 12,0 28,5 36,30 46,78 35,82 25,40 26,100; 38,0 43,7 50,9 57,7 62,0; 24,93 76,93; 5,72 16,75; 84,75 95,72",
        "= 12,0 22,2 58,30 66,42 57,50 22,30 22,75; 38,0 43,7 50,9 57,7 62,0; 28,69 72,69",
        "= 12,0 28,5 36,30 46,78 35,82 25,40 26,100; 40,0 41,-8 59,-8 60,0; 30,45 70,45; 30,55 70,55",
    ),
    (  # Dress
        "= 10,14 13,0 17,0 19,18 12,45 45,120; 38,45 62,45",
        "= 9,0 20,4 32,22 24,28 17,20 13,50 30,130; 38,0 43,7 50,9 57,7 62,0",
        "= 8,0 16,2 17,20 20,120; 38,0 43,7 50,9 57,7 62,0",
    ),
    (  # Coat
        "= 10,0 20,4 27,25 36,62 28,65 20,35 19,55 27,115; 50,20 50,115; 40,0 36,12 50,30; "
        "60,0 64,12 50,30; o 55,40 55,57 55,73 55,90",
        "= 12,0 28,5 36,30 46,78 35,82 25,40 26,100; 50,8 50,100; 36,0 36,-10 64,-10 64,0; 30,70 40,62; 60,62 70,70",
        "= 12,0 22,2 58,30 66,42 57,50 22,30 22,75; 47,5 47,75; 53,5 53,75; 38,0 42,14 50,8 58,14 62,0",
    ),
    (  # Sandal
        "0,60 35,55 70,68 100,68 100,76 0,76 0,60; 60,66 68,45 85,68; 5,60 8,35 30,35 35,55",
        "30,10 50,0 68,12 66,50 64,90 50,100 36,90 33,50 30,10; 34,50 50,20 65,50",
        "0,10 20,15 60,70 100,72 100,78 55,78 10,25 7,78 2,78 0,10; 70,70 80,55 93,70; 2,10 10,-10 25,-8 25,20",
    ),
    (  # Shirt
        "= 12,0 28,5 36,30 46,78 35,82 25,40 26,100; 50,10 50,100; 38,0 40,13 50,8 60,13 62,0; "
        "o 50,20 50,38 50,55 50,72 50,90; 58,30 68,30 68,42 58,42 58,30",
        "= 12,0 22,2 58,30 66,42 57,50 22,30 22,75; 50,10 50,75; 38,0 42,13 50,6 58,13 62,0; o 50,20 50,36 50,52 50,68",
    ),
    (  # Sneaker
        "0,78 0,45 4,30 32,35 50,52 85,60 100,78 100,88 0,88 0,78; 0,78 100,78; 35,42 45,38; 42,48 52,44; 50,53 60,48",
        "0,78 2,40 30,48 60,55 90,62 100,78 98,84 0,84 0,78; 0,78 100,78",
    ),
    (  # Bag
        "10,35 90,35 100,95 0,95 10,35; 30,35 36,2 64,2 70,35; 45,50 55,50 55,58 45,58 45,50",
        "20,20 35,5 65,5 80,20 85,100 15,100 20,20; 28,60 72,60 72,92 28,92 28,60; 42,5 43,-6 57,-6 58,5",
        "0,20 100,20 100,85 0,85 0,20; 38,20 38,8 62,8 62,20; 20,20 20,85; 80,20 80,85",
    ),
    (  # Ankle boot
        "5,0 50,0 48,45 70,58 95,66 100,80 100,90 0,90 5,0; 0,80 100,80",
        "10,0 45,0 45,40 85,72 100,85 60,85 30,68 25,95 12,95 8,50 10,0; 10,8 45,8",
        "5,0 50,2 50,40 80,55 100,78 100,88 0,88 5,0; 40,10 52,6; 42,20 54,16; 44,30 56,26; 0,80 100,80",
    ),
)


def make_sketch_test_set(count: int = SIZE, seed: int = SEED) -> Split:
    """``count`` sketches to test a network with, as many of each class, in random order; always the same ones."""
    return TEST_SKETCHES.make(count, seed)


def _draw(label: int, rng: Rng) -> UInt8Image:
    return render(_strokes(label, rng), rng)


TEST_SKETCHES: Final = SyntheticKind(_draw, "sketches from templates that no training uses", suggested=0)


def _strokes(label: int, rng: Rng) -> Strokes:
    shapes = SHAPES[label]
    strokes: Strokes = []
    for line in shapes[rng.integer(0, len(shapes) - 1)].split("; "):
        for points in _parse(line):
            corners = (1, 2) if line.startswith("o") else points.shape  # a button moves as a whole
            moved = points + rng.normal(0, JITTER, corners)
            if np.array_equal(points[0], points[-1]):
                moved[-1] = moved[0]  # what was closed stays closed
            strokes.append(moved)
    return strokes


def _parse(line: str) -> Strokes:
    """The strokes (K, 2) of one line of ``SHAPES``."""
    sort, points = (line[0], line[2:]) if line[0] in "=o" else ("", line)
    stroke = np.array([[int(number) for number in point.split(",")] for point in points.split()]) / 100
    if sort == "o":
        return [oval(x, y, 0.03, 0.03) for x, y in stroke]
    if sort == "=":
        outline = np.concatenate([stroke, mirrored(stroke)[::-1], stroke[:1]])
        return [outline + np.array([0.5, 0.0])]
    return [stroke]
