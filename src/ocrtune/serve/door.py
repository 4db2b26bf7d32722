"""What every request passes: host, size and time of its body, and the headers of its answer (pure ASGI)."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ocrtune.serve.errors import ApiError, busy, error_response

READ_PATH = "/api/ocr"
PICTURE_PATH = "/api/page-image"
CORRECTIONS_PATH = "/api/corrections"

STARTED = "ocrtune.started"
"""Key of the ASGI scope: `time.monotonic()` of the request's first byte."""

OTHER_BODY_LIMIT = 64 * 1024
"""Bytes of a body that brings no image."""

TOTAL_FACTOR = 3
"""Bodies of the largest size that are in memory at once."""

_CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_DRAINED = 128 * 2**20  # bytes; a client that is cut off while it sends often does not see the answer
_DRAIN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """What passes."""

    body: int
    """Bytes of a body with images."""
    seconds: float
    """Until a body must be there."""
    hosts: Collection[str]
    """Names in the Host header that are answered; empty: any."""


class Door:
    """Middleware around the whole app.

    Args:
        app: what is behind it.
        limits: what passes.
        observe: told the route and status of each answer.
    """

    def __init__(self, app: ASGIApp, limits: DoorLimits, observe: Callable[[str, int], None]) -> None:
        self._app = app
        self._limits = limits
        self._observe = observe
        self._bytes = 0  # of bodies in memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[STARTED] = time.monotonic()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                route = scope.get("route")
                self._observe(getattr(route, "path", None) or "other", message["status"])
            await send(message)

        body = _Body(self, receive, self._limit(scope), scope[STARTED] + self._limits.seconds)
        try:
            headers = Headers(scope=scope)
            self._check_host(headers.get("host", ""))
            await body.reserve(headers)
            await self._app(scope, body.receive, send_with_headers)
        except ApiError as error:  # those of the app are answered there
            await error_response(error)(scope, receive, send_with_headers)
        finally:
            self._bytes -= body.reserved

    def _limit(self, scope: Scope) -> int:
        if scope["path"] == CORRECTIONS_PATH:
            return self._limits.body * 4 // 3 + OTHER_BODY_LIMIT  # what may be read, in base64, and its lines
        return self._limits.body if scope["path"] in (READ_PATH, PICTURE_PATH) else OTHER_BODY_LIMIT

    def _check_host(self, header: str) -> None:
        """A web page elsewhere can point its own name at this address; its Host header tells."""
        name = header.rpartition(":")[0] if header.rpartition(":")[2].isdecimal() else header
        if self._limits.hosts and name.lower() not in self._limits.hosts:
            raise ApiError("unknown_host", "the service does not answer to this host name (--allow-host)")

    def take_bytes(self, count: int) -> None:
        """Count bytes of a body.

        Raises:
            ApiError: there are too many in memory.
        """
        limit = TOTAL_FACTOR * self._limits.body
        if self._bytes + count > limit:
            raise busy("too much is being uploaded at once", limit, self._bytes + count, "bytes")
        self._bytes += count


class _Body:
    """A request's body, counted as it comes."""

    def __init__(self, door: Door, receive: Receive, limit: int, deadline: float) -> None:
        self._door = door
        self._receive = receive
        self._limit = limit
        self._deadline = deadline
        self._received = 0
        self._is_whole = False
        self.reserved = 0

    async def reserve(self, headers: Headers) -> None:
        """Make room for a body that says how long it is."""
        declared = headers.get("content-length", "0")
        length = int(declared) if declared.isdecimal() else 0
        if length > self._limit:
            if "expect" not in headers:  # who asks first has sent nothing yet
                await self._drain()
            raise self._too_large(length)
        self._door.take_bytes(length)
        self.reserved = length

    async def receive(self) -> Message:
        if self._is_whole:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.01, self._deadline - time.monotonic()))
        except TimeoutError as error:
            raise ApiError("upload_too_slow", "the body did not arrive in time") from error
        if message["type"] != "http.request":
            return message
        self._received += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._received > self._limit:
            got = self._received
            if not self._is_whole:
                await self._drain()
            raise self._too_large(got)
        if self._received > self.reserved:
            self._door.take_bytes(self._received - self.reserved)
            self.reserved = self._received
        return message

    async def _drain(self) -> None:
        drained = 0
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                while drained < _DRAINED:
                    message = await self._receive()
                    drained += len(message.get("body", b""))
                    if not message.get("more_body", False):
                        return
        except TimeoutError:
            return

    def _too_large(self, got: int) -> ApiError:
        message = f"the body has {got:,} bytes or more; at most {self._limit:,} are taken"
        return ApiError("body_too_large", message, limit=self._limit, got=got, unit="bytes")


def answered_hosts(host: str, allowed: Collection[str]) -> frozenset[str]:
    """Host names that are answered when listening on `host`; empty is any.

    Args:
        host: address or name.
        allowed: names besides those of this machine itself.
    """
    if not (allowed or is_loopback(host)):
        return frozenset()
    return frozenset({"localhost", "127.0.0.1", "[::1]", host.lower(), *(name.lower() for name in allowed)})


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
