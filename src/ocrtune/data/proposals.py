"""Which settings suit a set of lines, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from ocrtune.data.statistics import SetStatistics
from ocrtune.preprocess import PreprocessSpec

TIGHT_SHARE = 0.005
"""Share of training labels that do not fit the time steps of stride 8, above which stride 4 is chosen:
halving the stride costs the base some of what it knows, so a few such labels do not pay for it."""

FRESH_HEIGHT = 32
"""px that a network from random weights reads: `--base none --arch crnn`."""

_MUCH_SMALLER = 3
"""Times that a line may shrink before thin strokes are at risk."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One setting."""

    setting: str
    value: str
    reason: str


def propose(counted: SetStatistics) -> tuple[Proposal, ...]:
    """Height, width and time stride for such lines; nothing where no image was measured."""
    if counted.measured == 0:
        return ()
    return _height(counted), _width(counted), _stride(counted)


def _height(counted: SetStatistics) -> Proposal:
    height = PreprocessSpec().height
    middle = counted.heights.at(0.5)
    shown = f"the base's; the middle line has {middle} px and"
    if middle < height:
        reason = f"{shown} grows {height / middle:.1f} times"
    else:
        reason = f"{shown} shrinks {middle / height:.1f} times"
        if middle > _MUCH_SMALLER * height:
            reason += ": give crops closer to the text"
    if counted.heights.at(0.95) <= FRESH_HEIGHT:
        reason += f"; {FRESH_HEIGHT} of --base none --arch crnn would lose nothing either"
    return Proposal("height", f"{height} px", reason)


def _width(counted: SetStatistics) -> Proposal:
    spec = PreprocessSpec()
    widest, last = counted.input_widths.at(1), spec.width_buckets[-1]
    squeezed = counted.input_widths.share_above(last)
    if squeezed:
        reason = (
            f"{_percent(squeezed)} of the lines are wider at that height, up to {widest} px, "
            "and are squeezed: cut them in two"
        )
        return Proposal("width", f"{last} px", reason)
    reason = f"the widest line has {widest} px at that height; up to {last} px nothing is squeezed"
    return Proposal("width", f"{spec.bucket_of(widest)} px", reason)


def _stride(counted: SetStatistics) -> Proposal:
    at_8, at_4 = (counted.too_long[stride] / counted.measured for stride in (8, 4))
    room = f"the narrowest 1 % have {counted.px_per_step.at(0.01)} px for each step they need"
    shares = f"{_percent(at_8)} of the labels need more steps than 8 px give, {_percent(at_4)} than 4"
    if at_8 <= TIGHT_SHARE:
        return Proposal("--time-stride", "8", f"{shares}; {room}")
    reason = f"{shares}, and above {_percent(TIGHT_SHARE)} training takes 4; {room}"
    if at_4 > TIGHT_SHARE:
        reason += "; that many labels too long for 4 are likely wrong: look at them"
    return Proposal("--time-stride", "4", reason)


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"
