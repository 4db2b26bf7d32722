"""Line i of a recipe: alone, in any order, from any copy of the generator, the same."""

from __future__ import annotations

import pickle
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from ocrtune.synth.drawing import CHUNK, draw_encoded
from ocrtune.synth.font_search import matplotlib_font_folder
from ocrtune.synth.generator import LineError, LineGenerator
from ocrtune.synth.recipe import SynthRecipe


def make_generator(**changes: object) -> LineGenerator:
    recipe = {
        "texts": {"sources": [{"template": "{item} {price}", "lists": {"item": ["Brød", "Smør 500 g"]}}]},
        "lines": 100,
        "profile": "receipt-thermal",
        "fonts": [str(matplotlib_font_folder())],
    }
    return SynthRecipe.model_validate(recipe | changes).build(Path()).generator


@pytest.fixture(scope="module")
def generator() -> LineGenerator:
    return make_generator()


def test_a_line_does_not_depend_on_what_was_drawn_before(generator: LineGenerator) -> None:
    alone = make_generator().line(7)
    for index in (3, 9, 0):
        generator.line(index)
    again = generator.line(7)
    assert (alone.text, alone.fonts[0].name, alone.plan) == (again.text, again.fonts[0].name, again.plan)
    assert np.array_equal(alone.image, again.image)


def test_a_pickled_generator_draws_the_same(generator: LineGenerator) -> None:
    copy = pickle.loads(pickle.dumps(generator))
    for index in range(5):
        assert np.array_equal(copy.line(index).image, generator.line(index).image)


def test_seeds_give_different_lines(generator: LineGenerator) -> None:
    other = make_generator(seed=1)
    assert [generator.line(i).text for i in range(5)] != [other.line(i).text for i in range(5)]


def test_iterating_gives_images_and_texts_in_order(generator: LineGenerator) -> None:
    pairs = list(islice(generator, 3))
    assert [text for _, text in pairs] == [generator.line(i).text for i in range(3)]
    assert all(image.dtype == np.uint8 and image.ndim == 2 for image, _ in pairs)


def test_workers_draw_the_same_bytes_in_the_same_order(generator: LineGenerator) -> None:
    indices = range(5, 5 + 2 * CHUNK + 3)
    alone = list(draw_encoded(generator, indices, workers=1))
    assert [line.index for line in alone] == list(indices)
    assert list(draw_encoded(generator, indices, workers=2)) == alone


def test_character_boxes_hold_the_ink_of_their_characters() -> None:
    made = make_generator(profile="clean", texts={"sources": [{"strings": ["I l"]}]}).line(0)
    ink_columns = np.flatnonzero((made.image < 128).any(axis=0))
    boxes = made.character_boxes()
    assert boxes.shape == (3, 4)
    first, last = boxes[0], boxes[2]
    assert abs(first[0] - ink_columns[0]) <= 2
    assert abs(last[2] - ink_columns[-1]) <= 2
    middle = made.image[:, int(first[2]) + 1 : int(last[0]) - 1]
    assert middle.min() > 200  # only paper between the two letters


def test_a_symbol_in_no_font_names_the_text(generator: LineGenerator) -> None:
    class Unexpected:
        def text(self, index: int, rng: np.random.Generator) -> str:
            return "Brød 中"

    stranger = LineGenerator(Unexpected(), generator.fonts, generator.profile)
    with pytest.raises(LineError, match="no font has every symbol of 'Brød"):
        stranger.line(0)
    (line,) = draw_encoded(stranger, range(1), workers=1)
    assert line.content == b""
    assert "no font" in (line.error or "")
