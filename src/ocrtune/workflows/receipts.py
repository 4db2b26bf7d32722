"""The quickstart's material: worn Norwegian grocery-receipt lines, and the words kept back for the end."""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocrtune.data.making import make
from ocrtune.errors import InputError
from ocrtune.synth.font_search import find_fonts, matplotlib_font_folder
from ocrtune.synth.fonts import Font
from ocrtune.synth.recipe import SynthRecipe

KEPT_BACK_WORDS = ("vanskeligheter", "uvanligheter", "skrekkeksempel", "rosenborg")
"""Never in the word list: read only at the end, by the base and by the tuned model."""

TEST_FAMILY = "STIXGeneral"
"""Drawn only in the test. All fonts are matplotlib's, so that the story is the same on every machine."""

PROFILE = "receipt-worn"
"""A person reads these lines."""

TRAIN_LINES = 500
TEST_LINES = 100
SEED = 1
WORDS_SEED = 334
"""Of 500 drawings of the four words, one that the base misreads twice and that a person, like the models
tuned here, reads: they illustrate. The score is that of the test lines, which nobody chose."""

CASES = {"sentence": 0.25, "upper": 0.25}


def read_words() -> tuple[str, ...]:
    """The word list, in file order."""
    content = importlib.resources.files(__package__).joinpath("words_nb.txt").read_text("utf-8")
    return tuple(line for line in content.splitlines() if line and not line.startswith("#"))


def split_words(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words for training, and every fifth for the test."""
    test = tuple(words[::5])
    return tuple(word for i, word in enumerate(words) if i % 5), test


@dataclass(frozen=True, slots=True)
class DatasetFonts:
    """Fonts for training, and fonts for the test: whole families, so that no look-alike is on both sides."""

    train: tuple[Font, ...]
    test: tuple[Font, ...]


def choose_fonts(symbols: str) -> DatasetFonts:
    """The fonts of matplotlib's that draw all `symbols`.

    Raises:
        InputError: matplotlib's folder lacks them.
    """
    folder = matplotlib_font_folder()
    fonts = find_fonts([folder], symbols).fonts
    test = tuple(font for font in fonts if font.family == TEST_FAMILY)
    train = tuple(font for font in fonts if font.family != TEST_FAMILY)
    if not train or not test:
        raise InputError(
            f"{folder} lacks its text fonts; reinstall matplotlib: pip install --force-reinstall matplotlib"
        )
    return DatasetFonts(train, test)


def receipt_texts(words: Sequence[str]) -> dict[str, Any]:
    """`word price`, or one line in four a word alone as headings have it."""
    return {
        "sources": [
            {"template": "{word} {price}", "lists": {"word": words}, "case": CASES, "weight": 3},
            {"strings": words, "case": CASES},
        ]
    }


def dataset_recipes(fonts: DatasetFonts) -> dict[str, SynthRecipe]:
    """Recipes of the datasets `train`, `test` and `words` (those kept back).

    The test shares neither words nor font families with the training lines.
    """
    train_words, test_words = split_words(read_words())
    kept_back = {"sources": [{"strings": KEPT_BACK_WORDS}]}
    return {
        "train": _recipe(receipt_texts(train_words), TRAIN_LINES, fonts.train, SEED),
        "test": _recipe(receipt_texts(test_words), TEST_LINES, fonts.test, SEED + 1),
        "words": _recipe(kept_back, len(KEPT_BACK_WORDS), fonts.test, WORDS_SEED),
    }


def make_datasets(folder: Path) -> DatasetFonts:
    """Write the datasets below `folder`.

    Raises:
        InputError: no fonts, or the disk refuses.
    """
    letters = "".join((*read_words(), *KEPT_BACK_WORDS))
    fonts = choose_fonts("".join(sorted({*letters, *letters.upper(), *"0123456789, "})))
    for name, recipe in dataset_recipes(fonts).items():
        make(recipe, recipe.build(folder), folder / name, workers=1)
    return fonts


def _recipe(texts: dict[str, Any], lines: int, fonts: Sequence[Font], seed: int) -> SynthRecipe:
    paths = tuple(str(font.path) for font in fonts)
    return SynthRecipe.model_validate(
        {"texts": texts, "lines": lines, "profile": PROFILE, "fonts": paths, "seed": seed}
    )
