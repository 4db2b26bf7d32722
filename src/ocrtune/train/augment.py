"""Random changes to training images: what scanners, cameras and croppers do to a line.

Each change first draws its randomness as data, then applies it purely, so that a line's
augmentation depends only on its generator. Labels stay true: nothing here hides a symbol.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from ocrtune.records import Image

Augment = Callable[[Image, np.random.Generator], Image]
"""Takes an image (H, W) or (H, W, 3) uint8 and a generator, gives an image of any size."""

JPEG_SIDE_LIMIT = 65_500
"""px; libjpeg encodes nothing longer."""

AugmentLevel = Literal["none", "light", "strong"]


@dataclass(frozen=True, slots=True)
class Strength:
    """How far each change may go. Probabilities are per line."""

    warp_probability: float
    rise: float
    """Vertical offset between the two ends of a line, in line heights, at most."""
    slant: float
    """Horizontal shear, px per px of height, at most."""
    stretch: float
    """Natural log of the horizontal scale, at most."""
    crop: float
    """Margin gained or lost on each side, in line heights, at most."""
    contrast_probability: float
    contrast: float
    """Half range of the contrast factor around 1."""
    brightness: float
    """Half range of the added value, 0..255."""
    blur_probability: float
    blur: float
    """Standard deviation in line heights, at most."""
    noise_probability: float
    noise: float
    """Standard deviation in grey levels, at most."""
    shrink_probability: float
    shrink: float
    """Smallest height, as a share of the network's, that an image is scaled down to and back."""
    jpeg_probability: float
    jpeg_quality: int
    """Lowest quality."""


# Set by judgement; only the two levels were compared, on receipts: log 2026-11-21.
STRENGTHS: dict[AugmentLevel, Strength] = {
    "light": Strength(
        warp_probability=0.7,
        rise=0.08,
        slant=0.10,
        stretch=0.12,
        crop=0.06,
        contrast_probability=0.5,
        contrast=0.3,
        brightness=30,
        blur_probability=0.25,
        blur=0.025,
        noise_probability=0.25,
        noise=10,
        shrink_probability=0.15,
        shrink=0.5,
        jpeg_probability=0.2,
        jpeg_quality=40,
    ),
    "strong": Strength(
        warp_probability=0.9,
        rise=0.15,
        slant=0.2,
        stretch=0.2,
        crop=0.1,
        contrast_probability=0.7,
        contrast=0.5,
        brightness=50,
        blur_probability=0.4,
        blur=0.04,
        noise_probability=0.4,
        noise=20,
        shrink_probability=0.25,
        shrink=0.35,
        jpeg_probability=0.3,
        jpeg_quality=20,
    ),
}


def augmentation(level: AugmentLevel, height: int) -> Augment | None:
    """The changes of a level for a network of input height `height` px; None for "none"."""
    if level == "none":
        return None
    strength = STRENGTHS[level]

    def augment(image: Image, generator: np.random.Generator) -> Image:
        image = _limit_height(image, 2 * height)
        for change in draw_changes(strength, image.shape[0], height, generator):
            image = change(image)
        return image

    return augment


def draw_changes(
    strength: Strength, image_height: int, network_height: int, generator: np.random.Generator
) -> list[Callable[[Image], Image]]:
    """Draw which changes a line of `image_height` px gets, in the order they happen to a page."""
    changes: list[Callable[[Image], Image]] = []
    if generator.random() < strength.warp_probability:
        changes.append(
            Warp(
                rise=float(generator.uniform(-1, 1)) * strength.rise,
                slant=float(generator.uniform(-1, 1)) * strength.slant,
                scale=math.exp(float(generator.uniform(-1, 1)) * strength.stretch),
                margins=tuple(float(m) for m in generator.uniform(-1, 1, 4) * strength.crop),
            )
        )
    if generator.random() < strength.contrast_probability:
        changes.append(
            Contrast(
                gain=1 + float(generator.uniform(-1, 1)) * strength.contrast,
                offset=float(generator.uniform(-1, 1)) * strength.brightness,
                tint=tuple(float(t) for t in generator.uniform(-0.5, 0.5, 3) * strength.brightness),
            )
        )
    if generator.random() < strength.blur_probability:
        changes.append(Blur(sigma=float(generator.uniform(0.2, 1)) * strength.blur * image_height))
    if generator.random() < strength.shrink_probability:
        share = float(generator.uniform(strength.shrink, 1)) * network_height / image_height
        changes.append(Shrink(share=min(share, 1.0)))
    if generator.random() < strength.noise_probability:
        changes.append(
            Noise(sigma=float(generator.uniform(0, 1)) * strength.noise, seed=int(generator.integers(2**63)))
        )
    if generator.random() < strength.jpeg_probability:
        changes.append(Jpeg(quality=int(generator.integers(strength.jpeg_quality, 95))))
    return changes


@dataclass(frozen=True, slots=True)
class Warp:
    """Rotation, slant, horizontal scale and crop jitter in one resampling."""

    rise: float
    slant: float
    scale: float
    margins: tuple[float, ...]
    """Left, right, top, bottom, in line heights; negative cuts."""

    def __call__(self, image: Image) -> Image:
        """Apply to an image; its size changes."""
        height, width = image.shape[:2]
        left, right, top, bottom = (margin * height for margin in self.margins)
        # A short line ("1") is barely wider than its margins: never cut more than a tenth of it.
        left, right = max(left, -0.1 * width), max(right, -0.1 * width)
        turn = self.rise * height / max(width, 2 * height)  # px down per px right
        out_height = max(1, round(height + top + bottom))
        out_width = max(1, round((width + left + right) * self.scale))
        matrix = np.array(
            [
                [self.scale, self.slant, left * self.scale - self.slant * height / 2],
                [turn, 1.0, top - turn * width / 2],
            ]
        )
        return np.asarray(
            cv2.warpAffine(
                image,
                matrix,
                (out_width, out_height),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.uint8,
        )


@dataclass(frozen=True, slots=True)
class Contrast:
    """Contrast around the mean, brightness, and on colour images a tint."""

    gain: float
    offset: float
    tint: tuple[float, ...]

    def __call__(self, image: Image) -> Image:
        """Apply to an image."""
        values = image.astype(np.float32)
        mean = float(values.mean())
        values = (values - mean) * self.gain + (mean + self.offset)
        if image.ndim == 3:
            values += np.array(self.tint, np.float32)
        return np.clip(values, 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Blur:
    """Gaussian blur; `sigma` in px."""

    sigma: float

    def __call__(self, image: Image) -> Image:
        """Apply to an image."""
        if self.sigma < 0.2:  # below, the kernel is one px
            return image
        return np.asarray(cv2.GaussianBlur(image, (0, 0), self.sigma), np.uint8)


@dataclass(frozen=True, slots=True)
class Shrink:
    """Scale down by `share` and back: what a low-resolution scan loses."""

    share: float

    def __call__(self, image: Image) -> Image:
        """Apply to an image; its size stays."""
        height, width = image.shape[:2]
        small = (max(1, round(width * self.share)), max(1, round(height * self.share)))
        shrunk = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


@dataclass(frozen=True, slots=True)
class Noise:
    """Gaussian noise, the same in all channels."""

    sigma: float
    seed: int

    def __call__(self, image: Image) -> Image:
        """Apply to an image."""
        shape = image.shape[:2] if image.ndim == 2 else (*image.shape[:2], 1)
        noise = np.random.default_rng(self.seed).standard_normal(shape, np.float32) * self.sigma
        return np.clip(image + noise, 0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True)
class Jpeg:
    """A round trip through JPEG."""

    quality: int

    def __call__(self, image: Image) -> Image:
        """Apply to an image; one too long for JPEG stays as it is."""
        if max(image.shape) > JPEG_SIDE_LIMIT:
            return image
        _, encoded = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, self.quality))
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED), np.uint8)


def _limit_height(image: Image, limit: int) -> Image:
    """Shrink photos first: changes at 10 times the network's resolution cost time for nothing."""
    height, width = image.shape[:2]
    if height <= limit:
        return image
    size = (max(1, round(width * limit / height)), limit)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
