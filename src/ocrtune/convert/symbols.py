"""Which symbols the classes of another project's checkpoint stand for: given, or a known default."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

from ocrtune.charset import Charset
from ocrtune.errors import InputError
from ocrtune.yaml_file import read_yaml

BENCHMARK_DEFAULT = string.digits + string.ascii_lowercase
BENCHMARK_SENSITIVE = string.printable[:-6]  # the 94 that --sensitive takes
EASYOCR_ENGLISH = string.digits + string.punctuation + " €" + string.ascii_uppercase + string.ascii_lowercase
"""Of english_g2, in its order."""

KNOWN = {
    len(BENCHMARK_DEFAULT): (BENCHMARK_DEFAULT, "deep-text-recognition-benchmark's 0-9a-z"),
    len(BENCHMARK_SENSITIVE): (BENCHMARK_SENSITIVE, "deep-text-recognition-benchmark's --sensitive"),
    len(EASYOCR_ENGLISH): (EASYOCR_ENGLISH, "EasyOCR's English"),
}
"""Number of symbols to the ones that nearly all checkpoints of that number have, and their name."""

YAML_SUFFIXES = (".yaml", ".yml")


def read_characters(given: str) -> Charset:
    """The symbols of `--character`, in the order of the classes.

    Args:
        given: a YAML file of EasyOCR or its trainer, a file with symbols, or the symbols themselves.

    Raises:
        InputError: the file cannot be read or names none, or a symbol stands twice.
    """
    path = Path(given)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # symbols that no path can have, or too many of them
        is_file = False
    if not is_file:
        return Charset(given)
    if path.suffix.lower() in YAML_SUFFIXES:
        return Charset(_yaml_characters(path))
    return Charset.from_file(path)


def _yaml_characters(path: Path) -> str:
    """EasyOCR's own files have `character_list`; those of its trainer `number`, `symbol` and `lang_char`."""
    content: Any = read_yaml(path, "character list")
    if isinstance(content, dict):
        for keys in (("character_list",), ("character",), ("number", "symbol", "lang_char")):
            parts = [content.get(key) for key in keys]
            if all(isinstance(part, str) for part in parts):
                return "".join(map(str, parts))
    raise InputError(
        f"{path} has neither character_list nor number, symbol and lang_char; give the yaml of an EasyOCR "
        "model or of its trainer, or the symbols themselves"
    )


def is_easyocr(given: str | None) -> bool:
    """Whether `--character` is a YAML file, which only EasyOCR has."""
    return given is not None and Path(given).suffix.lower() in YAML_SUFFIXES


def choose_charset(given: str | None, count: int, what: str) -> tuple[Charset, str]:
    """The charset of a checkpoint with `count` symbols, and where it is from.

    Args:
        given: `--character`, or None.
        count: symbols that the checkpoint has classes for.
        what: names the checkpoint in errors, with its classes.

    Raises:
        InputError: another number of symbols, or none given and none known.
    """
    if given is None:
        if count not in KNOWN:
            raise InputError(
                f"{what}: which {count} symbols they stand for is not in the file; give them with "
                "--character: as they stand in the opt.txt of the training, or the yaml of an EasyOCR model"
            )
        symbols, name = KNOWN[count]
        return Charset(symbols), f"{name}, as nearly all with {count} symbols have; else give --character"
    charset = read_characters(given)
    if len(charset) != count:
        raise InputError(
            f"{what}: they stand for {count} symbols, and --character has {len(charset)}; give the very ones "
            "of its training, in their order"
        )
    return charset, "given with --character"
