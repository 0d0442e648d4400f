"""Garments as people draw them: random templates, class by class.

A template takes dice and returns strokes; only their form counts, for a drawing is cropped and scaled when it is
prepared.
"""

from collections.abc import Callable
from typing import Final

from fmnist_core.bags import bag
from fmnist_core.clothes import coat, dress, pullover, shirt, t_shirt, trouser
from fmnist_core.shoes import ankle_boot, sandal, sneaker
from fmnist_core.strokes import Dice, Strokes

# In the order of the classes.
TEMPLATES: Final[tuple[Callable[[Dice], Strokes], ...]] = (
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
