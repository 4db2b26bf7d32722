"""How far made lines remain from real ones, measure by measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ocrtune.synth.match.knobs import BLOCKS, KNOBS
from ocrtune.synth.match.measures import MEASURES, Floats, LineMeasures, Measure

ALIKE = 0.15
"""Distance up to which two distributions look alike. Random halves of 500 real lines are 0.04 apart on
average and 0.1 at most (receipts, plates, typewritten pages)."""

FLAGS = {"light on dark": "is_light", "coloured": "is_coloured", "black and white only": "is_binary"}
"""What a line is or is not."""

Quantiles = tuple[float, float, float]
"""5 %, median, 95 %."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measure, of real and of made lines."""

    measure: Measure
    theirs: Quantiles
    made: Quantiles
    distance: float
    """Area between their distribution functions (Wasserstein-1), over the spread of theirs from 5 to 95 %:
    0 is the same, 1 is as far as their extremes are from each other."""

    @property
    def is_fitted(self) -> bool:
        """Some range of the profile was fitted by it."""
        return self.measure.name in _FITTED


_HINTS = {
    "slant": "; where made lines lean more, leave italic fonts out of --font",
    "stroke_width": "; --font with fonts as heavy as theirs would help",
    "ink_height": "; texts like theirs would help: capitals are higher than small letters",
}
"""What a person can do where a range cannot."""

_FITTED = {"ink_height", *(knob.measure for knob in (*KNOBS, BLOCKS))}


def compare(theirs: Sequence[LineMeasures], made: Sequence[LineMeasures]) -> list[Comparison]:
    """Compare all that could be measured on both."""
    found = []
    for measure in MEASURES.values():
        real, ours = measure.values(theirs), measure.values(made)
        if len(real) and len(ours):
            found.append(
                Comparison(measure, _quantiles(real), _quantiles(ours), distance(measure, real, ours))
            )
    return found


def distance(measure: Measure, theirs: Floats, made: Floats) -> float:
    """See `Comparison.distance`."""
    values = np.sort(np.concatenate((theirs, made)))
    shares = [np.searchsorted(np.sort(part), values[:-1], "right") / len(part) for part in (theirs, made)]
    area = float(np.abs(shares[0] - shares[1]) @ np.diff(values))
    low, _, high = _quantiles(theirs)
    return area / max(high - low, measure.least)


HEADER = ("", "theirs: 5 %", "median", "95 %", "made: 5 %", "median", "95 %", "distance")


def report(theirs: Sequence[LineMeasures], made: Sequence[LineMeasures]) -> str:
    """A table of all measures and shares, and a sentence on what remains farthest."""
    comparisons = compare(theirs, made)
    rows: list[tuple[str, ...]] = [HEADER]
    for one in comparisons:
        numbers = (f"{value:.{one.measure.decimals}f}" for value in (*one.theirs, *one.made))
        rows.append((f"{one.measure.label}, {one.measure.unit}", *numbers, f"{one.distance:.2f}"))
    for label, name in FLAGS.items():
        shares = [float(np.mean([getattr(line, name) for line in lines])) for lines in (theirs, made)]
        if any(shares):
            rows.append((label, "", f"{shares[0]:.0%}", "", "", f"{shares[1]:.0%}", "", ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    ]
    return "\n".join((*lines, _farthest(comparisons)))


def _farthest(comparisons: Sequence[Comparison]) -> str:
    far = sorted((one for one in comparisons if one.distance > ALIKE), key=lambda one: -one.distance)
    if not far:
        return f"All measures are alike (distances up to {ALIKE})."
    name = far[0].measure.name
    reason = _HINTS.get(name, "" if far[0].is_fitted else "; no range is fitted to it")
    others = ", ".join(one.measure.label for one in far[1:4])
    return (
        f"Farthest remains {far[0].measure.label} ({far[0].distance:.2f} of the spread of theirs{reason})"
        + (f", then {others}." if others else ".")
    )


def _quantiles(values: Floats) -> Quantiles:
    low, median, high = np.quantile(values, (0.05, 0.5, 0.95)).tolist()
    return low, median, high
