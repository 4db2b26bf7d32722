"""Text sources as plain data: what a recipe says under `texts`, and the sources built from it.

Each source is a mapping with one of the keys `strings`, `template`, `regex`, `symbols`, `charset`, `corpus`
and `dictionary`; unknown keys and options without effect fail. The docstring under a field is its help.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from ocrtune.charset import Charset
from ocrtune.synth.texts.balance import balance
from ocrtune.synth.texts.casing import Case, Cased
from ocrtune.synth.texts.corpus import read_corpus
from ocrtune.synth.texts.dictionaries import dictionary_folders, find_dictionary, read_dictionary
from ocrtune.synth.texts.draws import derive_seed
from ocrtune.synth.texts.emphasis import Emphasis, read_miss_rates
from ocrtune.synth.texts.inputs import StringsInput, read_list
from ocrtune.synth.texts.labels import LONGEST_TEXT
from ocrtune.synth.texts.lengths import OfLength, by_length
from ocrtune.synth.texts.mix import Mix
from ocrtune.synth.texts.pattern import Pattern
from ocrtune.synth.texts.source import TextSource
from ocrtune.synth.texts.stress import Doubled, Gapped
from ocrtune.synth.texts.string_list import EachOnce, StringList
from ocrtune.synth.texts.symbols import RandomSymbols
from ocrtune.synth.texts.template import Template

Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Opened:
    """A source, and the inputs that it was made from."""

    source: TextSource
    lists: tuple[StringList, ...] = ()
    """To be shown: what was left out of each, and why."""
    pass_length: int | None = None
    """Lines until every string has come as often as it should; None where there is no end."""


class _SourceConfig(BaseModel, ABC):
    """What all sources have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1
    """Share of the lines, relative to the other sources."""
    case: dict[Case, Share] = {}
    """Shares of its lines in capitals (`upper`), small letters (`lower`), with a capital in front of each
    word (`title`) or in front of all (`sentence`); the rest as the source has it."""
    doubled: Share = 0
    """Share of its lines in which one symbol stands twice."""
    gapped: Share = 0
    """Share of its lines in which a space is widened, or put in where there is none."""
    widest_gap: Annotated[int, Field(ge=2, le=40)] | None = None
    """Spaces that a gap may have (8 if not given); a run that has as many already stays."""

    @model_validator(mode="after")
    def _no_idle_options(self) -> Self:
        if self.widest_gap is not None and not self.gapped:
            raise ValueError("`widest_gap` does nothing without `gapped`, the share of lines with a gap")
        return self

    def open(self, folder: Path, seed: int) -> Opened:
        """Read the inputs, whose paths start from `folder`.

        Raises:
            InputError: an input or value that cannot be used; see the source's own module.
        """
        opened = self._open(folder, seed)
        source = opened.source
        if self.case:
            source = Cased.of(source, self.case)
        if self.doubled:
            source = Doubled(source, self.doubled)
        if self.gapped:
            source = Gapped(source, self.gapped, self.widest_gap or 8)
        return replace(opened, source=source)

    @abstractmethod
    def _open(self, folder: Path, seed: int) -> Opened:
        """The source alone, as `open` is asked for it."""


class StringsConfig(_SourceConfig):
    """Strings of a file, of columns of a table, or given here: each once per pass."""

    strings: StringsInput
    """FILE with one string per line, FILE:COLUMN,COLUMN of a table, or a list of strings."""
    encoding: str | None = None
    """Of the file, if neither UTF-8 nor marked."""
    delimiter: str | None = None
    """Of the table, if not to be found."""
    longest: Annotated[int, Field(ge=1, le=LONGEST_TEXT)] = LONGEST_TEXT
    """Symbols of a string; longer ones are left out."""
    lengths: Literal["flat"] | dict[int, float] | None = None
    """`flat`: each length as often as the next; or a mapping of lengths to weights."""

    def _open(self, folder: Path, seed: int) -> Opened:
        read = read_list(self.strings, folder, self.encoding, self.delimiter).up_to(self.longest)
        if self.lengths is None:
            return _each_once(read, seed)
        weights = None if self.lengths == "flat" else self.lengths
        return Opened(by_length(read.strings, seed, weights), (read,))


class TemplateConfig(_SourceConfig):
    """A form with slots."""

    template: str
    """Such as `{item}    {price}`."""
    lists: dict[str, StringsInput] = {}
    """Name of a slot to its strings: FILE, FILE:COLUMN,COLUMN or a list."""
    per_item: Annotated[int, Field(ge=1)] | None = None
    """How often each string of the first list comes in a pass; once if not given."""
    longest: Annotated[int, Field(ge=1, le=LONGEST_TEXT)] | None = None
    """Symbols of a list's string; longer ones are left out."""
    encoding: str | None = None
    """Of the lists' files, if neither UTF-8 nor marked."""
    delimiter: str | None = None
    """Of the lists' tables, if not to be found."""

    @model_validator(mode="after")
    def _no_idle_list_options(self) -> Self:
        for option in ("per_item", "longest", "encoding", "delimiter"):
            if getattr(self, option) is not None and not self.lists:
                raise ValueError(f"`{option}` does nothing without `lists`")
        return self

    def _open(self, folder: Path, seed: int) -> Opened:
        lists = {
            name: read_list(given, folder, self.encoding, self.delimiter).up_to(self.longest or LONGEST_TEXT)
            for name, given in self.lists.items()
        }
        strings = {name: read.strings for name, read in lists.items()}
        template = Template.parse(self.template, strings, seed, self.per_item or 1)
        return Opened(template, tuple(lists.values()), template.pass_length)


class RegexConfig(_SourceConfig):
    """Texts that match a regular expression."""

    regex: str
    """In the syntax of Python; bounded."""

    def _open(self, folder: Path, seed: int) -> Opened:
        return Opened(Pattern.parse(self.regex))


class SymbolsConfig(_SourceConfig):
    """Random symbols."""

    symbols: str
    """The symbols, side by side; with a space if there shall be spaces."""
    lengths: tuple[int, int] = (5, 12)
    """Fewest and most symbols."""

    def _open(self, folder: Path, seed: int) -> Opened:
        return Opened(RandomSymbols.of(self.symbols, self.lengths))


class CharsetConfig(_SourceConfig):
    """Random symbols of a charset file."""

    charset: str
    """FILE with one symbol per line, as for `--vocab`."""
    lengths: tuple[int, int] = (5, 12)
    """Fewest and most symbols."""

    def _open(self, folder: Path, seed: int) -> Opened:
        return Opened(RandomSymbols.of(Charset.from_file(folder / self.charset).symbols, self.lengths))


class CorpusConfig(_SourceConfig):
    """Running text, cut into lines."""

    corpus: str
    """FILE, ideally with a paragraph per line."""
    lengths: tuple[int, int] = (20, 40)
    """Fewest and most symbols of a line."""
    encoding: str | None = None
    """Of the file, if neither UTF-8 nor marked."""

    def _open(self, folder: Path, seed: int) -> Opened:
        read = read_corpus(folder / self.corpus, self.lengths, derive_seed(seed, "cuts"), self.encoding)
        return _each_once(read, seed)


class DictionaryConfig(_SourceConfig):
    """Words of a dictionary of the system."""

    dictionary: str
    """Its name, such as `nb_NO` or `words`."""

    def _open(self, folder: Path, seed: int) -> Opened:
        read = read_dictionary(find_dictionary(self.dictionary, dictionary_folders()))
        return _each_once(read, seed)


SOURCE_KINDS: dict[str, type[_SourceConfig]] = {
    "strings": StringsConfig,
    "template": TemplateConfig,
    "regex": RegexConfig,
    "symbols": SymbolsConfig,
    "charset": CharsetConfig,
    "corpus": CorpusConfig,
    "dictionary": DictionaryConfig,
}


def _each_once(read: StringList, seed: int) -> Opened:
    return Opened(EachOnce(read.strings, seed), (read,), len(read.strings))


def _kind(given: Any) -> str | None:
    if isinstance(given, Mapping):
        return next((kind for kind in SOURCE_KINDS if kind in given), None)
    return next((kind for kind, model in SOURCE_KINDS.items() if isinstance(given, model)), None)


SourceConfig = Annotated[
    Annotated[StringsConfig, Tag("strings")]
    | Annotated[TemplateConfig, Tag("template")]
    | Annotated[RegexConfig, Tag("regex")]
    | Annotated[SymbolsConfig, Tag("symbols")]
    | Annotated[CharsetConfig, Tag("charset")]
    | Annotated[CorpusConfig, Tag("corpus")]
    | Annotated[DictionaryConfig, Tag("dictionary")],
    Discriminator(
        _kind,
        custom_error_type="source_kind",
        custom_error_message=f"a text source has one of the keys {', '.join(SOURCE_KINDS)}",
    ),
]


@dataclass(frozen=True, slots=True)
class Texts:
    """What all lines say."""

    source: TextSource
    lines: int
    """As asked, and those added for rare symbols."""
    pass_length: int | None
    """Of a single source: lines in which every string comes as often as it should, a good number to make."""
    notes: tuple[str, ...]
    """One line each, to be shown: what every input gave, and what was added."""


class TextsConfig(BaseModel):
    """All sources of a recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    sources: Annotated[tuple[SourceConfig, ...], Field(min_length=1)]
    """What lines say, mixed by weight."""
    lengths: tuple[int, int] | dict[int, float] | None = None
    """Of all texts, in symbols: the shortest and the longest, each length as often as the next, or a mapping
    of lengths to weights. Of some candidates the nearest is taken."""
    emphasis: str | None = None
    """FILE that `ocrtune eval --json` wrote: more of the symbols that it says are misread."""
    candidates: Annotated[int, Field(ge=2, le=100)] | None = None
    """Texts of which emphasis chooses one; 4 if not given."""
    minimum: Annotated[int, Field(ge=1)] | None = None
    """Appearances of each symbol of `balanced`; lines are added until it is reached."""
    balanced: str | None = None
    """FILE of the charset whose symbols `minimum` is about, as for `--vocab`."""

    @model_validator(mode="after")
    def _no_contradictions(self) -> Self:
        if (self.minimum is None) != (self.balanced is None):
            raise ValueError("`minimum` and `balanced` go together: how often, and which symbols")
        if self.candidates is not None and self.emphasis is None:
            raise ValueError("`candidates` does nothing without `emphasis`")
        return self

    def build(self, folder: Path, seed: int, lines: int) -> Texts:
        """Open all sources.

        Args:
            folder: where paths start from.
            seed: of everything that is drawn.
            lines: how many are wanted; only `minimum` depends on it.

        Raises:
            InputError: an input that cannot be used.
        """
        opened = [
            config.open(folder, derive_seed(seed, "source", i)) for i, config in enumerate(self.sources)
        ]
        lists = [read for one in opened for read in one.lists]
        notes = [read.summary() for read in lists]
        source: TextSource = Mix.of([one.source for one in opened], [c.weight for c in self.sources])
        if isinstance(self.lengths, tuple):
            source = OfLength.flat(source, *self.lengths)
        elif self.lengths is not None:
            source = OfLength.weighted(source, self.lengths)
        if self.emphasis is not None:
            source = Emphasis(source, read_miss_rates(folder / self.emphasis), self.candidates or 4)
        if self.minimum is not None and self.balanced is not None:
            symbols = Charset.from_file(folder / self.balanced).symbols
            strings = [text for read in lists for text in read.strings]
            plan = balance(source, lines, symbols, self.minimum, strings, derive_seed(seed, "balance"))
            source, lines = plan, plan.lines
            notes.append(plan.summary())
        chooses = self.lengths is not None or self.emphasis is not None
        pass_length = opened[0].pass_length if len(opened) == 1 and not chooses else None
        return Texts(source, lines, pass_length, tuple(notes))
