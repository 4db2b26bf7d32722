"""Running text becomes lines of the wanted length: nothing added, nothing lost without a count."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrtune.errors import InputError
from ocrtune.synth.texts import text_file
from ocrtune.synth.texts.corpus import cut, read_corpus
from ocrtune.synth.texts.labels import Fault, is_attached


@given(
    st.lists(st.text("abc日本\u0301", min_size=1, max_size=30), min_size=1, max_size=20),
    st.integers(1, 20),
    st.integers(0, 10),
    st.integers(0, 99),
)
def test_lines_are_the_paragraph_and_of_the_wanted_length(
    words: list[str], low: int, more: int, seed: int
) -> None:
    paragraph, high = " ".join(words), low + more
    lines = list(cut(paragraph, (low, high), np.random.default_rng(seed)))
    assert "".join(lines).replace(" ", "") == paragraph.replace(" ", "")
    assert all(low - 1 <= len(line) <= high for line in lines[:-1])
    assert 1 <= len(lines[-1]) <= high
    assert all(line == line.strip() for line in lines)


def test_words_stay_whole_where_they_fit() -> None:
    words = [f"ord{i}" for i in range(100)]
    lines = list(cut(" ".join(words), (8, 20), np.random.default_rng(0)))
    assert " ".join(lines).split() == words
    assert all(8 <= len(line) <= 20 for line in lines)
    assert len({len(line) for line in lines}) > 3


def test_a_script_without_spaces_is_cut_anywhere_but_before_a_mark() -> None:
    paragraph = "ภาษาไทยมีวรรณยุกต์และสระที่อยู่เหนือพยัญชนะ" * 4
    lines = list(cut(paragraph, (5, 9), np.random.default_rng(0)))
    assert "".join(lines) == paragraph
    assert not any(is_attached(line[0]) for line in lines)
    assert {len(line) for line in lines[:-1]} == {5, 6, 7, 8, 9}


def test_a_corpus_may_be_a_single_endless_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_file, "LINE_LIMIT", 100)
    words = [f"ord{i}" for i in range(100, 300)]
    path = tmp_path / "x.txt"
    path.write_text(" ".join(words))
    corpus = read_corpus(path, (1, 30), seed=0)
    assert "".join(corpus.strings).replace(" ", "") == "".join(words)
    assert corpus.left_out == ()


def test_a_file_of_paragraphs(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text(
        "En lang  setning\tom melk, ost og brød.\nkort\n\nEn lang setning om melk, ost og brød.\n", "utf-8"
    )
    corpus = read_corpus(path, (10, 20), seed=4)
    assert all(10 <= len(line) <= 20 for line in corpus.strings)
    assert "  " not in "".join(corpus.strings)
    counts = {left.fault: left.count for left in corpus.left_out}
    assert counts[Fault.TOO_SHORT] >= 1
    assert read_corpus(path, (10, 20), seed=4) == corpus
    assert read_corpus(path, (10, 20), seed=5) != corpus


@pytest.mark.parametrize("lengths", [(0, 5), (6, 5), (1, 257)])
def test_lengths_that_cannot_be(tmp_path: Path, lengths: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=r"cannot be; give 1 to 256, low first"):
        read_corpus(tmp_path / "x.txt", lengths, seed=0)


def test_a_corpus_without_a_long_enough_line(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("too short\n")
    with pytest.raises(
        InputError, match=r"has no string to make lines of: .*x\.txt:1: too short: 'too short'"
    ):
        read_corpus(path, (20, 30), seed=0)
