"""Metrics worked out by hand."""

from __future__ import annotations

import pytest

from ocrtune.evaluate.metrics import SymbolRecall, comparable, measure

TABLE = [
    # pairs, exact, exact without spaces, CER, WER
    ([("abc", "abc")], 1, 1, 0, 0),
    ([("abc", "abd")], 0, 0, 1 / 3, 1),  # one replaced
    ([("abc", "")], 0, 0, 1, 1),  # nothing read
    ([("ab", "abab")], 0, 0, 1, 1),  # two too many
    ([("a", "abcd")], 0, 0, 3, 1),  # an error rate may exceed 1
    ([("a b c", "abc")], 0, 1, 2 / 5, 1),  # spaces count in CER; 3 words against 1: 3 edits
    ([("a b c", "a x c")], 0, 0, 1 / 5, 1 / 3),
    ([("aaaaaaaaa", "aaaaaaaaa"), ("b", "c")], 1 / 2, 1 / 2, 1 / 10, 1 / 2),  # over the set, not per line
    ([("a  b\t", " a b")], 1, 1, 0, 0),  # runs of white space are one, ends are stripped
    ([("a\u3000b", "a b")], 1, 1, 0, 0),  # the ideographic space is white space
    ([("\u00e5", "a\u030a")], 1, 1, 0, 0),  # å as one code point and as two
    ([("漢字", "漢子")], 0, 0, 1 / 2, 1),
    ([("ABC", "abc")], 0, 0, 1, 1),  # case counts unless told otherwise
    ([("", ""), ("ab", "ab")], 1, 1, 0, 0),  # an empty truth is a line like others
    ([("", "x"), ("ab", "ab")], 1 / 2, 1 / 2, 1 / 2, 1),  # what was read on it is an edit
    ([("", "")], 1, 1, 0, 0),  # no symbols at all: 0 where nothing was read,
    ([("", "xyz")], 0, 0, 1, 1),  # else 1
]


@pytest.mark.parametrize(("pairs", "exact", "exact_no_space", "cer", "wer"), TABLE)
def test_metrics_by_hand(
    pairs: list[tuple[str, str]], exact: float, exact_no_space: float, cer: float, wer: float
) -> None:
    metrics = measure(pairs)
    assert metrics.lines == len(pairs)
    assert metrics.exact_match == pytest.approx(exact)
    assert metrics.exact_match_no_space == pytest.approx(exact_no_space)
    assert metrics.cer == pytest.approx(cer)
    assert metrics.wer == pytest.approx(wer)


def test_ignoring_case_compares_upper_case() -> None:
    assert measure([("ABC", "abc"), ("STRASSE", "Straße")], ignore_case=True).exact_match == 1
    assert comparable("é ", ignore_case=True) == "É"


def test_recall_counts_what_was_missed_or_replaced() -> None:
    """ "abba" read "aba": one b missed; "bo" read "b0x": o replaced, the extra x charges no symbol."""
    metrics = measure([("abba", "aba"), ("bo", "b0x"), ("a b", "a b")])
    assert metrics.symbols == {"a": SymbolRecall(3, 3), "b": SymbolRecall(4, 3), "o": SymbolRecall(1, 0)}
    assert metrics.symbols["b"].recall == 0.75


def test_the_weakest_symbols_are_those_missed_most_often() -> None:
    """Two of a hundred missed costs more than one of one."""
    pairs = [("a" * 100, "a" * 98), ("b", "x"), ("c", "c")]
    assert [symbol for symbol, _ in measure(pairs).weakest_symbols(5)] == ["a", "b"]
    assert [symbol for symbol, _ in measure(pairs).weakest_symbols(1)] == ["a"]


def test_no_lines_are_no_measurement() -> None:
    with pytest.raises(ValueError, match="no lines"):
        measure([])
