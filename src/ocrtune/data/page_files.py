"""Page images out of files: images, multi-page TIFF and PDF, told apart by content, under limits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ocrtune.data.images import FILE_LIMIT, ImageError, decode_frames, read_encoded
from ocrtune.data.rejects import RejectReason
from ocrtune.records import Image

if TYPE_CHECKING:
    import pypdfium2

PAGE_LIMIT = 500
"""Pages of one file."""

PDF_DPI = 200
"""Dots per inch at which PDF pages are drawn: print of 6 points is then 17 px high."""

PDF_PIXEL_LIMIT = 16 * 10**6
"""Pixels of a drawn page; one larger than A2 is drawn coarser than `PDF_DPI`."""

_PDF_START = b"%PDF-"
_PDF_HEADER = 1024  # bytes among which the mark may come (PDF 1.7, implementation note 13)

_POINTS_PER_INCH = 72

# PDFium keeps state of its own for the whole process: no two threads may be inside it.
_pdfium_lock = threading.Lock()


def read_pages(path: Path, limit: int = PAGE_LIMIT) -> Iterator[Image]:
    """The pages of the file `path`; see `decode_pages`.

    Raises:
        ImageError: naming the file, and the page where it has several.
    """
    return decode_pages(read_encoded(path), str(path), limit)


def decode_pages(content: bytes, where: str, limit: int = PAGE_LIMIT, first: int = 0) -> Iterator[Image]:
    """The pages of a file, uint8, (H, W) if grey and (H, W, 3) RGB otherwise, decoded one by one.

    Images come as `images.decode_image` gives them, PDF pages drawn on white at `PDF_DPI`.

    Args:
        content: a whole file: PDF or an image.
        where: names the file in errors.
        limit: pages at most, checked before any is decoded.
        first: of the pages that are wanted, from 0; those before it are not decoded.

    Raises:
        ImageError: the file or the page that is reached is broken, locked by a password or over a limit.
    """
    if _PDF_START in content[:_PDF_HEADER]:
        return _pdf_pages(content, where, limit, first)
    return decode_frames(content, where, limit, first)


def _pdf_pages(content: bytes, where: str, limit: int, first: int) -> Iterator[Image]:
    import pypdfium2

    if len(content) > FILE_LIMIT:
        detail = f"{len(content) / 2**20:.0f} MiB, over {FILE_LIMIT >> 20}"
        raise ImageError(RejectReason.TOO_LARGE, where, detail)
    with _pdfium_lock:
        try:
            document = pypdfium2.PdfDocument(content)
        except pypdfium2.PdfiumError as error:
            locked = error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
            detail = "it is locked by a password" if locked else f"no PDF that can be opened: {error}"
            raise ImageError(RejectReason.BROKEN_IMAGE, where, detail) from error
        count = len(document)
    try:
        if count > limit:
            raise ImageError(RejectReason.TOO_LARGE, where, f"{count} pages, over {limit}")
        if count == 0:
            raise ImageError(RejectReason.EMPTY_IMAGE, where, "no pages")
        for number in range(first, count):
            with _pdfium_lock:
                try:
                    image = _draw(document, number)
                except pypdfium2.PdfiumError as error:
                    place = f"{where} page {number + 1}"
                    raise ImageError(RejectReason.BROKEN_IMAGE, place, str(error)) from error
            yield image
    finally:
        with _pdfium_lock:
            document.close()


def _draw(document: pypdfium2.PdfDocument, number: int) -> Image:
    with closing(document[number]) as page:
        width, height = page.get_size()  # points
        coarser = (PDF_PIXEL_LIMIT / max(1.0, width * height)) ** 0.5
        scale = min(PDF_DPI / _POINTS_PER_INCH, coarser)
        with closing(page.render(scale=scale, rev_byteorder=True)) as bitmap:
            return np.array(bitmap.to_numpy()[..., :3], np.uint8)
