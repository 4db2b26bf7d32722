"""The Unicode Bidirectional Algorithm (UAX #9) for one line: logical text to levels and visual runs.

Mirrored glyphs (rule L4) are HarfBuzz's work: it takes them wherever it shapes a run right to left.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, takewhile
from typing import Literal

Direction = Literal["ltr", "rtl"]

MAX_DEPTH = 125
"""Deepest explicit level (BD2)."""

BRACKET_PAIRS = 63
"""Openings that are remembered while their closings are looked for (BD16)."""

EMBEDDINGS = {"RLE": ("R", ""), "LRE": ("L", ""), "RLO": ("R", "R"), "LRO": ("L", "L")}
"""Class to its direction and to what it overrides."""

DISTANT_BRACKETS = dict(zip("[]{}［］｛｝⦍⦐⦏⦎", "][}{］［｝｛⦐⦍⦎⦏", strict=True))
"""Brackets whose partner is not the next or the last code point."""

ISOLATES = frozenset({"LRI", "RLI", "FSI"})
REMOVED = frozenset({"RLE", "LRE", "RLO", "LRO", "PDF", "BN"})
"""Classes that rule X9 takes out before levels are resolved."""

NEUTRALS = frozenset({"B", "S", "WS", "ON", "PDI"}) | ISOLATES
BLANKS = frozenset({"WS", "PDI"}) | ISOLATES
"""Classes that fall back to the paragraph's level at the end of the line (L1)."""

UNDIRECTED = frozenset({"ES", "ET", "CS", "NSM", "ON", "WS", "S", "B"})
LEFT_TO_RIGHT = UNDIRECTED | {"L", "EN"}
RIGHT_TO_LEFT = UNDIRECTED | {"R", "AL"}
"""A line of classes of one of these sets has one level, as most have: the rules need not be gone through."""


@dataclass(frozen=True, slots=True)
class LevelRun:
    """Characters `start` to `end` of the logical text, drawn as one in the level's direction."""

    start: int
    end: int
    level: int

    @property
    def direction(self) -> Direction:
        """Even levels run left to right."""
        return _direction(self.level)


def resolve_levels(text: str, base: Direction | None = None) -> list[int]:
    """The level of every character of a line in logical order.

    Args:
        text: one line; a paragraph separator inside it ends what was embedded but starts no new paragraph.
        base: direction of the paragraph; by default that of its first strong character (P2, P3).

    Returns:
        One level per character, even for left to right. Embedding controls, which leave no mark, take
        the level of the character before them (section 5.2).
    """
    if base != "rtl" and text.isascii() and text.isprintable():
        return [0] * len(text)
    classes = [unicodedata.bidirectional(symbol) or "L" for symbol in text]  # unassigned: most are L
    if base != "rtl" and LEFT_TO_RIGHT.issuperset(classes):
        return [0] * len(text)
    if base != "ltr" and RIGHT_TO_LEFT.issuperset(classes):
        return [1] * len(text)
    paragraph = _first_strong_level(classes, 0, len(classes)) if base is None else int(base == "rtl")
    levels, types = _explicit_levels(classes, paragraph)
    kept = [i for i, name in enumerate(classes) if name not in REMOVED]
    for sequence in _isolating_run_sequences(classes, levels, kept, paragraph):
        _resolve_weak(sequence, types)
        _resolve_brackets(sequence, types, classes, text)
        _resolve_neutrals(sequence, types)
        for i in sequence.indices:  # I1, I2
            if levels[i] % 2:
                levels[i] += types[i] != "R"
            else:
                levels[i] += {"L": 0, "R": 1}.get(types[i], 2)
    _settle_blanks(classes, levels, paragraph)
    return levels


def visual_runs(levels: Sequence[int]) -> list[LevelRun]:
    """Runs of one level in the order they are drawn, from left to right (L2)."""
    if not any(levels):
        return [LevelRun(0, len(levels), 0)] if levels else []
    runs = []
    start = 0
    for level, group in groupby(levels):
        end = start + sum(1 for _ in group)
        runs.append(LevelRun(start, end, level))
        start = end
    odd = (run.level for run in runs if run.level % 2)
    for threshold in range(max(levels), min(odd, default=1) - 1, -1):
        reordered: list[LevelRun] = []
        for is_reversed, members in groupby(runs, key=lambda run: run.level >= threshold):
            reordered += list(members)[:: -1 if is_reversed else 1]
        runs = reordered
    return runs


@cache
def paired_bracket(symbol: str) -> tuple[str, bool] | None:
    """The partner of a bracket and whether `symbol` opens; None for what is no bracket.

    Python has no Bidi_Paired_Bracket. Unicode gives the property to the neutral mirrored characters of the
    categories Ps and Pe; partners follow one another but for `DISTANT_BRACKETS`. Canonical equivalents
    count as one bracket (N0).
    """
    category = unicodedata.category(symbol)
    is_neutral = unicodedata.bidirectional(symbol) == "ON" and unicodedata.mirrored(symbol)
    if category not in {"Ps", "Pe"} or not is_neutral:
        return None
    opens = category == "Ps"
    partner = DISTANT_BRACKETS.get(symbol) or chr(ord(symbol) + (1 if opens else -1))
    return unicodedata.normalize("NFC", partner), opens


@dataclass(frozen=True, slots=True)
class _Sequence:
    """An isolating run sequence (BD13)."""

    indices: list[int]
    level: int
    before: str
    """Strong class at its start (sos), L or R."""
    after: str
    """Strong class at its end (eos)."""

    @property
    def embedding(self) -> str:
        return _strong(self.level)


def _direction(level: int) -> Direction:
    return "rtl" if level % 2 else "ltr"


def _strong(level: int) -> str:
    return "R" if level % 2 else "L"


def _first_strong_level(classes: Sequence[str], start: int, end: int) -> int:
    """P2 and P3: 1 if the first strong class outside isolates is R or AL; an unmatched PDI ends nothing."""
    depth = 0
    for name in classes[start:end]:
        if name in ISOLATES:
            depth += 1
        elif name == "PDI":
            depth = max(0, depth - 1)
        elif depth == 0 and name in {"L", "R", "AL"}:
            return int(name != "L")
    return 0


def _isolate_ends(classes: Sequence[str]) -> dict[int, int]:
    """Isolate initiators to their matching PDI (BD9); those without one are absent."""
    ends: dict[int, int] = {}
    open_isolates: list[int] = []
    for i, name in enumerate(classes):
        if name in ISOLATES:
            open_isolates.append(i)
        elif name == "PDI" and open_isolates:
            ends[open_isolates.pop()] = i
        elif name == "B":
            open_isolates.clear()
    return ends


@dataclass(frozen=True, slots=True)
class _Status:
    """An entry of the directional status stack."""

    level: int
    override: str
    is_isolate: bool


def _explicit_levels(classes: Sequence[str], paragraph: int) -> tuple[list[int], list[str]]:
    """X1 to X8: the explicit level of each character, and its class after overrides."""
    ends = _isolate_ends(classes)
    levels = [paragraph] * len(classes)
    types = list(classes)
    stack = [_Status(paragraph, "", False)]
    overflow_isolates = overflow_embeddings = valid_isolates = 0
    for i, name in enumerate(classes):
        if name in EMBEDDINGS:  # X2 to X5
            direction, override = EMBEDDINGS[name]
            level = _next_level(stack[-1].level, direction)
            levels[i] = stack[-1].level
            if level <= MAX_DEPTH and not overflow_isolates and not overflow_embeddings:
                stack.append(_Status(level, override, False))
            elif not overflow_isolates:
                overflow_embeddings += 1
        elif name in ISOLATES:  # X5a to X5c
            levels[i], types[i] = stack[-1].level, stack[-1].override or name
            if name == "FSI":
                direction = _strong(_first_strong_level(classes, i + 1, ends.get(i, len(classes))))
            else:
                direction = name[0]
            level = _next_level(stack[-1].level, direction)
            if level <= MAX_DEPTH and not overflow_isolates and not overflow_embeddings:
                valid_isolates += 1
                stack.append(_Status(level, "", True))
            else:
                overflow_isolates += 1
        elif name == "PDI":  # X6a
            if overflow_isolates:
                overflow_isolates -= 1
            elif valid_isolates:
                overflow_embeddings = 0
                while not stack[-1].is_isolate:
                    stack.pop()
                stack.pop()
                valid_isolates -= 1
            levels[i], types[i] = stack[-1].level, stack[-1].override or name
        elif name == "PDF":  # X7
            levels[i] = stack[-1].level
            if overflow_isolates:
                continue
            if overflow_embeddings:
                overflow_embeddings -= 1
            elif not stack[-1].is_isolate and len(stack) > 1:
                stack.pop()
        elif name == "B":  # X8
            stack = stack[:1]
            overflow_isolates = overflow_embeddings = valid_isolates = 0
        else:  # X6
            levels[i] = stack[-1].level
            if name != "BN":
                types[i] = stack[-1].override or name
    return levels, types


def _next_level(level: int, direction: str) -> int:
    """The next greater odd level for R, even for L."""
    return (level + 1) | 1 if direction == "R" else (level + 2) & ~1


def _isolating_run_sequences(
    classes: Sequence[str], levels: Sequence[int], kept: Sequence[int], paragraph: int
) -> Iterable[_Sequence]:
    """X10: level runs, joined across the isolates that interrupt them."""
    ends = _isolate_ends(classes)
    runs = [list(run) for _, run in groupby(kept, key=lambda i: levels[i])]
    run_from = {run[0]: run for run in runs}
    continued = set(ends.values())
    sequences = []
    for run in runs:
        if classes[run[0]] == "PDI" and run[0] in continued:
            continue
        indices = list(run)
        while classes[indices[-1]] in ISOLATES and indices[-1] in ends:
            indices += run_from[ends[indices[-1]]]
        first, last = bisect_left(kept, indices[0]), bisect_left(kept, indices[-1])
        level_before = levels[kept[first - 1]] if first > 0 else paragraph
        # An initiator that ends a sequence has no PDI: what follows belongs to the isolate, not here.
        at_end = last + 1 == len(kept) or classes[indices[-1]] in ISOLATES
        level_after = paragraph if at_end else levels[kept[last + 1]]
        level = levels[indices[0]]
        before, after = _strong(max(level, level_before)), _strong(max(level, level_after))
        sequences.append(_Sequence(indices, level, before, after))
    return sequences


def _resolve_weak(sequence: _Sequence, types: list[str]) -> None:
    """W1 to W7: numbers, their separators and terminators, and marks."""
    indices = sequence.indices
    previous = strong = sequence.before
    for i in indices:  # W1, W2, W3; W2 asks for the last strong class before W3 turns AL into R
        if types[i] == "NSM":
            types[i] = "ON" if previous == "PDI" or previous in ISOLATES else previous
        previous = types[i]
        if previous in {"L", "R", "AL"}:
            strong = previous
        if previous == "EN" and strong == "AL":
            types[i] = "AN"
    for i in indices:
        if types[i] == "AL":
            types[i] = "R"
    for left, i, right in zip(indices, indices[1:], indices[2:], strict=False):  # W4
        if types[left] == types[right] and (
            (types[i] in {"ES", "CS"} and types[left] == "EN") or (types[i] == "CS" and types[left] == "AN")
        ):
            types[i] = types[left]
    for is_terminator, group in groupby(range(len(indices)), key=lambda k: types[indices[k]] == "ET"):  # W5
        if is_terminator:
            run = list(group)
            beside = (run[0] - 1, run[-1] + 1)
            if any(0 <= k < len(indices) and types[indices[k]] == "EN" for k in beside):
                for k in run:
                    types[indices[k]] = "EN"
    strong = sequence.before
    for i in indices:
        if types[i] in {"ES", "ET", "CS"}:  # W6
            types[i] = "ON"
        elif types[i] in {"L", "R"}:
            strong = types[i]
        elif types[i] == "EN" and strong == "L":  # W7
            types[i] = "L"


def _bracket_pairs(sequence: _Sequence, types: Sequence[str], text: str) -> list[tuple[int, int]]:
    """BD16: positions in the sequence of openings and their closings, in order of the openings."""
    stack: list[tuple[str, int]] = []
    pairs = []
    for k, i in enumerate(sequence.indices):
        bracket = paired_bracket(text[i]) if types[i] == "ON" else None
        if bracket is None:
            continue
        partner, opens = bracket
        if opens:
            if len(stack) == BRACKET_PAIRS:
                return []
            stack.append((partner, k))
            continue
        closing = unicodedata.normalize("NFC", text[i])
        for depth in range(len(stack) - 1, -1, -1):
            if stack[depth][0] == closing:
                pairs.append((stack[depth][1], k))
                del stack[depth:]
                break
    return sorted(pairs)


def _as_strong(name: str) -> str:
    """Numbers count as R for brackets and neutrals."""
    return "R" if name in {"R", "EN", "AN"} else name


def _resolve_brackets(sequence: _Sequence, types: list[str], classes: Sequence[str], text: str) -> None:
    """N0: a pair takes the embedding's direction if it holds it, else that of what stands before it."""
    indices, embedding = sequence.indices, sequence.embedding
    for opening, closing in _bracket_pairs(sequence, types, text):
        inside = {_as_strong(types[i]) for i in indices[opening + 1 : closing]} & {"L", "R"}
        if not inside:
            continue
        direction = embedding
        if embedding not in inside:
            before = (_as_strong(types[i]) for i in reversed(indices[:opening]))
            context = next((name for name in before if name in {"L", "R"}), sequence.before)
            direction = context if context != embedding else embedding
        for k in (opening, closing):
            types[indices[k]] = direction
            for i in takewhile(lambda i: classes[i] == "NSM", indices[k + 1 :]):
                types[i] = direction


def _resolve_neutrals(sequence: _Sequence, types: list[str]) -> None:
    """N1, N2: neutrals between two of one direction take it, others the embedding's."""
    indices = sequence.indices
    for is_neutral, group in groupby(range(len(indices)), key=lambda k: types[indices[k]] in NEUTRALS):
        if not is_neutral:
            continue
        run = list(group)
        left = _as_strong(types[indices[run[0] - 1]]) if run[0] > 0 else sequence.before
        right = _as_strong(types[indices[run[-1] + 1]]) if run[-1] + 1 < len(indices) else sequence.after
        for k in run:
            types[indices[k]] = left if left == right else sequence.embedding


def _settle_blanks(classes: Sequence[str], levels: list[int], paragraph: int) -> None:
    """L1: separators, and blanks before them or at the end, take the paragraph's level."""
    trailing = True
    for i in range(len(classes) - 1, -1, -1):
        if classes[i] in {"S", "B"}:
            trailing = True
        elif classes[i] not in BLANKS and classes[i] not in REMOVED:
            trailing = False
        if trailing:
            levels[i] = paragraph
    for i, name in enumerate(classes):
        if name in REMOVED:
            levels[i] = levels[i - 1] if i > 0 else paragraph
