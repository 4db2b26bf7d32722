"""Whole pages with the base: exact texts in reading order, whichever way a page or a line stands."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ocrtune.api import Reader
from ocrtune.errors import InputError
from ocrtune.reading.cleaning import Cleaning
from ocrtune.reading.page_reader import PageReader, cut_line
from ocrtune.records import Image, Page, Quadrilateral

DrawText = Callable[[tuple[int, int], list[tuple[int, int, str]]], Image]

LINES = ("Harbour office, Bergen", "Invoice 2024-0187", "Total 1,204.50 EUR")


@pytest.fixture(scope="module")
def pages(base_reader: Reader) -> PageReader:
    return base_reader.page_reader


@pytest.fixture(scope="module")
def upright(pages: PageReader, text_page: Image) -> Page:
    return pages.read(text_page)


def test_lines_come_from_above_with_their_places(upright: Page) -> None:
    assert upright.text == "\n".join(LINES)
    assert (upright.width, upright.height, upright.angle, upright.unread) == (480, 240, 0, ())
    for i, line in enumerate(upright.lines):
        (left, top), _, (_, bottom), _ = line.box
        assert 15 <= left <= 32
        assert 20 + 60 * i <= top < bottom <= 75 + 60 * i
        assert line.prediction.confidence > 0.95
        assert (line.row, line.block, line.stacked) == (i, 0, False)


def test_symbols_have_places_on_the_page(upright: Page) -> None:
    """The texts are drawn from x = 30; their symbols follow one another to the right."""
    line = upright.lines[1]
    spans = line.prediction.characters
    assert "".join(span.symbol for span in spans) == LINES[1]
    first, last = line.span_box(spans[0].start, spans[0].end), line.span_box(spans[-1].start, spans[-1].end)
    assert first[0][0] == pytest.approx(30, abs=12)
    assert last[1][0] == pytest.approx(line.box[1][0], abs=20)
    assert ["".join(span.symbol for span in word) for word in line.words()] == ["Invoice", "2024-0187"]


def turned_back(box: Quadrilateral, turns: int, page: Page) -> Quadrilateral:
    """Places on a page that was turned a quarter counter-clockwise `turns` times, on the upright one."""
    corners = []
    for place in box:
        x, y, width, height = *place, page.width, page.height
        for _ in range(turns):
            x, y, width, height = height - y, x, height, width
        corners.append((x, y))
    return (corners[0], corners[1], corners[2], corners[3])


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_page_reads_exactly_as_the_upright_one(
    pages: PageReader, text_page: Image, upright: Page, turns: int
) -> None:
    page = pages.read(np.ascontiguousarray(np.rot90(text_page, turns)))
    assert page.angle == 90 * turns
    assert (page.width, page.height) == ((240, 480) if turns % 2 else (480, 240))
    assert [line.prediction for line in page.lines] == [line.prediction for line in upright.lines]
    for line, expected in zip(page.lines, upright.lines, strict=True):
        back = turned_back(line.box, turns, page)
        assert np.array(back) == pytest.approx(np.array(expected.box), abs=1e-6)


def test_a_line_on_its_head_is_turned_alone(pages: PageReader, draw_text: DrawText) -> None:
    page = draw_text((480, 200), [(30, 30, "This side up, please"), (30, 130, "")])
    head = draw_text((480, 60), [(120, 10, "Serial 4471-BX-20")])[::-1, ::-1]
    read = pages.read(np.ascontiguousarray(np.concatenate((page, head))))
    assert read.angle == 0
    assert read.text == "This side up, please\nSerial 4471-BX-20"
    (x0, _), (x1, _), _, _ = read.lines[1].box
    assert x0 > x1  # the text runs to the left


@pytest.mark.parametrize("turns", [1, 3])
def test_a_line_along_the_side_is_turned_alone(pages: PageReader, draw_text: DrawText, turns: int) -> None:
    page = draw_text((480, 300), [(100, 30 + 60 * i, f"Shelf number {i + 1}") for i in range(4)])
    side = draw_text((280, 60), [(10, 10, "LOT 2024-B77")])
    page = page.copy()
    page[10:290, 400:460] = np.rot90(side, turns)
    read = pages.read(page)
    assert read.angle == 0
    texts = [line.prediction.text for line in read.lines]
    assert sorted(texts) == ["LOT 2024-B77", *(f"Shelf number {i + 1}" for i in range(4))]
    line = read.lines[texts.index("LOT 2024-B77")]
    assert (line.box[1][1] < line.box[0][1]) == (turns == 1)


def test_symbols_below_one_another_are_one_line(pages: PageReader, draw_text: DrawText) -> None:
    texts = [(100, 30, "Container terminal"), (100, 90, "Gate number seven")]
    code = [(420, 30 + 28 * i, symbol) for i, symbol in enumerate("SKU77314")]
    read = pages.read(draw_text((900, 720), texts + code))
    (line,) = (line for line in read.lines if line.stacked)
    assert line.prediction.text == "SKU77314"
    first = line.span_box(line.prediction.characters[0].start, line.prediction.characters[0].end)
    assert first[0][1] < 60
    assert first[2][1] < 100


def test_a_label_with_more_lines_along_its_sides_is_not_turned(
    pages: PageReader, draw_text: DrawText
) -> None:
    texts = [(200, 30, "Fragile goods inside"), (200, 430, "Keep this side up")]
    page = draw_text((700, 500), texts).copy()
    for i, turns in enumerate((1, 3, 1)):
        side = draw_text((260, 60), [(10, 10, f"LOT 2024-B77{i}")])
        page[110:370, 60 + 240 * i : 120 + 240 * i] = np.rot90(side, turns)
    read = pages.read(page)
    assert read.angle == 0
    assert sorted(line.prediction.text for line in read.lines) == [
        "Fragile goods inside",
        "Keep this side up",
        *(f"LOT 2024-B77{i}" for i in range(3)),
    ]


def test_items_and_prices_are_rows(pages: PageReader, draw_text: DrawText) -> None:
    rows = [("Apples 2 kg", "5.80"), ("Bread", "3.20"), ("Olive oil", "12.40"), ("Total", "21.40")]
    texts = [(30, 30 + 50 * i, item) for i, (item, _) in enumerate(rows)]
    texts += [(400, 30 + 50 * i, price) for i, (_, price) in enumerate(rows)]
    page = pages.read(draw_text((520, 260), texts))
    assert page.text == "\n".join(f"{item}\t{price}" for item, price in rows)


def test_columns_are_read_one_after_the_other(pages: PageReader, draw_text: DrawText) -> None:
    left = ["The harbour was quiet", "when the first boats", "came in with herring", "and cod for market."]
    right = [
        "On the other side the",
        "fishmongers had been",
        "waiting since dawn in",
        "the rain and the cold.",
    ]
    texts = [(30, 30 + 45 * i, line) for i, line in enumerate(left)]
    texts += [(400, 30 + 45 * i, line) for i, line in enumerate(right)]
    page = pages.read(draw_text((740, 230), texts))
    assert page.text.split("\n") == left + right
    assert [line.block for line in page.lines] == [0, 0, 0, 0, 1, 1, 1, 1]


@pytest.mark.slow
def test_one_reader_serves_several_threads(pages: PageReader, text_page: Image, upright: Page) -> None:
    images = [text_page, np.ascontiguousarray(text_page[::-1, ::-1]), text_page[:120]] * 2
    with ThreadPoolExecutor(3) as pool:
        read = list(pool.map(pages.read, images))
    assert [page.text for page in read] == [upright.text, upright.text, "\n".join(LINES[:2])] * 2
    assert read[0].to_json() == read[3].to_json() == upright.to_json()


def test_an_empty_page_has_no_lines(pages: PageReader) -> None:
    page = pages.read(np.full((200, 300), 255, np.uint8))
    assert (page.lines, page.text, page.confidence, page.angle) == ((), "", 0.0, 0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (2, 2, 3)])
def test_an_image_of_no_page_is_read_as_nothing(pages: PageReader, shape: tuple[int, ...]) -> None:
    assert pages.read(np.zeros(shape, np.uint8)).lines == ()


def test_what_is_no_image_is_refused(pages: PageReader) -> None:
    with pytest.raises(InputError, match="the page has shape"):
        pages.read(np.zeros((10, 10, 4), np.uint8))


def test_a_cut_line_reads_as_it_did_on_its_page(base_reader: Reader, text_page: Image, upright: Page) -> None:
    cut = [cut_line(text_page, line.box, stacked=line.stacked) for line in upright.lines]
    assert base_reader.read_lines(cut) == [line.prediction for line in upright.lines]


@pytest.mark.parametrize("change", ["gray", "shadow", "contrast", "deskew", "upscale"])
def test_cleaning_leaves_a_clean_page_readable_and_its_places(
    pages: PageReader, text_page: Image, upright: Page, change: str
) -> None:
    page = pages.read(text_page, Cleaning.of([change]))
    assert page.text == upright.text
    for line, expected in zip(page.lines, upright.lines, strict=True):
        assert np.array(line.box) == pytest.approx(np.array(expected.box), abs=6)


def test_a_skewed_page_is_levelled_and_its_places_are_those_of_the_given_page(
    pages: PageReader, draw_text: DrawText
) -> None:
    import cv2

    page = draw_text((700, 400), [(150, 150 + 50 * i, text) for i, text in enumerate(LINES)])
    turn = cv2.getRotationMatrix2D((350, 200), 8, 1)  # counter-clockwise: lines rise to the right
    skewed = cv2.warpAffine(page, turn, (700, 400), borderValue=(255, 255, 255))
    read = pages.read(np.asarray(skewed, np.uint8), Cleaning.of(["deskew"]))
    assert read.text == "\n".join(LINES)
    (x0, y0), (x1, y1), _, _ = read.lines[1].box
    assert np.degrees(np.arctan2(y0 - y1, x1 - x0)) == pytest.approx(8, abs=1)
    assert x0 == pytest.approx((turn @ (150, 215, 1))[0], abs=15)
    assert (y0 + read.lines[1].box[3][1]) / 2 == pytest.approx((turn @ (150, 217, 1))[1], abs=10)
