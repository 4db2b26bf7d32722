"""A PDF that shows page images and can be searched: under each word lies its text, invisible.

Written by hand, since what is needed of PDF 1.7 is little: a picture and a text layer for each page. The
text is set in fonts without any shape (Type 3), so that none must be embedded for what a model can read.
"""

from __future__ import annotations

import io
import itertools
import zlib
from collections.abc import Iterator

import numpy as np
import PIL.Image

from ocrtune.records import Image, Page, PageLine, Quadrilateral

DPI = 200
"""Dots per inch that page images are shown at; those of PDF files were drawn at as many."""

QUALITY = 85
"""Of the JPEG that a page becomes; pages in pure black and white are kept as they are."""

_PER_FONT = 255  # codes of a Type 3 font, without 0
_ADVANCE = 500  # glyph units of 1000 to an em, for each symbol; the matrix before a word stretches it
_GLYPH = b"500 0 0 -200 500 800 d1"
_CATALOG, _PAGES, _SHAPE = 1, 2, 3  # numbers of the first objects


class SearchablePdf:
    """Collects pages; `content` is the file."""

    def __init__(self) -> None:
        self._objects: dict[int, bytes] = {_SHAPE: _stream(_GLYPH, b"")}
        self._next = _SHAPE + 1
        self._pages: list[int] = []
        self._symbols: dict[str, int] = {}
        """What has been set so far, and its place in the fonts."""
        self._fonts: list[int] = []

    def add(self, image: Image, page: Page) -> None:
        """Add a page: (H, W) grey or (H, W, 3) RGB uint8, with what was read on it."""
        picture = self._put(_picture(image))
        text = self._put(_stream(b"".join(self._text(page)), b""))
        scale = 72 / DPI
        fonts = " ".join(f"/F{i} {number} 0 R" for i, number in enumerate(self._fonts)).encode()
        self._pages.append(
            self._put(
                b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %.2f %.2f] /Rotate %d /Contents %d 0 R "
                b"/Resources << /XObject << /I %d 0 R >> /Font << %b >> >> >>"
                % (_PAGES, page.width * scale, page.height * scale, page.angle, text, picture, fonts)
            )
        )

    def content(self) -> bytes:
        """The whole file; equal pages give equal bytes."""
        symbols = list(self._symbols)
        for i, number in enumerate(self._fonts):
            self._objects[number] = _font(symbols[i * _PER_FONT : (i + 1) * _PER_FONT], number + 1)
            self._objects[number + 1] = _stream(
                _to_unicode(symbols[i * _PER_FONT : (i + 1) * _PER_FONT]), b""
            )
        kids = " ".join(f"{number} 0 R" for number in self._pages).encode()
        self._objects[_CATALOG] = b"<< /Type /Catalog /Pages %d 0 R >>" % _PAGES
        self._objects[_PAGES] = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(self._pages))
        file = io.BytesIO()
        file.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
        offsets = []
        for number in range(1, self._next):
            offsets.append(file.tell())
            file.write(b"%d 0 obj\n%b\nendobj\n" % (number, self._objects[number]))
        start = file.tell()
        file.write(b"xref\n0 %d\n0000000000 65535 f \n" % self._next)
        file.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
        file.write(
            b"trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (self._next, _CATALOG, start)
        )
        return file.getvalue()

    def _put(self, content: bytes) -> int:
        self._objects[self._next] = content
        self._next += 1
        return self._next - 1

    def _text(self, page: Page) -> Iterator[bytes]:
        scale = 72 / DPI
        yield b"q %.2f 0 0 %.2f 0 0 cm /I Do Q\n" % (page.width * scale, page.height * scale)
        yield b"BT 3 Tr\n"  # shows nothing
        for line in page.lines:
            for text, box in _pieces(line):
                codes = [self._code(symbol) for symbol in text]
                yield _matrix([(x * scale, (page.height - y) * scale) for x, y in box], len(codes))
                for font, run in itertools.groupby(codes, lambda code: code[0]):
                    yield b"/F%d 1 Tf <%b> Tj\n" % (font, b"".join(b"%02x" % code for _, code in run))
        yield b"ET\n"

    def _code(self, symbol: str) -> tuple[int, int]:
        """Font and code that stand for a symbol."""
        index = self._symbols.setdefault(symbol, len(self._symbols))
        font = index // _PER_FONT
        if font == len(self._fonts):
            self._fonts.append(self._put(b""))
            self._put(b"")  # its table to Unicode
        return font, index % _PER_FONT + 1


def _pieces(line: PageLine) -> Iterator[tuple[list[str], Quadrilateral]]:
    """What is set in one go, with its place: words of a line, or the symbols of a stacked one."""
    words = list(line.words())
    for i, word in enumerate(words):
        space = [" "] if i + 1 < len(words) else []
        if line.stacked:
            for j, span in enumerate(word):
                text = [span.symbol, *(space if j + 1 == len(word) else [])]
                yield text, line.span_box(span.start, span.end)
        else:
            yield [span.symbol for span in word] + space, line.span_box(word[0].start, word[-1].end)


def _matrix(box: list[tuple[float, float]], symbols: int) -> bytes:
    """The text matrix that lays symbols of `_ADVANCE` along the lower edge of a box, in points."""
    _, _, (x2, y2), (x3, y3) = box
    x0, y0 = box[0]
    em = symbols * _ADVANCE / 1000
    right = ((x2 - x3) / em, (y2 - y3) / em)
    up = (x0 - x3, y0 - y3)
    # The shape reaches a fifth below its baseline.
    return b"%.4f %.4f %.4f %.4f %.3f %.3f Tm\n" % (*right, *up, x3 + 0.2 * up[0], y3 + 0.2 * up[1])


def _font(symbols: list[str], to_unicode: int) -> bytes:
    last = len(symbols)
    names = b"/s " * last
    return (
        b"<< /Type /Font /Subtype /Type3 /FontBBox [0 -200 500 800] /FontMatrix [0.001 0 0 0.001 0 0] "
        b"/CharProcs << /s %d 0 R >> /Encoding << /Type /Encoding /Differences [1 %b] >> /FirstChar 1 "
        b"/LastChar %d /Widths [%b] /Resources << >> /ToUnicode %d 0 R >>"
        % (_SHAPE, names, last, b"%d " % _ADVANCE * last, to_unicode)
    )


def _to_unicode(symbols: list[str]) -> bytes:
    """The table by which a reader copies and searches (PDF 1.7, 9.10.3)."""
    entries = [
        b"<%02x> <%b>\n" % (code, symbol.encode("utf-16-be", "replace").hex().encode())
        for code, symbol in enumerate(symbols, start=1)
    ]
    # A section holds 100 entries at most.
    sections = [entries[i : i + 100] for i in range(0, len(entries), 100)]
    return (
        b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        b"/CMapName /Symbols def\n/CMapType 2 def\n"
        b"1 begincodespacerange\n<00> <ff>\nendcodespacerange\n"
        + b"".join(
            b"%d beginbfchar\n%bendbfchar\n" % (len(section), b"".join(section)) for section in sections
        )
        + b"endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    )


def _picture(image: Image) -> bytes:
    height, width = image.shape[:2]
    entries = b"/Type /XObject /Subtype /Image /Width %d /Height %d " % (width, height)
    grey = image if image.ndim == 2 else image[..., 0]
    if image.ndim == 2 and bool(((grey == 0) | (grey == 255)).all()):
        bits = np.packbits(grey > 0, axis=1)  # (H, W / 8)
        return _stream(bits.tobytes(), entries + b"/ColorSpace /DeviceGray /BitsPerComponent 1 ")
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, "JPEG", quality=QUALITY)
    entries += b"/ColorSpace %b " % (b"/DeviceGray" if image.ndim == 2 else b"/DeviceRGB")
    entries += b"/BitsPerComponent 8 /Filter /DCTDecode /Length %d " % file.tell()
    return b"<< %b>>\nstream\n%b\nendstream" % (entries, file.getvalue())


def _stream(content: bytes, entries: bytes) -> bytes:
    packed = zlib.compress(content)
    return b"<< %b/Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream" % (entries, len(packed), packed)
