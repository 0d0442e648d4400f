"""Fashion-MNIST: its files, the networks that learn from it, and what they say about a picture.

The words used everywhere in this package (N: how many; all images are 28x28):

=================  ================================  ===================================================
word               type and shape                    range
=================  ================================  ===================================================
``picture``        ``PIL.Image``, any size and mode  as a person gave it
``pixels``         uint8 (N, 28, 28)                 0..255, garment bright on black, as in the data set
``inputs``         float32 (N, 1, 28, 28)            (pixels / 255 - mean) / std
``labels``         int64 (N,)                        0..9, index into ``CLASS_NAMES``
``logits``         float32 (N, 10)                   any
``probabilities``  float32 (N, 10)                   0..1, rows sum to 1
``predictions``    int64 (N,)                        0..9, the class of the highest probability
``maps``           layer name -> float32 (N, C, ..)  as the layer puts out
``embedding``      float32 (N, D)                    the vector that enters the last layer
``coordinates``    float32 (N, 2)                    place on the map
accuracy           float                             fraction, 0..1
loss               float                             nats per image, mean over images
=================  ================================  ===================================================

The path of a picture: ``preparation`` -> ``model`` -> ``inference``; of the data set: ``dataset``
(``dataset_formats``) -> ``training`` (``train_config``, ``augment``, ``synthetic``) -> ``events``, ``evaluation``,
``checkpoint``; on many cores and machines: ``threads``, ``world``. Layers of one's own: ``custom_layers``
(``layer_kinds``). What looks inside: ``layer_table``, ``explain``, ``projection``, ``snapshots``. Importing this
package runs nothing and loads nothing beyond this file.
"""

from typing import Final

__version__: Final = "0.2.0"

CLASS_NAMES: Final = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
# Ten colours that people with any kind of colour vision can tell apart: Matthew A. Petroff, Accessible Color Sequences
# for Data Visualization, arXiv:2107.02270.
CLASS_COLOURS: Final = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#92dadd",
    "#b9ac70",
    "#717581",
    "#94a4a2",
)
IMAGE_SIZE: Final = 28

# Over all pixels of the 60,000 training images, on the scale 0..1 (checked by a test).
MEAN: Final = 0.2860
STD: Final = 0.3530
