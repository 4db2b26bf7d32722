"""Output files: whole or not at all, and never over one that is there unless the user says so."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from ocrtune.errors import InputError


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Stop before any work when the output `path` is already there.

    Raises:
        InputError: it exists and `overwrite` is not set.
    """
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists already; choose another name or add --overwrite")


def write_bytes(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write `content` to `path` in one step: beside it first, then renamed.

    Raises:
        InputError: `path` exists without `overwrite`, or the disk refuses; `path` is then as before.
    """
    refuse_existing(path, overwrite=overwrite)
    staging: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        staging = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        staging.chmod(0o644)  # mkstemp made it private
        staging.replace(path)
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror}; free space or choose another place"
        ) from error
    finally:
        if staging is not None:
            staging.unlink(missing_ok=True)


def write_text(path: Path, content: str, *, overwrite: bool) -> None:
    r"""Write `content` as UTF-8, as `write_bytes` does; line ends stay as they are.

    A lone surrogate, as in a file name that is not UTF-8, is written as `\udcff`.
    """
    write_bytes(path, content.encode("utf-8", "backslashreplace"), overwrite=overwrite)


def write_json(path: Path, content: object, *, overwrite: bool) -> None:
    """Write `content` as JSON, as `write_text` does."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n", overwrite=overwrite)
