"""The quickstart's picture: line images with what the base and the tuned model read on them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ocrtune.errors import InputError
from ocrtune.records import Image

RIGHT, WRONG = "#1b7837", "#b2182b"
"""Dark green and dark red, also told apart by the tick and the cross."""


@dataclass(frozen=True, slots=True)
class ReadingPair:
    """One line and what was read on it before and after training."""

    image: Image
    truth: str
    before: str
    after: str


def draw_comparison(path: Path, pairs: Sequence[ReadingPair], title: str, footer: str) -> None:
    """Write a PNG with a row for each pair: the image, the base's reading, the tuned model's.

    Raises:
        InputError: the disk refuses; an older picture is then still there.
    """
    figure = Figure(figsize=(10, 1.5 + 0.62 * len(pairs)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title, fontsize=13, fontweight="bold")
    figure.supxlabel(footer, fontsize=10)
    grid = figure.add_gridspec(
        len(pairs) + 1, 3, width_ratios=(5, 4, 4), height_ratios=[0.5] + [1] * len(pairs)
    )
    for column, heading in enumerate(("image", "base reads", "tuned model reads")):
        cell = figure.add_subplot(grid[0, column])
        cell.axis("off")
        cell.text(0, 0.5, heading, fontsize=10, color="#555555", va="center", transform=cell.transAxes)
    for row, pair in enumerate(pairs, start=1):
        cell = figure.add_subplot(grid[row, 0])
        cell.axis("off")
        cell.set_anchor("W")
        cell.imshow(pair.image, cmap="gray", vmin=0, vmax=255, interpolation="bicubic")
        for column, reading in enumerate((pair.before, pair.after), start=1):
            right = reading == pair.truth
            cell = figure.add_subplot(grid[row, column])
            cell.axis("off")
            cell.text(
                0,
                0.5,
                f"{'✓' if right else '✗'}  {reading}",
                fontsize=13,
                color=RIGHT if right else WRONG,
                va="center",
                parse_math=False,  # a "$" that was read is no formula
                transform=cell.transAxes,
            )
    staging = path.with_name(f".{path.name}")
    try:
        with warnings.catch_warnings():
            # The base may read a symbol that matplotlib's font lacks; the box drawn for it says enough.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
            figure.savefig(staging, format="png")
        staging.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}; free space and run again") from error
    finally:
        staging.unlink(missing_ok=True)
