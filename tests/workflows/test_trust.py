"""From which confidence on readings are trusted."""

from __future__ import annotations

import pytest

from ocrtune.workflows.trust import Trust, find_trust


@pytest.mark.parametrize(
    ("judged", "wanted", "expected"),
    [
        ([], 0.9, None),
        # Eight of eight are 9/10: the rule of succession vouches for 0.9 from there on.
        ([(0.9, True)] * 7, 0.9, None),
        ([(0.9, True)] * 8, 0.9, Trust(0.9, 8, 8)),
        # As far down as it holds: 19 of 20 are 20/22, 19 of 21 only 20/23.
        ([(0.9, True)] * 19 + [(0.5, False), (0.4, False)], 0.9, Trust(0.5, 20, 19)),
        # Wrong readings that are sure spoil what is below them, until enough right ones follow.
        ([(0.99, False), *[(0.5, True)] * 16], 0.9, None),
        ([(0.99, False), *[(0.5, True)] * 17], 0.9, Trust(0.5, 18, 17)),
        # Lines read alike come in together or not at all, in whatever order they are given.
        ([(0.7, True)] * 20 + [(0.7, False)] * 5, 0.9, None),
        ([(0.7, False), *[(0.7, True)] * 9, (0.8, True)], 0.8, Trust(0.7, 11, 10)),
    ],
)
def test_the_lowest_confidence_that_enough_known_lines_vouch_for(
    judged: list[tuple[float, bool]], wanted: float, expected: Trust | None
) -> None:
    assert find_trust(judged, wanted) == expected
    assert find_trust(judged[::-1], wanted) == expected


def test_the_share_that_is_right_is_estimated_cautiously() -> None:
    assert Trust(0.9, 8, 8).precision == 0.9
    assert Trust(0.9, 98, 97).precision == 0.98
