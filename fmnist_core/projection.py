"""Embeddings, or bare pixels -> coordinates on a map, and coordinates on it for new points."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from fmnist_core.checkpoint import load_companion, save_companion
from fmnist_core.dataset import Split, batches
from fmnist_core.model import Network

PROJECTION_FILE: Final = "projection.safetensors"
NEIGHBOURS: Final = 5
BATCH_SIZE: Final = 250  # images at a time


@dataclass(frozen=True, eq=False)
class Projection:
    """The map of N samples for one set of weights."""

    embeddings: Tensor  # float32 (N, D)
    predictions: Tensor  # int64 (N,), the class that the network predicts for each sample
    mean: Tensor  # float32 (D,)
    axes: Tensor  # float32 (D, 2), the first two principal axes of the embeddings
    tsne: Tensor | None  # float32 (N, 2), coordinates; None until they are worked out

    @property
    def pca(self) -> Tensor:
        """Coordinates (N, 2) by principal components."""
        return self.project_pca(self.embeddings)

    def project_pca(self, embedding: Tensor) -> Tensor:
        """Coordinates (M, 2) of new embeddings (M, D) on the PCA map: exact, the same plane for all."""
        return (embedding - self.mean) @ self.axes

    def nearest(self, embedding: Tensor, count: int = NEIGHBOURS) -> tuple[Tensor, Tensor]:
        """Distances (M, count), nearest first, and indices (M, count) of the samples nearest to embeddings (M, D)."""
        # The faster way by a matrix product is off by 0.01 for equal vectors, which have the distance 0.
        distances = torch.cdist(embedding, self.embeddings, compute_mode="donot_use_mm_for_euclid_dist")
        return distances.topk(min(count, len(self.embeddings)), largest=False)

    def project_tsne(self, embedding: Tensor) -> Tensor | None:
        """Coordinates (M, 2) of new embeddings (M, D) on the t-SNE map, or None when there is none yet.

        t-SNE has no coordinates for new points, so these are approximate: the mean of the nearest samples' ones,
        weighted by 1 / distance² (Shepard 1968, doi:10.1145/800186.810616); a sample itself gets its own.
        """
        if self.tsne is None:
            return None
        distances, indices = self.nearest(embedding)
        closeness = 1 / (distances**2 + 1e-9)  # (M, 5)
        return (closeness[:, :, None] * self.tsne[indices]).sum(1) / closeness.sum(1, keepdim=True)


@dataclass(frozen=True, eq=False)
class PixelProjection:
    """The map of N samples by their pixels alone, without any network."""

    mean: Tensor  # float32 (784,)
    axes: Tensor  # float32 (784, 2), the first two principal axes of the pixels
    coordinates: Tensor  # float32 (N, 2), of the samples

    def project(self, pixels: Tensor) -> Tensor:
        """Coordinates (M, 2) of pixels (M, 28, 28) uint8: exact, the same plane for all."""
        return (pixels.flatten(1).float() - self.mean) @ self.axes


def fit_pixels(samples: Split) -> PixelProjection:
    """The map of ``samples`` by their pixels; about 0.1 s for 2,000 samples."""
    vectors = samples.pixels.flatten(1).float()  # (N, 784)
    mean, axes = principal_axes(vectors)
    return PixelProjection(mean, axes, (vectors - mean) @ axes)


def fit(network: Network, samples: Split) -> Projection:
    """The map of ``samples`` by PCA; ``with_tsne`` adds the other one. A second or two for 2,000 samples."""
    embeddings, predictions = embed(network, samples)
    mean, axes = principal_axes(embeddings)
    return Projection(embeddings, predictions, mean, axes, None)


def embed(network: Network, images: Split) -> tuple[Tensor, Tensor]:
    """Embeddings (N, D) of images, and the classes (N,) that the network predicts for them."""
    with torch.no_grad():
        embeddings = torch.cat(
            [
                network.embed(network.to_inputs(batch.pixels).to(memory_format=torch.channels_last))
                for batch in batches(images, BATCH_SIZE)
            ]
        )
        return embeddings, network.layers[-1](embeddings).argmax(1)


def with_tsne(projection: Projection, seed: int = 0) -> Projection:
    """The projection with t-SNE coordinates (van der Maaten, Hinton 2008) by openTSNE; about 5 s for 2,000 samples."""
    from openTSNE import TSNE  # brings scikit-learn: over a second to import, and not needed to serve

    coordinates = TSNE(random_state=seed).fit(projection.embeddings.numpy())
    tsne = torch.tensor(coordinates.tolist(), dtype=torch.float32)
    return Projection(projection.embeddings, projection.predictions, projection.mean, projection.axes, tsne)


def save(projection: Projection, network: Network, folder: Path) -> None:
    """Write the projection beside the weights that it belongs to."""
    tensors = {name: value for name, value in vars(projection).items() if value is not None}
    save_companion(tensors, network, folder / PROJECTION_FILE)


def load(folder: Path, network: Network, samples: Split) -> Projection:
    """The projection saved beside the weights; worked out anew, without t-SNE, when none belongs to them."""
    tensors = load_companion(folder / PROJECTION_FILE, network)
    names = {field.name for field in fields(Projection)}
    if tensors is None or tensors.keys() | {"tsne"} != names or len(tensors["predictions"]) != len(samples):
        return fit(network, samples)
    without_tsne: dict[str, Any] = {"tsne": None}
    return Projection(**without_tsne | tensors)


def principal_axes(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) of vectors (N, D), and their first two principal axes (D, 2).

    Principal axes are the eigenvectors of the covariance with the largest eigenvalues (Jolliffe 2002, section 1.1). A
    direction and its opposite are equally good: the one that is mostly positive is taken, so that maps of the same
    weights look the same on every machine.
    """
    mean = vectors.mean(0)
    centred = vectors - mean
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, [-1, -2]]  # their eigenvalues ascend
    return mean, axes * torch.where(axes.sum(0) < 0, -1.0, 1.0)
