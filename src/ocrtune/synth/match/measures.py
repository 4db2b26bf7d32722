"""What is measured on the image of a line: size, levels, edges, paper and file, but never its text.

Real and made lines are measured by the same functions, so that a measure need not be free of bias: what
differs between them differs in the images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
import numpy.typing as npt

from ocrtune.records import Image
from ocrtune.synth.match.separation import LEAST_PAPER, Mask, SeparatedLine, noise_of, separate

Floats = npt.NDArray[np.float64]

Rgb = tuple[float, float, float]

COLOURED = 24.0
"""Levels between the channels of ink or paper, from which on it has a colour; JPEG and yellowed lamps leave
some on grey things."""


@dataclass(frozen=True, slots=True)
class LineMeasures:
    """Measures of one image; NaN where it shows too little. What they mean stands at `MEASURES`."""

    height: float
    ink_height: float
    margins: tuple[float, float]
    side_margins: tuple[float, float]
    paper: float
    contrast: float
    ink_unevenness: float
    stroke_width: float
    edge_width: float
    noise: float
    grain: float
    shading: float
    slant: float
    skew: float
    blockiness: float
    is_light: bool
    """Light text on dark."""
    is_binary: bool
    """Black and white, nothing between."""
    ink_colour: Rgb
    paper_colour: Rgb

    @property
    def is_coloured(self) -> bool:
        """Ink or paper is not grey."""
        return any(max(c) - min(c) >= COLOURED for c in (self.ink_colour, self.paper_colour))


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of `LineMeasures`."""

    name: str
    """Of its field."""
    label: str
    unit: str
    decimals: int
    least: float
    """A difference that nobody sees: spreads below it count as this wide."""

    def values(self, lines: Sequence[LineMeasures]) -> Floats:
        """Of all lines that tell: one, or one a side, of each."""
        values = np.array([getattr(line, self.name) for line in lines], np.float64).ravel()
        return values[np.isfinite(values)]


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        measure.name: measure
        for measure in (
            Measure("height", "height", "px", 0, 2),
            Measure("ink_height", "height of ink", "px", 1, 2),
            Measure("margins", "margin above and below", "ink heights", 2, 0.04),
            Measure("side_margins", "margin left and right", "ink heights", 2, 0.1),
            Measure("paper", "paper", "levels", 0, 6),
            Measure("contrast", "contrast of ink", "levels", 0, 12),
            Measure("ink_unevenness", "unevenness of ink", "of contrast", 3, 0.02),
            Measure("stroke_width", "stroke width", "ink heights", 3, 0.01),
            Measure("edge_width", "width of edges", "heights", 3, 0.005),
            Measure("noise", "noise of paper", "levels", 1, 0.5),
            Measure("grain", "grain of paper", "levels", 1, 0.5),
            Measure("shading", "shading, left to right", "levels", 1, 3),
            Measure("slant", "slant", "px/px", 2, 0.03),
            Measure("skew", "skew", "degrees", 2, 0.3),
            Measure("blockiness", "8 px blocks", "ratio", 2, 0.1),
        )
    }
)
"""By name. As if text were dark on light: paper is a level of the negative where it is light on dark."""


def measure_line(image: Image) -> LineMeasures | None:
    """Measure a line image.

    Args:
        image: (H, W) or (H, W, 3) RGB uint8.

    Returns:
        None where no ink can be told from paper, and for what is no line by its size.
    """
    line = separate(image)
    return None if line is None else measure_separated(image, line)


def measure_separated(image: Image, line: SeparatedLine) -> LineMeasures:
    """Measure a line image whose ink and paper have been told apart."""
    height, width = line.ink.shape
    top, bottom = _extent(line.ink.sum(axis=1, dtype=np.float64), 0.01)
    left, right = _extent(line.ink.sum(axis=0, dtype=np.float64), 0.005)
    ink_height = max(1.0, bottom - top)
    stroke_width, edge_width, between = _edges(line)
    skew = _skew(line.ink)
    ink_colour, paper_colour = _colours(image, line)
    return LineMeasures(
        height=height,
        ink_height=ink_height,
        margins=(top / ink_height, (height - bottom) / ink_height),
        side_margins=(left / ink_height, (width - right) / ink_height),
        paper=line.paper,
        contrast=line.contrast,
        ink_unevenness=_ink_unevenness(line),
        stroke_width=stroke_width / ink_height,
        edge_width=edge_width / height,
        noise=noise_of(line.level, line.is_paper),
        grain=_grain(line),
        shading=-line.slope if line.is_light else line.slope,
        slant=_slant(line.ink),
        skew=skew,
        blockiness=_blockiness(line),
        is_light=line.is_light,
        is_binary=bool(between < BINARY),
        ink_colour=ink_colour,
        paper_colour=paper_colour,
    )


BINARY = 0.15
"""px between ink and paper, along the edges. Measured on real lines: 0 in black and white ones, 0.2 and more
in all others."""


def _extent(mass: Floats, tail: float) -> tuple[float, float]:
    """Where the mass (N,) begins and ends, a share of `tail` left out on each side as specks."""
    total = np.concatenate(([0.0], np.cumsum(mass)))
    low, high = np.interp((tail * total[-1], (1 - tail) * total[-1]), total, np.arange(len(total)))
    return float(low), float(high)


def _edges(line: SeparatedLine) -> tuple[float, float, float]:
    """Stroke width, width of edges, and width of what is neither ink nor paper along them; px.

    The total variation of a shape is its perimeter, blurred or not, and twice its area over that the width
    of its strokes.
    """
    coverage = np.clip(line.coverage, 0, 1)
    right, down = np.diff(coverage, axis=1)[:-1], np.diff(coverage, axis=0)[:, :-1]
    near = cv2.dilate(line.ink.astype(np.uint8), np.ones((3, 3), np.uint8))[:-1, :-1] > 0
    steepness = cv2.magnitude(right, down)[near]  # (N,) of coverage, per px
    perimeter = max(1e-6, float(steepness.sum()))
    inside = coverage[:-1, :-1][near]
    steep = steepness[steepness > 0.08]  # flat insides of strokes say nothing
    edge = 1 / float(np.percentile(steep, 90)) if len(steep) else np.nan
    between = np.count_nonzero((inside > 0.2) & (inside < 0.8)) / perimeter
    return 2 * float(inside.sum()) / perimeter, edge, between


def _ink_unevenness(line: SeparatedLine) -> float:
    """Scatter of the ink's depth over stretches about as wide as a letter, over its median.

    Half of the middle 68 %, so that frames and neighbours at the ends hardly count.
    """
    height, width = line.ink.shape
    starts = np.arange(0, width, max(4, height // 2))
    area = np.add.reduceat(line.ink.sum(axis=0, dtype=np.float64), starts)
    depth = np.add.reduceat((line.coverage * line.ink).sum(axis=0, dtype=np.float64), starts)
    inked = area > 0.3 * area.mean()
    means = depth[inked] / area[inked]
    low, median, high = np.percentile(means, (16, 50, 84))
    return float((high - low) / 2 / median)


GRAIN_SHARE = 0.35
"""Of the image, that must be paper: in tight crops the rest of it is frames and edges, not grain."""


def _grain(line: SeparatedLine) -> float:
    """Standard deviation of the paper about its plane, noise smoothed away: half of the middle 68 %."""
    if np.count_nonzero(line.is_paper) < GRAIN_SHARE * line.is_paper.size:
        return np.nan
    paper = np.where(line.is_paper, line.level - line.surface, np.float32(0))  # ink would seep into it
    smooth = cv2.GaussianBlur(paper, (0, 0), 1.2)[line.is_paper]
    low, high = np.percentile(smooth, (16, 84))
    return float(high - low) / 2


def _blockiness(line: SeparatedLine) -> float:
    """Steps between columns 8 px apart over those between all, for the worst of the eight; 1 is none."""
    flat = line.is_paper[:, 1:] & line.is_paper[:, :-1]
    columns = flat.shape[1] // 8 * 8
    steps = np.where(flat, np.abs(np.diff(line.level, axis=1)), 0)[:, :columns]
    sums = steps.sum(axis=0, dtype=np.float64).reshape(-1, 8).sum(axis=0)
    counts = flat[:, :columns].sum(axis=0).reshape(-1, 8).sum(axis=0)
    if counts.min() < LEAST_PAPER or sums.sum() < 0.05 * counts.sum():  # too little paper, or all of it flat
        return np.nan
    means = sums / counts
    return float(means.max() / means.mean())


POINTS = 4000
"""Ink pixels that angles are measured on; more change them by less than a step."""


def _points(ink: Mask) -> tuple[Floats, Floats]:
    y, x = np.nonzero(ink)
    if len(x) > POINTS:
        # At random: every n-th pixel of a row makes a lattice with slants of its own.
        chosen = np.random.default_rng(0).integers(0, len(x), POINTS)
        x, y = x[chosen], y[chosen]
    return x.astype(np.float64), y.astype(np.float64)


def _skew(ink: Mask) -> float:
    """Degrees anticlockwise: the turn at which ink gathers in the fewest rows."""
    x, y = _points(ink)
    coarse = _sharpest(y, x, np.tan(np.deg2rad(np.arange(-8, 8.1, 0.5))))
    fine = np.tan(np.arctan(coarse) + np.deg2rad(np.arange(-0.4, 0.41, 0.1)))
    return float(np.rad2deg(np.arctan(_sharpest(y, x, fine))))


def _slant(ink: Mask) -> float:
    """Px to the right per px upwards: the shear at which ink gathers in the fewest columns."""
    x, y = _points(ink)
    coarse = _sharpest(x, y, np.arange(-0.5, 0.51, 0.05))
    return _sharpest(x, y, coarse + np.arange(-0.04, 0.05, 0.02))


def _sharpest(across: Floats, along: Floats, shears: Floats) -> float:
    """The shear that gives `across + shear * along` the steepest histogram; of equal ones the least."""
    shears = shears[np.argsort(np.abs(shears), kind="stable")]
    along = along - along.mean()
    peaks = []
    for shear in shears:
        bins = np.rint(across + shear * along).astype(np.intp)
        counts = np.bincount(bins - (bins.min() - 1))  # from 0 up to the first
        steps = counts[1:] - counts[:-1]
        peaks.append(int(steps @ steps + counts[-1] ** 2))
    return float(shears[int(np.argmax(peaks))])


def _colours(image: Image, line: SeparatedLine) -> tuple[Rgb, Rgb]:
    """Median red, green and blue of what is surely ink, and of the paper beside it: a frame is neither."""
    core = line.ink & (line.coverage > 0.8)
    beside = ~line.ink & ~line.is_paper & (line.coverage < 0.1)
    paper = beside if np.count_nonzero(beside) >= LEAST_PAPER else ~line.ink
    return _median_colour(image, core), _median_colour(image, paper)


def _median_colour(image: Image, where: Mask) -> Rgb:
    pixels = image[where]
    pixels = pixels[:: -(-len(pixels) // POINTS)]
    red, green, blue = np.broadcast_to(np.median(pixels, axis=0), 3).tolist()
    return red, green, blue
