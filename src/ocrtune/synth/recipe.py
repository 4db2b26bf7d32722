"""The recipe of made lines: what `ocrtune synth` gets as options, keeps with its lines and reads as YAML."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ocrtune.errors import InputError
from ocrtune.synth.font_choice import FontChoice
from ocrtune.synth.font_search import FontSearch, find_fonts, matplotlib_font_folder, system_font_folders
from ocrtune.synth.generator import LineGenerator
from ocrtune.synth.looks.profile import Profile
from ocrtune.synth.texts.config import Texts, TextsConfig
from ocrtune.yaml_file import read_yaml

LOOKED_AHEAD = 50_000
"""Lines whose texts are drawn beforehand, to measure the fonts on their symbols: a second or less."""

SHOWN_SYMBOLS = 20

ASCII = "".join(map(chr, range(0x20, 0x7F)))
"""Fonts are measured on it in any case: twins of these letters tell fonts that draw boxes or capitals."""


@dataclass(frozen=True, slots=True)
class Synthesis:
    """A recipe made ready."""

    generator: LineGenerator
    lines: int
    """As the recipe says, and those added for rare symbols."""
    notes: tuple[str, ...]
    """One line each, to be shown: what the inputs gave, which fonts there are."""


class SynthRecipe(BaseModel):
    """How lines are made: the same recipe gives the same lines, byte for byte."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    texts: TextsConfig
    """What lines say."""
    lines: Annotated[int, Field(ge=1)] | None = None
    """How many. [default: one for each string, where the texts have an end]"""
    profile: str = "clean"
    """How lines look: the name of a profile that ocrtune brings, or the path of a YAML file."""
    fonts: tuple[str, ...] = ()
    """Font files, or folders with fonts at any depth. [default: the system's and matplotlib's]"""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Of everything that is drawn."""
    vertical: bool = False
    """Characters stacked from top to bottom."""
    language: str = "und"
    """BCP 47 tag; chooses regional forms, such as `ja` or `zh-Hans` in a CJK font."""
    unlabelled: str = ""
    """Symbols that are drawn and left out of labels, side by side: what nobody wants to read."""

    def build(self, folder: Path) -> Synthesis:
        """Open texts, fonts and profile.

        Args:
            folder: where relative paths start from.

        Raises:
            InputError: an input that cannot be used, no font, or a symbol that no font has.
        """
        is_file = self.profile.endswith((".yaml", ".yml"))
        profile = Profile.named(str(folder / self.profile) if is_file else self.profile)
        texts = self._texts(folder)
        search = find_fonts(self._font_paths(folder), _symbols(texts, self.seed))
        choice = _choose_fonts(search, profile, [folder / path for path in self.fonts])
        generator = LineGenerator(
            texts.source, choice, profile, self.seed, self.vertical, self.language, self.unlabelled
        )
        return Synthesis(generator, texts.lines, (*texts.notes, *_font_notes(search, choice)))

    def to_yaml(self) -> str:
        """The recipe, as `from_yaml` reads it."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)

    @classmethod
    def from_yaml(cls, path: Path) -> SynthRecipe:
        """Read a recipe.

        Raises:
            InputError: missing, too large, not YAML, or a key or value that cannot be.
        """
        content = read_yaml(path, "recipe")
        try:
            return cls.model_validate(content)
        except ValidationError as error:
            raise InputError(f"{path}: {first_problem(error)}") from error

    def _texts(self, folder: Path) -> Texts:
        if self.lines is not None:
            return self.texts.build(folder, self.seed, self.lines)
        texts = self.texts.build(folder, self.seed, 1)
        if texts.pass_length is None:
            raise InputError("say how many lines to make: these texts have no end of their own")
        return self.texts.build(folder, self.seed, texts.pass_length)

    def _font_paths(self, folder: Path) -> list[Path]:
        return [folder / path for path in self.fonts] if self.fonts else default_font_paths()


def default_font_paths() -> list[Path]:
    """The folders of the system's fonts and, where it is installed, matplotlib's."""
    has_matplotlib = importlib.util.find_spec("matplotlib") is not None
    return [*system_font_folders(), *([matplotlib_font_folder()] if has_matplotlib else [])]


def first_problem(error: ValidationError) -> str:
    """`texts.sources.0.regex: what is wrong`: the first of a validation's errors."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"])) or "the recipe"
    return f"{place}: {first['msg'].removeprefix('Value error, ')}"


def _symbols(texts: Texts, seed: int) -> set[str]:
    """The symbols of the first `LOOKED_AHEAD` texts, and ASCII."""
    symbols = set(ASCII)
    for index in range(min(texts.lines, LOOKED_AHEAD)):
        symbols.update(texts.source.text(index, np.random.default_rng((seed, index))))
    return symbols


def _choose_fonts(search: FontSearch, profile: Profile, given: Iterable[Path]) -> FontChoice:
    if not search.lacks:
        places = ", ".join(map(str, given)) or "the folders of the system"
        reasons = "".join(f"; {reason}" for reason in list(search.refused.values())[:3])
        raise InputError(f"there is no usable font in {places}{reasons}; give --font FILE or FOLDER")
    if missing := search.missing:
        shown = " ".join(map(repr, missing[:SHOWN_SYMBOLS]))
        more = f" and {len(missing) - SHOWN_SYMBOLS} more" if len(missing) > SHOWN_SYMBOLS else ""
        raise InputError(
            f"no font has {shown}{more}; add a font that has them with --font, or take them out of the texts"
        )
    return FontChoice.of(search, profile.fonts)


def _font_notes(search: FontSearch, choice: FontChoice) -> list[str]:
    whole = [font for font in search.fonts if choice.fonts.index(font) in choice.preferred]
    notes = [f"{len(choice.preferred)} fonts fit the profile, {len(whole)} of them with every symbol"]
    if search.refused:
        path, reason = next(iter(search.refused.items()))
        notes.append(f"{len(search.refused)} font files are unusable (the first: {path}: {reason})")
    if capitals := search.drawn_as_capitals():
        names = ", ".join(font.name for font in capitals)
        notes.append(f"not used for small letters, which they draw as capitals: {names}")
    return notes
