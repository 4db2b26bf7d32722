"""A recipe as a dataset: no files, the same lines."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from ocrtune.data.dataset import open_dataset
from ocrtune.errors import InputError
from ocrtune.synth.fonts import matplotlib_font_folder
from ocrtune.synth.recipe import SynthRecipe

FONT = matplotlib_font_folder() / "DejaVuSans.ttf"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "words.txt").write_text("Hus\nBåt\nÅre\n", encoding="utf-8")
    path = tmp_path / "recipe.yaml"
    path.write_text(
        f"texts:\n  sources:\n  - strings: words.txt\nlines: 6\nprofile: receipt-thermal\nfonts: ['{FONT}']\n"
    )
    return path


def test_lines_are_drawn_when_asked_for(recipe: Path) -> None:
    dataset = open_dataset(f"synth:{recipe}@2")
    generator = SynthRecipe.from_yaml(recipe).build(recipe.parent).generator
    assert dataset.weight == 2
    assert sorted(entry.text for entry in dataset.entries) == sorted(2 * ["Hus", "Båt", "Åre"])
    for index, sample in enumerate(dataset):
        made = generator.line(index)
        assert sample.text == made.text
        assert np.array_equal(sample.image, made.image)


def test_such_a_dataset_can_be_sent_to_another_process(recipe: Path) -> None:
    dataset = open_dataset(f"synth:{recipe}")
    copy = pickle.loads(pickle.dumps(dataset))
    assert np.array_equal(copy.image(3), dataset.image(3))


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the recipe .*none.yaml"):
        open_dataset(f"synth:{tmp_path / 'none.yaml'}")
