"""The quickstart's material: worn Norwegian grocery-receipt lines, and the words kept back for the end."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ocrtune.errors import InputError
from ocrtune.output import write_text
from ocrtune.records import LineSample
from ocrtune.synth.degrade import Wear
from ocrtune.synth.fonts import Font, find_fonts, matplotlib_font_folder, system_font_folders
from ocrtune.synth.lines import LineGenerator, TextSource

KEPT_BACK_WORDS = ("vanskeligheter", "uvanligheter", "skrekkeksempel", "rosenborg")
"""Never in the word list: read only at the end, by the base and by the tuned model."""

TEST_FAMILY = "STIXGeneral"
"""Drawn only in the test: its four styles come inside matplotlib, so they are the same everywhere."""

SYSTEM_FONTS_LIMIT = 16
"""Training fonts taken from the system beside matplotlib's, so that no machine's collection prevails."""

TRAIN_LINES = 500
TEST_LINES = 100
SEED = 1
WORDS_SEED = 23
"""Of 360 drawings of the four words, one that the base misreads twice and that a person, like the models
tuned here, reads: they illustrate. The score is that of the test lines, which nobody chose."""

WORN_RECEIPT = Wear(
    rotation=(-2, 2),
    slant=(-0.3, 0.3),
    margin=(0.05, 0.3),
    fade=(0.1, 0.65),
    dropout=(0, 0.25),
    paper=(190, 245),
    contrast=(70, 150),
    shade=(0, 30),
    blur=(0.015, 0.038),
    noise=(2, 8),
    jpeg=(40, 85),
)
"""A person reads these lines; the base gets about two of five right, spaces not counted (60 measured)."""


@dataclass(frozen=True, slots=True)
class ReceiptTexts:
    """Draws `word price`, or a word alone as headings have it. The gap is one space in the label."""

    words: tuple[str, ...]

    def __call__(self, rng: np.random.Generator) -> str:
        """Draw one line's text."""
        word = self.words[int(rng.integers(len(self.words)))]
        kroner, oere = int(rng.integers(3, 300)), ("00", "50", "90")[int(rng.integers(3))]
        kind = rng.random()
        cased = word if kind < 0.5 else word.capitalize() if kind < 0.75 else word.upper()
        return cased if rng.random() < 0.25 else f"{cased} {kroner},{oere}"


@dataclass(frozen=True, slots=True)
class FixedText:
    """The same text on every line."""

    text: str

    def __call__(self, rng: np.random.Generator) -> str:
        """Give the text; draws nothing."""
        return self.text


def read_words() -> tuple[str, ...]:
    """The word list, in file order."""
    content = importlib.resources.files(__package__).joinpath("words_nb.txt").read_text("utf-8")
    return tuple(line for line in content.splitlines() if line and not line.startswith("#"))


def split_words(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words for training, and every fifth for the test."""
    test = tuple(words[::5])
    return tuple(word for i, word in enumerate(words) if i % 5), test


def symbols_of(words: Iterable[str]) -> str:
    """Every symbol that a line made from `words` can show."""
    texts = "".join((*words, *KEPT_BACK_WORDS))
    return "".join(sorted({*texts, *texts.upper(), *"0123456789, "}))


def choose_fonts(symbols: str) -> tuple[tuple[Font, ...], tuple[Font, ...]]:
    """Fonts for training and fonts for the test: whole families, so that no look-alike is on both sides.

    Raises:
        InputError: matplotlib's folder has no font that draws the symbols.
    """
    folder = matplotlib_font_folder()
    bundled = find_fonts([folder], symbols).fonts
    test = tuple(font for font in bundled if font.family == TEST_FAMILY)
    train = tuple(font for font in bundled if font.family != TEST_FAMILY)
    if not train or not test:
        raise InputError(
            f"{folder} lacks its text fonts; reinstall matplotlib: pip install --force-reinstall matplotlib"
        )
    names = {font.name for font in bundled}
    families = {font.family for font in test}
    system = (
        font
        for font in find_fonts(system_font_folders(), symbols).fonts
        if font.name not in names and font.family not in families
    )
    return train + tuple(system)[:SYSTEM_FONTS_LIMIT], test


def receipt_lines(texts: TextSource, fonts: Sequence[Font], seed: int) -> LineGenerator:
    """Receipt lines of 15 to 30 px: `texts` on worn paper, prices in a column."""
    return LineGenerator(texts, fonts, WORN_RECEIPT, seed, size=(20, 28), word_spacing=(1, 5))


@dataclass(frozen=True, slots=True)
class DatasetFonts:
    """Names of the fonts that a dataset was drawn in."""

    train: tuple[str, ...]
    test: tuple[str, ...]


def make_dataset(folder: Path) -> DatasetFonts:
    """Write the datasets `train`, `test` and `words` (those kept back) below `folder`.

    The test shares neither words nor font families with the training lines.
    """
    train_words, test_words = split_words(read_words())
    train_fonts, test_fonts = choose_fonts(symbols_of((*train_words, *test_words)))
    train = receipt_lines(ReceiptTexts(train_words), train_fonts, SEED)
    test = receipt_lines(ReceiptTexts(test_words), test_fonts, SEED + 1)
    kept_back = [receipt_lines(FixedText(word), test_fonts, WORDS_SEED) for word in KEPT_BACK_WORDS]
    write_lines(folder / "train", (train.line(i) for i in range(TRAIN_LINES)))
    write_lines(folder / "test", (test.line(i) for i in range(TEST_LINES)))
    write_lines(folder / "words", (lines.line(i) for i, lines in enumerate(kept_back)))
    return DatasetFonts(*(tuple(font.name for font in fonts) for fonts in (train_fonts, test_fonts)))


def write_lines(folder: Path, lines: Iterable[LineSample]) -> None:
    """Write a dataset: `images/*.png` and `labels.txt` (path, TAB, text), the labels last.

    Raises:
        InputError: the disk refuses.
    """
    labels = []
    try:
        (folder / "images").mkdir(parents=True)
        for line in lines:
            name = f"images/{line.id}.png"
            _, encoded = cv2.imencode(".png", line.image)
            (folder / name).write_bytes(encoded.tobytes())
            labels.append(f"{name}\t{line.text}\n")
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}; free space and run again") from error
    write_text(folder / "labels.txt", "".join(labels), overwrite=False)
