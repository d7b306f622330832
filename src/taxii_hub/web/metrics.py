"""What Prometheus is told; every name has its heading in ``docs/metrics.md``.

Each worker process counts for itself and says so in the label ``worker``: a scrape reaches any one of
them, and ``sum(rate(...))`` over the label is right however often it reaches which. What is true of
the whole hub (the database, the consumers) has no such label; each worker asks anew at a scrape.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from taxii_hub.exchange.reviews import Overdue
from taxii_hub.web.lags import Lag, Positions

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Answered:
    """One request as it ended; ``seconds`` until the last byte was handed over."""

    route: str
    method: str
    status: int
    seconds: float
    sent: int
    served: int = 0
    published: int = 0


class Metrics:
    """One worker's counters, in a registry of its own."""

    def __init__(self, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # its module has no annotation here
        self._registry = registry = CollectorRegistry()
        self._worker = str(os.getpid())
        self.positions = Positions()
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        names = ["worker", "route", "method"]
        self._requests = Counter(
            "taxii_hub_requests", "Requests answered.", [*names, "status"], registry=registry
        )
        self._seconds = Histogram(
            "taxii_hub_request_seconds", "Time to answer.", names, buckets=_BUCKETS, registry=registry
        )
        self._bytes = self._counter("taxii_hub_sent_bytes", "Bytes of bodies sent.")
        self._served = self._counter(
            "taxii_hub_objects_served", "Objects, manifest records, versions served."
        )
        self._published = self._counter("taxii_hub_objects_published", "New objects stored by TAXII POST.")
        self._failures = self._counter("taxii_hub_internal_errors", "Answers that were a 500.")
        self._database = Gauge("taxii_hub_database_up", "1 when the database is usable.", registry=registry)
        self._lag = Gauge(
            "taxii_hub_consumer_lag_seconds",
            "Age of the oldest object that a consumer may see and was not given yet.",
            ["worker", "account", "agency", "collection"],
            registry=registry,
        )
        self._waiting = self._desk("taxii_hub_releases_waiting", "What waits for liaison officers.")
        self._due = self._desk("taxii_hub_releases_due", "What of it is due within 24 hours.")
        self._reviews = Gauge(
            "taxii_hub_reviews_overdue",
            "Objects whose review was due before today.",
            ["collection", "agency"],
            registry=registry,
        )
        self.overdue_reviews = Overdue()
        Gauge("taxii_hub_info", "Version of the hub.", ["version"], registry=registry).labels(version).set(1)

    def _counter(self, name: str, words: str) -> Counter:
        return Counter(name, words, ["worker"], registry=self._registry).labels(self._worker)

    def _desk(self, name: str, words: str) -> Gauge:
        return Gauge(name, words, ["agency"], registry=self._registry)

    def count(self, answered: Answered) -> None:
        """Add one answered request."""
        method = answered.method if answered.method in _METHODS else "other"
        requests, seconds = self._series(answered.route, method, answered.status)
        requests.inc()
        seconds.observe(answered.seconds)
        self._bytes.inc(answered.sent)
        self._served.inc(answered.served)
        self._published.inc(answered.published)
        if answered.status == 500:
            self._failures.inc()

    def _series(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        """Looking a series up by its labels costs more than counting in it."""
        key = (route, method, status)
        if key not in self._known:
            self._known[key] = (
                self._requests.labels(self._worker, route, method, str(status)),
                self._seconds.labels(self._worker, route, method),
            )
        return self._known[key]

    def render(
        self,
        database_up: bool,
        lags: Iterable[Lag],
        desks: Mapping[str, tuple[int, int]] = MappingProxyType({}),
        reviews: Mapping[tuple[str, str], int] = MappingProxyType({}),
    ) -> bytes:
        """The text that a scrape is answered with. ``desks``: of each agency how much waits for its liaison
        officers, and how much of it is due within a day; ``reviews``: by collection and agency, how many
        are overdue."""
        self._database.set(database_up)
        self._lag.clear()
        for lag in lags:
            self._lag.labels(self._worker, lag.account, lag.agency, lag.collection).set(lag.seconds)
        self._reviews.clear()
        for (collection, agency), number in reviews.items():
            self._reviews.labels(collection, agency).set(number)
        self._waiting.clear()
        self._due.clear()
        for agency, (waiting, due) in desks.items():
            self._waiting.labels(agency).set(waiting)
            self._due.labels(agency).set(due)
        return generate_latest(self._registry)
