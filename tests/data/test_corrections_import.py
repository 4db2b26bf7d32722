"""Corrections become a dataset: which are taken, what is said of the others, and that pages stay together."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrtune.cli import main
from ocrtune.data.corrections import CorrectionStore, NewCorrection, State
from ocrtune.data.corrections_import import correction_lines
from ocrtune.data.dataset import open_dataset
from ocrtune.data.groups import group_lines


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Two lines of each of three pages; the third line waits, the fourth is rejected."""
    path = tmp_path / "corrections.db"
    store = CorrectionStore(path, 99, 10**6)
    image = cv2.imencode(".png", np.full((20, 60), 200, np.uint8))[1].tobytes()
    for number in range(6):
        y = 20.0 * number
        box = ((0.0, y), (60.0, y), (60.0, y + 20), (0.0, y + 20))
        source = ("ab12" * 16, "ab12" * 16, "0123" * 16)[number // 2]
        page = number // 2 % 2
        store.add(
            [NewCorrection(source, page, box, 60, 20, image, "a", 0.5, "d" * 64, f"text {number}", "anna")]
        )
        state = {2: State.WAITING, 3: State.REJECTED}.get(number, State.ACCEPTED)
        store.review(number + 1, state, None, "boss")
    store.close()
    return path


def test_accepted_corrections_are_a_dataset(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "lines"
    assert main(["data", "import", "--corrections", str(database), "-o", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == f"4 lines in {out}"
    assert "1 not reviewed yet, 1 rejected in review" in said.out
    assert f"{database}: 6 corrections, 4 of them taken" in said.err
    dataset = open_dataset(str(out))
    assert [entry.text for entry in dataset.entries] == ["text 0", "text 1", "text 4", "text 5"]
    assert dataset.image(0).shape == (20, 60)
    skipped = (out / "skipped.tsv").read_text(encoding="utf-8").splitlines()[1:]
    assert [row.split("\t")[1] for row in skipped] == [
        f"{database} correction 3", f"{database} correction 4",
    ]  # fmt: skip
    grouping = group_lines([entry.id for entry in dataset.entries])
    names = grouping.names
    assert (names[0] == names[1], names[2] == names[3], names[0] == names[2]) == (True, True, False)


def test_those_nobody_has_reviewed_are_taken_where_that_is_asked_for(database: Path) -> None:
    lines = correction_lines(database, unreviewed=True)
    assert [entry.text for entry in lines.entries] == ["text 0", "text 1", "text 2", "text 4", "text 5"]
    assert [reject.detail for reject in lines.rejects] == ["'text 3', read as 'a'"]
    names = group_lines([entry.id for entry in lines.entries]).names
    assert len(set(names)) == 3  # another page of the same file is another group


def test_all_says_what_it_belongs_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "import", "--all", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert "--all goes with --corrections" in capsys.readouterr().err
