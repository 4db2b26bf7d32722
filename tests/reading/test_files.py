"""Which files are read, and the forms of the answer."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from ocrtune.errors import InputError
from ocrtune.reading.files import FileReading, find_images, printable, readings_csv, readings_json
from ocrtune.records import CharacterSpan, Prediction

READINGS = [
    FileReading(Path("a.png"), Prediction('ø, "1"', 0.5, (CharacterSpan("ø", 0.5, 1.0, 2.5),))),
    FileReading(Path("b.png"), None, "b.png: broken image"),
]


def test_a_folder_is_its_images_by_name_and_a_file_is_itself(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "notes.txt", "odd.bin", "c.webp"):
        (tmp_path / name).touch()
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "d.png").touch()
    found = find_images([tmp_path / "odd.bin", tmp_path])
    assert [file.name for file in found] == ["odd.bin", "a.jpg", "b.PNG", "c.webp"]


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no images \(\.bmp, "):
        find_images([tmp_path])
    with pytest.raises(InputError, match=r"there is no .*nope\.png"):
        find_images([tmp_path / "nope.png"])
    with pytest.raises(InputError, match="nothing to read"):
        find_images([])


def test_json_keeps_every_symbol_and_its_place() -> None:
    assert json.loads(readings_json(READINGS)) == [
        {
            "path": "a.png",
            "text": 'ø, "1"',
            "confidence": 0.5,
            "characters": [{"symbol": "ø", "confidence": 0.5, "start": 1.0, "end": 2.5}],
        },
        {"path": "b.png", "error": "b.png: broken image"},
    ]


def test_csv_survives_quotes_and_commas() -> None:
    assert list(csv.reader(io.StringIO(readings_csv(READINGS)))) == [
        ["path", "text", "confidence", "error"],
        ["a.png", 'ø, "1"', "0.5000", ""],
        ["b.png", "", "", "b.png: broken image"],
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("blåbær 漢 👍", "blåbær 漢 👍"),  # what can be printed is printed
        ("a\nb\tc", "a\\nb\\tc"),
        ("\x1b[2J", "\\x1b[2J"),  # clears a terminal
        ("a\u2028b", "a\\u2028b"),
        ("\udcff.png", "\\udcff.png"),  # a file name that is not UTF-8
    ],
)
def test_control_characters_are_shown_not_sent(text: str, shown: str) -> None:
    assert printable(text) == shown
