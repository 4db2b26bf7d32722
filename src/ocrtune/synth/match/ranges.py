"""Which range of a parameter gives measures distributed as theirs: a search over simulated distributions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ocrtune.synth.looks.profile import Range
from ocrtune.synth.match.measures import Floats

CELLS = 24
"""Parts of a span: ends of ranges lie at their edges."""

LEAST_CELLS = 3
"""Of a range: narrower ones follow the chance of a sweep, and a profile shall vary."""

BINS = 10
"""Of the swept values, whose medians make the lookup."""

LEVELS = 129
"""Values that distributions are compared at."""

WORTH = 0.02
"""Distance, in spreads of theirs, that an effect must win to be in the profile."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Made lines, of which one parameter is known."""

    parameters: Floats
    """(N,) of the lines that show the effect."""
    values: Floats
    """(N,) what was measured on them."""
    plain: Floats
    """(M,) what was measured on lines without the effect."""


@dataclass(frozen=True, slots=True)
class FittedRange:
    """What a profile shall say."""

    probability: float
    """0: without the effect the lines are as near to theirs."""
    range: Range


def fit_range(
    sweep: Sweep, theirs: Floats, span: Range, probabilities: tuple[float, ...] = (1.0,)
) -> FittedRange:
    """The range and probability whose measures are nearest to theirs.

    Nearest by the area between the two distribution functions (Wasserstein-1). What lines measure at a
    value of the parameter is a monotone lookup, and the scatter about it of lines near that value.

    Args:
        sweep: with parameters all over `span`; at least `BINS` lines with the effect, and some without
            unless its probability is 1.
        theirs: (K,) measured on real lines, K > 0.
        span: in which the range lies.
        probabilities: of the effect, that may be chosen; with 0 it must earn its place.
    """
    everything = np.concatenate((theirs, sweep.values, sweep.plain))
    values = np.unique(np.quantile(everything, np.linspace(0, 1, LEVELS)))
    widths = np.diff(values, append=values[-1:])
    edges = np.linspace(*span, CELLS + 1)
    cells = _distributions(sweep, (edges[:-1] + edges[1:]) / 2, values)  # (CELLS, V)
    sums = np.vstack((np.zeros(len(values)), np.cumsum(cells, axis=0)))
    first, last = np.triu_indices(CELLS, LEAST_CELLS - 1)
    made = (sums[last + 1] - sums[first]) / (last + 1 - first)[:, np.newaxis]  # (ranges, V)
    real = _distribution(theirs, values)
    plain = _distribution(sweep.plain, values)
    shown = [p for p in probabilities if p > 0]
    mixed = np.stack([p * made + (1 - p) * plain for p in shown])  # (probabilities, ranges, V)
    distances = np.abs(mixed - real) @ widths  # (probabilities, ranges)
    which, best = np.unravel_index(int(distances.argmin()), distances.shape)
    if 0 in probabilities:
        gain = float(np.abs(plain - real) @ widths - distances[which, best])
        if gain <= WORTH * float(np.ptp(np.quantile(theirs, (0.05, 0.95)))):
            return FittedRange(0.0, span)
    return FittedRange(shown[which], (float(edges[first[best]]), float(edges[last[best] + 1])))


def _distribution(values: Floats, at: Floats) -> Floats:
    """Share of `values` up to each of `at`; all of no values."""
    counts = np.searchsorted(np.sort(values), at, side="right")
    return np.asarray(counts / len(values) if len(values) else np.ones(len(at)), np.float64)


def _distributions(sweep: Sweep, parameters: Floats, at: Floats) -> Floats:
    """(P, V) distribution functions of the measure at each of `parameters`."""
    order = np.argsort(sweep.parameters, kind="stable")
    known, measured = sweep.parameters[order], sweep.values[order]
    centres, lookup = monotone_lookup(known, measured)
    scatter = measured - np.interp(known, centres, lookup)
    near = max(BINS, len(known) // 4)
    rows = []
    for parameter, level in zip(parameters, np.interp(parameters, centres, lookup), strict=True):
        start = int(np.searchsorted(known, parameter)) - near // 2
        start = min(max(0, start), len(known) - near)
        rows.append(_distribution(level + scatter[start : start + near], at))
    return np.array(rows)


def monotone_lookup(parameters: Floats, values: Floats) -> tuple[Floats, Floats]:
    """From parameters (N,), sorted, to values (N,): means and medians of `BINS` bins, (BINS,) each.

    Medians that are out of order are pooled with their neighbours (isotonic regression), upwards or
    downwards as the values go on the whole.
    """
    centres = np.array([part.mean() for part in np.array_split(parameters, BINS)])
    medians = np.array([np.median(part) for part in np.array_split(values, BINS)])
    sign = 1.0 if float((centres - centres.mean()) @ medians) >= 0 else -1.0
    pools: list[tuple[float, int]] = []  # level and number of bins
    for median in (sign * medians).tolist():
        pools.append((median, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (low, n), (high, m) = pools[-2:]
            pools[-2:] = [((low * n + high * m) / (n + m), n + m)]
    levels = np.repeat([level for level, _ in pools], [count for _, count in pools])
    return centres, sign * levels
