"""Stopping a run from outside: signals ask, and the run ends after its batch."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest(threading.Event):
    """Set when a run is asked to stop."""

    signal = signal.SIGINT
    """What asked."""


@contextmanager
def stop_signals() -> Iterator[StopRequest]:
    """While open, Ctrl-C and SIGTERM ask for a stop after the current batch; a second one insists."""
    stop = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # only the main thread may set handlers; a caller in another one stops by itself
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.signal = signal.Signals(number)
        stop.set()

    old = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
