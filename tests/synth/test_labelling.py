"""Labels hold what a reader can tell from the image: no counted spaces, nothing that shall be left out."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from ocrtune.synth.font_search import matplotlib_font_folder
from ocrtune.synth.generator import LineError, LineGenerator
from ocrtune.synth.labelling import labelled
from ocrtune.synth.recipe import SynthRecipe


def label(text: str, unlabelled: str = "") -> str:
    return "".join(text[i] for i in labelled(text, unlabelled))


@pytest.mark.parametrize(
    ("drawn", "unlabelled", "expected"),
    [
        ("Brød 12,90", "", "Brød 12,90"),
        ("Brød    12,90  kr", "", "Brød 12,90 kr"),
        ("A\u00b7B3U58", "\u00b7", "AB3U58"),
        ("A \u00b7 B", "\u00b7", "A B"),
        ("\u00b7 A B \u00b7", "\u00b7", "A B"),
        ("A B  C", " ", "ABC"),
        ("aq\u0303b\u0303", "q", "ab\u0303"),  # a mark goes with its letter, and only with it
        ("\u00b7", "\u00b7", ""),
    ],
)
def test_the_label_of_a_drawn_text(drawn: str, unlabelled: str, expected: str) -> None:
    assert label(drawn, unlabelled) == expected
    assert unicodedata.is_normalized("NFC", label(drawn, unlabelled))


def generator(text: str, unlabelled: str) -> LineGenerator:
    recipe = {
        "texts": {"sources": [{"strings": [text]}]},
        "lines": 1,
        "fonts": [str(matplotlib_font_folder())],
        "unlabelled": unlabelled,
    }
    return SynthRecipe.model_validate(recipe).build(Path()).generator


def test_what_is_not_labelled_is_drawn_all_the_same() -> None:
    """A plate shows 'A·B' and is written 'AB'; lines could have the dot in both, or in neither."""
    with_dot = generator("A\u00b7B", "\u00b7")
    made = with_dot.line(0)
    assert (made.text, with_dot.text(0)) == ("AB", "AB")
    labelled_dot = generator("A\u00b7B", "").line(0)
    assert labelled_dot.text == "A\u00b7B"
    assert np.array_equal(made.image, labelled_dot.image)
    assert np.array_equal(made.character_boxes(), labelled_dot.character_boxes()[[0, 2]])


def test_a_gap_is_drawn_wide_and_labelled_as_one_space() -> None:
    wide, narrow = generator("a    b", "").line(0), generator("a b", "").line(0)
    assert wide.text == narrow.text == "a b"
    assert wide.image.shape[1] > narrow.image.shape[1] * 1.3
    assert wide.character_boxes().shape == (3, 4)


def test_a_line_without_a_label_is_an_error() -> None:
    empty = generator("--", "-")
    with pytest.raises(LineError, match="nothing of '--' is left for a label"):
        empty.text(0)
    with pytest.raises(LineError, match="nothing of '--' is left for a label"):
        empty.line(0)
