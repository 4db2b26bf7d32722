"""From an image file's bytes to pixels, under limits. What a network makes of them is `preprocess.py`'s.

Pillow decodes rather than OpenCV: it reads the declared size before any pixel, raises on a truncated
file, and composites alpha; at 0.08 ms per receipt line it is far from being what a run waits for.
"""

from __future__ import annotations

import io
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import PIL.Image
from PIL import ImageOps

from ocrtune.data.rejects import RejectReason
from ocrtune.errors import InputError
from ocrtune.records import Image

FILE_LIMIT = 64 * 2**20
"""Bytes of an encoded image; a 64 Mpx JPEG has about 20 MiB."""

PIXEL_LIMIT = 64 * 10**6
"""Declared width times height, checked before decoding; a whole A4 page at 600 dpi has 35 Mpx."""

STRIP_PIXELS = 2**20
"""Pixels that are turned into ours at once; a page from a phone has 12 million."""

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF", "GIF", "PPM")
"""The Pillow decoders that may be tried: each one left out is code no stranger's file can reach."""

# Real scans and photos are full of odd metadata, which does not touch the pixels.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")

_ORIENTATION_TAG = 0x0112  # EXIF 2.3, 1 = upright


class ImageError(InputError):
    """An image cannot be used: missing, broken, empty or over a limit."""

    def __init__(self, reason: RejectReason, where: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        self.where = where
        super().__init__(f"{where}: {reason}: {detail}; replace the file or leave it out")

    def __reduce__(self) -> tuple[type[ImageError], tuple[RejectReason, str, str]]:
        """Come through from a worker process with all parts."""
        return type(self), (self.reason, self.where, self.detail)


def read_image(path: Path) -> Image:
    """Decode the image file `path`; see `decode_image`.

    Raises:
        ImageError: naming the file.
    """
    return decode_image(read_encoded(path), str(path))


def read_encoded(path: Path) -> bytes:
    """The bytes of the image file `path`, at most `FILE_LIMIT`.

    Raises:
        ImageError: it is missing, not a plain file, unreadable or over the limit.
    """
    where = str(path)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe or device would block or never end
            raise ImageError(RejectReason.MISSING_IMAGE, where, "not a file")
        if status.st_size > FILE_LIMIT:
            raise _over_file_limit(where, status.st_size)
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(RejectReason.MISSING_IMAGE, where, "no such file") from error
    except OSError as error:
        raise ImageError(RejectReason.MISSING_IMAGE, where, error.strerror or str(error)) from error
    except ValueError as error:  # a NUL character in the name
        raise ImageError(RejectReason.MISSING_IMAGE, where, str(error)) from error


def decode_image(content: bytes, where: str) -> Image:
    """Decode an encoded image to uint8, (H, W) if it is grey and (H, W, 3) RGB otherwise.

    EXIF rotation is applied, alpha is laid over white, 16 bits per channel become 8.

    Args:
        content: a whole file in one of `FORMATS`.
        where: names the image in errors.

    Raises:
        ImageError: empty, over `FILE_LIMIT` or `PIXEL_LIMIT`, or not decodable to its end.
    """
    with _opened(content, where) as image:
        _require_pixels(image, where)
        image.load()
        return _to_pixels(image)


def decode_frames(content: bytes, where: str, limit: int, first: int = 0) -> Iterator[Image]:
    """Decode an encoded image page by page, each as `decode_image` does.

    Only TIFF has pages; of a moving picture the first frame is given.

    Args:
        content: a whole file in one of `FORMATS`.
        where: names the image in errors.
        limit: pages at most, checked before any is decoded.
        first: of the pages that are wanted, from 0.

    Raises:
        ImageError: as `decode_image`, for the file or for the page that is reached; or too many pages.
    """
    with _opened(content, where) as image:
        if image.format != "TIFF":
            if first > 0:
                return
            _require_pixels(image, where)
            image.load()
            yield _to_pixels(image)
            return
        if _has_frame(image, limit):
            raise ImageError(RejectReason.TOO_LARGE, where, f"over {limit} pages")
        image.seek(0)  # or Pillow, which stands beyond the last frame, takes that one for loaded
        frame = first
        while _has_frame(image, frame):
            _require_pixels(image, f"{where} page {frame + 1}")
            yield _to_pixels(image)
            frame += 1


def _has_frame(image: PIL.Image.Image, frame: int) -> bool:
    """Go to a frame; directories are read, no pixels. A chain that bites its tail ends there."""
    try:
        image.seek(frame)
    except EOFError:
        return False
    return True


def _require_pixels(image: PIL.Image.Image, where: str) -> None:
    width, height = image.size
    if width * height > PIXEL_LIMIT:
        detail = f"{width} x {height} px, over {PIXEL_LIMIT // 10**6} million pixels"
        raise ImageError(RejectReason.TOO_LARGE, where, detail)


@contextmanager
def _opened(content: bytes, where: str) -> Iterator[PIL.Image.Image]:
    """The image of a file, no pixel of it decoded yet; what goes wrong in the block is an ImageError."""
    if not content:
        raise ImageError(RejectReason.EMPTY_IMAGE, where, "0 bytes")
    if len(content) > FILE_LIMIT:
        raise _over_file_limit(where, len(content))
    try:
        with PIL.Image.open(io.BytesIO(content), formats=FORMATS) as image:
            yield image
    except ImageError:
        raise
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        detail = f"its header declares over {PIXEL_LIMIT // 10**6} million pixels"
        raise ImageError(RejectReason.TOO_LARGE, where, detail) from error
    except PIL.UnidentifiedImageError as error:
        detail = f"none of {', '.join(FORMATS)}"
        raise ImageError(RejectReason.BROKEN_IMAGE, where, detail) from error
    except Exception as error:  # damaged content makes Pillow's decoders raise a dozen kinds of error
        detail = str(error) or type(error).__name__
        raise ImageError(RejectReason.BROKEN_IMAGE, where, detail) from error


def _over_file_limit(where: str, size: int) -> ImageError:
    detail = f"{size / 2**20:.0f} MiB, over {FILE_LIMIT >> 20}"
    return ImageError(RejectReason.TOO_LARGE, where, detail)


def _to_pixels(image: PIL.Image.Image) -> Image:
    if image.getexif().get(_ORIENTATION_TAG, 1) != 1:
        image = ImageOps.exif_transpose(image)
    width, height = image.size
    rows = max(1, STRIP_PIXELS // width)
    if height <= rows:
        return _strip_to_pixels(image)
    image.load()
    # Alpha and other colours take four copies of an image on their way: of a strip that is little.
    strips = (
        _strip_to_pixels(image.crop((0, top, width, min(top + rows, height))))
        for top in range(0, height, rows)
    )
    first = next(strips)
    pixels = np.empty((height, *first.shape[1:]), np.uint8)
    pixels[:rows] = first
    for top, strip in zip(range(rows, height, rows), strips, strict=True):
        pixels[top : top + rows] = strip
    return pixels


def _strip_to_pixels(image: PIL.Image.Image) -> Image:
    mode = image.mode
    if mode.startswith("I"):  # I;16 and its byte orders; I where an older Pillow meets a 16-bit PNG
        return np.asarray(np.clip(np.asarray(image), 0, 0xFFFF) >> 8, np.uint8)
    if mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 bits per channel")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = PIL.Image.new("RGBA", image.size, "white")
        image = PIL.Image.alpha_composite(white, image).convert("L" if mode in ("L", "LA", "1") else "RGB")
    elif mode == "1":
        image = image.convert("L")
    elif mode not in ("L", "RGB"):
        image = image.convert("RGB")
    return np.array(image, np.uint8)  # a copy: Pillow's own buffer is read-only
