"""The model of ``mapping.yaml``: what a mapping says, checked when it is loaded (DESIGN section 8)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from taxii_hub.mapping.cleaners import Cleaned, Cleaner
from taxii_hub.mapping.expressions import Node, Tree
from taxii_hub.mapping.minimise import Profile
from taxii_hub.mapping.readers.options import Reader, XmlReader
from taxii_hub.mapping.view import View

Seed = Literal["record", "content"]


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who makes the list: becomes an ``identity`` and ``created_by_ref`` of everything. ``since`` is a
    STIX timestamp before the first edition: the version of what never changes (issuer, statement,
    locations, stubs), so that every edition gives the same object."""

    name: str
    identity_class: str
    since: str
    description: str | None


@dataclass(frozen=True, slots=True)
class Detect:
    """What a file of this format must have.

    XML: the root's local name (one of ``roots``), its ``attributes``, one of the elements (``any_of``) among its first
    ones. JSON: all ``keys`` (paths), one of ``any_of``. CSV and workbooks: the columns of ``header``, or,
    where there is no header, ``cells`` (column from 1 → what all of the first rows have there) and the
    number of ``columns``; ``preamble``: what the rows before the header hold; ``sheets``: patterns of
    names. ``none_of``: keys or columns that it must not have.
    """

    roots: tuple[str, ...]
    attributes: frozenset[str]
    any_of: frozenset[str]
    keys: frozenset[str]
    none_of: frozenset[str]
    header: tuple[str, ...]
    columns: int
    cells: Mapping[int, re.Pattern[str]]
    preamble: re.Pattern[str] | None
    sheets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """How the text of one source path is read, and what a person should know about it. ``nothing``: texts
    that say nothing → why."""

    path: str
    cleaner: str
    function: Cleaner
    note: str | None
    nothing: Mapping[str, str]

    def clean(self, text: str) -> Cleaned:
        """Raises BadValueError."""
        return self.function(text)


@dataclass(frozen=True, slots=True)
class ObjectSpec:
    """One kind of object that a record gives: one, or one for each group (``each``).

    ``seed``: ``record`` (the record's key and ``parts``) or ``content`` (equal content is one object,
    however many records share it; it never changes, so its version is the issuer's ``since``).
    """

    name: str
    type: str
    each: tuple[str, ...]
    holds: Callable[[View], bool]
    seed: Seed
    parts: tuple[Node, ...]
    properties: Node
    designation: Node | None
    source: Node | None = None


@dataclass(frozen=True, slots=True)
class Markings:
    """What everything is marked with: a TLP word and an attribution. ``by``: values of a record that say
    its own TLP word, the strictest of them; ``tlp`` is then for records that say nothing (unless one is
    ``required``) and for what stands around the records."""

    tlp: str
    statement: str | None
    by: tuple[Node, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class OtherList:
    """What must be known of another mapping's list to name its records: the ids, and the stubs, are
    those that the other mapping makes itself. ``main``: type and name of its main object."""

    family: str
    issuer: Issuer
    markings: Markings
    main: tuple[str, str]


@dataclass(frozen=True, slots=True)
class RelationshipSpec:
    """``source`` to every ``target`` of the same record (for an object made from a group: the
    ``properties`` are read in that group), or to the main objects of the records that ``keys`` names,
    in this list or in ``other``."""

    source: str
    type: str
    target: str
    keys: Node | None
    properties: Node
    other: OtherList | None = None


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One part of a record's reference; ``name`` says where it comes from."""

    name: str
    value: Node


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """A rule by which whole records are left out."""

    name: str
    holds: Callable[[View], bool]
    reason: str


@dataclass(frozen=True, slots=True)
class Editions:
    """How one file follows another. ``whole``: a file is the whole list, so what it does not hold has
    left the list; otherwise files add up. ``grace``: how many editions a record may be missing from
    before its objects are revoked. ``list``: header path that tells lists of one format apart.
    ``count``: header path that says how many records the file holds. ``whole_if``: header path and text; a
    file that says another text is a part, and adds up."""

    whole: bool = True
    grace: int = 1
    list: str | None = None
    count: str | None = None
    whole_if: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole mapping.

    ``family`` seeds the ids: the format's name, unless several formats carry the same list.
    ``edition_paths``: the path of the edition's moment in the header, or, ``edition_from_records``, those in the
    records (the latest one counts; ``edition_cleaner`` reads it, else the field's own); none where no file says it. ``main`` names the object that stands for
    the record and keeps in its extension what no rule reads (several names: the first that it gives). ``build`` are functions of hooks.py that
    make further objects through the emitter.
    """

    format: str
    format_version: str
    family: str
    title: str
    about: str | None
    issuer: Issuer
    detect: Detect
    reader: Reader
    key: tuple[KeyPart, ...]
    edition_paths: tuple[str, ...]
    edition_from_records: bool
    lookups: Mapping[str, Mapping[str, Any]]
    fields: Mapping[str, Field]
    objects: tuple[ObjectSpec, ...]
    main: tuple[str, ...]
    relationships: tuple[RelationshipSpec, ...]
    build: tuple[Callable[..., Tree], ...]
    markings: Markings
    minimise: Mapping[str, Profile]
    ignore: Mapping[str, str]
    folder: Path
    trusted: bool
    editions: Editions = Editions()
    leave_out: tuple[LeaveOut, ...] = ()
    edition_cleaner: Cleaner | None = None

    _below: tuple[str, ...] = field(init=False, default=(), repr=False)

    def __post_init__(self) -> None:
        # Asked for every leaf that no rule reads: a list with its history has many.
        below = tuple(path[:-2] for path in self.fields if path.endswith("/**"))
        object.__setattr__(self, "_below", below)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of record."""
        return self.reader.kinds

    @property
    def edition(self) -> str | None:
        """The path of the edition's moment; of several the first."""
        return self.edition_paths[0] if self.edition_paths else None

    @property
    def editions_told(self) -> tuple[str, ...]:
        """The paths of the records that say an edition."""
        return self.edition_paths if self.edition_from_records else ()

    @property
    def shared(self) -> Mapping[str, str]:
        """Elements outside of records to which records refer → the path of their key."""
        return self.reader.shared if isinstance(self.reader, XmlReader) else {}

    def lists(self, pattern: str) -> bool:
        """Whether the path stands in ``fields``, or below one that ends in ``/**``."""
        return pattern in self.fields or pattern.startswith(self._below)

    @property
    def main_object(self) -> ObjectSpec:
        """The object that stands for a record; of several the one that stubs of other records are."""
        return next(item for item in self.objects if item.name == self.main[0])
