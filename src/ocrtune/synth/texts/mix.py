"""Several sources as one: at any point each has had its share of the lines, to within one line or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite, lcm

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.texts.source import TextSource


@dataclass(frozen=True, slots=True)
class _Fork:
    """Splits consecutive lines in two: the left side gets `left_weight` of `weight`, spread evenly."""

    left: _Fork | TextSource
    right: _Fork | TextSource
    left_weight: int
    weight: int


@dataclass(frozen=True, slots=True)
class Mix:
    """Interleaves sources by weight; each is asked for its own lines from 0 on.

    Nothing is drawn and nothing remembered. Of the first n lines at a fork, round(n w / W) went left. So two
    to four sources are within one line of their share, up to sixteen within two.
    """

    root: _Fork | TextSource

    @classmethod
    def of(cls, sources: Sequence[TextSource], weights: Sequence[float]) -> Mix:
        """Mix `sources`; weights 2 and 1 give two lines of the first to one of the second.

        Raises:
            InputError: no source, or a weight that is not a number above 0.
        """
        if not sources:
            raise InputError("a mix needs at least one text source")
        for weight in weights:
            if not (isfinite(weight) and weight > 0):
                raise InputError(f"the weight {weight:g} of a text source is not a number above 0")
        # Through the decimal as written: 0.1 and 0.3 are then exactly 1 to 3.
        exact = [Fraction(str(weight)) for weight in weights]
        unit = lcm(*(fraction.denominator for fraction in exact))
        return cls(_fork(list(sources), [int(fraction * unit) for fraction in exact]))

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`."""
        node = self.root
        while isinstance(node, _Fork):
            scaled = index * node.left_weight + node.weight // 2
            before = scaled // node.weight
            if (scaled + node.left_weight) // node.weight > before:
                node, index = node.left, before
            else:
                node, index = node.right, index - before
        return node.text(index, rng)


def _fork(sources: list[TextSource], weights: list[int]) -> _Fork | TextSource:
    """A balanced tree: a choice among a hundred sources takes seven steps."""
    if len(sources) == 1:
        return sources[0]
    middle = len(sources) // 2
    left, right = _fork(sources[:middle], weights[:middle]), _fork(sources[middle:], weights[middle:])
    return _Fork(left, right, sum(weights[:middle]), sum(weights))
