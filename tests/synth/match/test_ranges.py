"""The search for a range: known parameters come back from what was measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrtune.synth.match.measures import Floats
from ocrtune.synth.match.ranges import CELLS, LEAST_CELLS, Sweep, fit_range, monotone_lookup

SPAN = (0.0, 10.0)


def simulated(parameters: Floats, slope: float = 2.0, seed: int = 0) -> Floats:
    """A measure of lines: the square of a parameter, and scatter of its own."""
    scatter = np.random.default_rng(seed).normal(0, 1.5, len(parameters))
    return slope * parameters**2 / 5 + scatter


def sweep(slope: float = 2.0) -> Sweep:
    rng = np.random.default_rng(7)
    parameters = rng.uniform(*SPAN, 160)
    return Sweep(parameters, simulated(parameters, slope, 8), simulated(np.zeros(40), slope, 9))


@pytest.mark.parametrize("slope", [2.0, -3.0])
@pytest.mark.parametrize("wanted", [(2.0, 4.0), (5.0, 9.0), (6.0, 6.5)])
def test_a_range_is_found_again(wanted: tuple[float, float], slope: float) -> None:
    theirs = simulated(np.random.default_rng(1).uniform(*wanted, 400), slope, 2)
    found = fit_range(sweep(slope), theirs, SPAN)
    assert found.probability == 1
    assert found.range == (pytest.approx(wanted[0], abs=0.9), pytest.approx(wanted[1], abs=0.9))


def test_how_often_an_effect_comes_is_found_again() -> None:
    rng = np.random.default_rng(3)
    parameters = np.where(rng.random(400) < 0.4, rng.uniform(7, 9, 400), 0)
    found = fit_range(sweep(), simulated(parameters, seed=4), SPAN, (1.0, 0.8, 0.6, 0.4, 0.2, 0.0))
    assert found.probability == 0.4
    assert found.range == (pytest.approx(7, abs=1), pytest.approx(9, abs=1))


def test_an_effect_that_brings_nothing_goes() -> None:
    theirs = simulated(np.zeros(300), seed=5)
    assert fit_range(sweep(), theirs, SPAN, (1.0, 0.5, 0.0)).probability == 0
    assert fit_range(sweep(), theirs, SPAN, (1.0,)).range[1] < 3


def test_real_lines_beyond_the_span_take_its_end() -> None:
    found = fit_range(sweep(), np.full(50, 500.0), SPAN)
    assert found.range == (pytest.approx(SPAN[1] * (1 - LEAST_CELLS / CELLS)), SPAN[1])


def test_one_value_for_all_is_no_problem() -> None:
    flat = Sweep(np.linspace(0, 1, 20), np.zeros(20), np.zeros(0))
    assert fit_range(flat, np.zeros(12), (0, 1)).probability == 1


@settings(max_examples=50)
@given(st.lists(st.floats(-100, 100), min_size=10, max_size=60))
def test_the_lookup_is_monotone(values: list[float]) -> None:
    _, levels = monotone_lookup(np.arange(len(values), dtype=float), np.array(values))
    steps = np.diff(levels)
    assert (steps >= -1e-9).all() or (steps <= 1e-9).all()
    assert min(values) - 1e-9 <= levels.min() <= levels.max() <= max(values) + 1e-9
