"""What a reader hands over, and what a value is while it is converted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple

from taxii_hub.model import Severity

_INDEX: Final = re.compile(r"\[[0-9]+\]")


class Leaf(NamedTuple):
    """One value of the source with its place.

    ``path`` is relative to the record, its steps joined by ``/``; a step that occurs more than once
    beside itself has its number (``ALIAS[2]/NAME``), an attribute is ``@name``, text beside elements
    is ``text()``, the record itself is ``.``. ``pattern`` is the path without numbers.
    """

    path: str
    value: str
    line: int | None
    pattern: str

    @classmethod
    def at(cls, path: str, value: str, line: int | None) -> Leaf:
        return cls(path, value, line, pattern_of(path))


@dataclass(frozen=True, slots=True)
class Remark:
    """What a reader found wrong. ``fatal``: nothing can be made of the record, its leaves are dropped."""

    code: str
    message: str
    remedy: str
    severity: Severity = "warning"
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """What a library made of a record. ``objects``: STIX, ``main``: the id of the one that stands for
    the record, ``trace``: (leaf, bucket, target) that the reader knows, ``faults``: (code, message,
    remedy, leaf). ``own_markings``: the library marks objects one by one, so an object's own TLP counts
    instead of the record's (but for the main object, which holds what is left over)."""

    objects: tuple[dict[str, Any], ...]
    main: str | None
    trace: tuple[tuple[int, str, str], ...]
    faults: tuple[tuple[str, str, str, int | None], ...]
    own_markings: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One record with its non-empty leaves in the order of the file. ``kind`` is the name of its
    element (a CSV or sheet: ``row``); empty for what stands outside all records (the file's header
    and trailer). ``remarks``: what the reader found wrong with it, or, where ``kind`` is empty, with
    the file."""

    kind: str
    line: int | None
    leaves: tuple[Leaf, ...]
    remarks: tuple[Remark, ...] = ()
    made: Made | None = None

    def content(self) -> int:
        """Equal for equal records, while the program runs."""
        return hash(tuple((leaf.path, leaf.value) for leaf in self.leaves))

    def digest(self) -> str:
        """Says which content it is without showing it."""
        content = "\0".join(f"{leaf.path}\0{leaf.value}" for leaf in self.leaves)
        return f"sha256:{sha256(content.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


# Not frozen, though nobody changes one: it would cost three times as much to make, and there is one a leaf.
@dataclass(slots=True, unsafe_hash=True)
class Value:
    """Data that remembers which leaves (positions in the record) it comes from. ``derived``: computed
    from them rather than spelt by them."""

    data: Any
    leaves: frozenset[int]
    derived: bool = False

    def derive(self, data: Any) -> Value:
        """Something computed from this value."""
        return Value(data, self.leaves, derived=True)

    def part(self, data: Any) -> Value:
        """A piece of this value, as the source spells it."""
        return Value(data, self.leaves, self.derived)

    @classmethod
    def joined(cls, values: Iterable[Value], separator: str) -> Value | None:
        """The texts one after the other; None where there is none."""
        present = list(values)
        if not present:
            return None
        text = separator.join(str(value.data) for value in present)
        return cls(text, frozenset().union(*(value.leaves for value in present)))


def pattern_of(path: str) -> str:
    """The path without the numbers of repeated steps."""
    return _INDEX.sub("", path) if "[" in path else path


Progress = Callable[[int, int], None]
"""Called with the bytes read so far and the size of the file."""
