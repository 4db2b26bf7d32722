"""Labels that go with their image by its name: `x.gt.txt` beside `x.png`, or a text in the name itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ocrtune.data.formats.found import FoundLine, Parsed, Reading, unreadable
from ocrtune.data.rejects import Reject, RejectReason
from ocrtune.reading.files import IMAGE_SUFFIXES

_ENDING = ".gt.txt"

_VARIANTS = ("", ".nrm", ".bin")
"""Before the suffix of an image: as scanned, as normalised and as binarised by ocropy and kraken."""

_TEXT_AND_NUMBER = re.compile(r"(?P<text>.+)_(?P<number>\d+)", re.DOTALL)


def is_ground_truth(path: Path, head: str) -> bool:
    """Whether the file is called like kraken, Calamari and tesstrain call them."""
    return path.name.lower().endswith(_ENDING)


def parse_ground_truth(path: Path, reading: Reading) -> Parsed:
    """The one line of the file; its image is the one with the same name."""
    stem = path.name[: -len(_ENDING)]
    lines = reading.numbered_lines(path)
    found = (reading.find_stem(stem + variant, path, near=True) for variant in _VARIANTS)
    image = next((name for name in found if name is not None), None)
    if len(lines) > 1:
        yield unreadable(
            f"{path}:{lines[1][0]}", f"{len(lines)} lines of text for one line image", image or stem
        )
    elif not lines:
        yield Reject(image or stem, str(path), RejectReason.NO_TEXT, "the file is empty")
    elif image is None:
        yield Reject(
            stem, str(path), RejectReason.MISSING_IMAGE, f"no image {stem}.png or the like beside it"
        )
    else:
        yield FoundLine(image, lines[0][1], f"{path}:{lines[0][0]}")


def is_named_by_text(path: Path, head: str) -> bool:
    """Whether the file is an image called `text_123.jpg`."""
    return path.suffix.lower() in IMAGE_SUFFIXES and _TEXT_AND_NUMBER.fullmatch(path.stem) is not None


def are_texts(paths: Sequence[Path]) -> bool:
    """Whether these names hold texts: unlike those of scans (`page_1.jpg`), hardly two have the same."""
    texts = {path.stem.rpartition("_")[0] for path in paths}
    return len(paths) > 1 and 2 * len(texts) > len(paths)


def parse_named_by_text(path: Path, reading: Reading) -> Parsed:
    """The text before the last underscore, as TRDG's default `--name_format` writes it.

    No name can hold a slash, and TRDG leaves such symbols out: the text then lacks what the image shows.
    """
    match = _TEXT_AND_NUMBER.fullmatch(path.stem)
    if match is None:
        yield unreadable(str(path), "its name is not `text_number`", path.name)
    else:
        yield FoundLine(path.name, match["text"], str(path))
