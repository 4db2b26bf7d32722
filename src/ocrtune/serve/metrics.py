"""What the service counts, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LINES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The counters of one service; labels take few values, whatever strangers send."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.requests = Counter(
            "ocrtune_requests", "Answered requests.", ("route", "status"), registry=self._registry
        )
        self.seconds = Histogram(
            "ocrtune_request_seconds",
            "From a reading request's first byte to its answer.",
            ("mode",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.pages = Counter("ocrtune_pages", "Pages read.", registry=self._registry)
        self.lines = Counter("ocrtune_lines", "Lines read.", registry=self._registry)
        self.batches = Histogram(
            "ocrtune_batch_lines", "Lines read in one batch.", buckets=_LINES, registry=self._registry
        )
        self.switches = Counter(
            "ocrtune_model_switches", "Switches of the active model.", ("result",), registry=self._registry
        )
        self._active = Gauge(
            "ocrtune_active_model", "1 for the active model.", ("name", "digest"), registry=self._registry
        )

    def observe_batch(self, lines: int) -> None:
        """A batch of this many lines is about to be read."""
        self.batches.observe(lines)
        self.lines.inc(lines)

    def set_active(self, name: str, digest: str) -> None:
        """Another model is active."""
        self._active.clear()
        self._active.labels(name, digest).set(1)

    def gauge(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        """Show a number that is asked for when the metrics are."""
        Gauge(name, documentation, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self._registry)
