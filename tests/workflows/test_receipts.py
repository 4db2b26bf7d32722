"""The quickstart's lines are honest: words and fonts of the test are never trained on."""

from __future__ import annotations

import string
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.records import LineSample
from ocrtune.synth.fonts import Font
from ocrtune.workflows import receipts
from ocrtune.workflows.receipts import (
    KEPT_BACK_WORDS,
    TEST_FAMILY,
    FixedText,
    ReceiptTexts,
    choose_fonts,
    make_dataset,
    read_words,
    receipt_lines,
    split_words,
    symbols_of,
    write_lines,
)


@pytest.fixture(scope="module")
def fonts() -> tuple[tuple[Font, ...], tuple[Font, ...]]:
    return choose_fonts(symbols_of(read_words()))


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


def test_test_fonts_share_no_family_with_training_fonts(
    fonts: tuple[tuple[Font, ...], tuple[Font, ...]],
) -> None:
    train, test = fonts
    assert {font.family for font in test} == {TEST_FAMILY}
    assert TEST_FAMILY not in {font.family for font in train}
    assert {"DejaVu Sans", "DejaVu Sans Mono", "DejaVu Serif"} <= {font.family for font in train}
    assert len({font.name for font in train}) == len(train)


def test_a_matplotlib_without_its_fonts_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(receipts, "matplotlib_font_folder", lambda: tmp_path)
    with pytest.raises(InputError, match="lacks its text fonts; reinstall matplotlib"):
        choose_fonts("ab")


def test_texts_are_a_word_or_a_word_and_a_price() -> None:
    draw = ReceiptTexts(("brød",))
    texts = [draw(np.random.default_rng(seed)) for seed in range(200)]
    words, _, prices = zip(*(text.partition(" ") for text in texts), strict=True)
    assert set(words) == {"brød", "Brød", "BRØD"}
    assert 30 <= prices.count("") <= 70  # a quarter of 200
    amounts = [price.split(",") for price in prices if price]
    assert {oere for _, oere in amounts} == {"00", "50", "90"}
    assert all(3 <= int(kroner) < 300 for kroner, _ in amounts)


def test_kept_back_words_are_drawn_with_the_wear_of_the_training_lines(
    fonts: tuple[tuple[Font, ...], tuple[Font, ...]],
) -> None:
    train = receipt_lines(ReceiptTexts(read_words()), fonts[0], 1)
    kept = receipt_lines(FixedText("rosenborg"), fonts[1], 2)
    assert (kept.wear, kept.size, kept.word_spacing) == (train.wear, train.size, train.word_spacing)
    assert kept.line(0).text == "rosenborg"


def test_dataset_files_hold_the_lines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(receipts, "TRAIN_LINES", 12)
    monkeypatch.setattr(receipts, "TEST_LINES", 3)
    names = make_dataset(tmp_path / "dataset")
    assert set(names.test) == {
        f"STIXGeneral {style}" for style in ("Bold", "Bold Italic", "Italic", "Regular")
    }
    for name, count in (("train", 12), ("test", 3), ("words", 4)):
        folder = tmp_path / "dataset" / name
        assert {path.name for path in folder.iterdir()} == {"images", "labels.txt"}
        rows = [line.split("\t") for line in (folder / "labels.txt").read_text("utf-8").splitlines()]
        assert [path for path, _ in rows] == [f"images/{i:06d}.png" for i in range(count)]
        assert len(list((folder / "images").iterdir())) == count
    assert tuple(text for _, text in rows) == KEPT_BACK_WORDS


def test_written_images_are_lossless(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 20), np.uint8)
    write_lines(tmp_path / "d", [LineSample(image, "æ 1", "000000", "")])
    assert np.array_equal(cv2.imread(str(tmp_path / "d/images/000000.png"), cv2.IMREAD_UNCHANGED), image)
    assert (tmp_path / "d/labels.txt").read_bytes() == "images/000000.png\tæ 1\n".encode()


def test_a_refusing_disk_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "d").write_text("a file stands where the folder should be")
    with pytest.raises(InputError, match=r"cannot write .*d: .*; free space and run again"):
        write_lines(tmp_path / "d", [])
