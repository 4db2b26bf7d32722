"""A field's type says how it is drawn: from a range, from options, or as a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pytest

from ocrtune.synth.looks.effects import (
    Effect,
    OneOf,
    Seed,
    Span,
    each_plane,
    effect_name,
    level_of,
    parameters,
    rgb,
)

Side = Annotated[float, Span(0, 2, mild=1)]


@dataclass(frozen=True, slots=True)
class BentPaper(Effect):
    depth: Annotated[float, Span(-1, 1, mild=0)]
    count: Annotated[int, Span(1, 9)]
    sides: tuple[Side, Side, Side]
    kind: Annotated[Literal["a", "b"], OneOf()]
    seed: Seed


def test_name_is_spelled_as_in_profiles() -> None:
    assert effect_name(BentPaper) == "bent_paper"


def test_parameters_are_read_from_the_fields() -> None:
    found = [(p.name, p.count, p.is_tuple, p.is_integer) for p in parameters(BentPaper)]
    assert found == [
        ("depth", 1, False, False),
        ("count", 1, False, True),
        ("sides", 3, True, False),
        ("kind", 1, False, False),
        ("seed", 1, False, True),
    ]


@pytest.mark.parametrize(
    ("name", "given", "uniforms", "strength", "value"),
    [
        ("depth", (0.2, 0.6), [0.5], 1, 0.4),
        ("depth", (0.2, 0.6), [0.5], 0.5, 0.2),  # half way to the mild end
        ("depth", (0.2, 0.6), [0.5], 0, 0),
        ("count", (2, 4), [0.0], 1, 2),
        ("count", (2, 4), [0.999], 1, 4),  # the highest can be drawn
        ("count", (2, 4), [0.999], 0, 4),  # no mild end: the range stays
        ("sides", (1, 2), [0, 0.5, 1], 1, (1, 1.5, 2)),
        ("sides", (1, 2), [0, 0.5, 1], 0, (1, 1, 1)),
        ("kind", ("a", "b"), [0.49], 1, "a"),
        ("kind", ("a", "b"), [0.51], 0, "b"),
        ("seed", None, [0.5], 1, 2**31),
    ],
)
def test_values_are_drawn(
    name: str, given: object, uniforms: list[float], strength: float, value: object
) -> None:
    (parameter,) = (p for p in parameters(BentPaper) if p.name == name)
    assert parameter.value(given, uniforms, strength) == pytest.approx(value)


def test_a_colour_is_three_planes_or_its_grey_level() -> None:
    assert rgb("#ff8000")[:, 0, 0].tolist() == [255, 128, 0]
    grey, colour = np.zeros((4, 5), np.float32), np.zeros((3, 4, 5), np.float32)
    assert level_of("#ff8000", grey) == pytest.approx(0.299 * 255 + 0.587 * 128, abs=1e-3)
    assert (colour + level_of("#ff8000", colour))[:, 2, 2].tolist() == [255, 128, 0]


def test_each_plane_changes_both_kinds_of_page() -> None:
    page = np.arange(24, dtype=np.float32).reshape(3, 2, 4)
    assert np.array_equal(each_plane(page, lambda p: p[::-1]), page[:, ::-1])
    assert np.array_equal(each_plane(page[0], lambda p: p[::-1]), page[0, ::-1])
