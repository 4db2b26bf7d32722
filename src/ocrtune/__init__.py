"""ocrtune: fine-tune an OCR engine to your own material and read with it.

`ocrtune.load(MODEL).read_lines(images)` is the whole Python API of reading; see `ocrtune.api`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocrtune.api import Reader, load

__all__ = ["Reader", "load"]

# ONNX Runtime 1.31 gives the machine an id under ~/.cache and reports to its maker, on Linux too. The
# variable must be there before the runtime is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def __getattr__(name: str) -> object:
    """Import the API on first use, so that `import ocrtune` and `ocrtune --help` stay quick."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ocrtune import api

    return getattr(api, name)
