"""Rounds: what comes in, what is kept, what is done again after a stop."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from ocrtune.config import TrainConfig
from ocrtune.errors import InputError
from ocrtune.records import Image, Prediction
from ocrtune.workflows import rounds
from ocrtune.workflows.rounds import train_in_rounds

KNOWN, NEW = range(40), range(100, 130)
"""Grey levels of labelled images and of unlabelled ones; a level is also what the line says."""


class Reader:
    """Reads the level of an image; sure of all but every third, where it reads another text."""

    def recognize(self, images: Sequence[Image]) -> list[Prediction]:
        levels = [int(image.flat[0]) for image in images]
        return [
            Prediction(f"{level + (level % 3 == 0)}", 0.2 if level % 3 == 0 else 0.9, ()) for level in levels
        ]


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Labelled lines, and a folder with ten of them, thirty new ones and a broken file."""
    for name, levels in (("lines", KNOWN), ("new", NEW)):
        (tmp_path / name).mkdir()
        for level in levels:
            cv2.imwrite(str(tmp_path / name / f"{level}.png"), np.full((8, 20), level, np.uint8))
    rows = "".join(f"{level}.png\t{level}\n" for level in KNOWN)
    (tmp_path / "lines/labels.txt").write_text(rows, encoding="utf-8")
    (tmp_path / "new/broken.png").write_bytes(b"no image")
    return {"lines": tmp_path / "lines", "new": tmp_path / "new", "out": tmp_path / "out"}


@pytest.fixture
def config(folders: dict[str, Path]) -> TrainConfig:
    lines = (str(folders["lines"]),)
    return TrainConfig(
        train=lines, val=lines, unlabelled=folders["new"], output=folders["out"], trust=0.9, rounds=3
    )


class Training:
    """In place of training: each run ends with the next of the given scores, or with a signal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, scores: Sequence[float | signal.Signals]) -> None:
        self.calls: list[tuple[TrainConfig, bool]] = []
        self._scores = list(scores)
        monkeypatch.setattr(rounds, "train", self)
        monkeypatch.setattr(rounds, "open_reader", lambda model: Reader())

    def __call__(self, config: TrainConfig, *, resume: bool = False) -> SimpleNamespace:
        self.calls.append((config, resume))
        score = self._scores.pop(0)
        for name in ("state", "best"):
            (config.output / name).mkdir(parents=True, exist_ok=True)
        (config.output / "best/model.json").write_text(config.output.name)
        stopped = score if isinstance(score, signal.Signals) else None
        exact = 0.0 if stopped else score
        return SimpleNamespace(metrics=SimpleNamespace(exact_match=exact, cer=1 - exact), stopped=stopped)


def test_sure_readings_join_the_lines_until_a_round_reads_worse(
    config: TrainConfig, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    training, notes, out = Training(monkeypatch, [0.5, 0.7, 0.6]), list[str](), folders["out"]
    result = train_in_rounds(config, resume=False, note=notes.append)
    assert [(r.number, r.taken, r.exact_match, r.kept) for r in result.rounds] == [
        (0, 0, 0.5, True),
        (1, 20, 0.7, True),
        (2, 20, 0.6, False),
    ]
    taken = (out / "taken-1.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(taken) == sorted(f"{folders['new'] / f'{n}.png'}\t{n}" for n in NEW if n % 3)
    first, second, third = (call for call, _ in training.calls)
    assert (first.train, first.base) == (config.train, config.base)
    assert (second.train, second.base) == ((*config.train, str(out / "taken-1.txt")), str(out / "round-0"))
    assert (third.train, third.base) == ((*config.train, str(out / "taken-2.txt")), str(out / "round-1"))
    assert {call.unlabelled for call, _ in training.calls} == {None}
    assert (out / "best/model.json").read_text() == "round-1"
    assert notes == [
        f"{folders['new']}: 31 images without a label",
        "round 0, labelled lines alone: exact 50.0%, CER 50.00% on the validation lines",
        f"1 unlabelled images cannot be read and stay out, first {folders['new']}/broken.png: broken image: "
        "none of JPEG, PNG, BMP, WEBP, TIFF, GIF, PPM; replace the file or leave it out",
        "round 1: 20 of 31 unlabelled images are read with a confidence of 0.900 or more and come in; "
        "of 26 validation lines read so surely 26 are right, so about 96.4% of those that come in",
        "round 1: exact 70.0%, CER 30.00% on the validation lines, 50.0% and 50.00% before: kept",
        notes[2],
        notes[3].replace("round 1", "round 2"),
        "round 2: exact 60.0%, CER 40.00% on the validation lines, worse than 70.0% and 30.00%: "
        "not kept, the model of round 1 stays",
    ]


def test_images_that_have_a_label_stay_with_it(
    config: TrainConfig, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reading of a validation line would train on what is to be measured."""
    (folders["new"] / "linked").symlink_to(folders["lines"])
    for level in KNOWN:
        (folders["new"] / f"{level}.png").symlink_to(folders["lines"] / f"{level}.png")
    Training(monkeypatch, [0.5, 0.4])
    notes: list[str] = []
    train_in_rounds(config, resume=False, note=notes.append)
    assert notes[0] == (
        f"{folders['new']}: 31 images without a label; 40 more have one in --train or --val "
        "and are left to that"
    )
    assert len((folders["out"] / "taken-1.txt").read_text().splitlines()) == 20
    only = config.model_copy(update={"unlabelled": folders["lines"], "overwrite": True})
    with pytest.raises(InputError, match="every image in it has a label; leave it out"):
        train_in_rounds(only, resume=False, note=notes.append)


def test_nothing_comes_in_where_too_few_known_lines_vouch_for_it(
    config: TrainConfig, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """26 of 26 right are 27/28 at most: not 0.97."""
    training, notes = Training(monkeypatch, [0.5]), list[str]()
    result = train_in_rounds(config.model_copy(update={"trust": 0.97}), resume=False, note=notes.append)
    assert len(training.calls) == 1
    assert [(r.number, r.taken, r.trust, r.kept) for r in result.rounds] == [
        (0, 0, None, True),
        (1, 0, None, False),
    ]
    assert notes[-2:] == [
        "round 1: by the validation lines, no confidence makes 97% of the readings right: nothing comes in; "
        "add validation lines, or lower --trust",
        "round 1 had nothing to learn from: the model of round 0 stays",
    ]
    assert not (folders["out"] / "taken-1.txt").exists()


def test_a_stopped_round_is_resumed_and_those_before_it_are_not_done_again(
    config: TrainConfig, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = folders["out"]
    Training(monkeypatch, [0.5, signal.SIGTERM])
    assert train_in_rounds(config, resume=False, note=lambda text: None).stopped is signal.SIGTERM
    training = Training(monkeypatch, [0.7, 0.6])
    result = train_in_rounds(TrainConfig(output=out), resume=True, note=lambda text: None)
    assert [(call.output.name, resume) for call, resume in training.calls] == [
        ("round-1", True),
        ("round-2", False),
    ]
    assert [(r.exact_match, r.kept) for r in result.rounds] == [(0.5, True), (0.7, True), (0.6, False)]
    again = train_in_rounds(TrainConfig(output=out), resume=True, note=lambda text: None)
    assert again == result
    assert json.loads((out / "rounds.json").read_text())["rounds"][1]["trust"]["lines"] == 26


@pytest.mark.parametrize(
    ("changes", "resume", "message"),
    [
        ({}, False, "{out} holds rounds: add --resume to continue them, or --overwrite"),
        ({"trust": 0.8}, True, "--rounds: rounds are resumed with their own options; leave it out"),
    ],
)
def test_rounds_are_not_written_over_nor_resumed_otherwise(
    config: TrainConfig,
    folders: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    resume: bool,
    message: str,
) -> None:
    Training(monkeypatch, [0.5, 0.4])
    train_in_rounds(config, resume=False, note=lambda text: None)
    with pytest.raises(InputError) as refused:
        train_in_rounds(config.model_copy(update=changes), resume=resume, note=lambda text: None)
    assert str(refused.value) == message.format(out=folders["out"])


def test_a_folder_of_something_else_is_left_alone(
    config: TrainConfig, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    Training(monkeypatch, [])
    folders["out"].mkdir()
    (folders["out"] / "notes.txt").write_text("mine")
    settings = config.model_copy(update={"overwrite": True})
    with pytest.raises(InputError, match="is there and holds no rounds; name another folder with -o"):
        train_in_rounds(settings, resume=False, note=lambda text: None)
    assert (folders["out"] / "notes.txt").exists()
