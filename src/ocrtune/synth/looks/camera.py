"""What the lens and the sensor do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import cv2
import numpy as np

from ocrtune.synth.looks.effects import FloatImage, Seed, Span, each_plane
from ocrtune.synth.looks.fields import window
from ocrtune.synth.looks.light import PageEffect


@dataclass(frozen=True, slots=True)
class Blur(PageEffect):
    """Defocus: a Gaussian."""

    sigma: Annotated[float, Span(0, 0.2, mild=0)]
    """Standard deviation, as a fraction of the image's height."""

    def apply(self, page: FloatImage) -> FloatImage:
        """Blur."""
        sigma = self.sigma * page.shape[-2]
        if sigma < 0.2:  # below, a neighbour gets less than 1e-5 of a pixel
            return page
        # Three standard deviations each way: OpenCV takes four for float images, at twice the time.
        size = 2 * max(1, round(3 * sigma)) + 1
        border = cv2.BORDER_REPLICATE
        return each_plane(page, lambda p: cv2.GaussianBlur(p, (size, size), sigma, borderType=border))


@dataclass(frozen=True, slots=True)
class MotionBlur(PageEffect):
    """A camera that moved while it looked."""

    length: Annotated[float, Span(0, 0.3, mild=0)]
    """Of the way it moved, as a fraction of the image's height."""
    angle: Annotated[float, Span(-90, 90)]
    """Degrees of the way, anticlockwise."""

    def apply(self, page: FloatImage) -> FloatImage:
        """Average along the way."""
        length = self.length * page.shape[-2]
        half = int(np.ceil(length / 2))
        kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
        angle = np.deg2rad(self.angle)
        way = np.array([np.cos(angle), -np.sin(angle)]) * length / 2
        ends = np.rint((np.array([-way, way]) + half) * 16).astype(np.int32)
        cv2.polylines(kernel, [ends], False, 1.0, 1, cv2.LINE_8, 4)
        kernel /= kernel.sum()
        return each_plane(page, lambda p: cv2.filter2D(p, -1, kernel, borderType=cv2.BORDER_REPLICATE))


@dataclass(frozen=True, slots=True)
class Moire(PageEffect):
    """Stripes from a screen's pixels against the sensor's."""

    amplitude: Annotated[float, Span(0, 40, mild=0)]
    """Grey levels."""
    period: Annotated[float, Span(2, 40)]
    """px."""
    angle: Annotated[float, Span(-90, 90)]
    """Degrees between the stripes and the upright."""
    chirp: Annotated[float, Span(0, 1)]
    """Share that the period changes by from one end of the image to the other."""

    def apply(self, page: FloatImage) -> FloatImage:
        """Add the stripes."""
        height, width = page.shape[-2:]
        angle = np.deg2rad(self.angle)
        x = np.arange(width, dtype=np.float32) * np.float32(np.cos(angle) / self.period)
        x *= 1 + np.linspace(0, self.chirp, width, dtype=np.float32)
        y = np.arange(height, dtype=np.float32) * np.float32(np.sin(angle) / self.period)
        # One cosine a row and a column, by the addition theorem, instead of one a pixel.
        turns_x, turns_y = 2 * np.pi * x, 2 * np.pi * y[:, np.newaxis]
        stripes = np.cos(turns_y) * np.cos(turns_x) - np.sin(turns_y) * np.sin(turns_x)
        stripes = np.float32(self.amplitude) * stripes.astype(np.float32)
        return np.asarray(page + stripes, np.float32)


@dataclass(frozen=True, slots=True)
class LowResolution(PageEffect):
    """A sensor with fewer pixels; the image keeps its size."""

    factor: Annotated[float, Span(1, 6, mild=1)]
    """px of the image per px of the sensor, each way."""

    def apply(self, page: FloatImage) -> FloatImage:
        """Shrink and enlarge."""
        height, width = page.shape[-2:]
        small = max(1, round(width / self.factor)), max(1, round(height / self.factor))

        def coarse(plane: FloatImage) -> Any:
            return cv2.resize(cv2.resize(plane, small, interpolation=cv2.INTER_AREA), (width, height))

        return each_plane(page, coarse)


@dataclass(frozen=True, slots=True)
class Noise(PageEffect):
    """Sensor noise: Gaussian, each pixel and channel apart."""

    sigma: Annotated[float, Span(0, 60, mild=0)]
    """Standard deviation, grey levels."""
    seed: Seed

    def apply(self, page: FloatImage) -> FloatImage:
        """Add the noise."""
        height, width = page.shape[-2:]
        field = window("noise", height * (page.size // (height * width)), width, self.seed)
        noise = np.float32(self.sigma) * field.reshape(page.shape)
        noise += page
        return noise


@dataclass(frozen=True, slots=True)
class SaltAndPepper(PageEffect):
    """Pixels that are black or white, whatever they should be: dust, bad thresholds, dead sensor cells."""

    share: Annotated[float, Span(0, 0.1, mild=0)]
    """Of the pixels; half of them black."""
    seed: Seed

    def apply(self, page: FloatImage) -> FloatImage:
        """Set the pixels."""
        field = window("salt", page.shape[-2], page.shape[-1], self.seed)
        black, white = field < self.share / 2, field > 1 - self.share / 2
        return np.where(black, np.float32(0), np.where(white, np.float32(255), page))


@dataclass(frozen=True, slots=True)
class Gamma(PageEffect):
    """Exposure and contrast curve."""

    gamma: Annotated[float, Span(0.3, 3, mild=1)]
    """Exponent on light of 0..1: above 1 darkens."""

    def apply(self, page: FloatImage) -> FloatImage:
        """Bend the curve."""
        light = np.clip(page, 0, 255) / np.float32(255)
        return each_plane(light, lambda p: cv2.pow(p, self.gamma)) * np.float32(255)


CAMERA_EFFECTS: tuple[type[PageEffect], ...] = (
    Moire,
    Blur,
    MotionBlur,
    LowResolution,
    Noise,
    SaltAndPepper,
    Gamma,
)
"""In the order in which they happen."""
