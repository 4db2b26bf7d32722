"""The PDF is read back by PDFium, which shares no code with what wrote it."""

from __future__ import annotations

import numpy as np
import pypdfium2
import pytest

from ocrtune.reading.searchable_pdf import DPI, SearchablePdf
from ocrtune.records import CharacterSpan, Image, Page, PageLine, Prediction

SCALE = 72 / DPI


def paper(page: Page) -> Image:
    rng = np.random.default_rng(1)
    return rng.integers(200, 256, (page.height, page.width, 3), np.uint8)


def written(*pages: tuple[Image, Page]) -> bytes:
    pdf = SearchablePdf()
    for image, page in pages:
        pdf.add(image, page)
    return pdf.content()


def test_the_text_can_be_found_where_it_stands(made_page: Page) -> None:
    with pypdfium2.PdfDocument(written((paper(made_page), made_page))) as document:
        page = document[0]
        assert page.get_size() == pytest.approx((200 * SCALE, 300 * SCALE), abs=0.01)
        text = page.get_textpage()
        content = text.get_text_bounded()
        for word in ("Tea & milk", "3.50", "<Total>", "LOT 7", "茶", "水"):
            assert word in content
        place = text.search("milk").get_next()
        assert place is not None
        left, bottom, right, top = _around(text, *place)
        assert (left / SCALE, right / SCALE) == pytest.approx((70, 110), abs=1)
        assert (300 - top / SCALE, 300 - bottom / SCALE) == pytest.approx((20, 40), abs=1)


def _around(text: pypdfium2.PdfTextPage, first: int, count: int) -> tuple[float, float, float, float]:
    boxes = np.array([text.get_charbox(i, loose=True) for i in range(first, first + count)])
    return (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))


def test_the_picture_is_the_page_and_the_text_leaves_no_mark(made_page: Page) -> None:
    image = np.full((300, 200), 255, np.uint8)
    image[100:200, 50:150] = 0
    with pypdfium2.PdfDocument(written((image, made_page))) as document:
        drawn = document[0].render(scale=1 / SCALE, grayscale=True).to_numpy().squeeze()
    assert drawn.shape == image.shape
    assert np.abs(drawn.astype(int) - image).mean() < 1


def test_a_colour_page_is_kept_in_colour(made_page: Page) -> None:
    image = np.zeros((300, 200, 3), np.uint8)
    image[..., 0] = 200
    with pypdfium2.PdfDocument(written((image, made_page))) as document:
        drawn = document[0].render(scale=1 / SCALE, rev_byteorder=True).to_numpy()
    assert drawn[150, 100, :3] == pytest.approx((200, 0, 0), abs=4)


def test_a_page_that_was_turned_is_shown_upright(made_page: Page) -> None:
    turned = Page(200, 300, 90, made_page.lines)
    with pypdfium2.PdfDocument(written((paper(turned), turned))) as document:
        assert document[0].get_rotation() == 90
        assert document[0].get_size() == pytest.approx((300 * SCALE, 200 * SCALE), abs=0.01)


def test_more_symbols_than_a_font_holds() -> None:
    symbols = [chr(0x4E00 + i) for i in range(600)]
    spans = tuple(CharacterSpan(symbol, 1.0, 10.0 * i, 10.0 * i + 10) for i, symbol in enumerate(symbols))
    box = ((0.0, 0.0), (600.0, 0.0), (600.0, 20.0), (0.0, 20.0))
    page = Page(600, 20, 0, (PageLine(box, Prediction.from_characters(spans), 6000.0, 0, 0),))
    with pypdfium2.PdfDocument(written((np.zeros((20, 600), np.uint8), page))) as document:
        assert document[0].get_textpage().get_text_bounded() == "".join(symbols)


def test_equal_pages_give_equal_bytes_and_pages_are_counted(made_page: Page) -> None:
    pages = [(paper(made_page), made_page), (paper(made_page)[..., 0], Page(200, 300, 0, ()))]
    assert written(*pages) == written(*pages)
    with pypdfium2.PdfDocument(written(*pages)) as document:
        assert len(document) == 2
        assert document[1].get_textpage().get_text_bounded() == ""
