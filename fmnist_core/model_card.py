"""The model card of a network: what it is, how it was trained, how good it is, how to load it.

It begins with what the Hub reads (https://huggingface.co/docs/hub/model-cards).
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from huggingface_hub import EvalResult, ModelCard, ModelCardData

if TYPE_CHECKING:
    from fmnist_core.model import Network

CARD_FILE: Final = "README.md"
MARK: Final = "<!-- Written by the program; remove this line to keep what you write here. -->"
DATASET: Final = "zalando-datasets/fashion_mnist"  # on the Hub


def model_card(network: "Network", tested: Mapping[str, Any] | None = None, is_published: bool = False) -> ModelCard:
    """The card of a network.

    Args:
        network: whose it is.
        tested: what ``training.json`` holds, of a network that has just been trained.
        is_published: ``tested`` is about the published test images: then the Hub is told the accuracy, too.
    """
    results = []
    if tested and is_published:
        reached = EvalResult(
            task_type="image-classification",
            dataset_type=DATASET,
            dataset_name="Fashion-MNIST",
            dataset_split="test",
            metric_type="accuracy",
            metric_value=round(tested["accuracy"], 4),
            metric_name=f"accuracy on the {tested['images']:,} test images",
        )
        results.append(reached)
    data = ModelCardData(
        license="mit",
        library_name="pytorch",
        pipeline_tag="image-classification",
        tags=["fashion-mnist", "image-classification", "model_hub_mixin", "pytorch_model_hub_mixin"],
        datasets=[DATASET],
        model_name=network.architecture,
        eval_results=results or None,
    )
    parts = [f"---\n{data}\n---", MARK, _about(network), *([_training(tested)] if tested else []), LOADING]
    return ModelCard("\n\n".join(parts) + "\n")


def _about(network: "Network") -> str:
    return (
        f"# A network for Fashion-MNIST: {network.architecture}\n\n"
        f"{network.parameter_count:,} trainable parameters. Its input is 28×28 grey pixels, the garment bright on "
        f"black, normalised as (pixels / 255 − {network.mean:g}) / {network.std:g}; its output is "
        f"{len(network.class_names)} logits, in the order of the class names in `config.json`."
    )


def _training(tested: Mapping[str, Any]) -> str:
    rows = [
        f"| {name} | {'–' if accuracy is None else f'{accuracy:.3f}'} |"
        for name, accuracy in ((name.replace("|", "\\|"), each) for name, each in tested["per_class"].items())
    ]
    return "\n".join(
        [
            "## How it was trained, and how good it is\n",
            f"Accuracy {tested['accuracy']:.4f} on {tested['images']:,} test images, which chose nothing; loss "
            f"{tested['loss']:.4f}, expected calibration error {tested['calibration_error']:.4f}.\n",
            "| class | accuracy |\n|---|---|",
            *rows,
            "\nThe settings of the training:\n",
            f"```json\n{json.dumps(tested['config'], indent=2, ensure_ascii=False)}\n```",
        ]
    )


LOADING: Final = """## How to load it

```python
from fmnist_core import checkpoint

network = checkpoint.load("user/name")  # this repository, or a folder
probabilities = network(pixels)  # uint8 (N, 28, 28)
```

It is safetensors and JSON: nothing is unpickled or executed."""
