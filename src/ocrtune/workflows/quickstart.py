"""The main job in minutes, without network: make lines, score the base, fine-tune, export, score, read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocrtune.config import TrainConfig
from ocrtune.convert.export import export_onnx_model
from ocrtune.data.dataset import open_dataset
from ocrtune.errors import InputError
from ocrtune.evaluate.evaluation import Evaluation, evaluate
from ocrtune.output import refuse_existing, write_text
from ocrtune.reading.models import find_model
from ocrtune.reading.recognizer import OnnxRecognizer, Recognizer
from ocrtune.train.run import train
from ocrtune.workflows.picture import ReadingPair, draw_comparison
from ocrtune.workflows.receipts import SEED, TEST_LINES, TRAIN_LINES, make_datasets

EPOCHS = 10

RECORD = "quickstart.json"
_CONTENTS = (RECORD, "dataset", "run", "model.onnx", "before-after.png")


@dataclass(frozen=True, slots=True)
class QuickstartResult:
    """What came out, and where it lies."""

    output: Path
    before: Evaluation
    """The base on the test lines."""
    after: Evaluation
    """The tuned model on the same lines."""
    words: tuple[ReadingPair, ...]
    """The kept-back words."""

    @property
    def picture(self) -> Path:
        """Images of the kept-back words with both readings."""
        return self.output / "before-after.png"

    @property
    def model(self) -> Path:
        """The exported model: this one file is enough to read and to serve."""
        return self.output / "model.onnx"


def quickstart(output: Path, *, overwrite: bool, report: Callable[[str], None]) -> QuickstartResult:
    """Tell the whole story in the folder `output`.

    Args:
        output: gets `dataset/`, `run/`, `model.onnx`, `before-after.png` and `quickstart.json`.
        overwrite: replace an earlier quickstart in `output`; nothing else is ever removed.
        report: takes one line of progress.

    Raises:
        InputError: `output` is there already, no fonts, or the disk refuses.
        KeyboardInterrupt: a signal ended the training.
    """
    _clear(output, overwrite=overwrite)
    _write_record(output, {})  # marks the folder as ours, should the rest be interrupted
    dataset = output / "dataset"
    fonts = make_datasets(dataset)
    report(
        f"Made {TRAIN_LINES} receipt lines in {len(fonts.train)} fonts to train on, and {TEST_LINES} "
        f"with other words in {len(fonts.test)} other fonts to test: {dataset}"
    )
    test_path = str(dataset / "test")
    test, words = open_dataset(test_path), open_dataset(str(dataset / "words"))
    base = _open(None)
    before = evaluate(base, test)
    report(f"The base reads {_score(before)}")
    # Its test lines are made like those that train, so there is no real print to forget.
    config = TrainConfig(
        train=(str(dataset / "train"),), output=output / "run", epochs=EPOCHS, seed=SEED, way_back="never"
    )
    if train(config).stopped:
        report("Training was interrupted; start again with: ocrtune quickstart --overwrite")
        raise KeyboardInterrupt
    exported = export_onnx_model(str(output / "run"), output / "model.onnx", data=(test_path,))
    report(
        f"Exported {exported.path}, which reads {exported.lines_checked} lines as torch does: "
        f"{exported.ms_onnx:.1f} ms a line, torch {exported.ms_torch:.1f}"
    )
    tuned = _open(exported.path)
    after = evaluate(tuned, test)
    report(f"The tuned model reads {_score(after)}")
    images = [words.image(i) for i in range(len(words))]
    pairs = tuple(
        ReadingPair(image, entry.text, base_read.text, tuned_read.text)
        for image, entry, base_read, tuned_read in zip(
            images, words.entries, base.recognize(images), tuned.recognize(images), strict=True
        )
    )
    result = QuickstartResult(output, before, after, pairs)
    for pair in pairs:
        report(f"  {pair.truth}: the base reads {pair.before!r}, the tuned model {pair.after!r}")
    draw_comparison(
        result.picture,
        pairs,
        title="Four words that training never saw",
        footer=f"{TEST_LINES} test lines, exact match: base {before.metrics.exact_match:.0%}, "
        f"tuned {after.metrics.exact_match:.0%}",
    )
    _write_record(output, {"before": before.to_json(), "after": after.to_json()})
    report(f"See {result.picture}. Read your own lines: ocrtune read --lines IMAGE -m {result.model}")
    return result


def _clear(output: Path, *, overwrite: bool) -> None:
    """Remove an earlier quickstart from `output`, and only that."""
    refuse_existing(output, overwrite=overwrite)
    if not output.exists():
        return
    if not output.is_dir() or (any(output.iterdir()) and not (output / RECORD).is_file()):
        raise InputError(f"{output} was not made by quickstart, so it is left alone; choose another folder")
    for name in _CONTENTS:
        path = output / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _write_record(output: Path, record: dict[str, Any]) -> None:
    content = json.dumps(record, ensure_ascii=False, indent=1)
    write_text(output / RECORD, content + "\n", overwrite=True)


def _open(model: Path | None) -> Recognizer:
    found = find_model(model)
    return OnnxRecognizer(found.manifest, found.onnx_path)


def _score(evaluation: Evaluation) -> str:
    metrics = evaluation.metrics
    return f"{metrics.exact_match:.0%} of {metrics.lines} test lines exactly, CER {metrics.cer:.1%}"
