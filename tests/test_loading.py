from demo import loading
from fmnist_core import dataset


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
