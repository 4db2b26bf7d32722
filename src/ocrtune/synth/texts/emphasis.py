"""More of what fails: of a few candidate texts, the one with most badly read symbols."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.texts.source import TextSource

REPORT_LIMIT = 2**28
"""Bytes of a report; it lists every misread line."""

_DOUBT = 2
"""Added to each count: a symbol missed once in its single appearance counts a third, not all."""


@dataclass(frozen=True, slots=True)
class Emphasis:
    """Asks a source for several texts per line and takes the one whose symbols are missed most, in sum.

    A list's strings are all candidates in each of its passes, but no longer lines as often as each other.
    """

    source: TextSource
    miss_rate: Mapping[str, float]
    """Symbol to the share of its appearances that are misread, 0..1; 0 for those not named."""
    candidates: int

    def __post_init__(self) -> None:
        if self.candidates < 2:
            raise InputError(f"emphasis chooses among at least 2 candidates, not {self.candidates}")

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`."""
        first = index * self.candidates
        texts = [self.source.text(first + i, rng) for i in range(self.candidates)]
        rate = self.miss_rate.get
        return max(texts, key=lambda text: sum(rate(symbol, 0.0) for symbol in text))


def read_miss_rates(path: Path) -> dict[str, float]:
    """Miss rates of the symbols in a report that `ocrtune eval --json` wrote, damped where counts are low.

    Of a report that ignored case both cases of a letter have its rate.

    Raises:
        InputError: it cannot be read, is not such a report, or no symbol of it was misread.
    """
    try:
        if path.stat().st_size > REPORT_LIMIT:
            raise InputError(f"{path} is over {REPORT_LIMIT >> 20} MiB: not a report")
        content: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read the report {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}; give what `ocrtune eval --json` wrote") from error
    symbols = content.get("symbols") if isinstance(content, dict) else None
    if not isinstance(symbols, dict):
        raise InputError(f"{path} has no recall of symbols; give what `ocrtune eval --json` wrote")
    rates: dict[str, float] = {}
    for symbol, figures in symbols.items():
        recall, count = _figures(path, symbol, figures)
        rate = (1 - recall) * count / (count + _DOUBT)
        rates[symbol] = rate
        if content.get("ignore_case") is True:
            rates[symbol.lower()] = rate
    if not any(rates.values()):
        raise InputError(f"{path}: every symbol was read; there is nothing to emphasise")
    return rates


def _figures(path: Path, symbol: str, figures: Any) -> tuple[float, int]:
    recall, count = (
        (figures.get("recall"), figures.get("count")) if isinstance(figures, dict) else (None, None)
    )
    # `<=` is also false for NaN.
    if isinstance(recall, int | float) and 0 <= recall <= 1 and isinstance(count, int) and count > 0:
        return float(recall), count
    raise InputError(f"{path}: the symbol {symbol!r} needs a recall of 0 to 1 and a count; measure again")
