"""A split before it is written: which lines go where, what that means for rare symbols, and a better seed."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ocrtune.data.dataset import LineDataset
from ocrtune.data.groups import BY_PAGE, Grouping, group_lines
from ocrtune.data.origins import names_of
from ocrtune.data.split import Shares, Side, Sides, assign_sides
from ocrtune.errors import InputError

SEEDS_TRIED = 100
_HASHES_TRIED = 5 * 10**5
"""Positions worked out in search of a better seed: about a second."""

_RARE_GROUPS = 50
"""A symbol of more groups is on a side of a tenth whatever the seed, all but once in 200 times."""

_GROUPS_SHOWN = 5
_SYMBOLS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class SideCount:
    """What one side holds."""

    groups: int
    lines: int
    symbols: int
    """Different ones."""


class Faults(NamedTuple):
    """What is wrong with a split; the first difference decides between two."""

    sides_off: int
    """Sides with less than half or more than double of the lines asked for."""
    unlearnt: int
    """Symbols that train lacks, of those in enough groups to be on every side."""
    one_sided: int
    """Such symbols that any side lacks."""


@dataclass(frozen=True)
class SplitPlan:
    """The side of every line of several datasets."""

    datasets: tuple[LineDataset, ...]
    shares: Shares
    grouping: Grouping
    """Of the lines of all datasets, one after the other."""
    sides: Sides
    symbol_groups: dict[str, set[str]]
    """Groups that hold a symbol, for symbols of at most `_RARE_GROUPS`."""
    counts: dict[Side, SideCount]
    one_sided: dict[Side, dict[str, int]]
    """Symbols that another side has and this one lacks, with the number of lines that hold them."""

    def lines(self, side: Side) -> Iterator[tuple[LineDataset, int, str]]:
        """Dataset and index of the lines of one side, in their order, and the name of each one's image."""
        named = iter(zip(self.grouping.names, self.grouping.ids, strict=True))
        for dataset in self.datasets:
            for index in range(len(dataset)):
                group, name = next(named)
                if self.sides.of(group) is side:
                    yield dataset, index, name

    def avoidable(self, symbol: str) -> bool:
        """Whether a symbol is in enough groups to be on every side, with another seed."""
        groups = self.symbol_groups.get(symbol)
        return groups is None or len(groups) >= len(self.shares.sides)

    def summary(self) -> list[str]:
        """Lines to print: the groups, the sides, and what is wanting with its remedy."""
        said = [self.grouping.summary()]
        if self.grouping.matched == 0 and self.grouping.by == BY_PAGE:
            said.append(f"  {self.grouping.hint()}")
        biggest = [f"{name} ({count})" for name, count in self.grouping.counts.most_common(_GROUPS_SHOWN)]
        if self.grouping.matched:
            said.append(f"  largest: {', '.join(biggest)}")
        total = len(self.grouping.names)
        said += [
            f"{side:5}  {count.groups} groups, {count.lines} lines ({count.lines / total:.1%}), "
            f"{count.symbols} symbols"
            for side, count in self.counts.items()
        ]
        if self.sides.borrowed:
            said.append("too few groups for the shares: a side got the nearest group, until more are added")
        said += [self._wanting(side, symbols) for side, symbols in self.one_sided.items() if symbols]
        if (better := self.better_seed()) is not None:
            now, then = self.faults(self.sides.seed), self.faults(better)
            nearer = "shares nearer to those asked for, " if then.sides_off < now.sides_off else ""
            said.append(
                f"--seed {better} would do better: {nearer}{then.one_sided} instead of {now.one_sided} "
                "avoidable symbols on some sides only"
            )
        return said

    def _wanting(self, side: Side, symbols: dict[str, int]) -> str:
        """The symbols that a side lacks, those first that another seed could bring there."""
        lacks = "cannot be learnt, as train lacks them" if side is Side.TRAIN else f"not measured by {side}"
        shown = sorted(symbols, key=lambda symbol: not self.avoidable(symbol))[:_SYMBOLS_SHOWN]
        more = f" and {len(symbols) - len(shown)} more" if len(symbols) > len(shown) else ""
        named = " ".join(repr(symbol) for symbol in shown) + more
        avoidable = sum(map(self.avoidable, symbols))
        rest = f"{avoidable} of them in enough groups for another seed" if avoidable else "in too few groups"
        return f"{len(symbols)} {'symbol' if len(symbols) == 1 else 'symbols'} {lacks}: {named}; {rest}"

    def better_seed(self) -> int | None:
        """The seed, of some hundred, with the least `faults`; None where that is the one at hand."""
        tried = range(min(SEEDS_TRIED, _HASHES_TRIED // len(self.grouping.counts)))
        best = min((self.sides.seed, *tried), key=self.faults)
        return None if best == self.sides.seed else best

    def faults(self, seed: int) -> Faults:
        """What would be wrong with the split of this seed."""
        counts = self.grouping.counts
        sides = assign_sides(counts, self.shares, seed)
        of = {group: sides.of(group) for group in counts}
        lines: Counter[Side] = Counter()
        for group, count in counts.items():
            lines[of[group]] += count
        present = [
            {of[group] for group in groups}
            for symbol, groups in self.symbol_groups.items()
            if self.avoidable(symbol)
        ]
        return Faults(
            sum(not self._near(side, lines[side] / counts.total()) for side in self.shares.sides),
            sum(Side.TRAIN not in found for found in present),
            sum(len(found) < len(self.shares.sides) for found in present),
        )

    def _near(self, side: Side, share: float) -> bool:
        """Whether a side's share of the lines is between half and double of what was asked for."""
        asked = {Side.VAL: self.shares.val, Side.TEST: self.shares.test}
        return side not in asked or asked[side] / 2 <= share <= asked[side] * 2


def plan_split(datasets: Sequence[LineDataset], shares: Shares, by: str, seed: int) -> SplitPlan:
    """Group the lines of `datasets` (as `group_lines` does) and lay the groups on sides.

    Raises:
        InputError: a dataset is weighted, or `group_lines` or `assign_sides` refuses.
    """
    for dataset in datasets:
        if dataset.weight != 1:
            raise InputError(f"{dataset.name}@{dataset.weight:g}: a label file keeps no weight; leave it out")
    grouping = group_lines([name for dataset in datasets for name in names_of(dataset)], by)
    sides = assign_sides(grouping.counts, shares, seed)
    symbol_groups: dict[str, set[str]] = defaultdict(set)
    lines: Counter[Side] = Counter()
    holding: dict[Side, Counter[str]] = {side: Counter() for side in shares.sides}
    texts = (entry.text for dataset in datasets for entry in dataset.entries)
    for name, text in zip(grouping.names, texts, strict=True):
        side = sides.of(name)
        lines[side] += 1
        symbols = set(unicodedata.normalize("NFC", text))
        holding[side].update(symbols)
        for symbol in symbols:
            if len(groups := symbol_groups[symbol]) <= _RARE_GROUPS:
                groups.add(name)
    everywhere = sum(holding.values(), Counter())
    groups_of = Counter(sides.of(group) for group in grouping.counts)
    return SplitPlan(
        datasets=tuple(datasets),
        shares=shares,
        grouping=grouping,
        sides=sides,
        symbol_groups={s: groups for s, groups in symbol_groups.items() if len(groups) <= _RARE_GROUPS},
        counts={side: SideCount(groups_of[side], lines[side], len(holding[side])) for side in shares.sides},
        one_sided={
            side: {s: n for s, n in sorted(everywhere.items()) if s not in holding[side]}
            for side in shares.sides
        },
    )
