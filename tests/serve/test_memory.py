"""How much of a page is looked at, at once; and what is given back between requests."""

from __future__ import annotations

import asyncio
import platform
import threading

import numpy as np
import psutil
import pytest

from ocrtune.reading.detection import CLOSE_LOOK, DetectionSize, TextDetector
from ocrtune.serve import at_rest
from ocrtune.serve.at_rest import TrimmedAtRest
from ocrtune.serve.bounded_detection import DETECTION_PX, BoundedDetector
from ocrtune.serve.memory import trim_memory


# page (H, W), wanted size, (H, W) it is looked at
@pytest.mark.parametrize(
    ("shape", "size", "looked_at"),
    [
        ((4000, 4000), CLOSE_LOOK, (1984, 1984)),  # the largest of the usual
        ((1000, 700), CLOSE_LOOK, CLOSE_LOOK.of(1000, 700)),
        ((6000, 5000), DetectionSize(shortest=0, longest=6000), (2208, 1856)),
        ((100, 40_000), DetectionSize(shortest=0, longest=40_000), (96, 40_000)),
    ],
)
def test_a_page_is_never_looked_at_larger_than_there_is_room(monkeypatch, shape, size, looked_at):
    detector = BoundedDetector()
    looks = []

    def look(self, image, size):
        looks.append((size.of(*image.shape[:2]), detector._room.taken))
        return np.zeros((1, 1), np.float32)

    monkeypatch.setattr(TextDetector, "_probabilities", look)
    detector.detect(np.zeros(shape, np.uint8), size)
    ((found, taken),) = looks
    assert found == looked_at
    assert taken == found[0] * found[1] <= DETECTION_PX
    assert detector._room.taken == 0


class Requests:
    """An app whose requests end when they are told to."""

    def __init__(self) -> None:
        self.ends: dict[str, asyncio.Event] = {}

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "http":
            await self.ends[scope["path"]].wait()


async def ask(app: TrimmedAtRest, requests: Requests, *paths: str) -> list[asyncio.Task[None]]:
    tasks = []
    for path in paths:
        requests.ends[path] = asyncio.Event()
        tasks.append(asyncio.create_task(app({"type": "http", "path": path}, None, None)))
    await asyncio.sleep(0)
    return tasks


async def answer(requests: Requests, task: asyncio.Task[None], path: str) -> None:
    requests.ends[path].set()
    await task


def test_memory_is_given_back_once_nobody_waits(monkeypatch):
    monkeypatch.setattr(at_rest, "QUIET", 0.0)

    async def scene() -> None:
        trims = asyncio.Queue()
        loop = asyncio.get_running_loop()
        main = threading.get_ident()

        def trim() -> None:
            loop.call_soon_threadsafe(trims.put_nowait, threading.get_ident())

        requests = Requests()
        app = TrimmedAtRest(requests, trim)
        await app({"type": "lifespan"}, None, None)
        first, second = await ask(app, requests, "/first", "/second")
        await answer(requests, first, "/first")
        assert app._waiting is None
        await answer(requests, second, "/second")
        assert await trims.get() != main  # who answers does not wait for it

    asyncio.run(asyncio.wait_for(scene(), 20))


def test_a_request_begins_the_quiet_anew():
    """Timers of earlier requests went off between two others, twice a second."""

    async def scene() -> None:
        requests = Requests()
        app = TrimmedAtRest(requests, lambda: pytest.fail("trimmed between requests"))
        (first,) = await ask(app, requests, "/first")
        await answer(requests, first, "/first")
        waiting = app._waiting
        assert waiting is not None
        (second,) = await ask(app, requests, "/second")
        assert waiting.cancelled()
        assert app._waiting is None
        await answer(requests, second, "/second")
        assert app._waiting is not None

    asyncio.run(asyncio.wait_for(scene(), 20))


@pytest.mark.parametrize("at_once", [1, 2])
def test_memory_is_given_back_while_requests_never_cease(monkeypatch, at_once):
    """A client that asks for one page after another left no quiet, and was never one of two."""
    monkeypatch.setattr(at_rest, "BUSY", 0.0)

    async def scene() -> None:
        trims = threading.Semaphore(0)
        requests = Requests()
        app = TrimmedAtRest(requests, trims.release)
        first, *others = await ask(app, requests, *("/first", "/second")[:at_once])
        await answer(requests, first, "/first")
        assert await asyncio.to_thread(trims.acquire, timeout=20)
        for other in others:
            await answer(requests, other, "/second")

    asyncio.run(asyncio.wait_for(scene(), 30))


def test_small_blocks_go_back_to_the_system():
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("only glibc can be asked to")
    memory = psutil.Process().memory_info
    blocks = [bytes(2000) for _ in range(50_000)]  # 100 MB on the heap
    blocks = [blocks[-1]]  # which keeps the free ones below it
    before = memory().rss
    trim_memory()
    assert before - memory().rss > 50 * 2**20
    assert blocks == [bytes(2000)]
