"""``app.py`` as if the networks of ``tests/networks.py`` were in the registry, and shipped in a folder of weights.

python tests/browser/app_with_more_networks.py [options of app.py] FOLDER

A training starts this file again, as it does ``app.py``: so the networks are there, too.
"""

import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

import networks  # noqa: E402

from fmnist_core.architectures import ARCHITECTURES, Architecture  # noqa: E402

for name, build in networks.ADDED.items():
    ARCHITECTURES[name] = Architecture(build, recipe={"learning_rate": 0.02}, description="for tests")

if __name__ == "__main__":
    import app
    from demo import loading

    loading.SHIPPED = Path(sys.argv.pop())
    sys.exit(app.main())
