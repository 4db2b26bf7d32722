"""Pieces of paper: the text is gone, the texture stays."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ocrtune.records import Image
from ocrtune.synth.match.measures import measure_line
from ocrtune.synth.match.patches import deserve_patches, paper_patch
from ocrtune.synth.match.separation import separate


def on_paper(coverage: Image, texture: float) -> Image:
    field = cv2.GaussianBlur(np.random.default_rng(0).standard_normal(coverage.shape), (0, 0), 2)
    image = 200 + texture * field / field.std() - 150 * (coverage / 255.0)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def spaced(coverage: Image) -> Image:
    """The text with room around it."""
    return np.asarray(cv2.copyMakeBorder(coverage, 20, 20, 120, 120, cv2.BORDER_CONSTANT), np.uint8)


def test_ink_is_replaced_by_paper(coverage: Image) -> None:
    cover = spaced(coverage)
    line = separate(on_paper(cover, 6))
    assert line is not None
    patch = paper_patch(line)
    assert patch is not None
    assert patch.shape == cover.shape
    assert patch.min() > 165  # paper of 200 with a deviation of 6; ink is 50
    assert np.array_equal(patch[line.is_paper], on_paper(cover, 6)[line.is_paper])
    where_text_was = patch[cover > 0].astype(float)
    assert 3 < where_text_was.std() < 9


def test_a_crop_full_of_text_gives_none(coverage: Image) -> None:
    line = separate(on_paper(coverage[14:66, 18:380], 6))
    assert line is not None
    assert paper_patch(line) is None


def test_smooth_paper_is_not_worth_pictures(coverage: Image) -> None:
    smooth, rough = (measure_line(on_paper(spaced(coverage), texture)) for texture in (1, 6))
    assert smooth is not None
    assert rough is not None
    assert not deserve_patches([smooth] * 3 + [rough])
    assert deserve_patches([smooth] + [rough] * 3)
    assert not deserve_patches([replace(rough, grain=float("nan"))])
