"""YAML files that a person wrote, read under a limit, with one error for all that can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ocrtune.errors import InputError

YAML_LIMIT = 2**20
"""Bytes of a file that is read at all."""


def read_yaml(path: Path, what: str) -> Any:
    """The content of the YAML file `path`.

    Args:
        path: of the file.
        what: it is, for messages: `recipe`.

    Raises:
        InputError: missing, over `YAML_LIMIT`, not UTF-8 or not YAML.
    """
    try:
        if path.stat().st_size > YAML_LIMIT:
            raise InputError(f"{path} is over 1 MiB: not a {what}")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the {what} {path}: {error}") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> Any:
    """The content of a YAML text from `source`, which an error names; no code in it is run.

    Raises:
        InputError: not YAML.
    """
    try:
        return yaml.safe_load(text)
    # Beside its own error, PyYAML lets through those of impossible dates, huge numbers and deep nesting.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{source} is not YAML: {' '.join(str(error).split())}") from error
