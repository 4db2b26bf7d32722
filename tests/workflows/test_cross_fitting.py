"""Folds: every line is judged once, by a model that learnt from none of its page."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import pytest

from ocrtune.bundle import ModelBundle
from ocrtune.config import TrainConfig
from ocrtune.data.dataset import LineDataset, open_dataset
from ocrtune.data.groups import page_of
from ocrtune.errors import InputError
from ocrtune.evaluate.judging import Judging
from ocrtune.evaluate.metrics import measure
from ocrtune.evaluate.suspects import Weighing
from ocrtune.records import Image
from ocrtune.train.material import OpenedSets
from ocrtune.train.run import TrainResult
from ocrtune.workflows import cross_fitting
from ocrtune.workflows.cross_fitting import cross_fit, fold_lines

TEXTS = ("abc", "a b", "bab", "c")


@pytest.fixture
def write_pages(tmp_path: Path, draw_blocks: Callable[[str], Image]) -> Callable[..., LineDataset]:
    """Write a dataset with so many lines of each page; the first line of the set is labelled wrong."""

    def write(name: str, pages: Sequence[int]) -> LineDataset:
        folder = tmp_path / name
        folder.mkdir()
        rows = []
        for page, lines in enumerate(pages):
            for line in range(lines):
                text = TEXTS[(page + line) % len(TEXTS)]
                image = f"{name}{page:02}_{line:02}.png"
                cv2.imwrite(str(folder / image), draw_blocks(text))
                rows.append(f"{image}\t{text if rows else 'bbb'}\n")
        (folder / "labels.txt").write_text("".join(rows), encoding="utf-8")
        return open_dataset(str(folder))

    return write


def test_pages_stay_together_and_folds_are_of_a_size(write_pages: Callable[..., LineDataset]) -> None:
    datasets = [write_pages("p", [3] * 10), write_pages("q", [5] * 6)]
    folds, grouping = fold_lines(datasets, 3)
    assert grouping.matched == 60
    fold_of: dict[str, set[int]] = {}
    ids = [entry.id for dataset in datasets for entry in dataset.entries]
    for line_id, fold in zip(ids, folds, strict=True):
        fold_of.setdefault(str(page_of(line_id)), set()).add(fold)
    assert len(fold_of) == 16
    assert all(len(of) == 1 for of in fold_of.values())
    assert [folds.count(fold) for fold in range(3)] == pytest.approx([20, 20, 20], abs=5)


def test_lines_of_one_page_go_by_themselves(write_pages: Callable[..., LineDataset]) -> None:
    dataset = write_pages("p", [40, 2])
    folds, grouping = fold_lines([dataset], 2)
    assert grouping.matched == 0
    assert folds.count(0) == 21
    with pytest.raises(InputError, match="--folds 50: there are only 42 different lines"):
        fold_lines([dataset], 50)


def test_each_line_is_judged_by_a_model_that_never_saw_its_page(
    write_pages: Callable[..., LineDataset],
    block_bundle: ModelBundle,
    block_onnx: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs: list[tuple[TrainConfig, OpenedSets]] = []

    def train(config: TrainConfig, *, sets: OpenedSets) -> TrainResult:
        sys.stdout.write("Epoch 1/2\n")
        runs.append((config, sets))
        return TrainResult(config.output, block_bundle.path, measure([("a", "a")]), stopped=None)

    monkeypatch.setattr(cross_fitting, "train", train)
    datasets = [write_pages("p", [4] * 20), write_pages("q", [4] * 20)]
    weighing = Weighing(datasets)
    judged: list[tuple[int, int]] = []
    said: list[str] = []
    for judge in cross_fit(Judging(str(block_onnx), 2, ()), datasets, None, "auto", said.append):
        _, sets = runs[-1]
        ids = [{entry.id for dataset in side for entry in dataset.entries} for side in (sets.train, sets.val)]
        held = {datasets[d].entries[i].id for d, rows in enumerate(judge.held) for i in rows}
        pages = [{page_of(line_id) for line_id in side} for side in (*ids, held)]
        for one, other in itertools.combinations(pages, 2):
            assert not one & other
        assert len(ids[0]) + len(ids[1]) + len(held) == 160
        assert 0 < len(ids[1]) <= 8
        judged += [(d, i) for d, rows in enumerate(judge.held) for i in rows]
        weighing.add(judge)
    assert sorted(judged) == [(d, i) for d in range(2) for i in range(80)]
    assert [run.epochs for run, _ in runs] == [10, 10]
    assert [run.base for run, _ in runs] == [str(block_onnx)] * 2
    assert [suspect.entry.text for suspect in weighing.suspects] == ["bbb", "bbb"]
    assert said[1].startswith("judge 1 of 2: learns from ")
    assert capsys.readouterr() == ("", "Epoch 1/2\n" * 2)  # the answer has stdout to itself


def test_symbols_that_only_held_lines_have_are_readable_if_the_base_knows_them(
    write_pages: Callable[..., LineDataset],
    block_bundle: ModelBundle,
    block_onnx: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    texts: list[list[str]] = []

    def train(config: TrainConfig, *, sets: OpenedSets) -> TrainResult:
        texts.append(list(sets.other_texts))
        return TrainResult(config.output, block_bundle.path, measure([("a", "a")]), stopped=None)

    monkeypatch.setattr(cross_fitting, "train", train)
    dataset = write_pages("p", [4] * 10)
    folder = Path(dataset.name)
    labels = (folder / "labels.txt").read_text(encoding="utf-8").replace("bab", "b€b")
    (folder / "labels.txt").write_text(labels, encoding="utf-8")
    list(cross_fit(Judging(str(block_onnx), 2, ()), [open_dataset(str(folder))], 1, "cpu", print))
    assert texts == [[" ", "a", "b", "c"]] * 2
