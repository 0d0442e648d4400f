import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from fmnist_core import projection
from fmnist_core.checkpoint import fingerprint
from fmnist_core.dataset import Split
from fmnist_core.evaluation import predict_logits
from fmnist_core.model import Network
from fmnist_core.projection import NEIGHBOURS, PROJECTION_FILE, Projection, embed, fit, fit_pixels, with_tsne


@pytest.fixture(scope="module")
def some(samples):
    """400 test images; module-wide, as the map of them is."""
    return samples.test.take(torch.arange(0, 2000, 5))


@pytest.fixture(scope="module")
def others(samples):
    return samples.test.take(torch.arange(1, 2000, 20))


@pytest.fixture(scope="module")
def fitted(original, some):
    return fit(original, some)


@pytest.fixture(scope="module")
def mapped(fitted):
    return with_tsne(fitted)


@pytest.fixture(scope="module")
def reference(fitted):
    """The map of the same embeddings by openTSNE itself."""
    from openTSNE import TSNE

    return TSNE(random_state=0).fit(fitted.embeddings.numpy())


def embeddings_of(network, images):
    with torch.inference_mode():
        return network.trace(network.to_inputs(images.pixels)).embedding


# ---------------------------------------------------------------- principal components


def test_pca_is_that_of_scikit_learn(original, fitted, others):
    from sklearn import decomposition

    reference = decomposition.PCA(2, svd_solver="full").fit(fitted.embeddings.double().numpy())
    # A direction and its opposite are equally good; ours is the one that is mostly positive.
    signs = torch.from_numpy(reference.components_.sum(1)).sign()
    axes = (torch.from_numpy(reference.components_) * signs[:, None]).T.float()
    torch.testing.assert_close(fitted.axes, axes, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(fitted.mean, torch.from_numpy(reference.mean_).float())
    new = embeddings_of(original, others)
    theirs = torch.from_numpy(reference.transform(new.double().numpy()) * signs.numpy()).float()
    torch.testing.assert_close(fitted.project_pca(new), theirs, rtol=1e-3, atol=1e-2)
    spread = fitted.pca.var(0)
    torch.testing.assert_close(spread, torch.from_numpy(reference.explained_variance_).float(), rtol=1e-3, atol=0)


def test_embeddings_and_predictions_are_those_of_the_network(original, fitted, some):
    torch.testing.assert_close(fitted.embeddings, embeddings_of(original, some), rtol=1e-4, atol=1e-4)
    assert torch.equal(fitted.predictions, predict_logits(original, some).argmax(1))
    assert fitted.tsne is None
    assert not any(
        tensor.is_inference() for tensor in (fitted.embeddings, fitted.axes, fitted.mean, fitted.predictions)
    )


def test_axes_are_perpendicular_of_length_1_and_mostly_positive(fitted):
    torch.testing.assert_close(fitted.axes.T @ fitted.axes, torch.eye(2), rtol=0, atol=1e-5)
    assert (fitted.axes.sum(0) >= 0).all()
    assert abs(fitted.pca.mean(0)).max() < 1e-3


def test_same_images_twice_give_the_same_map(original, fitted, some):
    order = torch.randperm(len(some), generator=torch.Generator().manual_seed(0))
    again = fit(original, some.take(order))
    torch.testing.assert_close(again.pca, fitted.pca[order], rtol=1e-3, atol=1e-2)


# ---------------------------------------------------------------- pixels alone


def test_pixel_map_is_that_of_numpy(some, others):
    ours = fit_pixels(some)
    vectors = some.pixels.flatten(1).double().numpy()
    mean = vectors.mean(0)
    axes = np.linalg.svd(vectors - mean, full_matrices=False)[2][:2]
    axes *= np.where(axes.sum(1) < 0, -1, 1)[:, None]
    np.testing.assert_allclose(ours.mean, mean, rtol=1e-5)
    np.testing.assert_allclose(ours.axes, axes.T, atol=1e-4)
    assert (ours.axes.sum(0) >= 0).all()
    new = (others.pixels.flatten(1).double().numpy() - mean) @ axes.T
    np.testing.assert_allclose(ours.project(others.pixels), new, atol=0.5)  # of coordinates that are 10,000 apart
    assert ours.coordinates[:, 0].var() > ours.coordinates[:, 1].var()


def test_sample_is_projected_to_its_own_coordinates_on_the_pixel_map(some):
    ours = fit_pixels(some)
    assert ours.coordinates.shape == (len(some), 2)
    torch.testing.assert_close(ours.project(some.pixels), ours.coordinates)
    for index in range(0, len(some), 50):
        torch.testing.assert_close(
            ours.project(some.pixels[index][None])[0], ours.coordinates[index], rtol=1e-4, atol=0.05
        )


def test_pixel_map_does_not_depend_on_the_order_of_the_images(some):
    order = torch.randperm(len(some), generator=torch.Generator().manual_seed(1))
    again = fit_pixels(some.take(order))
    torch.testing.assert_close(again.coordinates, fit_pixels(some).coordinates[order], rtol=1e-3, atol=0.5)


@settings(max_examples=10)  # of about 0.1 s each
@given(st.integers(2, 40), st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 255]))
def test_any_images_have_a_pixel_map(count, seed, top):
    pixels = (torch.rand(count, 28, 28, generator=torch.Generator().manual_seed(seed)) * top).to(torch.uint8)
    ours = fit_pixels(Split.of(pixels, torch.zeros(count).long()))
    assert ours.coordinates.isfinite().all()
    torch.testing.assert_close(ours.axes.T @ ours.axes, torch.eye(2), rtol=0, atol=1e-4)
    torch.testing.assert_close(ours.coordinates.mean(0), torch.zeros(2), rtol=0, atol=0.5)
    # The same pixels have the same coordinates, which change evenly from one picture to another.
    one, other = ours.project(pixels[:1]), ours.project(pixels[-1:])
    middle = (pixels[:1].float() + pixels[-1:].float()) / 2
    torch.testing.assert_close(ours.project(middle), (one + other) / 2, rtol=1e-3, atol=0.1)


def test_other_images_are_embedded_as_the_samples_are(original, fitted, some, others):
    embeddings, predictions = embed(original, others)
    torch.testing.assert_close(embeddings, embeddings_of(original, others), rtol=1e-4, atol=1e-4)
    assert torch.equal(predictions, predict_logits(original, others).argmax(1))
    assert not embeddings.is_inference()
    again, _ = embed(original, some)
    assert torch.equal(again, fitted.embeddings)


# ---------------------------------------------------------------- neighbours and their coordinates


def test_nearest_samples_are_found_nearest_first(original, fitted, others):
    new = embeddings_of(original, others)
    exact = (new.double()[:, None] - fitted.embeddings.double()[None]).norm(dim=2)
    expected, order = exact.sort(dim=1)
    distances, indices = fitted.nearest(new, 7)
    assert torch.equal(indices, order[:, :7])
    torch.testing.assert_close(distances.double(), expected[:, :7], rtol=1e-4, atol=1e-5)
    assert fitted.nearest(new)[1].shape == (len(others), NEIGHBOURS)


def test_sample_is_nearest_to_itself_at_distance_0(fitted):
    distances, indices = fitted.nearest(fitted.embeddings)
    assert (distances[:, 0] == 0).all()
    assert (distances[:, 1] > 0).all()
    assert indices[:, 0].tolist() == list(range(len(fitted.embeddings)))


def test_fewer_samples_than_neighbours(fitted):
    three = Projection(fitted.embeddings[:3], fitted.predictions[:3], fitted.mean, fitted.axes, torch.zeros(3, 2))
    distances, indices = three.nearest(fitted.embeddings[:2])
    assert distances.shape == indices.shape == (2, 3)
    assert torch.equal(three.project_tsne(fitted.embeddings[:2]), torch.zeros(2, 2))


def test_coordinates_without_tsne_are_none(fitted):
    assert fitted.project_tsne(fitted.embeddings[:1]) is None


def on_a_line(tsne):
    """Six samples on a line, at 0, 1, 2, 3, 10 and 100."""
    embeddings = torch.tensor([0.0, 1, 2, 3, 10, 100])[:, None]
    return Projection(embeddings, torch.zeros(6).long(), torch.zeros(1), torch.ones(1, 2), tsne)


def test_coordinates_are_the_mean_of_the_five_nearest_weighted_by_distance_squared():
    tsne = torch.tensor([[0.0, 0], [10, 0], [0, 10], [10, 10], [-20, 4], [1e6, 1e6]])
    # From 0.5 the five nearest lie at 0.5, 0.5, 1.5, 2.5 and 9.5; the sixth does not count.
    weights = [1 / 0.25, 1 / 0.25, 1 / 2.25, 1 / 6.25, 1 / 90.25]
    expected = [
        sum(weight * float(point[axis]) for weight, point in zip(weights, tsne, strict=False)) / sum(weights)
        for axis in (0, 1)
    ]
    coordinates = on_a_line(tsne).project_tsne(torch.tensor([[0.5]]))
    assert coordinates[0].tolist() == pytest.approx(expected, rel=1e-5)


@given(st.lists(st.tuples(st.floats(-50, 50, width=32), st.floats(-50, 50, width=32)), min_size=6, max_size=6))
def test_sample_gets_its_own_coordinates_and_others_some_among_their_neighbours(points):
    projection = on_a_line(torch.tensor(points))
    torch.testing.assert_close(projection.project_tsne(projection.embeddings), projection.tsne, rtol=0, atol=1e-3)
    between = projection.project_tsne(torch.tensor([[1.7]]))[0]
    near = projection.tsne[:5]
    assert (between >= near.min(0).values - 1e-3).all()
    assert (between <= near.max(0).values + 1e-3).all()


def test_new_points_are_projected_to_where_opentsne_puts_them(original, fitted, reference, others):
    new = embeddings_of(original, others)
    theirs = torch.tensor(reference.prepare_partial(new.numpy(), initialization="weighted").tolist())
    ours = Projection(
        fitted.embeddings, fitted.predictions, fitted.mean, fitted.axes, torch.tensor(reference.tolist())
    ).project_tsne(new)
    distances = (ours - theirs).norm(dim=1)
    spread = torch.pdist(theirs).median()
    assert distances.median() < 0.05 * spread
    assert distances.quantile(0.9) < 0.3 * spread


# ---------------------------------------------------------------- t-SNE


def test_tsne_leaves_neighbours_together(mapped, fitted):
    assert mapped.tsne.shape == (400, 2)
    assert mapped.tsne.dtype == torch.float32
    assert mapped.tsne.isfinite().all()
    for name in ("embeddings", "predictions", "mean", "axes"):
        assert torch.equal(getattr(mapped, name), getattr(fitted, name))
    near = torch.cdist(fitted.embeddings, fitted.embeddings).topk(11, largest=False).indices[:, 1:]
    on_map = torch.cdist(mapped.tsne, mapped.tsne).topk(11, largest=False).indices[:, 1:]
    preserved = (near[:, :, None] == on_map[:, None, :]).any(2).float().mean()
    assert preserved > 0.4  # by chance it would be 0.025
    same_prediction = (mapped.predictions[on_map] == mapped.predictions[:, None]).float().mean()
    assert same_prediction > 0.75


def test_tsne_of_a_seed_is_repeatable_and_that_of_opentsne(reference, mapped):
    assert torch.equal(torch.tensor(reference.tolist()), mapped.tsne)


# ---------------------------------------------------------------- there and back


def equal(one, other):
    pairs = [
        (getattr(one, name), getattr(other, name)) for name in ("embeddings", "predictions", "mean", "axes", "tsne")
    ]
    return all(a is b is None or (a is not None and b is not None and torch.equal(a, b)) for a, b in pairs)


@pytest.mark.parametrize("tsne", [False, True])
def test_round_trip(original, some, fitted, mapped, tmp_path, tsne):
    saved = mapped if tsne else fitted
    projection.save(saved, original, tmp_path)
    before = (tmp_path / PROJECTION_FILE).read_bytes()
    loaded = projection.load(tmp_path, original, some)
    assert equal(loaded, saved)
    projection.save(loaded, original, tmp_path)
    assert (tmp_path / PROJECTION_FILE).read_bytes() == before


def test_map_of_other_weights_or_samples_is_fitted_anew(original, some, mapped, tmp_path):
    torch.manual_seed(1)
    stranger = Network().eval()
    projection.save(mapped, stranger, tmp_path)
    assert equal(projection.load(tmp_path, original, some), fit(original, some))
    projection.save(mapped, original, tmp_path)
    assert equal(projection.load(tmp_path, stranger, some), fit(stranger, some))
    fewer = some.take(torch.arange(100))
    assert equal(projection.load(tmp_path, original, fewer), fit(original, fewer))


@pytest.mark.parametrize(
    "damage", ["missing", "empty", "truncated", "text", "no mark", "tensor missing", "tensor too many", "folder"]
)
def test_damaged_map_is_fitted_anew(original, some, fitted, mapped, tmp_path, damage):
    path = tmp_path / PROJECTION_FILE
    projection.save(mapped, original, tmp_path)
    whole, tensors = path.read_bytes(), load_file(path)
    mark = {"weights": fingerprint(original)}
    path.unlink()
    if damage == "folder":
        path.mkdir()
    elif damage == "no mark":
        save_file(tensors, path)
    elif damage == "tensor missing":
        save_file({name: tensor for name, tensor in tensors.items() if name != "axes"}, path, mark)
    elif damage == "tensor too many":
        save_file(tensors | {"umap": torch.zeros(1)}, path, mark)
    elif damage != "missing":
        path.write_bytes({"empty": b"", "truncated": whole[:-9], "text": b"hello"}[damage])
    assert equal(projection.load(tmp_path, original, some), fitted)
