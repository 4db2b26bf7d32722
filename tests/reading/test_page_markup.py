"""hOCR and ALTO: well-formed, with every word and its place."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ocrtune.reading.page_markup import alto, hocr
from ocrtune.reading.page_texts import PageReading
from ocrtune.records import CharacterSpan, Page, PageLine, Prediction

HTML = "{http://www.w3.org/1999/xhtml}"
ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"


def of_class(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [element for element in root.iter() if element.get("class") == name]


def test_hocr_has_words_with_boxes(made_page: Page) -> None:
    root = ElementTree.fromstring(hocr([PageReading(Path('a "b" & <c>.png'), 1, made_page)]))
    (page,) = of_class(root, "ocr_page")
    assert page.get("title") == "image \"a 'b' & <c>.png\"; bbox 0 0 200 300; ppageno 0"
    assert len(of_class(page, "ocr_carea")) == 2
    lines = of_class(page, "ocr_line")
    assert [line.get("title") for line in lines[:1] + lines[4:]] == [
        "bbox 10 20 110 40; x_size 20",
        "bbox 20 240 40 290; textangle 90; x_size 20",
        "bbox 160 200 180 220; x_size 20",
    ]
    words = of_class(lines[0], "ocrx_word")
    assert [(word.text, word.get("title")) for word in words] == [
        ("Tea", "bbox 10 20 40 40; x_wconf 90"),
        ("&", "bbox 50 20 60 40; x_wconf 90"),
        ("milk", "bbox 70 20 110 40; x_wconf 90"),
    ]


def test_hocr_counts_pages_and_leaves_out_what_was_not_read(made_page: Page) -> None:
    readings = [
        PageReading(Path("a.pdf"), 1, made_page),
        PageReading(Path("b.png"), 1, None, "broken"),
        PageReading(Path("a.pdf"), 2, made_page),
    ]
    pages = of_class(ElementTree.fromstring(hocr(readings)), "ocr_page")
    assert [page.get("id") for page in pages] == ["page_0", "page_1"]


def test_alto_has_lines_with_polygons_and_strings(made_page: Page) -> None:
    root = ElementTree.fromstring(alto(PageReading(Path("a.pdf"), 3, made_page)))
    assert next(root.iter(f"{ALTO}fileName")).text == "a.pdf"
    page = next(root.iter(f"{ALTO}Page"))
    assert (page.get("WIDTH"), page.get("HEIGHT"), page.get("PHYSICAL_IMG_NR")) == ("200", "300", "3")
    lines = list(root.iter(f"{ALTO}TextLine"))
    texts = [[string.get("CONTENT") for string in line.iter(f"{ALTO}String")] for line in lines]
    assert texts == [["Tea", "&", "milk"], ["3.50"], ["<Total>"], ["3.50"], ["LOT", "7"], ["茶水"]]
    assert next(lines[4].iter(f"{ALTO}Polygon")).get("POINTS") == "20,290 20,240 40,240 40,290"
    string = next(lines[4].iter(f"{ALTO}String"))
    assert [string.get(name) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT", "WC")] == [
        "20", "260", "20", "30", "0.900",
    ]  # fmt: skip
    ids = [element.get("ID") for element in root.iter() if element.get("ID")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("symbol", ["\x00", "\x08", "\ud800", "\ufffe"])
def test_what_xml_cannot_hold_is_replaced(symbol: str) -> None:
    """A model's charset may hold anything."""
    spans = (CharacterSpan("a", 1.0, 0, 10), CharacterSpan(symbol, 1.0, 10, 20))
    line = PageLine(((0, 0), (20, 0), (20, 9), (0, 9)), Prediction.from_characters(spans), 20, 0, 0)
    reading = PageReading(Path(f"a{symbol}.png"), 1, Page(30, 30, 0, (line,)))
    for written in (hocr([reading]), alto(reading)):
        ElementTree.fromstring(written)
        assert re.search('[>"]a\ufffd[<"]', written)
