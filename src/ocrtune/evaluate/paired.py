"""Two models on the same lines: what only one of them reads right, and whether that may be chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ocrtune.evaluate.evaluation import Evaluation
from ocrtune.evaluate.metrics import Metrics, comparable

SURE = 0.05
"""Of the probability below which a difference counts as one that can be seen."""


@dataclass(frozen=True, slots=True)
class Paired:
    """Two readings of the same lines."""

    name: str
    old: Metrics
    new: Metrics
    fixed: int
    """Lines that only the new model reads exactly."""
    broken: int
    """Lines that only the old model reads exactly."""

    @property
    def chance(self) -> float:
        """Probability that equally good models differ so much, either way (McNemar's test, exact)."""
        changed, fewer = self.fixed + self.broken, min(self.fixed, self.broken)
        tail = sum(math.comb(changed, k) for k in range(fewer + 1))
        return min(1.0, float(2 * tail / 2**changed))

    @property
    def is_better(self) -> bool:
        """Whether the new model is worse neither by exact match nor by CER, and better by one of them."""
        not_worse = self.fixed >= self.broken and self.new.cer <= self.old.cer
        return not_worse and (self.fixed > self.broken or self.new.cer < self.old.cer)

    @property
    def drop(self) -> float:
        """What the new model loses, a fraction: of exact match or in character errors, the larger."""
        return max(0.0, self.old.exact_match - self.new.exact_match, self.new.cer - self.old.cer)

    def summary(self) -> str:
        """On one line: the figures of both, and what their difference is worth at this number of lines."""
        old, new = self.old, self.new
        if self.chance < SURE:
            worth = f"which is hardly chance (p = {self.chance:.2g})"
        else:
            worth = f"which may be chance at this number of lines (p = {self.chance:.2g})"
        return (
            f"{self.name}: {old.lines} lines; exact match {old.exact_match:.1%} -> {new.exact_match:.1%}, "
            f"CER {old.cer:.2%} -> {new.cer:.2%}; {self.fixed} fixed, {self.broken} broken, {worth}"
        )

    def to_json(self) -> dict[str, Any]:
        """The figures as plain values; rates are fractions."""
        return {
            "data": self.name,
            "lines": self.old.lines,
            "old": self.old.rates(),
            "new": self.new.rates(),
            "fixed": self.fixed,
            "broken": self.broken,
            "chance": self.chance,
        }


def pair(name: str, old: Evaluation, new: Evaluation) -> Paired:
    """Compare two evaluations of one dataset.

    Args:
        name: what the lines are called.
        old: by one model.
        new: by the other, of the same lines.

    Raises:
        ValueError: they are of other lines.
    """
    fold = old.ignore_case
    counts = {True: 0, False: 0}  # by whether it is the new model that is right
    for before, after in zip(old.readings, new.readings, strict=True):
        if before.id != after.id:
            raise ValueError(f"evaluations of other lines: {before.id} and {after.id}")
        truth = comparable(before.truth, ignore_case=fold)
        was, now = (comparable(r.prediction.text, ignore_case=fold) == truth for r in (before, after))
        if was != now:
            counts[now] += 1
    return Paired(name, old.metrics, new.metrics, counts[True], counts[False])
