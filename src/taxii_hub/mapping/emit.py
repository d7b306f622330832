"""The emitter: the only way in which tables and hooks make STIX objects.

It owns ids, ``created_by_ref``, versions, markings and provenance; a mapping can bypass none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson

from taxii_hub.errors import RecordError
from taxii_hub.mapping.accounting import Bucket, Fate, Fates, Use
from taxii_hub.mapping.constants import DESIGNATION, SOURCE
from taxii_hub.mapping.expressions import NOTHING, Tree
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.spool import Spool
from taxii_hub.stix import canonical_json, ids

if TYPE_CHECKING:
    from taxii_hub.mapping.spec import OtherList

DESIGNATION_PATH: Final = f"extensions.{DESIGNATION}"
SOURCE_PATH: Final = f"extensions.{SOURCE}"
_ID: Final = re.compile(rb"(?<=\")[a-z0-9-]+--[0-9a-f-]{36}(?=\")")
_REMEMBERED: Final = 500
"""So many properties of one place are remembered."""
_OWNED: Final = frozenset(
    {"type", "id", "spec_version", "created", "modified", "created_by_ref", "object_marking_refs"}
    | {"granular_markings", "revoked"}
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What is the same for every object of one conversion. ``since``: the version of what never
    changes; ``edition``: of everything else. ``marked``: the markings are the record's own."""

    namespace: UUID
    family: str
    issuer: str
    markings: tuple[str, ...]
    since: str
    edition: str
    marked: bool = False

    def object(
        self, object_type: str, object_id: str, version: str, properties: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A complete object: head, its own properties, markings."""
        return {
            "type": object_type,
            "spec_version": "2.1",
            "id": object_id,
            "created_by_ref": self.issuer,
            "created": version,
            "modified": version,
            **properties,
            "object_marking_refs": list(self.markings),
        }

    def mint(self, object_type: str, name: str, *seed: str) -> str:
        return ids.mint(self.namespace, object_type, self.family, name, *seed)


@dataclass(frozen=True, slots=True)
class Mention:
    """A record names another one by its key; it becomes a relationship when all records are read."""

    source: str
    type: str
    key: str
    properties: Mapping[str, Any]
    other: OtherList | None = None


class Place:
    """A place in an object, with the two ways to be used there: ``spelt`` as it is, ``derived``. The same
    places are filled by every record."""

    __slots__ = ("_path", "below", "derived", "spelt")

    def __init__(self, path: str) -> None:
        self._path = path
        object_type, _, inside = path.partition(".")
        if inside.startswith("extensions."):
            inside = inside.replace(DESIGNATION_PATH, "designation").replace(SOURCE_PATH, "source")
        target = f"{object_type}.{inside}"
        self.spelt: Use = (_bucket(target), target)
        self.derived: Use = ("derived", target)
        self.below: dict[str, Place] = {}

    def inside(self, key: str) -> Place:
        """The place of a property in this one."""
        place = self.below.get(key) or Place(f"{self._path}.{key}" if self._path else key)
        # A hook that makes names of what the source says must not fill the memory.
        if len(self.below) < _REMEMBERED:
            self.below[key] = place
        return place


def _bucket(target: str) -> Bucket:
    return "carried" if ".designation." in target or ".source." in target else "mapped"


@dataclass(slots=True)
class Emitter:
    """Builds the objects of one record (``seed``: its key); nothing counts until the record is complete.
    ``main``: the id of the object that stands for the record, for functions of hooks.py."""

    frame: Frame
    seed: tuple[str, ...]
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    mentions: list[Mention] = field(default_factory=list)
    fates: Fates = field(default_factory=lambda: Fates(Fate()))
    main: str = ""
    named: set[str] = field(default_factory=set)
    places: Place = field(default_factory=lambda: Place(""))

    def add(self, object_type: str, name: str, properties: Tree, parts: Iterable[str] = ()) -> str:
        """An object of this record; ``name`` and ``parts`` tell it from the record's other objects.
        Returns its id."""
        body = self._body(object_type, properties)
        object_id = self.frame.mint(object_type, name, *self.seed, *parts)
        return self._keep(self.frame.object(object_type, object_id, self.frame.edition, body))

    def add_shared(self, object_type: str, properties: Tree) -> str:
        """An object that is its content: equal content is one object in every record and edition."""
        body = self._body(object_type, properties)
        # The same place with two markings is two objects: one would be marked too weakly.
        marking = self.frame.markings[:1] if self.frame.marked else ()
        object_id = self.frame.mint(object_type, "", canonical_json.dumps(body), *marking)
        return self._keep(self.frame.object(object_type, object_id, self.frame.since, body))

    def relate(self, source: str, verb: str, target: str, properties: Tree = None) -> str:
        """A relationship between two ids; equal ones are one."""
        body = self._body("relationship", properties or {})
        return self._keep(relationship(self.frame, (source, verb, target), body))

    def mention(self, source: str, verb: str, key: Value, properties: Tree = None) -> None:
        """A relationship to the main object of the record with that key, in this file or not."""
        self.trace(f"relationship.{verb}", key)
        body = self._body("relationship", properties or {})
        self.mentions.append(Mention(source, verb, str(key.data), body))

    def mention_elsewhere(
        self, other: OtherList, ends: tuple[str, str], key: Value, properties: Tree = None
    ) -> None:
        """The same (``ends``: source and verb) to a record of another list."""
        self.mention(*ends, key, properties)
        self.mentions[-1] = replace(self.mentions[-1], other=other)

    def refer(self, object_type: str, name: str, key: str) -> str:
        """The id of the object that stands for the record with that key, in this file or not; for a
        property that is a reference. A record that no file has becomes a stub (an identity)."""
        self.named.add(key)
        return self.frame.mint(object_type, name, key)

    def own(self, object_type: str, name: str) -> str:
        """The id of this record's object of that name, for a property that is a reference."""
        return self.frame.mint(object_type, name, *self.seed)

    def _body(self, object_type: str, tree: Tree) -> dict[str, Any]:
        body: dict[str, Any] = self._landed(tree, self.places.inside(object_type))
        if owned := sorted(body.keys() & _OWNED):
            raise RecordError(
                f"{object_type}.{owned[0]} is the engine's, not the mapping's", "correct the mapping"
            )
        return body

    def _landed(self, tree: Tree, place: Place) -> Any:
        """The tree without provenance (see ``plain``), whose Values are traced to where they stand."""
        if isinstance(tree, Value):
            self.fates.use_all(tree.leaves, place.derived if tree.derived else place.spelt)
            return tree.data
        if isinstance(tree, dict):
            made, below, value = {}, place.below, None
            for key, item in tree.items():
                if not item and item in NOTHING:
                    continue
                there = below.get(key) or place.inside(key)
                if type(item) is Value:  # nearly all are: no call for them
                    self.fates.use_all(item.leaves, there.derived if item.derived else there.spelt)
                    value = item.data
                else:
                    value = self._landed(item, there)
                if value or value not in NOTHING:
                    made[key] = value
            return made
        if isinstance(tree, list):
            values = [self._landed(item, place) for item in tree]
            return [value for value in values if value or value not in NOTHING]
        return tree

    def trace(self, target: str, value: Value) -> None:
        """Note that the value went to ``target``."""
        self.fates.use_all(value.leaves, ("derived" if value.derived else _bucket(target), target))

    def _keep(self, made: dict[str, Any]) -> str:
        object_id: str = made["id"]
        if self.objects.setdefault(object_id, made) != made:
            raise RecordError(
                f"two different objects would have the id {object_id}", "give the object an id in the mapping"
            )
        return object_id


def relationship(frame: Frame, ends: tuple[str, str, str], body: Mapping[str, Any]) -> dict[str, Any]:
    """``ends``: source, verb, target. What is said about it belongs to the seed: the same place named
    twice with two notes is two relationships."""
    said = (canonical_json.dumps(body),) if body else ()
    source, verb, target = ends
    properties = {"relationship_type": verb, **body, "source_ref": source, "target_ref": target}
    return frame.object(
        "relationship", frame.mint("relationship", "", *ends, *said), frame.edition, properties
    )


class Output:
    """The objects of the whole conversion, as bytes, in the order in which they were first made. Ids and
    hashes stay in memory, the bytes in ``data``."""

    def __init__(self) -> None:
        self._digests: dict[str, bytes] = {}
        self.data = Spool()

    def add(self, made: Mapping[str, Any]) -> None:
        """Keep it; equal ones are one (see ``clash``)."""
        if made["id"] not in self._digests:
            self._put(made["id"], orjson.dumps(made))

    def _put(self, object_id: str, data: bytes) -> None:
        self._digests[object_id] = sha256(data).digest()
        self.data.append(data)

    def renamed(self, names: Mapping[str, str]) -> Output:
        """The same objects with other ids where they refer to these."""
        ids = {old.encode(): new.encode() for old, new in names.items() if old != new}
        if not ids:
            return self
        made = Output()
        for object_id, data in zip(self._digests, self.data, strict=True):
            made._put(object_id, _ID.sub(lambda found: ids.get(found[0], found[0]), data))
        return made

    def clash(self, made: Iterable[Mapping[str, Any]]) -> str | None:
        """The first id among ``made`` that is here already with other content."""
        for item in made:
            known = self._digests.get(item["id"])
            if known is not None and known != sha256(orjson.dumps(item)).digest():
                return str(item["id"])
        return None

    def __len__(self) -> int:
        return len(self._digests)

    def ids(self) -> list[str]:
        return list(self._digests)

    def digests(self) -> list[bytes]:
        """SHA-256 of each."""
        return list(self._digests.values())
