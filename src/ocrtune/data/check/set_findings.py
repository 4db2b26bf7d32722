"""Findings that need all lines at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ocrtune.data.check.finding import BY_HAND, FIX, Finding, Severity
from ocrtune.data.check.gathering import SetFacts, groups_of

EXPECTED_EXACT = 0.9
"""Exact match at which a validation set is judged: lower ones need more lines, up to 2.8 times at 0.5."""

CONFIDENCE = 1.96
"""Standard deviations of a 95 % interval."""


@dataclass(frozen=True, slots=True)
class Hit:
    """What a check of the set found."""

    line: int | None
    """Number of the line in its `LineSet`; None where it is about the set."""
    detail: str


def _conflicting_labels(facts: SetFacts) -> Iterator[Hit]:
    for members in groups_of(facts.table["content"]):
        if len(set(facts.table["text"][members].tolist())) < 2:
            continue
        first, *others = members.tolist()
        for line, other in [(first, others[0]), *((line, first) for line in others)]:
            yield Hit(line, f"{_text(facts, line)}, but {_text(facts, other)} in {_source(facts, other)}")


def _copies_within(facts: SetFacts) -> Iterator[Hit]:
    return _hits(facts, facts.exact_copies, across=False)


def _copies_across(facts: SetFacts) -> Iterator[Hit]:
    return _hits(facts, facts.exact_copies, across=True)


def _near_copies_within(facts: SetFacts) -> Iterator[Hit]:
    return _hits(facts, facts.near_copies, across=False)


def _near_copies_across(facts: SetFacts) -> Iterator[Hit]:
    return _hits(facts, facts.near_copies, across=True)


def _hits(facts: SetFacts, pairs: list[tuple[int, int]], *, across: bool) -> Iterator[Hit]:
    border = facts.lines.train_lines
    for earlier, later in pairs:
        if (earlier < border <= later) is across:
            yield Hit(later, f"{_text(facts, later)} as in {_source(facts, earlier)}")


def _rare_symbols(facts: SetFacts) -> Iterator[Hit]:
    for symbol, (count, first) in sorted(facts.train_symbols.items(), key=lambda item: item[1]):
        if count < facts.rare:
            times = "once" if count == 1 else f"in {count} lines"
            yield Hit(first, f"{symbol!r} (U+{ord(symbol):04X}) {times}: {_text(facts, first)}")


def _unseen_symbols(facts: SetFacts) -> Iterator[Hit]:
    for symbol, (count, first) in facts.val_symbols.items():
        if symbol not in facts.train_symbols:
            times = "1 line" if count == 1 else f"{count} lines"
            yield Hit(first, f"{symbol!r} (U+{ord(symbol):04X}) in {times} of --val: {_text(facts, first)}")


def _small_validation(facts: SetFacts) -> Iterator[Hit]:
    lines = len(facts.lines) - facts.lines.train_lines
    if not lines:
        return
    variance = EXPECTED_EXACT * (1 - EXPECTED_EXACT)
    needed = math.ceil(variance * (CONFIDENCE / facts.difference) ** 2)
    if lines < needed:
        shown = CONFIDENCE * math.sqrt(variance / lines)
        yield Hit(
            None,
            f"of {lines} lines, exact match is known to ±{shown:.1%} (95 %, where {EXPECTED_EXACT:.0%} are "
            f"right); ±{facts.difference:.1%} takes {needed:,}",
        )


SET_FINDINGS: tuple[Finding[SetFacts, Iterator[Hit]], ...] = (
    Finding(
        "conflicting labels",
        Severity.UNUSABLE,
        "the same image with different labels: one of them is wrong",
        BY_HAND,
        _conflicting_labels,
    ),
    Finding(
        "in train and validation",
        Severity.UNUSABLE,
        "image and label of a validation line are trained on too: the score will look better than it is",
        "take the lines out of one of the two: --json audit.json lists them",
        _copies_across,
    ),
    Finding(
        "nearly in train and validation",
        Severity.SUSPICIOUS,
        "a validation line shows the print of a training line, saved or cut out anew",
        "look at them, and take copies out of one of the two: --json audit.json lists them",
        _near_copies_across,
    ),
    Finding(
        "duplicate",
        Severity.SUSPICIOUS,
        "the same pixels and text again: counts double",
        FIX,
        _copies_within,
    ),
    Finding(
        "near-duplicate",
        Severity.SUSPICIOUS,
        "the same print and text again, saved or cut out anew: counts double",
        BY_HAND,
        _near_copies_within,
    ),
    Finding(
        "rare symbol",
        Severity.SUSPICIOUS,
        "too few lines to learn it from, or a slip of the keyboard",
        "add lines with it (ocrtune synth draws them), or correct the label",
        _rare_symbols,
        unit="symbol",
    ),
    Finding(
        "symbol only in validation",
        Severity.SUSPICIOUS,
        "measured, but never trained on",
        "add lines with it to the training set",
        _unseen_symbols,
        unit="symbol",
    ),
    Finding(
        "small validation set",
        Severity.SUSPICIOUS,
        "too few lines to show the difference that is asked for (--difference)",
        "move whole pages from train to validation, or label more",
        _small_validation,
        unit="set",
    ),
)


def _text(facts: SetFacts, line: int) -> str:
    return repr(facts.lines.entry(line).text)


def _source(facts: SetFacts, line: int) -> str:
    return facts.lines.entry(line).source
