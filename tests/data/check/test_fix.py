"""The mended copy: every change is in the log, what a person must decide is listed, the original stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np
import pytest

from ocrtune.cli import main
from ocrtune.data.check.fix import mend_text


def fix(folder: Path, out: Path, *options: str) -> int:
    return main(["data", "fix", str(folder), "-o", str(out), *options])


def table(path: Path) -> list[list[str]]:
    """The rows below the heading, without the source."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return [[row[0], *row[2:]] for row in rows]


def test_what_a_rule_decides_is_changed_and_logged_step_by_step(desk: Any) -> None:
    rows = {
        "good.png": desk.line("BREAD"),
        "spaces.png": desk.line("MILK 1L", " MILK  1L"),
        "script.png": desk.line("TOTAL", "TОTAL"),
        "all.png": desk.line("CAFE NO 4", "CAFE\u0301  N\u00adО\u00a04"),
        "again.png": desk.line("TOTAL"),
    }
    folder = desk.write("set", rows)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    out = desk.folder / "fixed"
    assert fix(folder, out) == 0
    assert (out / "labels.txt").read_text(encoding="utf-8").splitlines() == [
        "images/good.png\tBREAD",
        "images/spaces.png\tMILK 1L",
        "images/script.png\tTOTAL",
        "images/all.png\tCAFÉ NО 4",  # an O of which nothing says that it is Latin stays
    ]
    assert table(out / "changes.tsv") == [
        ["spaces.png", "edge or doubled space", " MILK  1L", "MILK 1L"],
        ["script.png", "look-alike", "TОTAL", "TOTAL"],
        ["all.png", "mixed normal forms", "CAFE\u0301  N\u00adО\u00a04", "CAFÉ  N\u00adО\u00a04"],
        ["all.png", "edge or doubled space", "CAFÉ  N\u00adО\u00a04", "CAFÉ N\u00adО\u00a04"],
        ["all.png", "invisible or odd space", "CAFÉ N\u00adО\u00a04", "CAFÉ NО 4"],
        ["again.png", "left out: duplicate", "TOTAL", f"as {folder}/labels.txt:3"],
    ]
    assert table(out / "to-do.tsv") == []
    assert (out / "images/all.png").read_bytes() == before["all.png"]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_needs_a_person_is_left_out_and_listed(desk: Any) -> None:
    rows = desk.good() | {
        "lost.png": desk.line("CAFE", "CAF\ufffd"),
        "tab.png": desk.line("A B", "A\tB"),
        "nothing.png": desk.line("A B", "\u200b"),
        "unlabelled.png": desk.line("A B", ""),
        "gone.png": ("A B", None),
    }
    out = desk.folder / "fixed"
    assert fix(desk.write("set", rows), out) == 0
    assert [row[:2] for row in table(out / "to-do.tsv")] == [
        ["lost.png", "replacement character"],
        ["tab.png", "control character"],
        ["nothing.png", "no text"],
        ["gone.png", "missing image"],
        ["unlabelled.png", "no text"],
    ]
    assert len((out / "labels.txt").read_text(encoding="utf-8").splitlines()) == 12
    assert main(["data", "check", str(out), "--rare", "0"]) == 0


def test_labels_that_disagree_are_never_decided(desk: Any) -> None:
    rows = {"a.png": desk.line("TOTAL"), "b.png": desk.line("TOTAL", "TOTAI")}
    out = desk.folder / "fixed"
    assert fix(desk.write("set", rows), out) == 0
    assert (out / "labels.txt").read_text(encoding="utf-8") == "images/a.png\tTOTAL\nimages/b.png\tTOTAI\n"


def test_images_of_an_lmdb_and_those_whose_names_lead_outside_get_safe_names(desk: Any) -> None:
    folder = desk.folder / "lmdb"
    with lmdb.open(str(folder), lock=False) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"image-000000001", desk.encode(desk.draw("TOTAL"), ".jpg"))
        transaction.put(b"label-000000001", b"TOTAL")
        transaction.put(b"num-samples", b"1")
    assert fix(folder, desk.folder / "a") == 0
    labels = (desk.folder / "a/labels.txt").read_text(encoding="utf-8")
    assert labels == "images/image-000000001.jpg\tTOTAL\n"

    sets = desk.folder / "sets"
    sets.mkdir()
    cv2.imwrite(str(desk.folder / "outside.png"), desk.draw("CASH"))
    (sets / "labels.txt").write_text("../outside.png\tCASH\n", encoding="utf-8")
    assert fix(sets, desk.folder / "b") == 0
    assert sorted(str(p.relative_to(desk.folder / "b")) for p in (desk.folder / "b").rglob("*.png")) == [
        "images/outside.png"
    ]


def test_only_what_a_fix_made_is_overwritten(desk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = desk.write("set", desk.good()), desk.folder / "fixed"
    assert fix(folder, folder, "--overwrite") == 2
    assert "was not made by data fix" in capsys.readouterr().err
    assert fix(folder, out) == 0
    assert fix(folder, out) == 2
    assert "exists already" in capsys.readouterr().err
    assert fix(folder, out, "--overwrite") == 0
    assert sorted(path.name for path in desk.folder.iterdir()) == ["fixed", "set"]


def test_a_set_of_which_nothing_is_left_makes_no_folder(
    desk: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = desk.write("set", {"a.png": desk.line("A", "\ufffd")})
    assert fix(folder, desk.folder / "fixed") == 2
    assert "no line of" in capsys.readouterr().err
    assert [path.name for path in desk.folder.iterdir()] == ["set"]


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("TОTAL", "TOTAL"),
        ("кaфе", "кафе"),
        ("ΑLPHA", "ALPHA"),
        ("СOP", "СOP"),  # every letter is of both scripts
        ("5 kΩ", "5 kΩ"),
        ("\u212bNGSTR", "ÅNGSTR"),
        ("a\u200db", "ab"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("TOTAL", "TOTAL"),
    ],
)
def test_letters_are_mended_where_it_is_certain(text: str, mended: str) -> None:
    steps = mend_text(text)
    assert (steps[-1][1] if steps else text) == mended
    assert mend_text(mended) == []


def test_pixels_decide_what_is_a_duplicate(desk: Any) -> None:
    """Two honest crops with one label are two lines."""
    other = np.roll(desk.draw("TOTAL"), 1, axis=1)
    rows = {"a.png": desk.line("TOTAL"), "b.png": ("TOTAL", desk.encode(other))}
    out = desk.folder / "fixed"
    assert fix(desk.write("set", rows), out) == 0
    assert len((out / "labels.txt").read_text(encoding="utf-8").splitlines()) == 2
