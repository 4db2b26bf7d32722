"""Crops that are upside down or on their side: turned, a model finds their label far more probable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein

from ocrtune.data.check.finding import Finding, Severity
from ocrtune.data.check.gathering import LineSet
from ocrtune.data.images import ImageError
from ocrtune.reading.recognizer import OnnxRecognizer, WeighedLabel
from ocrtune.records import Image

LEAST_GAIN = 5.0
"""Nats by which the label gains when the crop is turned: log 2026-11-25."""

MOST_WRONG = 0.5
"""Share of the symbols that may be misread on the turned crop: who fits neither way tells nothing."""

TALL = 1.2
"""Height over width from which on a crop may lie on its side."""

CHUNK = 64
"""Lines whose images are in memory at once."""

UPSIDE_DOWN: Finding[None, None] = Finding(
    "upside down",
    Severity.SUSPICIOUS,
    "turned by 180 degrees, the model reads its label far better: it was scanned or cut upside down",
    "turn the image by 180 degrees",
    lambda _: None,
)


@dataclass(frozen=True, slots=True)
class TurnedLine:
    """A crop that is turned."""

    line: int
    """Number in the `LineSet`."""
    degrees: int
    """To turn it by, counter-clockwise: 90, 180 or 270."""
    detail: str


def find_turned(
    lines: LineSet,
    recognizer: OnnxRecognizer,
    most: int,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[TurnedLine]:
    """Read lines as they are, and where the label is improbable turn them. Case does not count.

    Args:
        lines: to look at.
        recognizer: reads them.
        most: lines to read, evenly spread; all if there are fewer.
        progress: called with (lines done, lines in all).
    """
    chosen = list(range(len(lines)))
    if len(chosen) > most:
        chosen = np.linspace(0, len(lines) - 1, most).round().astype(int).tolist()
    for first in range(0, len(chosen), CHUNK):
        images: dict[int, Image] = {}
        for line in chosen[first : first + CHUNK]:
            try:
                images[line] = lines.image(line)
            except ImageError:  # a finding of its own
                continue
        yield from _turned(lines, recognizer, images)
        if progress is not None:
            progress(min(first + CHUNK, len(chosen)), len(chosen))


def _turned(lines: LineSet, recognizer: OnnxRecognizer, images: dict[int, Image]) -> Iterator[TurnedLine]:
    upright = dict(zip(images, _weigh(lines, recognizer, list(images), list(images.values())), strict=True))
    # No label gains more than it lacks to certainty.
    doubtful = [line for line, weighed in upright.items() if weighed.label_log_p <= -LEAST_GAIN]
    best: dict[int, tuple[WeighedLabel, int]] = {}
    for degrees in (180, 90, 270):
        members = [
            line
            for line in doubtful
            if degrees == 180 or images[line].shape[0] >= TALL * images[line].shape[1]
        ]
        turned = [np.ascontiguousarray(np.rot90(images[line], degrees // 90)) for line in members]
        for line, weighed in zip(members, _weigh(lines, recognizer, members, turned), strict=True):
            if line not in best or weighed.label_log_p > best[line][0].label_log_p:
                best[line] = (weighed, degrees)
    for line, (weighed, degrees) in best.items():
        label, reading = (_folded(text) for text in (lines.entry(line).text, weighed.prediction.text))
        gain = weighed.label_log_p - upright[line].label_log_p
        if gain >= LEAST_GAIN and Levenshtein.distance(label, reading) <= MOST_WRONG * len(label):
            yield TurnedLine(
                line,
                degrees,
                f"{lines.entry(line).text!r} is read as {upright[line].prediction.text!r}, "
                f"turned by {degrees} degrees as {weighed.prediction.text!r}",
            )


def _weigh(
    lines: LineSet, recognizer: OnnxRecognizer, members: Sequence[int], images: Sequence[Image]
) -> list[WeighedLabel]:
    labels = [lines.entry(line).text for line in members]
    return recognizer.weigh(images, labels, ignore_case=True)


def _folded(text: str) -> str:
    return "".join(text.upper().split())
