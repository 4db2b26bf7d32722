"""The main job: what it leaves, what it refuses to touch, and that it keeps its promise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ocrtune.data.dataset import open_dataset
from ocrtune.errors import InputError
from ocrtune.reading.models import find_model
from ocrtune.reading.recognizer import OnnxRecognizer
from ocrtune.workflows import quickstart as story
from ocrtune.workflows.quickstart import quickstart
from ocrtune.workflows.receipts import KEPT_BACK_WORDS, make_datasets


class NothingMadeError(Exception):
    """Raised in place of making the dataset, to look at the folder before it."""


@pytest.fixture
def stops_before_making(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(folder: Path) -> None:
        raise NothingMadeError

    monkeypatch.setattr(story, "make_datasets", stop)


def test_an_existing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"exists already; choose another name or add --overwrite"):
        quickstart(tmp_path, overwrite=False, report=print)


@pytest.mark.parametrize("name", ["dataset", "run", "thesis.txt"])
def test_overwrite_never_removes_what_quickstart_did_not_make(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match="was not made by quickstart, so it is left alone"):
        quickstart(tmp_path, overwrite=True, report=print)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.usefixtures("stops_before_making")
def test_overwrite_replaces_an_earlier_quickstart_and_spares_other_files(tmp_path: Path) -> None:
    for name in ("dataset/train/labels.txt", "run/config.yaml", "model.onnx", "before-after.png", "notes.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("earlier")
    (tmp_path / "quickstart.json").write_text("{}")
    with pytest.raises(NothingMadeError):
        quickstart(tmp_path, overwrite=True, report=print)
    assert {path.name for path in tmp_path.iterdir()} == {"notes.md", "quickstart.json"}


@pytest.mark.usefixtures("stops_before_making")
def test_an_interrupted_quickstart_can_be_overwritten(tmp_path: Path) -> None:
    for overwrite in (False, True):
        with pytest.raises(NothingMadeError):
            quickstart(tmp_path / "out", overwrite=overwrite, report=print)


@pytest.mark.slow
def test_the_base_misreads_at_least_two_of_the_kept_back_words(tmp_path: Path) -> None:
    """Else the picture would show nothing; a new base or new fonts may need another seed."""
    make_datasets(tmp_path)
    words = open_dataset(str(tmp_path / "words"))
    base = find_model(None)
    recognizer = OnnxRecognizer(base.manifest, base.onnx_path)
    readings = recognizer.recognize([words.image(i) for i in range(len(words))])
    assert sorted(entry.text for entry in words.entries) == sorted(KEPT_BACK_WORDS)
    assert sum(r.text != entry.text for r, entry in zip(readings, words.entries, strict=True)) >= 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_quickstart_learns_to_read_the_kept_back_words(tmp_path: Path) -> None:
    reports: list[str] = []
    result = quickstart(tmp_path / "out", overwrite=False, report=reports.append)

    assert sorted(pair.truth for pair in result.words) == sorted(KEPT_BACK_WORDS)
    assert sum(pair.before != pair.truth for pair in result.words) >= 2
    assert [pair.after for pair in result.words] == [pair.truth for pair in result.words]
    assert result.after.metrics.exact_match > result.before.metrics.exact_match + 0.3
    assert {path.name for path in result.output.iterdir()} == {
        "before-after.png",
        "dataset",
        "model.onnx",
        "quickstart.json",
        "run",
    }
    record = json.loads((result.output / "quickstart.json").read_text("utf-8"))
    assert record["after"]["exact_match"] == result.after.metrics.exact_match
    assert find_model(result.model).manifest.symbols == find_model(result.output / "run").manifest.symbols
    assert str(result.picture) in reports[-1]
