"""Runs the service: a socket, uvicorn, and a stop that finishes what was taken."""

from __future__ import annotations

import math
import signal
import socket
from collections.abc import Callable
from contextlib import closing

import uvicorn
from fastapi import FastAPI

from ocrtune.config import ServeConfig
from ocrtune.errors import InputError
from ocrtune.serve.app import create_app
from ocrtune.serve.at_rest import TrimmedAtRest
from ocrtune.serve.door import is_loopback
from ocrtune.serve.memory import return_memory_soon, trim_memory

_WAITING_CONNECTIONS = 512
_KEEP_ALIVE = 30  # seconds an idle connection stays open: a page that reads many images opens one


def run(config: ServeConfig, report: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM, then answer what was taken.

    Args:
        config: what is served, where.
        report: told the address and the model once both are there.

    Raises:
        InputError: the address cannot be listened on, or the model, its folder or the tokens cannot be used.
    """
    return_memory_soon()
    with closing(_listen(config)) as listening:
        app = create_app(config)
        active = app.state.service.registry.active
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        report(f"http://{shown}:{port} reads with {active.name} ({active.manifest.digest[:12]})")
        if not (app.state.tokens.are_required or is_loopback(config.host)):
            report(
                "everybody who reaches this address may read and switch models"
                f"{', and see and change what was corrected' if config.collect else ''}; "
                "--tokens FILE lets in whom you name"
            )
        if config.collect is not None:
            report(f"corrections are kept in {config.collect}, with pictures of their lines")
        server = make_server(app, config)
        # uvicorn stops on these and then raises them again for whoever had them before: no failure here.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _ignore)
        server.run(sockets=[listening])


def make_server(app: FastAPI, config: ServeConfig) -> uvicorn.Server:
    """The HTTP server around the app."""
    return uvicorn.Server(
        uvicorn.Config(
            TrimmedAtRest(app, trim_memory),
            log_level="warning",
            access_log=False,
            lifespan="on",
            ws="none",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=math.ceil(config.deadline) + 1,
        )
    )


def _listen(config: ServeConfig) -> socket.socket:
    try:
        found = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        listening = socket.create_server(address[:2], family=family, backlog=_WAITING_CONNECTIONS)
    except OSError as error:
        raise InputError(
            f"cannot listen on {config.host} port {config.port}: {error.strerror or error}; "
            "choose another with --host and --port"
        ) from error
    return listening


def _ignore(number: int, frame: object) -> None:
    """A signal that has done its work."""
