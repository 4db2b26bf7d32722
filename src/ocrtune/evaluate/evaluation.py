"""Reads whole datasets and says how well: the measurement behind `ocrtune eval`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocrtune.data.audit import require_eval_lines
from ocrtune.data.dataset import LineDataset, open_dataset
from ocrtune.data.images import ImageError
from ocrtune.data.rejects import Reject, summarise_rejects
from ocrtune.errors import BarError, InputError
from ocrtune.evaluate.metrics import Metrics, comparable, measure
from ocrtune.reading.recognizer import Recognizer
from ocrtune.records import Image, Prediction

Progress = Callable[[int, int], None]
"""Called with (lines done, lines in all)."""

CHUNK = 64
"""Lines whose images are in memory at once."""

TIMED_LINES = 200
"""Lines that are read once more, alone, to measure the time of one line."""

WARM_UP_LINES = 5
"""Runs before the clock counts: the first ones allocate."""


@dataclass(frozen=True, slots=True)
class LineReading:
    """One labelled line and what was read on it."""

    id: str
    truth: str
    """Exactly as labelled."""
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a recogniser reads on a dataset, line by line and in sum."""

    name: str
    readings: tuple[LineReading, ...]
    rejects: tuple[Reject, ...]
    """Lines that could not be measured: no text, or no image to read. Not part of the metrics."""
    seconds: tuple[float, ...]
    """Time of single lines at batch 1, preprocessing included, decoding of the image file not."""
    ignore_case: bool
    metrics: Metrics

    @property
    def ms_per_line(self) -> float:
        """Median time to read one line, in ms."""
        return 1000 * statistics.median(self.seconds)

    def misread(self) -> list[LineReading]:
        """The lines whose text is not exactly the truth."""
        fold = self.ignore_case
        return [
            reading
            for reading in self.readings
            if comparable(reading.truth, ignore_case=fold)
            != comparable(reading.prediction.text, ignore_case=fold)
        ]

    def summary(self, weakest: int) -> str:
        """The figures in words, with the `weakest` symbols that were missed most often."""
        metrics = self.metrics
        rows = [
            f"{self.name}: {metrics.lines} lines" + (", case ignored" if self.ignore_case else ""),
            f"Accuracy (exact match): {metrics.exact_match:.2%}",
            f"Accuracy without spaces: {metrics.exact_match_no_space:.2%}",
            f"Average CER: {metrics.cer:.2%}",
            f"WER: {metrics.wer:.2%}",
            f"Inference Time: {self.ms_per_line:.1f} ms per line",
        ]
        if missed := metrics.weakest_symbols(weakest):
            shown = ", ".join(f"{symbol} {recall.hits}/{recall.count}" for symbol, recall in missed)
            rows.append(f"Weakest symbols (read/in all): {shown}")
        if self.rejects:
            rows.append(f"Not measured: {summarise_rejects(self.rejects)}")
        return "\n".join(rows)

    def to_json(self) -> dict[str, Any]:
        """The figures as plain values; every rate is a fraction."""
        metrics = self.metrics
        return {
            "data": self.name,
            "lines": metrics.lines,
            "rejected": len(self.rejects),
            "ignore_case": self.ignore_case,
            "exact_match": metrics.exact_match,
            "exact_match_no_space": metrics.exact_match_no_space,
            "cer": metrics.cer,
            "wer": metrics.wer,
            "ms_per_line": self.ms_per_line,
            "symbols": {s: {"recall": r.recall, "count": r.count} for s, r in metrics.symbols.items()},
            "misread": [
                {
                    "id": reading.id,
                    "truth": reading.truth,
                    "reading": reading.prediction.text,
                    "confidence": reading.prediction.confidence,
                }
                for reading in self.misread()
            ],
            "rejects": [
                {"id": reject.id, "source": reject.source, "reason": reject.reason, "detail": reject.detail}
                for reject in self.rejects
            ],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Evaluations of several datasets, and of all their lines as one."""

    sets: tuple[Evaluation, ...]
    total: Evaluation

    def summary(self, weakest: int) -> str:
        """A paragraph for each dataset, and one for all where there are several."""
        shown = self.sets if len(self.sets) == 1 else (*self.sets, self.total)
        return "\n\n".join(evaluation.summary(weakest) for evaluation in shown)

    def to_json(self) -> dict[str, Any]:
        """The figures of all lines; with several datasets also each one's, under `sets`."""
        content = self.total.to_json()
        if len(self.sets) > 1:
            content["sets"] = [evaluation.to_json() for evaluation in self.sets]
        return content

    def enforce_max_cer(self, limit: float) -> None:
        """Stop when the character error rate of all lines is above `limit`, a fraction.

        Raises:
            BarError: it is.
        """
        if not self.total.metrics.cer <= limit:  # not "above": --max-cer nan fails as well
            raise BarError(f"the average CER is {self.total.metrics.cer:.4f}, above --max-cer {limit:g}")


def evaluate_paths(
    recognizer: Recognizer,
    paths: Sequence[str],
    images: Path | None = None,
    *,
    ignore_case: bool = False,
    report: Callable[[str], None],
    progress: Progress | None = None,
) -> Report:
    """Evaluate on the datasets `paths`; `report` is told how each was understood.

    Raises:
        InputError: a dataset that cannot be opened, or has nothing to measure, or carries a weight.
    """
    datasets = []
    for path in paths:
        dataset = open_dataset(path, images)
        if dataset.weight != 1:
            raise InputError(f"{path}: a weight means nothing when measuring; leave @{dataset.weight:g} out")
        require_eval_lines(dataset.name, len(dataset))
        report(dataset.resolved)
        datasets.append(dataset)
    sets = tuple(
        evaluate(recognizer, dataset, ignore_case=ignore_case, progress=progress) for dataset in datasets
    )
    return Report(sets, pool(sets))


def evaluate(
    recognizer: Recognizer,
    dataset: LineDataset,
    *,
    ignore_case: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Read every line of `dataset` and measure.

    A truth with symbols the model does not know stays in and counts as misread; a line without a
    readable image is a reject.

    Raises:
        InputError: no line could be read.
    """
    total = len(dataset)
    rejects = list(dataset.rejects)
    readings: list[LineReading] = []
    timed_images: list[Image] = []
    for first in range(0, total, CHUNK):
        chunk: list[int] = []
        images: list[Image] = []
        for i in range(first, min(first + CHUNK, total)):
            try:
                images.append(dataset.image(i))
            except ImageError as error:
                entry = dataset.entries[i]
                rejects.append(Reject(entry.id, entry.source, error.reason, error.detail))
                continue
            chunk.append(i)
            # Evenly over the set; where the line that is due has no image, the next one stands in.
            if len(timed_images) < TIMED_LINES and i * TIMED_LINES >= len(timed_images) * total:
                timed_images.append(images[-1])
        for i, prediction in zip(chunk, recognizer.recognize(images), strict=True):
            entry = dataset.entries[i]
            readings.append(LineReading(entry.id, entry.text, prediction))
        if progress is not None:
            progress(min(first + CHUNK, total), total)
    if not readings:
        raise InputError(f"{dataset.name} has no line that can be read: {summarise_rejects(rejects)}")
    return Evaluation(
        name=dataset.name,
        readings=tuple(readings),
        rejects=tuple(rejects),
        seconds=time_lines(recognizer, timed_images),
        ignore_case=ignore_case,
        metrics=_measure(readings, ignore_case=ignore_case),
    )


def pool(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Several datasets as one, every line counting the same."""
    readings = tuple(reading for evaluation in evaluations for reading in evaluation.readings)
    ignore_case = evaluations[0].ignore_case
    return Evaluation(
        name=" + ".join(evaluation.name for evaluation in evaluations),
        readings=readings,
        rejects=tuple(reject for evaluation in evaluations for reject in evaluation.rejects),
        seconds=tuple(second for evaluation in evaluations for second in evaluation.seconds),
        ignore_case=ignore_case,
        metrics=_measure(readings, ignore_case=ignore_case),
    )


def time_lines(recognizer: Recognizer, images: Sequence[Image]) -> tuple[float, ...]:
    """Seconds to read each of `images` alone, preprocessing included."""
    for image in images[:WARM_UP_LINES]:
        recognizer.recognize([image])
    seconds = []
    for image in images:
        start = time.perf_counter()
        recognizer.recognize([image])
        seconds.append(time.perf_counter() - start)
    return tuple(seconds)


def _measure(readings: Iterable[LineReading], *, ignore_case: bool) -> Metrics:
    return measure(((r.truth, r.prediction.text) for r in readings), ignore_case=ignore_case)
