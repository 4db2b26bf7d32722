"""Counted lines as one picture. The only part of `data` that needs matplotlib."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.ticker import MaxNLocator

from ocrtune.data.statistics import STRIDES, Distribution, SetStatistics

_BARS = 40
"""Of a histogram, and symbols shown."""

_FONT = "DejaVu Sans"
"""Comes with matplotlib."""

_COLOUR = "#33658a"


def statistics_picture(counted: SetStatistics) -> bytes:
    """A PNG: label lengths, sizes, room per time step, symbols, and the lines of each page or source."""
    figure = Figure(figsize=(14, 10), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(3, 3)
    panels: tuple[tuple[str, Distribution, float], ...] = (
        ("symbols per label", counted.lengths, 1),
        ("height, px", counted.heights, 1),
        ("width, px", counted.widths, 1),
        ("width over height", counted.tenth_aspects, 10),
        ("px of input per time step needed", counted.px_per_step, 1),
    )
    for at, (label, values, divide) in enumerate(panels):
        axes = figure.add_subplot(grid[at // 3, at % 3])
        _histogram(axes, values, divide)
        axes.set(xlabel=label, ylabel="lines")
    for stride, colour in zip(STRIDES, ("#d1495b", "#edae49"), strict=True):
        axes.axvline(stride, color=colour, label=f"a step of stride {stride}")
    axes.set_xlim(left=0)
    axes.legend()
    axes = figure.add_subplot(grid[1, 2])
    groups = sorted((counted.groups or counted.sources).values(), reverse=True)
    axes.bar(range(len(groups)), groups, width=1.0, color=_COLOUR)
    axes.set_xlim(-1, max(1, len(groups)))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="pages, largest first" if counted.groups else "sources, largest first", ylabel="lines")
    _symbols(figure.add_subplot(grid[2, :]), counted)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=100)
    return content.getvalue()


def _histogram(axes: Axes, values: Distribution, divide: float) -> None:
    """Up to the 99.5th percentile; the rest is gathered in the last bar."""
    first, last = values.at(0), values.at(0.995)
    step = max(1, -(-(last - first + 1) // _BARS))
    bars = [0] * ((last - first) // step + 1)
    for value, count in values.counts.items():
        bars[(min(value, last) - first) // step] += count
    left = [(first + i * step) / divide for i in range(len(bars))]
    axes.bar(left, bars, width=step / divide, align="edge", color=_COLOUR)
    axes.set_xlim((first - 3 * step) / divide, (last + 4 * step) / divide)  # one value alone is a bar, too


def _symbols(axes: Axes, counted: SetStatistics) -> None:
    """The most and the least frequent symbols on a logarithmic scale."""
    ordered = counted.symbols.most_common()
    shown = ordered if len(ordered) <= 2 * _BARS else ordered[:_BARS] + ordered[-_BARS:]
    axes.bar(range(len(shown)), [count for _, count in shown], color=_COLOUR)
    axes.set_xticks(range(len(shown)), symbol_names([symbol for symbol, _ in shown]), parse_math=False)
    for label in axes.get_xticklabels():
        label.set_rotation(90 if len(label.get_text()) > 1 else 0)
    left_out = len(ordered) - len(shown)
    middle = f"; {left_out} in the middle left out" if left_out else ""
    axes.set(yscale="log", ylim=(0.5, None), ylabel="occurrences", xlabel=f"{len(ordered)} symbols{middle}")
    axes.margins(x=0.01)


def symbol_names(symbols: Sequence[str]) -> list[str]:
    """Each symbol as itself where the picture's font can draw it, else its code point."""
    font = get_font(findfont(_FONT))
    names = []
    for symbol in symbols:
        category = unicodedata.category(symbol)
        drawable = category[0] not in "CZM" and font.get_char_index(ord(symbol))
        names.append("space" if symbol == " " else symbol if drawable else f"U+{ord(symbol):04X}")
    return names
