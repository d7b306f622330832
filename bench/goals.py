"""The rows of the table, and what each must reach: of the ceiling, and of OpenTAXII."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """``must`` and ``aim`` are shares of the ceiling of the same run, ``times`` multiples of OpenTAXII's figure.

    ``unit``: ``objects/s``, ``requests/s`` or ``ms``. ``like``: the row that the ceiling and OpenTAXII
    are measured by, where they have no such thing themselves.
    """

    title: str
    unit: str
    must: float | None
    aim: float | None
    times: float
    like: str | None = None

    @property
    def lower(self) -> bool:
        """Whether less is better."""
        return self.unit == "ms"


def _idle(pollers: int, where: str, must: float, aim: float) -> Goal:
    return Goal(f"nothing new, {where}, {pollers} pollers", "requests/s", must, aim, 12)


AT, AFTER = "from the newest stamp", "from a second after it"
GOALS = {
    "walk 1000": Goal("full walk, limit 1000", "objects/s", 0.10, 0.25, 10),
    "walk 1000 gzip": Goal(
        "full walk, limit 1000, gzip accepted", "objects/s", 0.06, 0.20, 6, like="walk 1000"
    ),
    "walk 100": Goal("full walk, limit 100", "objects/s", 0.13, 0.25, 8),
    "manifest 1000": Goal("manifest, limit 1000", "objects/s", 0.04, 0.10, 5),
    "match 1000": Goal("match[type]=indicator, limit 1000", "objects/s", None, None, 10),
    "by id": Goal("object by id, p50", "ms", 0.2, 0.3, 6),
    "versions": Goal("versions of an object, p50", "ms", 0.2, 0.3, 9),
    "incremental": Goal("incremental, 10 new, p50", "ms", 0.2, 0.3, 6),
    "idle at 1": _idle(1, AT, 0.25, 0.5),
    "idle at 16": _idle(16, AT, 0.2, 0.3),
    "idle at 64": _idle(64, AT, 0.2, 0.3),
    "idle after 1": _idle(1, AFTER, 0.25, 0.5),
    "idle after 16": _idle(16, AFTER, 0.2, 0.3),
    "idle after 64": _idle(64, AFTER, 0.2, 0.3),
    "post 100 by 1": Goal("POST 100 an envelope, 1 writer", "objects/s", 0.035, 0.06, 8),
    "post 100 by 8": Goal("POST 100 an envelope, 8 writers", "objects/s", 0.09, 0.15, 15),
    "post 1000 by 1": Goal("POST 1000 an envelope, 1 writer", "objects/s", 0.08, 0.15, 18),
    "post 1000 by 8": Goal("POST 1000 an envelope, 8 writers", "objects/s", 0.08, 0.15, 18),
}
