"""A corpus of broken datasets, made here: each has the findings and the exit code that it must."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np
import pytest

from ocrtune.cli import main


def check(folder: Path, *options: str, rare: int = 0) -> tuple[int, dict[str, int]]:
    """Exit code of a check, and the count of each finding; no symbol is rare unless asked."""
    audit = folder.with_name("audit.json")
    code = main(
        ["data", "check", str(folder), "--rare", str(rare), *options, "--json", str(audit), "--overwrite"]
    )
    findings = json.loads(audit.read_text(encoding="utf-8"))["findings"] if audit.exists() else []
    return code, {finding["name"]: finding["count"] for finding in findings}


def huge_png(width: int, height: int) -> bytes:
    """A PNG whose header declares so many pixels, and holds none."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def test_good_lines_have_no_finding(desk: Any) -> None:
    assert check(desk.write("set", desk.good())) == (0, {})


LABELS = {
    "an escape sequence": ("A\x1b[31mB", "control character", 1),
    "a second TAB": ("AB\tCD", "control character", 1),
    "a NUL": ("AB\x00", "control character", 1),
    "U+2028": ("AB\u2028CD", "control character", 1),
    "U+0085, a next line": ("AB\x85CD", "control character", 1),
    "a lost letter": ("CAF\ufffd", "replacement character", 1),
    "lost letters only": ("\ufffd\ufffd\ufffd", "replacement character", 1),
    "Arabic as it is drawn": ("\ufee1\ufefc\ufeb3", "Arabic presentation form", 1),
    "a whole paragraph": ("A" * 10 + " B" * 130, "too many symbols", 1),
    "Cyrillic O in a Latin word": ("TОTAL", "look-alike", 0),
    "Latin a in a Cyrillic word": ("кaфе", "look-alike", 0),
    "Greek A in a Latin word": ("ΑLPHA", "look-alike", 0),
    "a word of letters that both scripts have": ("СOP", "look-alike", 0),
    "the unit for Å": ("\u212bNGSTR", "look-alike", 0),
    "the sign for K": ("30 \u212a", "look-alike", 0),
    "an accent apart": ("CAFE\u0301", "mixed normal forms", 0),
    "a ring apart": ("a\u030aR", "mixed normal forms", 0),
    "a soft hyphen": ("TO\u00adTAL", "invisible or odd space", 0),
    "a byte order mark": ("\ufeffTOTAL", "invisible or odd space", 0),
    "a direction mark": ("TOTAL\u200e", "invisible or odd space", 0),
    "a no-break space": ("12\u00a0KG", "invisible or odd space", 0),
    "an ideographic space": ("12\u3000KG", "invisible or odd space", 0),
    "a joiner between Latin letters": ("A\u200dB", "invisible or odd space", 0),
    "a space before": (" TOTAL", "edge or doubled space", 0),
    "a space after": ("TOTAL ", "edge or doubled space", 0),
    "two spaces within": ("TOTAL  5", "edge or doubled space", 0),
}


@pytest.mark.parametrize(("label", "finding", "code"), LABELS.values(), ids=LABELS)
def test_a_bad_label(label: str, finding: str, code: int, desk: Any) -> None:
    # The image is long enough for every label, even the paragraph's.
    rows = desk.good() | {"bad.png": (label, desk.encode(desk.draw("SOMETHING ELSE" + 10 * " TALL")))}
    assert check(desk.write("set", rows)) == (code, {finding: 1})


GOOD_LABELS = (
    "кафе",
    "5 kΩ",
    "3 μm",
    "P.О. 7",
    "皖A051N0",
    "می\u200cخواهم",
    "Ünïcödé",
    "1 ½ × 2",
    "€ 5,–",
    "Å",
)


@pytest.mark.parametrize("label", GOOD_LABELS)
def test_a_good_label_of_any_script(label: str, desk: Any) -> None:
    rows = desk.good() | {"x.png": (label, desk.encode(desk.draw("SOMETHING ELSE")))}
    assert check(desk.write("set", rows)) == (0, {})


def _speckled(shape: tuple[int, int]) -> np.ndarray:
    return np.random.default_rng(0).normal(235, 2, shape).clip(0, 255).astype(np.uint8)


IMAGES: Mapping[str, tuple[Callable[[Any], bytes | None], str, int]] = {
    "no file": (lambda d: None, "missing image", 1),
    "0 bytes": (lambda d: b"", "empty image", 1),
    "text in place of an image": (lambda d: b"<html>not found</html>", "broken image", 1),
    "cut off": (lambda d: d.encode(d.draw("ABCDEF"))[:200], "broken image", 1),
    "a JPEG cut off": (lambda d: d.encode(d.draw("ABCDEF"), ".jpg")[:500], "broken image", 1),
    "a bomb": (lambda d: huge_png(30_000, 30_000), "image too large", 1),
    "5 px high": (lambda d: d.encode(cv2.resize(d.draw("ABCDEF"), (90, 5))), "tiny image", 1),
    "2 px wide": (lambda d: d.encode(cv2.resize(d.draw("ABCDEF"), (2, 40))), "tiny image", 1),
    "white": (lambda d: d.encode(np.full((40, 120), 255, np.uint8)), "blank image", 1),
    "black": (lambda d: d.encode(np.zeros((40, 120), np.uint8)), "blank image", 1),
    "bare paper": (lambda d: d.encode(_speckled((40, 120))), "blank image", 1),
    "a banner": (lambda d: d.encode(d.draw("ABCDEF" * 25)), "extreme proportions", 0),
    "turned left": (lambda d: d.encode(np.rot90(d.draw("ABCDEF"))), "sideways", 0),
    "two lines": (lambda d: d.encode(np.vstack([d.draw("ABCDEF"), d.draw("GHIJKL")])), "two lines", 0),
    "two lines, light on dark": (
        lambda d: d.encode(255 - np.vstack([d.draw("ABCDEF"), d.draw("GHIJKL")])), "two lines", 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("make", "finding", "code"), IMAGES.values(), ids=IMAGES)
def test_a_bad_image(make: Callable[[Any], bytes | None], finding: str, code: int, desk: Any) -> None:
    found_code, findings = check(desk.write("set", desk.good() | {"bad.png": ("ABCDEF", make(desk))}))
    for also in {"too long for the width", "sideways"} - {finding}:  # of what is tiny or on its side
        findings.pop(also, None)
    assert (found_code, findings) == (code, {finding: 1})


def test_a_label_longer_than_its_image(desk: Any) -> None:
    rows = desk.good() | {"bad.png": ("7 DAYS WITH RECEIPT", desk.encode(desk.draw("T1")[:, :48]))}
    assert check(desk.write("set", rows)) == (1, {"too long for the width": 1})


def test_neither_label_nor_ink_is_not_ink_without_a_label(desk: Any) -> None:
    rows = desk.good() | {
        "blank.png": ("", desk.encode(np.full((40, 120), 255, np.uint8))),
        "inked.png": ("", desk.encode(desk.draw("ABCDEF"))),
        "gone.png": ("", None),
    }
    assert check(desk.write("set", rows)) == (1, {"no text": 2, "ink without text": 1})


def test_ink_without_a_label_in_an_lmdb(desk: Any) -> None:
    folder = desk.folder / "lmdb"
    with lmdb.open(str(folder), lock=False) as environment, environment.begin(write=True) as transaction:
        for number, text in enumerate(["TOTAL", ""], start=1):
            transaction.put(b"image-%09d" % number, desk.encode(desk.draw("TOTAL" if text else "CASH")))
            transaction.put(b"label-%09d" % number, text.encode())
        transaction.put(b"num-samples", b"2")
    assert check(folder) == (1, {"ink without text": 1})


def test_one_image_with_two_labels(desk: Any) -> None:
    rows = desk.good() | {"again.png": desk.line("TOTAL", "TOTAI")}
    assert check(desk.write("set", rows)) == (1, {"conflicting labels": 2})


def test_one_image_with_labels_that_only_differ_in_form_has_no_conflict(desk: Any) -> None:
    rows = desk.good() | {"again.png": desk.line("TOTAL", "TOTAL ")}
    assert check(desk.write("set", rows)) == (0, {"duplicate": 1, "edge or doubled space": 1})


def test_the_same_line_twice_whatever_its_file_format(desk: Any) -> None:
    rows = desk.good() | {"again.bmp": ("TOTAL", desk.encode(desk.draw("TOTAL"), ".bmp"))}
    assert check(desk.write("set", rows)) == (0, {"duplicate": 1})


def test_a_copy_saved_anew_is_a_near_duplicate(desk: Any) -> None:
    rows = desk.good() | {"again.jpg": ("TOTAL", desk.encode(desk.draw("TOTAL"), ".jpg", quality=60))}
    assert check(desk.write("set", rows)) == (0, {"near-duplicate": 1})


def test_a_validation_line_that_is_trained_on(desk: Any) -> None:
    train = desk.write("train", desk.good())
    val = desk.write("val", {"a.png": desk.line("TOTAL"), "b.png": desk.line("VISA 4")})
    code, findings = check(train, "--val", str(val), "--difference", "0.5")
    assert (code, findings) == (1, {"in train and validation": 1})


def test_a_validation_line_whose_copy_is_trained_on(desk: Any) -> None:
    train = desk.write("train", desk.good())
    val = desk.write("val", {"a.jpg": ("TOTAL", desk.encode(desk.draw("TOTAL"), ".jpg", quality=60))})
    code, findings = check(train, "--val", str(val), "--difference", "1")
    assert (code, findings) == (0, {"nearly in train and validation": 1})


def test_a_validation_set_too_small_for_the_difference(desk: Any) -> None:
    train = desk.write("train", desk.good())
    val = desk.write("val", {"b.png": desk.line("VISA 4")})
    assert check(train, "--val", str(val)) == (0, {"small validation set": 1})


def test_a_symbol_that_is_never_trained_on(desk: Any) -> None:
    train = desk.write("train", desk.good())
    val = desk.write("val", {"b.png": desk.line("VISA 4", "VISÅ 4")})
    assert check(train, "--val", str(val), "--difference", "1") == (0, {"symbol only in validation": 1})


def test_rare_symbols(desk: Any) -> None:
    rows = {f"{i}.png": desk.line("AB" + "A" * i) for i in range(5)} | {"q.png": desk.line("AQAB", "AQA")}
    assert check(desk.write("set", rows), rare=2) == (0, {"rare symbol": 1})


def test_a_symbol_that_the_model_does_not_know(desk: Any, block_onnx: Path) -> None:
    rows = {f"{i}.png": desk.line("abc" + "ab" * i) for i in range(3)} | {"x.png": desk.line("abcx")}
    assert check(desk.write("set", rows), "--model", str(block_onnx)) == (1, {"unknown symbol": 1})


def test_the_bar_is_a_share_of_each_set(desk: Any) -> None:
    folder = desk.write("set", desk.good() | {"gone.png": ("ABC", None)})
    assert check(folder, "--max-bad", "0.07")[0] == 1  # 1 of 13 is 7.7 %
    assert check(folder, "--max-bad", "0.08")[0] == 0


UNREADABLE: Mapping[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "not UTF-8": (b"a.png\tCAF\xe9\n", "not UTF-8"),
    "no separator": (b"a.png\nb.png\n", "neither a TAB nor a space"),
    "no image anywhere": (b"a.png\tTOTAL\nb.png\tCASH\n", "give their folder with --images DIR"),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_labels_that_cannot_be_read(
    content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.txt").write_bytes(content)
    assert main(["data", "check", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "needs labelled lines"),
        (("nowhere",), "there is no nowhere"),
        (("set", "--max-bad", "2"), "--max-bad 2: give a fraction"),
        (("set", "--max-bad", "nan"), "--max-bad nan: give a fraction"),
        (("set", "--difference", "0"), "--difference 0: give a fraction"),
        (("set", "--model", "nowhere"), "there is no model 'nowhere'"),
        (("set", "--json", "set/labels.txt"), "exists already"),
    ],
)
def test_wrong_usage(
    options: tuple[str, ...],
    message: str,
    desk: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    desk.write("set", desk.good())
    monkeypatch.chdir(desk.folder)
    assert main(["data", "check", *options]) == 2
    assert message in capsys.readouterr().err
