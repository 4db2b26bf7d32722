"""Lines with rare symbols are visited more often, so that each symbol is seen often enough to be learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

MOST = 10.0
"""Times as often as it would be, at most: a line that comes in every tenth batch is learned by heart."""


def raised_weights(texts: Sequence[str], weights: Sequence[float], minimum: int) -> tuple[float, ...]:
    """Weights with which every symbol comes `minimum` times in an epoch, as far as `MOST` allows.

    Args:
        texts: of the lines.
        weights: visits of each in an epoch.
        minimum: appearances of each symbol in an epoch.
    """
    seen: Counter[str] = Counter()
    for text, weight in zip(texts, weights, strict=True):
        for symbol in text:
            seen[symbol] += weight  # type: ignore[assignment]  # a Counter of visits, which may be fractions
    factors = {symbol: min(MOST, minimum / count) for symbol, count in seen.items() if count < minimum}
    return tuple(
        weight * max((factors.get(symbol, 1.0) for symbol in set(text)), default=1.0)
        for text, weight in zip(texts, weights, strict=True)
    )
