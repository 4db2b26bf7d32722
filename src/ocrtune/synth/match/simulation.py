"""Draws lines of changing profiles and measures them as real ones are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.generator import LineError, LineGenerator, MadeLine
from ocrtune.synth.looks.profile import Profile, Range
from ocrtune.synth.match.knobs import Content, HeightKnob, Knob
from ocrtune.synth.match.measures import LineMeasures, measure_line
from ocrtune.synth.match.ranges import FittedRange, Sweep

SWEPT = 80
"""Lines of a sweep."""

CHECKED = 256
"""Lines that the fitted profile is judged by, which are not those it was fitted with."""

SHOWN = 0.8
"""Probability of a swept effect that need not be in every line."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """Always the same lines, so that only the profile makes a difference."""

    generator: LineGenerator
    lines: int
    """That will be made: those drawn are spread over them, since a file of strings may be sorted."""

    def sweep(self, content: Content, knob: Knob | HeightKnob, span: Range) -> Sweep:
        """Lines of a profile but for one knob, which is all over `span`; raises as `made`."""
        probability = 1.0 if knob.probabilities == (1.0,) else SHOWN
        parameters: list[float] = []
        values: list[float] = []
        plain: list[float] = []
        swept = knob.set(content, FittedRange(probability, span))
        for line, measures in self._drawn(swept, SWEPT, 0.25):
            measured = [float(value) for value in np.ravel(getattr(measures, knob.measure))]
            known = knob.values(line)
            for parameter, value in zip(known, measured, strict=False):  # not known: without the effect
                if np.isfinite(value):
                    parameters.append(parameter)
                    values.append(value)
            if not known:
                plain += [value for value in measured if np.isfinite(value)]
        return Sweep(np.array(parameters), np.array(values), np.array(plain))

    def measured(self, content: Content) -> list[LineMeasures]:
        """Measures of a profile's lines; raises as `made`."""
        return [measures for _, measures in self._drawn(content, SWEPT, 0.25)]

    def made(self, content: Content) -> list[LineMeasures]:
        """Measures of other lines than those that the profile was fitted with.

        Raises:
            InputError: most of the lines cannot be drawn or measured.
        """
        return [measures for _, measures in self._drawn(content, CHECKED, 0.75)]

    def _drawn(self, content: Content, count: int, phase: float) -> list[tuple[MadeLine, LineMeasures]]:
        generator = replace(self.generator, profile=Profile.model_validate(content))
        step = max(self.lines, 2 * CHECKED) / count
        drawn = list(_draw(generator, [int((i + phase) * step) for i in range(count)]))
        if 2 * len(drawn) < count:
            generator.line(0)  # where the texts or fonts are at fault, it says so
            raise InputError(
                f"of {count} lines drawn for --match only {len(drawn)} show their text; "
                "start from another --profile"
            )
        return drawn


def _draw(generator: LineGenerator, indices: Sequence[int]) -> Iterator[tuple[MadeLine, LineMeasures]]:
    for index in indices:
        try:
            line = generator.line(index)
        except LineError:  # making the lines counts and shows them
            continue
        measures = measure_line(line.image)
        if measures is not None:
            yield line, measures
