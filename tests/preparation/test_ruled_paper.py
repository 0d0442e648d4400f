"""Notebook paper, drawn here: its rules and squares are no ink."""

import numpy as np
import pytest
from example_pictures import SHIRT, outline
from PIL import Image, ImageDraw

from fmnist_core.preparation import prepare
from fmnist_core.preparation.ruled_paper import without_rules


def ruled(step, ink="#9db7e0", squares=False, margin=False):
    paper = Image.new("RGB", (240, 240), "white")
    pen = ImageDraw.Draw(paper)
    for place in range(step // 2, 240, step):
        pen.line((0, place, 240, place), fill=ink)
        if squares:
            pen.line((place, 0, place, 240), fill=ink)
    if margin:
        pen.line((30, 0, 30, 240), fill="#e08080")
    pen.line(SHIRT, fill="black", width=5, joint="curve")
    return paper


@pytest.mark.parametrize("ink", ["#9db7e0", "#b0b0b0", "#6080c0"])
@pytest.mark.parametrize("paper", [{}, {"squares": True}, {"margin": True}], ids=["ruled", "squared", "with margin"])
@pytest.mark.parametrize("step", [12, 24])
def test_rules_and_squares_are_no_ink(ink, paper, step):
    alone = prepare(outline())
    prepared = prepare(ruled(step, ink, **paper))
    assert prepared.kind == "drawing"
    difference = np.abs(prepared.pixels.astype(int) - alone.pixels)
    assert difference.mean() < 6
    assert prepared.found.shape == (240, 240)
    assert np.abs(np.subtract(prepared.box, alone.box)).max() <= 2


def test_lines_of_a_drawing_are_no_rules():
    """The stripes of a jumper are evenly spaced, but do not cross the picture."""
    contrast = np.zeros((240, 240), np.float32)
    contrast[40:200:16, 50:190] = 1
    contrast[40:200, (50, 189)] = 1
    assert (without_rules(contrast) == contrast).all()
    contrast[100] = 1  # a single line across, as that of a table, is none either
    assert (without_rules(contrast) == contrast).all()
