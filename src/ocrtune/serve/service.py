"""What the routes do: reads documents and lines within limits of number, memory and time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ocrtune.config import ServeConfig
from ocrtune.data.page_crops import encode_png
from ocrtune.errors import InputError
from ocrtune.reading.cleaning import Cleaning
from ocrtune.reading.detection import TextDetector
from ocrtune.reading.page_reader import PageReader, cut_line
from ocrtune.reading.recognizer import OnnxRecognizer
from ocrtune.reading.straightening import box_size
from ocrtune.records import Image, Prediction, Quadrilateral
from ocrtune.serve.answers import Mode, line_reading, page_reading
from ocrtune.serve.bounded_detection import BoundedDetector
from ocrtune.serve.decoders import Decoder, PixelRoom, deadline_exceeded
from ocrtune.serve.errors import ApiError, busy
from ocrtune.serve.line_queue import LineQueue, QueuedRecognizer
from ocrtune.serve.metrics import Metrics
from ocrtune.serve.page_pictures import encode_picture
from ocrtune.serve.registry import LoadedModel, Registry

QUEUE_THREADS = 2
"""That read batches of a model: while the runtime computes one, the other is prepared or put into words."""

PAGE_THREADS = 2
"""Pages that are read at once: while one waits for its lines, the other is looked at."""

LINE_THREADS = 1
"""That decode line images. One takes some 1,000 a second."""

PIXEL_ROOM = 8 * 10**6
"""px in memory beside one image of the largest size: for lines and small pages."""

CUT_PX = 4 * 10**6
"""px of a line that is kept: one across an A4 page at 600 dpi has half of that."""

OUTSIDE = 0.02
"""Times the longer side that corners may be outside of a page: of lines at the edge of a straightened one."""

log = logging.getLogger("ocrtune.serve")


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What is to be read, and how."""

    contents: Sequence[bytes | ApiError]
    """A file each, or what is wrong with it already."""
    mode: Mode
    cleaning: Cleaning
    deadline: float
    """`time.monotonic()` at which it is given up."""


@dataclass(frozen=True, slots=True)
class LinePlace:
    """Where a line stands on a page, as it was answered."""

    box: Quadrilateral
    stacked: bool


@dataclass(frozen=True, slots=True)
class CutLine:
    """The picture of a line, as a recogniser is given it."""

    png: bytes
    width: int
    height: int
    """px"""


class OcrService:
    """Reads with the models of a registry. Its async methods belong to one event loop.

    Args:
        config: what it serves and its limits.

    Raises:
        InputError: the model or its folder cannot be used.
    """

    def __init__(self, config: ServeConfig) -> None:
        self.config = config
        self.metrics = Metrics()
        self._taken = 0
        self._room = PixelRoom(config.max_mpx * 10**6 + PIXEL_ROOM)
        self._decoders: list[Decoder] = []
        self._own = threading.local()  # each thread that decodes has its own decoder
        self._pages = ThreadPoolExecutor(PAGE_THREADS, "ocrtune-pages", self._give_decoder)
        self._lines = ThreadPoolExecutor(LINE_THREADS, "ocrtune-decoding", self._give_decoder)
        # Both take their time; neither needs the other.
        decoding = self._lines.submit(self._start_own_decoder)
        self.registry = Registry(config.model, config.models, self._make_queue)
        decoding.result()
        self._detector: TextDetector | None = None
        self._detector_lock = threading.Lock()
        # The first page finds it loaded; lines need not wait for it.
        self._pages.submit(self._load_detector)
        self.metrics.set_active(self.registry.active.name, self.registry.active.manifest.digest)
        gauge = self.metrics.gauge
        gauge("ocrtune_requests_taken", "Requests taken and not yet answered.", lambda: self._taken)
        gauge(
            "ocrtune_lines_waiting", "Lines in the active model's queue.",
            lambda: self.registry.active.queue.waiting,
        )  # fmt: skip
        gauge("ocrtune_pixels_in_memory", "Decoded and not yet read.", lambda: self._room.taken)

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """A place among the requests that are taken.

        Raises:
            ApiError: there is none.
        """
        limit = self.config.queue
        if self._taken >= limit:
            raise busy(
                f"{self._taken} requests are waiting; at most {limit} are taken",
                limit,
                self._taken,
                "requests",
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def read(
        self, request: ReadRequest, model: str | None
    ) -> tuple[list[dict[str, Any] | ApiError], LoadedModel]:
        """Read the files of a request, all with the same model.

        Args:
            request: the files.
            model: the name of one; None is the active one.

        Returns:
            For each file, `answers.Reading` or why there is none; and the model.

        Raises:
            ApiError: no such model, or the deadline passed.
        """
        try:
            async with asyncio.timeout_at(_loop_time(request.deadline)):
                held = await self._hold(model)
                try:
                    return list(await asyncio.gather(*self._readings(request, held))), held
                finally:
                    self.registry.release(held)
        except TimeoutError as error:
            raise deadline_exceeded() from error

    async def cut_lines(
        self, content: bytes, page: int, places: Sequence[LinePlace], deadline: float
    ) -> list[CutLine]:
        """Cut lines out of a page of a file.

        Args:
            content: the file.
            page: from 0.
            places: where the lines stand.
            deadline: `time.monotonic()` at which it is given up.

        Raises:
            ApiError: the file cannot be decoded or has no such page, a place is none on it, or the deadline
                passed.
        """
        loop = asyncio.get_running_loop()
        cut = partial(self._cut_lines, content, page, places, deadline)
        return await loop.run_in_executor(self._pages, cut)

    async def picture(self, content: bytes, page: int, deadline: float) -> bytes:
        """Draw a page of a file as a JPEG; see `page_pictures.encode_picture`.

        Args:
            content: the file.
            page: from 0.
            deadline: `time.monotonic()` at which it is given up.

        Raises:
            ApiError: the file cannot be decoded or has no such page, or the deadline passed.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pages, partial(self._draw, content, page, deadline))

    async def switch(self, name: str | None) -> None:
        """Make a model active, or the one before it again.

        Args:
            name: of the model; None rolls back.

        Raises:
            ApiError: it fails, and nothing has changed.
        """
        act: Callable[[], None] = self.registry.roll_back
        if name is not None:
            act = partial(self.registry.switch, name)
        try:
            await asyncio.to_thread(act)
        except ApiError as error:
            self.metrics.switches.labels(error.code).inc()
            raise
        self.metrics.switches.labels("done").inc()
        self.metrics.set_active(self.registry.active.name, self.registry.active.manifest.digest)

    def close(self) -> None:
        """Finish what was taken and end all threads and processes."""
        for threads in (self._pages, self._lines):
            threads.shutdown()
        self.registry.close()
        for decoder in self._decoders:
            decoder.close()

    def _readings(
        self, request: ReadRequest, model: LoadedModel
    ) -> Iterator[Coroutine[Any, Any, dict[str, Any] | ApiError]]:
        for number, content in enumerate(request.contents):
            if isinstance(content, ApiError):
                yield _answered(number, _fail(content))
            elif request.mode == "line":
                yield _answered(number, self._read_line(content, request, model))
            else:
                yield _answered(number, self._read_document(content, request, model))

    async def _hold(self, model: str | None) -> LoadedModel:
        if (held := self.registry.hold_loaded(model)) is not None:
            return held
        loading = asyncio.ensure_future(asyncio.to_thread(self.registry.hold, model))
        try:
            return await asyncio.shield(loading)
        except asyncio.CancelledError:
            loading.add_done_callback(self._release_unclaimed)  # the thread goes on
            raise

    def _release_unclaimed(self, loading: asyncio.Future[LoadedModel]) -> None:
        if not loading.cancelled() and loading.exception() is None:
            self.registry.release(loading.result())

    async def _read_line(self, content: bytes, request: ReadRequest, model: LoadedModel) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        submit = partial(self._submit_line, content, request.deadline, model.queue)
        (height, width), future = await loop.run_in_executor(self._lines, submit)
        return line_reading(height, width, await asyncio.wrap_future(future))

    async def _read_document(
        self, content: bytes, request: ReadRequest, model: LoadedModel
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        read = partial(self._read_pages, content, request, model.queue)
        return await loop.run_in_executor(self._pages, read)

    def _submit_line(
        self, content: bytes, deadline: float, queue: LineQueue
    ) -> tuple[tuple[int, int], Future[Prediction]]:
        """Decode a line image and queue it; its (H, W) px and what will be read on it."""
        decoder: Decoder = self._own.decoder
        with decoder.pages(content, deadline) as pages:
            image = next(pages)
        height, width = image.shape[:2]
        self._room.take(height * width, deadline)
        try:
            future = queue.submit(image, deadline)
        except BaseException:
            self._room.give_back(height * width)
            raise
        future.add_done_callback(lambda _: self._room.give_back(height * width))
        return (height, width), future

    def _read_pages(self, content: bytes, request: ReadRequest, queue: LineQueue) -> dict[str, Any]:
        reader = PageReader(QueuedRecognizer(queue, request.deadline), self._load_detector())
        read = []
        decoder: Decoder = self._own.decoder
        with decoder.pages(content, request.deadline) as pages:
            for image in pages:
                if time.monotonic() > request.deadline:
                    raise deadline_exceeded()
                read.append(reader.read(image, request.cleaning))
                self.metrics.pages.inc()
        return page_reading(read)

    def _cut_lines(
        self, content: bytes, page: int, places: Sequence[LinePlace], deadline: float
    ) -> list[CutLine]:
        decoder: Decoder = self._own.decoder
        with decoder.pages(content, deadline, page) as pages:
            image = _require_page(pages, page)
            cuts = [_cut(image, place, number) for number, place in enumerate(places)]
        # Raised here: an error in the block would cost the decoder its process, for which others wait.
        if failed := next((cut for cut in cuts if isinstance(cut, ApiError)), None):
            raise failed
        return [cut for cut in cuts if isinstance(cut, CutLine)]

    def _draw(self, content: bytes, page: int, deadline: float) -> bytes:
        decoder: Decoder = self._own.decoder
        with decoder.pages(content, deadline, page) as pages:
            return encode_picture(_require_page(pages, page))

    def _load_detector(self) -> TextDetector:
        with self._detector_lock:
            if self._detector is None:
                self._detector = BoundedDetector()
            return self._detector

    def _make_queue(self, recognizer: OnnxRecognizer) -> LineQueue:
        return LineQueue(recognizer, QUEUE_THREADS, self.metrics.observe_batch)

    def _give_decoder(self) -> None:
        config = self.config
        self._own.decoder = Decoder(self._room, config.max_mpx * 10**6, config.max_pages)
        self._decoders.append(self._own.decoder)

    def _start_own_decoder(self) -> None:
        self._own.decoder.start()


async def _answered(number: int, reading: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any] | ApiError:
    """A reading, or the error that belongs to this image alone."""
    try:
        return await reading
    except ApiError as error:
        if error.code == "deadline_exceeded":  # of the whole request
            raise
        return error.of_image(number)
    except InputError as error:
        log.warning("an image could not be read: %s", error)
        return ApiError("model_failed", "the model fails on this image", image=number)


async def _fail(error: ApiError) -> dict[str, Any]:
    raise error


def _require_page(pages: Iterator[Image], page: int) -> Image:
    """The first of pages that begin with this one; there is none where the decoder is done with the file."""
    image = next(pages, None)
    if image is None:
        raise ApiError("bad_parameter", f"`page` {page}: the file has fewer pages")
    return image


def _cut(page: Image, place: LinePlace, number: int) -> CutLine | ApiError:
    height, width = page.shape[:2]
    around = OUTSIDE * max(height, width)
    if not all(-around <= x <= width + around and -around <= y <= height + around for x, y in place.box):
        return ApiError(
            "bad_parameter", f"line {number}: its box is outside of the {width} x {height} px page"
        )
    corners = np.array(place.box)
    px = math.prod(box_size(corners))
    if px > CUT_PX:
        message = f"line {number}: its box has {px:,} px; lines of at most {CUT_PX:,} are kept"
        return ApiError("image_too_large", message, limit=CUT_PX, got=px, unit="px")
    try:
        line = cut_line(page, place.box, stacked=place.stacked)
    except ValueError as error:
        return ApiError("bad_parameter", f"line {number}: its box is none: {error}")
    if 0 in line.shape:
        return ApiError("bad_parameter", f"line {number}: nothing of the page is in its box")
    return CutLine(encode_png(line), line.shape[1], line.shape[0])


def _loop_time(deadline: float) -> float:
    """A `time.monotonic()` on the clock of the running event loop."""
    return asyncio.get_running_loop().time() + deadline - time.monotonic()
