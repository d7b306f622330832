"""How tables and hooks look at a record: by path, cleaned, with provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NoReturn

from taxii_hub.errors import BadValueError, MappingError, RecordError
from taxii_hub.mapping.countries import country_codes, fold
from taxii_hub.mapping.paths import Paths
from taxii_hub.mapping.record import Record, Value
from taxii_hub.model import Severity

if TYPE_CHECKING:
    from taxii_hub.mapping.emit import Emitter
    from taxii_hub.mapping.minimise import Minimised, Minimiser
    from taxii_hub.mapping.shared import Shared
    from taxii_hub.mapping.spec import Spec

COUNTRIES: Final = "countries"
"""The lookup that every mapping has: names of countries to ISO 3166-1 alpha-2."""

ANY_OTHER: Final = "*"
"""A key of a lookup: what every text means that is not listed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem with one leaf of the record (``leaf``), or with the whole record (None)."""

    code: str
    message: str
    remedy: str
    leaf: int | None
    severity: Severity = "warning"


@dataclass(slots=True)
class Reading:
    """One record while it is read: which leaves are visible (``held``: their positions by pattern;
    ``minimiser`` may change some, see ``changes``, and leave nothing of others, which are ``hidden``; others
    say ``nothing``), what was found wrong with which, and which were cut by their cleaner. ``edition``: the
    version of what is made. ``shared``: elements to which records refer; one of those begins to count its
    leaves at ``base``."""

    paths: Paths
    record: Record
    minimiser: Minimiser | None = None
    edition: str = ""
    emitter: Emitter | None = None
    shared: Shared | None = None
    base: int = 0
    changes: Mapping[int, Minimised] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    nothing: dict[int, str] = field(default_factory=dict)
    faults: dict[tuple[str, int | None], Fault] = field(default_factory=dict)
    cut: set[int] = field(default_factory=set)
    held: dict[str, list[int]] = field(default_factory=dict)
    _cleaned: dict[int, Value | None] = field(default_factory=dict)
    _original: Record = field(init=False)

    def __post_init__(self) -> None:
        self._original = self.record
        if self.minimiser is not None:
            self._minimise(self.minimiser)
        held, hidden, special = self.held, self.hidden, self.paths.special
        for position, leaf in enumerate(self.record.leaves):
            pattern = leaf.pattern
            if position in hidden or (pattern in special and self._says_nothing(position)):
                continue
            if (positions := held.get(pattern)) is None:
                held[pattern] = [position]
            else:
                positions.append(position)

    def _says_nothing(self, position: int) -> bool:
        leaf = self.record.leaves[position]
        why = self.spec.fields[leaf.pattern].nothing.get(leaf.value.strip())
        if why is not None:
            self.nothing[position] = why
        return why is not None

    @property
    def spec(self) -> Spec:
        """The mapping."""
        return self.paths.spec

    def positions(self, pattern: str) -> list[int]:
        """Where the visible leaves of that pattern stand."""
        return self.held.get(pattern, [])

    def _minimise(self, minimiser: Minimiser) -> None:
        """Put what the profile makes of leaves in their place, so that nothing can tell the rest."""
        leaves = list(self.record.leaves)
        self.changes = minimiser.changes(self.record.kind, leaves, self.spec.fields)
        for position, change in self.changes.items():
            if change.text is None:
                self.hidden.add(position)
            else:
                self._cleaned[position] = Value(change.text, frozenset({self.base + position}))
            if self.record.made is None:
                leaves[position] = leaves[position]._replace(value=change.text or "")
        self.record = replace(self.record, leaves=tuple(leaves))

    @property
    def seed(self) -> tuple[str, ...]:
        """What a profile takes out makes another object, which needs an id of its own (STIX 2.1, 3.5)."""
        return self.minimiser.seed(self.changes.values()) if self.minimiser is not None else ()

    def whole(self) -> Reading:
        """The record as it stands in the source: what is left out by rule must not depend on a profile."""
        if not self.changes:
            return self
        return Reading(self.paths, self._original, None, self.edition, shared=self.shared, base=self.base)

    def told(self, position: int) -> str:
        """What the profile did to the leaf, which is counted by that."""
        return self.minimiser.count(self.changes[position]) if self.minimiser is not None else ""

    def has_fault(self, position: int) -> bool:
        return any(leaf == position for _, leaf in self.faults)

    def fault(self, fault: Fault) -> None:
        """Note a problem, once for each kind and leaf (or message, where it is the whole record's)."""
        code = fault.code if fault.leaf is not None else f"{fault.code}: {fault.message}"
        self.faults.setdefault((code, fault.leaf), fault)

    def cleaned(self, position: int) -> Value | None:
        """The leaf as its field's cleaner reads it; None (and a problem) where it cannot."""
        known = self._cleaned
        if position in known:
            return known[position]
        try:
            cleaned = self.paths.clean(self.record.leaves[position])
        except BadValueError as error:
            self.fault(Fault(error.code, str(error), error.remedy, position))
            known[position] = None
            return None
        if not cleaned.whole:
            self.cut.add(position)
        value = known[position] = (
            Value(cleaned.data, frozenset((self.base + position,))) if cleaned.data else None
        )
        return value

    def own(self, value: Value) -> int | None:
        """The first leaf of this record among those of the value."""
        own = [leaf - self.base for leaf in value.leaves]
        return min((leaf for leaf in own if 0 <= leaf < len(self.record.leaves)), default=None)


_Group = tuple[int, str, "View"]
"""The first position inside, the element's path, its view."""


class View:
    """A record, or one of the groups inside it; paths are relative to it. ``at``: the group's
    pattern, and the positions of the leaves inside it, by their patterns."""

    __slots__ = ("_groups", "_held", "_names", "_pattern", "reading")

    def __init__(self, reading: Reading, at: tuple[str, dict[str, list[int]]] | None = None) -> None:
        self.reading = reading
        self._pattern, self._held = at or ("", reading.held)
        self._names = reading.paths.names(self._pattern)
        self._groups: dict[str, list[_Group]] = {}

    @property
    def kind(self) -> str:
        """The name of the record's element."""
        return self.reading.record.kind

    @property
    def edition(self) -> str:
        """The edition's moment, a STIX timestamp."""
        return self.reading.edition

    def get(self, path: str) -> Value | None:
        """The first readable value at ``path`` (``.`` is the group's own text)."""
        full = self._names.get(path) or self._full(path)
        for position in self._held.get(full, ()):
            if (value := self.reading.cleaned(position)) is not None:
                return value
        return None

    def all(self, path: str) -> list[Value]:
        """Every readable value at ``path``, in the order of the file."""
        full = self._names.get(path) or self._full(path)
        values = (self.reading.cleaned(position) for position in self._held.get(full, ()))
        return [value for value in values if value is not None]

    def groups(self, *paths: str) -> list[View]:
        """One view for each element at one of the paths that holds anything, in the order of the file."""
        if len(paths) == 1:
            return [group[2] for group in self._inside(paths[0])]
        found = {group[1]: group for path in paths for group in self._inside(path)}
        return [group[2] for group in sorted(found.values(), key=itemgetter(0, 1))]

    def _inside(self, path: str) -> list[_Group]:
        if path not in self._groups:
            full = self._joined(path)
            made = [
                (first, element, View(self.reading, (full, held)))
                for element, (first, held) in self._parted(full).items()
            ]
            self._groups[path] = sorted(made, key=itemgetter(0))
        return self._groups[path]

    def _parted(self, full: str) -> dict[str, tuple[int, dict[str, list[int]]]]:
        """The positions inside each element of that pattern, by patterns, and the first of all."""
        leaves, element_of = self.reading.record.leaves, self.reading.paths.elements(full)
        found: dict[str, tuple[int, dict[str, list[int]]]] = {}
        for pattern in self.reading.paths.inside(full, self._held):
            for position in self._held[pattern]:
                element = element_of(leaves[position].path)
                if (known := found.get(element)) is None:
                    found[element] = (position, {pattern: [position]})
                else:
                    first, held = known
                    if position < first:
                        found[element] = (position, held)
                    if (positions := held.get(pattern)) is None:
                        held[pattern] = [position]
                    else:
                        positions.append(position)
        return found

    def _joined(self, path: str) -> str:
        if path == ".":
            return self._pattern or path
        return f"{self._pattern}/{path}" if self._pattern else path

    def _full(self, path: str) -> str:
        full = self._joined(path)
        if full not in self.reading.spec.fields:
            raise MappingError(
                f"{self.reading.spec.format}: {full!r} is read but not listed; add it to fields"
            )
        self._names[path] = full
        return full

    def lookup(self, name: str, value: Value | None) -> Value | None:
        """What the lookup says of the value; an unknown one is a problem, one that has no code (null in
        the table) is not."""
        if value is None:
            return None
        text = str(value.data)
        if name == COUNTRIES:
            table, key = country_codes(), fold(text)
        else:
            table, key = self.reading.spec.lookups[name], text
        if key not in table and ANY_OTHER in table:
            key = ANY_OTHER
        if key not in table:
            self.warn(
                value, f"is not in lookup {name!r}", "add it to the lookup of the mapping", "unknown-value"
            )
            return None
        code = table[key]
        return None if code is None else value.part(code)

    def warn(self, value: Value, message: str, remedy: str, code: str = "odd-value") -> None:
        """Note a problem with a value; the record goes on."""
        self.reading.fault(Fault(code, message, remedy, self.reading.own(value)))

    def shared(self, kind: str, key: Value) -> View | None:
        """The element of that kind, outside of records, that ``key`` names; None (and a problem) where there
        is none."""
        found = self.reading.shared.find(kind, key) if self.reading.shared is not None else None
        if found is None:
            self.warn(
                key, f"names no {kind} that stands before it", "get the whole file again", "no-reference"
            )
        return found

    def refer(self, key: Value) -> Value:
        """The id of the main object (the first, where there are several) of the record with that key, as
        the value of a property that ends in ``_ref``."""
        main = self.reading.spec.main_object
        return key.derive(self._emitter().refer(main.type, main.name, str(key.data)))

    def own(self, object_type: str, name: str) -> str:
        """The id of this record's object of that name (without ``each`` and ``id``)."""
        return self._emitter().own(object_type, name)

    def _emitter(self) -> Emitter:
        if self.reading.emitter is None:
            raise MappingError("a key cannot contain ids; they are made of it")
        return self.reading.emitter

    def refuse(self, value: Value, message: str, remedy: str) -> NoReturn:
        """Nothing is made of the record because of this value. Raises RecordError."""
        raise RecordError(message, remedy, self.reading.own(value))
