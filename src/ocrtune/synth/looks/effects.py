"""What an effect is: plain data, drawn from a profile's ranges, which is then applied purely.

An effect is a frozen dataclass. The type of each field says how its value is drawn: from a `Span`, as one
of several options (`OneOf`), or as a `Seed`. What effects do is written in the modules of their stages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

import cv2
import numpy as np
import numpy.typing as npt
from annotated_types import Ge, GroupedMetadata, Le
from pydantic import ConfigDict, Field

from ocrtune.records import Image

FloatImage = npt.NDArray[np.float32]
"""Grey levels (H, W), or red, green and blue planes (3, H, W); not clipped to 0..255.

Planes come first so that a field (H, W) adds to pages of both kinds, and at the same speed per plane."""


@dataclass(frozen=True, slots=True)
class Span(GroupedMetadata):
    """A number drawn evenly from a profile's range, which lies within `low`..`high`."""

    low: float
    high: float
    mild: float | None = None
    """What harms reading least: a line that failed is drawn nearer to it. None: all values are alike."""

    def __iter__(self) -> Iterator[Ge | Le]:
        """The limits, as pydantic reads them."""
        yield Ge(self.low)
        yield Le(self.high)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of the options that a profile lists."""

    expand: Callable[[str, Any], list[str]] | None = None
    """From an option as written, and the folder of the profile's file, to the options that it stands for."""


@dataclass(frozen=True, slots=True)
class _Seeding:
    """Marks the seed of a field that depends on the image's size, so cannot be drawn beforehand."""


Seed = Annotated[int, Field(ge=0, lt=2**32), _Seeding()]
"""Of a random field; a profile does not name it."""

Colour = Annotated[str, Field(pattern="^#[0-9a-f]{6}$")]
"""#rrggbb, small letters."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Base of all effects."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")  # when plans are read


@dataclass(frozen=True, slots=True)
class Parameter:
    """One field of an effect."""

    name: str
    drawn: Span | OneOf | _Seeding
    count: int
    """Values in the field: above 1 for a tuple whose members are drawn apart from one range."""
    is_tuple: bool
    is_integer: bool
    type: Any
    """Of one member, with its limits: what pydantic validates an option by."""

    def value(self, given: Any, uniforms: list[float], strength: float) -> Any:
        """The field's value.

        Args:
            given: what the profile says: (low, high), or the options; nothing for a seed.
            uniforms: `count` numbers, 0..1.
            strength: 1 for the profile's range, 0 for the mild end.
        """
        drawn = self.drawn
        if isinstance(drawn, _Seeding):
            return int(uniforms[0] * 2**32)
        if isinstance(drawn, OneOf):
            return given[int(uniforms[0] * len(given))]
        low, high = given
        mild = drawn.mild
        width = high - low + 1 if self.is_integer else high - low
        values: list[float] = []
        for uniform in uniforms:
            value = low + uniform * width
            if not self.is_integer:
                value = min(value, high)  # rounding may pass it by the last bit
            if mild is not None and strength != 1:
                value = mild + strength * (value - mild)
            values.append(int(value) if self.is_integer else value)
        return tuple(values) if self.is_tuple else values[0]


def parameters(effect: type[Effect]) -> tuple[Parameter, ...]:
    """The fields of an effect, in order."""
    hints = get_type_hints(effect, include_extras=True)
    return tuple(_parameter(field.name, hints[field.name]) for field in fields(effect))


def _parameter(name: str, hint: Any) -> Parameter:
    is_tuple = get_origin(hint) is tuple
    members = get_args(hint) if is_tuple else (hint,)
    kind, *marks = get_args(members[0])
    drawn = next(mark for mark in marks if isinstance(mark, Span | OneOf | _Seeding))
    return Parameter(name, drawn, len(members), is_tuple, kind is int, members[0])


def effect_name(effect: type[Effect]) -> str:
    """The name in profiles and plans: `low_ink` of `LowInk`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", effect.__name__).lower()


@cache
def rgb(colour: str) -> FloatImage:
    """Red, green and blue of a `Colour`, 0..255: (3, 1, 1), which mixes with the planes of a page."""
    channels = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return np.array(channels, np.float32)[:, np.newaxis, np.newaxis]


def level_of(colour: str, page: FloatImage) -> FloatImage:
    """A `Colour` on this page: (3, 1, 1), or its grey level (ITU-R BT.601, as JPEG and OpenCV weigh it)."""
    if page.ndim == 3:
        return rgb(colour)
    red, green, blue = rgb(colour)
    return np.asarray(0.299 * red + 0.587 * green + 0.114 * blue, np.float32)


def to_bytes(levels: FloatImage) -> Image:
    """Levels (H, W) to the nearest bytes; what is below 0 or above 255 to these."""
    # The threshold is a maximum with 0, at a third of the time that OpenCV's own takes.
    _, above = cv2.threshold(levels, 0, 0, cv2.THRESH_TOZERO)
    return np.asarray(cv2.convertScaleAbs(above), np.uint8)


def each_plane(page: FloatImage, change: Callable[[FloatImage], Any]) -> FloatImage:
    """A page whose planes are changed one by one, by a function of (H, W)."""
    if page.ndim == 2:
        return np.asarray(change(page), np.float32)
    return np.asarray([change(plane) for plane in page], np.float32)
