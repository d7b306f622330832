"""The TLP 1 marking beside that of TLP 2.0, for clients that know only the older ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, overload

import orjson

from taxii_hub.stix.markings import TLP_1_IDS, TLP_2_IDS, definition_of

_TWINS: Final = {
    object_id: TLP_1_IDS["amber" if word == "amber+strict" else word] for word, object_id in TLP_2_IDS.items()
}
"""AMBER+STRICT is new in TLP 2.0; of the older words AMBER is the nearest, and the strictest that a feed may carry."""


class Twinned(Sequence[bytes]):
    """The objects of a conversion with the twins of their markings; definitions first, as before."""

    def __init__(self, data: Sequence[bytes]) -> None:
        marked = [item for item in data if b'"marking-definition"' in item]
        there = {value["id"] for value in map(orjson.loads, marked) if value["type"] == "marking-definition"}
        wanted = {_TWINS[object_id] for object_id in there if object_id in _TWINS} - there
        made = (definition_of(object_id) for object_id in sorted(wanted))
        self._definitions = tuple(orjson.dumps(definition) for definition in made)
        self._data = data

    def __len__(self) -> int:
        return len(self._definitions) + len(self._data)

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...

    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        first = len(self._definitions)
        return self._definitions[at] if at < first else _twinned(self._data[at - first])


def _twinned(data: bytes) -> bytes:
    value: dict[str, Any] = orjson.loads(data)
    refs = value.get("object_marking_refs", [])
    twins = [_TWINS[ref] for ref in refs if ref in _TWINS]
    if not twins:
        return data
    value["object_marking_refs"] = list(dict.fromkeys([*refs, *twins]))
    return orjson.dumps(value)
