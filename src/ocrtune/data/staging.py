"""A folder that appears when it is complete, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb

from ocrtune.bundle import replace_directory
from ocrtune.errors import InputError


@contextmanager
def staged_folder(out: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of `out` when the block ends, and goes if it fails.

    Raises:
        InputError: the disk refuses.
    """
    staging: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
        yield staging
        replace_directory(staging, out)
    except (OSError, lmdb.Error) as error:
        raise InputError(f"cannot write {out}: {error}; free space or choose another place") from error
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)
