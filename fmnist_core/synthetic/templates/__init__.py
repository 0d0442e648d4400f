"""Garments as people draw them: random templates, class by class.

A template takes random numbers and returns strokes; only their shape counts, for a drawing is cropped and scaled when
it is prepared.
"""

from collections.abc import Callable
from typing import Final

from fmnist_core.synthetic.strokes import Rng, Strokes
from fmnist_core.synthetic.templates.bags import bag
from fmnist_core.synthetic.templates.clothes import coat, dress, pullover, shirt, t_shirt, trouser
from fmnist_core.synthetic.templates.shoes import ankle_boot, sandal, sneaker

# In the order of the classes.
TEMPLATES: Final[tuple[Callable[[Rng], Strokes], ...]] = (
    t_shirt,
    trouser,
    pullover,
    dress,
    coat,
    sandal,
    shirt,
    sneaker,
    bag,
    ankle_boot,
)
