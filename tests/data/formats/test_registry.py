"""Recognising formats, and the ones that are tables: plain label files, EasyOCR, PaddleOCR."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ocrtune.data.dataset import LineDataset
from ocrtune.data.formats.registry import open_labels
from ocrtune.data.images import decode_image
from ocrtune.data.rejects import RejectReason
from ocrtune.errors import InputError

Png = Callable[..., bytes]
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, png: Png) -> Write:
    """Write a label file beside images of these names."""

    def make(name: str, content: str | bytes, *images: str) -> Path:
        for i, image in enumerate(images):
            (tmp_path / image).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / image).write_bytes(png(i))
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def texts(path: Path, **options: object) -> list[tuple[str, str]]:
    return [(e.id, e.text) for e in open_labels(path, **options).entries]  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", ["\t", " "])
def test_plain_label_files_in_any_encoding(write: Write, encoding: str, separator: str) -> None:
    content = f"a.png{separator}Å betale 5,00\r\nb.png{separator}Rømmegrøt \r\n"
    path = write("gt.txt", content.encode(encoding), "a.png", "b.png")
    assert texts(path) == [("a.png", "Å betale 5,00"), ("b.png", "Rømmegrøt ")]


def test_a_given_encoding_wins(write: Write) -> None:
    path = write("gt.txt", "a.png\tRømme\n".encode("cp1252"), "a.png")
    assert texts(path, encoding="cp1250") == [("a.png", "Rřmme")]
    assert "encoding cp1250, as given" in open_labels(path, encoding="cp1250").resolved


def test_paddle_lists_of_images_with_one_text(write: Write) -> None:
    path = write(
        "rec_gt_train.txt", '["a.png", "b.png"]\tsame\nc.png\tother\n[1]\tx\n', "a.png", "b.png", "c.png"
    )
    lines = open_labels(path)
    assert [(e.id, e.text) for e in lines.entries] == [
        ("a.png", "same"),
        ("b.png", "same"),
        ("c.png", "other"),
    ]
    assert [(r.source, r.reason) for r in lines.rejects] == [(f"{path}:3", RejectReason.UNREADABLE_LABEL)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        # To the letter, as EasyOCR's trainer reads it: commas and quotes belong to the text.
        ('a.png,1,234.50\nb.png,"SALE"\n', ["1,234.50", '"SALE"']),
        ('a.png,5" pipe\nb.png,x\n', ['5" pipe', "x"]),
        # Protected by a spreadsheet or a library.
        ('a.png,"1,234.50"\nb.png,SALE\n', ["1,234.50", "SALE"]),
        ('a.png,"5"" pipe, new"\nb.png,x\n', ['5" pipe, new', "x"]),
        ('"a.png","one"\n"b.png","two, three"\n', ["one", "two, three"]),
        ('a.png,"two\nlines"\nb.png,x\n', ["two\nlines", "x"]),
        # No table writes quotes that it does not need around one text and none around the other.
        ('a.png,"SALE"\nb.png,x\n', ['"SALE"', "x"]),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_easyocr_tables(write: Write, rows: str, expected: list[str], end: str) -> None:
    header = '"filename","words"\n' if rows.startswith('"') else "filename,words\n"
    path = write("labels.csv", (header + rows).replace("\n", end), "a.png", "b.png")
    assert texts(path) == [("a.png", expected[0]), ("b.png", expected[1])]


def test_a_row_without_comma_is_named(write: Write) -> None:
    path = write("labels.csv", "filename,words\na.png,x,y\nb.png x\nc.png,\n", "a.png")
    lines = open_labels(path)
    assert [e.text for e in lines.entries] == ["x,y"]
    assert [(r.source, r.reason) for r in lines.rejects] == [
        (f"{path}:3", RejectReason.UNREADABLE_LABEL),
        (f"{path}:4", RejectReason.NO_TEXT),
    ]


PAGE = np.random.default_rng(0).integers(0, 256, (100, 200), dtype=np.uint8)


def boxes(*labelled: tuple[str, list[list[float]]]) -> str:
    listed = [{"transcription": text, "points": points, "difficult": False} for text, points in labelled]
    return json.dumps(listed, ensure_ascii=False)


def test_ppocrlabel_pages_are_cut_into_lines(tmp_path: Path, write: Write) -> None:
    box = [[10, 20], [110, 20], [110, 50], [10, 50]]
    # PPOCRLabel names the folder that Label.txt itself lies in.
    labelled = boxes(*((text, box) for text in ("TOTAL 5", "###", "", "TEMPORARY")))
    rows = f"pages/p.png\t{labelled}\npages/p.png\t[{{\n"
    path = write("pages/Label.txt", rows)
    Image.fromarray(PAGE).save(tmp_path / "pages/p.png")
    lines = open_labels(path)
    dataset = LineDataset("x", lines.entries, lines.images, 1, lines.rejects, lines.resolved)
    assert [(s.id, s.text) for s in dataset] == [("pages/p/0001.png", "TOTAL 5")]
    np.testing.assert_array_equal(dataset.image(0), PAGE[20:50, 10:110])
    assert [(r.source, r.reason) for r in lines.rejects] == [
        (f"{path}:1 box 2", RejectReason.ILLEGIBLE),
        (f"{path}:1 box 3", RejectReason.NO_TEXT),
        (f"{path}:1 box 4", RejectReason.NO_TEXT),
        (f"{path}:2", RejectReason.UNREADABLE_LABEL),
    ]
    assert lines.images[0].where == f"{tmp_path}/pages/p.png at 10, 20"


@pytest.mark.parametrize(
    "points",
    [
        "null",
        "[[0,0],[1]]",
        '[["a",0],[1,0],[1,1]]',
        "[[NaN,0],[9,0],[9,9],[0,9]]",
        "[[0,0],[1,1]]",
        "[[1e999,0],[9,0],[9,9]]",
    ],
)
def test_points_that_are_none_are_refused(write: Write, points: str) -> None:
    good = '{"transcription": "ok", "points": [[0,0],[9,0],[9,9],[0,9]]}'
    path = write("Label.txt", f'p.png\t[{good}, {{"transcription": "x", "points": {points}}}]\n', "p.png")
    assert [r.reason for r in open_labels(path).rejects] == [RejectReason.UNREADABLE_LABEL]


def test_deep_json_is_refused(write: Write) -> None:
    good = '{"transcription": "ok", "points": [[0,0],[9,0],[9,9],[0,9]]}'
    path = write("Label.txt", f"p.png\t[{good}]\nq.png\t{'[' * 200_000}\n", "p.png")
    assert "no usable JSON" in open_labels(path).rejects[0].detail


def test_a_folder_says_what_it_was_taken_for_and_what_else_is_there(write: Write, tmp_path: Path) -> None:
    write("set/labels.csv", "filename,words\na.png,x\n", "set/a.png")
    write("set/gt.txt", "a.png\ty\n")
    write("set/README.txt", "These lines were labelled by hand.\n")
    assert texts(tmp_path / "set") == [("a.png", "x")]
    assert open_labels(tmp_path / "set").resolved == (
        f"{tmp_path}/set/labels.csv: 1 lines as an EasyOCR table (filename, words); "
        f"images from {tmp_path}/set (1); not read: {tmp_path}/set/gt.txt as a label file (--format labels)"
    )
    assert texts(tmp_path / "set", format_name="labels") == [("a.png", "y")]


def test_what_is_not_recognised_says_what_was_looked_for(write: Write, tmp_path: Path) -> None:
    path = write("notes.txt", "Nothing here\nis a label.\n")
    for what in (path, tmp_path):
        with pytest.raises(InputError, match=r"looked for .*filename and words \(easyocr\), .* or an LMDB$"):
            open_labels(what)
    with pytest.raises(InputError, match=r"empty\.txt is empty or cannot be read"):
        open_labels(write("empty.txt", "\n"))
    with pytest.raises(InputError, match="--format xyz is none of ppocrlabel, easyocr"):
        open_labels(path, "xyz")
    with pytest.raises(InputError, match=r"there is no .*gone; give a label file"):
        open_labels(tmp_path / "gone")
    with pytest.raises(InputError, match="holds no LMDB"):
        open_labels(tmp_path, "lmdb")


def test_images_elsewhere_are_found_by_their_bare_name(write: Write, tmp_path: Path) -> None:
    path = write("labels/gt.txt", "C:\\scans\\a.png\tx\n", "pool/a.png")
    with pytest.raises(InputError, match=r"gt\.txt:1: the image of .*a\.png is not found .*--images"):
        open_labels(path)
    lines = open_labels(path, images=tmp_path / "pool")
    assert decode_image(lines.images[0].read(), "").shape == (16, 40)
