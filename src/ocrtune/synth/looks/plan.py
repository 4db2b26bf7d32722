"""A look plan: all that happens to one line, as data; the same plan and ink give the same image.

It is written as JSON and read back, so that any line can be made again alone.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.looks.camera import CAMERA_EFFECTS
from ocrtune.synth.looks.effects import Effect, FloatImage, effect_name, to_bytes
from ocrtune.synth.looks.file import FILE_EFFECTS, FileEffect
from ocrtune.synth.looks.geometry import GEOMETRY_EFFECTS, place
from ocrtune.synth.looks.ink import INK_EFFECTS, ROOM, InkEffect
from ocrtune.synth.looks.light import LIGHT_EFFECTS, PageEffect
from ocrtune.synth.looks.paper import PAPER_EFFECTS, paint
from ocrtune.synth.looks.placement import Placement, Window
from ocrtune.synth.looks.steps import LOOK, Steps, finish
from ocrtune.synth.looks.surroundings import SURROUNDINGS, Scene, Surrounding

STAGES: Mapping[str, tuple[type[Effect], ...]] = MappingProxyType(
    {
        "ink": INK_EFFECTS,
        "geometry": GEOMETRY_EFFECTS,
        "surroundings": SURROUNDINGS,
        "paper": PAPER_EFFECTS,
        "light": LIGHT_EFFECTS,
        "camera": CAMERA_EFFECTS,
        "file": FILE_EFFECTS,
    }
)
"""The effects of each stage; stages and effects in the order in which they happen."""

EFFECTS: Mapping[str, type[Effect]] = MappingProxyType(
    {effect_name(effect): effect for effects in STAGES.values() for effect in effects}
)
"""Every effect by its name."""

HEIGHT_LIMIT, WIDTH_LIMIT = 2**10, 2**14
"""px of an ink mask. Wider images than that, preprocessing would not take either."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A finished line, with where its ink is."""

    image: Image
    """(H, W) grey or (H, W, 3) RGB uint8."""
    truth: Image
    """(H, W) uint8 mask: the ink before it was worn, where the image has it."""
    kept_ink: float
    """Share of the ink that the crop keeps, 0..1."""
    line_height: int
    """px, before the geometry."""
    placement: Placement
    """From px of the ink mask to px of the image."""

    def boxes(self, boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Character boxes (N, 4) of left, top, right, bottom px, moved from the ink mask to the image."""
        return self.placement.boxes(boxes)


@dataclass(frozen=True, slots=True)
class LookPlan:
    """What happens to one line: effects in the order of `STAGES`."""

    effects: tuple[Effect, ...]

    def apply(self, ink: Image, line_height: int | None = None) -> Look:
        """Make the line.

        Args:
            ink: (H, W) uint8 mask, 0 paper to 255 full ink, cut to its ink.
            line_height: px from the top of tall letters to the foot of hanging ones, which lengths are
                fractions of; by default the ink's height, which is too low for a text such as "...".

        Raises:
            InputError: the mask has no ink or is over `HEIGHT_LIMIT` or `WIDTH_LIMIT`, the image would be
                too large, or a picture cannot be read.
        """
        return finish(self.steps(ink, line_height))

    def steps(self, ink: Image, line_height: int | None = None) -> Steps[Look]:
        """Make the line as `apply` does, a stage at a time."""
        height, width = ink.shape
        if max(height, line_height or 0) > HEIGHT_LIMIT or width > WIDTH_LIMIT:
            limit = f"{WIDTH_LIMIT} x {HEIGHT_LIMIT}"
            raise InputError(f"ink of {width} x {height} px is too large; make it at most {limit}")
        if not ink.size or not cv2.hasNonZero(ink):
            raise InputError(f"the ink mask of {width} x {height} px has no ink; draw some text")
        line_height = line_height or height
        room = int(ROOM * line_height) + 2
        clean = np.asarray(cv2.copyMakeBorder(ink, room, room, room, room, cv2.BORDER_CONSTANT), np.uint8)
        worn = clean
        for effect in self.effects:
            if isinstance(effect, InkEffect):
                yield _STEP[type(effect)]
                worn = effect.apply(worn, line_height)
        yield _STEP[place]
        placed = place(self.effects, worn, clean, line_height)
        box = (room, room, room + width, room + height)
        scene = Scene(placed.ink, placed.placement, box, line_height)
        printed = placed.ink
        for effect in self.effects:
            if isinstance(effect, Surrounding):
                yield _STEP[type(effect)]
                printed = effect.apply(printed, scene)
        yield _STEP[paint]
        page = paint(self.effects, printed, scene)
        for effect in self.effects:
            if isinstance(effect, PageEffect):
                yield _STEP[type(effect)]
                page = effect.apply(page)
        yield _STEP[_bytes]
        image = _bytes(page)
        for effect in self.effects:
            if isinstance(effect, FileEffect):
                yield _STEP[type(effect)]
                image = effect.apply(image)
        roomy = Placement((Window(-room, -room, width + room, height + room), *placed.placement.steps))
        return Look(image, placed.truth, placed.kept, line_height, roomy)

    def to_json(self) -> str:
        """One line of JSON, as `from_json` reads it."""
        return json.dumps([{"effect": effect_name(type(e))} | asdict(e) for e in self.effects])

    @classmethod
    def from_json(cls, text: str) -> LookPlan:
        """Read a plan.

        Raises:
            InputError: not JSON, an effect that does not exist, or a value out of its limits.
        """
        try:
            content: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"the look plan is not JSON: {error}") from error
        if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
            raise InputError("the look plan is not a list of effects; write it with LookPlan.to_json")
        effects = tuple(_effect(dict(item), index) for index, item in enumerate(content))
        order = list(EFFECTS.values())
        return cls(tuple(sorted(effects, key=lambda effect: order.index(type(effect)))))


def _effect(values: dict[str, Any], index: int) -> Effect:
    name = str(values.pop("effect", ""))
    if name not in EFFECTS:
        near = difflib.get_close_matches(name, EFFECTS, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(EFFECTS)}"
        raise InputError(f"the look plan's effect {index}: no effect is called {name!r}{hint}")
    try:
        return _reader(name).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, (name, *first["loc"])))
        raise InputError(f"the look plan's effect {index}: {place}: {first['msg']}") from error


def _bytes(page: FloatImage) -> Image:
    """Grey levels (H, W), or planes (3, H, W), to the nearest bytes: (H, W), or RGB (H, W, 3)."""
    if page.ndim == 3:
        return np.asarray(cv2.merge([_bytes(plane) for plane in page]), np.uint8)
    return to_bytes(page)


_STEP: Mapping[Any, int] = MappingProxyType(
    {
        done: LOOK + number
        for number, done in enumerate(
            (
                *INK_EFFECTS,
                place,
                *SURROUNDINGS,
                paint,
                *LIGHT_EFFECTS,
                *CAMERA_EFFECTS,
                _bytes,
                *FILE_EFFECTS,
            )
        )
    }
)
"""What is done at each step of a look."""


@cache
def _reader(name: str) -> TypeAdapter[Effect]:
    return TypeAdapter(EFFECTS[name])
