"""Light on the finished print: inversion on screens, shading, folds, shadows, glare."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from ocrtune.synth.looks.effects import Effect, FloatImage, Seed, Span
from ocrtune.synth.looks.fields import window

Place = Annotated[float, Span(0, 1)]
"""0 at the left or top edge of the image, 1 at the other."""


@dataclass(frozen=True, slots=True)
class PageEffect(Effect):
    """Changes the whole page, print and all."""

    @abstractmethod
    def apply(self, page: FloatImage) -> FloatImage:
        """Change a page (H, W) or (3, H, W)."""


@dataclass(frozen=True, slots=True)
class Inverted(PageEffect):
    """Light text on dark."""

    def apply(self, page: FloatImage) -> FloatImage:
        """Swap dark and light."""
        return 255 - page


@dataclass(frozen=True, slots=True)
class Shading(PageEffect):
    """Light that falls off from one side to the other, and in soft patches."""

    slope: Annotated[float, Span(-120, 120, mild=0)]
    """Grey levels that the right end is lighter than the left."""
    patches: Annotated[float, Span(0, 40, mild=0)]
    """Standard deviation of the patches, grey levels."""
    seed: Seed

    def apply(self, page: FloatImage) -> FloatImage:
        """Add the light."""
        height, width = page.shape[-2:]
        light = np.float32(self.patches) * window("cloud", height, width, self.seed)
        light += np.linspace(-self.slope / 2, self.slope / 2, width, dtype=np.float32)
        return page + light if page.ndim == 3 else np.add(page, light, out=light)


@dataclass(frozen=True, slots=True)
class Fold(PageEffect):
    """A crease across the line: light on one side of it, dark on the other, worn at the ridge."""

    place: Place
    lean: Annotated[float, Span(-1, 1)]
    """px to the right per px upwards."""
    depth: Annotated[float, Span(0, 80, mild=0)]
    """Grey levels at the ridge."""
    reach: Annotated[float, Span(0.05, 3)]
    """How far its shade reaches, in heights of the image."""

    def apply(self, page: FloatImage) -> FloatImage:
        """Shade both sides of the crease."""
        height, width = page.shape[-2:]
        x = np.arange(width, dtype=np.float32) - np.float32(self.place * width)
        y = np.arange(height, dtype=np.float32)[:, np.newaxis] - np.float32(height / 2)
        distance = x + np.float32(self.lean) * y
        fading = np.float32(self.depth) * np.exp(-np.abs(distance) / np.float32(self.reach * height))
        ridge = np.clip(np.float32(1.2) - np.abs(distance), 0, 1) * np.float32(self.depth / 2)
        return page + np.copysign(fading, distance) * np.float32(0.5) + ridge


@dataclass(frozen=True, slots=True)
class CastShadow(PageEffect):
    """The shadow of a hand or phone over a part of the line."""

    place: Place
    lean: Annotated[float, Span(-2, 2)]
    """Of its edge, px to the right per px upwards."""
    softness: Annotated[float, Span(0.02, 3)]
    """Width of the edge, in heights of the image."""
    depth: Annotated[float, Span(-0.8, 0.8, mild=0)]
    """Share of light taken right of the edge; below 0, left of it."""

    def apply(self, page: FloatImage) -> FloatImage:
        """Darken one side."""
        height, width = page.shape[-2:]
        x = np.arange(width, dtype=np.float32) - np.float32(self.place * width)
        y = np.arange(height, dtype=np.float32)[:, np.newaxis] - np.float32(height / 2)
        distance = (x + np.float32(self.lean) * y) / np.float32(self.softness * height)
        shaded = np.clip(np.float32(0.5) + np.sign(self.depth or 1).astype(np.float32) * distance, 0, 1)
        return np.asarray(page * (1 - np.float32(abs(self.depth)) * shaded), np.float32)


@dataclass(frozen=True, slots=True)
class Glare(PageEffect):
    """A lamp mirrored in gloss: a bright spot with soft edges."""

    x: Place
    y: Place
    size: Annotated[float, Span(0.2, 4)]
    """Standard deviation of the spot, in heights of the image; it is twice as wide as high."""
    strength: Annotated[float, Span(0, 1, mild=0)]
    """How far towards white its middle goes."""

    def apply(self, page: FloatImage) -> FloatImage:
        """Brighten."""
        height, width = page.shape[-2:]
        x = (np.arange(width, dtype=np.float32) - self.x * width) / (2 * self.size * height)
        y = (np.arange(height, dtype=np.float32) - self.y * height) / (self.size * height)
        spot = np.float32(self.strength) * np.multiply.outer(np.exp(-y * y / 2), np.exp(-x * x / 2))
        return np.asarray(page + (255 - page) * spot.astype(np.float32), np.float32)


LIGHT_EFFECTS: tuple[type[PageEffect], ...] = (Inverted, Fold, Shading, CastShadow, Glare)
"""In the order in which they happen."""
