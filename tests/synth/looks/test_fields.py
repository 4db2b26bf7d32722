"""Windows into the fields: fixed by their seed, of any size, with the spread that they promise."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from ocrtune.synth.looks.fields import COLUMNS, ROWS, FieldKind, window

STANDARD = ("noise", "cloud", "grain", "fibre", "brushed", "wood", "quasicrystal")
EVEN = ("salt", "specks", "blotches")
SOFT = ("patches",)


def test_all_kinds_are_told_of_here() -> None:
    assert {*STANDARD, *EVEN, *SOFT} == set(get_args(FieldKind))


@pytest.mark.parametrize("kind", STANDARD)
def test_patterns_have_mean_0_and_deviation_1(kind: FieldKind) -> None:
    field = window(kind, ROWS, COLUMNS, 0)
    assert field.dtype == np.float32
    assert field.mean() == pytest.approx(0, abs=0.05)
    assert field.std() == pytest.approx(1, abs=0.1)  # a little is clipped
    assert np.abs(field).max() <= 3


@pytest.mark.parametrize("kind", EVEN)
def test_a_threshold_on_shares_is_a_share(kind: FieldKind) -> None:
    field = window(kind, ROWS, COLUMNS, 0)
    assert [(field < share).mean() for share in (0.01, 0.3, 0.9)] == pytest.approx([0.01, 0.3, 0.9], abs=1e-4)


def test_patches_reach_from_0_to_1() -> None:
    field = window("patches", ROWS, COLUMNS, 0)
    assert (field.min(), field.max()) == (0, 1)
    assert field.mean() == pytest.approx(0.5, abs=0.05)
    assert np.abs(np.diff(field)).max() < 0.1


def test_a_window_is_fixed_by_its_seed() -> None:
    first = window("noise", 32, 400, 123456789)
    assert np.array_equal(first, window("noise", 32, 400, 123456789))
    others = [window("noise", 32, 400, seed) for seed in (123456788, 123456789 + 2**31)]
    assert all(abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.1 for other in others)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (ROWS, COLUMNS), (ROWS + 1, 3), (3, 3 * COLUMNS + 5)])
@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_windows_of_any_size(height: int, width: int, seed: int) -> None:
    assert window("grain", height, width, seed).shape == (height, width)


def test_nobody_can_spoil_a_field() -> None:
    with pytest.raises(ValueError, match="read-only"):
        window("noise", 4, 4, 0)[0, 0] = 1
