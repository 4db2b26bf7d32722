"""Lines cut out of whole pages, with their readings as labels to correct: most users own pages, not crops.

What finds, straightens and reads the lines here is what does so when a model serves: a model trained on
these crops meets their like again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from ocrtune.data.dataset import LABEL_FILE
from ocrtune.data.file_names import PageNames
from ocrtune.data.image_names import IMAGES
from ocrtune.data.images import ImageError
from ocrtune.data.page_files import read_pages
from ocrtune.data.rejects import SKIPPED_FILE, Reject, as_tsv, write_skipped
from ocrtune.data.staging import staged_folder
from ocrtune.errors import InputError
from ocrtune.output import refuse_existing, write_text
from ocrtune.reading.page_reader import PageReader, cut_line
from ocrtune.records import Image, Page, Prediction, Quadrilateral

LINES_FILE = "lines.tsv"
"""Where each crop came from and how sure its reading is."""

_HEADER = ("image", "page", "number", "confidence", "box")
_OWN_FILES = {LABEL_FILE, LINES_FILE, SKIPPED_FILE, IMAGES}


@dataclass(frozen=True, slots=True)
class Cropped:
    """What was written."""

    path: Path
    pages: int
    lines: int
    unread: int
    """Of the lines: places without a reading, which have an empty label."""
    rejects: tuple[Reject, ...]
    """Files that could not be read, or not to their end."""


def require_free(out: Path, *, overwrite: bool) -> None:
    """Stop before any work where `out` cannot be written.

    Raises:
        InputError: it exists without `overwrite`, or holds what `crop_pages` did not write.
    """
    refuse_existing(out, overwrite=overwrite)
    if out.exists() and not (out.is_dir() and {file.name for file in out.iterdir()} <= _OWN_FILES):
        raise InputError(
            f"{out} holds more than crops of pages, so it is not overwritten; choose another name"
        )


def crop_pages(
    reader: PageReader,
    paths: Sequence[Path],
    out: Path,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Cropped:
    """Write the lines of pages to the folder `out`, which appears when it is complete.

    Crops are PNGs in `images/`, named after their page and numbered in reading order; `labels.txt` has the
    readings, `lines.tsv` their pages, places and confidences.

    Args:
        reader: finds and reads the lines.
        paths: images, multi-page TIFFs and PDFs.
        out: the folder to make.
        overwrite: replace one that this function wrote.
        progress: called with (files done, files in all).

    Raises:
        InputError: `out` is taken, the disk refuses, or there was no line on any page.
    """
    require_free(out, overwrite=overwrite)
    rejects: list[Reject] = []
    names = PageNames()
    pages = 0
    lines: list[_Line] = []
    with staged_folder(out) as staging:
        (staging / IMAGES).mkdir()
        for done, path in enumerate(paths, start=1):
            try:
                for number, image in enumerate(read_pages(path), start=1):
                    pages += 1
                    for line in _lines(reader.read(image), path, number, names.of(path, number)):
                        (staging / line.name).write_bytes(
                            encode_png(cut_line(image, line.box, stacked=line.stacked))
                        )
                        lines.append(line)
            except ImageError as error:
                rejects.append(Reject(str(path), error.where, error.reason, error.detail))
            if progress is not None:
                progress(done, len(paths))
        if not lines:
            raise InputError("no line of text was found; look at the pages with `ocrtune read --draw`")
        labels = "".join(f"{line.name}\t{line.text}\n" for line in lines)
        write_text(staging / LABEL_FILE, labels, overwrite=False)
        write_text(staging / LINES_FILE, as_tsv([_HEADER, *(line.row() for line in lines)]), overwrite=False)
        if rejects:
            write_skipped(staging / SKIPPED_FILE, rejects)
    return Cropped(out, pages, len(lines), sum(not line.text for line in lines), tuple(rejects))


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    path: Path
    page: int
    box: Quadrilateral
    stacked: bool
    text: str
    confidence: float

    def row(self) -> tuple[str, ...]:
        box = " ".join(f"{x:.1f},{y:.1f}" for x, y in self.box)
        return self.name, str(self.path), str(self.page), f"{self.confidence:.4f}", box


def _lines(page: Page, path: Path, number: int, name: str) -> Iterator[_Line]:
    """What is cut out of a page: its lines in reading order, then the places without a reading."""
    found = [(line.box, line.stacked, line.prediction) for line in page.lines]
    found += [(box, False, Prediction("", 0.0)) for box in page.unread]
    for index, (box, stacked, prediction) in enumerate(found, start=1):
        # A model may have any symbol; a label file cannot.
        text = re.sub(r"[\t\n\r]", " ", prediction.text)
        image = f"{IMAGES}/{name}_line_{index:03}.png"
        yield _Line(image, path, number, box, stacked, text, prediction.confidence)


def encode_png(image: Image) -> bytes:
    """A line image, (H, W) or (H, W, 3) uint8, as a PNG file."""
    pixels = image if image.ndim == 2 else image[..., ::-1]  # OpenCV writes BGR
    return bytes(cv2.imencode(".png", pixels)[1])
