"""Reads whole datasets and says how well: the measurement behind `ocrtune eval`, before and after training."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ocrtune.data.audit import Reject, RejectReason
from ocrtune.data.dataset import LineDataset
from ocrtune.errors import InputError
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
            if comparable(reading.truth, ignore_case=fold) != comparable(reading.prediction.text, ignore_case=fold)
        ]

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
                {"id": r.id, "source": r.source, "reason": str(r.reason), "detail": r.detail} for r in self.rejects
            ],
        }


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
    timed = set(range(0, total, max(1, total // TIMED_LINES))[:TIMED_LINES])  # evenly over the set
    rejects = list(dataset.rejects)
    readings: list[LineReading] = []
    timed_images: list[Image] = []
    for first in range(0, total, CHUNK):
        chunk: list[int] = []
        images: list[Image] = []
        for i in range(first, min(first + CHUNK, total)):
            try:
                images.append(dataset.image(i))
            except InputError as error:
                rejects.append(_unreadable(dataset, i, error))
                continue
            chunk.append(i)
            if i in timed:
                timed_images.append(images[-1])
        for i, prediction in zip(chunk, recognizer.recognize(images), strict=True):
            entry = dataset.entries[i]
            readings.append(LineReading(entry.id, entry.text, prediction))
        if progress is not None:
            progress(min(first + CHUNK, total), total)
    if not readings:
        raise InputError(f"{dataset.name} has no line that can be read, {len(rejects)} rejects; first: {rejects[0]}")
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


def _unreadable(dataset: LineDataset, i: int, error: InputError) -> Reject:
    entry = dataset.entries[i]
    return Reject(entry.id, entry.source, RejectReason.BROKEN_IMAGE, str(error))
