"""What is printed around the line stays off it, or far fainter than it."""

from __future__ import annotations

import numpy as np
import pytest

from ocrtune.records import Image
from ocrtune.synth.looks.geometry import Margins, Skew, place
from ocrtune.synth.looks.surroundings import (
    SURROUNDINGS,
    NeighbourLines,
    Scene,
    ShowThrough,
    Surrounding,
    TableRules,
    TextBehind,
    Underline,
)


def scene(ink: Image, *effects: Skew) -> Scene:
    placed = place((*effects, Margins((0.5, 0.5, 0.5, 0.5))), ink, ink, len(ink))
    return Scene(placed.ink, placed.placement, (0, 0, ink.shape[1], len(ink)), len(ink))


EVERY: tuple[Surrounding, ...] = (
    ShowThrough(0.3, 77),
    TextBehind(0.3, 2, 77),
    NeighbourLines(0.2, 0.1, "both", 77),
    Underline(0.05, 0.05, 1),
    TableRules(0.1, 0.05, 0.8, "box"),
)


def test_all_surroundings_are_told_of_here() -> None:
    assert {type(effect) for effect in EVERY} == set(SURROUNDINGS)


@pytest.mark.parametrize("effect", EVERY, ids=lambda e: type(e).__name__)
def test_ink_is_added_and_none_of_the_line_is_lost(effect: Surrounding, ink: Image) -> None:
    before = scene(ink)
    line = before.ink.copy()
    printed = effect.apply(before.ink, before)
    assert printed.shape == line.shape
    assert (printed >= line).all()
    assert (printed > line).any()
    assert np.array_equal(before.ink, line)


@pytest.mark.parametrize("effect", [ShowThrough(0.3, 77), TextBehind(0.3, 2, 77)], ids=repr)
def test_what_lies_behind_is_faint(effect: Surrounding, ink: Image) -> None:
    before = scene(ink)
    printed = effect.apply(before.ink, before)
    assert printed[before.ink == 0].max() <= 0.3 * 255 + 1


@pytest.mark.parametrize(("side", "above", "below"), [("above", 1, 0), ("below", 0, 1), ("both", 1, 1)])
def test_neighbours_peek_in_from_their_side_and_keep_their_distance(
    side: str, above: bool, below: bool, ink: Image
) -> None:
    before = scene(ink)
    added = NeighbourLines(0.2, 0.1, side, 77).apply(before.ink, before) > before.ink  # type: ignore[arg-type]
    seen = round(0.2 * len(ink))
    assert (added[:seen].any(), added[-seen:].any()) == (above, below)
    assert not added[seen:-seen].any()


def test_a_dash_shows_no_more_of_its_neighbours_than_it_has() -> None:
    dash = np.full((3, 40), 255, np.uint8)
    placed = place((Margins((1, 1, 1, 1)),), dash, dash, 30)
    low = Scene(placed.ink, placed.placement, (0, 0, 40, 3), 30)
    added = NeighbourLines(0.5, 0.1, "both", 77).apply(low.ink, low) > low.ink
    assert np.flatnonzero(added.any(axis=1)).tolist() == [0, 1, 2, 60, 61, 62]


def test_neighbours_need_a_margin(ink: Image) -> None:
    tight = place((), ink, ink, len(ink))
    bare = Scene(tight.ink, tight.placement, (0, 0, ink.shape[1], len(ink)), len(ink))
    assert np.array_equal(NeighbourLines(0.5, 0.05, "both", 1).apply(bare.ink, bare), bare.ink)


def test_an_underline_is_as_long_as_the_text_and_turns_with_it(ink: Image) -> None:
    before = scene(ink)
    rule = Underline(0.1, 0.05, 1).apply(np.zeros_like(before.ink), before)
    rows, columns = np.nonzero(rule > 127)
    left, right = np.flatnonzero(before.ink.any(axis=0))[[0, -1]]
    assert (columns.min(), columns.max()) == pytest.approx((left, right), abs=2)
    assert rows.min() > np.flatnonzero(before.ink.any(axis=1))[-1] + 0.1 * len(ink) - 1
    turned = scene(ink, Skew(4))
    rule = Underline(0.1, 0.05, 1).apply(np.zeros_like(turned.ink), turned)
    tops = [np.flatnonzero(rule[:, column] > 127)[0] for column in (60, 200)]
    assert tops[0] - tops[1] == pytest.approx(140 * np.tan(np.deg2rad(4)), abs=1.5)


@pytest.mark.parametrize(
    ("sides", "edges"),
    [
        ("above", {"above"}),
        ("below", {"below"}),
        ("rows", {"above", "below"}),
        ("left", {"left"}),
        ("right", {"right"}),
        ("columns", {"left", "right"}),
        ("box", {"above", "below", "left", "right"}),
    ],
)
def test_rules_stand_at_their_sides(sides: str, edges: set[str], ink: Image) -> None:
    before = scene(ink)
    rules = TableRules(0.2, 0.05, 1, sides).apply(np.zeros_like(before.ink), before)  # type: ignore[arg-type]
    margin = len(ink) // 2
    found = {
        "above": rules[:margin, 100].any(),
        "below": rules[-margin:, 100].any(),
        "left": rules[len(rules) // 2, :margin].any(),
        "right": rules[len(rules) // 2, -margin:].any(),
    }
    assert {side for side, there in found.items() if there} == edges
    assert not rules[before.ink > 0].any()
