"""Work cut into steps, so that a batch of lines is taken through each step together.

A line's pixels push the code of its earlier steps out of the processor's caches, and fetching it again takes
longer than running it. With the same step for many lines in a row it is fetched once. Works do not see each
other.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Steps: TypeAlias = Generator[int, None, T]
"""Before each step its place in the order of all steps, and the result at the end. A work may go back."""


SHAPE, RENDER, DRAW, LOOK, JUDGE = 0, 1, 2, 3, 1000
"""Glyphs are chosen and drawn; a look is drawn, made, which takes many steps of its own, and judged."""


def finish(work: Steps[T]) -> T:
    """Do all steps in a row."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


def finish_together(works: Iterable[Steps[T]]) -> list[T]:
    """Do the steps of all works in their order, each for all that wait for it; results as the works come."""
    results: dict[int, T] = {}
    waiting = {-1: list(enumerate(works))}  # nothing is done yet
    while waiting:
        for number, work in waiting.pop(min(waiting)):
            try:
                waiting.setdefault(next(work), []).append((number, work))
            except StopIteration as end:
                results[number] = end.value
    return [results[number] for number in sorted(results)]
