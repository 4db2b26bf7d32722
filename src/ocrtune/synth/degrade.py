"""What print, paper and camera do to a line. Each effect first draws its randomness as data, then applies.

A `Wear` gives the ranges, a `Degradation` is one draw from them: the same one always gives the same image.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.records import Image

FloatImage = npt.NDArray[np.float32]
Range = tuple[float, float]
"""Lowest and highest value of a uniform draw."""


@dataclass(frozen=True, slots=True)
class Wear:
    """How badly lines are worn: the ranges that effects draw from."""

    rotation: Range
    """Degrees, anticlockwise."""
    slant: Range
    """px to the right per px upwards: 0.2 leans like an italic."""
    margin: Range
    """Paper around the ink, as a fraction of the ink's height, each side drawn apart."""
    fade: Range
    """Share of ink lost where it is faintest, 0..1."""
    dropout: Range
    """Share of specks without ink, 0..1."""
    paper: Range
    """Grey level of the paper, 0..255."""
    contrast: Range
    """Grey levels between paper and full ink."""
    shade: Range
    """Grey levels that the paper changes by from one end to the other."""
    blur: Range
    """Standard deviation, as a fraction of the image's height."""
    noise: Range
    """Standard deviation, grey levels."""
    jpeg: tuple[int, int]
    """JPEG quality, 1..100."""


@dataclass(frozen=True, slots=True)
class Warp:
    """Rotation, slant and paper around: the only effect that changes the size."""

    rotation: float
    slant: float
    margins: tuple[float, float, float, float]
    """Left, top, right, bottom, as fractions of the ink's height."""

    @classmethod
    def draw(cls, wear: Wear, rng: np.random.Generator) -> Warp:
        """Draw the randomness."""
        left, top, right, bottom = map(float, rng.uniform(*wear.margin, size=4))
        return cls(rng.uniform(*wear.rotation), rng.uniform(*wear.slant), (left, top, right, bottom))

    def apply(self, ink: Image) -> Image:
        """Warp an ink mask (H, W) onto a canvas that holds all of it."""
        height, width = ink.shape
        angle = np.deg2rad(self.rotation)
        cos, sin = np.cos(angle), np.sin(angle)
        # y points down: a slant moves upper pixels right, an anticlockwise turn raises the right end.
        turn = np.array([[cos, sin], [-sin, cos]]) @ np.array([[1.0, -self.slant], [0.0, 1.0]])
        # Linear interpolation spreads an edge pixel's ink up to one pixel beyond its centre.
        corners = np.array([[-1, -1], [width, -1], [-1, height], [width, height]], float) @ turn.T  # (4, 2)
        low, high = corners.min(axis=0), corners.max(axis=0)
        left, top, right, bottom = (np.ceil(m * height) for m in self.margins)
        matrix = np.column_stack((turn, np.ceil((left, top) - low)))
        # One more px for the rounding of the offset, one so that the last row and column are paper.
        canvas = np.ceil(high - low) + 2 + (left + right, top + bottom)
        size = (int(canvas[0]), int(canvas[1]))
        return np.asarray(cv2.warpAffine(ink, matrix, size, flags=cv2.INTER_LINEAR, borderValue=0), np.uint8)


@dataclass(frozen=True, slots=True)
class LowInk:
    """Ink that fades in soft patches and drops out in specks, as a worn print head leaves it."""

    fade: float
    dropout: float
    seed: int
    """Of the patch and speck fields, whose size depends on the image."""

    @classmethod
    def draw(cls, wear: Wear, rng: np.random.Generator) -> LowInk:
        """Draw the randomness."""
        return cls(rng.uniform(*wear.fade), rng.uniform(*wear.dropout), int(rng.integers(2**31)))

    def apply(self, ink: Image) -> FloatImage:
        """Ink mask (H, W) uint8 to ink density (H, W) float32, 0..1."""
        height, width = ink.shape
        rng = np.random.default_rng(self.seed)
        patches = rng.uniform(0, 1, (3, max(2, round(2 * width / height)))).astype(np.float32)
        fading = np.clip(cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)
        # Specks are about two pixels wide at any size drawn: finer ones vanish when lines are resized.
        grains = rng.uniform(0, 1, (-(-height // 2), -(-width // 2))).astype(np.float32)
        kept = cv2.resize((grains >= self.dropout).astype(np.float32), (width, height))
        return np.asarray(ink / np.float32(255) * (1 - self.fade * fading) * kept, np.float32)


@dataclass(frozen=True, slots=True)
class Tone:
    """Ink density to grey levels on paper that is unevenly lit."""

    paper: float
    contrast: float
    shade: float
    """Grey levels added at the right end and taken at the left, half each."""

    @classmethod
    def draw(cls, wear: Wear, rng: np.random.Generator) -> Tone:
        """Draw the randomness."""
        sign = rng.choice((-1.0, 1.0))
        return cls(
            rng.uniform(*wear.paper), rng.uniform(*wear.contrast), float(sign * rng.uniform(*wear.shade))
        )

    def apply(self, density: FloatImage) -> FloatImage:
        """Density (H, W) 0..1 to grey levels (H, W) float32, not clipped."""
        light = np.linspace(-self.shade / 2, self.shade / 2, density.shape[1], dtype=np.float32)
        return np.asarray(self.paper + light - self.contrast * density, np.float32)


@dataclass(frozen=True, slots=True)
class Blur:
    """Defocus: a Gaussian."""

    sigma: float
    """As a fraction of the image's height."""

    @classmethod
    def draw(cls, wear: Wear, rng: np.random.Generator) -> Blur:
        """Draw the randomness."""
        return cls(rng.uniform(*wear.blur))

    def apply(self, grey: FloatImage) -> FloatImage:
        """Blur grey levels (H, W)."""
        sigma = self.sigma * grey.shape[0]
        if sigma < 0.05:  # below, the kernel is the identity in float32
            return grey
        return np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)


@dataclass(frozen=True, slots=True)
class Noise:
    """Sensor noise: Gaussian, independent per pixel."""

    sigma: float
    """Grey levels."""
    seed: int

    @classmethod
    def draw(cls, wear: Wear, rng: np.random.Generator) -> Noise:
        """Draw the randomness."""
        return cls(rng.uniform(*wear.noise), int(rng.integers(2**31)))

    def apply(self, grey: FloatImage) -> FloatImage:
        """Add noise to grey levels (H, W)."""
        field = np.random.default_rng(self.seed).standard_normal(grey.shape, np.float32)
        return np.asarray(grey + np.float32(self.sigma) * field, np.float32)


@dataclass(frozen=True, slots=True)
class Jpeg:
    """A JPEG round trip, which is also where grey levels become bytes."""

    quality: int

    @classmethod
    def draw(cls, wear: Wear, rng: np.random.Generator) -> Jpeg:
        """Draw the randomness."""
        return cls(int(rng.integers(wear.jpeg[0], wear.jpeg[1], endpoint=True)))

    def apply(self, grey: FloatImage) -> Image:
        """Grey levels (H, W) to uint8 (H, W)."""
        image = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
        _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)


@dataclass(frozen=True, slots=True)
class Degradation:
    """One line's wear as data, in the order it happens: print, paper, camera, file."""

    warp: Warp
    low_ink: LowInk
    tone: Tone
    blur: Blur
    noise: Noise
    jpeg: Jpeg

    @classmethod
    def draw(cls, wear: Wear, rng: np.random.Generator) -> Degradation:
        """Draw the randomness of every effect."""
        return cls(
            warp=Warp.draw(wear, rng),
            low_ink=LowInk.draw(wear, rng),
            tone=Tone.draw(wear, rng),
            blur=Blur.draw(wear, rng),
            noise=Noise.draw(wear, rng),
            jpeg=Jpeg.draw(wear, rng),
        )

    def apply(self, ink: Image) -> Image:
        """Ink mask (H, W) uint8 to a grey line image (H', W') uint8."""
        density = self.low_ink.apply(self.warp.apply(ink))
        return self.jpeg.apply(self.noise.apply(self.blur.apply(self.tone.apply(density))))
