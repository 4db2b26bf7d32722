"""A line that does not show its text is told from one that does, and drawn again milder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.records import Image
from ocrtune.synth.looks.camera import Blur, LowResolution, Noise
from ocrtune.synth.looks.effects import Effect
from ocrtune.synth.looks.geometry import ClippedCrop, Margins, Perspective
from ocrtune.synth.looks.ink import BrokenStrokes, LowInk
from ocrtune.synth.looks.legibility import Legibility, measure_legibility
from ocrtune.synth.looks.light import Glare, Inverted
from ocrtune.synth.looks.paper import Colours, Texture, Tone
from ocrtune.synth.looks.plan import Look, LookPlan
from ocrtune.synth.looks.profile import Profile, profile_names
from ocrtune.synth.looks.truth import (
    CONTRAST_FLOOR,
    PART_FLOOR,
    SHAPE_FLOOR,
    Fault,
    draw_true_look,
    find_fault,
    resolved_height,
)

MARGINS = Margins((0.3, 0.3, 0.3, 0.3))


def fault_of(ink: Image, *effects: Effect) -> Fault | None:
    plan = LookPlan((MARGINS, *effects))
    return find_fault(plan.apply(ink), plan, ink)


def look(ink: Image, *effects: Effect) -> Look:
    return LookPlan((MARGINS, *effects)).apply(ink)


def legibility(look: Look) -> Legibility:
    return measure_legibility([look])[0]


@pytest.mark.parametrize(
    "effects",
    [
        (),
        (Tone(200, 60),),
        (Tone(60, 60), Inverted()),
        (Colours(("#f0f0f0", "#1030a0"), (0, 0, 0, 0, 0, 0), 0.6),),
        (Tone(230, 120), LowInk(0.5, 0.1, 4), Blur(0.015), Noise(6, 4)),
        (LowResolution(1.5),),
    ],
)
def test_lines_that_show_their_text(effects: tuple[Effect, ...], ink: Image) -> None:
    assert fault_of(ink, *effects) is None


@pytest.mark.parametrize(
    ("effects", "fault"),
    [
        ((Tone(200, 12),), Fault.TOO_FAINT),
        ((Tone(230, 40), Glare(0.5, 0.5, 2, 1)), Fault.TOO_FAINT),  # a whole word is gone
        ((Tone(255, 255), LowInk(1, 0.6, 4), Blur(0.05)), Fault.TOO_FAINT),
        ((Colours(("#208020", "#a02020"), (0, 0, 0, 0, 0, 0), 1),), Fault.TOO_FAINT),  # grey levels alike
        ((Tone(150, 60), Noise(60, 4)), Fault.SHAPE_LOST),
        ((Tone(150, 55), Noise(50, 9), Texture("grain", 30, 4)), Fault.SHAPE_LOST),
        ((LowResolution(6),), Fault.TOO_SMALL),
    ],
)
def test_lines_that_do_not(effects: tuple[Effect, ...], fault: Fault, ink: Image) -> None:
    assert fault_of(ink, *effects) is fault


def test_ink_outside_the_image_is_counted(ink: Image) -> None:
    plan = LookPlan((ClippedCrop(0.2, "bottom"),))
    block = np.full((40, 200), 255, np.uint8)
    assert plan.apply(block).kept_ink == pytest.approx(0.8)
    assert find_fault(plan.apply(block), plan, block) is Fault.INK_OUTSIDE


def test_contrast_is_that_of_ink_and_paper(ink: Image) -> None:
    contrast = legibility(look(ink, Tone(220, 100))).contrast
    assert contrast == pytest.approx(100, abs=1)


def test_shape_does_not_depend_on_tone_but_on_noise_and_gaps(ink: Image) -> None:
    for effects in ((), (Tone(220, 100),), (Tone(220, 100), Inverted())):
        assert legibility(look(ink, *effects)).shape > 0.99
    noisy = [legibility(look(ink, Tone(128, 60), Noise(sigma, 4))).shape for sigma in (5, 20, 40)]
    assert noisy == sorted(noisy, reverse=True)
    # Ink covers about half of what counts, so its variance is 60**2 / 4.
    assert noisy[1] == pytest.approx(30 / np.hypot(30, 20), abs=0.1)
    broken = [legibility(look(ink, BrokenStrokes(share, 4))).shape for share in (0.05, 0.2, 0.5)]
    assert broken == sorted(broken, reverse=True)
    assert broken[-1] < SHAPE_FLOOR < broken[0]


def test_the_worst_stretch_counts(ink: Image) -> None:
    """One dead letter in a line that is otherwise black."""
    whole = look(ink, Tone(255, 255))
    image = whole.image.copy()
    image[:, 30:56] = 250
    dead = legibility(replace(whole, image=image))
    assert (dead.contrast < 60, dead.shape < 0.6) == (True, True)
    assert legibility(whole).contrast > 180


def test_lines_measured_together_are_measured_as_alone(ink: Image) -> None:
    """Of unlike heights, so with unlike stretches and bands; the block has no paper to tell it from."""
    dash, block = np.full((4, 60), 255, np.uint8), np.full((40, 200), 255, np.uint8)
    looks = [
        look(ink, Noise(20, 4)),
        look(dash),
        LookPlan(()).apply(block),
        look(ink[:, :90], Tone(220, 100)),
    ]
    alone = [legibility(each) for each in looks]
    assert measure_legibility(looks) == alone
    assert len(set(alone)) == 4


def test_a_lost_accent_counts() -> None:
    """An é whose accent did not print is an e: its letter keeps its contrast, but not that part of it."""
    letters = np.zeros((40, 120), np.uint8)
    for left in (5, 45, 85):
        cv2.ellipse(letters, (left + 12, 28), (9, 9), 0, 0, 360, 255, 4, cv2.LINE_AA)
        cv2.line(letters, (left + 9, 8), (left + 16, 3), 255, 3, cv2.LINE_AA)
    whole = look(letters[1:38, 2:115].copy())
    image = whole.image.copy()
    accent = slice(0, 24), slice(45, 75)
    image[accent] = 255 - (255 - image[accent]) // 6
    lost = replace(whole, image=image)
    assert legibility(lost).part < PART_FLOOR < legibility(whole).part
    assert legibility(lost).contrast > CONTRAST_FLOOR
    assert legibility(lost).shape > SHAPE_FLOOR
    assert find_fault(lost, LookPlan(()), letters) is Fault.PART_LOST


def test_height_is_that_of_the_sensor(ink: Image) -> None:
    height = float(len(ink))
    assert resolved_height(look(ink), LookPlan(()), ink) == pytest.approx(height)
    assert resolved_height(look(ink), LookPlan((LowResolution(2),)), ink) == pytest.approx(height / 2)
    plan = LookPlan((Perspective((0, 0, 0, 0.25, 0, -0.25, 0, 0)),))  # the right end is half as high
    assert resolved_height(plan.apply(ink), plan, ink) == pytest.approx(height / 2, abs=1)


def test_a_low_line_of_dashes_is_not_too_small() -> None:
    dash = np.full((4, 60), 255, np.uint8)
    assert fault_of(dash) is None


@pytest.mark.parametrize("name", profile_names())
@pytest.mark.parametrize("shape", [(3, 12), (5, 5), (24, 4)], ids=["dash", "dot", "bar"])
def test_the_shortest_texts_of_a_line_of_usual_height(name: str, shape: tuple[int, int]) -> None:
    shipped = Profile.named(name)
    ink = np.full(shape, 255, np.uint8)
    for seed in range(10):
        true = draw_true_look(shipped, np.random.default_rng((2, seed)), ink, line_height=28)
        assert true.look.line_height == 28
        assert len(true.faults) <= 4


def test_one_dot() -> None:
    dot = cv2.circle(np.zeros((7, 7), np.uint8), (3, 3), 3, 255, -1)
    assert fault_of(dot) is None


def profile(tmp_path: Path, paper: str) -> Profile:
    path = tmp_path / "mine.yaml"
    margins = "geometry: {margins: {probability: 1, sides: 0.3}}"
    path.write_text(f"description: grey on grey\nline_height: 30\n{margins}\npaper: {{{paper}}}\n")
    return Profile.from_yaml(path)


def faint(tmp_path: Path, contrast: float) -> Profile:
    return profile(tmp_path, f"tone: {{probability: 1, paper: 220, contrast: {contrast}}}")


def test_a_line_that_fails_is_drawn_milder_and_its_faults_are_kept(tmp_path: Path, ink: Image) -> None:
    true = draw_true_look(faint(tmp_path, 5), np.random.default_rng(3), ink)
    assert true.faults == (Fault.TOO_FAINT,)
    assert find_fault(true.look, true.plan, ink) is None
    assert np.array_equal(true.plan.apply(ink).image, true.look.image)
    again = draw_true_look(faint(tmp_path, 5), np.random.default_rng(3), ink)
    assert again.plan == true.plan
    assert draw_true_look(faint(tmp_path, 80), np.random.default_rng(3), ink).faults == ()


def test_a_profile_that_never_shows_its_text_says_so(tmp_path: Path, ink: Image) -> None:
    alike = '{probability: 1, spread: 0, brightness: 1, pairs: [["#808080", "#828282"]]}'
    mine = profile(tmp_path, f"colours: {alike}")
    with pytest.raises(
        InputError, match=r"\(grey on grey\) does not show its text .*: too little contrast; give"
    ):
        draw_true_look(mine, np.random.default_rng(0), ink)


@pytest.mark.parametrize("name", profile_names())
def test_shipped_profiles_show_their_text(name: str, ink: Image) -> None:
    """At most a few of the first draws fail, and none at its mildest."""
    shipped = Profile.named(name)
    looks = [draw_true_look(shipped, np.random.default_rng((1, seed)), ink) for seed in range(40)]
    assert sum(bool(true.faults) for true in looks) <= 8
    assert max(len(true.faults) for true in looks) <= 2
