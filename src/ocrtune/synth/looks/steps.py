"""Work cut into steps, so that a batch of lines is taken through each step together.

A line's pixels push the code of its earlier steps out of the processor's caches, and fetching it again takes
longer than running it. With the same step for many lines in a row it is fetched once. Works do not see each
other.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shared:
    """A step that one call does for all works that wait for it; each is sent its own result."""

    step: int
    do: Callable[[Sequence[Any]], Sequence[Any]]
    """The same for all that share the step."""
    given: Any


Steps: TypeAlias = Generator[int | Shared, Any, T]
"""Before each step its place in the order of all steps, and the result at the end. A work may go back."""


SHAPE, RENDER, DRAW, LOOK, JUDGE = 0, 1, 2, 3, 1000
"""Glyphs are chosen and drawn; a look is drawn, made, which takes many steps of its own, and judged."""


def finish(work: Steps[T]) -> T:
    """Do all steps in a row."""
    done = None
    while True:
        try:
            step = work.send(done)
        except StopIteration as end:
            result: T = end.value
            return result
        done = step.do([step.given])[0] if isinstance(step, Shared) else None


def finish_together(works: Iterable[Steps[T]]) -> list[T]:
    """Do the steps of all works in their order, each for all that wait for it; results as the works come."""
    results: dict[int, T] = {}
    waiting: dict[int, list[tuple[int, Steps[T], Shared | None]]]
    waiting = {-1: [(number, work, None) for number, work in enumerate(works)]}  # nothing is done yet
    while waiting:
        together = waiting.pop(min(waiting))
        shared = together[0][2]
        given = [each.given for _, _, each in together if each is not None]
        done = repeat(None) if shared is None else shared.do(given)
        for (number, work, _), reply in zip(together, done, strict=False):
            try:
                step = work.send(reply)
            except StopIteration as end:
                results[number] = end.value
                continue
            place, asked = (step, None) if isinstance(step, int) else (step.step, step)
            waiting.setdefault(place, []).append((number, work, asked))
    return [results[number] for number in sorted(results)]
