"""The service's side of decoding: a process for each thread that decodes, and room for so many pixels."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ocrtune.records import Image
from ocrtune.serve.decoder_process import PDF_PX
from ocrtune.serve.errors import ApiError

_SIGXCPU = 24  # Linux; `signal.SIGXCPU` is not everywhere
_LINE_LIMIT = 4096  # bytes of a line of JSON from a decoder


class PixelRoom:
    """Bounds the pixels that are decoded and not yet read; first come, first served, so large ones get in.

    Args:
        total: px.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._taken = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def taken(self) -> int:
        """Px in use."""
        return self._taken

    def take(self, px: int, deadline: float) -> None:
        """Wait until there is room, and take it.

        Args:
            px: what is wanted; more than all there is counts as all.
            deadline: `time.monotonic()` at which to give up.

        Raises:
            ApiError: the deadline passed.
        """
        wanted = min(px, self._total)
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                free = self._changed.wait_for(
                    lambda: self._waiting[0] is ticket and self._taken + wanted <= self._total,
                    max(0.0, deadline - time.monotonic()),
                )
                if not free:
                    raise deadline_exceeded()
                self._taken += wanted
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def give_back(self, px: int) -> None:
        """Free what `take` took for the same number."""
        with self._changed:
            self._taken -= min(px, self._total)
            self._changed.notify_all()


class Decoder:
    """A decoder process: started when it is first needed, replaced when a file breaks it.

    For one thread at a time, but for `close`.

    Args:
        room: of pixels, shared by all decoders.
        px_limit: declared width times height of an image at most.
        page_limit: pages of a file at most.
    """

    def __init__(self, room: PixelRoom, px_limit: int, page_limit: int) -> None:
        self._room = room
        self._px_limit = px_limit
        self._page_limit = page_limit
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Have a process ready."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ocrtune.serve.decoder_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # A math library's idle threads would fill the address space that is meant for pixels.
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            # Ctrl-C in a terminal goes to every process there; this one ends when its input does.
            start_new_session=True,
        )

    def close(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with _broken_pipe_ignored():
                        stream.close()

    @contextmanager
    def pages(self, content: bytes, deadline: float, first: int = 0) -> Iterator[Iterator[Image]]:
        """Decode a file page by page; the room for its largest page is taken until the context ends.

        Args:
            content: a whole file.
            deadline: `time.monotonic()` at which decoding is broken off.
            first: of the pages that are wanted, from 0.

        Raises:
            ApiError: as the decoder says, or it died of the file; the deadline passed.
        """
        if deadline <= time.monotonic():
            raise deadline_exceeded()
        self.start()
        session = _Session(self._process, deadline)
        try:
            limits = {"px": self._px_limit, "pages": self._page_limit}
            session.send({"bytes": len(content), **limits, "first": first}, content)
            px = int(session.receive()["px"])
            # No more than a file may have, whatever a decoder that a file took over says.
            px = min(max(px, 1), max(self._px_limit, PDF_PX))
            self._room.take(px, deadline)
            try:
                session.send({})
                yield session.decoded(px)
                session.leave_others()
            finally:
                self._room.give_back(px)
        finally:
            session.end()
            if not session.is_idle:
                self.close()


class _Session:
    """The talk about one file. The timer ends the process at the deadline; reading from it then ends too."""

    def __init__(self, process: subprocess.Popen[bytes] | None, deadline: float) -> None:
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._asked, self._answers = process, process.stdin, process.stdout
        self._late = False
        self.is_idle = False
        """Whether the process waits for the next file."""
        self._has_more = False
        self._timer = threading.Timer(max(0.0, deadline - time.monotonic()), self._break_off)
        self._timer.daemon = True
        self._timer.start()

    def send(self, fields: dict[str, Any], content: bytes = b"") -> None:
        try:
            self._asked.write(json.dumps(fields).encode() + b"\n" + content)
            self._asked.flush()
        except OSError as error:  # it died; what it last said is what matters
            raise self._death() from error

    def receive(self) -> dict[str, Any]:
        try:
            line = self._answers.readline(_LINE_LIMIT)
            answer = json.loads(line)
        except ValueError as error:
            raise self._death() from error
        if "error" in answer:
            self.is_idle = True
            raise ApiError(
                answer["error"],
                answer["message"],
                limit=answer.get("limit"),
                got=answer.get("got"),
                unit=answer.get("unit"),
            )
        self.is_idle = "end" in answer
        return dict(answer)

    def decoded(self, px: int) -> Iterator[Image]:
        while "shape" in (answer := self.receive()):
            pixels = self._receive_pixels(answer["shape"], px)
            self._has_more = True
            yield pixels
            self._has_more = False
            self.send({})

    def leave_others(self) -> None:
        """Tell the process that no further page is wanted."""
        if self._has_more:
            self.send({"stop": True})
            self.receive()

    def _receive_pixels(self, shape: list[int], px: int) -> Image:
        if not (2 <= len(shape) <= 3 and shape[2:] in ([], [3]) and 0 < shape[0] * shape[1] <= px):
            raise self._death()
        pixels = np.empty(math.prod(shape), np.uint8)
        view = pixels.data
        filled = 0
        while filled < len(view):
            count = self._answers.readinto(view[filled:])  # type: ignore[attr-defined]
            if not count:
                raise self._death()
            filled += count
        return pixels.reshape(shape)

    def end(self) -> None:
        self._timer.cancel()

    def _break_off(self) -> None:
        self._late = True
        self._process.kill()

    def _death(self) -> ApiError:
        self.is_idle = False
        self._process.kill()
        code = self._process.wait()
        if self._late:
            return deadline_exceeded()
        if code == -_SIGXCPU:
            return ApiError("image_too_slow", "decoding it takes too much processor time")
        return ApiError("broken_image", "it is damaged in a way that stops the decoder")


def deadline_exceeded() -> ApiError:
    """The answer to a request that took too long."""
    return ApiError("deadline_exceeded", "the request could not be answered in time; send it again later")


@contextmanager
def _broken_pipe_ignored() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:  # closing flushes what nobody will read
        return
