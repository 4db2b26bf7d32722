"""From a network's output to text, on arrays. The one place where class offsets live.

Letters: N lines, T time steps, C classes (symbols plus the special classes of the layout).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ocrtune.charset import Charset
from ocrtune.records import CharacterSpan, Prediction


@dataclass(frozen=True, slots=True)
class ClassLayout:
    """Which class of the network means what. CTC: class 0 is the blank, class i + 1 symbol i."""

    kind: Literal["ctc"] = "ctc"

    @property
    def blank(self) -> int:
        """Class of the CTC blank."""
        return 0

    def num_classes(self, charset: Charset) -> int:
        """C for a charset."""
        return len(charset) + 1

    def to_classes(self, symbols: Sequence[int]) -> list[int]:
        """Symbol indices to classes."""
        return [symbol + 1 for symbol in symbols]

    def to_symbol(self, class_index: int) -> int:
        """Class to symbol index; not for the blank."""
        return class_index - 1


def ctc_steps_needed(classes: Sequence[int]) -> int:
    """Fewest time steps that can emit `classes`: a repeat needs a blank between (Graves 2006)."""
    repeats = sum(a == b for a, b in itertools.pairwise(classes))
    return len(classes) + repeats


def decode_ctc(
    probabilities: npt.NDArray[np.float32],
    charset: Charset,
    layout: ClassLayout,
    px_per_step: Sequence[float],
    widths: Sequence[int],
) -> list[Prediction]:
    """Best-path decoding (Graves et al. 2006): argmax per step, merge runs, drop blanks.

    Args:
        probabilities: (N, T, C) after softmax, 0..1.
        charset: gives the symbols of the classes.
        layout: where the blank is.
        px_per_step: (N,) px of the image as given that one step covers.
        widths: (N,) px, width of each image as given; spans end there.
    """
    best = probabilities.argmax(axis=2)  # (N, T)
    predictions = []
    for line, classes in enumerate(best):
        bounds = np.flatnonzero(np.diff(classes, prepend=-1, append=-1))  # of the runs
        characters = []
        for start, end in itertools.pairwise(bounds):
            class_index = int(classes[start])
            if class_index == layout.blank:
                continue
            characters.append(
                CharacterSpan(
                    symbol=charset.symbols[layout.to_symbol(class_index)],
                    confidence=float(probabilities[line, start:end, class_index].max()),
                    start=min(float(start) * px_per_step[line], widths[line]),
                    end=min(float(end) * px_per_step[line], widths[line]),
                )
            )
        predictions.append(Prediction.from_characters(tuple(characters)))
    return predictions
