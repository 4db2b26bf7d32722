"""A contact sheet: line images with their texts under them, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ocrtune.records import Image
from ocrtune.synth.fonts import Font
from ocrtune.synth.render import LineRenderer
from ocrtune.synth.shaping import shape_line

BACKGROUND = (226, 230, 236)
"""RGB: a light blue grey, which neither paper nor ink has."""

LABEL_COLOUR = (60, 64, 72)


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line on a sheet."""

    image: Image
    """Grey (H, W) or RGB (H, W, 3) uint8, of any size."""
    text: str
    """Shown under it; may be empty."""
    fonts: Sequence[Font]
    """Draw the text under the image: those that drew the line have all of its symbols."""


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """Sizes of a sheet, px."""

    columns: int = 2
    cell_width: int = 640
    line_height: int = 64
    """Images that are higher are shrunk to it; lower ones keep their size."""
    label_height: int = 18
    gap: int = 10


def contact_sheet(lines: Sequence[SheetLine], layout: SheetLayout | None = None) -> Image:
    """Set images with their texts under them in columns, row by row.

    Args:
        lines: in reading order. An image or text wider than its cell is shrunk to it.
        layout: sizes; by default two columns.

    Returns:
        (H, W, 3) uint8 RGB; without lines, an empty row.

    Raises:
        InputError: a line's font cannot draw its text.
    """
    layout = layout or SheetLayout()
    step_x = layout.cell_width + layout.gap
    step_y = layout.line_height + layout.label_height + 2 * layout.gap
    rows = max(1, -(-len(lines) // layout.columns))
    sheet = np.empty((rows * step_y + layout.gap, layout.columns * step_x + layout.gap, 3), np.uint8)
    sheet[:] = BACKGROUND
    for index, line in enumerate(lines):
        row, column = divmod(index, layout.columns)
        left, foot = layout.gap + column * step_x, layout.gap + row * step_y + layout.line_height
        # Images stand on their labels, so that low ones are not far from theirs.
        image = _fitted(line.image, layout.cell_width, layout.line_height)
        cell = sheet[foot - image.shape[0] : foot, left : left + image.shape[1]]
        cell[:] = image if image.ndim == 3 else image[..., np.newaxis]
        if not line.text:
            continue
        label = _label(line, layout)
        top = foot + layout.gap // 2 + (layout.label_height - len(label)) // 2
        cell = sheet[top : top + label.shape[0], left : left + label.shape[1]]
        ink = label[..., np.newaxis].astype(np.float32) / 255
        cell[:] = np.rint(cell + (np.array(LABEL_COLOUR, np.float32) - cell) * ink)
    return sheet


def _label(line: SheetLine, layout: SheetLayout) -> Image:
    """The text as an ink mask (H, W), white space collapsed."""
    text = " ".join(line.text.split())
    # Ascender to descender take about 1.3 em in text fonts.
    drawn = LineRenderer().draw(shape_line(text, line.fonts), layout.label_height / 1.3)
    return _fitted(drawn.ink, layout.cell_width, layout.label_height)


def _fitted(image: Image, width: int, height: int) -> Image:
    """The image, shrunk where it is larger than the room for it."""
    scale = min(1, height / image.shape[0], width / image.shape[1])
    if scale == 1:
        return image
    size = max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
