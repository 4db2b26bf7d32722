"""From which confidence on readings may be taken for labels, by lines whose text is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Trust:
    """A confidence, and what speaks for it."""

    confidence: float
    lines: int
    """Known lines that are read at least so surely."""
    right: int
    """Of them, those read exactly."""

    @property
    def precision(self) -> float:
        """Estimate of the share of readings that are right, from this confidence on.

        Laplace's rule of succession: few lines do not vouch for much, even if all are right.
        """
        return (self.right + 1) / (self.lines + 2)

    def to_json(self) -> dict[str, float]:
        """The fields."""
        return asdict(self)


def find_trust(judged: Sequence[tuple[float, bool]], wanted: float) -> Trust | None:
    """The lowest confidence from which on a share of at least `wanted` is right; None if there is none.

    Args:
        judged: confidence of each known line's reading, and whether it is exact.
        wanted: share, 0..1.
    """
    found = None
    right = 0
    ordered = sorted(judged, key=lambda pair: -pair[0])
    for number, (confidence, exact) in enumerate(ordered, start=1):
        right += exact
        if number < len(ordered) and ordered[number][0] == confidence:
            continue  # lines read alike come in together
        trust = Trust(confidence, number, right)
        if trust.precision >= wanted:
            found = trust
    return found
