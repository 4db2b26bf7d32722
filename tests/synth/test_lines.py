"""Line i of a seed is the same whoever asks, in whatever order."""

from __future__ import annotations

import numpy as np
import pytest

from ocrtune.synth.degrade import Wear
from ocrtune.synth.fonts import find_fonts, matplotlib_font_folder
from ocrtune.synth.lines import LineGenerator

CLEAN = Wear(
    rotation=(0, 0),
    slant=(0, 0),
    margin=(0.2, 0.2),
    fade=(0, 0),
    dropout=(0, 0),
    paper=(255, 255),
    contrast=(255, 255),
    shade=(0, 0),
    blur=(0, 0),
    noise=(0, 0),
    jpeg=(95, 95),
)
WORN = Wear(
    rotation=(-3, 3),
    slant=(-0.4, 0.4),
    margin=(0, 0.3),
    fade=(0.2, 0.8),
    dropout=(0, 0.3),
    paper=(180, 240),
    contrast=(60, 160),
    shade=(0, 30),
    blur=(0.01, 0.04),
    noise=(1, 8),
    jpeg=(40, 90),
)


def draw_word(rng: np.random.Generator) -> str:
    return ("melk", "brød 12,90", "ØL")[int(rng.integers(3))]


def generator(wear: Wear, seed: int = 5) -> LineGenerator:
    fonts = find_fonts([matplotlib_font_folder()], "melkbrødØL 12,90").fonts
    return LineGenerator(draw_word, fonts, wear, seed, size=(16, 32), word_spacing=(0, 3))


def test_a_line_depends_on_seed_and_index_alone() -> None:
    forwards = [generator(WORN).line(i) for i in range(6)]
    for i in reversed(range(6)):
        again = generator(WORN).line(i)
        assert (again.text, again.id, again.source) == (
            forwards[i].text,
            f"{i:06d}",
            f"seed 5 line {i}",
        )
        assert np.array_equal(again.image, forwards[i].image)
    assert not np.array_equal(generator(WORN, seed=6).line(0).image, forwards[0].image)


def test_the_plan_names_all_that_the_line_is_made_from() -> None:
    plan = generator(WORN).plan(3)
    sample = generator(WORN).line(3)
    assert sample.text == plan.text
    assert np.array_equal(plan.draw(), sample.image)
    assert 16 <= plan.size <= 32
    assert 0 <= plan.word_spacing <= 3


def test_lines_differ_in_text_and_font() -> None:
    plans = [generator(WORN).plan(i) for i in range(40)]
    assert {plan.text for plan in plans} == {"melk", "brød 12,90", "ØL"}
    assert len({plan.font.name for plan in plans}) > 8


@pytest.mark.parametrize("index", range(5))
def test_an_unworn_line_is_black_on_white_with_paper_all_around(index: int) -> None:
    image = generator(CLEAN).line(index).image
    assert image.min() < 40
    for edge in (image[0], image[-1], image[:, 0], image[:, -1]):
        assert edge.min() > 245
