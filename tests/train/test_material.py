"""What training makes of the lines it is given, before the first batch."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.train.conftest import write_lines

from ocrtune.config import TrainConfig
from ocrtune.data.dataset import MADE_RECORD
from ocrtune.train.material import open_sets

CAPITALS = [f"TOTAL {number} STÜCK" for number in range(30)]
BOTH = ["Total 7", "Straße ŉ", "RABATT", "ÅL"]


def made(folder: Path, texts: list[str]) -> Path:
    write_lines(folder, texts)
    (folder / MADE_RECORD).write_text('{"runs": []}')
    return folder


def texts_and_notes(
    tmp_path: Path, real: list[str], vocab: str = "data"
) -> tuple[list[list[str]], list[str]]:
    """Labels of a real and a made set as training gets them, and what the user is told."""
    sources = write_lines(tmp_path / "real", real), made(tmp_path / "made", BOTH)
    config = TrainConfig(
        train=tuple(map(str, sources)), val=(str(sources[0]),), output=tmp_path / "run", vocab=vocab
    )
    notes: list[str] = []
    sets = open_sets(config, notes.append)
    return [[entry.text for entry in dataset.entries] for dataset in sets.train], notes


@pytest.mark.parametrize("vocab", ["data", "keep"])
def test_made_labels_have_the_case_of_the_real_ones(tmp_path: Path, vocab: str) -> None:
    """Receipts labelled in capitals for any print lost 1.5 points to made lines that told the case."""
    (real, of_made), notes = texts_and_notes(tmp_path, CAPITALS, vocab)
    assert real == CAPITALS
    assert of_made == ["TOTAL 7", "STRAßE ŉ", "RABATT", "ÅL"]  # capitals of two letters are none
    made_folder = tmp_path / "made"
    assert f"{made_folder}: 2 labels of made lines are put into capitals, as the real labels are" in notes


@pytest.mark.parametrize(
    ("real", "vocab"),
    [
        ([*CAPITALS, "Total"], "data"),  # they tell the case
        (CAPITALS[:3], "data"),  # too few letters to know
        (CAPITALS, "symbols.txt"),  # both cases were asked for, perhaps
    ],
)
def test_made_labels_stay_where_real_ones_have_both_cases(
    tmp_path: Path, real: list[str], vocab: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "symbols.txt").write_text("A\na\n")
    (_, of_made), notes = texts_and_notes(tmp_path, real, vocab)
    assert of_made == BOTH
    assert not any("put into" in note for note in notes)
