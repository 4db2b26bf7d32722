"""How often each line comes, epoch by epoch: made lines early, so that a run ends on real ones.

What a network reads last, at a falling rate, is what it keeps. Labels of real lines have habits that no
recipe knows, as in what they write for an underline or a struck word; made lines until the end dilute those
(decision 0018).
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

WITHOUT_MADE = 0.25
"""Share of the epochs at the end of a run in which lines that fade do not come."""

SHOWN_ENOUGH = 10
"""Real lines that show a symbol, so that made ones need not go on teaching it."""


@dataclass(frozen=True)
class Visits:
    """Visits of each line of a run."""

    weights: Sequence[float]
    """Visits of each line in an epoch, as a mean over the run."""
    fading: Sequence[bool] = ()
    """Whether they fall from epoch to epoch, to none at the end; none do if it is empty."""
    epochs: int = 1

    def of_epoch(self, epoch: int) -> npt.NDArray[np.float64]:
        """Visits of each line in one epoch: (N,), fractions are to be drawn."""
        weights = self._weights
        if not len(self.fading):
            return weights
        return np.where(self.fading, share_in_epoch(epoch, self.epochs) * weights, weights)

    @cached_property
    def _weights(self) -> npt.NDArray[np.float64]:
        return np.array(self.weights, np.float64)

    @cached_property
    def parts(self) -> tuple[float, float]:
        """Visits in an epoch, as a mean over the run: of all lines that do not fade, and of those that do."""
        fading = sum(itertools.compress(self.weights, self.fading))
        return sum(self.weights) - fading, fading

    @cached_property
    def _ends(self) -> npt.NDArray[np.float64]:
        steady, fading = self.parts
        shares = [share_in_epoch(epoch, self.epochs) for epoch in range(self.epochs)]
        return np.cumsum([0.0, *(steady + share * fading for share in shares)])

    def begun(self, epoch: int) -> float:
        """Visits of all lines before an epoch begins, on average."""
        return float(self._ends[min(epoch, self.epochs)])

    def epochs_of(self, visits: float) -> float:
        """How many epochs so many visits are."""
        return float(np.interp(visits, self._ends, np.arange(self.epochs + 1)))


def share_in_epoch(epoch: int, epochs: int) -> float:
    """Visits of a fading line in an epoch over those that it has on average: falls in equal steps.

    Args:
        epoch: from 0.
        epochs: of the run; a run of one has nothing to fall in.
    """
    if epochs == 1:
        return 1.0
    last = epochs - math.ceil(WITHOUT_MADE * epochs)  # the first epoch without
    return epochs * max(0, last - epoch) / (last * (last + 1) / 2)


def which_fade(sets: Iterable[tuple[bool, Sequence[str]]]) -> list[bool]:
    """Which lines fade: made ones beside real ones, but for those that show what real ones hardly do.

    Args:
        sets: of lines, one after another: whether they are made, and their texts.
    """
    sets = list(sets)
    if len({is_made for is_made, _ in sets}) < 2:
        return [False for _, texts in sets for _ in texts]
    shown: Counter[str] = Counter()
    for is_made, texts in sets:
        if not is_made:
            shown.update(symbol for text in texts for symbol in set(text))
    taught = {symbol for symbol, lines in shown.items() if lines >= SHOWN_ENOUGH}
    return [is_made and taught.issuperset(text) for is_made, texts in sets for text in texts]
