"""Made lines of general text: what asks a recogniser for all that it knows beside the material at hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocrtune.data.dataset import LineDataset
from ocrtune.data.drawn import drawn_lines
from ocrtune.errors import InputError
from ocrtune.synth.font_choice import FontChoice
from ocrtune.synth.font_search import FontSearch, find_fonts
from ocrtune.synth.generator import LineError, LineGenerator
from ocrtune.synth.looks.profile import Profile
from ocrtune.synth.recipe import default_font_paths
from ocrtune.synth.shaping import label_text
from ocrtune.synth.texts.general import everyday_text, general_text
from ocrtune.synth.texts.source import TextSource
from ocrtune.synth.texts.symbols import stands_alone

SHOWN_SYMBOLS = 20


@dataclass(frozen=True, slots=True)
class GeneralLines:
    """Draws general lines in the symbols of a charset, as far as fonts have them."""

    symbols: str
    """That can be drawn."""
    undrawable: str
    """Symbols of the charset that no font has."""
    fonts: FontSearch

    @classmethod
    def of(cls, symbols: Iterable[str], fonts: Sequence[Path] = ()) -> GeneralLines:
        """Measure fonts on `symbols`; of 300 fonts and 18,709 symbols that takes 13 s.

        Args:
            symbols: of the charset.
            fonts: files, or folders with fonts at any depth; without any, the system's and matplotlib's.

        Raises:
            InputError: no font, or none that has a symbol of them.
        """
        given = list(dict.fromkeys(symbols))
        wanted = "".join(symbol for symbol in given if len(symbol) == 1 and _is_own_label(symbol))
        search = find_fonts(fonts or default_font_paths(), wanted)
        lacking = set(search.missing)
        drawable = "".join(symbol for symbol in wanted if symbol not in lacking)
        if not drawable:
            places = ", ".join(map(str, fonts)) or "the folders of the system"
            raise InputError(
                f"no font in {places} has a symbol of the model's, so no general lines can be drawn; "
                "give fonts with --fonts, or your own general lines instead of auto"
            )
        space = " " if " " in given else ""
        return cls(drawable + space, "".join(s for s in given if s not in drawable and s != " "), search)

    def all_symbols(
        self, name: str, count: int, seed: int, profile: str, above_all: Iterable[str] = ()
    ) -> LineDataset:
        """Lines that give every symbol its turn, some of them often, drawn as `_draw` says."""
        texts = general_text(self.symbols, seed, above_all=above_all)
        return self._draw(name, count, seed, profile, texts, self._coverage())

    def everyday(self, name: str, count: int, seed: int, profile: str) -> LineDataset:
        """Lines such as are read every day, drawn as `_draw` says."""
        return self._draw(name, count, seed, profile, everyday_text(self.symbols, seed), "everyday text")

    def _draw(
        self, name: str, count: int, seed: int, profile: str, texts: TextSource, about: str
    ) -> LineDataset:
        """`count` lines, each drawn when it is asked for, less those that cannot be drawn legibly.

        Each is tried here, 1,000 or more a second: a training that meets such a line after an hour would end.

        Args:
            name: of the dataset.
            count: of the lines.
            seed: of texts and looks.
            profile: of the looks.
            texts: of the lines.
            about: what they show.
        """
        looks = Profile.named(profile)
        choice = FontChoice.of(self.fonts, looks.fonts)
        generator = LineGenerator(texts, choice, looks, seed)
        lines = drawn_lines(generator, name, count, ())
        tried = generator.lines(range(count))
        legible = [i for i, made in enumerate(tried) if not isinstance(made, LineError)]
        resolved = f"{name}: {len(legible)} lines are drawn as they are needed; {about}"
        if len(legible) < count:
            resolved += f"; {count - len(legible)} that are too faint or small to be read are left out"
        whole = LineDataset(name, lines.entries, lines.images, 1.0, (), resolved, is_made=True)
        return whole.select(legible)

    def _coverage(self) -> str:
        if not self.undrawable:
            return f"general text in all {len(self.symbols)} symbols"
        shown = " ".join(self.undrawable[:SHOWN_SYMBOLS])
        more = " …" if len(self.undrawable) > SHOWN_SYMBOLS else ""
        return (
            f"general text in {len(self.symbols)} symbols; {len(self.undrawable)} are in no font here: "
            f"{shown}{more}"
        )


def _is_own_label(symbol: str) -> bool:
    """Whether a line can show `symbol` alone and be labelled with it: no mark, no presentation form."""
    try:
        return stands_alone(symbol) and label_text(symbol) == symbol
    except InputError:
        return False
