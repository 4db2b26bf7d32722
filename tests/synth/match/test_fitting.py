"""A profile is found again from lines that were made with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ocrtune.errors import InputError
from ocrtune.synth.font_search import matplotlib_font_folder
from ocrtune.synth.generator import LineGenerator
from ocrtune.synth.looks.profile import Profile
from ocrtune.synth.match import fitting, simulation
from ocrtune.synth.match.colours import colour_pairs
from ocrtune.synth.match.comparison import compare
from ocrtune.synth.match.fitting import Match, RealLines, fit_profile
from ocrtune.synth.match.measures import LineMeasures, measure_line
from ocrtune.synth.recipe import SynthRecipe

HIDDEN = {
    "description": "what the fit does not know",
    "line_height": [30, 38],
    "geometry": {"margins": {"probability": 1, "sides": [0.3, 0.6]}},
    "paper": {"tone": {"probability": 1, "paper": [190, 220], "contrast": [110, 140]}},
    "camera": {
        "blur": {"probability": 1, "sigma": [0.02, 0.03]},
        "noise": {"probability": 1, "sigma": [4, 6]},
    },
}


def make_generator(profile: Profile) -> LineGenerator:
    recipe = {
        "texts": {"sources": [{"template": "Beleg {digits:5}"}]},
        "lines": 500,
        "fonts": [str(matplotlib_font_folder() / "DejaVuSans.ttf")],
    }
    built = SynthRecipe.model_validate(recipe).build(Path()).generator
    return replace(built, profile=profile)


def measured(generator: LineGenerator, count: int) -> tuple[LineMeasures, ...]:
    found = (measure_line(generator.line(10_000 + i).image) for i in range(count))
    return tuple(line for line in found if line is not None)


def fit(hidden: dict[str, object]) -> tuple[RealLines, Match]:
    generator = make_generator(Profile.named("clean"))
    lines = measured(replace(generator, profile=Profile.model_validate(hidden)), 80)
    theirs = RealLines(lines, (None,) * len(lines))
    return theirs, fit_profile(generator.profile, generator, 500, theirs)


@pytest.fixture(scope="module")
def fitted() -> tuple[RealLines, Match]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "ROUNDS", 3)
        patch.setattr(simulation, "SWEPT", 32)
        patch.setattr(simulation, "CHECKED", 60)
        return fit(HIDDEN)


@pytest.mark.slow
def test_made_lines_measure_like_theirs(fitted: tuple[RealLines, Match]) -> None:
    theirs, match = fitted
    distances = {one.measure.name: one.distance for one in compare(theirs.measures, match.made)}
    assert {name: far for name, far in distances.items() if far > 0.35} == {}


@pytest.mark.slow
def test_the_hidden_ranges_are_found(fitted: tuple[RealLines, Match]) -> None:
    content = fitted[1].content
    assert np.mean(content["line_height"]) == pytest.approx(34, abs=2.5)
    assert np.mean(content["geometry"]["margins"]["sides"]) == pytest.approx(0.45, abs=0.08)
    assert np.mean(content["camera"]["blur"]["sigma"]) == pytest.approx(0.025, abs=0.006)
    assert np.mean(content["camera"]["noise"]["sigma"]) == pytest.approx(5, abs=1.5)
    assert content["paper"]["tone"]["paper"] == [pytest.approx(190, abs=10), pytest.approx(220, abs=10)]
    assert "inverted" not in content["light"]
    assert Profile.model_validate(content).line_height == tuple(content["line_height"])


@pytest.mark.slow
def test_the_same_lines_give_the_same_profile(
    fitted: tuple[RealLines, Match], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "ROUNDS", 1)
    monkeypatch.setattr(simulation, "SWEPT", 24)
    monkeypatch.setattr(simulation, "CHECKED", 24)
    generator = make_generator(Profile.named("receipt-thermal"))
    first, second = (fit_profile(generator.profile, generator, 50, fitted[0]) for _ in range(2))
    assert first.content == second.content
    assert "thermal_head" in first.content["ink"]  # what is not fitted stays


@pytest.mark.slow
def test_too_few_lines_are_refused(fitted: tuple[RealLines, Match]) -> None:
    few = RealLines(fitted[0].measures[:9], (None,) * 9)
    generator = make_generator(Profile.named("clean"))
    with pytest.raises(InputError, match="9 lines with measurable ink are too few to match"):
        fit_profile(generator.profile, generator, 50, few)


@pytest.mark.slow
def test_coloured_light_lines_become_pairs(
    fitted: tuple[RealLines, Match], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "KNOBS", ())
    monkeypatch.setattr(fitting, "ROUNDS", 1)
    monkeypatch.setattr(simulation, "SWEPT", 24)
    monkeypatch.setattr(simulation, "CHECKED", 24)
    hidden = HIDDEN | {
        "paper": {
            "colours": {
                "probability": 1,
                "pairs": [["#f4f4f4", "#1c3ca0"], ["#101010", "#e0b020"]],
                "spread": 0,
                "brightness": 1,
            }
        }
    }
    theirs, match = fit(hidden)
    assert theirs.is_coloured
    assert "tone" not in match.content["paper"]
    papers = {paper for _, paper in match.content["paper"]["colours"]["pairs"]}
    for paper in papers:  # the fringe of blurred letters is a little of both
        channels = tuple(int(paper[at : at + 2], 16) for at in (1, 3, 5))
        assert channels in (
            pytest.approx((0x1C, 0x3C, 0xA0), abs=16),
            pytest.approx((0xE0, 0xB0, 0x20), abs=16),
        )
    assert 0.2 < np.mean([line.is_light for line in match.made]) < 0.8


@pytest.fixture(scope="module")
def a_few() -> tuple[LineMeasures, ...]:
    """Ten lines, measured."""
    return measured(make_generator(Profile.named("clean")), 10)


def test_pairs_need_contrast(a_few: tuple[LineMeasures, ...]) -> None:
    line = replace(a_few[0], ink_colour=(100.0, 100.0, 100.0), paper_colour=(120.0, 120.0, 120.0))
    with pytest.raises(InputError, match="no line has enough contrast"):
        colour_pairs([line])
    assert colour_pairs([line], gain=3)[0] == ["#3c3c3c", "#787878"]


def test_known_qualities_are_taken_over(a_few: tuple[LineMeasures, ...]) -> None:
    half = len(a_few) // 2
    known = RealLines(a_few, tuple([80] * half + [None] * (len(a_few) - half)))
    assert known.jpeg_qualities == [80] * half
    unknown = RealLines(a_few, tuple([80] * (half - 1) + [None] * (len(a_few) - half + 1)))
    assert unknown.jpeg_qualities is None
