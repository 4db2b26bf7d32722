"""A page with the boxes of its lines, and beside it the texts at the same places: to see what went wrong."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import PIL.Image
from PIL import ImageDraw, ImageFont

from ocrtune.records import Image, Page, PageLine

SURE, DOUBTFUL, BAD = "#1b7837", "#d98200", "#b2182b"
"""Of boxes: dark green from 0.9 of confidence, amber from 0.7, dark red below."""

LONGEST_SIDE = 2400
"""px of the page in the picture; a larger one is shrunk."""

_WIDE_FONTS = (
    "NotoSansCJK-Regular.ttc",
    "SourceHanSans-Regular.ttc",
    "msyh.ttc",
    "PingFang.ttc",
    "Arial Unicode.ttf",
    "DejaVuSans.ttf",
)
"""Fonts of usual systems that draw most of what the base can read; Pillow's own has Latin only."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw_page(image: Image, page: Page) -> Image:
    """The page with numbered boxes on the left, and its texts on the right.

    Args:
        image: (H, W) grey or (H, W, 3) RGB uint8.
        page: what was read on it.

    Returns:
        (h, 2 * w, 3) uint8; numbers count in reading order, from 1.
    """
    scale = min(1.0, LONGEST_SIDE / max(image.shape[:2]))
    width, height = max(1, round(page.width * scale)), max(1, round(page.height * scale))
    picture = PIL.Image.new("RGB", (2 * width, height), "white")
    shown = PIL.Image.fromarray(image).convert("RGB")
    picture.paste(shown if scale == 1 else shown.resize((width, height), PIL.Image.Resampling.BOX), (0, 0))
    draw = ImageDraw.Draw(picture)
    draw.line((width, 0, width, height), fill="#888888")
    for number, line in enumerate(page.lines, start=1):
        box = [(x * scale, y * scale) for x, y in line.box]
        colour = _colour(line)
        draw.polygon(box, outline=colour, width=2)
        draw.polygon([(x + width, y) for x, y in box], outline="#dddddd")
        x = min(box[0][0], box[3][0])
        draw.text((x - 3, (box[0][1] + box[3][1]) / 2), str(number), colour, _font(12, False), anchor="rm")
        _paste_text(picture, line, box, width)
    return np.asarray(picture, np.uint8)


def _paste_text(picture: PIL.Image.Image, line: PageLine, box: list[tuple[float, float]], shift: int) -> None:
    """Lay a line's text into its box, moved right by `shift` px and turned as the box is."""
    corners = np.array(box)  # (4, 2)
    start, right, down = corners[0], corners[1] - corners[0], corners[3] - corners[0]
    if line.stacked:
        # Shown as if it ran down, along the right edge.
        start, right, down = corners[1], corners[2] - corners[1], corners[0] - corners[1]
    length, height = (max(1.0, float(np.hypot(*side))) for side in (right, down))
    text = line.prediction.text
    font = _font(max(8, round(0.7 * height)), not text.isascii())
    _, _, text_width, text_height = (round(edge) for edge in font.getbbox(text))
    patch = PIL.Image.new("L", (max(1, text_width), max(1, text_height)), 0)
    ImageDraw.Draw(patch).text((0, 0), text, fill=255, font=font)
    # From a px of the picture, counted from the upper left of the box, to a place on the patch.
    stretch = max(1.0, text_width / length)
    lower, upper = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    right, down = right / length * stretch, down / height * stretch
    middle = (stretch * height - text_height) / 2
    inverse = (*right, right @ (lower - start), *down, down @ (lower - start) - middle)
    size = (max(1, int(upper[0] - lower[0])), max(1, int(upper[1] - lower[1])))
    mask = patch.transform(size, PIL.Image.Transform.AFFINE, inverse, PIL.Image.Resampling.BILINEAR)
    picture.paste(_colour(line), (int(lower[0]) + shift, int(lower[1])), mask)


def _colour(line: PageLine) -> str:
    confidence = line.prediction.confidence
    return SURE if confidence >= 0.9 else DOUBTFUL if confidence >= 0.7 else BAD


@lru_cache(maxsize=256)
def _font(size: int, wide: bool) -> Font:
    for name in _WIDE_FONTS if wide else ():
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return ImageFont.load_default(size)
