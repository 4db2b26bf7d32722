"""Lines of pages: PAGE and ALTO XML, ICDAR boxes, Label Studio, COCO-Text. Each cuts the same known box."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrtune.data.formats.registry import open_labels
from ocrtune.data.images import decode_image
from ocrtune.data.lines import LabelledLines
from ocrtune.data.rejects import RejectReason
from ocrtune.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (100, 200), dtype=np.uint8)

WHOLE_BOX = PIXELS[20:50, 10:110]
"""The line that every format here labels: x 10 to 110, y 20 to 50."""

Pages = Callable[..., Path]


@pytest.fixture
def page(tmp_path: Path) -> Pages:
    """A folder with the page `p1.png` and one label file."""

    def make(name: str, content: str | bytes) -> Path:
        Image.fromarray(PIXELS).save(tmp_path / "p1.png")
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    return make


def cut(lines: LabelledLines, index: int = 0) -> np.ndarray:
    return decode_image(lines.images[index].read(), "")


PAGE_XML = """<?xml version="1.0" encoding="UTF-8"?>
<{p}PcGts xmlns{c}="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">
<{p}Page imageFilename="{image}" imageWidth="{width}" imageHeight="100"><{p}TextRegion id="r">
<{p}TextLine id="a"><{p}Coords points="10,20 60,20 109,20 109,49 10,49"/>
  <{p}Word><{p}TextEquiv><{p}Unicode>word</{p}Unicode></{p}TextEquiv></{p}Word>
  <{p}TextEquiv index="1"><{p}Unicode>worse</{p}Unicode></{p}TextEquiv>
  <{p}TextEquiv index="0"><{p}Unicode>Rømme &amp; 5 &lt; 6</{p}Unicode></{p}TextEquiv></{p}TextLine>
<{p}TextLine id="b"><{p}Coords points="10,20 60,20 110,50"/></{p}TextLine>
<{p}TextLine id="c"><{p}Baseline points="10,40 110,40"/>
  <{p}TextEquiv><{p}Unicode>no outline</{p}Unicode></{p}TextEquiv></{p}TextLine>
</{p}TextRegion></{p}Page></{p}PcGts>"""


@pytest.mark.parametrize(
    ("prefix", "image"), [("", "p1.png"), ("pc:", "p1.png"), ("", "C:\\scans\\other.tif")]
)
def test_page_xml(page: Pages, prefix: str, image: str) -> None:
    """The page is found by its stated name, or else by that of the XML file."""
    content = PAGE_XML.format(p=prefix, c=":pc" if prefix else "", image=image, width=200)
    folder = page("p1.xml", content)
    lines = open_labels(folder)
    assert [(e.id, e.text) for e in lines.entries] == [("p1/0001.png", "Rømme & 5 < 6")]
    np.testing.assert_array_equal(cut(lines), WHOLE_BOX)
    assert [(r.source, r.reason) for r in lines.rejects] == [
        (f"{folder}/p1.xml:8", RejectReason.NO_TEXT),
        (f"{folder}/p1.xml:9", RejectReason.UNREADABLE_LABEL),
    ]


def test_a_page_of_other_proportions_is_not_cut(page: Pages) -> None:
    lines = open_labels(page("p1.xml", PAGE_XML.format(p="", c="", image="p1.png", width=300)))
    with pytest.raises(InputError, match="its page is stated as 300 x 100, the image has 200 x 100 px"):
        cut(lines)


ALTO = """<?xml version="1.0"?><alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Description>
<sourceImageInformation><fileName>p1.png</fileName></sourceImageInformation></Description>
<Layout><Page WIDTH="2000" HEIGHT="1000"><PrintSpace><TextBlock>
<TextLine HPOS="100" VPOS="200" WIDTH="1000" HEIGHT="300"><String CONTENT="Total"/><SP/>
<String CONTENT="42"/><HYP CONTENT="-"/></TextLine>
<TextLine BASELINE="100 400 1100 400"><Shape>
<Polygon POINTS="100 200 600 200 1090 200 1090 490 100 490"/></Shape>
<String CONTENT="one"/><String CONTENT="two"/></TextLine>
<TextLine><String CONTENT="nowhere"/></TextLine>
</TextBlock></PrintSpace></Page></Layout></alto>"""


def test_alto_in_tenths_of_a_pixel(page: Pages) -> None:
    folder = page("x.xml", ALTO)
    lines = open_labels(folder)
    assert [e.text for e in lines.entries] == ["Total 42-", "one two"]
    np.testing.assert_array_equal(cut(lines), WHOLE_BOX)
    np.testing.assert_array_equal(cut(lines, 1), WHOLE_BOX)
    assert [r.detail for r in lines.rejects] == ["neither a polygon nor a box"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # Grows to gigabytes where entities are expanded.
        (
            '<!DOCTYPE PcGts [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><PcGts>&b;</PcGts>',
            "p1.xml:1: has a document type; remove that",
        ),
        ('<!DOCTYPE PcGts SYSTEM "file:///etc/passwd"><PcGts/>', "has a document type"),
        ("<PcGts>\n<Page>", "p1.xml:2: no readable XML: no element found"),
        ("<PcGts>" * 5000, "over 100 elements in each other"),
        ('<?xml version="1.0" encoding="klingon"?><PcGts/>', "no readable XML: unknown encoding"),
    ],
)
def test_hostile_xml_is_refused(page: Pages, content: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        open_labels(page("p1.xml", content))
    assert "\n" not in str(raised.value)


def test_a_broken_file_among_many_is_a_reject(page: Pages) -> None:
    page("broken.xml", "<PcGts>")
    lines = open_labels(page("p1.xml", PAGE_XML.format(p="", c="", image="p1.png", width=200)))
    assert len(lines.entries) == 1
    assert lines.rejects[0].reason is RejectReason.UNREADABLE_LABEL
    assert "broken.xml:1: no readable XML" in lines.rejects[0].detail


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("10,20,110,20,110,50,10,50,1,234.50, ok", "1,234.50, ok"),
        ("10,20,110,20,110,50,10,50,Latin,a,b", "a,b"),
        ('10, 20, 110, 50, "Tiredness, kills"', "Tiredness, kills"),
    ],
)
def test_icdar_boxes(page: Pages, row: str, text: str) -> None:
    folder = page("gt_p1.txt", f"\ufeff{row}\r\n{row.replace(text, '###')}\r\n")
    lines = open_labels(folder)
    assert [(e.id, e.text) for e in lines.entries] == [("p1/0001.png", text)]
    np.testing.assert_array_equal(cut(lines), WHOLE_BOX)
    assert [(r.source, r.reason) for r in lines.rejects] == [
        (f"{folder}/gt_p1.txt:2", RejectReason.ILLEGIBLE)
    ]


def test_a_text_that_begins_like_a_script_stays_whole(page: Pages) -> None:
    rows = "10,20,110,20,110,50,10,50,Latin,a\n10,20,110,20,110,50,10,50,b\nnonsense\n"
    lines = open_labels(page("p1.txt", rows))
    assert [e.text for e in lines.entries] == ["Latin,a", "b"]
    assert [r.detail for r in lines.rejects] == ["no corners and text in 'nonsense'"]


def test_label_studio(page: Pages) -> None:
    sizes = {"original_width": 200, "original_height": 100}
    rectangle = {"x": 5, "y": 20, "width": 50, "height": 30, "rotation": 0}
    # Turned a quarter: its upper left corner, as the text runs, is at the upper right on the page.
    standing = {"x": 20, "y": 10, "width": 30, "height": 20, "rotation": 90}
    polygon = {"points": [[5, 20], [55, 20], [55, 50], [5, 50]]}

    def result(name: str, value: dict[str, object], kind: str = "textarea") -> dict[str, object]:
        return {"id": name, "type": kind, "value": value, **sizes}

    tasks = [
        {
            "id": 7,
            "data": {"note": "not an image", "ocr": "/data/upload/3/0a1b2c3d-p1.png"},
            "annotations": [
                {"was_cancelled": True, "result": []},
                {
                    "result": [
                        result("a", rectangle, "rectangle"),
                        result("a", {**rectangle, "text": ["Total, 5"]}),
                        result("b", {**polygon, "text": "poly"}),
                        result("c", {**standing, "text": ["down"]}),
                        result("d", rectangle, "rectangle"),
                        result("e", {**rectangle, "x": "5", "text": ["x"]}),
                    ]
                },
            ],
        },
        {"id": 8, "data": {"image": "/data/local-files/?d=sub%2Fp1.png"}, "annotations": []},
        {
            "id": 9,
            "data": {"image": "p1.png"},
            "annotations": [{"result": [result("a", {"text": ["whole"]})]}],
        },
        "nonsense",
    ]
    lines = open_labels(page("export.json", json.dumps(tasks)))
    assert [(e.id, e.text) for e in lines.entries] == [
        ("p1/0001.png", "Total, 5"),
        ("p1/0002.png", "poly"),
        ("p1/0003.png", "down"),
        ("p1.png", "whole"),
    ]
    np.testing.assert_array_equal(cut(lines), WHOLE_BOX)
    np.testing.assert_array_equal(cut(lines, 1), WHOLE_BOX)
    assert cut(lines, 2).shape == (20, 60)
    np.testing.assert_array_equal(cut(lines, 2), np.rot90(PIXELS[10:70, 20:40]))
    np.testing.assert_array_equal(cut(lines, 3), PIXELS)
    assert [r.reason for r in lines.rejects] == [
        RejectReason.NO_TEXT,
        RejectReason.UNREADABLE_LABEL,
        RejectReason.NO_TEXT,
        RejectReason.UNREADABLE_LABEL,
    ]


def test_coco_text(page: Pages) -> None:
    content = {
        "imgs": {"1": {"file_name": "p1.png", "width": 200, "height": 100}},
        "anns": {
            "4": {"image_id": 1, "utf8_string": "A, b", "bbox": [10, 20, 100, 30], "legibility": "legible"},
            "5": {"image_id": 1, "utf8_string": "x", "mask": [10, 20, 110, 20, 110, 50, 10, 50]},
            "6": {"image_id": 1, "utf8_string": "", "bbox": [1, 1, 2, 2], "legibility": "illegible"},
            "7": {"image_id": 2, "utf8_string": "x", "bbox": [1, 1, 2, 2]},
            "8": {"image_id": 1, "bbox": [1, 1, 2, 2]},
            "9": {"image_id": 1, "utf8_string": "x", "bbox": [1, 1, "2", 2]},
        },
    }
    lines = open_labels(page("COCO_Text.json", json.dumps(content)))
    assert [e.text for e in lines.entries] == ["A, b", "x"]
    np.testing.assert_array_equal(cut(lines), WHOLE_BOX)
    np.testing.assert_array_equal(cut(lines, 1), WHOLE_BOX)
    assert [(r.source[-1], r.reason) for r in lines.rejects] == [  # page by page
        ("6", RejectReason.ILLEGIBLE),
        ("8", RejectReason.NO_TEXT),
        ("9", RejectReason.UNREADABLE_LABEL),
        ("7", RejectReason.UNREADABLE_LABEL),
    ]


def test_coco_as_lists(page: Pages) -> None:
    content = {
        "images": [{"id": 3, "file_name": "p1.png"}],
        "annotations": [
            {"id": 1, "image_id": 3, "text": "A", "segmentation": [[10, 20, 110, 20, 110, 50, 10, 50]]}
        ],
    }
    np.testing.assert_array_equal(cut(open_labels(page("train.json", json.dumps(content)))), WHOLE_BOX)
