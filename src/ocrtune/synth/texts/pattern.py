r"""Texts from a regular expression, such as `GL-\d{4}-\d{2}-\d{3}-[A-C]`.

The expression is read by Python's own parser, so that it means what `re` says; why no library draws from
it: docs/decisions/0008. What is accepted can be drawn in bounded time, and every draw matches.
"""

from __future__ import annotations

import importlib
import re
import string
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.texts.draws import below
from ocrtune.synth.texts.labels import LONGEST_TEXT, clean, find_fault

PATTERN_LIMIT = 1000
"""Symbols of an expression; its alternatives may be many."""

STEPS_LIMIT = 10_000
"""Parts drawn for one text: (){0,1000000} gives nothing, slowly."""

CLASS_LIMIT = 2**15
"""Symbols between the ends of a range; all Chinese characters of [一-龥] are 20,902."""

VISIBLE_ASCII = string.ascii_letters + string.digits + string.punctuation
"""What `.` and negated classes draw from: that which a class leaves open should be a usual symbol."""

# Private in name, and what every generator of strings uses; the tests walk through each construct of it.
_parser: Any = importlib.import_module("re._parser")
_constants: Any = importlib.import_module("re._constants")

_CATEGORIES = {
    "CATEGORY_DIGIT": string.digits,
    "CATEGORY_WORD": string.ascii_letters + string.digits + "_",
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_DIGIT": "".join(c for c in VISIBLE_ASCII if c not in string.digits),
    "CATEGORY_NOT_WORD": "".join(c for c in string.punctuation if c != "_"),
    "CATEGORY_NOT_SPACE": VISIBLE_ASCII,
}

_UNSUPPORTED = {
    "ASSERT": "a lookahead or lookbehind",
    "ASSERT_NOT": "a negative lookahead or lookbehind",
    "FAILURE": "a negative lookahead",
    "GROUPREF_EXISTS": "a conditional group",
    "ATOMIC_GROUP": "an atomic group",
    "POSSESSIVE_REPEAT": "a possessive quantifier",
}


@dataclass(frozen=True, slots=True)
class _Symbol:
    """One of some symbols."""

    symbols: str


@dataclass(frozen=True, slots=True)
class _Sequence:
    """All parts in order."""

    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    """One of the branches."""

    branches: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    """The part, low to high times."""

    low: int
    high: int
    part: _Node


@dataclass(frozen=True, slots=True)
class _Group:
    """The part, kept for references."""

    number: int
    part: _Node


@dataclass(frozen=True, slots=True)
class _Reference:
    """What a group gave."""

    number: int


_Node = _Symbol | _Sequence | _Choice | _Repeat | _Group | _Reference


@dataclass(frozen=True, slots=True)
class Pattern:
    """Draws texts that match an expression: at each choice every alternative is equally likely.

    `a|b|[xyz]` gives `a` a third of the time and `x` a ninth. Spaces at the ends of a text are left out.
    """

    expression: str
    root: _Node

    @classmethod
    def parse(cls, expression: str) -> Pattern:
        r"""Read a regular expression of `re`.

        `\d`, `\w`, `\s` mean their ASCII members, `\s` the space; `.` and what a class negates mean
        `VISIBLE_ASCII`. Anchors are welcome at both ends. References to groups are followed.

        Raises:
            InputError: it is malformed or too large; has no upper bound (`*`, `+`, `{2,}`); may give an
                empty text or one over `LONGEST_TEXT`; or holds what is no generator's business:
                lookaround, possessive and conditional parts, flags, anchors within.
        """
        return cls(expression, _Reader(expression).read())

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`; depends on `rng` alone."""
        drawn: list[str] = []
        _draw(self.root, rng, drawn, {})
        return clean("".join(drawn))


def _draw(node: _Node, rng: np.random.Generator, drawn: list[str], groups: dict[int, str]) -> None:
    match node:
        case _Symbol(symbols):
            drawn.append(symbols if len(symbols) == 1 else symbols[below(len(symbols), rng)])
        case _Sequence(parts):
            for part in parts:
                _draw(part, rng, drawn, groups)
        case _Choice(branches):
            _draw(branches[below(len(branches), rng)], rng, drawn, groups)
        case _Repeat(low, high, part):
            for _ in range(low + below(high - low + 1, rng) if high > low else low):
                _draw(part, rng, drawn, groups)
        case _Group(number, part):
            start = len(drawn)
            _draw(part, rng, drawn, groups)
            groups[number] = "".join(drawn[start:])
        case _Reference(number):
            drawn.append(groups[number])


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Of what a node can give."""

    visible: int
    """Fewest visible symbols."""
    longest: int
    """Most symbols."""
    steps: int
    """Most nodes drawn."""


class _Reader:
    """Turns the tree of Python's parser into ours, and refuses by name what cannot be drawn."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._groups: dict[int, _Bounds] = {}

    def read(self) -> _Node:
        if len(self.expression) > PATTERN_LIMIT:
            raise self._error(f"is over {PATTERN_LIMIT} symbols; split it into several sources")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # `[[a]`: a set within a set, one day
                parsed = _parser.parse(self.expression)
            if parsed.state.flags & ~(re.UNICODE | re.VERBOSE):
                raise self._error("sets a flag; write what it means instead, such as [Aa]")
            root = self._sequence(self._strip_anchors(list(parsed)), known=set())
            bounds = self._bounds(root)
        except re.error as error:
            raise self._error(f"is malformed: {error}") from error
        except (RecursionError, OverflowError) as error:
            raise self._error("is nested too deeply or counts too far; simplify it") from error
        if bounds.longest > LONGEST_TEXT:
            raise self._error(f"can give {bounds.longest:,} symbols, over {LONGEST_TEXT}; bound it tighter")
        if bounds.steps > STEPS_LIMIT:
            raise self._error(f"takes {bounds.steps:,} steps for a text, over {STEPS_LIMIT:,}; simplify it")
        if not bounds.visible:
            raise self._error("can give a text without a visible symbol; make one part required")
        return root

    def _error(self, problem: str) -> InputError:
        return InputError(f"the regular expression {self.expression[:60]!r} {problem}")

    def _strip_anchors(self, items: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
        starts = ((_constants.AT, _constants.AT_BEGINNING), (_constants.AT, _constants.AT_BEGINNING_STRING))
        ends = ((_constants.AT, _constants.AT_END), (_constants.AT, _constants.AT_END_STRING))
        if items and items[0] in starts:
            items = items[1:]
        if items and items[-1] in ends:
            items = items[:-1]
        return items

    def _sequence(self, items: Iterable[tuple[Any, Any]], known: set[int]) -> _Node:
        """`known`: groups that are sure to have been drawn; those of `items` are added."""
        parts = tuple(self._node(str(operator), argument, known) for operator, argument in items)
        return parts[0] if len(parts) == 1 else _Sequence(parts)

    def _node(self, operator: str, argument: Any, known: set[int]) -> _Node:
        match operator:
            case "LITERAL":
                return self._symbol(chr(argument))
            case "NOT_LITERAL":
                return self._symbol(VISIBLE_ASCII.replace(chr(argument), ""))
            case "ANY":
                return self._symbol(VISIBLE_ASCII)
            case "IN":
                return self._symbol(self._class(argument))
            case "BRANCH":
                inner = [set(known) for _ in argument[1]]
                branches = [self._sequence(b, k) for b, k in zip(argument[1], inner, strict=True)]
                known |= set.intersection(*inner)
                return _Choice(tuple(branches))
            case "MAX_REPEAT" | "MIN_REPEAT":
                low, high, items = argument
                if high == _constants.MAXREPEAT:
                    raise self._error("has no upper bound (`*`, `+` or `{n,}`); write {0,8} for at most 8")
                part = self._sequence(items, known if low else set(known))
                return _Repeat(int(low), int(high), part)
            case "SUBPATTERN":
                number, added, removed, items = argument
                if added or removed:
                    raise self._error("sets a flag; write what it means instead, such as [Aa]")
                part = self._sequence(items, known)
                if number is None:
                    return part
                known.add(number)
                self._groups[number] = self._bounds(part)
                return _Group(number, part)
            case "GROUPREF":
                if argument not in known:
                    raise self._error(f"refers to group {argument}, which may be absent there")
                return _Reference(argument)
            case "AT":
                raise self._error("has an anchor (^, $, \\b) within; anchors may stand at its ends")
        raise self._error(f"has {_UNSUPPORTED.get(operator, operator)}, from which no text can be drawn")

    def _class(self, items: list[tuple[Any, Any]]) -> str:
        symbols: dict[str, None] = {}
        for operator, argument in items:
            match str(operator):
                case "LITERAL":
                    symbols[chr(argument)] = None
                case "RANGE":
                    first, last = argument
                    if last - first > CLASS_LIMIT:
                        raise self._error(f"has a class of over {CLASS_LIMIT:,} symbols; make it smaller")
                    symbols.update(dict.fromkeys(map(chr, range(first, last + 1))))
                case "CATEGORY":
                    symbols.update(dict.fromkeys(_CATEGORIES[str(argument)]))
        if items and str(items[0][0]) == "NEGATE":
            return "".join(symbol for symbol in VISIBLE_ASCII if symbol not in symbols)
        return "".join(symbols)

    def _symbol(self, symbols: str) -> _Symbol:
        """Those that a label may have."""
        kept = "".join(s for s in symbols if s == " " or (clean(s) and not find_fault(clean(s))))
        if not kept:
            raise self._error(f"has a part of which no label can have a symbol: {symbols[:20]!r}")
        return _Symbol(kept)

    def _bounds(self, node: _Node) -> _Bounds:
        match node:
            case _Symbol(symbols):
                return _Bounds(0 if any(s.isspace() for s in symbols) else 1, 1, 1)
            case _Reference(number):
                bounds = self._groups[number]
                return _Bounds(bounds.visible, bounds.longest, 1)
            case _Group(_, part):
                bounds = self._bounds(part)
                return _Bounds(bounds.visible, bounds.longest, bounds.steps + 1)
            case _Repeat(low, high, part):
                bounds = self._bounds(part)
                return _Bounds(low * bounds.visible, high * bounds.longest, 1 + high * bounds.steps)
            case _Sequence(parts):
                inner = [self._bounds(part) for part in parts]
                return _Bounds(
                    sum(b.visible for b in inner),
                    sum(b.longest for b in inner),
                    1 + sum(b.steps for b in inner),
                )
            case _Choice(branches):
                inner = [self._bounds(branch) for branch in branches]
                return _Bounds(
                    min(b.visible for b in inner),
                    max(b.longest for b in inner),
                    1 + max(b.steps for b in inner),
                )
