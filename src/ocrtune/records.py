"""The records that flow between the stages: a labelled line in, a prediction out."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
    """exp(mean log p of the emitted symbols, and of the end where the network emits one), 0..1; 0 for an
    empty text."""
    characters: tuple[CharacterSpan, ...] = ()

    @classmethod
    def from_characters(cls, characters: tuple[CharacterSpan, ...], end: float | None = None) -> Prediction:
        """Join symbols into a prediction; this is the one definition of line confidence.

        Args:
            characters: that were read.
            end: probability of the end of the text, from networks that emit one.
        """
        if not characters:
            return cls(text="", confidence=0.0)
        emitted = [c.confidence for c in characters] + ([] if end is None else [end])
        mean_log = sum(math.log(max(confidence, 1e-30)) for confidence in emitted) / len(emitted)
        return cls("".join(c.symbol for c in characters), math.exp(mean_log), characters)
