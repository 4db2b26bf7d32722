"""Two caches that training on a CPU needs larger than their defaults; `docs/log.md` has the figures."""

from __future__ import annotations

import ctypes
import os
import sys

KERNELS_KEPT = 16_384
"""Compiled oneDNN kernels that stay; a network needs about 200 for each shape of a batch, and the
default of 1,024 compiles them anew in most steps."""

# Parameters of mallopt(3).
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3


def enlarge_caches() -> None:
    """Let oneDNN keep its kernels and glibc its freed memory, in this process, for good.

    oneDNN reads its size once, with its first kernel. glibc otherwise returns every freed block of
    over 32 MiB to the system, and each step has its pages filled with zeros anew.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KERNELS_KEPT))
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(_MMAP_THRESHOLD, 2**30)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)
