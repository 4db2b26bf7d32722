"""What one decoding of a line's image leaves behind: a few numbers, never its pixels."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass

import cv2
import numpy as np

from ocrtune.data.check.fingerprint import Fingerprint, fingerprint, ink_box
from ocrtune.data.images import ImageError, decode_image
from ocrtune.data.lines import EncodedImage
from ocrtune.records import Image
from ocrtune.synth.match.separation import Mask, separate


@dataclass(frozen=True, slots=True, eq=False)
class LineMeasure:
    """Of one line image."""

    height: int
    """px"""
    width: int
    """px"""
    contrast: int
    """Grey levels between the darkest and the lightest spot of about 3 px."""
    ink_height: int
    ink_width: int
    """px of the part with ink; of the whole image where ink cannot be told from paper."""
    has_two_lines: bool
    content: int
    """See `pixel_digest`."""
    fingerprint: Fingerprint


def measure_image(image: EncodedImage) -> LineMeasure | ImageError:
    """Fetch, decode and measure an image; what cannot be read comes as the error that says why."""
    try:
        pixels = decode_image(image.read(), image.where)
    except ImageError as error:
        return error
    return measure_pixels(pixels)


def measure_pixels(image: Image) -> LineMeasure:
    """Measure a line image: (H, W) grey or (H, W, 3) RGB uint8."""
    grey = image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    spots = cv2.GaussianBlur(grey, (3, 3), 0)  # a single dead pixel is no ink
    separated = separate(image)
    inked = grey if separated is None else grey[ink_box(separated.ink)]
    return LineMeasure(
        height=image.shape[0],
        width=image.shape[1],
        contrast=int(spots.max()) - int(spots.min()),
        ink_height=inked.shape[0],
        ink_width=inked.shape[1],
        has_two_lines=separated is not None and shows_two_lines(separated.ink),
        content=pixel_digest(image),
        fingerprint=fingerprint(inked),
    )


_LEAST_TWO = 32
"""px; the height from which on a crop may hold two lines: a plate of 24 px only has a frame."""

_BAND = 0.22
"""Of the height of all ink, that a line of two has at least; a rule or a dot is lower."""

_GAP = 0.12
"""Of the height of all ink, between two lines; needles leave up to 0.1 within a digit (receipts)."""

_GAP_INK = 0.04
"""Of the ink of the fullest rows, that a gap may hold: specks."""

_REACH = 0.25
"""Of the width of all ink, that the shorter line has at least; less is a neighbour's descender."""


def shows_two_lines(ink: Mask) -> bool:
    """Whether rows free of ink part the crop into two bands as high as lines: (H, W) mask of ink."""
    if len(ink) < _LEAST_TWO:
        return False
    rows = ink.sum(axis=1)
    is_inked = rows > _GAP_INK * np.percentile(rows, 90)
    borders = np.flatnonzero(np.diff(is_inked, prepend=False, append=False)).reshape(-1, 2)
    height = int(borders[-1, 1] - borders[0, 0])
    for (start, end), (next_start, next_end) in itertools.pairwise(borders.tolist()):
        lower, higher = sorted((end - start, next_end - next_start))
        if lower < max(_BAND * height, higher / 2) or next_start - end < _GAP * height:
            continue
        if min(_reach(ink[start:end]), _reach(ink[next_start:next_end])) >= _REACH * _reach(ink):
            return True
    return False


def _reach(ink: Mask) -> int:
    columns = np.flatnonzero(ink.any(axis=0))
    return int(columns[-1] - columns[0] + 1)


def pixel_digest(image: Image) -> int:
    """64 bits that name decoded pixels and their shape, whatever file format they were in."""
    digest = hashlib.blake2b(repr(image.shape).encode(), digest_size=8)
    digest.update(np.ascontiguousarray(image).data)
    return int.from_bytes(digest.digest())
