"""Charset surgery: give a trained network another charset and keep what it knows.

Rows of class-indexed tensors move by symbol. A new symbol starts from the row of one that looks
like it, else from the mean of all rows with a bias that keeps it quiet until it is taught.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from ocrtune.charset import Charset
from ocrtune.decoding import ClassLayout

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

UNTAUGHT_BIAS = -2.0
"""Added to the mean bias of a symbol without a look-alike: it must not win before it is taught."""


@dataclass(frozen=True, slots=True)
class CharsetChange:
    """What became of the symbols."""

    kept: tuple[str, ...]
    added: dict[str, str | None]
    """New symbol to the symbol its row was copied from, or None."""
    dropped: tuple[str, ...]

    def summary(self) -> str:
        """One line: counts, and the added symbols with what they start from."""
        added = ", ".join(f"{new} from {old}" if old else new for new, old in self.added.items())
        return (
            f"charset: {len(self.kept)} symbols kept, {len(self.added)} added"
            f"{f' ({added})' if added else ''}, {len(self.dropped)} dropped"
        )


def look_alike(symbol: str, known: Charset) -> str | None:
    """A symbol of `known` that looks like `symbol`: without its marks, from the table, other case."""
    base = unicodedata.normalize("NFKD", symbol)[:1]
    for candidate in (base, LOOK_ALIKES.get(symbol, ""), LOOK_ALIKES.get(base, ""), symbol.swapcase()):
        if candidate and candidate != symbol and candidate in known:
            return candidate
    return None


def plan_charset(vocab: str, base: Charset | None, texts: Sequence[str]) -> Charset:
    """The new charset for `--vocab data` or `keep`; symbols the base knows keep its order.

    Args:
        vocab: "data" (labels and printable ASCII) or "keep" (those and all of the base).
        base: charset of the model that training starts from, or None.
        texts: all training and validation labels.
    """
    wanted = Charset.from_texts(texts, extra=map(chr, range(0x20, 0x7F)))
    if base is None:
        return wanted
    if vocab == "keep":
        return base.union(wanted)
    known = tuple(s for s in base.symbols if s in wanted)
    return Charset((*known, *(s for s in wanted.symbols if s not in base)))


def replace_charset(
    head: nn.Linear, old: Charset, new: Charset, layout: ClassLayout
) -> tuple[nn.Linear, CharsetChange]:
    """A head for charset `new` that keeps every row of `head` whose symbol stays.

    Args:
        head: (D) features to (C) class scores, for `old`.
        old: charset of `head`.
        new: charset wanted.
        layout: of both; special classes (the blank) keep their rows by role.
    """
    changed = nn.Linear(head.in_features, layout.num_classes(new))
    weight, bias = head.weight.detach(), head.bias.detach()
    old_class = dict(zip(old.symbols, layout.to_classes(range(len(old))), strict=True))
    added: dict[str, str | None] = {}
    with torch.no_grad():
        changed.weight[layout.blank] = weight[layout.blank]
        changed.bias[layout.blank] = bias[layout.blank]
        symbol_rows = torch.tensor(list(old_class.values()))
        for symbol, row in zip(new.symbols, layout.to_classes(range(len(new))), strict=True):
            source: str | None = symbol
            if symbol not in old_class:
                source = added[symbol] = look_alike(symbol, old)
            if source is None:
                changed.weight[row] = weight[symbol_rows].mean(0)
                changed.bias[row] = bias[symbol_rows].mean() + UNTAUGHT_BIAS
            else:
                changed.weight[row] = weight[old_class[source]]
                changed.bias[row] = bias[old_class[source]]
    kept = tuple(s for s in new.symbols if s in old_class)
    return changed, CharsetChange(kept, added, tuple(s for s in old.symbols if s not in new))
