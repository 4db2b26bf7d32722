"""Augmentation: depends on its generator alone, keeps images usable, does what each change says."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

import cv2
import numpy as np
import pytest

from ocrtune.records import Image
from ocrtune.train.augment import (
    JPEG_SIDE_LIMIT,
    STRENGTHS,
    AugmentLevel,
    Blur,
    Contrast,
    Jpeg,
    Noise,
    Shrink,
    Strength,
    Warp,
    augmentation,
    draw_changes,
)

HEIGHT = 48

STILL = Warp(rise=0, slant=0, scale=1, margins=(0, 0, 0, 0))


def noise_image(*shape: int) -> Image:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def strength(**changes: float) -> Strength:
    """Nothing happens, but for these."""
    nothing: dict[str, float] = {field.name: 0 for field in fields(Strength)}
    return Strength(**{**nothing, "shrink": 1, "jpeg_quality": 94, **changes})  # type: ignore[arg-type]


def test_none_is_no_augmentation_and_all_other_levels_have_a_strength() -> None:
    assert augmentation("none", HEIGHT) is None
    assert set(get_args(AugmentLevel)) == {"none", *STRENGTHS}


def test_an_unknown_level_is_an_error_at_once() -> None:
    with pytest.raises(KeyError, match="medium"):
        augmentation("medium", HEIGHT)  # type: ignore[arg-type]


def test_strong_goes_at_least_as_far_as_light_in_everything() -> None:
    light, strong = STRENGTHS["light"], STRENGTHS["strong"]
    further = {"shrink": -1, "jpeg_quality": -1}  # here smaller is stronger
    weaker = [
        field.name
        for field in fields(Strength)
        if further.get(field.name, 1) * (getattr(strong, field.name) - getattr(light, field.name)) <= 0
    ]
    assert weaker == []


@pytest.mark.parametrize("level", ["light", "strong"])
def test_a_line_depends_on_its_generator_alone(level: AugmentLevel) -> None:
    """Not on the lines before it, not on global random state, not on which object does the work."""
    image = noise_image(40, 200, 3)
    augment, other = augmentation(level, HEIGHT), augmentation(level, HEIGHT)
    assert augment is not None
    assert other is not None
    results = []
    for seed in range(12):
        first = augment(image, np.random.default_rng(seed))
        cv2.setRNGSeed(seed + 1)
        np.random.seed(seed + 1)
        augment(noise_image(10, 30), np.random.default_rng(99))
        assert np.array_equal(first, other(image, np.random.default_rng(seed)))
        results.append(first.tobytes())
    assert len(set(results)) > 6


@pytest.mark.parametrize("level", ["light", "strong"])
def test_the_image_given_is_not_written_to(level: AugmentLevel) -> None:
    augment = augmentation(level, HEIGHT)
    assert augment is not None
    image = noise_image(40, 100, 3)
    before = image.copy()
    for seed in range(20):
        augment(image, np.random.default_rng(seed))
    assert np.array_equal(image, before)


@pytest.mark.parametrize("level", ["light", "strong"])
@pytest.mark.parametrize(
    "shape",
    [
        (1, 1),
        (1, 1, 3),
        # One row, one column.
        (1, 300),
        (300, 1, 3),
        (2, 2),
        # The usual, grey and colour; a photo far above the network's height.
        (40, 300),
        (32, 100, 3),
        (700, 900, 3),
    ],
)
def test_any_image_stays_an_image_of_a_reasonable_size(level: AugmentLevel, shape: tuple[int, ...]) -> None:
    augment = augmentation(level, HEIGHT)
    assert augment is not None
    # First at most twice the network's height; then margins on two sides, then the stretch.
    height = min(shape[0], 2 * HEIGHT)
    width = max(1, shape[1] * height / shape[0])
    most, scale = STRENGTHS[level].crop, np.exp(STRENGTHS[level].stretch)
    image = noise_image(*shape)
    for seed in range(25):
        changed = augment(image, np.random.default_rng(seed))
        assert changed.dtype == np.uint8
        assert changed.shape[2:] == shape[2:]
        assert max(1, height * (1 - 2 * most) - 1) <= changed.shape[0] <= height * (1 + 2 * most) + 1
        # No more than a tenth is cut on either side, so that a short text keeps its only symbol.
        assert changed.shape[1] >= max(1, 0.8 * width / scale - 1)
        assert changed.shape[1] <= (width + 2 * most * height) * scale + 1


def test_every_change_happens_at_its_probability() -> None:
    """Over 2,000 lines each count is within four standard deviations of what is stated."""
    lines = 2000
    level = STRENGTHS["strong"]
    counts = dict.fromkeys((Warp, Contrast, Blur, Shrink, Noise, Jpeg), 0)
    for seed in range(lines):
        for change in draw_changes(level, 40, HEIGHT, np.random.default_rng(seed)):
            counts[type(change)] += 1
    for change, count in counts.items():
        p = getattr(level, f"{change.__name__.lower()}_probability")
        assert abs(count - lines * p) < 4 * np.sqrt(lines * p * (1 - p)), change


@pytest.mark.parametrize("level", ["light", "strong"])
def test_no_change_goes_beyond_its_strength(level: AugmentLevel) -> None:
    limit = STRENGTHS[level]
    drawn = [c for seed in range(500) for c in draw_changes(limit, 60, HEIGHT, np.random.default_rng(seed))]
    for change in drawn:
        match change:
            case Warp():
                assert abs(change.rise) <= limit.rise
                assert abs(change.slant) <= limit.slant
                assert abs(np.log(change.scale)) <= limit.stretch
                assert len(change.margins) == 4
                assert max(map(abs, change.margins)) <= limit.crop
            case Contrast():
                assert abs(change.gain - 1) <= limit.contrast
                assert abs(change.offset) <= limit.brightness
                assert max(map(abs, change.tint)) <= limit.brightness / 2
            case Blur():
                assert 0.2 * limit.blur * 60 <= change.sigma <= limit.blur * 60
            case Shrink():
                assert limit.shrink * HEIGHT / 60 <= change.share <= HEIGHT / 60
            case Noise():
                assert 0 <= change.sigma <= limit.noise
            case Jpeg():
                assert limit.jpeg_quality <= change.quality < 95


def test_an_image_below_the_networks_height_is_never_shrunk_to_more_than_itself() -> None:
    always = strength(shrink_probability=1, shrink=0.9)
    for seed in range(20):
        (change,) = draw_changes(always, 10, HEIGHT, np.random.default_rng(seed))
        assert change == Shrink(share=1.0)


def test_nothing_is_drawn_at_probability_zero() -> None:
    assert draw_changes(strength(), 40, HEIGHT, np.random.default_rng(0)) == []


@pytest.mark.parametrize("shape", [(6, 9), (6, 9, 3), (1, 1)])
@pytest.mark.parametrize(
    "change",
    [
        STILL,
        Contrast(gain=1, offset=0, tint=(0, 0, 0)),
        Blur(sigma=0.1),
        Shrink(share=1),
        Noise(sigma=0, seed=1),
    ],
)
def test_a_change_of_nothing_changes_nothing(
    change: Warp | Contrast | Blur | Shrink | Noise, shape: tuple[int, ...]
) -> None:
    image = noise_image(*shape)
    assert np.abs(change(image).astype(int) - image).max() <= 1  # Contrast truncates a rounding error


@pytest.mark.parametrize(
    ("margins", "scale", "size"),
    [
        # In line heights (10 px): left, right, top, bottom.
        ((0.1, 0.2, 0, 0), 1, (10, 103)),
        ((0, 0, 0.3, 0.1), 1, (14, 100)),
        ((-0.1, -0.2, -0.1, 0), 1, (9, 97)),
        ((0, 0, 0, 0), 1.5, (10, 150)),
        ((0, 0, 0, 0), 0.5, (10, 50)),
        # Never more than a tenth of the width on a side.
        ((-5, -5, 0, 0), 1, (10, 80)),
        # Nothing left of the height: one px.
        ((0, 0, -1, -1), 1, (1, 100)),
    ],
)
def test_warp_sizes(margins: tuple[float, ...], scale: float, size: tuple[int, int]) -> None:
    warp = Warp(rise=0, slant=0, scale=scale, margins=margins)
    assert warp(noise_image(10, 100)).shape == size
    assert warp(noise_image(10, 100, 3)).shape == (*size, 3)


def test_a_margin_repeats_the_edge_and_moves_the_line() -> None:
    image = noise_image(10, 20)
    changed = Warp(rise=0, slant=0, scale=1, margins=(0.2, 0, 0.3, 0))(image)
    assert np.array_equal(changed[3:, 2:], image)
    assert (changed[3:, :2] == image[:, :1]).all()
    assert (changed[:3, 2:] == image[:1]).all()


def test_a_rise_tips_the_line_by_its_height() -> None:
    """A horizontal stroke of 100 px, rise 0.5 of 20 px: its ends are 10 px apart, the middle stays."""
    image = np.zeros((20, 101), np.uint8)
    image[10] = 255
    changed = Warp(rise=0.5, slant=0, scale=1, margins=(0, 0, 0, 0))(image)
    centre = (changed * np.arange(20.0)[:, None]).sum(0) / changed.sum(0)
    assert centre[[0, 50, 100]].tolist() == pytest.approx([5, 10, 15], abs=0.2)


def test_a_slant_leans_a_stroke() -> None:
    """A vertical stroke of 21 px, slant 0.5: its ends are 10 px apart, the middle stays."""
    image = np.zeros((21, 60), np.uint8)
    image[:, 30] = 255
    changed = Warp(rise=0, slant=0.5, scale=1, margins=(0, 0, 0, 0))(image)
    centre = (changed * np.arange(60.0)).sum(1) / changed.sum(1)
    assert centre[[0, 10, 20]].tolist() == pytest.approx([24.75, 29.75, 34.75], abs=0.2)


def test_contrast_turns_around_the_mean_and_is_clipped() -> None:
    image = np.array([[50, 100, 150]], np.uint8)  # mean 100
    assert Contrast(gain=0.5, offset=0, tint=(9, 9, 9))(image).tolist() == [[75, 100, 125]]
    assert Contrast(gain=1, offset=120, tint=(0, 0, 0))(image).tolist() == [[170, 220, 255]]
    assert Contrast(gain=3, offset=0, tint=(0, 0, 0))(image).tolist() == [[0, 100, 250]]


def test_a_tint_is_for_colour_images() -> None:
    image = np.full((1, 1, 3), 100, np.uint8)
    assert Contrast(gain=1, offset=0, tint=(5, 0, -5))(image).tolist() == [[[105, 100, 95]]]


def test_blur_spreads_a_stroke_and_keeps_its_ink() -> None:
    image = np.zeros((5, 41), np.uint8)
    image[:, 20] = 200
    blurred = Blur(sigma=2)(image)
    assert float(blurred[2, 20]) == pytest.approx(200 / (2 * np.sqrt(2 * np.pi)), abs=2)
    assert float(blurred[2].sum()) == pytest.approx(200, abs=8)


def test_shrink_loses_detail_and_keeps_the_size() -> None:
    """Columns of black and white average to grey where half of the columns are left."""
    image = np.zeros((8, 16), np.uint8)
    image[:, ::2] = 255
    assert (Shrink(share=0.5)(image) == 128).all()
    assert Shrink(share=0.01)(noise_image(7, 30, 3)).shape == (7, 30, 3)


def test_noise_has_its_sigma_and_is_the_same_in_all_channels() -> None:
    image = np.full((50, 200, 3), 128, np.uint8)
    noise = Noise(sigma=10, seed=3)(image).astype(int) - 128
    assert noise.std() == pytest.approx(10, rel=0.05)
    assert (noise == noise[:, :, :1]).all()
    assert np.array_equal(noise, Noise(sigma=10, seed=3)(image).astype(int) - 128)
    assert not np.array_equal(noise, Noise(sigma=10, seed=4)(image).astype(int) - 128)


@pytest.mark.parametrize("shape", [(16, 40), (16, 40, 3)])
def test_jpeg_loses_more_at_lower_quality(shape: tuple[int, ...]) -> None:
    image = noise_image(*shape)
    high, low = (np.abs(Jpeg(quality)(image).astype(int) - image).mean() for quality in (95, 5))
    assert Jpeg(50)(image).shape == shape
    assert low > high + 10


@pytest.mark.parametrize(("width", "same"), [(JPEG_SIDE_LIMIT, False), (JPEG_SIDE_LIMIT + 1, True)])
def test_a_line_too_long_for_jpeg_stays_as_it_is(width: int, same: bool) -> None:
    """It once stopped the training with an assertion of OpenCV."""
    image = noise_image(2, width)
    changed = Jpeg(20)(image)
    assert changed.shape == image.shape
    assert np.array_equal(changed, image) is same
