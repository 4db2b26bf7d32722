"""Counted lines as a table of plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ocrtune.data.proposals import propose
from ocrtune.data.statistics import QUANTILES, Distribution, SetStatistics

_SYMBOLS_SHOWN = 30
_SOURCES_SHOWN = 8


def statistics_table(counted: SetStatistics) -> list[str]:
    """Lines to print."""
    said = [f"{counted.lines} lines with a text, {counted.measured} images of them measured"]
    if counted.first_reject is not None:
        reasons = ", ".join(f"{count} {reason}" for reason, count in counted.rejects.most_common())
        first = counted.first_reject
        said.append(f"not usable: {reasons}; the first: {first.source}: {first.detail}")
    rows = [("", *QUANTILES)]
    rows += [
        _quantiles("symbols per label", counted.lengths),
        _quantiles("width, px", counted.widths),
        _quantiles("height, px", counted.heights),
        _quantiles("width over height", counted.tenth_aspects, 10),
        _quantiles("width at height 48, px", counted.input_widths),
        _quantiles("px per step needed", counted.px_per_step),
    ]
    said += ["", *_aligned(rows), ""]
    said.append(f"scripts: {_shares(counted.scripts())}")
    total = counted.symbols.total()
    often = " ".join(f"{symbol!r} {count}" for symbol, count in counted.symbols.most_common(_SYMBOLS_SHOWN))
    rare = sorted(symbol for symbol, count in counted.symbols.items() if count < 10)
    said.append(f"symbols: {len(counted.symbols)} different, {total} in all; most often {often}")
    if rare:
        more = f" and {len(rare) - _SYMBOLS_SHOWN} more" if len(rare) > _SYMBOLS_SHOWN else ""
        said.append(f"fewer than 10 times: {' '.join(map(repr, rare[:_SYMBOLS_SHOWN]))}{more}")
    said.append(f"sources: {_largest(counted.sources)}")
    if counted.groups:
        said.append(f"pages by image names: {_largest(counted.groups)}")
    else:
        said.append("pages: the image names tell none")
    proposals = [(proposal.setting, proposal.value, proposal.reason) for proposal in propose(counted)]
    return [*said, "", "settings", *(f"  {row}" for row in _aligned(proposals, left=3))]


def _quantiles(label: str, values: Distribution, divide: int = 1) -> tuple[str, ...]:
    at = (values.at(share) for share in QUANTILES.values())
    return label, *(str(value) if divide == 1 else f"{value / divide:.1f}" for value in at)


def _aligned(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Columns as wide as their widest cell; all but the first `left` end on the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _shares(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count / counts.total():.1%}" for name, count in counts.most_common())


def _largest(counts: Mapping[str, int]) -> str:
    ordered = Counter(counts).most_common()
    named = ", ".join(f"{name} ({count})" for name, count in ordered[:_SOURCES_SHOWN])
    more = len(ordered) - _SOURCES_SHOWN
    return f"{len(ordered)}: {named}{f' and {more} more' if more > 0 else ''}"
