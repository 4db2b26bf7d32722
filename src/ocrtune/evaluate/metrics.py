"""Metrics of readings against truths, on texts alone. All are fractions, not per cent.

Both texts are compared in one form: NFC, ends stripped, each run of white space one space.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein


@dataclass(frozen=True, slots=True)
class SymbolRecall:
    """How often one symbol of the truths was read where it stands."""

    count: int
    """Times it stands in the truths."""
    hits: int
    """Times it was read: neither missed nor replaced in the shortest edit from truth to reading."""

    @property
    def recall(self) -> float:
        """Hits / count, higher is better."""
        return self.hits / self.count


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures over a set of lines."""

    lines: int
    exact_match: float
    """Lines whose text is equal; higher is better."""
    exact_match_no_space: float
    """Lines whose text is equal when spaces are left out; higher is better."""
    cer: float
    """Character error rate: edits over symbols of the whole set, lower is better; may exceed 1."""
    wer: float
    """Word error rate: the same on words between spaces."""
    symbols: dict[str, SymbolRecall]
    """By symbol of the truths, in code point order; the space is left out."""

    def rates(self) -> dict[str, float]:
        """The figures by name, without the symbols: what a manifest or a log keeps."""
        return {
            "exact_match": self.exact_match,
            "exact_match_no_space": self.exact_match_no_space,
            "cer": self.cer,
            "wer": self.wer,
        }

    def weakest_symbols(self, n: int) -> list[tuple[str, SymbolRecall]]:
        """The `n` symbols that were missed most often, most misses first; none that was always read."""
        missed = [(s, r) for s, r in self.symbols.items() if r.hits < r.count]
        return sorted(missed, key=lambda pair: pair[1].hits - pair[1].count)[:n]


def comparable(text: str, *, ignore_case: bool = False) -> str:
    """The form in which texts are compared; labels and readings themselves stay as they are."""
    text = unicodedata.normalize("NFC", text.upper() if ignore_case else text)
    return " ".join(text.split())


def measure(pairs: Iterable[tuple[str, str]], *, ignore_case: bool = False) -> Metrics:
    """Metrics over pairs (truth, reading).

    An empty truth counts as a line, and what was read on it as edits; it adds no symbols. Where all
    truths are empty, an error rate is 0 if nothing was read at all and 1 otherwise.

    Raises:
        ValueError: no pairs.
    """
    lines = exact = exact_no_space = edits = symbols = word_edits = words = 0
    counts: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for truth, reading in pairs:
        truth, reading = (
            comparable(truth, ignore_case=ignore_case),
            comparable(reading, ignore_case=ignore_case),
        )
        truth_words = truth.split()
        lines += 1
        symbols += len(truth)
        words += len(truth_words)
        counts.update(truth)
        if truth == reading:
            exact += 1
            exact_no_space += 1
            continue
        exact_no_space += truth.replace(" ", "") == reading.replace(" ", "")
        operations = Levenshtein.editops(truth, reading)
        edits += len(operations)
        missed.update(truth[op.src_pos] for op in operations if op.tag != "insert")
        word_edits += Levenshtein.distance(truth_words, reading.split())
    if not lines:
        raise ValueError("no lines to measure")
    return Metrics(
        lines=lines,
        exact_match=exact / lines,
        exact_match_no_space=exact_no_space / lines,
        cer=_error_rate(edits, symbols),
        wer=_error_rate(word_edits, words),
        symbols={s: SymbolRecall(n, n - missed[s]) for s, n in sorted(counts.items()) if s != " "},
    )


def _error_rate(edits: int, of: int) -> float:
    return edits / of if of else float(edits > 0)
