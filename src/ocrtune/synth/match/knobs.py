"""The parameters of a profile that are fitted, each by the measure that it moves most."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ocrtune.synth.generator import MadeLine
from ocrtune.synth.looks.effects import parameters
from ocrtune.synth.looks.plan import EFFECTS
from ocrtune.synth.looks.profile import Range
from ocrtune.synth.match.ranges import FittedRange

Content = dict[str, Any]
"""A profile as YAML has it."""

SOME = (1.0, 0.8, 0.6, 0.4, 0.2)
"""Probabilities of an effect that stays in the profile."""


@dataclass(frozen=True, slots=True)
class Knob:
    """A parameter of an effect, and the measure that shows it."""

    measure: str
    stage: str
    effect: str
    parameter: str
    span: Range
    """That is searched."""
    others: Mapping[str, Any] = field(default_factory=dict)
    """The effect's other parameters, where the profile does not have the effect yet."""
    probabilities: tuple[float, ...] = (*SOME, 0.0)
    """How often the effect may come; empty where another of its parameters has settled it."""

    @property
    def is_whole(self) -> bool:
        """Takes whole numbers."""
        return next(p.is_integer for p in parameters(EFFECTS[self.effect]) if p.name == self.parameter)

    def find(self, content: Content) -> dict[str, Any] | None:
        """What a profile says of the effect."""
        found: dict[str, Any] | None = content.get(self.stage, {}).get(self.effect)
        return found

    def fitted(self, content: Content) -> Range | None:
        """The range that a profile has; None without the effect."""
        found = self.find(content)
        if found is None:
            return None
        low, high = found[self.parameter]
        return float(low), float(high)

    def set(self, content: Content, fitted: FittedRange) -> Content:
        """The profile with this range; without the effect where its probability is 0."""
        content = copy.deepcopy(content)
        effects = content.setdefault(self.stage, {})
        if fitted.probability == 0:
            effects.pop(self.effect, None)
            return content
        # To a thousandth of the span, for people read it.
        digits = 0 if self.is_whole else 3 - math.floor(math.log10(self.span[1] - self.span[0]))
        ends = [round(end, digits or None) for end in fitted.range]
        said = {"probability": fitted.probability, **self.others, **effects.get(self.effect, {})}
        effects[self.effect] = said | {"probability": fitted.probability, self.parameter: ends}
        return content

    def values(self, line: MadeLine) -> list[float]:
        """What a made line had: one for each value of the measure; none where it does not show the effect."""
        kind = EFFECTS[self.effect]
        drawn = next((effect for effect in line.plan.effects if type(effect) is kind), None)
        if drawn is None:
            return []
        value = getattr(drawn, self.parameter)
        if self.effect == "margins":
            return [value[1], value[3]]  # top and bottom, as the measure has them
        return [value[0] if isinstance(value, tuple) else value]  # of qualities, that of the first time


@dataclass(frozen=True, slots=True)
class HeightKnob:
    """The line height, which every profile has."""

    span: Range
    measure: str = "ink_height"
    probabilities: tuple[float, ...] = (1.0,)

    def find(self, content: Content) -> dict[str, Any] | None:
        """What a profile says."""
        return {"probability": 1.0, "line_height": content["line_height"]}

    def fitted(self, content: Content) -> Range | None:
        """The range that a profile has."""
        low, high = content["line_height"]
        return float(low), float(high)

    def set(self, content: Content, fitted: FittedRange) -> Content:
        """The profile with this range."""
        return content | {"line_height": [float(f"{end:.3g}") for end in fitted.range]}

    def values(self, line: MadeLine) -> list[float]:
        """What a made line had, px."""
        return [float(line.look.line_height)]


KNOBS = (
    Knob("margins", "geometry", "margins", "sides", (0, 1.2), probabilities=(1.0,)),
    Knob("skew", "geometry", "skew", "angle", (-6, 6)),
    Knob("slant", "geometry", "slant", "shear", (-0.4, 0.4)),
    Knob("edge_width", "camera", "blur", "sigma", (0, 0.08)),
    Knob("paper", "paper", "tone", "paper", (60, 255), {"contrast": [255, 255]}, SOME),
    Knob("contrast", "paper", "tone", "contrast", (30, 255), probabilities=()),
    Knob("stroke_width", "ink", "stroke_width", "change", (-0.03, 0.06)),
    Knob("ink_unevenness", "ink", "low_ink", "fade", (0, 0.9), {"dropout": [0, 0]}),
    Knob("shading", "light", "shading", "slope", (-80, 80), {"patches": [0, 0]}),
    Knob("grain", "paper", "texture", "amplitude", (0, 24), {"kind": ["grain"]}),
    Knob("noise", "camera", "noise", "sigma", (0, 24)),
)
"""In the order in which they are fitted: what moves other measures comes before what it moves."""

BLOCKS = Knob("blockiness", "file", "jpeg", "quality", (20, 98), {"times": [1, 1]})
"""Only where the files do not tell their quality."""
