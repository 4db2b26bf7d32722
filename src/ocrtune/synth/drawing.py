"""Lines drawn by several processes and encoded as PNG, in the order of their index."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import cv2

from ocrtune.errors import InputError
from ocrtune.synth.generator import LineError, LineGenerator, MadeLine
from ocrtune.synth.looks.truth import Fault
from ocrtune.synth.png import encode_png

CHUNK = 128
"""Lines of one task: some 100 ms of work, against less than 1 ms to hand it over."""

AHEAD = 4
"""Tasks per process that wait or are done, so that none is idle and memory stays bounded."""

_WORKER: dict[str, tuple[LineGenerator, Extras]] = {}
"""The generator of this worker process, and what it encodes beside the lines."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What is kept of a line beside its image and its label."""

    masks: bool = False
    """Where its ink lies on the image, before wear: white on black."""
    boxes: bool = False
    """The box of every character of the label."""


@dataclass(frozen=True, slots=True)
class EncodedLine:
    """A line as it is stored."""

    index: int
    content: bytes
    """PNG; empty if the line cannot be drawn."""
    text: str
    faults: tuple[Fault, ...]
    """Why earlier, stronger looks of this line were thrown away."""
    error: str | None
    """Why it cannot be drawn."""
    mask: bytes = b""
    """PNG of the image's size, if asked for."""
    boxes: bytes = b""
    """JSON, if asked for: `{"text": …, "boxes": [[left, top, right, bottom], …]}` in px."""


_FIELDS = attrgetter(*(field.name for field in fields(EncodedLine)))
"""Processes hand lines over as plain tuples, in a fifth of the time that dataclasses take to be unpickled."""


def draw_encoded(
    generator: LineGenerator, indices: range, workers: int | None = None, extras: Extras | None = None
) -> Iterator[EncodedLine]:
    """Draw the lines at `indices`, in their order; the same bytes for any number of workers.

    Args:
        generator: of the lines.
        indices: which.
        workers: processes; by default one per core. 1 draws in this process.
        extras: what else is encoded; nothing if not given.

    Raises:
        InputError: the system killed a process.
    """
    workers = workers or available_cores()
    chunks = [indices[start : start + CHUNK] for start in range(0, len(indices), CHUNK)]
    workers = min(workers, len(chunks))
    if workers <= 1:
        for chunk in chunks:
            yield from _encode(generator, chunk, extras or Extras())
        return
    context = multiprocessing.get_context(
        "spawn"
    )  # the same on every system; a fork would copy threads' locks
    with ProcessPoolExecutor(workers, context, _start_worker, (generator, extras or Extras())) as pool:
        waiting: deque[Future[list[tuple[Any, ...]]]] = deque()
        try:
            for chunk in chunks:
                waiting.append(pool.submit(_encode_in_worker, chunk))
                if len(waiting) >= AHEAD * workers:
                    yield from itertools.starmap(EncodedLine, waiting.popleft().result())
            while waiting:
                yield from itertools.starmap(EncodedLine, waiting.popleft().result())
        except BrokenProcessPool as error:
            raise InputError(
                "a process that draws was killed; are there too many for the memory? See --workers"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start_worker(generator: LineGenerator, extras: Extras) -> None:
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C reaches every process; the first one ends the others
    cv2.setNumThreads(1)
    _WORKER["task"] = generator, extras


def _encode_in_worker(indices: Sequence[int]) -> list[tuple[Any, ...]]:
    generator, extras = _WORKER["task"]
    return list(map(_FIELDS, _encode(generator, indices, extras)))


def _encode(generator: LineGenerator, indices: Sequence[int], extras: Extras) -> Iterator[EncodedLine]:
    for index, made in zip(indices, generator.lines(indices), strict=True):
        if isinstance(made, LineError):
            yield EncodedLine(index, b"", "", (), str(made))
        else:
            yield EncodedLine(
                index,
                encode_png(made.image),
                made.text,
                made.faults,
                None,
                encode_png(made.look.truth) if extras.masks else b"",
                _encode_boxes(made) if extras.boxes else b"",
            )


def _encode_boxes(made: MadeLine) -> bytes:
    boxes = [[round(float(edge), 1) for edge in box] for box in made.character_boxes()]
    return json.dumps({"text": made.text, "boxes": boxes}, ensure_ascii=False).encode()
