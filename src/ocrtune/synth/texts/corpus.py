"""Running text cut into lines of a wanted length, at white space where the script has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.texts.draws import below
from ocrtune.synth.texts.labels import LONGEST_TEXT, Fault, clean, is_attached
from ocrtune.synth.texts.string_list import Intake, StringList
from ocrtune.synth.texts.text_file import FILE_LIMIT, numbered_pieces, require_file


def read_corpus(path: Path, lengths: tuple[int, int], seed: int, encoding: str | None = None) -> StringList:
    """Cut a text file into lines; how the file broke its own lines is kept as a paragraph's end.

    Args:
        path: running text, ideally a paragraph per line. Runs of white space count as one space.
        lengths: fewest and most symbols of a line; each line's wish is drawn evenly from them. What is
            left of a paragraph, if shorter, is left out. A word longer than allowed is cut in two.
        seed: of the wishes.
        encoding: as in `read_strings`.

    Raises:
        InputError: the file cannot be read, `lengths` is no range, or no line is long enough.
    """
    low, high = lengths
    if not 1 <= low <= high <= LONGEST_TEXT:
        raise InputError(f"lines of {low} to {high} symbols cannot be; give 1 to {LONGEST_TEXT}, low first")
    require_file(path)
    if path.stat().st_size > FILE_LIMIT:
        raise InputError(f"{path} is over {FILE_LIMIT >> 30} GiB; split it into several files")
    intake = Intake(str(path))
    rng = np.random.default_rng(seed)
    for number, paragraph in numbered_pieces(path, encoding):
        for line in cut(" ".join(clean(paragraph).split()), lengths, rng):
            if len(line) < low:
                intake.leave_out(Fault.TOO_SHORT, number, repr(line))
            else:
                intake.offer(line, number)
    return intake.finish()


def cut(paragraph: str, lengths: tuple[int, int], rng: np.random.Generator) -> Iterator[str]:
    """Cut `paragraph`, whose white space is single spaces.

    Only the last line may be under `lengths`, and one where a single letter stands between longer words.
    """
    low, high = lengths
    start = 0
    while len(paragraph) - start > high:
        wish = start + low + below(high - low + 1, rng)
        end = _end(paragraph, start + low, wish, start + high)
        yield paragraph[start:end].rstrip(" ")
        start = end + (paragraph[end] == " ")
    if start < len(paragraph):
        yield paragraph[start:]


def _end(paragraph: str, lowest: int, wish: int, highest: int) -> int:
    """The space that is last before or else first after `wish`; none: `wish`, moved from before a mark."""
    if (space := paragraph.rfind(" ", lowest, wish + 1)) >= 0:
        return space
    if (space := paragraph.find(" ", wish, highest + 1)) >= 0:
        return space
    end = wish
    while end < highest and is_attached(paragraph[end]):
        end += 1
    while end > lowest and is_attached(paragraph[end]):
        end -= 1
    return end
