"""The charset: which symbols a model knows and in which order. It travels with the weights.

Blank and end-of-sequence classes are not part of it; `decoding.py` owns those offsets.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

from ocrtune.errors import InputError

NormalForm = Literal["NFC", "NFD", "NFKC", "NFKD"]

PRINTABLE_ASCII = tuple(chr(code) for code in range(0x20, 0x7F))

CHARSET_LIMIT = 2**20
"""Bytes of a charset file that is read at all; the 18,709 symbols of the largest known one take 0.1 MiB."""


class UnknownSymbolError(InputError):
    """A text holds symbols that the charset does not have."""

    def __init__(self, symbols: Sequence[str], text: str) -> None:
        self.symbols = tuple(symbols)
        self.text = text
        named = ", ".join(f"{s!r} (U+{ord(s[0]):04X})" for s in symbols)
        super().__init__(f"the charset has no {named}, needed for {text!r}")

    def __reduce__(self) -> tuple[type[UnknownSymbolError], tuple[tuple[str, ...], str]]:
        # Exceptions are rebuilt from their message by default, which is not what __init__ takes.
        return type(self), (self.symbols, self.text)


class Charset:
    """Ordered, distinct symbols. A symbol is usually one code point and may be a grapheme.

    Texts are brought to `normal_form` before they are encoded, so that "å" typed as one code
    point or as "a" plus ring is the same label.
    """

    def __init__(self, symbols: Iterable[str], normal_form: NormalForm = "NFC") -> None:
        self.symbols = tuple(symbols)
        if normal_form not in get_args(NormalForm):
            raise InputError(f"normal form {normal_form!r} is none of {get_args(NormalForm)}")
        self.normal_form: NormalForm = normal_form
        self._index = {symbol: i for i, symbol in enumerate(self.symbols)}
        if "" in self._index:
            raise InputError("a charset holds an empty symbol; remove the empty line")
        if len(self._index) != len(self.symbols):
            seen: set[str] = set()
            twice = sorted({s for s in self.symbols if s in seen or seen.add(s)})  # type: ignore[func-returns-value]
            raise InputError(f"a charset holds {', '.join(map(repr, twice))} more than once")
        self._longest = max(map(len, self.symbols), default=1)

    def __len__(self) -> int:
        return len(self.symbols)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._index

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Charset):
            return NotImplemented
        return self.symbols == other.symbols and self.normal_form == other.normal_form

    def __hash__(self) -> int:
        return hash((self.symbols, self.normal_form))

    def __repr__(self) -> str:
        shown = "".join(self.symbols[:20])
        return f"Charset({len(self)} symbols: {shown!r}{'…' if len(self) > 20 else ''})"

    @property
    def digest(self) -> str:
        """SHA-256 over the normal form and the ordered symbols."""
        content = "\0".join((self.normal_form, *self.symbols))
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()

    @classmethod
    def from_texts(cls, texts: Iterable[str], *, extra: Iterable[str] = ()) -> Charset:
        """The code points of `texts` (NFC) and `extra`, sorted by code point."""
        found = set(extra)
        for text in texts:
            found.update(unicodedata.normalize("NFC", text))
        return cls(sorted(found))

    @classmethod
    def from_file(cls, path: Path) -> Charset:
        """Read a UTF-8 list: one symbol per line (a line holding one space is the space).

        A file of a single line lists its code points side by side.

        Raises:
            InputError: the file is missing, over `CHARSET_LIMIT`, empty, not UTF-8 or names a symbol twice.
        """
        try:
            if path.stat().st_size > CHARSET_LIMIT:
                raise InputError(f"{path} is over {CHARSET_LIMIT >> 20} MiB: not a charset file")
            content = unicodedata.normalize("NFC", path.read_bytes().decode("utf-8-sig"))
        except OSError as error:
            raise InputError(
                f"cannot read the charset file {path}: {error.strerror}; give one with a symbol per line"
            ) from error
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
        lines = [line.removesuffix("\r") for line in content.split("\n")]
        if lines[-1] == "":
            lines.pop()
        if not any(lines):
            raise InputError(f"the charset file {path} is empty; write one symbol per line")
        place = "line"
        if len(lines) == 1:
            place, lines = "column", list(lines[0])
        first_line: dict[str, int] = {}
        for number, symbol in enumerate(lines, start=1):
            if symbol == "":
                raise InputError(f"{path}:{number}: an empty line; remove it, or write one space")
            if symbol in first_line:
                raise InputError(
                    f"{path}: {symbol!r} stands in {place} {first_line[symbol]} and again in {place} "
                    f"{number}; remove one"
                )
            first_line[symbol] = number
        return cls(lines)

    def normalise(self, text: str) -> str:
        """Bring `text` to the normal form of this charset."""
        return unicodedata.normalize(self.normal_form, text)

    def encode(self, text: str) -> list[int]:
        """Symbol indices of `text`, longest symbol first.

        Raises:
            UnknownSymbolError: naming every symbol of `text` that is not here.
        """
        indices: list[int] = []
        for index in self.encode_with_gaps(text):
            if index is None:
                raise UnknownSymbolError(self.unknown(text), text)
            indices.append(index)
        return indices

    def encode_with_gaps(self, text: str) -> list[int | None]:
        """Symbol indices of `text`, longest symbol first; None for each code point that is not here."""
        return [index for index, _ in self._scan(text)]

    def unknown(self, text: str) -> list[str]:
        """The distinct symbols of `text` that are not here, in order of appearance."""
        return list(dict.fromkeys(symbol for index, symbol in self._scan(text) if index is None))

    def _scan(self, text: str) -> Iterator[tuple[int | None, str]]:
        text = self.normalise(text)
        position = 0
        while position < len(text):
            for length in range(min(self._longest, len(text) - position), 0, -1):
                symbol = text[position : position + length]
                if symbol in self._index:
                    yield self._index[symbol], symbol
                    break
            else:
                symbol = text[position]
                yield None, symbol
            position += len(symbol)

    def decode(self, indices: Iterable[int]) -> str:
        """The text of symbol indices."""
        return "".join(self.symbols[i] for i in indices)

    def union(self, other: Charset) -> Charset:
        """These symbols in this order, then those only `other` has."""
        return Charset((*self.symbols, *(s for s in other.symbols if s not in self)), self.normal_form)

    def shared_rows(self, other: Charset) -> list[tuple[int, int]]:
        """Pairs (index here, index in `other`) of the symbols that both have."""
        return [(i, other._index[s]) for i, s in enumerate(self.symbols) if s in other._index]
