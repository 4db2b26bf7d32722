"""The charset: what it refuses, how texts become indices and back, and the files it is read from."""

from __future__ import annotations

import copy
import pickle
import string
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocrtune.charset import CHARSET_LIMIT, PRINTABLE_ASCII, Charset, UnknownSymbolError
from ocrtune.errors import InputError

DECOMPOSED_E = "e\N{COMBINING ACUTE ACCENT}"


def test_printable_ascii_is_the_space_and_everything_visible() -> None:
    assert len(PRINTABLE_ASCII) == 95
    assert "".join(PRINTABLE_ASCII[:3]) == ' !"'
    assert set(string.ascii_letters + string.digits + string.punctuation) < set(PRINTABLE_ASCII)


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        ("abca", "a charset holds 'a' more than once"),
        # All of them, in one message.
        ("babxa", "a charset holds 'a', 'b' more than once"),
        (["a", ""], "a charset holds an empty symbol; remove the empty line"),
    ],
)
def test_symbols_are_distinct_and_not_empty(symbols: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Charset(symbols)
    assert str(caught.value) == message


def test_an_unknown_normal_form_is_refused() -> None:
    with pytest.raises(InputError, match="normal form 'NFX' is none of"):
        Charset("ab", "NFX")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("symbols", "text", "indices"),
    [
        (["a", "b", " "], "ab a", [0, 1, 2, 0]),
        (["a"], "", []),
        # The longest symbol wins wherever it fits.
        (["f", "i", "ffi", "ff"], "ffif", [2, 0]),
        (["f", "i", "ffi", "ff"], "fffi", [3, 0, 1]),
        # A grapheme that NFC has no single code point for.
        (["x", "x\u0301"], "xx\u0301x", [0, 1, 0]),
        # One label, whichever way it was typed.
        (["é", "e"], "é" + DECOMPOSED_E + "e", [0, 0, 1]),
        # Beyond the basic plane.
        (["𝛼", "😀"], "😀𝛼", [1, 0]),
    ],
)
def test_encode(symbols: list[str], text: str, indices: list[int]) -> None:
    charset = Charset(symbols)
    assert charset.encode(text) == indices
    assert charset.decode(indices) == unicodedata.normalize("NFC", text)


def test_a_decomposed_charset_decomposes_texts() -> None:
    charset = Charset(["e", "\N{COMBINING ACUTE ACCENT}"], "NFD")
    assert charset.encode("é") == [0, 1]
    assert charset.normalise("é") == DECOMPOSED_E


@given(st.text((*PRINTABLE_ASCII, "ø", "é", "ﬁ", "中"), max_size=30))
def test_what_is_encoded_is_decoded(text: str) -> None:
    charset = Charset((*PRINTABLE_ASCII, "é", "ø", "ﬁ", "中"))
    assert charset.decode(charset.encode(text)) == text


def test_an_unknown_symbol_is_named_with_its_text() -> None:
    """Every one of them, once, in order of appearance: people add them all at one time."""
    charset = Charset("abc")
    with pytest.raises(UnknownSymbolError) as caught:
        charset.encode("aøb€ø")
    assert caught.value.symbols == ("ø", "€")
    assert str(caught.value) == "the charset has no 'ø' (U+00F8), '€' (U+20AC), needed for 'aøb€ø'"
    assert charset.unknown("aøb€ø") == ["ø", "€"]
    assert charset.unknown("cab") == []


@pytest.mark.parametrize("through", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy])
def test_an_unknown_symbol_error_comes_out_of_a_worker_process_whole(through) -> None:  # type: ignore[no-untyped-def]
    """It once was rebuilt from its message alone, and a TypeError hid which symbol was missing."""
    error = UnknownSymbolError(["ø"], "smør")
    again = through(error)
    assert type(again) is UnknownSymbolError
    assert (again.symbols, again.text, str(again)) == (("ø",), "smør", str(error))


@pytest.mark.parametrize(
    ("content", "symbols"),
    [
        (b"a\nb\nc\n", "abc"),
        # The last line end is optional.
        (b"a\nb", "ab"),
        # From Windows: a byte order mark, CRLF.
        (b"\xef\xbb\xbfa\r\nb\r\n \r\n", "ab "),
        # A line that holds one space is the space, also as the last.
        (b"a\n \n", "a "),
        # One line: its code points side by side, the space among them.
        (b"abc de\n", "abc de"),
        (b"\xef\xbb\xbfab\r\n", "ab"),
        # Order is the file's, not the alphabet's.
        ("ø\nå\na\n".encode(), "øåa"),
        # Decomposed in the file, composed in the charset: in a list and side by side.
        (f"{DECOMPOSED_E}\nb\n".encode(), "éb"),
        (f"b{DECOMPOSED_E}\n".encode(), "bé"),
        # These end a line in str.splitlines() and are symbols here.
        ("a\n\u2028\n\x0c\n".encode(), "a\u2028\x0c"),
    ],
)
def test_charset_file(tmp_path: Path, content: bytes, symbols: str) -> None:
    path = tmp_path / "charset.txt"
    path.write_bytes(content)
    assert Charset.from_file(path).symbols == tuple(symbols)


def test_a_charset_file_may_hold_graphemes(tmp_path: Path) -> None:
    path = tmp_path / "charset.txt"
    path.write_text("x\nx\u0301\n", encoding="utf-8")
    assert Charset.from_file(path).symbols == ("x", "x\u0301")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the charset file {path} is empty; write one symbol per line"),
        (b"\xef\xbb\xbf", "the charset file {path} is empty; write one symbol per line"),
        # Only line ends: this once was a charset without symbols.
        (b"\n", "the charset file {path} is empty; write one symbol per line"),
        (b"\r\n\r\n", "the charset file {path} is empty; write one symbol per line"),
        (b"a\n\nb\n", "{path}:2: an empty line; remove it, or write one space"),
        (b"a\nb\n\n", "{path}:3: an empty line; remove it, or write one space"),
        (b"a\nb\na\n", "{path}: 'a' stands in line 1 and again in line 3; remove one"),
        (b"abcb\n", "{path}: 'b' stands in column 2 and again in column 4; remove one"),
        # The same symbol in two spellings.
        (f"é\n{DECOMPOSED_E}\n".encode(), "{path}: 'é' stands in line 1 and again in line 2; remove one"),
        (b"a\n\xe9\n", "{path} is not UTF-8 (byte 2); save it as UTF-8"),
        ("a\nb\n".encode("utf-16"), "{path} is not UTF-8 (byte 0); save it as UTF-8"),
        (b"a" * (CHARSET_LIMIT + 1), "{path} is over 1 MiB: not a charset file"),
        (
            None,
            "cannot read the charset file {path}: No such file or directory; give one with a symbol per line",
        ),
    ],
)
def test_charset_file_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "charset.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        Charset.from_file(path)
    assert str(caught.value).startswith(message.format(path=path))
    assert "\n" not in str(caught.value)


def test_from_texts_sorts_the_composed_code_points() -> None:
    charset = Charset.from_texts([f"b{DECOMPOSED_E}b", "a"], extra="z ")
    assert charset.symbols == (" ", "a", "b", "z", "é")


def test_union_appends_what_is_new_and_moves_nothing() -> None:
    assert Charset("ca", "NFKC").union(Charset("abcd")) == Charset("cabd", "NFKC")


def test_shared_rows_pair_the_two_indices_of_a_symbol() -> None:
    assert Charset("abc").shared_rows(Charset("xcb")) == [(1, 2), (2, 1)]


@pytest.mark.parametrize(
    "other",
    [
        Charset("ba"),  # order counts
        Charset("ab", "NFKC"),  # so does the normal form
        Charset(["ab"]),  # and where one symbol ends
        Charset("abc"),
    ],
)
def test_equality_and_digest_agree(other: Charset) -> None:
    charset = Charset("ab")
    assert charset == Charset(["a", "b"])
    assert hash(charset) == hash(Charset(["a", "b"]))
    assert charset.digest == Charset(["a", "b"]).digest
    assert charset != other
    assert charset.digest != other.digest
    assert charset != "ab"


def test_membership_and_a_short_repr() -> None:
    charset = Charset(PRINTABLE_ASCII)
    assert len(charset) == 95
    assert "a" in charset
    assert "ø" not in charset
    assert repr(Charset("ab")) == "Charset(2 symbols: 'ab')"
    assert repr(charset) == "Charset(95 symbols: ' !\"#$%&\\'()*+,-./0123'…)"


def test_gaps_stand_for_what_is_not_there() -> None:
    assert Charset(["a", "ch", "h"]).encode_with_gaps("cach€") == [None, 0, 1, None]
