"""The report's weak symbols come more often; a report of another kind is refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.synth.texts.emphasis import Emphasis, read_miss_rates
from ocrtune.synth.texts.string_list import EachOnce

UNUSED = np.random.default_rng(0)


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_the_candidate_with_most_weak_symbols_is_taken() -> None:
    words = ("abc", "abd", "dad", "xyz")
    source = Emphasis(EachOnce(words, 0), {"d": 0.5, "a": 0.1}, candidates=4)
    assert [source.text(i, UNUSED) for i in range(3)] == ["dad"] * 3


def test_weak_symbols_become_more_frequent_and_others_stay() -> None:
    words = tuple(f"{a}{b}" for a in "abcdefghij" for b in "klmnopqrst")
    plain = EachOnce(words, 1)
    stressed = Emphasis(plain, {"a": 0.4}, candidates=3)
    counts = Counter("".join(stressed.text(i, UNUSED) for i in range(1000)))
    assert counts["a"] / 1000 == pytest.approx(1 - 0.9**3, abs=0.03)
    assert all(counts[symbol] > 30 for symbol in "bcdefghijklmnopqrst")


def test_rates_are_damped_where_a_symbol_was_rare(tmp_path: Path) -> None:
    symbols = {
        "a": {"recall": 0.0, "count": 1},
        "b": {"recall": 0.5, "count": 98},
        "c": {"recall": 1, "count": 9},
    }
    rates = read_miss_rates(write(tmp_path / "eval.json", {"symbols": symbols, "cer": 0.1}))
    assert rates == {"a": pytest.approx(1 / 3), "b": pytest.approx(0.49), "c": 0}


def test_a_report_that_ignored_case_speaks_of_both(tmp_path: Path) -> None:
    content = {
        "ignore_case": True,
        "symbols": {"Å": {"recall": 0.5, "count": 2}, "1": {"recall": 1, "count": 2}},
    }
    assert read_miss_rates(write(tmp_path / "eval.json", content)) == {"Å": 0.25, "å": 0.25, "1": 0}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON: Expecting value"),
        (b"\xff\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "has no recall of symbols; give what `ocrtune eval --json` wrote"),
        (b'{"symbols": []}', "has no recall of symbols"),
        (b'{"symbols": {"a": 1}}', "the symbol 'a' needs a recall of 0 to 1 and a count; measure again"),
        (b'{"symbols": {"a": {"recall": 2, "count": 3}}}', "the symbol 'a' needs a recall"),
        (b'{"symbols": {"a": {"recall": NaN, "count": 3}}}', "the symbol 'a' needs a recall"),
        (b'{"symbols": {"a": {"recall": 0.5}}}', "the symbol 'a' needs a recall"),
        (b'{"symbols": {"a": {"recall": 1.0, "count": 3}}}', "every symbol was read; there is nothing"),
        (b'{"symbols": {}}', "every symbol was read"),
        (None, "cannot read the report"),
    ],
)
def test_files_that_are_no_report(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "eval.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_miss_rates(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_candidate_is_no_choice() -> None:
    with pytest.raises(InputError, match="at least 2 candidates, not 1"):
        Emphasis(EachOnce(("a",), 0), {}, candidates=1)
