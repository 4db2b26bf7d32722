"""Charset surgery: give a trained network another charset and keep what it knows.

Rows of class-indexed tensors move by symbol. A new symbol starts from the row of one that looks
like it, else from the mean of all rows with a bias that keeps it quiet until it is taught. Where
only one case of all letters is left, the rows of the other stay as second looks: labels that write
"Total" as "TOTAL" are then read from the first step on.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Literal

import torch
from torch import Tensor, nn

from ocrtune.charset import PRINTABLE_ASCII, Charset
from ocrtune.decoding import ClassLayout
from ocrtune.models import FED, HEAD
from ocrtune.models.head import Head

LOOK_ALIKES = {
    "ø": "o", "Ø": "O", "æ": "e", "Æ": "E", "œ": "e", "Œ": "E", "ß": "B", "ẞ": "B", "đ": "d", "Đ": "D",
    "ð": "d", "Ð": "D", "þ": "p", "Þ": "P", "ł": "l", "Ł": "L", "ħ": "h", "Ħ": "H", "ŧ": "t", "Ŧ": "T",
    "ı": "i", "ſ": "f", "ŋ": "n", "Ŋ": "N", "ə": "e", "Ə": "e",
    # Cyrillic
    "А": "A", "В": "B", "Е": "E", "К": "K", "М": "M", "Н": "H", "О": "O", "Р": "P", "С": "C", "Т": "T",
    "У": "Y", "Х": "X", "З": "3", "Ч": "4", "Б": "6", "І": "I", "Ј": "J", "Ѕ": "S", "а": "a", "в": "B",
    "е": "e", "к": "k", "м": "M", "н": "H", "о": "o", "р": "p", "с": "c", "т": "T", "у": "y", "х": "x",
    "з": "3", "ч": "4", "б": "6", "и": "u", "п": "n", "г": "r", "і": "i", "ј": "j", "ѕ": "s",
    # Greek
    "Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I", "Κ": "K", "Μ": "M", "Ν": "N", "Ο": "O",
    "Ρ": "P", "Τ": "T", "Υ": "Y", "Χ": "X", "ο": "o", "ν": "v", "ρ": "p", "υ": "u", "κ": "k", "ι": "i",
    # punctuation and signs
    "„": '"', "“": '"', "”": '"', "«": "<", "»": ">", "‹": "<", "›": ">", "‚": ",", "‘": "'", "’": "'",
    "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "…": ".", "·": ".", "•": ".", "№": "N", "₽": "P",
    "₹": "R", "₴": "e", "₺": "t", "\u00a0": " ",
}  # fmt: skip
"""New symbol to a symbol it resembles, where Unicode's own decomposition does not say."""

Case = Literal["upper", "lower"]

CASE_LETTERS = 200
"""Letters of one case after which the other is missed on purpose: of ordinary text, 5 % are capitals."""

UNTAUGHT_BIAS = -2.0
"""Added to the mean bias of a symbol without a look-alike: it must not win before it is taught."""


@dataclass(frozen=True, slots=True)
class CharsetChange:
    """What became of the symbols."""

    kept: tuple[str, ...]
    added: dict[str, str | None]
    """New symbol to the symbol its row was copied from, or None."""
    dropped: tuple[str, ...]
    either_case: tuple[str, ...] = ()
    """Letters that the network also knows in the other case, which it reads as them."""

    def summary(self) -> str:
        """One line: counts, and the added symbols with what they start from."""
        added = ", ".join(f"{new} from {old}" if old else new for new, old in self.added.items())
        return (
            f"charset: {len(self.kept)} symbols kept, {len(self.added)} added"
            f"{f' ({added})' if added else ''}, {len(self.dropped)} dropped"
            f"{f', {len(self.either_case)} letters read in either case' if self.either_case else ''}"
        )


def look_alike(symbol: str, known: Charset) -> str | None:
    """A symbol of `known` that looks like `symbol`: with fewer of its marks, from the table, other case."""
    parts = unicodedata.normalize("NFKD", symbol)
    base, marks = parts[0], parts[1:]
    fewer = [
        unicodedata.normalize("NFC", base + "".join(kept))
        for count in reversed(range(1, len(marks)))
        for kept in combinations(marks, count)
    ]
    others = LOOK_ALIKES.get(symbol, ""), LOOK_ALIKES.get(base, ""), symbol.swapcase()
    for candidate in (*fewer, base, *others):
        if candidate and candidate != symbol and candidate in known:
            return candidate
    return None


def resembling(added: Iterable[str], known: Charset) -> list[str]:
    """Letters of `known` that differ from new ones in their marks only, as "å" and "ä" do from "ạ".

    They are what a network takes for a new symbol once it has learned that one.
    """
    unmarked = {_unmarked(symbol) for symbol in added}
    letters = (s for s in known.symbols if s.isalpha() and unicodedata.normalize("NFKC", s) == s)
    return [symbol for symbol in letters if _unmarked(symbol) in unmarked - {symbol}]


def _unmarked(symbol: str) -> str:
    return LOOK_ALIKES.get(symbol) or unicodedata.normalize("NFKD", symbol)[0]


def plan_charset(vocab: str, base: Charset | None, texts: Sequence[str]) -> Charset:
    """The new charset for `--vocab data` or `keep`; symbols the base knows keep its order.

    Args:
        vocab: "data" (labels and printable ASCII, but no capitals or no small letters if enough labels have
            none) or "keep" (labels, printable ASCII and all of the base).
        base: charset of the model that training starts from, or None.
        texts: all training and validation labels.
    """
    extra = PRINTABLE_ASCII
    if vocab == "data":
        missing = missing_case(texts)
        extra = tuple(symbol for symbol in extra if case_of(symbol) != missing or missing is None)
    wanted = Charset.from_texts(texts, extra=extra)
    if base is None:
        return wanted
    if vocab == "keep":
        return base.union(wanted)
    known = tuple(s for s in base.symbols if s in wanted)
    return Charset((*known, *(s for s in wanted.symbols if s not in base)))


def case_of(symbol: str) -> Case | None:
    """The case of a letter that has two."""
    return "upper" if symbol.isupper() else "lower" if symbol.islower() else None


def missing_case(texts: Sequence[str]) -> Case | None:
    """The case that labels do not have, if they have enough letters of the other to tell."""
    cases = {case_of(symbol) for symbol in set().union(*texts)} - {None}
    letters = (symbol for text in texts for symbol in text if case_of(symbol))
    if len(cases) != 1 or len(list(islice(letters, CASE_LETTERS))) < CASE_LETTERS:
        return None
    return "upper" if cases == {"lower"} else "lower"


def without_case(text: str, missing: Case) -> str:
    """`text` with its letters of the `missing` case in the other; those that would become two stay."""
    return "".join(
        other if case_of(symbol) == missing and len(other := symbol.swapcase()) == 1 else symbol
        for symbol in text
    )


def case_pairs(charset: Charset, layout: ClassLayout, texts: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """Classes of each letter that labels of one case have, and of the same letter in the case they lack.

    Args:
        charset: that has both.
        layout: of its classes.
        texts: the labels.

    Returns:
        (class in the labels' case, class in the other) for every letter of the charset; nothing if labels
        have both cases, or too few letters to tell.
    """
    missing = missing_case(texts)
    if missing is None:
        return ()
    others = [
        symbol
        for symbol in charset.symbols
        if case_of(symbol) == missing
        and symbol.swapcase() in charset
        and symbol.swapcase().swapcase() == symbol
    ]
    wanted = layout.to_classes(charset.encode("".join(symbol.swapcase() for symbol in others)))
    return tuple(zip(wanted, layout.to_classes(charset.encode("".join(others))), strict=True))


def change_charset(
    network: nn.Module, old: Charset, new: Charset, layout: ClassLayout
) -> tuple[dict[str, Tensor], tuple[int, ...], CharsetChange]:
    """The state of `network` for charset `new`: every row of every class-indexed tensor follows its symbol.

    Returns:
        The state dict, the `second_looks` of its head, and what became of the symbols.
    """
    head, change = replace_charset(network.head, old, new, layout)
    state: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        if name.startswith(FED):
            state[name] = replace_rows(tensor, old, new, layout)
        elif not name.startswith(HEAD):
            state[name] = tensor
    state |= {HEAD + name: tensor for name, tensor in head.state_dict().items()}
    return state, head.second_looks, change


def replace_rows(table: Tensor, old: Charset, new: Charset, layout: ClassLayout) -> Tensor:
    """(C, D) rows of what a decoder is fed of each class, for charset `new`.

    A new symbol is first taken for its look-alike, or for no symbol in particular: the mean of all.
    """
    rows = dict(zip(old.symbols, layout.to_classes(range(len(old))), strict=True))
    changed = [*table[: layout.specials]]
    for symbol in new.symbols:
        source = symbol if symbol in rows else look_alike(symbol, old)
        changed.append(table[layout.specials :].mean(0) if source is None else table[rows[source]])
    return torch.stack(changed)


def replace_charset(
    head: Head, old: Charset, new: Charset, layout: ClassLayout
) -> tuple[Head, CharsetChange]:
    """A head for charset `new` that keeps every row of `head` whose symbol stays.

    Args:
        head: for `old`.
        old: charset of `head`.
        new: charset wanted.
        layout: of both; special classes (blank, start, end) keep their rows by role.
    """
    rows = dict(zip(old.symbols, layout.to_classes(range(len(old))), strict=True))
    for row, class_index in enumerate(head.second_looks, start=head.num_classes):
        rows[old.symbols[layout.to_symbol(class_index)].swapcase()] = row
    one_case = not {"upper", "lower"} <= {case_of(symbol) for symbol in new.symbols}
    either_case = tuple(
        s for s in new.symbols if one_case and s != s.swapcase() and {s, s.swapcase()} <= rows.keys()
    )
    changed = Head(
        head.in_features,
        layout.num_classes(new),
        tuple(layout.to_classes(new.encode("".join(either_case)))),
    )
    weight, bias = head.weight.detach(), head.bias.detach()
    added: dict[str, str | None] = {}
    with torch.no_grad():
        changed.weight[: layout.specials] = weight[: layout.specials]
        changed.bias[: layout.specials] = bias[: layout.specials]
        symbol_rows = torch.tensor(layout.to_classes(range(len(old))))
        for symbol, row in zip(new.symbols, layout.to_classes(range(len(new))), strict=True):
            source: str | None = symbol
            if symbol not in rows:
                source = added[symbol] = look_alike(symbol, old)
            if source is None:
                changed.weight[row] = weight[symbol_rows].mean(0)
                changed.bias[row] = bias[symbol_rows].mean() + UNTAUGHT_BIAS
            else:
                changed.weight[row] = weight[rows[source]]
                changed.bias[row] = bias[rows[source]]
        for row, symbol in enumerate(either_case, start=changed.num_classes):
            changed.weight[row] = weight[rows[symbol.swapcase()]]
            changed.bias[row] = bias[rows[symbol.swapcase()]]
    kept = tuple(s for s in new.symbols if s in rows)
    return changed, CharsetChange(kept, added, tuple(s for s in old.symbols if s not in new), either_case)
