"""The records that flow between the stages: a labelled line in, a prediction or a page of them out."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""A line or page image: (H, W) grey or (H, W, 3) RGB, 0..255."""


@dataclass(frozen=True, slots=True)
class LineSample:
    """One line image with the text that a person transcribed from it."""

    image: Image
    text: str
    """Exactly as transcribed; no stage edits it."""
    id: str
    """Name within its dataset: the image path as the label file gives it, or the LMDB key."""
    source: str
    """Where it was read from, for messages: `labels.txt:12`, `train/data.mdb image-000000012`."""


@dataclass(frozen=True, slots=True)
class CharacterSpan:
    """One read symbol and where it stands."""

    symbol: str
    confidence: float
    """Probability of the symbol at the step where it peaks, 0..1."""
    start: float
    """Left edge in px of the image as given, before any resizing."""
    end: float
    """Right edge, same unit."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a recogniser read on one line image."""

    text: str
    confidence: float
    """exp(mean log p of the emitted symbols), 0..1; 0 for an empty text."""
    characters: tuple[CharacterSpan, ...] = ()

    @classmethod
    def from_characters(cls, characters: tuple[CharacterSpan, ...]) -> Prediction:
        """Join symbols into a prediction; this is the one definition of line confidence."""
        if not characters:
            return cls(text="", confidence=0.0)
        mean_log = sum(math.log(max(c.confidence, 1e-30)) for c in characters) / len(characters)
        return cls("".join(c.symbol for c in characters), math.exp(mean_log), characters)


Point = tuple[float, float]
"""x and y in px of a page, from its upper left corner."""

Quadrilateral = tuple[Point, Point, Point, Point]
"""Upper left, upper right, lower right and lower left corner as the text runs, whichever way it lies."""

WIDE_GAP = 0.6
"""Heights of their boxes between two lines of a row from which they are columns rather than words."""


@dataclass(frozen=True, slots=True)
class PageLine:
    """A line of a page: where it stands and what was read there."""

    box: Quadrilateral
    prediction: Prediction
    """Its spans are in px of the straightened line, which is `length` px long."""
    length: float
    row: int
    """Lines side by side, such as an item and its price, have the same one; counted from 0 over the page."""
    block: int
    """The column or the run of rows it belongs to, from 0 in reading order."""
    stacked: bool = False
    """Its symbols stand upright one below the other, from the upper edge of the box to the lower one."""

    def span_box(self, start: float, end: float) -> Quadrilateral:
        """The part of the box from `start` to `end`, px along the line as in `CharacterSpan`."""
        upper_left, upper_right, lower_right, lower_left = self.box
        a, b = start / self.length, end / self.length
        if self.stacked:
            return (
                _between(upper_left, lower_left, a),
                _between(upper_right, lower_right, a),
                _between(upper_right, lower_right, b),
                _between(upper_left, lower_left, b),
            )
        return (
            _between(upper_left, upper_right, a),
            _between(upper_left, upper_right, b),
            _between(lower_left, lower_right, b),
            _between(lower_left, lower_right, a),
        )

    @property
    def height(self) -> float:
        """Px from the upper to the lower edge as the text runs; the width of a stacked line."""
        a, b = (self.box[0], self.box[1]) if self.stacked else (self.box[0], self.box[3])
        return math.dist(a, b)

    def words(self) -> Iterator[tuple[CharacterSpan, ...]]:
        """Its symbols, parted at spaces, which are left out."""
        for is_space, spans in itertools.groupby(
            self.prediction.characters, lambda span: span.symbol.isspace()
        ):
            if not is_space:
                yield tuple(spans)

    def to_json(self) -> dict[str, object]:
        """Text, confidence, box and characters with boxes; px of the page."""
        return {
            "text": self.prediction.text,
            "confidence": round(self.prediction.confidence, 6),
            "box": _rounded(self.box),
            "row": self.row,
            "block": self.block,
            "stacked": self.stacked,
            "characters": [
                {
                    "symbol": span.symbol,
                    "confidence": round(span.confidence, 6),
                    "box": _rounded(self.span_box(span.start, span.end)),
                }
                for span in self.prediction.characters
            ],
        }


@dataclass(frozen=True, slots=True)
class Page:
    """What was read on a page. All places are in px of the image as it was given."""

    width: int
    height: int
    angle: Literal[0, 90, 180, 270]
    """Degrees to turn the image clockwise by so that it stands upright."""
    lines: tuple[PageLine, ...]
    """In reading order."""
    unread: tuple[Quadrilateral, ...] = ()
    """What looked like lines of text, but gave no symbol."""

    def rows(self) -> list[tuple[PageLine, ...]]:
        """The lines in reading order, those side by side together, from left to right."""
        return [tuple(lines) for _, lines in itertools.groupby(self.lines, lambda line: line.row)]

    @property
    def text(self) -> str:
        """A row for each line of text, without a line break at the end.

        Parts of a row stand apart by a space, or by a tab where the page has a gap of a line height or more.
        """
        return "\n".join(map(_row_text, self.rows()))

    @property
    def confidence(self) -> float:
        """As `Prediction.confidence`, over the symbols of all lines; 0 without any."""
        symbols = tuple(span for line in self.lines for span in line.prediction.characters)
        return Prediction.from_characters(symbols).confidence

    def to_json(self) -> dict[str, object]:
        """The whole page as JSON's types."""
        return {
            "width": self.width,
            "height": self.height,
            "angle": self.angle,
            "text": self.text,
            "confidence": round(self.confidence, 6),
            "lines": [line.to_json() for line in self.lines],
            "unread": [_rounded(box) for box in self.unread],
        }


def row_cells(row: tuple[PageLine, ...]) -> list[str]:
    """The texts of a row, parted where the page has a gap of `WIDE_GAP` line heights or more."""
    cells = [row[0].prediction.text]
    for left, right in itertools.pairwise(row):
        gap = math.dist(_middle(left.box[1], left.box[2]), _middle(right.box[0], right.box[3]))
        if gap < WIDE_GAP * max(left.height, right.height):
            cells[-1] += f" {right.prediction.text}"
        else:
            cells.append(right.prediction.text)
    return cells


def _row_text(row: tuple[PageLine, ...]) -> str:
    return "\t".join(row_cells(row))


def _between(a: Point, b: Point, part: float) -> Point:
    return a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part


def _middle(a: Point, b: Point) -> Point:
    return _between(a, b, 0.5)


def _rounded(box: Quadrilateral) -> list[list[float]]:
    return [[round(x, 1), round(y, 1)] for x, y in box]
