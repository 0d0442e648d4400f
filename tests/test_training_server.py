import os
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Only Linux can be relied on to fork with PyTorch.")

# What a fork has half of, must not be there; what takes long, must be.
IMPORTED = """
import demo.training_server
import os, sys
import torch
from demo.training_process import _load_place, sketch_test_set
assert len(os.listdir("/proc/self/task")) == 1, os.listdir("/proc/self/task")
assert not torch.cuda.is_initialized()
assert "torch._dynamo" in sys.modules
assert (_load_place.cache_info().currsize, sketch_test_set.cache_info().currsize) == (1, 1)
"""
FORKED = """
from demo.training_process import CONTEXT, prepare_processes
if __name__ == "__main__":
    prepare_processes()
    look = "import sys; sys.exit('demo.training_server' not in sys.modules or 'gradio' in sys.modules)"
    process = CONTEXT.Process(target=exec, args=(look,))
    process.start()
    process.join()
    assert process.exitcode == 0
"""


@pytest.mark.parametrize("program", [IMPORTED, FORKED], ids=["imported", "forked"])
def test_the_process_that_is_forked_is_prepared_and_has_no_threads(python, program):
    environment = os.environ | {"FMNIST_DATA": "samples"}
    ended = python("-c", program, env=environment, timeout=300)
    assert ended.returncode == 0, ended.stderr
