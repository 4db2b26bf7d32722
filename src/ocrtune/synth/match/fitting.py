"""Fits a profile to measures of real lines.

Each knob in turn is swept over its span while all else is as fitted so far: lines are drawn by the real
generator, measured as the real ones were, and the range is taken whose lines are distributed most like
theirs. Each round sweeps closer around what the round before found.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.generator import LineGenerator
from ocrtune.synth.looks.profile import Profile, Range
from ocrtune.synth.match.colours import colour_pairs
from ocrtune.synth.match.knobs import BLOCKS, KNOBS, Content, HeightKnob, Knob
from ocrtune.synth.match.measures import MEASURES, Floats, LineMeasures
from ocrtune.synth.match.ranges import BINS, CELLS, fit_range
from ocrtune.synth.match.simulation import Simulation

ROUNDS = 3

MOST = 0.5
"""Share of lines that must tell something, if a range is to be fitted or looked at closer."""

LEAST_LINES = 10
"""Real lines below which quantiles of 5 and 95 % mean nothing."""

COLOUR_SHARE = 0.1
"""Of the lines, from which on the material is coloured: its grey lines are then pairs of greys."""

KNOWN_QUALITY = 0.5
"""Share of files that tell their JPEG quality, from which on the others count as not compressed."""

PICTURE_PROBABILITY = 0.5
"""Of the user's own paper: the other lines show more kinds of it than were found."""


@dataclass(frozen=True, slots=True)
class RealLines:
    """What is known of the user's lines."""

    measures: tuple[LineMeasures, ...]
    qualities: tuple[int | None, ...]
    """JPEG quality, 1..100, of each; None where its file does not tell."""

    @property
    def is_coloured(self) -> bool:
        """Enough of them have colours."""
        return _share([line.is_coloured for line in self.measures]) >= COLOUR_SHARE

    @property
    def jpeg_qualities(self) -> list[int] | None:
        """Of the files that tell it; None where these are too few to speak for all."""
        known = [quality for quality in self.qualities if quality is not None]
        return known if len(known) >= KNOWN_QUALITY * len(self.qualities) else None


@dataclass(frozen=True, slots=True)
class Match:
    """A fitted profile."""

    content: Content
    """As YAML has it."""
    made: tuple[LineMeasures, ...]
    """Of lines that were drawn with it."""


def fit_profile(
    start: Profile,
    generator: LineGenerator,
    lines: int,
    theirs: RealLines,
    pictures: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Match:
    """Fit a profile: the same profile for the same arguments.

    Args:
        start: its effects stay, but for those that are fitted.
        generator: of the lines to be made: texts and fonts have a say in how high and heavy lines are.
        lines: how many of them.
        theirs: measures of real lines.
        pictures: folder with pieces of their paper, to print on.
        progress: called with (steps done, steps in all).

    Raises:
        InputError: under `LEAST_LINES` real lines, or the texts cannot be drawn.
    """
    if len(theirs.measures) < LEAST_LINES:
        raise InputError(
            f"{len(theirs.measures)} lines with measurable ink are too few to match; "
            f"give at least {LEAST_LINES}"
        )
    simulation = Simulation(generator, lines)
    content = _begin(start, theirs, pictures)
    knobs = _knobs(theirs)
    gain = 1.0
    for turn in range(ROUNDS):
        if theirs.is_coloured:
            gain *= _lost_contrast(content, simulation, theirs)
            content = _with_pairs(content, theirs, gain)
        for at, knob in enumerate(knobs):
            if progress is not None:
                progress(turn * len(knobs) + at, ROUNDS * len(knobs))
            span = knob.span if turn == 0 else _around(knob, content)
            content = _fitted(content, knob, span, simulation, theirs)
    if theirs.is_coloured:
        gain *= _lost_contrast(content, simulation, theirs)
        content = _with_pairs(content, theirs, gain)
    return Match(content, tuple(simulation.made(content)))


def _knobs(theirs: RealLines) -> list[Knob | HeightKnob]:
    low, high = np.quantile(MEASURES["ink_height"].values(theirs.measures), (0.05, 0.95)).tolist()
    # Of the line's height, the ink of capitals is 0.7 high, and that of a row of small letters 0.5.
    height = HeightKnob((max(6.0, 0.9 * low), min(512.0, max(12.0, 2.2 * high))))
    # Where colours are drawn, they say what paper and ink are.
    knobs = [knob for knob in KNOBS if not (theirs.is_coloured and knob.effect == "tone")]
    blocks = [BLOCKS] if theirs.jpeg_qualities is None else []
    # The height comes first, since lengths are fractions of it, and last, since skew and frames change ink.
    return [height, *knobs, *blocks, height]


def _begin(start: Profile, theirs: RealLines, pictures: Path | None) -> Content:
    """The profile to start from, with what need not be searched for."""
    content: Content = start.model_dump(mode="json", exclude_none=True)
    for stage, names in _REPLACED.items():
        content[stage] = {name: said for name, said in content[stage].items() if name not in names}
    content["geometry"].setdefault("margins", {"probability": 1.0, "sides": [0.1, 0.3]})
    paper = content["paper"]
    if theirs.is_coloured:
        pairs = colour_pairs(theirs.measures)
        paper["colours"] = {"probability": 1.0, "pairs": pairs, "spread": [-6, 6], "brightness": [1, 1]}
    else:
        levels = {name: _ends(MEASURES[name].values(theirs.measures)) for name in ("paper", "contrast")}
        paper["tone"] = {"probability": 1.0, **levels}
        if inverted := _share([line.is_light for line in theirs.measures]):
            content["light"]["inverted"] = {"probability": inverted}
        if pictures is not None:
            paper["picture"] = {"probability": PICTURE_PROBABILITY, "pictures": [str(pictures)]}
    if binary := _share([line.is_binary for line in theirs.measures]):
        content["file"]["binarise"] = {"probability": binary, "offset": [-10, 10]}
    if theirs.jpeg_qualities is not None:
        ends = [max(5, round(end)) for end in _ends(np.array(theirs.jpeg_qualities, np.float64))]
        often = round(len(theirs.jpeg_qualities) / len(theirs.qualities), 2)
        content["file"]["jpeg"] = {"probability": often, "times": [1, 1], "quality": ends}
    return content


_REPLACED = {
    "paper": ("tone", "colours", "picture"),
    "light": ("inverted",),
    "file": ("binarise", "palette"),
}
"""Effects of the profile to start from that the real lines decide on."""


def _ends(values: Floats) -> list[float]:
    low, high = np.clip(np.quantile(values, (0.05, 0.95)), 1, 255).tolist()
    return [low, high]


def _share(flags: Sequence[bool]) -> float:
    """Of those that are true, in hundredths."""
    return round(float(np.mean(flags)), 2)


def _lost_contrast(content: Content, simulation: Simulation, theirs: RealLines) -> float:
    """Median contrast of theirs over ours."""
    contrast = MEASURES["contrast"]
    made = contrast.values(simulation.measured(content))
    return float(np.median(contrast.values(theirs.measures)) / np.median(made))


def _with_pairs(content: Content, theirs: RealLines, gain: float) -> Content:
    content = copy.deepcopy(content)
    content["paper"]["colours"]["pairs"] = colour_pairs(theirs.measures, float(np.clip(gain, 1, 3)))
    return content


def _around(knob: Knob | HeightKnob, content: Content) -> Range:
    """A span about twice as wide as the range that was found; all of it where that is for few lines."""
    said, found = knob.find(content), knob.fitted(content)
    if said is None or found is None or said["probability"] < MOST:
        return knob.span
    lowest, highest = knob.span
    margin = max((found[1] - found[0]) / 2, 2 * (highest - lowest) / CELLS)
    return max(lowest, found[0] - margin), min(highest, found[1] + margin)


def _fitted(
    content: Content, knob: Knob | HeightKnob, span: Range, simulation: Simulation, theirs: RealLines
) -> Content:
    """The profile with one knob fitted; as it is where nothing tells how."""
    wanted = MEASURES[knob.measure].values(theirs.measures)
    said = knob.find(content)
    if len(wanted) < MOST * len(theirs.measures) or (said is None and not knob.probabilities):
        return content
    sweep = simulation.sweep(content, knob, span)
    if len(sweep.values) < BINS:
        return content
    probabilities = knob.probabilities or (float(said["probability"] if said else 1),)
    return knob.set(content, fit_range(sweep, wanted, span, probabilities))
