"""What Prometheus is told; every name has its heading in ``docs/metrics.md``.

Each worker process counts for itself and says so in the label ``worker``: a scrape reaches any one of
them, and ``sum(rate(...))`` over the label is right however often it reaches which. What is true of
the whole hub (the database, the consumers) has no such label; each worker asks anew at a scrape.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Gauge, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from taxii_hub.exchange.reviews import Overdue
from taxii_hub.ledger.asking import LogState
from taxii_hub.web.lags import Lag, Positions
from taxii_hub.web.visit import Visit

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(slots=True)
class _Times:
    """How long the requests of one route and method took: how many ended within each bucket alone."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(_BUCKETS) + 1))
    seconds: float = 0.0


class Requests(Collector):
    """What is counted of each request: in plain numbers, since a request should not pay for its metrics."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._answered: dict[tuple[str, str, int], int] = {}
        self._times: dict[tuple[str, str], _Times] = {}
        self._sent = self._served = self._published = self._failures = 0

    def count(self, visit: Visit, seconds: float) -> None:
        """Add one answered request; ``seconds`` until its last byte was handed over."""
        method = visit.method if visit.method in _METHODS else "other"
        answered = (visit.route, method, visit.status)
        self._answered[answered] = self._answered.get(answered, 0) + 1
        times = self._times.get((visit.route, method))
        if times is None:
            times = self._times[visit.route, method] = _Times()
        times.buckets[bisect_left(_BUCKETS, seconds)] += 1
        times.seconds += seconds
        self._sent += visit.sent
        self._published += visit.published
        if method == "GET":
            self._served += visit.objects
        if visit.status == 500:
            self._failures += 1

    def collect(self) -> Iterator[Metric]:
        """As a scrape wants them."""
        names = ["worker", "route", "method"]
        requests = CounterMetricFamily("taxii_hub_requests", "Requests answered.", labels=[*names, "status"])
        for (route, method, status), number in self._answered.items():
            requests.add_metric([self._worker, route, method, str(status)], number)
        yield requests
        seconds = HistogramMetricFamily("taxii_hub_request_seconds", "Time to answer.", labels=names)
        for (route, method), times in self._times.items():
            until = accumulate(times.buckets)
            limits = [*map(floatToGoString, _BUCKETS), "+Inf"]
            seconds.add_metric(
                [self._worker, route, method], list(zip(limits, until, strict=True)), times.seconds
            )
        yield seconds
        yield self._total("taxii_hub_sent_bytes", "Bytes of bodies sent.", self._sent)
        yield self._total(
            "taxii_hub_objects_served", "Objects, manifest records, versions served.", self._served
        )
        yield self._total("taxii_hub_objects_published", "New objects stored by TAXII POST.", self._published)
        yield self._total("taxii_hub_internal_errors", "Answers that were a 500.", self._failures)

    def _total(self, name: str, words: str, number: int) -> Metric:
        family = CounterMetricFamily(name, words, labels=["worker"])
        family.add_metric([self._worker], number)
        return family


class Metrics:
    """One worker's counters, in a registry of its own."""

    def __init__(self, version: str) -> None:
        self._registry = registry = CollectorRegistry()
        self._worker = str(os.getpid())
        self.positions = Positions()
        self._requests = Requests(self._worker)
        registry.register(self._requests)
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
        self._leaves = self._plain("taxii_hub_audit_leaves", "Leaves of the audit log.")
        self._queued = self._plain("taxii_hub_audit_queued", "Leaves that have no number yet.")
        self._unsigned = self._plain(
            "taxii_hub_audit_unsigned_seconds",
            "Age of the last checkpoint while it does not cover all leaves.",
        )
        Gauge("taxii_hub_info", "Version of the hub.", ["version"], registry=registry).labels(version).set(1)

    def _desk(self, name: str, words: str) -> Gauge:
        return Gauge(name, words, ["agency"], registry=self._registry)

    def _plain(self, name: str, words: str) -> Gauge:
        return Gauge(name, words, registry=self._registry)

    def audit(self, state: LogState, now: int) -> None:
        """How the audit log stands; what is not known any more stays as it was."""
        self._leaves.set(state.leaves)
        self._queued.set(state.queued)
        since = now if state.unsigned_since is None else state.unsigned_since
        self._unsigned.set(max(0, now - since) / 1_000_000)

    def count(self, visit: Visit, seconds: float) -> None:
        """Add one answered request; ``seconds`` until its last byte was handed over."""
        self._requests.count(visit, seconds)

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
