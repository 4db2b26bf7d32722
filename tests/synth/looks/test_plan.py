"""A plan is data: it survives JSON, gives the same line each time, and refuses what it cannot make."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args, get_origin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.looks.camera import Blur
from ocrtune.synth.looks.effects import Effect, Parameter, Span, parameters
from ocrtune.synth.looks.geometry import Curve, FixedWidth, Margins, Skew
from ocrtune.synth.looks.paper import Colours
from ocrtune.synth.looks.plan import EFFECTS, HEIGHT_LIMIT, WIDTH_LIMIT, LookPlan

BAR = np.full((24, 120), 255, np.uint8)
BAR[:, ::12] = 0


def given_of(parameter: Parameter) -> Any:
    """The widest that a profile may say of a parameter."""
    if isinstance(parameter.drawn, Span):
        return parameter.drawn.low, parameter.drawn.high
    kind = get_args(parameter.type)[0]
    if get_origin(kind) is Literal:
        return get_args(kind)
    return [("#203080", "#f0e0c0")] if get_origin(kind) is tuple else ["#00ff00"]


def drawn(effect: type[Effect], seed: int) -> Effect:
    rng = np.random.default_rng(seed)
    values = [p.value(given_of(p), rng.random(p.count).tolist(), 1) for p in parameters(effect)]
    return effect(*values)


WITHOUT_FILES = [name for name in EFFECTS if name != "picture"]


@pytest.mark.parametrize("name", WITHOUT_FILES)
@settings(max_examples=8)
@given(seed=st.integers(0, 2**32))
def test_every_effect_within_its_limits_makes_a_line(name: str, seed: int) -> None:
    plan = LookPlan((drawn(EFFECTS[name], seed),))
    look = plan.apply(BAR)
    assert look.image.dtype == np.uint8
    assert look.image.shape[:2] == look.truth.shape
    assert look.image.ndim == (3 if name == "colours" else 2)
    again = LookPlan.from_json(plan.to_json())
    assert again == plan
    assert np.array_equal(again.apply(BAR).image, look.image)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), names=st.lists(st.sampled_from(WITHOUT_FILES), unique=True, max_size=8))
def test_effects_in_any_company(seed: int, names: list[str]) -> None:
    ordered = [EFFECTS[name] for name in EFFECTS if name in names]
    plan = LookPlan(tuple(drawn(effect, seed + at) for at, effect in enumerate(ordered)))
    first, second = plan.apply(BAR), plan.apply(BAR)
    assert np.array_equal(first.image, second.image)
    assert LookPlan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("line_height", [None, 1, 30])
@pytest.mark.parametrize("shape", [(1, 1), (2, 30), (30, 2)])
def test_the_smallest_ink(line_height: int | None, shape: tuple[int, int]) -> None:
    dot = np.full(shape, 255, np.uint8)
    for name in WITHOUT_FILES:
        for seed in range(3):
            look = LookPlan((drawn(EFFECTS[name], seed),)).apply(dot, line_height)
            assert look.image.size > 0, name


def test_no_effects_is_black_on_white_and_fits(ink: Image) -> None:
    look = LookPlan(()).apply(ink)
    assert np.array_equal(look.image, 255 - ink)
    assert np.array_equal(look.truth, ink)
    assert look.kept_ink == 1


def test_boxes_are_carried_from_the_ink_to_the_image(ink: Image) -> None:
    boxes = np.array([[0.0, 0, 40, ink.shape[0]], [100, 5, 130, 30]])
    assert LookPlan(()).apply(ink).boxes(boxes).tolist() == boxes.tolist()
    margins = Margins((0.5, 1, 0, 0))
    shift = np.array([round(0.5 * len(ink)), len(ink)] * 2)
    assert np.array_equal(LookPlan((margins,)).apply(ink).boxes(boxes), boxes + shift)
    curved = LookPlan((Skew(3), Curve(20), margins)).apply(ink)
    ((left, top, right, bottom),) = curved.boxes(np.array([[0.0, 0, *ink.shape[::-1]]]))
    rows, columns = np.nonzero(curved.truth > 127)
    assert left - 1 <= columns.min() <= columns.max() <= right
    assert top - 1 <= rows.min() <= rows.max() <= bottom


def test_lengths_are_fractions_of_the_lines_height() -> None:
    """A dash is low, but its line is as high as any."""
    dash = np.full((4, 40), 255, np.uint8)
    plan = LookPlan((Margins((0.5, 0.5, 0.5, 0.5)),))
    assert plan.apply(dash).image.shape == (4 + 2 * 2, 40 + 2 * 2)
    assert plan.apply(dash, 30).image.shape == (4 + 2 * 15, 40 + 2 * 15)
    with pytest.raises(InputError, match="is too large"):
        plan.apply(dash, HEIGHT_LIMIT + 1)


def test_json_is_for_people() -> None:
    plan = LookPlan((Margins((0, 0.5, 0, 0.5)), Blur(0.02)))
    assert json.loads(plan.to_json()) == [
        {"effect": "margins", "sides": [0, 0.5, 0, 0.5]},
        {"effect": "blur", "sigma": 0.02},
    ]
    pair = Colours(("#000000", "#ffffff"), (0, 0, 0, 0, 0, 0), 1)
    assert LookPlan.from_json(LookPlan((pair,)).to_json()).effects == (pair,)


def test_effects_are_put_in_their_order() -> None:
    text = '[{"effect": "blur", "sigma": 0.02}, {"effect": "skew", "angle": 2}]'
    assert LookPlan.from_json(text).effects == (Skew(2), Blur(0.02))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "the look plan is not JSON: "),
        ("[" * 100_000, "the look plan is not JSON: "),
        ('{"effect": "blur"}', "the look plan is not a list of effects"),
        ("[1]", "the look plan is not a list of effects"),
        ('[{"sigma": 1}]', "the look plan's effect 0: no effect is called ''"),
        ('[{"effect": "blurr"}]', "no effect is called 'blurr'; did you mean blur?"),
        ('[{"effect": "blur"}]', "the look plan's effect 0: blur.sigma: Field required"),
        ('[{"effect": "blur", "sigma": 9}]', "blur.sigma: Input should be less than or equal to 0.2"),
        ('[{"effect": "blur", "sigma": NaN}]', "blur.sigma: Input should be"),
        ('[{"effect": "blur", "sigma": 0.1, "x": 1}]', "blur.x: Unexpected keyword argument"),
        (
            '[{"effect": "wave", "amplitude": 0, "period": 5, "phase": 0, "direction": "up"}]',
            "wave.direction",
        ),
        ('[{"effect": "margins", "sides": [0, 0, 0, 1e9]}]', "margins.sides.3: Input should be less"),
        ('[{"effect": "noise", "sigma": 1, "seed": -1}]', "noise.seed: Input should be greater"),
    ],
)
def test_what_is_no_plan(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        LookPlan.from_json(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((0, 5), "the ink mask of 5 x 0 px has no ink"),
        ((5, 0), "the ink mask of 0 x 5 px has no ink"),
        ((5, 9), "the ink mask of 9 x 5 px has no ink"),
        ((HEIGHT_LIMIT + 1, 9), "ink of 9 x 1025 px is too large; make it at most 16384 x 1024"),
        ((9, WIDTH_LIMIT + 1), "ink of 16385 x 9 px is too large"),
    ],
)
def test_ink_that_cannot_be_a_line(shape: tuple[int, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        LookPlan(()).apply(np.zeros(shape, np.uint8))


def test_an_image_too_large_is_refused_before_it_is_made() -> None:
    page = np.full((1000, 1000), 255, np.uint8)
    with pytest.raises(InputError, match="a line image of 1100000 x 11000 px is too large"):
        LookPlan((Margins((5, 5, 5, 5)), FixedWidth(100, "left"))).apply(page)
