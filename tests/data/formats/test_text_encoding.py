"""Encodings of label files: what is certain, what is guessed, and that a guess is said to be one."""

from __future__ import annotations

import pytest

from ocrtune.data.formats.text_encoding import decode_text
from ocrtune.errors import InputError


def labels(*texts: str) -> str:
    return "".join(f"images/{i:04d}.png\t{text}\n" for i, text in enumerate(texts))


@pytest.mark.parametrize(
    ("encoding", "texts"),
    [
        ("cp1252", ["Rømmegrøt 3 stk", "Å betale kr 129,90", "SUM"]),
        ("cp1252", ["Archives départementales", "n° 12", "le préfet à Paris"]),
        ("cp1250", ["Żółty ser 200 g", "Dziękujemy!", "Mleko świeże"]),
        ("cp1254", ["Teşekkür ederiz", "Kağıt", "İstanbul"]),
        ("cp1251", ["Итого 129,90", "Спасибо за покупку", "Молоко 1 л"]),
        ("cp1253", ["Ευχαριστούμε", "Σύνολο", "Γάλα 1L", "Ψωμί"]),
        # One Chinese symbol per line, which general detectors take for Japanese.
        ("gbk", ["皖AB3U58", "皖A1M880", "苏E05EV8"]),
        ("gb18030", ["总计 129.90元", "欢迎光临", "牛奶 1L"]),
        ("big5", ["總計 129.90元", "歡迎光臨", "牛奶 1L"]),
        ("cp932", ["合計 1,290円", "ありがとうございました", "パン"]),
        ("cp949", ["합계 12,900원", "감사합니다", "우유 1리터"]),
    ],
)
def test_short_label_files_are_told_and_said_to_be_guessed(encoding: str, texts: list[str]) -> None:
    decoded = decode_text(labels(*texts).encode(encoding), "labels.txt")
    assert decoded.text == labels(*texts)
    assert decoded.note.startswith("encoding ")
    assert "guessed from texts such as “" in decoded.note
    assert decoded.note.endswith("if that is wrong, give --encoding")


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", ""),
        ("utf-8-sig", "encoding utf-8-sig by its byte order mark"),
        ("utf-16", "encoding utf-16 by its byte order mark"),
        ("utf-32", "encoding utf-32 by its byte order mark"),
        ("utf-16-le", "encoding utf-16-le, guessed: it has no byte order mark"),
        ("utf-16-be", "encoding utf-16-be, guessed: it has no byte order mark"),
    ],
)
def test_unicode_is_certain_by_its_mark(encoding: str, note: str) -> None:
    decoded = decode_text(labels("Blåbær", "皖A").encode(encoding), "labels.txt")
    assert (decoded.text, decoded.note) == (labels("Blåbær", "皖A"), note)


def test_the_note_shows_what_a_wrong_guess_would_make_visible() -> None:
    decoded = decode_text(labels("SUM", "Rømmegrøt").encode("cp1252"), "labels.txt")
    assert "“Rømmegrøt” (cp1250 would fit too)" in decoded.note


def test_a_given_encoding_is_taken_and_must_fit() -> None:
    content = labels("Rømme").encode("cp1252")
    assert decode_text(content, "x", "cp1250").text == labels("Rřmme")
    with pytest.raises(InputError, match=r"^l\.txt:2: not utf-8 \(byte 22\); give its --encoding"):
        decode_text(b"images/0.png\tok\n1.png\t\xf8\n", "l.txt", "utf-8")
    with pytest.raises(InputError, match="--encoding 'klingon' is none; give one such as cp1252"):
        decode_text(content, "x", "klingon")


@pytest.mark.parametrize(
    "content", ["a.png\tRømmegrøt\n".encode() + b"b.png\t\xff\n", b"\x89PNG\r\n\x1a\n\0\0\0\0IHDR"]
)
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="--encoding"):
        decode_text(content, "labels.txt")
