"""Labels judged by a model whose every probability is known, and what the command leaves behind."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrtune.cli import main
from ocrtune.data.dataset import open_dataset
from ocrtune.errors import InputError
from ocrtune.evaluate.judging import Judging, judge_as_it_is
from ocrtune.evaluate.suspects import Judge, Weighing, open_lines
from ocrtune.evaluate.suspects_page import PAGE_LIMIT, marked, suspects_page
from ocrtune.records import Image


def weighed(model: Path, folder: Path, *, ignore_case: bool = False) -> Weighing:
    datasets = open_lines([str(folder)])
    weighing = Weighing(datasets, ignore_case=ignore_case)
    for judge in judge_as_it_is(Judging(str(model), 1, ()), datasets):
        weighing.add(judge)
    return weighing


def test_only_what_was_read_otherwise_is_a_suspect(block_onnx: Path, block_lines: Path) -> None:
    weighing = weighed(block_onnx, block_lines)
    (suspect,) = weighing.suspects
    assert (suspect.entry.text, suspect.reading, suspect.distance) == ("bac", "bab", 1)
    assert (weighing.lines, weighing.agreed, weighing.rejects) == (4, 3, [])
    # At the third symbol, 120 is drawn: e^(-0.01 * (180 - 120)²) times less probable as c than as b.
    assert suspect.log_ratio == pytest.approx(36, abs=0.5)


def test_the_clearer_mistake_comes_first(
    block_onnx: Path, tmp_path: Path, draw_blocks: Callable[[str], Image]
) -> None:
    for name, drawn in {"a.png": "abc", "b.png": "abc", "c.png": "cab"}.items():
        cv2.imwrite(str(tmp_path / name), draw_blocks(drawn))
    # Of the second image the b is greyer, half way to the c of its label.
    image = draw_blocks("abc")
    image[image == 120] = 148
    cv2.imwrite(str(tmp_path / "b.png"), image)
    (tmp_path / "labels.txt").write_text("b.png\tacc\na.png\tacc\nc.png\tcab\n", encoding="utf-8")
    assert [suspect.entry.id for suspect in weighed(block_onnx, tmp_path).suspects] == ["a.png", "b.png"]


def test_a_judge_looks_at_the_lines_it_is_given_and_no_others(block_onnx: Path, block_lines: Path) -> None:
    datasets = open_lines([str(block_lines), str(block_lines)])
    (judge,) = judge_as_it_is(Judging(str(block_onnx), 1, ()), datasets)
    weighing = Weighing(datasets)
    done: list[tuple[int, int]] = []
    weighing.add(Judge(judge.recognizer, ((0, 2), (3,))), lambda *counts: done.append(counts))
    assert weighing.lines == 3
    assert [suspect.index for suspect in weighing.suspects] == [2]
    assert done == [(2, 3), (3, 3)]


def test_a_symbol_the_model_lacks_and_a_space_too_many_are_no_suspicion(
    block_onnx: Path, block_lines: Path
) -> None:
    """That the model knows no € says nothing against the label; what else differs does."""
    (block_lines / "labels.txt").write_text("0.png\ta€c\n1.png\t a  b \n2.png\tb€c\n", encoding="utf-8")
    suspects = weighed(block_onnx, block_lines).suspects
    assert [suspect.entry.text for suspect in suspects] == ["b€c", "a€c"]
    assert suspects[1].log_ratio == pytest.approx(0, abs=1e-3)


def test_lines_that_cannot_be_read_are_told(block_onnx: Path, block_lines: Path) -> None:
    (block_lines / "0.png").write_bytes(b"torn")
    (block_lines / "labels.txt").write_text("0.png\tabc\n1.png\t\n3.png\tc\n", encoding="utf-8")
    weighing = weighed(block_onnx, block_lines)
    assert (weighing.lines, sorted(reject.id for reject in weighing.rejects)) == (1, ["0.png", "1.png"])


def test_a_weight_is_refused(block_lines: Path) -> None:
    with pytest.raises(InputError, match="@2: a weight means nothing when judging"):
        open_lines([f"{block_lines}@2"])


def test_the_command_prints_and_writes_the_suspects(
    block_onnx: Path, block_lines: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["data", "suspects", str(block_onnx), "--data", str(block_lines), "-o", str(out)]
    assert main(command) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == "1 of 4 lines are read otherwise than they are labelled"
    assert f"{block_lines}/labels.txt:3\n          label  bac\n          read   bab\n" in printed.out
    assert "has not trained on these lines, so it judges as it is" in printed.err
    assert sorted(file.name for file in out.iterdir()) == ["suspects.html", "suspects.tsv"]
    with (out / "suspects.tsv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    assert (row["rank"], row["id"], row["label"], row["reading"], row["edits"]) == (
        "1",
        "2.png",
        "bac",
        "bab",
        "1",
    )
    assert main(command) == 2
    (out / "notes.md").write_text("mine")
    assert main([*command, "--overwrite"]) == 2
    assert "holds more than suspects" in capsys.readouterr().err
    (out / "notes.md").unlink()
    assert main([*command, "--overwrite"]) == 0


HOSTILE = '</dd><script>alert(1)</script>" onload="x\x1b[31m\u202e'


def test_a_page_escapes_what_it_shows_and_fetches_nothing(block_onnx: Path, block_lines: Path) -> None:
    (block_lines / "labels.txt").write_text(f"0.png\t{HOSTILE}\n", encoding="utf-8")
    page = suspects_page(weighed(block_onnx, block_lines).suspects, HOSTILE, [HOSTILE])
    assert "<script" not in page
    assert '"x' not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert "\x1b" not in page
    assert not re.search(r"(?:https?:)?//", re.sub(r"base64,[A-Za-z0-9+/=]*", "", page))
    assert "default-src 'none'" in page
    assert page.count("<img ") == 1


def test_the_images_of_a_page_are_bounded(
    block_onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (600, 3000), dtype=np.uint8)
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), noise)
    (tmp_path / "labels.txt").write_text("".join(f"{i}.png\tabc\n" for i in range(3)), encoding="utf-8")
    suspects = weighed(block_onnx, tmp_path).suspects
    page = suspects_page(suspects, "t", [])
    assert page.count('width="480" height="96"') == 3
    one = (len(page) - len(suspects_page([], "t", []))) / 3
    assert one < 100_000
    monkeypatch.setattr("ocrtune.evaluate.suspects_page.PAGE_LIMIT", round(2.5 * one))
    page = suspects_page(suspects, "t", [])
    assert page.count("<img ") == 2
    assert "Shown: the first 2 of 3" in page
    assert PAGE_LIMIT == 32 * 2**20


@pytest.mark.parametrize(
    ("text", "other", "shown"),
    [
        ("TOTAL", "TOTAL", "TOTAL"),
        ("TOTAI", "TOTAL", 'TOTA<mark class="label">I</mark>'),
        ("TOTL", "TOTAL", 'TOT<mark class="label">‸</mark>L'),
        ("A B", "AB", 'A<mark class="label">␣</mark>B'),
        ("<&>", "<>", '&lt;<mark class="label">&amp;</mark>&gt;'),
        ("", "A", '<mark class="label">‸</mark>'),
    ],
)
def test_what_differs_is_marked(text: str, other: str, shown: str) -> None:
    assert marked(text, other, "label") == shown


def test_case_is_marked_unless_ignored() -> None:
    assert marked("Total", "TOTAL", "x", ignore_case=True) == "Total"
    assert marked("Ta", "TA", "x") == 'T<mark class="x">a</mark>'


def test_capitals_are_weighed_where_case_is_ignored(block_onnx: Path, block_lines: Path) -> None:
    (block_lines / "labels.txt").write_text("0.png\tABC\n2.png\tBAC\n", encoding="utf-8")
    assert len(weighed(block_onnx, block_lines).suspects) == 2
    (suspect,) = weighed(block_onnx, block_lines, ignore_case=True).suspects
    assert suspect.entry.text == "BAC"
    assert open_dataset(str(block_lines))[1].text == "BAC"
