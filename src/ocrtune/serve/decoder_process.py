"""The process in which strangers' files become pixels: `python -m ocrtune.serve.decoder_process`.

Decoders of images and PDFs are large C programs that any byte of a file may lead astray. Here they have a
bounded share of memory and processor time and nothing to write to; what they break is this process, which
`decoders.py` replaces.

Both sides speak in lines of JSON, followed by raw bytes where a line says so:

    asked     {"bytes": N, "px": LIMIT, "pages": LIMIT, "first": PAGE} and N bytes: a file
    answered  {"px": N, "pages": N}: what its headers declare; then waits
    asked     {} once there is room for them
    answered  {"shape": [H, W] or [H, W, 3]} and its uint8 pixels; waits for {} before the next page,
              {"stop": true} leaves the others
    answered  {"end": true}, or at any time {"error": CODE, "message": …, "limit": …, "got": …, "unit": …}
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import PIL.Image

from ocrtune.data.images import FORMATS, ImageError
from ocrtune.data.page_files import PDF_PIXEL_LIMIT, decode_pages
from ocrtune.data.rejects import RejectReason
from ocrtune.serve.memory import trim_memory

BYTES_PER_PIXEL = 12
"""Of memory, while an image is decoded: measured 5 to 8, and 11.5 for one that EXIF turns."""

BASE_MEMORY = 288 * 2**20
"""Bytes of address space without pixels: interpreter and decoders take 160 MiB, an upload at most 64."""

PDF_PX = PDF_PIXEL_LIMIT * 11 // 10
"""px that a PDF's page is taken to have; sides are rounded up."""

CPU_SECONDS = 15
"""Of processor time for a file; an image of 40 million pixels takes 1 (measured), a page of a PDF less."""

_NAMED = "the file"
_STARTS = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"BM": "BMP",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
_PDF_START = b"%PDF-"
_PDF_HEADER = 1024


class RefusalError(Exception):
    """A file that is not decoded; its fields are those of an answer."""

    def __init__(self, code: str, message: str, **numbers: object) -> None:
        super().__init__(message)
        self.fields = {"error": code, "message": message, **numbers}


@dataclass(frozen=True, slots=True)
class Declared:
    """What a file's headers say it holds."""

    px: int
    """Of its largest page."""
    pages: int


def main() -> None:
    """Serve files from standard input until it ends."""
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        # What a library prints must not get between the answers.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # Sizes are compared with the request's own limit, before any pixel is decoded.
        PIL.Image.MAX_IMAGE_PIXELS = None
        warnings.simplefilter("ignore")
        serve(sys.stdin.buffer, answers)


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Decode the files that are asked for, one after another."""
    while line := asked.readline():
        _serve_file(json.loads(line), asked, answers)
        trim_memory()


def _serve_file(request: dict[str, Any], asked: BinaryIO, answers: BinaryIO) -> None:
    content = asked.read(request["bytes"])
    try:
        _limit_time()
        _limit_memory(0)
        declared = inspect(content, request["px"], request["pages"])
        _send(answers, {"px": declared.px, "pages": declared.pages})
        if json.loads(asked.readline()).get("stop"):
            return
        _limit_memory(declared.px)
        for image in decode(content, request["pages"], request["first"]):
            _send(answers, {"shape": image.shape}, memoryview(image).cast("B"))
            if json.loads(asked.readline()).get("stop"):
                break
        _send(answers, {"end": True})
    except RefusalError as refusal:
        _send(answers, refusal.fields)
    except MemoryError:
        _send(answers, {"error": "image_too_large", "message": "decoding it takes too much memory"})


def inspect(content: bytes, px_limit: int, page_limit: int) -> Declared:
    """Read a file's headers.

    Args:
        content: a whole file.
        px_limit: width times height of a page at most.
        page_limit: pages at most.

    Raises:
        RefusalError: not of a kind that is read, or over a limit.
    """
    if not content:
        raise RefusalError("empty_image", "it has 0 bytes")
    if _PDF_START in content[:_PDF_HEADER]:
        return Declared(PDF_PX, _pdf_page_count(content, page_limit))
    if (canvas := _webp_canvas(content)) is not None:
        _require_pixels(canvas, px_limit)
    largest = 0
    try:
        with PIL.Image.open(io.BytesIO(content), formats=FORMATS) as image:
            pages = 0
            for page in _frame_sizes(image):
                pages += 1
                if pages > page_limit:
                    message = f"it has more than the {page_limit} pages that are read"
                    raise RefusalError("too_many_pages", message, limit=page_limit, unit="pages")
                largest = max(largest, page[0] * page[1])
                _require_pixels(page, px_limit)
    except (RefusalError, MemoryError):
        raise
    except PIL.UnidentifiedImageError as error:
        known = next((name for start, name in _STARTS.items() if content.startswith(start)), None)
        if known is None:
            accepted = ", ".join((*FORMATS, "PDF"))
            raise RefusalError("unsupported_format", f"its content is none of {accepted}") from error
        raise RefusalError("broken_image", f"it starts as {known}, but its header cannot be read") from error
    except Exception as error:  # damaged content makes Pillow's decoders raise a dozen kinds of error
        raise RefusalError("broken_image", f"its header cannot be read: {without_names(error)}") from error
    return Declared(largest, pages)


def decode(content: bytes, page_limit: int, first: int) -> Iterator[Any]:
    """The pages of a file from `first` on, as `page_files.decode_pages` gives them.

    Raises:
        RefusalError: it or the page that is reached is broken.
    """
    try:
        yield from decode_pages(content, _NAMED, page_limit, first)
    except ImageError as error:
        if isinstance(error.__cause__, MemoryError):
            raise MemoryError from error
        codes = {RejectReason.TOO_LARGE: "image_too_large", RejectReason.EMPTY_IMAGE: "empty_image"}
        where = "" if error.where == _NAMED else error.where.removeprefix(_NAMED).strip() + ": "
        message = f"{where}{without_names(error.detail)}"
        raise RefusalError(codes.get(error.reason, "broken_image"), message) from error


def without_names(detail: object) -> str:
    """A library's message without the objects and places it names, which tell a stranger of this machine."""
    text = " ".join(str(detail).split()) or type(detail).__name__
    return re.sub(r"<[^<>]*>|(?<!\w)/[\w./-]+", _NAMED, text)[:200]


def _frame_sizes(image: PIL.Image.Image) -> Iterator[tuple[int, int]]:
    yield image.size
    if image.format != "TIFF":  # of a moving picture the first frame is read
        return
    frame = 1
    while True:
        try:
            image.seek(frame)
        except EOFError:
            return
        yield image.size
        frame += 1


def _require_pixels(size: tuple[int, int], limit: int) -> None:
    width, height = size
    if width * height > limit:
        message = (
            f"it declares {width} x {height} px, {width * height / 1e6:,.0f} million; "
            f"at most {limit / 1e6:,.0f} million are read"
        )
        raise RefusalError("image_too_large", message, limit=limit, got=width * height, unit="px")


def _webp_canvas(content: bytes) -> tuple[int, int] | None:
    """The declared size of an extended WebP: its decoder allocates that before Pillow can ask (RFC 9649)."""
    if content[:4] != b"RIFF" or content[8:16] != b"WEBPVP8X" or len(content) < 30:
        return None
    return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1


def _pdf_page_count(content: bytes, limit: int) -> int:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
            raise RefusalError(
                "encrypted_pdf", "the PDF is locked by a password; send it without one"
            ) from error
        raise RefusalError("broken_image", f"the PDF cannot be opened: {without_names(error)}") from error
    count = len(document)
    document.close()
    if count == 0:
        raise RefusalError("empty_image", "the PDF has no pages")
    if count > limit:
        message = f"it has {count} pages; at most {limit} are read"
        raise RefusalError("too_many_pages", message, limit=limit, got=count, unit="pages")
    return count


def _limit_memory(px: int) -> None:
    """Leave address space for an image of `px` pixels."""
    if sys.platform != "linux":  # elsewhere it means other things; sizes are still checked before decoding
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = BASE_MEMORY + BYTES_PER_PIXEL * px
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _limit_time() -> None:
    """Leave `CPU_SECONDS` more, and nothing to write to."""
    if sys.platform != "linux":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _send(answers: BinaryIO, fields: dict[str, Any], pixels: memoryview | None = None) -> None:
    answers.write(json.dumps(fields).encode() + b"\n")
    if pixels is not None:
        answers.write(pixels)
    answers.flush()


if __name__ == "__main__":
    main()
