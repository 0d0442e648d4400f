"""What every training needs, made once: imported in the process from which those of the trainings are forked.

That process (``multiprocessing``'s fork server) does nothing else. It must have neither threads nor CUDA when it is
forked, for of both a fork would have only half: so everything here runs on one thread of the processor.
"""

import os
from contextlib import suppress

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # NumPy and OpenCV start theirs when they are imported

import torch

torch.set_num_threads(1)

from demo.training_process import NICENESS, load_data, sketch_test_set  # noqa: E402
from fmnist_core.dataset import load_samples  # noqa: E402
from fmnist_core.errors import DatasetError  # noqa: E402
from fmnist_core.train_config import SUGGESTED_SYNTHETIC, TrainConfig  # noqa: E402
from fmnist_core.training import set_up  # noqa: E402

os.nice(NICENESS)  # the first visitor's browser is loading the page meanwhile
sketch_test_set()
# PyTorch loads parts of itself only when the first optimiser is made, which takes longer than all the rest.
set_up(TrainConfig(device="cpu", synthetic=SUGGESTED_SYNTHETIC), load_samples().train.take(slice(100)))
with suppress(DatasetError):  # the training will say so
    load_data(None)
