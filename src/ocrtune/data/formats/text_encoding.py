"""The encoding of a label file: certain by its mark or as UTF-8, otherwise guessed, and said to be a guess.

A label file is short and mostly ASCII, on which general detectors are often wrong: of files with 10 lines,
charset-normalizer 3.5 told 15 % of the Norwegian and none of the Chinese licence plate ones (measured, log
2026-11-22). Here few encodings are tried, and each is judged by what real words look like in it.
"""

from __future__ import annotations

import codecs
import itertools
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ocrtune.data.label_file import LABEL_FILE_LIMIT
from ocrtune.errors import InputError

_SAMPLE_SYMBOLS = 100_000
"""Of a file, by which an encoding is judged."""

_PLAUSIBLE = 0.7
"""Share of the non-ASCII symbols that must look right; right guesses have over 0.9, wrong ones under 0.5."""

_KOREAN_SYMBOLS = 8
"""Different ones before cp949 is taken where gb18030 fits too: 0.6 of Chinese symbols also look Korean."""

_EXAMPLE = 40
"""Symbols of the text that is shown with a guess."""

_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_WESTERN = frozenset("àáâãäåæçèéêëíîïñòóôõöøùúûüœšžßÀÁÂÃÄÅÆÇÈÉÊËÍÎÏÑÓÔÕÖØÙÚÛÜŒŠŽ")
_CENTRAL = frozenset("áâăäąćčçďđéęëěíîĺľłńňóôőöŕřśšşťţúůűüýźżžßÁÂĂÄĄĆČÇĎĐÉĘËĚÍÎĹĽŁŃŇÓÔŐÖŔŘŚŠŞŤŢÚŮŰÜÝŹŻŽ")
_TURKISH = frozenset("âçğıîöşüûÂÇĞİÎÖŞÜÛ")
_LATIN_SIGNS = frozenset("€£§°«»–—‘’‚“”„…·½¼¾®™©¡¿²³µ±×№\xa0")
_INSIDE_WORDS = frozenset("’·–")


@dataclass(frozen=True, slots=True)
class DecodedText:
    """The text of a label file and how it was decoded."""

    text: str
    """Without a byte order mark; line ends as they are."""
    note: str
    """A clause for the user; empty for plain UTF-8."""


@dataclass(frozen=True, slots=True)
class Guess:
    """An encoding that was not certain."""

    encoding: str
    note: str
    """A clause for the user, with a text to judge it by."""


def read_label_bytes(path: Path) -> bytes:
    """The bytes of a label file.

    Raises:
        InputError: it cannot be read, or is over `LABEL_FILE_LIMIT`.
    """
    try:
        if path.stat().st_size > LABEL_FILE_LIMIT:
            raise InputError(
                f"{path} is over {LABEL_FILE_LIMIT >> 30} GiB; split it into several label files"
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the label file {path}: {error.strerror}") from error


def decode_text(
    content: bytes,
    where: str,
    encoding: str | None = None,
    guess: Callable[[], Guess | None] | None = None,
) -> DecodedText:
    """Decode a label file.

    Args:
        content: its bytes.
        where: names it in errors.
        encoding: a codec of Python; found if not given.
        guess: called where the encoding is not certain, to guess from more than this file.

    Raises:
        InputError: it cannot be decoded, or nothing plausible comes out.
    """
    if encoding is not None:
        return DecodedText(_decode_as(content, where, encoding), f"encoding {encoding}, as given")
    for mark, name in _MARKS:
        if content.startswith(mark):
            return DecodedText(_decode_as(content, where, name), f"encoding {name} by its byte order mark")
    if b"\0" in content:
        return _without_mark(content, where)
    try:
        return DecodedText(content.decode("utf-8"), "")
    except UnicodeDecodeError as error:
        guessed = guess_encoding(content) if guess is None else guess()
        if guessed is None:
            line = content.count(b"\n", 0, error.start) + 1
            raise InputError(
                f"{where}:{line}: not UTF-8 (byte {error.start}), and no other encoding gives plausible "
                "texts; give its --encoding"
            ) from error
        return DecodedText(_decode_as(content, where, guessed.encoding), guessed.note)


def is_certain(content: bytes) -> bool:
    """Whether `decode_text` needs no guess among the code pages."""
    if b"\0" in content or content.startswith(codecs.BOM_UTF8):
        return True
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decode_as(content: bytes, where: str, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{where}:{line}: not {encoding} (byte {error.start}); give its --encoding"
        ) from error
    except (LookupError, ValueError) as error:  # ValueError: a name with a NUL
        raise InputError(f"--encoding {encoding!r} is none; give one such as cp1252 or gb18030") from error


def _without_mark(content: bytes, where: str) -> DecodedText:
    """UTF-16 whose mark is missing: the ASCII of paths has a zero in every second byte."""
    for name, zeros in (("utf-16-le", content[1::2]), ("utf-16-be", content[::2])):
        if 4 * zeros.count(0) > len(zeros):
            text = _decode_as(content, where, name)
            return DecodedText(text, f"encoding {name}, guessed: it has no byte order mark")
    raise InputError(f"{where} holds NUL bytes, so it is no text; give a label file, or its --encoding")


def guess_encoding(content: bytes) -> Guess | None:
    """The encoding in which text that is not UTF-8 looks right; None where it does in none."""
    scored = []
    for name, score in _CANDIDATES.items():
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        scored.append((score(text[:_SAMPLE_SYMBOLS]), name, text))
    scored.sort(key=lambda entry: -entry[0])  # stable: the order of the candidates breaks ties
    if not scored or scored[0][0] < _PLAUSIBLE:
        return None
    _, name, text = scored[0]
    note = f"encoding {name}, guessed from texts such as “{_example(text)}”"
    others = [other for score, other, _ in scored[1:] if score >= _PLAUSIBLE]
    if others:
        note += f" ({', '.join(others)} would fit too)"
    return Guess(name, f"{note}; if that is wrong, give --encoding")


def _example(text: str) -> str:
    """The part of the first line that has a symbol outside ASCII, and what is around it."""
    position = next(i for i, symbol in enumerate(text) if not symbol.isascii())
    start = (
        max(text.rfind("\n", 0, position), text.rfind("\t", 0, position), position - _EXAMPLE // 2 - 1) + 1
    )
    end = text.find("\n", position)
    return text[start : min(end if end >= 0 else len(text), start + _EXAMPLE)].strip()


def _words(text: str) -> list[str]:
    return ["".join(group) for letter, group in itertools.groupby(text, str.isalpha) if letter]


def _share(good: int, total: int) -> float:
    return good / total if total else 0.0


def _latin(letters: frozenset[str]) -> Callable[[str], float]:
    """Judges a Latin code page: its letters in words with ASCII ones, small after capital, known signs."""

    def score(text: str) -> float:
        good = total = 0
        for word in _words(text):
            foreign = [symbol for symbol in word if not symbol.isascii()]
            odd = any(a.islower() and b.isupper() for a, b in itertools.pairwise(word))
            odd |= len(foreign) == len(word) > 3
            total += len(foreign)
            good += 0 if odd else sum(symbol in letters for symbol in foreign)
        for before, sign, after in zip("\n" + text, text, text[1:] + "\n", strict=False):
            if not sign.isascii() and not sign.isalpha():
                total += 1
                inside = before.isalpha() and after.isalpha()
                good += sign in (_INSIDE_WORDS if inside else _LATIN_SIGNS)
        return _share(good, total)

    return score


def _alphabet(script: str) -> Callable[[str], float]:
    """Judges a code page of another alphabet: whole words in it, no capital after a small letter."""

    def score(text: str) -> float:
        good = total = 0
        for word in _words(text):
            foreign = [symbol for symbol in word if not symbol.isascii()]
            odd = any(a.islower() and b.isupper() for a, b in itertools.pairwise(word))
            total += len(foreign)
            if len(foreign) == len(word) > 1 and not odd:
                good += sum(unicodedata.name(symbol, "").startswith(script) for symbol in foreign)
        signs = [symbol for symbol in text if not symbol.isascii() and not symbol.isalpha()]
        return _share(good + sum(sign in _LATIN_SIGNS for sign in signs), total + len(signs))

    return score


def _two_bytes(codec: str, leads: tuple[int, int], signs: tuple[int, int]) -> Callable[[str], float]:
    """Judges an East Asian encoding: what its standard ranks as frequent, by the first byte in `codec`."""

    def score(text: str) -> float:
        foreign = [symbol for symbol in text if not symbol.isascii()]
        firsts = [symbol.encode(codec, "ignore") for symbol in foreign]
        frequent = [f for f in firsts if len(f) == 2 and leads[0] <= f[0] <= leads[1]]
        good = sum(len(f) == 2 and signs[0] <= f[0] <= signs[1] for f in firsts) + len(frequent)
        return _share(good, len(foreign)) if frequent else 0.0

    return score


def _korean(text: str) -> float:
    foreign = {symbol for symbol in text if not symbol.isascii()}
    score = _two_bytes("euc_kr", (0xB0, 0xC8), (0xA1, 0xA3))(text)
    return score if len(foreign) >= _KOREAN_SYMBOLS else score * 0.99


_CANDIDATES: dict[str, Callable[[str], float]] = {
    "cp1252": _latin(_WESTERN),
    "cp1254": _latin(_TURKISH),  # before cp1250, whose letters are more
    "cp1250": _latin(_CENTRAL),
    "cp1251": _alphabet("CYRILLIC"),
    "cp1253": _alphabet("GREEK"),
    "cp1255": _alphabet("HEBREW"),
    "cp1256": _alphabet("ARABIC"),
    "cp949": _korean,
    "gb18030": _two_bytes("gb2312", (0xB0, 0xD7), (0xA1, 0xA3)),
    "big5": _two_bytes("big5", (0xA4, 0xC6), (0xA1, 0xA3)),
    "cp932": _two_bytes("cp932", (0x82, 0x97), (0x81, 0x82)),
}
"""Encoding to a judge of a text decoded with it: the share of its non-ASCII symbols that look right, 0..1."""
