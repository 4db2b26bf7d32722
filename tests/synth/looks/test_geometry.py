"""Points follow the ink through every effect, all ink stays, and a crop cuts no symbol off."""

from __future__ import annotations

from typing import get_args

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrtune.records import Image
from ocrtune.synth.looks.effects import Effect, Span, parameters
from ocrtune.synth.looks.geometry import (
    CROP_EFFECTS,
    DISTORTIONS,
    GEOMETRY_EFFECTS,
    PROJECTIVE_EFFECTS,
    ClippedCrop,
    Curve,
    FixedWidth,
    Margins,
    Perspective,
    Pieces,
    Skew,
    Slant,
    Stretch,
    Wave,
    place,
)
from ocrtune.synth.looks.placement import Window

HEIGHT, WIDTH = 40, 300
MARGINS = Margins((0.5, 0.5, 0.5, 0.5))


def blobs() -> tuple[Image, np.ndarray]:
    """A (HEIGHT, WIDTH) mask with five round blobs, and their middles (5, 2)."""
    ink = np.zeros((HEIGHT, WIDTH), np.uint8)
    middles = np.array([[8, 8], [290, 6], [150, 20], [10, 32], [288, 33]], float)
    for x, y in middles.astype(int).tolist():
        cv2.circle(ink, (x, y), 4, 255, -1)
    return ink, middles


def drawn(effect: type[Effect], seed: int) -> Effect:
    """One with every value anywhere within its limits."""
    rng = np.random.default_rng(seed)
    values = []
    for parameter in parameters(effect):
        if isinstance(parameter.drawn, Span):
            given = (parameter.drawn.low, parameter.drawn.high)
        else:
            given = get_args(get_args(parameter.type)[0])
        values.append(parameter.value(given, rng.random(parameter.count).tolist(), 1))
    return effect(*values)


def middle_near(ink: Image, point: np.ndarray, reach: int = 14) -> np.ndarray:
    """Centre of mass of the ink around a point."""
    x, y = np.rint(point).astype(int)
    top, left = max(0, y - reach), max(0, x - reach)
    part = ink[top : y + reach + 1, left : x + reach + 1].astype(float)
    rows, columns = np.indices(part.shape)
    return np.array([np.average(columns, weights=part) + left, np.average(rows, weights=part) + top])


@pytest.mark.parametrize("effect", [e for e in GEOMETRY_EFFECTS if e not in (FixedWidth, ClippedCrop)])
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_points_follow_the_ink(effect: type[Effect], seed: int) -> None:
    ink, middles = blobs()
    placed = place((drawn(effect, seed), MARGINS), ink, ink, HEIGHT)
    assert placed.kept == 1
    for point in placed.placement.points(middles):
        assert placed.ink[tuple(np.rint(point[::-1]).astype(int))] > 100
    still = place((MARGINS,), ink, ink, HEIGHT)
    # Distortions and perspective move the blob's parts apart from its middle by a little.
    for point in still.placement.points(middles):
        assert middle_near(still.ink, point) == pytest.approx(point, abs=0.05)


@pytest.mark.parametrize(
    "effects",
    [
        (Skew(7), MARGINS),
        (Stretch(0.7), Slant(0.3), Skew(-5), Perspective((0.1, 0, -0.1, 0.1, 0.05, 0, 0, -0.1)), MARGINS),
        (Curve(40), MARGINS),
        (Curve(-60), MARGINS),
        (Wave(0.2, 8, 0.3, "vertical"), MARGINS),
        (Wave(0.2, 3, 0.3, "horizontal"), MARGINS),
        (Skew(3), Curve(30), Wave(0.1, 6, 0, "vertical"), MARGINS, FixedWidth(20, "right")),
    ],
)
def test_points_are_where_the_ink_is_to_a_fraction_of_a_px(effects: tuple[Effect, ...]) -> None:
    ink, middles = blobs()
    placed = place(effects, ink, ink, HEIGHT)
    for point in placed.placement.points(middles):
        assert middle_near(placed.ink, point, reach=9) == pytest.approx(point, abs=0.45)


@pytest.mark.parametrize("effect", [*PROJECTIVE_EFFECTS, *DISTORTIONS])
@pytest.mark.parametrize("seed", range(8))
def test_no_ink_is_lost_at_any_edge(effect: type[Effect], seed: int) -> None:
    """A frame around the mask keeps its corners, wherever they go."""
    frame = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.rectangle(frame, (1, 1), (WIDTH - 2, HEIGHT - 2), 255, 3)
    placed = place((drawn(effect, seed), MARGINS), frame, frame, HEIGHT)
    corners = placed.placement.points(
        np.array([[1, 1], [WIDTH - 2, 1], [1, HEIGHT - 2], [WIDTH - 2, HEIGHT - 2.0]])
    )
    for x, y in np.rint(corners).astype(int):
        assert placed.ink[y - 1 : y + 2, x - 1 : x + 2].max() > 100
    for edge in (placed.ink[0], placed.ink[-1], placed.ink[:, 0], placed.ink[:, -1]):
        assert not edge.any()


def test_directions() -> None:
    ink, middles = blobs()
    corners = middles[[0, 1, 3, 4]]  # top left, top right, bottom left, bottom right

    def moved(effect: Effect) -> np.ndarray:
        return place((effect, MARGINS), ink, ink, HEIGHT).placement.points(corners)

    top_left, top_right, bottom_left, _ = moved(Skew(5))
    assert top_right[1] < top_left[1] - 15  # anticlockwise: the right end is higher
    top_left, _, bottom_left, _ = moved(Slant(0.5))
    assert top_left[0] > bottom_left[0] + 5  # as italics
    top_left, top_right, *_ = moved(Stretch(2))
    assert top_right[0] - top_left[0] == pytest.approx(2 * 282, abs=1)
    _, middle = place((Curve(60), MARGINS), ink, ink, HEIGHT).placement.points(middles[[0, 2]])
    assert middle[1] < moved(Curve(60))[2][1] - 5  # the ends hang


@pytest.mark.parametrize("width", [1, 5, 20, 300])
def test_perspective_never_turns_a_line_inside_out(width: int) -> None:
    """A narrow text, such as "1", once had its corners moved past one another."""
    ink = np.full((60, width), 255, np.uint8)
    corners = np.array([[0.0, 0], [width - 1, 0], [width - 1, 59], [0, 59]])
    for signs in ((1, 1, -1, 1, -1, -1, 1, -1), (1, -1, -1, 1, -1, -1, 1, 1), (-1, 1, 1, 1, -1, 1, -1, -1)):
        effect = Perspective(tuple(0.3 * sign for sign in signs))  # type: ignore[arg-type]
        placed = place((effect, MARGINS), ink, ink, 60)
        moved = placed.placement.points(corners)
        across = np.roll(moved, -1, axis=0) - moved
        turns = across[:, 0] * np.roll(across[:, 1], -1) - across[:, 1] * np.roll(across[:, 0], -1)
        assert (turns >= 0).all()  # clockwise at every corner, as before
        assert placed.kept == 1


def test_margins_and_fit() -> None:
    ink = np.zeros((60, 120), np.uint8)
    ink[20:40, 10:110] = 255
    fit = place((), ink, ink, 20)
    assert fit.ink.shape == (20, 100)
    placed = place((Margins((0.5, 1, 1.5, 2)),), ink, ink, 20)
    assert placed.ink.shape == (20 + 20 + 40, 100 + 10 + 30)
    assert placed.ink[20:40, 10:110].min() == 255
    assert placed.placement.points(np.array([[10.0, 20.0]])).tolist() == [[10, 20]]


@pytest.mark.parametrize(("alignment", "left"), [("left", 0), ("centre", 50), ("right", 100)])
def test_a_fixed_width_aligns_the_text(alignment: str, left: int) -> None:
    ink = np.full((20, 100), 255, np.uint8)
    placed = place((FixedWidth(10, alignment),), ink, ink, 20)  # type: ignore[arg-type]
    assert placed.ink.shape == (20, 200)
    assert np.flatnonzero(placed.ink[0])[[0, -1]].tolist() == [left, left + 99]
    assert place((FixedWidth(2, alignment),), ink, ink, 20).ink.shape == (20, 100)  # type: ignore[arg-type]


def test_a_clipped_crop_cuts_letters_but_never_a_comma() -> None:
    letters = np.zeros((40, 100), np.uint8)
    letters[:, 10:20] = letters[:, 60:70] = 255
    cut = place((ClippedCrop(0.2, "bottom"),), letters, letters, 40)
    assert cut.ink.shape == (32, 60)
    assert cut.kept == pytest.approx(0.8)
    comma = letters.copy()
    comma[34:40, 80:84] = 255
    for side in ("bottom", "right"):
        kept = place((ClippedCrop(0.2, side),), comma, comma, 40)  # type: ignore[arg-type]
        assert Pieces.of(comma).kept(Window(0, 0, 100, 40)) == 1
        assert kept.ink[:, -4:].any() or side == "right"
        assert cv2.connectedComponents(kept.ink)[0] == 4  # three pieces and the paper


def test_pieces_kept_is_the_worst_of_them() -> None:
    ink = np.zeros((20, 40), np.uint8)
    ink[0:10, 0:10] = ink[0:20, 30:40] = 255
    assert Pieces.of(ink).kept(Window(0, 0, 40, 20)) == 1
    assert Pieces.of(ink).kept(Window(0, 5, 40, 20)) == 0.5
    assert Pieces.of(ink).kept(Window(5, 0, 35, 15)) == 0.375  # 5 x 15 of 10 x 20
    assert Pieces.of(np.zeros((4, 4), np.uint8)).kept(Window(0, 0, 1, 1)) == 1


def test_boxes_become_the_boxes_around_their_outline() -> None:
    ink = np.zeros((40, 400), np.uint8)
    ink[:, 180:220] = ink[:, :10] = ink[:, -10:] = 255
    placed = place((Skew(10), MARGINS), ink, ink, 40)
    ((left, top, right, bottom),) = placed.placement.boxes(np.array([[180.0, 0, 220, 40]]))
    assert right - left == pytest.approx(40 * np.cos(np.deg2rad(10)) + 40 * np.sin(np.deg2rad(10)))
    assert bottom - top == pytest.approx(right - left)
    bent = place((Curve(90), MARGINS), ink, ink, 40)
    ((_, top, _, bottom),) = bent.placement.boxes(np.array([[0.0, 0, 400, 40]]))
    rows = np.flatnonzero(bent.ink.any(axis=1))
    assert (top, bottom) == pytest.approx((rows[0], rows[-1]), abs=2.5)


def test_all_crops_are_told_of_here() -> None:
    assert set(CROP_EFFECTS) == {Margins, FixedWidth, ClippedCrop}
