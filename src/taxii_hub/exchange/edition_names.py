"""Which id an object of an edition has in the feed.

``revoked: true`` is final (STIX 2.1, section 3.6). What comes back after it was revoked is therefore a
new object: its id is made from its first id and a generation, 2 and counting. A relationship whose ends
were renamed is another relationship. All of it follows from what the feed holds, so that the same file
gives the same names again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from taxii_hub.exchange.edition_feed import Known, Past
from taxii_hub.stix import ids


@dataclass(slots=True)
class Names:
    """``renamed``: the id that the mapping made → the id in the feed, where they differ; ``known``: the
    feed's objects by their ids."""

    namespace: UUID
    renamed: dict[str, str] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)

    def of(self, object_id: str) -> str:
        """The id in the feed."""
        return self.renamed.get(object_id, object_id)

    def applied(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """The object with the feed's ids in every reference."""
        if not self.renamed:
            return dict(value)
        return {name: self._rewritten(name, item) for name, item in value.items()}

    def _rewritten(self, name: str, item: Any) -> Any:
        if isinstance(item, str):
            return self.of(item) if name == "id" or name.endswith("_ref") else item
        if isinstance(item, list):
            refs = name.endswith("_refs")
            return [
                self.of(part) if refs and isinstance(part, str) else self._rewritten("", part)
                for part in item
            ]
        if isinstance(item, dict):
            return {key: self._rewritten(key, part) for key, part in item.items()}
        return item


async def names_of(past: Past, namespace: UUID, data: Sequence[bytes], own: Iterable[str]) -> Names:
    """Names and what the feed knows of every object of a conversion; ``own``: those of its records."""
    names = Names(namespace)
    wanted = [head["id"] for head in map(orjson.loads, data)]
    names.known = await past.known(wanted)
    own = frozenset(own)
    plain = [i for i in wanted if ids.kind_of(ids.type_of(i)) != "sro"]
    await _settle(past, names, {i: i for i in plain}, own)
    linked = {i: i for i in wanted if ids.kind_of(ids.type_of(i)) == "sro"}
    if names.renamed:
        linked.update(_between(names, data))
        names.known.update(await past.known(set(linked.values()) - names.known.keys()))
    await _settle(past, names, linked, own)
    return names


def _between(names: Names, data: Sequence[bytes]) -> dict[str, str]:
    """Relationships and sightings whose ends have other names, with the ids that follow from them."""
    found = {}
    for value in map(orjson.loads, data):
        if ids.kind_of(value["type"]) == "sro" and (applied := names.applied(value)) != value:
            ends = [
                text
                for name in sorted(applied)
                if name.endswith(("_ref", "_refs"))
                for text in _texts(applied[name])
            ]
            found[value["id"]] = ids.mint(names.namespace, value["type"], "between", value["id"], *ends)
    return found


def _texts(item: Any) -> list[str]:
    return [item] if isinstance(item, str) else list(item)


async def _settle(past: Past, names: Names, starts: Mapping[str, str], own: frozenset[str]) -> None:
    """The first generation that is not revoked; of what is no record's own, the last there is."""
    generation = 1
    open_ = dict(starts)
    for made, start in starts.items():
        if start != made:
            names.renamed[made] = start
    while open_:
        open_ = {
            made: start
            for made, start in open_.items()
            if (known := names.known.get(names.of(made))) is not None and known.revoked
        }
        generation += 1
        following = {
            made: ids.mint(names.namespace, ids.type_of(start), "again", start, str(generation))
            for made, start in open_.items()
        }
        there = await past.known(following.values()) if following else {}
        names.known.update(there)
        open_ = {made: start for made, start in open_.items() if made in own or following[made] in there}
        names.renamed.update({made: following[made] for made in open_})
