"""Distances and the table that tells of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ocrtune.synth.match.comparison import compare, distance, report
from ocrtune.synth.match.measures import MEASURES, LineMeasures

LINE = LineMeasures(
    height=40,
    ink_height=28,
    margins=(0.2, 0.2),
    side_margins=(0.3, 0.3),
    paper=240,
    contrast=180,
    ink_unevenness=0.05,
    stroke_width=0.1,
    edge_width=0.05,
    noise=2,
    grain=1,
    shading=0,
    slant=0,
    skew=0,
    blockiness=float("nan"),
    is_light=False,
    is_binary=False,
    ink_colour=(60, 60, 60),
    paper_colour=(240, 240, 240),
)


def lines(shift: float = 0, stretch: float = 1) -> list[LineMeasures]:
    return [replace(LINE, paper=200 + shift + stretch * i / 2) for i in range(101)]


def test_the_distance_of_a_shift_is_its_share_of_the_spread() -> None:
    paper = MEASURES["paper"]
    theirs = paper.values(lines())  # 200 to 250, 45 between their 5 % and 95 %
    assert distance(paper, theirs, theirs) == 0
    assert distance(paper, theirs, paper.values(lines(shift=9))) == pytest.approx(9 / 45)
    assert distance(paper, theirs, theirs[::-1]) == 0


def test_equal_lines_do_not_make_every_difference_infinite() -> None:
    height = MEASURES["height"]
    assert distance(height, np.full(20, 24.0), np.full(20, 25.0)) == 1 / height.least


def test_what_cannot_be_measured_is_not_compared() -> None:
    compared = {one.measure.name: one for one in compare(lines(), lines())}
    assert "blockiness" not in compared
    assert compared["paper"].theirs == pytest.approx((202.5, 225, 247.5))
    assert compared["margins"].made == pytest.approx((0.2, 0.2, 0.2))


def test_the_report_names_what_is_farthest() -> None:
    far = [replace(line, height=80, is_light=True) for line in lines(shift=18)]
    told = report(lines(), far).splitlines()
    assert told[0].split()[:3] == ["theirs:", "5", "%"]
    (paper,) = (line for line in told if line.startswith("paper, levels"))
    assert paper.split()[2:] == ["202", "225", "248", "220", "243", "266", "0.40"]
    (light,) = (line for line in told if line.startswith("light on dark"))
    assert light.split()[-2:] == ["0%", "100%"]
    assert told[-1] == (
        "Farthest remains height (20.00 of the spread of theirs; no range is fitted to it), then paper."
    )


def test_the_report_of_equal_lines_says_so() -> None:
    assert report(lines(), lines()).splitlines()[-1] == "All measures are alike (distances up to 0.15)."
