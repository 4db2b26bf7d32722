"""The only code that turns an image into the array a network sees.

Training, evaluation, export and service all call it with the spec stored in the bundle.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Annotated, Literal, Self

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ocrtune.records import Image

WIDTH_LIMIT = 2**14
"""px; the widest input that a model file may ask for, since it becomes an array of that size."""


def _checked_widths(widths: tuple[int, ...]) -> tuple[int, ...]:
    if any(a >= b for a, b in itertools.pairwise(widths)) or (widths and widths[0] < 1):
        raise ValueError("width buckets must be positive and ascending")
    if widths and widths[-1] > WIDTH_LIMIT:
        raise ValueError(f"the widest bucket has {widths[-1]} px; at most {WIDTH_LIMIT} are read")
    return widths


def width_buckets(first: int, last: int, growth: float = 1.1, multiple: int = 16) -> tuple[int, ...]:
    """Widths in px that grow by about `growth`, each a multiple of `multiple`.

    Padding then costs at most about `growth` - 1 of a line, and a set has few distinct widths.
    """
    widths = [first]
    while widths[-1] < last:
        grown = math.ceil(widths[-1] * growth / multiple) * multiple
        widths.append(min(last, max(grown, widths[-1] + multiple)))
    return tuple(widths)


class PreprocessSpec(BaseModel):
    """How a line image becomes a network's input: resize to a height, pad to a bucket, scale."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int = Field(default=48, ge=8, le=512)
    """Input height, px."""
    width_buckets: Annotated[tuple[int, ...], Field(min_length=1), AfterValidator(_checked_widths)] = (
        width_buckets(64, 2560)
    )
    """Widths an input is padded to, px, ascending. A line wider than the last is squeezed to it."""
    stretch: float = Field(default=1.0, gt=0.1, lt=10)
    """Width over the width that keeps the aspect ratio; above 1 gives narrow repeats more steps."""
    fit: Literal["ratio", "fill"] = "ratio"
    """`ratio` keeps an image's proportions and pads; `fill` stretches every image to the one bucket."""
    channels: Literal["gray", "bgr", "rgb"] = "bgr"
    interpolation: Literal["linear", "area", "bicubic"] = "area"
    """`area` averages where an image shrinks, so that thin strokes stay, and is linear where it grows;
    `linear` samples four px either way, as PaddleOCR does; `bicubic` is Pillow's, which averages too."""
    mean: float = 127.5
    """Subtracted from 0..255 values."""
    std: float = Field(default=127.5, gt=0)
    """Divides after `mean` is subtracted."""
    padding: float | Literal["edge"] = 0.0
    """Value right of the line, in normalised units; `edge` repeats the last column of the line."""

    @model_validator(mode="after")
    def _one_bucket_to_fill(self) -> Self:
        if self.fit == "fill" and len(self.width_buckets) != 1:
            raise ValueError("fit is fill, which needs exactly one width bucket")
        return self

    @property
    def num_channels(self) -> int:
        """Channels of the network input."""
        return 1 if self.channels == "gray" else 3

    def line_width(self, image: Image) -> int:
        """Width in px that `image` is resized to, before padding."""
        return self.line_width_of(*image.shape[:2])

    def line_width_of(self, height: int, width: int) -> int:
        """The same for an image of this size in px."""
        if self.fit == "fill":
            return self.width_buckets[-1]
        natural = math.ceil(self.height * width / height * self.stretch)
        return max(1, min(natural, self.width_buckets[-1]))

    def bucket(self, image: Image) -> int:
        """Width in px that `image` is padded to. It depends on this image alone."""
        return self.bucket_of(self.line_width(image))

    def bucket_of(self, line_width: int) -> int:
        """The bucket of a line of this width in px."""
        return next(b for b in self.width_buckets if b >= line_width)

    def resize(self, image: Image) -> Image:
        """Resize to (height, line_width, channels), uint8, channels in network order."""
        if self.channels == "gray":
            if image.ndim == 3:
                image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        elif image.ndim == 2:
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)
        size = (self.line_width(image), self.height)
        if self.interpolation == "bicubic":
            filtered = PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.BICUBIC)
            resized = np.asarray(filtered, np.uint8)
        else:
            shrinks = self.interpolation == "area" and self.height < image.shape[0]
            method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            resized = np.asarray(cv2.resize(image, size, interpolation=method), np.uint8)
        if self.channels == "bgr":
            resized = resized[:, :, ::-1]
        return np.asarray(resized if resized.ndim == 3 else resized[:, :, None], np.uint8)

    def batch(self, resized: Sequence[Image], width: int) -> npt.NDArray[np.float32]:
        """Normalise and right-pad images from `resize` to (N, channels, height, width) float32.

        `width` is their common bucket.
        """
        shape = (len(resized), self.num_channels, self.height, width)
        array = np.full(shape, 0.0 if self.padding == "edge" else self.padding, np.float32)
        for row, image in zip(array, resized, strict=True):
            row[:, :, : image.shape[1]] = image.transpose(2, 0, 1)
            row[:, :, : image.shape[1]] -= self.mean
            row[:, :, : image.shape[1]] /= self.std
            if self.padding == "edge":
                row[:, :, image.shape[1] :] = row[:, :, image.shape[1] - 1 : image.shape[1]]
        return array
