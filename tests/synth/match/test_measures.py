"""Every measure, on images where its value is known by construction."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ocrtune.records import Image
from ocrtune.synth.match.measures import MEASURES, LineMeasures, measure_line


def painted(coverage: Image, paper: float = 220, contrast: float = 150) -> Image:
    return np.rint(paper - contrast * (coverage / 255.0)).astype(np.uint8)


def measured(image: Image) -> LineMeasures:
    found = measure_line(image)
    assert found is not None
    return found


def noise(image: Image, sigma: float) -> Image:
    field = np.random.default_rng(0).normal(0, sigma, image.shape)
    return np.clip(np.rint(image + field), 0, 255).astype(np.uint8)


def bars(width: int = 8, height: int = 60) -> Image:
    """Upright bars of ink, 20 px of paper above, 10 below, 30 at both sides."""
    canvas = np.zeros((height + 30, 360), np.uint8)
    for left in range(30, 330 - width, 40):
        canvas[20:-10, left : left + width] = 255
    canvas[20:-10, 330 - width : 330] = 255
    return canvas


def test_levels(coverage: Image) -> None:
    line = measured(painted(coverage, 220, 150))
    assert (line.paper, line.contrast) == (pytest.approx(220, abs=1), pytest.approx(150, abs=2))
    assert not line.is_light
    assert line.noise == 0
    assert line.grain < 0.01


def test_light_text_measures_as_its_negative(coverage: Image) -> None:
    dark, light = measured(painted(coverage)), measured(255 - painted(coverage))
    assert light.is_light
    for name in MEASURES:
        assert getattr(light, name) == pytest.approx(getattr(dark, name), abs=1e-5, nan_ok=True), name


def test_size_and_margins() -> None:
    line = measured(painted(bars()))
    assert line.height == 90
    assert line.ink_height == pytest.approx(60, abs=1.5)
    assert line.margins == (pytest.approx(20 / 60, abs=0.02), pytest.approx(10 / 60, abs=0.02))
    assert line.side_margins == (pytest.approx(0.5, abs=0.02), pytest.approx(0.5, abs=0.02))


@pytest.mark.parametrize("width", [6, 8, 14])
@pytest.mark.parametrize("sigma", [0.0, 1.5])
def test_stroke_width_does_not_depend_on_blur(width: int, sigma: float) -> None:
    image = painted(bars(width))
    if sigma:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    line = measured(image)
    assert line.stroke_width * line.ink_height == pytest.approx(width, rel=0.3)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 3.0])
def test_width_of_edges(sigma: float) -> None:
    image = np.asarray(cv2.GaussianBlur(painted(bars(20)), (0, 0), sigma), np.uint8)
    # The steepest slope of a step blurred by sigma is 1 / (sigma sqrt(2 pi)).
    assert measured(image).edge_width * 90 == pytest.approx(np.sqrt(2 * np.pi) * sigma, rel=0.25)


@pytest.mark.parametrize("sigma", [2.0, 6.0])
def test_noise(coverage: Image, sigma: float) -> None:
    line = measured(noise(painted(coverage), sigma))
    assert line.noise == pytest.approx(sigma, rel=0.15)
    assert line.contrast == pytest.approx(150, rel=0.1)


def test_grain_is_coarser_than_noise(coverage: Image) -> None:
    field = cv2.GaussianBlur(np.random.default_rng(0).standard_normal(coverage.shape), (0, 0), 4)
    grainy = painted(coverage) + 8 * field / field.std()
    line = measured(np.clip(np.rint(grainy), 0, 255).astype(np.uint8))
    assert line.grain == pytest.approx(8, rel=0.25)
    assert line.noise < 1.5


@pytest.mark.parametrize("slope", [-40.0, 25.0])
def test_shading_of_dark_and_of_light_text(coverage: Image, slope: float) -> None:
    light = np.linspace(-slope / 2, slope / 2, coverage.shape[1])
    image = np.rint(painted(coverage, 200, 120) + light).astype(np.uint8)
    assert measured(image).shading == pytest.approx(slope, abs=2)
    negative = np.rint(255.0 - painted(coverage, 200, 120) + light).astype(np.uint8)
    assert measured(negative).shading == pytest.approx(slope, abs=2)


@pytest.mark.parametrize("angle", [-3.0, 1.0, 4.0])
def test_skew(coverage: Image, angle: float) -> None:
    matrix = cv2.getRotationMatrix2D((210, 40), angle, 1)
    turned = np.asarray(cv2.warpAffine(coverage, matrix, (420, 80)), np.uint8)
    straight = measured(painted(coverage)).skew
    assert measured(painted(turned)).skew - straight == pytest.approx(angle, abs=0.5)


@pytest.mark.parametrize("shear", [-0.2, 0.15])
def test_slant(shear: float) -> None:
    matrix = np.array([[1, -shear, 55 * shear], [0, 1, 0]])
    sheared = np.asarray(cv2.warpAffine(bars(), matrix, (360, 90)), np.uint8)
    assert measured(painted(bars())).slant == pytest.approx(0, abs=1e-9)
    assert measured(painted(sheared)).slant == pytest.approx(shear, abs=0.03)


def test_ink_that_fades(coverage: Image) -> None:
    fading = np.linspace(0.4, 1, coverage.shape[1]) * coverage
    even, uneven = measured(painted(coverage)), measured(painted(np.rint(fading).astype(np.uint8)))
    assert even.ink_unevenness < 0.05 < 0.12 < uneven.ink_unevenness


def test_black_and_white_only(coverage: Image) -> None:
    assert measured(np.where(coverage > 127, 0, 255).astype(np.uint8)).is_binary
    assert not measured(painted(coverage)).is_binary


def test_blocks(coverage: Image) -> None:
    grainy = noise(painted(coverage), 6)

    def blocks(quality: int) -> float:
        _, encoded = cv2.imencode(".jpg", grainy, [cv2.IMWRITE_JPEG_QUALITY, quality])
        return measured(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)).blockiness

    assert blocks(95) < 1.3 < blocks(20)
    assert np.isnan(measured(painted(coverage)).blockiness)  # flat paper has no steps


def test_colours(coverage: Image) -> None:
    ink, paper = np.array([250, 240, 235.0]), np.array([20, 60, 190.0])
    cover = (coverage / 255.0)[..., np.newaxis]
    line = measured(np.rint(paper + (ink - paper) * cover).astype(np.uint8))
    assert line.is_light
    assert line.is_coloured
    assert line.paper_colour == (20, 60, 190)
    assert line.ink_colour == pytest.approx((250, 240, 235), abs=3)
    assert not measured(np.repeat(painted(coverage)[..., np.newaxis], 3, axis=2)).is_coloured


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 0), np.uint8),
        np.zeros((0, 40, 3), np.uint8),
        np.full((1, 1), 7, np.uint8),
        np.full((30, 200), 255, np.uint8),
        np.full((30, 200, 3), 0, np.uint8),
        noise(np.full((40, 300), 128, np.uint8), 12),
        np.full((2500, 2500), 255, np.uint8),
    ],
    ids=["empty", "empty-colour", "one-pixel", "white", "black", "noise", "page"],
)
def test_what_is_no_line(image: Image) -> None:
    assert measure_line(image) is None


@settings(max_examples=40)
@given(
    hnp.arrays(
        np.uint8,
        st.tuples(st.integers(1, 24), st.integers(1, 40))
        | st.tuples(st.integers(1, 24), st.integers(1, 40), st.just(3)),
    )
)
def test_any_image_is_measured_or_is_none(image: Image) -> None:
    line = measure_line(image)
    if line is not None:
        assert line.height == image.shape[0]
        assert line.contrast > 0
