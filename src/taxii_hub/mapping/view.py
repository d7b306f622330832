"""How tables and hooks look at a record: by path, cleaned, with provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NoReturn

from taxii_hub.errors import BadValueError, MappingError, RecordError
from taxii_hub.mapping.countries import country_codes, fold
from taxii_hub.mapping.record import Leaf, Record, Value, pattern_of
from taxii_hub.model import Severity

if TYPE_CHECKING:
    from taxii_hub.mapping.emit import Emitter
    from taxii_hub.mapping.minimise import Minimised, Minimiser
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
    """One record while it is read: which leaves are visible (``minimiser`` may change some, see
    ``changes``, and leave nothing of others, which are ``hidden``; others say ``nothing``), what was found wrong with which, and which were cut by their
    cleaner. ``edition``: the version of what is made."""

    spec: Spec
    record: Record
    minimiser: Minimiser | None = None
    edition: str = ""
    emitter: Emitter | None = None
    changes: Mapping[int, Minimised] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    nothing: dict[int, str] = field(default_factory=dict)
    faults: dict[tuple[str, int | None], Fault] = field(default_factory=dict)
    cut: set[int] = field(default_factory=set)
    _cleaned: dict[int, Value | None] = field(default_factory=dict)
    _positions: dict[str, list[int]] = field(default_factory=dict)
    _elements: dict[str, dict[str, list[int]]] | None = None
    _views: dict[str, View] = field(default_factory=dict)
    _original: Record = field(init=False)

    def __post_init__(self) -> None:
        self._original = self.record
        if self.minimiser is not None:
            self._minimise(self.minimiser)
        for position, leaf in enumerate(self.record.leaves):
            if position in self.hidden:
                continue
            if (why := self._nothing(leaf)) is not None:
                self.nothing[position] = why
            else:
                self._positions.setdefault(leaf.pattern, []).append(position)

    def _minimise(self, minimiser: Minimiser) -> None:
        """Put what the profile makes of leaves in their place, so that nothing can tell the rest."""
        leaves = list(self.record.leaves)
        self.changes = minimiser.changes(self.record.kind, leaves, self.spec.fields)
        for position, change in self.changes.items():
            if change.text is None:
                self.hidden.add(position)
            else:
                self._cleaned[position] = Value(change.text, frozenset({position}))
            if self.record.made is None:
                leaves[position] = leaves[position]._replace(value=change.text or "")
        self.record = replace(self.record, leaves=tuple(leaves))

    @property
    def seed(self) -> tuple[str, ...]:
        """What a profile takes out makes another object, which needs an id of its own (STIX 2.1, 3.5)."""
        if self.minimiser is None or not self.changes:
            return ()
        return (f"minimised:{self.minimiser.profile.name}",)

    def whole(self) -> Reading:
        """The record as it stands in the source: what is left out by rule must not depend on a profile."""
        return Reading(self.spec, self._original, None, self.edition) if self.changes else self

    def told(self, position: int) -> str:
        """What the profile did to the leaf, which is counted by that."""
        return self.minimiser.count(self.changes[position]) if self.minimiser is not None else ""

    def _nothing(self, leaf: Leaf) -> str | None:
        """Why the leaf says nothing; None where it says something."""
        listed = self.spec.fields.get(leaf.pattern)
        return listed.nothing.get(leaf.value.strip()) if listed is not None and listed.nothing else None

    def positions(self, pattern: str) -> list[int]:
        """Where the visible leaves of that pattern stand."""
        return self._positions.get(pattern, [])

    def elements(self, pattern: str) -> Mapping[str, list[int]]:
        """The elements of that pattern that hold anything: path → positions of what is inside."""
        if self._elements is None:
            self._elements = {}
            for positions in self._positions.values():
                for position in positions:
                    self._place(position, self._elements)
        return self._elements.get(pattern, {})

    def _place(self, position: int, elements: dict[str, dict[str, list[int]]]) -> None:
        leaf = self.record.leaves[position]
        path, pattern = leaf.path, leaf.pattern
        while True:
            elements.setdefault(pattern, {}).setdefault(path, []).append(position)
            if (cut := path.rfind("/")) < 0:
                return
            path, pattern = path[:cut], pattern[: pattern.rfind("/")]

    def view(self, path: str) -> View:
        """The view of one element: the same each time."""
        if path not in self._views:
            self._views[path] = View(self, path)
        return self._views[path]

    def has_fault(self, position: int) -> bool:
        return any(leaf == position for _, leaf in self.faults)

    def fault(self, fault: Fault) -> None:
        """Note a problem, once for each kind and leaf (or message, where it is the whole record's)."""
        code = fault.code if fault.leaf is not None else f"{fault.code}: {fault.message}"
        self.faults.setdefault((code, fault.leaf), fault)

    def cleaned(self, position: int) -> Value | None:
        """The leaf as its field's cleaner reads it; None (and a problem) where it cannot."""
        if position not in self._cleaned:
            self._cleaned[position] = self._clean(position)
        return self._cleaned[position]

    def _clean(self, position: int) -> Value | None:
        leaf = self.record.leaves[position]
        try:
            cleaned = self.spec.fields[leaf.pattern].clean(leaf.value)
        except BadValueError as error:
            self.fault(Fault(error.code, str(error), error.remedy, position))
            return None
        if not cleaned.whole:
            self.cut.add(position)
        return Value(cleaned.data, frozenset({position})) if cleaned.data else None


class View:
    """A record, or one of the groups inside it; paths are relative to it."""

    __slots__ = ("_held", "_path", "_pattern", "reading")

    def __init__(self, reading: Reading, path: str = "") -> None:
        self.reading = reading
        self._path = path
        self._pattern = pattern_of(path)
        self._held: dict[str, list[int]] | None = None

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
        for position in self._found(path):
            if (value := self.reading.cleaned(position)) is not None:
                return value
        return None

    def all(self, path: str) -> list[Value]:
        """Every readable value at ``path``, in the order of the file."""
        values = (self.reading.cleaned(position) for position in self._found(path))
        return [value for value in values if value is not None]

    def groups(self, *paths: str) -> list[View]:
        """One view for each element at one of the paths that holds anything, in the order of the file."""
        found = [
            (min(positions), element)
            for path in paths
            for element, positions in self.reading.elements(self._joined(path)).items()
            if self._inside(element)
        ]
        return [self.reading.view(path) for path in dict.fromkeys(path for _, path in sorted(found))]

    def _inside(self, path: str) -> bool:
        return not self._path or path == self._path or path.startswith(self._path + "/")

    def _joined(self, path: str) -> str:
        if path == ".":
            return self._pattern or path
        return f"{self._pattern}/{path}" if self._pattern else path

    def _found(self, path: str) -> list[int]:
        full = self._joined(path)
        if full not in self.reading.spec.fields:
            raise MappingError(
                f"{self.reading.spec.format}: {full!r} is read but not listed; add it to fields"
            )
        if not self._path:
            return self.reading.positions(full)
        if self._held is None:
            self._held = {}
            for position in self.reading.elements(self._pattern).get(self._path, ()):
                self._held.setdefault(self.reading.record.leaves[position].pattern, []).append(position)
        return self._held.get(full, [])

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
        self.reading.fault(Fault(code, message, remedy, min(value.leaves)))

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
        raise RecordError(message, remedy, min(value.leaves))
