"""A recipe as a dataset: no files, the same lines."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from ocrtune.data.dataset import open_dataset
from ocrtune.errors import InputError
from ocrtune.synth.font_search import matplotlib_font_folder
from ocrtune.synth.generator import LineError, LineGenerator, MadeLine
from ocrtune.synth.png import encode_png
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


def test_each_look_of_a_line_is_another_image_of_the_same_text(recipe: Path) -> None:
    dataset = open_dataset(f"synth:{recipe}")
    looks = [dataset.image(2, look) for look in range(4)]
    assert np.array_equal(looks[0], dataset.image(2))
    assert np.array_equal(looks[3], dataset.image(2, 3))
    assert len({image.tobytes() for image in looks}) == 4


def test_a_stored_line_has_one_look(recipe: Path, tmp_path: Path) -> None:
    drawn = open_dataset(f"synth:{recipe}")
    (tmp_path / "line.png").write_bytes(encode_png(drawn.image(0)))
    (tmp_path / "labels.txt").write_text("line.png\tHus\n", encoding="utf-8")
    stored = open_dataset(str(tmp_path / "labels.txt"))
    assert np.array_equal(stored.image(0, 5), drawn.image(0))


def test_a_look_that_cannot_be_drawn_is_replaced_by_the_first(recipe: Path, monkeypatch) -> None:
    dataset = open_dataset(f"synth:{recipe}")
    first = dataset.image(1)
    draw = LineGenerator.line

    def illegible(self: LineGenerator, index: int, look: int = 0) -> MadeLine:
        if look:
            raise LineError("its text cannot be made legible")
        return draw(self, index)

    monkeypatch.setattr(LineGenerator, "line", illegible)
    assert np.array_equal(dataset.image(1, 2), first)


def test_such_a_dataset_can_be_sent_to_another_process(recipe: Path) -> None:
    dataset = open_dataset(f"synth:{recipe}")
    copy = pickle.loads(pickle.dumps(dataset))
    assert np.array_equal(copy.image(3), dataset.image(3))


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read the recipe .*none.yaml"):
        open_dataset(f"synth:{tmp_path / 'none.yaml'}")
