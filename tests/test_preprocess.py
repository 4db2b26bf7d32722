"""From an image to the network's array: sizes, buckets, channel order, values, padding."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
from pydantic import ValidationError

from ocrtune.preprocess import PreprocessSpec, width_buckets
from ocrtune.records import Image


def grey(height: int, width: int, level: int = 200) -> Image:
    return np.full((height, width), level, np.uint8)


@pytest.mark.parametrize(
    ("arguments", "widths"),
    [
        ((64, 128), (64, 80, 96, 112, 128)),
        # The last is exactly what was asked for.
        ((64, 100), (64, 80, 96, 100)),
        ((100, 100), (100,)),
        # Growth rules where it exceeds the multiple.
        ((100, 400, 2.0, 50), (100, 200, 400)),
        ((320, 400, 1.1, 16), (320, 352, 400)),
    ],
)
def test_width_buckets(arguments: tuple[int, ...], widths: tuple[int, ...]) -> None:
    assert width_buckets(*arguments) == widths


@pytest.mark.parametrize(
    ("change", "size", "line_width", "bucket"),
    [
        # (height, width) of the image; a part of a px counts as one.
        ({}, (48, 100), 100, 128),
        ({}, (24, 50), 100, 128),
        ({}, (32, 67), 101, 128),
        # On a bucket's edge, one past it.
        ({}, (48, 128), 128, 128),
        ({}, (48, 129), 129, 256),
        # Wider than the last bucket: squeezed into it.
        ({}, (48, 5000), 256, 256),
        # Hostile shapes: a column of pixels, a single pixel.
        ({}, (10_000, 1), 1, 64),
        ({}, (1, 1), 48, 64),
        ({"stretch": 1.5}, (48, 100), 150, 256),
        ({"height": 32}, (48, 96), 64, 64),
    ],
)
def test_line_width_and_bucket(
    change: dict[str, float], size: tuple[int, int], line_width: int, bucket: int
) -> None:
    spec = PreprocessSpec.model_validate({"width_buckets": (64, 128, 256), **change})
    image = grey(*size)
    assert spec.line_width(image) == spec.line_width_of(*size) == line_width
    assert spec.bucket(image) == spec.bucket_of(line_width) == bucket
    assert spec.resize(image).shape == (spec.height, line_width, 3)


@pytest.mark.parametrize(
    ("channels", "pixel", "expected"),
    [
        ("bgr", (10, 20, 30), (30, 20, 10)),
        ("rgb", (10, 20, 30), (10, 20, 30)),
        # Luma: 0.299 * 255 = 76.245
        ("gray", (255, 0, 0), (76,)),
        ("bgr", (7,), (7, 7, 7)),
        ("rgb", (7,), (7, 7, 7)),
        ("gray", (7,), (7,)),
    ],
)
def test_channels(channels: str, pixel: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Grey and RGB images both go into every kind of network."""
    spec = PreprocessSpec.model_validate({"height": 8, "width_buckets": (8,), "channels": channels})
    image = np.broadcast_to(np.array(pixel, np.uint8), (8, 8, len(pixel)))
    resized = spec.resize(np.ascontiguousarray(image[:, :, 0] if len(pixel) == 1 else image))
    assert spec.num_channels == len(expected)
    assert resized.dtype == np.uint8
    assert resized.shape == (8, 8, len(expected))
    assert (resized == expected).all()


def test_a_model_file_cannot_ask_for_inputs_of_any_width() -> None:
    with pytest.raises(ValidationError, match="the widest bucket has 1000000 px; at most 16384 are read"):
        PreprocessSpec(width_buckets=(64, 1_000_000))


@pytest.mark.parametrize(
    ("interpolation", "level"),
    [
        # One bright row of four: averaging keeps a quarter of it, sampling two rows misses it.
        ("area", 64),
        ("linear", 0),
    ],
)
def test_thin_strokes_survive_averaging(interpolation: str, level: int) -> None:
    spec = PreprocessSpec.model_validate(
        {"height": 8, "width_buckets": (8,), "channels": "gray", "interpolation": interpolation}
    )
    image = grey(32, 32, 0)
    image[::4] = 255
    assert (spec.resize(image) == level).all()


def test_growing_is_linear_either_way() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 30), np.uint8)
    area, linear = (PreprocessSpec(height=20, interpolation=i).resize(image) for i in ("area", "linear"))
    assert np.array_equal(area, linear)


def test_a_batch_is_normalised_and_padded_to_the_right() -> None:
    spec = PreprocessSpec(height=8, width_buckets=(16,), channels="rgb", mean=100, std=50, padding=-3)
    wide, narrow = np.full((8, 16, 3), 200, np.uint8), np.full((8, 5, 3), (0, 50, 100), np.uint8)
    batch = spec.batch([wide, narrow], 16)
    assert batch.dtype == np.float32
    assert batch.shape == (2, 3, 8, 16)
    assert (batch[0] == 2).all()
    assert [np.unique(channel).tolist() for channel in batch[1, :, :, :5]] == [[-2], [-1], [0]]
    assert (batch[1, :, :, 5:] == -3).all()


def test_the_defaults_bring_black_and_white_to_minus_one_and_one() -> None:
    spec = PreprocessSpec(height=8, width_buckets=(16,))
    image = np.array([[0, 255]], np.uint8).repeat(8, 0)
    batch = spec.batch([np.repeat(image[:, :, None], 3, 2)], 16)
    assert batch[0, 0, 0, :3].tolist() == [-1, 1, 0]


def test_a_line_is_the_same_array_alone_and_beside_others() -> None:
    spec = PreprocessSpec(height=8, width_buckets=(16, 32))
    lines = [np.random.default_rng(i).integers(0, 256, (8, 10 + i, 3), np.uint8) for i in range(4)]
    batch = spec.batch(lines, 16)
    for row, line in zip(batch, lines, strict=True):
        assert np.array_equal(row, spec.batch([line], 16)[0])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width_buckets", ()),
        ("width_buckets", (64, 64)),
        ("width_buckets", (64, 32)),
        ("width_buckets", (0, 64)),
        ("width_buckets", (-64, 64)),
        ("height", 7),
        ("height", 513),
        ("std", 0),
        ("std", float("nan")),
        ("stretch", 0.1),
        ("stretch", 10),
        ("channels", "rgba"),
        ("interpolation", "cubic"),
        # Unknown keys are mistakes, not news.
        ("hieght", 48),
    ],
)
def test_a_spec_refuses_what_it_cannot_mean(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as caught:
        PreprocessSpec.model_validate({field: value})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


def test_a_spec_survives_json() -> None:
    spec = PreprocessSpec(height=32, width_buckets=(64, 100), stretch=1.3, channels="gray", padding=-1)
    assert PreprocessSpec.model_validate_json(spec.model_dump_json()) == spec


def test_fill_stretches_every_image_to_the_one_bucket() -> None:
    spec = PreprocessSpec(height=32, width_buckets=(100,), fit="fill", channels="gray")
    for size in ((24, 94), (60, 30), (20, 900)):
        image = np.full(size, 200, np.uint8)
        assert (spec.line_width(image), spec.bucket(image)) == (100, 100)
        assert spec.resize(image).shape == (32, 100, 1)


def test_what_to_fill_must_be_one_width() -> None:
    with pytest.raises(ValueError, match="fit is fill, which needs exactly one width bucket"):
        PreprocessSpec(fit="fill", width_buckets=(64, 100))


def test_edge_padding_repeats_the_last_column() -> None:
    spec = PreprocessSpec(height=8, width_buckets=(16,), channels="gray", mean=0, std=1, padding="edge")
    image = np.arange(8 * 5, dtype=np.uint8).reshape(8, 5, 1)
    (row,) = spec.batch([image], 16)
    np.testing.assert_array_equal(row[0, :, :5], image[:, :, 0])
    np.testing.assert_array_equal(row[0, :, 5:], np.repeat(image[:, 4:5, 0], 11, axis=1))


def test_bicubic_is_pillow_s() -> None:
    """As deep-text-recognition-benchmark and EasyOCR resize: their networks see what they learned on."""
    image = np.random.default_rng(1).integers(0, 256, (60, 90, 3), np.uint8)
    spec = PreprocessSpec(height=32, width_buckets=(64,), channels="rgb", interpolation="bicubic")
    expected = PIL.Image.fromarray(image).resize((48, 32), PIL.Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(spec.resize(image), np.asarray(expected))
