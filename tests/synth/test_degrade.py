"""Each effect does what its numbers say, loses no ink at the edges, and repeats exactly."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ocrtune.synth.degrade import Blur, Degradation, Jpeg, LowInk, Noise, Tone, Warp, Wear

WEAR = Wear(
    rotation=(-3, 3),
    slant=(-0.4, 0.4),
    margin=(0.1, 0.3),
    fade=(0.2, 0.8),
    dropout=(0.0, 0.3),
    paper=(180, 240),
    contrast=(60, 160),
    shade=(0, 30),
    blur=(0.01, 0.04),
    noise=(1, 8),
    jpeg=(40, 90),
)
BAR = np.full((20, 200), 255, np.uint8)


@pytest.mark.parametrize("rotation", [-8.0, 0.0, 3.3, 90.0])
@pytest.mark.parametrize("slant", [-0.6, 0.0, 0.47])
def test_warp_keeps_all_ink_inside_the_canvas(rotation: float, slant: float) -> None:
    """Rotation and slant keep areas; ink that left the canvas would be missing from the sum."""
    warped = Warp(rotation, slant, (0, 0, 0, 0)).apply(BAR)
    assert warped.sum(dtype=float) == pytest.approx(BAR.sum(dtype=float), rel=0.01)
    for edge in (warped[0], warped[-1], warped[:, 0], warped[:, -1]):
        assert not edge.any()


def test_warp_directions_and_margins() -> None:
    still = Warp(0, 0, (0, 0, 0, 0)).apply(BAR)
    framed = Warp(0, 0, (0.5, 1, 1.5, 2)).apply(BAR)
    assert np.array_equal(framed[20 : 20 + still.shape[0], 10 : 10 + still.shape[1]], still)
    assert framed.shape == (still.shape[0] + 20 + 40, still.shape[1] + 10 + 30)

    turned = Warp(10, 0, (0, 0, 0, 0)).apply(BAR)  # anticlockwise: the right end is higher
    rows = np.arange(turned.shape[0])
    assert np.average(rows, weights=turned[:, -40:].sum(axis=1)) < np.average(
        rows, weights=turned[:, :40].sum(axis=1)
    )
    leaning = Warp(0, 0.5, (0, 0, 0, 0)).apply(BAR.T.copy())  # as italics: the top is further right
    assert np.flatnonzero(leaning[5])[0] > np.flatnonzero(leaning[-6])[0]


def test_low_ink_takes_ink_and_never_adds() -> None:
    whole = LowInk(fade=0, dropout=0, seed=1).apply(BAR)
    assert np.array_equal(whole, np.ones_like(whole))
    faded = LowInk(fade=0.8, dropout=0, seed=1).apply(BAR)
    assert 0.199 < faded.min() < 0.4 < faded.max() <= 1
    specked = LowInk(fade=0, dropout=0.3, seed=1).apply(BAR)
    assert specked.mean() == pytest.approx(0.7, abs=0.05)


def test_tone_sets_paper_ink_and_light() -> None:
    density = np.zeros((4, 101), np.float32)
    density[0] = 1
    grey = Tone(paper=200, contrast=80, shade=20).apply(density)
    assert grey[1, [0, 50, 100]].tolist() == [190, 200, 210]
    assert grey[0, 50] == 120


def test_blur_is_relative_to_the_height_and_keeps_the_paper() -> None:
    edge = np.zeros((50, 100), np.float32)
    edge[:, 50:] = 100
    blurred = Blur(0.04).apply(edge)  # sigma 2 px
    assert blurred[25, 51] == pytest.approx(100 * 0.773, abs=1)  # normal distribution at 1.5 px / 2
    assert blurred[0, 0] == 0
    assert blurred[0, 99] == pytest.approx(100)
    assert np.array_equal(Blur(0).apply(edge), edge)


def test_noise_has_the_given_deviation() -> None:
    noisy = Noise(sigma=5, seed=3).apply(np.full((100, 100), 128, np.float32))
    assert noisy.std() == pytest.approx(5, rel=0.03)
    assert noisy.mean() == pytest.approx(128, abs=0.2)


def test_jpeg_gives_bytes_and_clips() -> None:
    grey = np.full((16, 16), 300, np.float32)
    grey[:8] = -20
    image = Jpeg(95).apply(grey)
    assert image.dtype == np.uint8
    assert image.shape == (16, 16)
    assert image[0, 0] <= 3
    assert image[-1, -1] >= 252


def test_a_draw_stays_in_its_ranges_and_repeats_with_its_generator() -> None:
    for seed in range(50):
        drawn = Degradation.draw(WEAR, np.random.default_rng(seed))
        assert drawn == Degradation.draw(WEAR, np.random.default_rng(seed))
        assert -3 <= drawn.warp.rotation <= 3
        assert all(0.1 <= margin <= 0.3 for margin in drawn.warp.margins)
        assert 60 <= drawn.tone.contrast <= 160
        assert abs(drawn.tone.shade) <= 30
        assert 40 <= drawn.jpeg.quality <= 90


def test_applying_a_degradation_is_pure() -> None:
    ink = cv2.putText(np.zeros((40, 200), np.uint8), "melk", (5, 30), 0, 1, 255, 2)
    before = ink.copy()
    drawn = Degradation.draw(WEAR, np.random.default_rng(0))
    first, second = drawn.apply(ink), drawn.apply(ink)
    assert np.array_equal(first, second)
    assert np.array_equal(ink, before)
    other = replace(drawn, noise=replace(drawn.noise, seed=drawn.noise.seed + 1))
    assert not np.array_equal(other.apply(ink), first)
