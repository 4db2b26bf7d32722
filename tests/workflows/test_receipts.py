"""The quickstart's lines are honest: words and fonts of the test are never trained on."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from ocrtune.data.dataset import open_dataset
from ocrtune.errors import InputError
from ocrtune.workflows import receipts
from ocrtune.workflows.receipts import (
    KEPT_BACK_WORDS,
    TEST_FAMILY,
    choose_fonts,
    make_datasets,
    read_words,
    split_words,
)


def test_word_list_is_norwegian_and_without_the_kept_back_words() -> None:
    words = read_words()
    assert len(words) >= 300
    assert len(set(words)) == len(words)
    assert set("".join(words)) <= set(string.ascii_lowercase + "æøåé")
    for letter in "æøå":
        assert sum(letter in word for word in words) >= 20  # enough to learn them by
    assert not [(word, kept) for word in words for kept in KEPT_BACK_WORDS if kept in word or word == kept]


def test_test_words_are_not_training_words() -> None:
    train, test = split_words(read_words())
    assert not set(train) & set(test)
    assert {*train, *test} == set(read_words())
    assert len(test) == pytest.approx(len(train) / 4, abs=1)


def test_test_fonts_share_no_family_with_training_fonts() -> None:
    fonts = choose_fonts("æøåÆØÅ0,")
    assert {font.name for font in fonts.test} == {
        f"{TEST_FAMILY} {style}" for style in ("Bold", "Bold Italic", "Italic", "Regular")
    }
    assert {font.family for font in fonts.train} == {"DejaVu Sans", "DejaVu Sans Mono", "DejaVu Serif"}


def test_a_matplotlib_without_its_fonts_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(receipts, "matplotlib_font_folder", lambda: tmp_path)
    with pytest.raises(InputError, match="lacks its text fonts; reinstall matplotlib"):
        choose_fonts("ab")


def test_datasets_hold_words_and_prices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(receipts, "TRAIN_LINES", 80)
    monkeypatch.setattr(receipts, "TEST_LINES", 20)
    make_datasets(tmp_path)
    train_words, test_words = split_words(read_words())
    for name, count, words in (("train", 80, train_words), ("test", 20, test_words)):
        texts = [entry.text for entry in open_dataset(str(tmp_path / name)).entries]
        assert len(texts) == count
        parts = [re.fullmatch(r"(\w+)(?: (\d{1,3},\d\d))?", text) for text in texts]
        assert {part[1].lower() for part in parts if part} <= set(words)
        assert None not in parts
        assert sum(part[2] is None for part in parts if part) == count // 4
        assert any(text.isupper() for text in texts)
    kept_back = open_dataset(str(tmp_path / "words"))
    assert sorted(entry.text for entry in kept_back.entries) == sorted(KEPT_BACK_WORDS)
