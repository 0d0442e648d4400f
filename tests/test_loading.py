from demo import loading
from fmnist_core import dataset
from fmnist_core.training import RECIPES


def test_description_of_the_training_data(tmp_path, monkeypatch, full_folder):
    monkeypatch.delenv("FMNIST_DATA", raising=False)
    assert "60,000" in loading.describe(full_folder)
    assert "shipped" in loading.describe("samples")
    csv = tmp_path / "images.csv"
    csv.touch()
    assert "a CSV file" in loading.describe(csv)
    for pair in dataset.CSV_PAIRS:
        folder = tmp_path / pair[0]
        folder.mkdir()
        for name in pair:
            (folder / name).touch()
        assert "two CSV files" in loading.describe(folder)


def test_the_deep_network_is_offered_a_part_of_the_whole_data_set_only(full_folder):
    assert loading.shares(full_folder) == {"original": 1.0, "deep": 0.1}
    assert loading.shares("samples") == {"original": 1.0, "deep": 1.0}
    assert loading.shares("samples").keys() == RECIPES.keys()
