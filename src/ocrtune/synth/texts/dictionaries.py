"""Word lists that the operating system has: /usr/share/dict and the dictionaries of Hunspell."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from rapidfuzz import process

from ocrtune.errors import InputError
from ocrtune.synth.texts.string_list import Intake, StringList
from ocrtune.synth.texts.text_file import numbered_lines, read_strings, require_file

_UNESCAPED_SLASH = re.compile(r"(?<!\\)/")

_MORPHOLOGY = re.compile(r"\t| [a-z]{2}:")
"""Starts the description of a word (hunspell(5): optional data fields); words may hold spaces."""

_AFFIX_LINES = 200
"""Of an affix file, in which its encoding must be given."""


def dictionary_folders() -> tuple[Path, ...]:
    """Where this operating system keeps word lists; some may not exist."""
    home = Path.home()
    if sys.platform == "win32":
        office = Path("C:/Program Files/LibreOffice/share/extensions")
        return (office, home / "AppData/Roaming/LibreOffice/4/user/uno_packages")
    if sys.platform == "darwin":
        return (Path("/usr/share/dict"), home / "Library/Spelling", Path("/Library/Spelling"))
    shared = Path("/usr/share")
    return (shared / "dict", shared / "hunspell", shared / "myspell", home / ".local/share/hunspell")


def find_dictionaries(folders: tuple[Path, ...]) -> dict[str, Path]:
    """Name (`nb_NO`, `ngerman`) to file of the word lists in `folders`; of one name, the first."""
    found: dict[str, Path] = {}
    for folder in folders:
        plain = folder.name == "dict"
        for path in sorted(folder.iterdir() if plain else folder.rglob("*.dic")) if folder.is_dir() else ():
            if path.is_file() and path.name != "README.select-wordlist":
                found.setdefault(path.stem if path.suffix == ".dic" else path.name, path)
    return found


def find_dictionary(name: str, folders: tuple[Path, ...]) -> Path:
    """The word list `name`.

    Raises:
        InputError: there is none of this name.
    """
    found = find_dictionaries(folders)
    if name in found:
        return found[name]
    if not found:
        raise InputError(f"no dictionary {name!r}: this system has none; install one, such as hunspell-en-us")
    near = process.extractOne(name, sorted(found), score_cutoff=60)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise InputError(f"no dictionary {name!r}; there are {', '.join(sorted(found))}{hint}")


def read_dictionary(path: Path) -> StringList:
    r"""The words of a word list; of a Hunspell file (.dic) the stems, without count, flags and morphology.

    `walk/DSG po:verb` is the word `walk`, `and\/or` the word `and/or`.

    Raises:
        InputError: as `read_strings`, or the affix file beside a .dic names no known encoding.
    """
    if path.suffix != ".dic":
        return read_strings(path)
    require_file(path)
    intake = Intake(str(path))
    for number, line in numbered_lines(path, _affix_encoding(path.with_suffix(".aff"))):
        if number > 1 or not line.strip().isdecimal():
            word = _MORPHOLOGY.split(line, maxsplit=1)[0]
            intake.offer(_UNESCAPED_SLASH.split(word, maxsplit=1)[0].replace("\\/", "/"), number)
    return intake.finish()


def _affix_encoding(affixes: Path) -> str | None:
    """What `SET` says in an affix file; None where there is no such file or line."""
    if not affixes.is_file():
        return None
    for number, line in numbered_lines(affixes, "latin-1"):
        words = line.removeprefix("ï»¿").split()  # a UTF-8 byte order mark
        if words[:1] == ["SET"] and len(words) > 1:
            return words[1].replace("microsoft-", "")
        if number == _AFFIX_LINES:
            break
    return None
