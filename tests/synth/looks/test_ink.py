"""What each effect does to ink, and that none of them moves or invents it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from ocrtune.records import Image
from ocrtune.synth.looks.ink import (
    INK_EFFECTS,
    BrokenStrokes,
    DotMatrix,
    InkEffect,
    InkSpread,
    LowInk,
    RoughEdges,
    StrokeWidth,
    ThermalHead,
    TypewriterStrike,
)

UNWORN: tuple[InkEffect, ...] = (
    StrokeWidth(0),
    InkSpread(0, 1),
    LowInk(0, 0, 1),
    BrokenStrokes(0, 1),
    ThermalHead(0, 0, 0, 1),
    TypewriterStrike(0, 0, 0, 1),
)
WORN: tuple[InkEffect, ...] = (
    StrokeWidth(0.05),
    StrokeWidth(-0.03),
    InkSpread(0.06, 1),
    LowInk(0.8, 0.3, 1),
    BrokenStrokes(0.3, 1),
    RoughEdges(0.5, 1),
    DotMatrix(12, 1.2),
    ThermalHead(1, 0.9, 0.6, 1),
    TypewriterStrike(0.6, 0.6, 0.04, 1),
)


def bars(height: int = 40, count: int = 8) -> Image:
    """Upright strokes 4 px wide and `height` high, 12 px apart, with 10 px of paper around."""
    ink = np.zeros((height + 20, 12 * count + 20), np.uint8)
    for index in range(count):
        ink[10:-10, 14 + 12 * index : 18 + 12 * index] = 255
    return ink


def test_all_effects_are_told_of_here() -> None:
    assert {type(effect) for effect in WORN} == set(INK_EFFECTS)


@pytest.mark.parametrize("effect", UNWORN, ids=lambda e: type(e).__name__)
def test_the_mild_end_changes_nothing_to_speak_of(effect: InkEffect) -> None:
    ink = bars()
    changed = effect.apply(ink, 40).astype(int) - ink
    # Ink that spreads has soft edges even where it spreads by nothing.
    assert np.abs(changed).mean() < (12 if isinstance(effect, InkSpread) else 1)


@pytest.mark.parametrize("effect", WORN, ids=repr)
def test_effects_are_pure_and_stay_near_the_ink(effect: InkEffect) -> None:
    ink = bars()
    before = ink.copy()
    worn = effect.apply(ink, 40)
    assert (worn.shape, worn.dtype) == (ink.shape, np.uint8)
    assert np.array_equal(worn, effect.apply(ink, 40))
    assert np.array_equal(ink, before)
    assert not np.array_equal(worn, ink)
    far = cv2.dilate(ink, np.ones((11, 11), np.uint8)) == 0
    assert far.any()
    assert not worn[far].any()


@pytest.mark.parametrize(("change", "width"), [(0.05, 8), (0.025, 6), (0.0125, 5), (-0.025, 2), (0, 4)])
def test_strokes_change_by_twice_the_distance(change: float, width: float) -> None:
    """Once on each side; half a px is half the coverage."""
    row = StrokeWidth(change).apply(bars(), 40)[30]
    assert row.sum() / 255 / 8 == pytest.approx(width, abs=0.05)


def test_low_ink_takes_the_share_it_says() -> None:
    ink = bars()
    faded = LowInk(fade=0.5, dropout=0, seed=3).apply(ink, 40)
    assert 0.49 < faded[ink > 0].min() / 255 <= faded[ink > 0].max() / 255 <= 1
    plain = np.full((200, 1000), 255, np.uint8)
    assert LowInk(0, 0.3, 3).apply(plain, 40).mean() / 255 == pytest.approx(0.7, abs=0.03)
    assert BrokenStrokes(0.2, 3).apply(plain, 40).mean() / 255 == pytest.approx(0.8, abs=0.05)


def test_dots_stand_in_rows() -> None:
    """Along a bar as wide as a dot is apart, ink comes and goes once a row."""
    ink = np.zeros((100, 60), np.uint8)
    ink[10:90, 20:30] = 255  # 10 rows of 8 px
    dots = DotMatrix(rows=10, dot=0.8).apply(ink, 80)
    along = dots.max(axis=1) > 100
    assert np.count_nonzero(along[1:] & ~along[:-1]) == 10
    assert dots.sum() < 0.8 * ink.sum()


def test_dots_finer_than_the_image_are_not_drawn() -> None:
    assert np.array_equal(DotMatrix(rows=24, dot=0.8).apply(bars(height=47), 47), bars(height=47))


def test_a_worn_thermal_head_leaves_columns_and_rows() -> None:
    ink = np.full((40, 400), 255, np.uint8)
    columns = ThermalHead(dead_columns=0.5, depth=0.8, banding=0, seed=1).apply(ink, 40)
    assert np.array_equal(columns, np.broadcast_to(columns[0], ink.shape))
    assert set(np.unique(columns)) == {51, 255}
    assert 3 <= np.count_nonzero(columns[0] == 51) <= 6  # 5 are drawn, two may fall together
    rows = ThermalHead(dead_columns=0, depth=0, banding=0.5, seed=1).apply(ink, 40)
    assert rows[:, 0].min() < 160
    assert np.array_equal(rows, np.broadcast_to(rows[:, :1], ink.shape))


def test_a_typewriter_strikes_each_letter_by_itself() -> None:
    struck = TypewriterStrike(unevenness=0.8, tilt=0, jitter=0, seed=2).apply(bars(), 40)
    levels = [struck[30, 14 + 12 * index : 18 + 12 * index] for index in range(8)]
    assert all(len(set(level)) == 1 for level in levels)
    assert len({int(level[0]) for level in levels}) == 8
    assert min(int(level[0]) for level in levels) >= 0.19 * 255
    moved = TypewriterStrike(unevenness=0, tilt=0, jitter=0.05, seed=2).apply(bars(), 40)
    tops = [int(np.flatnonzero(moved[:, 15 + 12 * index])[0]) for index in range(8)]
    assert all(8 <= top <= 12 for top in tops)  # 0.05 of 40 px is 2
    assert len(set(tops)) > 1


def test_rough_edges_move_edges_only() -> None:
    ink = np.zeros((60, 300), np.uint8)
    ink[20:40, 20:-20] = 255
    rough = RoughEdges(0.5, 4).apply(ink, 20)
    assert (rough[24:36, 24:-24] == 255).all()
    edge = (rough[18:22, 24:-24] > 127).sum(axis=0)
    assert edge.std() > 0.2
