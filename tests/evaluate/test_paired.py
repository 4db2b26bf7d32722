"""Two models on the same lines: the counts, what they may be worth, and when one is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ocrtune.evaluate.evaluation import Evaluation, LineReading
from ocrtune.evaluate.metrics import measure
from ocrtune.evaluate.paired import pair
from ocrtune.records import Prediction


def evaluation(truths: Sequence[str], texts: Sequence[str]) -> Evaluation:
    readings = tuple(
        LineReading(str(i), truth, Prediction(text, 1.0))
        for i, (truth, text) in enumerate(zip(truths, texts, strict=True))
    )
    metrics = measure(zip(truths, texts, strict=True))
    return Evaluation("lines", readings, (), (1.0,), ignore_case=False, metrics=metrics)


TRUTHS = ("total", "milk", "10.50", "2041")


def test_lines_are_fixed_and_broken() -> None:
    old = evaluation(TRUTHS, ("totol", "mi1k", "10.50", "2041"))
    new = evaluation(TRUTHS, ("total", "milk ", "10,50", "2041"))
    paired = pair("kept back", old, new)
    assert (paired.fixed, paired.broken) == (2, 1)
    assert paired.is_better
    assert paired.drop == 0
    assert paired.summary() == (
        "kept back: 4 lines; exact match 50.0% -> 75.0%, CER 11.11% -> 5.56%; 2 fixed, 1 broken, "
        "which may be chance at this number of lines (p = 1)"
    )


@pytest.mark.parametrize(
    ("fixed", "broken", "chance"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (0, 6, 0.03125), (9, 2, 0.0654296875)],
)
def test_chance_is_that_of_the_exact_sign_test(fixed: int, broken: int, chance: float) -> None:
    same = evaluation(TRUTHS, TRUTHS)
    assert replace(pair("kept back", same, same), fixed=fixed, broken=broken).chance == chance


@pytest.mark.parametrize(
    ("old", "new", "better"),
    [
        (("totol", "milk"), ("total", "milk"), True),
        (("totll", "milk"), ("totol", "milk"), False),  # as wrong as before
        (("xxxxx", "milk"), ("totol", "milk"), True),  # less wrong
        (("totol", "milk"), ("total", "xxxx"), False),
        (("totol", "mil"), ("total", "xxxxxx"), False),  # one more right, and more edits in all
    ],
)
def test_better_is_better_by_one_measure_and_worse_by_none(
    old: Sequence[str], new: Sequence[str], better: bool
) -> None:
    paired = pair("kept back", evaluation(TRUTHS[:2], old), evaluation(TRUTHS[:2], new))
    assert paired.is_better is better


def test_the_drop_is_the_larger_of_both_losses() -> None:
    same = evaluation(TRUTHS, TRUTHS)
    assert pair("guard", same, evaluation(TRUTHS, ("totol", *TRUTHS[1:]))).drop == 0.25
    one = evaluation(TRUTHS[:1], ("x",))
    assert pair("guard", one, evaluation(TRUTHS[:1], ("xxxxxxxxxx",))).drop == 1.0


def test_other_lines_are_not_compared() -> None:
    first, second = evaluation(TRUTHS[:2], TRUTHS[:2]), evaluation(TRUTHS[:2], TRUTHS[:2])
    other = replace(second, readings=tuple(reversed(second.readings)))
    with pytest.raises(ValueError, match="other lines: 0 and 1"):
        pair("kept back", first, other)
