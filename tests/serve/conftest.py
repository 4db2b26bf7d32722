"""The service as its users meet it: uvicorn on a port of this machine, a model that reads blocks of grey."""

from __future__ import annotations

import io
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np
import PIL.Image
import pytest
import uvicorn

from ocrtune.config import ServeConfig
from ocrtune.records import Image
from ocrtune.serve.app import create_app
from ocrtune.serve.server import make_server
from ocrtune.serve.service import OcrService


@dataclass(frozen=True)
class Running:
    """A service that answers."""

    url: str
    service: OcrService
    server: uvicorn.Server

    def client(self, **options: object) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, timeout=600, trust_env=False, **options)


@contextmanager
def run_service(config: ServeConfig) -> Iterator[Running]:
    app = create_app(config)
    server = make_server(app, config)
    started = threading.Event()
    startup = server.startup

    async def startup_and_tell(*arguments: object, **options: object) -> None:
        await startup(*arguments, **options)
        started.set()

    server.startup = startup_and_tell
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        assert started.wait(60)
        yield Running(f"http://127.0.0.1:{listening.getsockname()[1]}", app.state.service, server)
    finally:
        server.should_exit = True
        thread.join(120)
    assert not thread.is_alive()


@pytest.fixture(scope="session")
def serving() -> Callable[[ServeConfig], AbstractContextManager[Running]]:
    """Starts a service of its own for a test."""
    return run_service


def png(image: Image) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def line_png(draw_blocks: Callable[[str], Image]) -> Callable[[str], bytes]:
    """A line image that the block model reads, as a file."""
    return lambda text: png(draw_blocks(text))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, block_onnx: Path) -> Path:
    """A folder of models: two that work, of which one reads `c` for `a`, and three that do not."""
    import onnx

    folder = tmp_path_factory.mktemp("models")
    shutil.copy(block_onnx, folder / "blocks.onnx")
    _change(block_onnx, folder / "swapped.onnx", lambda levels: levels[[0, 3, 2, 1, 4]])
    _change(block_onnx, folder / "no-numbers.onnx", lambda levels: np.full_like(levels, np.nan))
    (folder / "broken.onnx").write_bytes(block_onnx.read_bytes()[:300])
    stranger = onnx.load(block_onnx)
    del stranger.metadata_props[:]
    onnx.save(stranger, folder / "stranger.onnx")
    (folder / "notes.txt").write_text("no model", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def running(block_onnx: Path, models: Path) -> Iterator[Running]:
    """A service that all tests share which leave it as it was."""
    with run_service(ServeConfig(model=str(block_onnx), models=models, deadline=600)) as service:
        yield service


@pytest.fixture(scope="session")
def client(running: Running) -> Iterator[httpx2.Client]:
    """Talks to the shared service."""
    with running.client() as client:
        yield client


def _change(onnx_path: Path, target: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    import onnx

    model = onnx.load(onnx_path)
    (levels,) = (t for t in model.graph.initializer if t.name == "levels")
    changed = onnx.numpy_helper.from_array(change(onnx.numpy_helper.to_array(levels)), "levels")
    levels.CopyFrom(changed)
    (entry,) = model.metadata_props
    entry.value = entry.value.replace('"name":"blocks"', f'"name":"{target.stem}"')
    onnx.save(model, target)
