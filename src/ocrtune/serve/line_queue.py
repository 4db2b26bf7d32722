"""The queue of a model: lines of all requests, put into batches of one width, read by a few threads.

A thread that is free takes the line that waits longest and, with it, those of the same width bucket. So a
lone line waits for nobody, batches grow with the load, and a line's text is the same in any company, as its
bucket depends on the line alone.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from ocrtune.bundle import Manifest
from ocrtune.reading.recognizer import BATCH_WIDTH, Recognizer, check_image
from ocrtune.records import Image, Prediction
from ocrtune.serve.decoders import deadline_exceeded
from ocrtune.serve.errors import ApiError


@dataclass(frozen=True, slots=True)
class _Waiting:
    order: int
    image: Image
    deadline: float
    future: Future[Prediction]


class LineQueue:
    """Reads lines in batches across requests. Safe to use from any thread.

    Args:
        recognizer: reads the batches, from several threads at once.
        threads: that read.
        observe: told how many lines each batch had.
    """

    def __init__(
        self, recognizer: Recognizer, threads: int, observe: Callable[[int], None] = lambda lines: None
    ) -> None:
        self._recognizer = recognizer
        self._observe = observe
        self._buckets: defaultdict[int, deque[_Waiting]] = defaultdict(deque)
        self._waiting = 0
        self._submitted = 0
        self._is_closed = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._run, name=f"ocrtune-lines-{i}", daemon=True) for i in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def manifest(self) -> Manifest:
        """Of the model that reads."""
        return self._recognizer.manifest

    @property
    def waiting(self) -> int:
        """Lines that no thread has taken yet."""
        return self._waiting

    def submit(self, image: Image, deadline: float) -> Future[Prediction]:
        """Queue a line.

        Args:
            image: (H, W) grey or (H, W, 3) RGB uint8.
            deadline: `time.monotonic()` after which the line is dropped unread.

        Raises:
            InputError: the image is empty or of another kind.
            ApiError: the queue is closed.
        """
        check_image(image, "the line")
        bucket = self._recognizer.manifest.preprocess.bucket(image)
        future: Future[Prediction] = Future()
        with self._changed:
            if self._is_closed:
                raise ApiError("stopping", "the service is stopping")
            self._submitted += 1
            self._waiting += 1
            self._buckets[bucket].append(_Waiting(self._submitted, image, deadline, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Take no more lines, read those that wait, and end the threads."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            wanted = [line for line in batch if _is_wanted(line)]
            if not wanted:
                continue
            self._observe(len(wanted))
            try:
                predictions = self._recognizer.recognize([line.image for line in wanted])
            except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who wait
                for line in wanted:
                    line.future.set_exception(error)
                continue
            for line, prediction in zip(wanted, predictions, strict=True):
                line.future.set_result(prediction)

    def _next_batch(self) -> list[_Waiting]:
        """Lines of one bucket, the longest waiting first; none when the queue is closed and empty."""
        with self._changed:
            while not self._waiting:
                if self._is_closed:
                    return []
                self._changed.wait()
            bucket = min(self._buckets, key=lambda bucket: self._buckets[bucket][0].order)
            lines = self._buckets[bucket]
            size = min(len(lines), max(1, BATCH_WIDTH // bucket))
            batch = [lines.popleft() for _ in range(size)]
            if not lines:
                del self._buckets[bucket]
            self._waiting -= size
            return batch


class QueuedRecognizer:
    """What reads the lines of one request: a `Recognizer` that waits in a queue.

    Args:
        queue: of the model.
        deadline: `time.monotonic()` of the request.
    """

    def __init__(self, queue: LineQueue, deadline: float) -> None:
        self._queue = queue
        self._deadline = deadline

    @property
    def manifest(self) -> Manifest:
        """Of the model that reads."""
        return self._queue.manifest

    def recognize(self, images: Sequence[Image]) -> list[Prediction]:
        """Read line images in their order.

        Raises:
            InputError: an image is empty or of another kind.
            ApiError: the deadline passed.
        """
        futures = [self._queue.submit(image, self._deadline) for image in images]
        return [future.result() for future in futures]


def _is_wanted(line: _Waiting) -> bool:
    if not line.future.set_running_or_notify_cancel():
        return False
    if line.deadline < time.monotonic():
        line.future.set_exception(deadline_exceeded())
        return False
    return True
