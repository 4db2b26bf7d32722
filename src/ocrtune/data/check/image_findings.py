"""Findings that need a line's image, most of them with its label; reasons of rejects among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ocrtune.charset import Charset
from ocrtune.data.check.finding import BY_HAND, Finding, Severity
from ocrtune.data.check.measuring import LineMeasure
from ocrtune.data.check.model_limits import ModelLimits
from ocrtune.data.label_file import FileImage
from ocrtune.data.lines import EncodedImage
from ocrtune.data.lmdb_reading import DATA_FILE, LmdbImage
from ocrtune.data.rejects import Reject, RejectReason

BLANK_CONTRAST = 20
"""Grey levels; the palest of 15,000 receipt and typewritten lines has 39, bare paper mostly below 10."""

LEAST_HEIGHT = 8
"""px; the lowest letters that can be told apart have 5, and some margin."""

LEAST_WIDTH = 3
"""px; an "i" has as many."""

SIDEWAYS_ASPECT = 2.0
"""Height over width from which on a text of `SIDEWAYS_SYMBOLS` cannot stand upright side by side."""

SIDEWAYS_SYMBOLS = 4


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One line, as the checks see it."""

    text: str
    measure: LineMeasure
    limits: ModelLimits


def has_ink(measure: LineMeasure) -> bool:
    """Whether there is anything on the image."""
    return measure.contrast >= BLANK_CONTRAST


def unlabelled_image(reject: Reject, images: Path | None) -> EncodedImage:
    """The image of a line that was refused for want of a text; whether it can be read is not known.

    Args:
        reject: its source is `label file:row`, or `data.mdb key` of an LMDB.
        images: the folder its path starts from, if not the label file's.
    """
    file, _, key = reject.source.rpartition(" ")
    if Path(file).name == DATA_FILE:
        return LmdbImage(Path(file).parent.resolve(), key)
    folder = Path(reject.source.rpartition(":")[0]).parent if images is None else images
    return FileImage(folder / reject.id.replace("\\", "/"))


def _size(measure: LineMeasure) -> str:
    return f"{measure.width} x {measure.height} px"


def _tiny(line: LineFacts) -> str | None:
    measure = line.measure
    return _size(measure) if measure.height < LEAST_HEIGHT or measure.width < LEAST_WIDTH else None


def _blank(line: LineFacts) -> str | None:
    if has_ink(line.measure):
        return None
    return f"{line.text!r} on {_size(line.measure)} that differ by {line.measure.contrast} grey levels"


def _extreme_aspect(line: LineFacts) -> str | None:
    spec, measure = line.limits.spec, line.measure
    widest = spec.width_buckets[-1]
    width = spec.height * measure.width / measure.height * spec.stretch
    return (
        f"{_size(measure)}: {width:.0f} px wide when {spec.height} high, and squeezed to {widest}"
        if width > widest
        else None
    )


def _sideways(line: LineFacts) -> str | None:
    measure = line.measure
    if len(line.text) < SIDEWAYS_SYMBOLS or measure.height < SIDEWAYS_ASPECT * measure.width:
        return None
    return f"{line.text!r} on {_size(measure)}"


def _two_lines(line: LineFacts) -> str | None:
    # A colon is two blots, one above the other, and so is a digit with a weak waist.
    if len(line.text) < SIDEWAYS_SYMBOLS or not line.measure.has_two_lines:
        return None
    return f"{line.text!r} on {_size(line.measure)}"


def _unknown_symbol(line: LineFacts) -> str | None:
    charset = line.limits.charset
    if charset is None or not (unknown := charset.unknown(line.text)):
        return None
    return f"{', '.join(map(repr, unknown))} in {line.text!r}"


def _too_long(line: LineFacts) -> str | None:
    limits, measure = line.limits, line.measure
    if limits.steps is None:
        return None
    if limits.charset is None:
        symbols = list(map(ord, Charset(()).normalise(line.text)))
    elif limits.charset.unknown(line.text):
        return None
    else:
        symbols = limits.charset.encode(line.text)
    needed = limits.layout.steps_needed(symbols)
    given = limits.steps(limits.spec.bucket_of(limits.spec.line_width_of(measure.height, measure.width)))
    return f"{line.text!r} needs {needed} steps, {_size(measure)} give {given}" if needed > given else None


REJECT_FINDINGS: Mapping[RejectReason, Finding[None, None]] = MappingProxyType(
    {
        reason: Finding(str(reason), Severity.UNUSABLE, meaning, mend, lambda _: None)
        for reason, meaning, mend in (
            (RejectReason.NO_TEXT, "neither label nor ink: nothing to learn", "take the row out"),
            (
                RejectReason.MISSING_IMAGE,
                "no such file or key",
                "give its folder with --images DIR",
            ),
            (RejectReason.BROKEN_IMAGE, "cannot be decoded to its end", "copy or make the file again"),
            (RejectReason.TOO_LARGE, "over the limits of a line image", "cut the line out of the page"),
            (RejectReason.EMPTY_IMAGE, "a file of 0 bytes", "copy or make the file again"),
        )
    }
)
"""By why a line was refused when it was read."""

INK_WITHOUT_TEXT: Finding[None, None] = Finding(
    "ink without text",
    Severity.UNUSABLE,
    "something is printed, and no label says what",
    "transcribe it",
    lambda _: None,
)
"""What `RejectReason.NO_TEXT` is where the image shows ink."""

SIDEWAYS: Finding[LineFacts, str | None] = Finding(
    "sideways",
    Severity.SUSPICIOUS,
    "much higher than wide for its text, or read better when turned: by 90 degrees, or written downwards",
    "turn the image by 90 degrees",
    _sideways,
)

IMAGE_FINDINGS: tuple[Finding[LineFacts, str | None], ...] = (
    Finding(
        "tiny image",
        Severity.UNUSABLE,
        f"under {LEAST_HEIGHT} px high or {LEAST_WIDTH} wide: nothing can be read on it",
        "cut it out of the page again, at a higher resolution",
        _tiny,
    ),
    Finding(
        "blank image",
        Severity.UNUSABLE,
        "a text, but no ink on its image: teaches to invent",
        BY_HAND,
        _blank,
    ),
    Finding(
        "too long for the width",
        Severity.UNUSABLE,
        "more symbols than the model has time steps for an image so narrow: cut off, or another line's label",
        BY_HAND,
        _too_long,
    ),
    Finding(
        "unknown symbol",
        Severity.UNUSABLE,
        "a symbol that the model does not know",
        "ocrtune train --train {path} --vocab data, which adds it; or correct the label",
        _unknown_symbol,
    ),
    Finding(
        "extreme proportions",
        Severity.SUSPICIOUS,
        "so long that its letters are squeezed",
        "cut the line in two",
        _extreme_aspect,
    ),
    SIDEWAYS,
    Finding(
        "two lines",
        Severity.SUSPICIOUS,
        "two lines of print, one above the other",
        "cut it in two, a label each",
        _two_lines,
    ),
)
