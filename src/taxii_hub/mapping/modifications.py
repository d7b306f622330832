"""Lists that keep the history of a record: groups with a type and dates. Shared by the hooks of mappings."""

from __future__ import annotations

from dataclasses import dataclass

from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View


@dataclass(frozen=True, slots=True)
class Modifications:
    """``group``: where the modifications stand, ``type`` and ``dates`` in them; the first date that is there counts."""

    group: str
    type: str
    dates: tuple[str, ...]

    def latest(self, view: View) -> Value | None:
        """The type of the one with the latest date; of equal ones, or without dates, of the first."""
        found: Value | None = None
        last = ""
        for one in view.groups(self.group):
            said, when = one.get(self.type), self._when(one)
            day = str(when.data) if when is not None else ""
            if said is not None and (found is None or day > last):
                found, last = said, day
        return found

    def days(self, view: View, word: str) -> list[Value]:
        """When there was one of that type: each day once, the earliest first."""
        found: dict[str, Value] = {}
        for one in view.groups(self.group):
            said, when = one.get(self.type), self._when(one)
            if said is not None and said.data == word and when is not None:
                found.setdefault(str(when.data), when)
        return [found[day] for day in sorted(found)]

    def pairs(self, view: View) -> Tree:
        """Every date of every one, as ``type: which date`` and the day; without a date the type alone."""
        made: list[Tree] = []
        for one in view.groups(self.group):
            if (said := one.get(self.type)) is not None:
                days = [(path, day) for path in self.dates if (day := one.get(path)) is not None]
                made += [
                    {"key": said.derive(f"{said.data}: {path.lstrip('@')}"), "value": day}
                    for path, day in days
                ]
                made += [] if days else [{"key": self.group, "value": said}]
        return made

    def _when(self, one: View) -> Value | None:
        return next(filter(None, map(one.get, self.dates)), None)
