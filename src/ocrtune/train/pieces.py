"""A batch in pieces, small enough for one process and its memory; their gradients add up to the batch's."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from ocrtune.errors import InputError
from ocrtune.train.batches import Batch, lines_of_batch

MEMORY_ERRORS = (
    "can't allocate memory",  # PyTorch's allocator on a CPU
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""Words of a RuntimeError that means out of memory."""


class Pieces:
    """Cuts batches; after a piece that memory could not hold, more finely.

    Args:
        lines: of 320 px in a piece; narrower lines come in larger number, as in a batch.
        pixels: height times width of all images of a piece, at most; None for no such limit.
        rank: of this process; each takes every `world`-th line of a batch.
        world: number of processes.
        note: is told when pieces get smaller.
    """

    def __init__(
        self, lines: int, pixels: int | None, rank: int, world: int, note: Callable[[str], None]
    ) -> None:
        self._lines = lines
        self.pixels = pixels
        self._rank = rank
        self._world = world
        self._note = note
        self._begun = (0, 0, 0)
        """Lines, height and width of the piece that was taken last."""

    def of(self, batch: Batch) -> Iterator[Batch]:
        """The pieces of this process's part of a batch, one after another."""
        count, _, height, width = batch.images.shape
        size = lines_of_batch(width, self._lines)
        if self.pixels is not None:
            size = max(1, min(size, self.pixels // (height * width)))
        own = np.arange(self._rank, count, self._world)
        for start in range(0, len(own), size):
            rows = own[start : start + size]
            self._begun = (len(rows), height, width)
            yield batch if len(rows) == count else batch.rows(rows)

    def shrink(self) -> None:
        """Halve the limit to less than the piece that was taken last: memory could not hold it.

        Raises:
            InputError: it was a single line.
        """
        lines, height, width = self._begun
        if lines <= 1:
            raise InputError(
                f"a single line of {width} x {height} px does not fit into memory; close other programs, "
                "or leave out the widest lines"
            )
        self.pixels = lines * height * width // 2
        self._note(
            f"out of memory with {lines} lines of {width} x {height} px: from here on pieces of "
            f"{lines // 2}, with the same lines in each batch"
        )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice, on any device."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in MEMORY_ERRORS)
