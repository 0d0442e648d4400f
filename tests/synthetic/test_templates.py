import numpy as np
import pytest

from fmnist_core import CLASS_NAMES
from fmnist_core.synthetic.strokes import Rng
from fmnist_core.synthetic.templates import TEMPLATES


@pytest.mark.parametrize("label", range(len(CLASS_NAMES)), ids=CLASS_NAMES)
def test_every_template_gives_strokes_of_some_size(label):
    for seed in range(60):
        strokes = TEMPLATES[label](Rng(seed))
        assert all(stroke.ndim == 2 and stroke.shape[1] == 2 and len(stroke) >= 2 for stroke in strokes)
        points = np.concatenate(strokes)
        assert np.isfinite(points).all()
        assert (points.max(0) - points.min(0)).min() > 0.1


@pytest.mark.parametrize("label", range(len(CLASS_NAMES)), ids=CLASS_NAMES)
def test_template_gives_the_same_garment_for_the_same_seed_and_no_two_alike(label):
    drawn, again = ([np.concatenate(TEMPLATES[label](Rng(seed))).tobytes() for seed in range(30)] for _ in range(2))
    assert drawn == again
    assert len(set(drawn)) == 30


def test_templates_are_in_the_order_of_the_classes():
    names = [template.__name__.replace("_", "") for template in TEMPLATES]
    classes = [name.lower().replace("-", "").replace(" ", "").removesuffix("/top") for name in CLASS_NAMES]
    assert names == classes
