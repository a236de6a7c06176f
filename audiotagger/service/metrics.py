"""What the service counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
"""Upper ends of the histogram of response times."""


class Metrics:
    """Counters of one service.

    Parameters
    ----------
    accepted, running
        Called when the counters are read: how many requests are accepted, and how many files are tagged at the moment.
    """

    def __init__(self, *, accepted: Callable[[], float], running: Callable[[], float]) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._answers = Counter("audiotagger_requests", "Answers of POST /tag.", ["status"], registry=self._registry)
        self._seconds = Histogram(
            "audiotagger_request_seconds", "Time from request to answer.", buckets=SECONDS, registry=self._registry
        )
        self._audio = Counter("audiotagger_audio_seconds", "Duration of the audio tagged.", registry=self._registry)
        for name, text, number in (
            ("audiotagger_requests_accepted", "Requests that upload, wait or are tagged now.", accepted),
            ("audiotagger_requests_running", "Requests that are tagged now.", running),
        ):
            Gauge(name, text, registry=self._registry).set_function(number)

    def answered(self, status: int, seconds: float) -> None:
        """Count an answer and the time that it took."""
        self._answers.labels(str(status)).inc()
        self._seconds.observe(seconds)

    def tagged(self, seconds: float) -> None:
        """Count audio that has been tagged."""
        self._audio.inc(seconds)

    def page(self) -> Response:
        """Return all numbers in Prometheus' text format."""
        return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
