"""The picture shows every pair and appears whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.workflows.picture import RIGHT, WRONG, ReadingPair, draw_comparison

PAIR = ReadingPair(np.full((24, 120), 200, np.uint8), truth="melk", before="me1k", after="melk")


def count_pixels(path: Path, colour: str) -> int:
    """Pixels of exactly the colour #rrggbb."""
    picture = cv2.imread(str(path))[:, :, ::-1]
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return int((picture == rgb).all(axis=2).sum())


def test_right_readings_are_green_and_wrong_ones_red(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    draw_comparison(path, [PAIR, PAIR], "title", "footer")
    both = count_pixels(path, RIGHT), count_pixels(path, WRONG)
    assert min(both) > 50
    draw_comparison(path, [replace(PAIR, before="melk")], "title", "footer")
    assert count_pixels(path, WRONG) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]


@pytest.mark.parametrize("reading", ["$\\frac{", "", "a_b^c$", "日本"])  # not formulas, not crashes
@pytest.mark.filterwarnings("error")
def test_any_reading_can_be_shown(tmp_path: Path, reading: str) -> None:
    draw_comparison(tmp_path / "p.png", [replace(PAIR, before=reading)], "t", "f")
    assert count_pixels(tmp_path / "p.png", WRONG) > 0


def test_a_missing_folder_is_an_input_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot write .*p\.png: No such file"):
        draw_comparison(tmp_path / "absent" / "p.png", [PAIR], "t", "f")
    assert list(tmp_path.iterdir()) == []
