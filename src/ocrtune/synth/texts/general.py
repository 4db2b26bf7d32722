"""General text of a charset: what a recogniser knows beyond the material at hand is asked for with it.

Of two kinds. To teach: invented words, numbers, and runs of scripts without spaces, which give each symbol
its turn, with prose among them. To ask: other prose and numbers, as they are read every day.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ocrtune.errors import InputError
from ocrtune.synth.characters import script_of
from ocrtune.synth.texts.draws import below, derive_seed, permuted
from ocrtune.synth.texts.mix import Mix
from ocrtune.synth.texts.prose import prose_lines
from ocrtune.synth.texts.source import TextSource
from ocrtune.synth.texts.string_list import EachOnce
from ocrtune.synth.texts.symbols import stands_alone

RUN_LENGTHS = (6, 14, 10, 4, 16)
"""Symbols of one run after another, in scripts that set no spaces."""

LONGEST_LINE = 36
"""Symbols of a line of words, after which no word is added; general print has 10 to 40."""

LEAST_PROSE = 100
"""Lines of prose below which a charset is one of digits or codes rather than of a language."""

VOWELS = "aeiou"
CASES = ("lower", "lower", "lower", "title", "upper")
"""Of words, each as often as it stands here."""

FORMS = (
    "00.00.0000", "00/00/00", "0000-00-00", "00:00", "00:00:00", "0,000.00", "000.00", "$00.00", "€0.00",
    "00%", "-0.000", "+00 000 000", "(000) 000-0000", "#0000", "No. 00", "A000-0000", "AA00 A0", "a0a0a0",
    "000 000", "0000", "00-000", "[00]", "A=0.0", "00°",
)  # fmt: skip
"""Numbers and codes: 0 is any digit, A and a any letter of that case."""

MARKS = (",", ".", ":", ";", "!", "?", "-")
AROUND = (("(", ")"), ('"', '"'), ("'", "'"), ("[", "]"), ("«", "»"), ("“", "”"), ("/", "/"))

FIRST_LEVELS = (("gb2312", 0xB0A1, 0xD7F9), ("euc_jp", 0xB0A1, 0xCFD3), ("big5", 0xA440, 0xC67E))
"""Where character sets have the Chinese characters of daily use: 3,755, 2,965 and 5,401."""

SPACELESS = frozenset(
    {"Hani", "Hira", "Kana", "Hang", "Bopo", "Yiii", "Thai", "Laoo", "Khmr", "Mymr", "Tibt"}
)


@dataclass(frozen=True, slots=True)
class Words:
    """Invented words with punctuation; `turns` brings one of its symbols into each line."""

    letters: str
    """Small letters that words are made of."""
    cases: tuple[str, ...]
    marks: tuple[str, ...]
    around: tuple[tuple[str, str], ...]
    has_space: bool
    turns: tuple[str, ...] = ()
    seed: int = 0

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`."""
        words = [self._word(rng)]
        most = 1 + below(6, rng) if self.has_space else 1
        while len(words) < most and sum(map(len, words)) + len(words) < LONGEST_LINE:
            words.append(self._word(rng))
        if self.turns:
            symbol = self.turns[permuted(index, len(self.turns), self.seed)]
            place = below(len(words), rng)
            word = words[place]
            if symbol.isalpha():
                cut = below(len(word) + 1, rng)
                words[place] = word[:cut] + symbol + word[cut:]
            else:
                words[place] = f"{word} {symbol}" if self.has_space else word + symbol
        return " ".join(words)

    def _word(self, rng: np.random.Generator) -> str:
        vowels = [letter for letter in self.letters if letter in VOWELS] or list(self.letters)
        others = [letter for letter in self.letters if letter not in VOWELS] or list(self.letters)
        length = 1 + below(9, rng)
        offset = below(2, rng)
        kinds = (vowels, others)
        word = "".join(
            (chosen := kinds[(i + offset) % 2 if rng.random() < 0.8 else 1])[below(len(chosen), rng)]
            for i in range(length)
        )
        case = self.cases[below(len(self.cases), rng)]
        word = word.upper() if case == "upper" else word.title() if case == "title" else word
        draw = rng.random()
        if draw < 0.15 and self.marks:
            return word + self.marks[below(len(self.marks), rng)]
        if draw < 0.22 and self.around:
            before, behind = self.around[below(len(self.around), rng)]
            return before + word + behind
        return word


@dataclass(frozen=True, slots=True)
class Numbers:
    """Dates, amounts and codes."""

    forms: tuple[str, ...]
    digits: str
    capitals: str
    small: str
    has_space: bool

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`; depends on `rng` alone."""
        chosen = [
            self.forms[below(len(self.forms), rng)] for _ in range(1 + below(3 if self.has_space else 1, rng))
        ]
        of = {"0": self.digits, "A": self.capitals, "a": self.small}
        return " ".join(
            "".join(of[c][below(len(of[c]), rng)] if c in of else c for c in form) for form in chosen
        )


@dataclass(frozen=True, slots=True)
class Runs:
    """Symbols one after another without spaces, each in its turn."""

    symbols: tuple[str, ...]
    seed: int

    def text(self, index: int, rng: np.random.Generator) -> str:
        """The text of line `index`; depends on `index` alone."""
        rounds, place = divmod(index, len(RUN_LENGTHS))
        first = rounds * sum(RUN_LENGTHS) + sum(RUN_LENGTHS[:place])
        return "".join(
            self.symbols[permuted(i, len(self.symbols), self.seed)]
            for i in range(first, first + RUN_LENGTHS[place])
        )


def everyday_text(symbols: Iterable[str], seed: int) -> TextSource:
    """Prose and numbers in `symbols`, three lines to one; `general_text` where there is too little prose.

    Args:
        symbols: what may be written.
        seed: of the order of lines, and of where they end.

    Raises:
        InputError: no symbol is left.
    """
    known = set(symbols)
    prose = prose_lines(known, "asked", seed)
    if len(prose) < LEAST_PROSE:
        return general_text(known, seed, with_rare=False)
    numbers = _numbers({symbol for symbol in known if is_common(symbol)}, " " in known)
    lines = EachOnce(prose, derive_seed(seed, "prose"))
    return Mix.of([lines, numbers], [3.0, 1.0]) if numbers else lines


def general_text(
    symbols: Iterable[str], seed: int, *, with_rare: bool = True, above_all: Iterable[str] = ()
) -> TextSource:
    """General text in `symbols`: words, numbers, runs of scripts that set no spaces, and prose, mixed.

    Args:
        symbols: what may be written; those that cannot stand alone are left out.
        seed: of the turns that symbols take.
        with_rare: write those too that few people ever do, if there are others.
        above_all: some of them, of which those in daily use stand in every third line or so.

    Raises:
        InputError: no symbol is left.
    """
    given = set(symbols)
    known = {symbol for symbol in given if stands_alone(symbol)}
    if not known:
        raise InputError("there is no symbol to write general text with")
    common = {symbol for symbol in known if is_common(symbol)}
    rare = known - common if with_rare or not common else set()
    has_space = " " in given
    weighed: list[tuple[TextSource, float]] = []
    words = _words(common, has_space)
    numbers = _numbers(common, has_space)
    weighed += [(words, 4.0)] if words else []
    weighed += [(numbers, 1.5)] if numbers else []
    prose = prose_lines(given, "taught", seed)
    if len(prose) >= LEAST_PROSE:
        weighed.append((EachOnce(prose, derive_seed(seed, "prose")), 6.0))
    if words and (often := tuple(sorted(common.intersection(above_all)))):
        weighed.append((replace(words, turns=often, seed=derive_seed(seed, "above all")), 8.0))
    for name, group, weight in (("common", common, 3.0), ("rare", rare, 1.5)):
        spaceless = {symbol for symbol in group if script_of(symbol[0]) in SPACELESS}
        turns = tuple(sorted(group - spaceless - set(string.ascii_letters + string.digits)))
        if turns and words:
            weighed.append((replace(words, turns=turns, seed=derive_seed(seed, name)), weight / 3))
        elif turns:
            weighed.append((Runs(turns, derive_seed(seed, name)), weight / 3))
        scripts: dict[str, list[str]] = {}
        for symbol in sorted(spaceless):
            script = script_of(symbol[0]) or ""
            scripts.setdefault("kana" if script in ("Hira", "Kana") else script, []).append(symbol)
        for script, members in sorted(scripts.items()):
            share = 1 if script == "Hani" else 0.5
            weighed.append((Runs(tuple(members), derive_seed(seed, name, script)), weight * share))
    return Mix.of([source for source, _ in weighed], [weight for _, weight in weighed])


def is_common(symbol: str) -> bool:
    """Whether a symbol is in daily use: no compatibility form (①, ｱ, Ⅷ), and in an everyday character set.

    For Chinese characters that is the first level of GB 2312, JIS X 0208 or Big5, for the letters and signs
    of Europe its code pages; of other scripts every letter counts.
    """
    if unicodedata.normalize("NFKC", symbol) != symbol:
        return False
    script = script_of(symbol[0])
    if script == "Hani":
        return any(_code_between(symbol, *level) for level in FIRST_LEVELS)
    if script not in (None, "Latn", "Grek", "Cyrl", "Copt"):
        return True
    return any(_code_between(symbol, page, 0, 255) for page in ("cp1252", "cp1250", "cp1251", "cp1253"))


def _words(known: set[str], has_space: bool) -> Words | None:
    small, capitals = (
        {letter.lower() for letter in letters if letter in known}
        for letters in (string.ascii_lowercase, string.ascii_uppercase)
    )
    if not small | capitals:
        return None
    cases: tuple[str, ...] = CASES
    if not small:
        letters, cases = capitals, ("upper",)
    elif not capitals:
        letters, cases = small, ("lower",)
    else:
        letters = small & capitals
    if not letters:
        letters, cases = small, ("lower",)
    return Words(
        "".join(sorted(letters)),
        cases,
        tuple(mark for mark in MARKS if mark in known),
        tuple(pair for pair in AROUND if known.issuperset(pair)),
        has_space,
    )


def _numbers(known: set[str], has_space: bool) -> Numbers | None:
    digits, capitals, small = (
        "".join(s for s in symbols if s in known)
        for symbols in (string.digits, string.ascii_uppercase, string.ascii_lowercase)
    )
    allowed = known | ({" "} if has_space else set())
    allowed -= {"0", "A", "a"}
    allowed |= {c for c, letters in (("0", digits), ("A", capitals), ("a", small)) if letters}
    forms = tuple(form for form in FORMS if allowed.issuperset(form))
    return Numbers(forms, digits, capitals, small, has_space) if digits and forms else None


def _code_between(symbol: str, encoding: str, first: int, last: int) -> bool:
    try:
        code = symbol.encode(encoding)
    except UnicodeEncodeError:
        return False
    return first <= int.from_bytes(code) <= last
