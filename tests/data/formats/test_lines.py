"""Labels of line images in other forms than a table: docTR, pairs of files, texts in names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ocrtune.data.formats.registry import open_labels
from ocrtune.data.rejects import RejectReason
from ocrtune.errors import InputError

Png = Callable[..., bytes]


@pytest.fixture
def fill(tmp_path: Path, png: Png) -> Callable[..., Path]:
    """Fill a folder with images and texts, by name."""

    def make(*images: str, **files: str) -> Path:
        folder = tmp_path / "set"
        for i, name in enumerate(images):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(png(i))
        return folder

    return make


Fill = Callable[..., Path]


def test_doctr_recognition_labels(fill: Fill) -> None:
    folder = fill("images/1.png", "images/2.jpg")
    labels = {"1.png": "Blåbær, 1/2", "2.jpg": "“a”", "3.png": "gone", "4.png": ""}
    (folder / "labels.json").write_text(json.dumps(labels, ensure_ascii=False), encoding="utf-8")
    lines = open_labels(folder)
    assert [(e.id, e.text) for e in lines.entries] == [
        ("1.png", "Blåbær, 1/2"),
        ("2.jpg", "“a”"),
        ("3.png", "gone"),
    ]
    assert [r.reason for r in lines.rejects] == [RejectReason.NO_TEXT]
    assert f"3 lines as docTR labels; images from {folder}/images (2), nowhere (1)" in lines.resolved


def test_doctr_words_of_pages(fill: Fill) -> None:
    folder = fill("p.png")
    words = [
        {"value": "A", "geometry": [2, 3, 12, 10]},
        {"value": "B", "geometry": [[0, 0], [9, 0], [9, 9], [0, 9]]},
        {"value": 1, "geometry": [0, 0, 9, 9]},
        {"value": "C", "geometry": [0, 0]},
    ]
    (folder / "labels.json").write_text(json.dumps({"p.png": {"typed_words": words}}))
    lines = open_labels(folder)
    assert [(e.id, e.text) for e in lines.entries] == [("p/0001.png", "A"), ("p/0002.png", "B")]
    assert lines.images[0].where.endswith("p.png at 2, 3")
    assert [r.source for r in lines.rejects] == [f"{folder}/labels.json p.png word {n}" for n in (3, 4)]


def test_doctr_detection_labels_have_no_texts(fill: Fill) -> None:
    folder = fill("p.png")
    content = {"p.png": {"img_dimensions": [9, 9], "img_hash": "x", "polygons": [[[0, 0]]]}}
    (folder / "labels.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"no line with a text found .*labels for detection"):
        open_labels(folder)


def test_pairs_of_image_and_text(fill: Fill) -> None:
    folder = fill("a.png", "b.nrm.png", "c.bin.png", "sub/a.tif", "d.png", "e.png")
    texts = {
        "a": "Rømme \n",
        "b": "b",
        "c": "c\n",
        "sub/a": "other",
        "d": "two\nlines\n",
        "e": "\n",
        "f": "gone",
    }
    for stem, text in texts.items():
        (folder / f"{stem}.gt.txt").write_text(text, encoding="utf-8")
    lines = open_labels(folder)
    assert [(e.id, e.text) for e in lines.entries] == [
        ("a.png", "Rømme "),
        ("b.nrm.png", "b"),
        ("c.bin.png", "c"),
        ("sub/a.tif", "other"),
    ]
    assert [(r.source, r.reason) for r in lines.rejects] == [
        (f"{folder}/d.gt.txt:2", RejectReason.UNREADABLE_LABEL),
        (f"{folder}/e.gt.txt", RejectReason.NO_TEXT),
        (f"{folder}/f.gt.txt", RejectReason.MISSING_IMAGE),
    ]


def test_texts_in_names(fill: Fill) -> None:
    folder = fill("Total 5_0.jpg", "snake_case_1.jpg", "Å_2.jpg")
    assert [e.text for e in open_labels(folder).entries] == ["Total 5", "snake_case", "Å"]


def test_numbered_scans_are_not_labelled_by_their_name(fill: Fill) -> None:
    folder = fill("page_1.png", "page_2.png", "page_3.png", "cover_1.png")
    with pytest.raises(InputError, match="holds no labels in a format known here"):
        open_labels(folder)
    assert [e.text for e in open_labels(folder, "trdg").entries] == ["cover", "page", "page", "page"]


def test_pairs_share_the_guess_of_their_encoding(fill: Fill) -> None:
    """Each file alone has one symbol outside ASCII, or none: too little to tell anything."""
    folder = fill("a.png", "b.png", "c.png", "d.png")
    texts = {"a": "Å", "b": "Rømmegrøt", "c": "5 kr", "d": "blåbær"}
    for stem, text in texts.items():
        (folder / f"{stem}.gt.txt").write_text(text, encoding="cp1252")
    lines = open_labels(folder)
    assert [e.text for e in lines.entries] == list(texts.values())
    assert lines.resolved.count("encoding cp1252, guessed") == 1
    assert "; in 3 of the files encoding cp1252, guessed from texts" in lines.resolved


def test_an_image_of_the_same_name_further_away_is_another_one(fill: Fill) -> None:
    folder = fill("a.png", "sub/b.png")
    for stem in ("sub/a", "sub/b"):
        (folder / f"{stem}.gt.txt").write_text("text")
    lines = open_labels(folder)
    assert [image.where for image in lines.images] == [f"{folder}/sub/b.png"]
    assert [(r.source, r.reason) for r in lines.rejects] == [
        (f"{folder}/sub/a.gt.txt", RejectReason.MISSING_IMAGE)
    ]
