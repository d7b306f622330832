"""What is written into the log: one canonical JSON object for each thing that was done.

    at       when, RFC 3339, by the clock of the hub's process (of the collection for what was committed)
    by       {"agency", "account"}: whose credentials did it; an account ``cli:user@host`` has no agency
    kind     ``page``, ``empty``, ``publish``, ``remove``, ``gap`` … (docs/audit.md lists them all)
    …        what else there is to say about this kind; never the content of an object

The text is RFC 8785: equal leaves are equal bytes, whoever writes them again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from taxii_hub.ledger.stamps import packed, unpacked
from taxii_hub.stix import timestamps

MOST_VALUES: Final = 50
"""Values of one filter that a leaf names; of more it names the number."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whose credentials did it. Commands on the hub's own machine have no agency."""

    account: str
    agency: str | None = None

    def document(self) -> dict[str, str]:
        """As a leaf says it."""
        named = {"account": self.account}
        return named if self.agency is None else {"agency": self.agency, **named}


_CANONICAL: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
HUB: Final = Actor("hub")
"""What a process does by itself."""


def leaf_of(kind: str, at: int, by: Actor, details: Mapping[str, Any]) -> bytes:
    """The bytes of a leaf; details that are None are left out.

    Texts that no JSON can hold, and numbers of 2**53 and more, are written as near as can be: what a client
    sends must not decide whether it is logged. Raises TypeError for what is no JSON value. Numbers have to be
    whole: then orjson with sorted keys writes what RFC 8785 asks for.
    """
    told = {name: value for name, value in details.items() if value is not None}
    leaf = {**told, "kind": kind, "at": timestamps.format(at), "by": by.document()}
    try:
        return orjson.dumps(leaf, option=_CANONICAL)
    except TypeError:
        return orjson.dumps(_plain(leaf), option=_CANONICAL)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return legible(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    if isinstance(value, Mapping):
        return {legible(name): _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def read(data: bytes) -> dict[str, Any]:
    """A leaf as an object. Raises ValueError or TypeError where it is none."""
    found = orjson.loads(data)
    if not isinstance(found, dict):
        raise TypeError("a leaf is a JSON object")
    return found


def legible(text: str) -> str:
    """A client's text as a leaf can hold it: lone surrogates are no JSON."""
    return text.encode("utf-8", "replace").decode()


def values_of(values: Sequence[str]) -> Any:
    """The values of a filter, cut where they are many."""
    if not values:
        return None
    if len(values) <= MOST_VALUES:
        return [legible(value) for value in values]
    return {"first": [legible(value) for value in values[:MOST_VALUES]], "number": len(values)}


def stamps_document(stamps: Sequence[int]) -> dict[str, Any]:
    """What a page's leaf says of its entries: how many, from where to where, and each one's stamp."""
    return {"count": len(stamps), "first": stamps[0], "last": stamps[-1], "stamps": packed(stamps)}


def stamps_of(leaf: Mapping[str, Any]) -> list[int]:
    """The stamps of a page's leaf. Raises ValueError where it has none that can be read."""
    try:
        stamps = unpacked(leaf["first"], leaf["stamps"])
    except (KeyError, TypeError):
        raise ValueError("the leaf names no stamps") from None
    if len(stamps) != leaf.get("count") or stamps[-1] != leaf.get("last"):
        raise ValueError("the leaf's stamps are not as many as it says")
    return stamps


def index_of(leaf: Mapping[str, Any]) -> dict[str, Any]:
    """What a stored row repeats outside of its leaf, to be found by: a changed one is found out by this.

    ``k`` kind, ``t`` time (microseconds), ``a`` account, ``g`` agency, ``c`` number of the collection's feed.
    """
    by = leaf["by"]
    found = {"k": leaf["kind"], "t": timestamps.parse(leaf["at"]), "a": by["account"]}
    if "agency" in by:
        found["g"] = by["agency"]
    if "feed" in leaf:
        found["c"] = leaf["feed"]
    return found
