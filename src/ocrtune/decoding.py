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

LayoutKind = Literal["ctc", "attention"]
"""How a network's classes become a text: by merging runs, or one by one until the end."""


@dataclass(frozen=True, slots=True)
class ClassLayout:
    """Which class of the network means what.

    CTC: class 0 is the blank, class i + 1 symbol i. Attention: class 0 is the start, which the decoder is
    fed before the first symbol and never has to emit, class 1 the end, class i + 2 symbol i; so they are
    numbered in deep-text-recognition-benchmark, as `[GO]` and `[s]`.
    """

    kind: LayoutKind = "ctc"

    @property
    def specials(self) -> int:
        """Number of classes before the first symbol."""
        return 1 if self.kind == "ctc" else 2

    @property
    def blank(self) -> int:
        """Class of the CTC blank."""
        return 0

    @property
    def start(self) -> int:
        """Class that an attention decoder is fed first."""
        return 0

    @property
    def end(self) -> int:
        """Class that an attention decoder emits after the last symbol."""
        return 1

    def num_classes(self, charset: Charset) -> int:
        """C for a charset."""
        return len(charset) + self.specials

    def to_classes(self, symbols: Sequence[int]) -> list[int]:
        """Symbol indices to classes."""
        return [symbol + self.specials for symbol in symbols]

    def to_symbol(self, class_index: int) -> int:
        """Class to symbol index; not for the special classes."""
        return class_index - self.specials

    def steps_needed(self, classes: Sequence[int]) -> int:
        """Fewest steps that can emit `classes`."""
        return ctc_steps_needed(classes) if self.kind == "ctc" else len(classes) + 1

    def emitted(self, best: npt.NDArray[np.int64]) -> list[int]:
        """Classes of the symbols that the best class of each step, (T,), spells."""
        if self.kind == "ctc":
            return [int(c) for c in best[(np.diff(best, prepend=-1) != 0) & (best != self.blank)]]
        steps = symbol_steps(best, self)
        return [int(c) for c in best[steps]]


CTC, ATTENTION = ClassLayout("ctc"), ClassLayout("attention")


def symbol_steps(best: npt.NDArray[np.int64], layout: ClassLayout) -> npt.NDArray[np.int64]:
    """Steps of an attention decoder that emit a symbol: before the end, without any start."""
    ends = np.flatnonzero(best == layout.end)
    before_end = best[: ends[0]] if len(ends) else best
    return np.flatnonzero(before_end != layout.start)


UNKNOWN = -1
"""Stands for a symbol of a label that the network has no class for."""


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


def decode_attention(
    probabilities: npt.NDArray[np.float32],
    charset: Charset,
    layout: ClassLayout,
    widths: Sequence[int],
) -> list[Prediction]:
    """Text of an attention decoder: the best class of each step up to the end.

    Args:
        probabilities: (N, S, C) after softmax, 0..1; each step was fed the best class of the one before.
        charset: gives the symbols of the classes.
        layout: where start and end are.
        widths: (N,) px, width of each image as given. The decoder does not tell where it looked, so every
            symbol's span is the whole line.
    """
    predictions = []
    for line, best in enumerate(probabilities.argmax(axis=2)):
        characters = tuple(
            CharacterSpan(
                symbol=charset.symbols[layout.to_symbol(int(best[step]))],
                confidence=float(probabilities[line, step, best[step]]),
                start=0.0,
                end=float(widths[line]),
            )
            for step in symbol_steps(best, layout)
        )
        ends = np.flatnonzero(best == layout.end)
        # A text that is cut off where the steps end was never finished: the doubt is the end's.
        step = int(ends[0]) if len(ends) else len(best) - 1
        end = float(probabilities[line, step, layout.end])
        predictions.append(Prediction.from_characters(characters, end=end))
    return predictions


def decode_best(
    probabilities: npt.NDArray[np.float32],
    charset: Charset,
    layout: ClassLayout,
    px_per_step: Sequence[float],
    widths: Sequence[int],
) -> list[Prediction]:
    """The text of each line by its layout: `decode_ctc` or `decode_attention`."""
    if layout.kind == "ctc":
        return decode_ctc(probabilities, charset, layout, px_per_step, widths)
    return decode_attention(probabilities, charset, layout, widths)


def ctc_log_probabilities(
    probabilities: npt.NDArray[np.float32], labels: Sequence[Sequence[int]], layout: ClassLayout
) -> npt.NDArray[np.float64]:
    """Log probability of a label on each line, over all its alignments (Graves et al. 2006, eq. 6 to 8).

    Args:
        probabilities: (N, T, C) after softmax, 0..1.
        labels: classes of each line's label, none of them the blank; `UNKNOWN` is taken for whatever
            symbol a step shows, so that it speaks neither for the label nor against it.
        layout: where the blank is.

    Returns:
        (N,) in nats; -inf where the label does not fit into T steps.
    """
    lines, steps, _ = probabilities.shape
    lengths = np.array([len(label) for label in labels])
    width = 2 * int(lengths.max(initial=0)) + 1
    states = np.full((lines, width), layout.blank)  # blanks around each symbol
    for row, label in zip(states, labels, strict=True):
        row[1 : 2 * len(label) : 2] = label
    # A symbol may follow the one before without a blank between, if they differ.
    may_skip = np.zeros((lines, width), bool)
    may_skip[:, 3::2] = (states[:, 3::2] != states[:, 1:-2:2]) | (states[:, 3::2] == UNKNOWN)
    emitted = np.take_along_axis(probabilities, np.maximum(states, 0)[:, None, :], axis=2)  # (N, T, S)
    if (states == UNKNOWN).any():
        symbols = np.delete(probabilities, layout.blank, axis=2).max(axis=2)  # (N, T)
        emitted = np.where((states == UNKNOWN)[:, None, :], symbols[:, :, None], emitted)
    with np.errstate(divide="ignore"):
        log_emitted = np.log(emitted.astype(np.float64))
    forward = np.full((lines, width), -np.inf)
    forward[:, :2] = log_emitted[:, 0, :2]
    for step in range(1, steps):
        previous = forward
        forward = previous.copy()
        forward[:, 1:] = np.logaddexp(previous[:, 1:], previous[:, :-1])
        skipped = np.where(may_skip[:, 2:], previous[:, :-2], -np.inf)
        forward[:, 2:] = np.logaddexp(forward[:, 2:], skipped)
        forward += log_emitted[:, step]
    rows = np.arange(lines)
    ends = forward[rows, 2 * lengths]
    symbol_ends = np.where(lengths > 0, forward[rows, np.maximum(2 * lengths - 1, 0)], -np.inf)
    return np.asarray(np.logaddexp(ends, symbol_ends), np.float64)


def join_cases(
    probabilities: npt.NDArray[np.float32], charset: Charset, layout: ClassLayout
) -> npt.NDArray[np.float32]:
    """Give each capital the probability of its small letter too, which keeps none: (N, T, C) as given.

    Letters that the charset has in one case only stay as they are.
    """
    index = {symbol: i for i, symbol in enumerate(charset.symbols)}
    capitals: dict[
        int, list[int]
    ] = {}  # class to the classes of its small letters: of K, k and the sign U+212A
    for symbol, i in index.items():
        capital = index.get(symbol.upper(), i)
        if capital != i:
            small_class, capital_class = layout.to_classes((i, capital))
            capitals.setdefault(capital_class, []).append(small_class)
    joined = probabilities.copy()
    for looks in itertools.zip_longest(*capitals.values()):
        of = [capital for capital, look in zip(capitals, looks, strict=True) if look is not None]
        small = [look for look in looks if look is not None]
        joined[:, :, of] += probabilities[:, :, small]
        joined[:, :, small] = 0
    return joined
