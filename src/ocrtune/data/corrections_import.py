"""Corrections as labelled lines, named so that lines of one page stay together in a split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ocrtune.data.corrections import Correction, State, read_corrections
from ocrtune.data.lines import EncodedImage, LabelledLines, LineEntry
from ocrtune.data.rejects import Reject, RejectReason

_SOURCE_DIGITS = 12
"""Of a file's digest in image names: two of 10,000 files share them once in 5 million times."""


@dataclass(frozen=True, slots=True)
class CorrectionImage:
    """The picture of a correction, in memory."""

    where: str
    """The file of corrections and the id in it."""
    content: bytes

    @property
    def location(self) -> str:
        """As `where`: there is one picture for each id."""
        return self.where

    def read(self) -> bytes:
        """The PNG."""
        return self.content


def correction_lines(path: Path, *, unreviewed: bool = False) -> LabelledLines:
    """The accepted corrections of a file; all others are rejects that say why.

    Args:
        path: what `ocrtune serve --collect` wrote.
        unreviewed: take those that wait for review as well.

    Raises:
        InputError: there is no such file, or it is none of corrections.
    """
    entries: list[LineEntry] = []
    images: list[EncodedImage] = []
    rejects: list[Reject] = []
    found = read_corrections(path)
    for correction, content in found:
        where = f"{path} correction {correction.id}"
        if correction.state is State.REJECTED:
            detail = f"{correction.text!r}, read as {correction.reading!r}"
            rejects.append(Reject(line_name(correction), where, RejectReason.TURNED_DOWN, detail))
        elif correction.state is State.WAITING and not unreviewed:
            detail = "accept it on the page review.html, or add --all"
            rejects.append(Reject(line_name(correction), where, RejectReason.NOT_REVIEWED, detail))
        else:
            entries.append(LineEntry(line_name(correction), correction.text, where))
            images.append(CorrectionImage(where, content))
    resolved = f"{path}: {len(found)} corrections, {len(entries)} of them taken"
    return LabelledLines(tuple(entries), tuple(images), tuple(rejects), resolved)


def line_name(correction: Correction) -> str:
    """Such as `9f86d081884c_p1_line_000017.png`, of which `page_of` makes the page."""
    source = correction.source[:_SOURCE_DIGITS]
    return f"{source}_p{correction.page + 1}_line_{correction.id:06}.png"
