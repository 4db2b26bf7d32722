"""Pages told from image names, and what hostile names cannot do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrtune.data.groups import group_lines, page_of
from ocrtune.errors import InputError


@pytest.mark.parametrize(
    ("line_id", "page"),
    [
        ("images/003_012.jpg", "003"),
        ("003.012.jpg", "003"),
        ("003_line_012.jpg", "003"),
        ("003_r1_l12.jpg", "003"),
        ("003_r1l12.jpg", "003"),
        ("X51005230605_12.png", "X51005230605"),  # SROIE
        ("a01-000u-00.png", "a01-000u"),  # IAM
        ("e99d2d0cf1_000.jpg", "e99d2d0cf1"),  # no part of a hexadecimal name is a line number
        ("page3/012.jpg", "page3"),
        ("../lines/page3/r1_l2.jpg", "page3"),  # the way there does not matter
        (r"scans\book1\page3\l5.png", "book1/page3"),
        # No page: a prefix without a number, a line number alone, a made line's shelf, an LMDB's key, a UUID.
        ("line_012.jpg", None),
        ("images/0000.jpg", None),
        ("images/004/004123.png", None),
        ("set1/image-000000001", None),
        ("550e8400-e29b-41d4-a716-446655440000.png", None),
        ("", None),
        ("..", None),
    ],
)
def test_pages_by_name(line_id: str, page: str | None) -> None:
    assert page_of(line_id) == page


NAMES = st.text(st.characters(), max_size=40) | st.from_regex(r"[0-9a-l_\-./\\ ]{0,40}")


@given(st.lists(NAMES, min_size=1))
def test_any_names_are_grouped_and_a_name_is_always_of_the_same_page(names: list[str]) -> None:
    grouping = group_lines(names)
    assert len(grouping.names) == len(names)
    assert grouping.counts.total() == len(names)
    if grouping.matched:
        assert [page_of(name) or name for name in names] == list(grouping.names)


def test_a_name_made_to_be_slow_is_quick() -> None:
    """Only the end of a name is looked at: a pattern tried at each of its characters would take hours."""
    assert page_of("7" + "_" * 10**6 + "x") is None
    assert page_of("r" + "1r" * 10**6) is None
    assert "--group REGEX" in group_lines(["_" * 10**6 + "x"]).hint()


def test_a_single_page_is_no_group() -> None:
    """`made_v2_0001.png` and so on: all lines of one group could not be split."""
    ids = [f"made_v2_{i}.png" for i in range(4)]
    grouping = group_lines(ids)
    assert grouping.names == tuple(ids)
    assert grouping.summary() == (
        "groups: every line is its own, since the image names tell no pages: 4 of 4 lines"
    )


def test_what_was_taken_as_a_group_is_said() -> None:
    grouping = group_lines(["images/003_0.jpg", "images/003_1.jpg", "images/007_0.jpg", "images/title.jpg"])
    assert grouping.names == ("003", "003", "007", "images/title.jpg")
    assert grouping.summary() == (
        "groups: 3 by image names, of 1 to 2 lines (median 1); images/003_0.jpg is of '003'; "
        "1 lines tell no group and are their own"
    )


def test_pages_named_by_letters_are_pointed_out() -> None:
    grouping = group_lines([f"im/{page}_{i}.png" for page in ("anna", "bert") for i in range(5)])
    assert grouping.matched == 0
    assert "if 2 beginnings such as 'anna' are the pages: --group '([^/0-9]*)[^/]*$'" in grouping.hint()
    assert set(group_lines(grouping.ids, "([^/0-9]*)[^/]*$").names) == {"anna_", "bert_"}


def test_own_groups_are_a_bracket_or_the_whole_match() -> None:
    ids = ["a/x1-1.png", "a/x1-2.png", "b/y.png"]
    assert group_lines(ids, r"/(x\d)").names == ("x1", "x1", "b/y.png")
    assert group_lines(ids, r"^[ab]").names == ("a", "a", "b")
    assert group_lines(ids, "none").names == tuple(ids)
    whole = group_lines(ids, ".+")  # no line is of a group by another name
    assert (
        whole.summary()
        == "groups: 3 by --group .+, of 1 to 1 lines (median 1); a/x1-1.png is of 'a/x1-1.png'"
    )


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("(", r"--group \( is no regular expression"),
        ("q+", r"finds nothing in any image name, such as a\.png"),
    ],
)
def test_a_wrong_expression_is_refused(expression: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        group_lines(["a.png"], expression)
