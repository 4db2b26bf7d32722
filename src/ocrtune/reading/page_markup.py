"""What was read on pages as hOCR 1.2 and ALTO 4, for tools of archives and libraries."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from xml.sax.saxutils import escape, quoteattr

from ocrtune.reading.page_texts import PageReading
from ocrtune.records import CharacterSpan, Page, PageLine, Quadrilateral

_HOCR_START = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" \
"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml">
 <head>
  <title></title>
  <meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>
  <meta name="ocr-system" content="ocrtune {version}"/>
  <meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_line ocrx_word"/>
 </head>
 <body>
"""
_HOCR_END = " </body>\n</html>\n"

_ALTO_START = """<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#">
 <Description>
  <MeasurementUnit>pixel</MeasurementUnit>
  <sourceImageInformation><fileName>{name}</fileName></sourceImageInformation>
  <Processing ID="reading"><processingSoftware><softwareName>ocrtune</softwareName>\
<softwareVersion>{version}</softwareVersion></processingSoftware></Processing>
 </Description>
 <Layout>
"""
_FORBIDDEN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2

_ALTO_END = " </Layout>\n</alto>\n"


def hocr(readings: Sequence[PageReading]) -> str:
    """One hOCR document of all pages that were read; a box is that of a page line or of a word in it."""
    parts = [_HOCR_START.format(version=version("ocrtune"))]
    pages = (reading for reading in readings if reading.page is not None)
    for number, reading in enumerate(pages):
        parts += _hocr_page(reading, number)
    return "".join((*parts, _HOCR_END))


def alto(reading: PageReading) -> str:
    """One ALTO document of a page; without any line if it could not be read."""
    start = _ALTO_START.format(name=_text(str(reading.path)), version=version("ocrtune"))
    page = () if reading.page is None else _alto_page(reading.page, reading.number)
    return "".join((start, *page, _ALTO_END))


def _hocr_page(reading: PageReading, number: int) -> Iterator[str]:
    page = reading.page
    if page is None:
        return
    name = f"image {_hocr_string(str(reading.path))}; bbox 0 0 {page.width} {page.height}; ppageno {number}"
    yield f'  <div class="ocr_page" id="page_{number}" title={_attribute(name)}>\n'
    for block, lines in itertools.groupby(page.lines, lambda line: line.block):
        members = list(lines)
        corners = [corner for line in members for corner in line.box]
        yield f'   <div class="ocr_carea" id="block_{number}_{block}" title="{_bbox(corners)}">\n'
        for line in members:
            # hOCR counts a line's turn against the clock, and heights along it.
            turn = f"; textangle {-_direction(line):.0f}" if round(_direction(line)) else ""
            yield f'    <span class="ocr_line" title="{_bbox(line.box)}{turn}; x_size {line.height:.0f}">'
            yield " ".join(
                f'<span class="ocrx_word" title="{_bbox(_word_box(line, word))}; '
                f'x_wconf {100 * _confidence(word):.0f}">{_text(_joined(word))}</span>'
                for word in line.words()
            )
            yield "</span><br/>\n"
        yield "   </div>\n"
    yield "  </div>\n"


def _alto_page(page: Page, number: int) -> Iterator[str]:
    size = f'WIDTH="{page.width}" HEIGHT="{page.height}"'
    yield f'  <Page ID="page_{number}" PHYSICAL_IMG_NR="{number}" {size}>\n'
    yield f'   <PrintSpace HPOS="0" VPOS="0" {size}>\n'
    for block, lines in itertools.groupby(enumerate(page.lines), lambda pair: pair[1].block):
        members = list(lines)
        corners = [corner for _, line in members for corner in line.box]
        yield f'    <TextBlock ID="block_{block}" {_alto_box(corners)}>\n'
        for index, line in members:
            points = " ".join(f"{x:.0f},{y:.0f}" for x, y in line.box)
            yield f'     <TextLine ID="line_{index}" {_alto_box(line.box)}>\n'
            yield f'      <Shape><Polygon POINTS="{points}"/></Shape>\n'
            for place, word in enumerate(line.words()):
                if place:
                    yield "      <SP/>\n"
                yield f"      <String {_alto_box(_word_box(line, word))} CONTENT={_attribute(_joined(word))} "
                yield f'WC="{_confidence(word):.3f}"/>\n'
            yield "     </TextLine>\n"
        yield "    </TextBlock>\n"
    yield "   </PrintSpace>\n  </Page>\n"


def _word_box(line: PageLine, word: tuple[CharacterSpan, ...]) -> Quadrilateral:
    return line.span_box(word[0].start, word[-1].end)


def _joined(word: tuple[CharacterSpan, ...]) -> str:
    return "".join(span.symbol for span in word)


def _confidence(word: tuple[CharacterSpan, ...]) -> float:
    return min(span.confidence for span in word)


def _direction(line: PageLine) -> float:
    """Degrees clockwise by which the text runs away from the right."""
    (x0, y0), (x1, y1) = line.box[0], line.box[1]
    return math.degrees(math.atan2(y1 - y0, x1 - x0))


def _edges(corners: Sequence[tuple[float, float]]) -> tuple[int, int, int, int]:
    x, y = [corner[0] for corner in corners], [corner[1] for corner in corners]
    return math.floor(min(x)), math.floor(min(y)), math.ceil(max(x)), math.ceil(max(y))


def _bbox(corners: Sequence[tuple[float, float]]) -> str:
    return "bbox {} {} {} {}".format(*_edges(corners))


def _alto_box(corners: Sequence[tuple[float, float]]) -> str:
    left, top, right, bottom = _edges(corners)
    return f'HPOS="{left}" VPOS="{top}" WIDTH="{right - left}" HEIGHT="{bottom - top}"'


def _hocr_string(value: str) -> str:
    r"""In double quotes, as properties of hOCR have it; `"` and `\` cannot stand in one."""
    return '"' + value.replace("\\", "/").replace('"', "'") + '"'


def _text(value: str) -> str:
    return escape(_allowed(value))


def _attribute(value: str) -> str:
    return quoteattr(_allowed(value))


def _allowed(value: str) -> str:
    """What XML 1.0 has no way to write becomes the replacement character."""
    return _FORBIDDEN.sub("\ufffd", value)
