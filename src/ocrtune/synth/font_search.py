"""Where fonts lie, and which of them draw what is wanted."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ocrtune.errors import InputError
from ocrtune.synth.fonts import Font, open_fonts

FONT_SUFFIXES = frozenset({".ttf", ".otf", ".ttc", ".otc"})


@dataclass(frozen=True, slots=True)
class FontSearch:
    """What a search through fonts found."""

    wanted: str
    """The symbols that were asked for, each once."""
    lacks: dict[Font, frozenset[str]]
    """Every open font, each name once and sorted by name, to the wanted symbols it cannot draw."""
    refused: dict[Path, str]
    """Files and folders that give no font, each with the reason."""

    @property
    def fonts(self) -> tuple[Font, ...]:
        """Those that draw every wanted symbol."""
        return self.covering(self.wanted)

    @property
    def missing(self) -> str:
        """The wanted symbols that no font draws."""
        return "".join(s for s in self.wanted if all(s in lacking for lacking in self.lacks.values()))

    def covering(self, symbols: str) -> tuple[Font, ...]:
        """The fonts that draw every one of `symbols`, which are among those wanted."""
        return tuple(font for font, lacking in self.lacks.items() if lacking.isdisjoint(symbols))

    def drawn_as_capitals(self) -> tuple[Font, ...]:
        """The fonts that draw capitals for small letters."""
        return tuple(font for font in self.lacks if font.draws_capitals())


def find_fonts(paths: Iterable[Path], symbols: Iterable[str]) -> FontSearch:
    """Measure the fonts of files and below folders on `symbols`.

    Of fonts with one name, the first found that draws all symbols stays, else the first.
    """
    wanted = "".join(dict.fromkeys(symbols))
    found: dict[str, tuple[Font, frozenset[str]]] = {}
    refused: dict[Path, str] = {}
    for path in _font_files(paths, refused):
        try:
            measured = [(font, frozenset(font.undrawable(wanted))) for font in open_fonts(path)]
        except InputError as error:
            refused[path] = str(error)
            continue
        for font, lacking in measured:
            if font.name not in found or (found[font.name][1] and not lacking):
                found[font.name] = (font, lacking)
    return FontSearch(wanted, dict(found[name] for name in sorted(found)), refused)


def _font_files(paths: Iterable[Path], refused: dict[Path, str]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            below = (file for file in sorted(path.rglob("*")) if file.suffix.lower() in FONT_SUFFIXES)
            yield from (file for file in below if file.is_file())
        elif path.is_file():
            yield path
        else:
            refused[path] = f"there is no file or folder {path}"


def system_font_folders() -> tuple[Path, ...]:
    """Where this operating system keeps fonts: those of the places that exist."""
    home = Path.home()
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home / "AppData/Local"))
        windows = Path(os.environ.get("WINDIR", "C:/Windows"))
        folders = [windows / "Fonts", local / "Microsoft/Windows/Fonts"]
    elif sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    else:
        folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), home / ".local/share/fonts"]
    return tuple(folder for folder in folders if folder.is_dir())


def matplotlib_font_folder() -> Path:
    """The text fonts inside the installed matplotlib, found without importing it.

    Raises:
        InputError: matplotlib is not installed.
    """
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise InputError("matplotlib is not installed; install it: pip install 'ocrtune[train]'")
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
