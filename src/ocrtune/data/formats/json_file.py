"""JSON of strangers: one error for all that can be wrong with it, and points as numbers."""

from __future__ import annotations

import json

from ocrtune.data.formats.crops import OutlineError, Point
from ocrtune.errors import InputError


def parse_json(content: str, where: str) -> object:
    """Decode JSON.

    Raises:
        InputError: it is none, or nested beyond reason.
    """
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{where}: no JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; thousands of brackets
        raise InputError(f"{where}: no usable JSON: {error}") from error


def points_of(value: object) -> tuple[Point, ...]:
    """Points from a list of pairs of numbers.

    Raises:
        OutlineError: it is anything else.
    """
    if not isinstance(value, list):
        raise OutlineError("its points are no list")
    points = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or not all(map(_is_number, pair)):
            raise OutlineError(f"the point {pair!r:.60} is no pair of numbers")
        points.append((_number(pair[0]), _number(pair[1])))
    return tuple(points)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError as error:  # an integer of hundreds of digits
        raise OutlineError("a coordinate is on no page") from error


def numbers_of(value: object, count: int) -> tuple[float, ...]:
    """A list of `count` numbers.

    Raises:
        OutlineError: it is anything else.
    """
    if not isinstance(value, list) or len(value) != count or not all(map(_is_number, value)):
        raise OutlineError(f"{value!r:.60} is no list of {count} numbers")
    return tuple(map(_number, value))
