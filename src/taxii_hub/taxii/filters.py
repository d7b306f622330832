"""Query parameters of the TAXII 2.1 endpoints (sections 3.4 and 3.5), read from the raw query string.

Working on the raw bytes is deliberate: frameworks drop repeated keys, lose empty values and decode
``match[type]`` in their own ways, and each of that has widened somebody's answer before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast
from urllib.parse import unquote_to_bytes

from taxii_hub.errors import BadParameterError
from taxii_hub.model import ObjectQuery, VersionFilter, VersionKeyword
from taxii_hub.stix import timestamps

Kind = Literal["objects", "manifest", "object", "versions", "delete"]

MAX_VALUES = 1000
"""How many values one ``match[…]`` may list."""
MAX_LIMIT = 2**31 - 1
"""Larger limits are understood as this one; the caller caps it further to its own maximum."""

VERSION_PARAMETER = "match[version]"

_PAGING = ("limit", "added_after", "next")
_VERSIONS = (VERSION_PARAMETER, "match[spec_version]")
_PARAMETERS: Mapping[Kind, frozenset[str]] = {
    "objects": frozenset({*_PAGING, "match[id]", "match[type]", *_VERSIONS}),
    "manifest": frozenset({*_PAGING, "match[id]", "match[type]", *_VERSIONS}),
    "object": frozenset({*_PAGING, *_VERSIONS}),
    "versions": frozenset({*_PAGING, "match[spec_version]"}),
    "delete": frozenset(_VERSIONS),
}
_KEYWORDS = frozenset({"first", "last", "all"})
_ALL = VersionFilter(frozenset({"all"}))
_LAST = VersionFilter()
_SPEC_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")
_SHORT = 256
_LONGEST_VALUE = 300  # a STIX type has at most 250 characters, an id 38 more


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request asks for.

    ``next`` is the text as sent, None where there is none. ``given`` holds the names of the
    parameters that decide the answer (``limit``, ``match[type]`` …): those in the query string, and
    ``match[version]`` where the endpoint itself fixes it.
    """

    query: ObjectQuery
    next: str | None = None
    given: frozenset[str] = frozenset()


def parse_query(raw: bytes, kind: Kind) -> Asked:
    """Understand the query string of one endpoint; parameters it does not have are ignored.

    Versions and delete are about all versions where nothing else is said, the others about the
    last one. Raises BadParameterError and nothing else, whatever the bytes are.
    """
    return _known(raw, kind) if len(raw) <= _SHORT else _parsed(raw, kind)


# Who hears "nothing new" asks the same again. Only short ones are kept: others choose what is asked.
@lru_cache(maxsize=2048)
def _known(raw: bytes, kind: Kind) -> Asked:
    return _parsed(raw, kind)


def _parsed(raw: bytes, kind: Kind) -> Asked:
    texts = _texts(raw, _PARAMETERS[kind])
    default = _ALL if kind in {"versions", "delete"} else _LAST
    query = ObjectQuery(
        added_after=_instant(texts, "added_after"),
        limit=_limit(texts),
        ids=_values(texts, "match[id]"),
        types=_values(texts, "match[type]"),
        versions=_versions(texts) or default,
        spec_versions=_spec_versions(texts),
    )
    fixed = {VERSION_PARAMETER} if kind == "versions" else set()
    return Asked(query, texts.get("next"), frozenset(texts) | fixed)


def _texts(raw: bytes, known: frozenset[str]) -> dict[str, str]:
    """Known parameters by name.

    One given twice is refused: which of the two was meant is a guess, and taking either may show
    more than was asked for (T-3.4-04, T-3.4.1-04).
    """
    texts: dict[str, str] = {}
    for pair in raw.split(b"&"):
        name_bytes, _, value = pair.partition(b"=")
        name = unquote_to_bytes(name_bytes.replace(b"+", b" ")).decode("utf-8", "replace")
        if name not in known:
            continue
        if name in texts:
            raise BadParameterError(name, "is given twice; give it once, with the values joined by commas")
        try:
            texts[name] = unquote_to_bytes(value.replace(b"+", b" ")).decode("utf-8")
        except UnicodeDecodeError:
            raise BadParameterError(name, "the value is not UTF-8") from None
    return texts


def _limit(texts: Mapping[str, str]) -> int | None:
    text = texts.get("limit")
    if text is None:
        return None
    digits = text.lstrip("0")
    if not re.fullmatch(r"[0-9]+", text) or not digits:
        raise BadParameterError("limit", f"{_shown(text)} is not a whole number above zero")
    return min(int(digits), MAX_LIMIT) if len(digits) < 20 else MAX_LIMIT


def _instant(texts: Mapping[str, str], name: str) -> int | None:
    text = texts.get(name)
    if text is None:
        return None
    micros = _micros(text)
    if micros is None:
        raise BadParameterError(name, f"{_shown(text)} is no timestamp such as 2026-01-31T12:00:00.000000Z")
    return micros


def _micros(text: str) -> int | None:
    try:
        return timestamps.parse_lenient(text)
    except ValueError:
        return None


def _values(texts: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The comma-separated values, each once, in an order that makes equal filters compare equal.

    An empty filter is refused: taken as absent it would widen the answer, taken by the letter it
    would hide everything.
    """
    text = texts.get(name)
    if text is None:
        return ()
    values = sorted({value.strip() for value in text.split(",")} - {""})
    if not values:
        raise BadParameterError(name, "is empty; name at least one value or leave the parameter out")
    if len(values) > MAX_VALUES:
        raise BadParameterError(name, f"lists {len(values)} values; at most {MAX_VALUES} fit one request")
    if max(map(len, values)) > _LONGEST_VALUE:
        raise BadParameterError(name, f"holds a value of more than {_LONGEST_VALUE} characters")
    return tuple(values)


def _versions(texts: Mapping[str, str]) -> VersionFilter | None:
    values = _values(texts, VERSION_PARAMETER)
    if not values:
        return None
    keywords = _KEYWORDS.intersection(values)
    if "all" in keywords and len(values) > 1:
        raise BadParameterError(VERSION_PARAMETER, "'all' cannot be combined with anything else")
    exact = {value: _micros(value) for value in values if value not in keywords}
    for value, micros in exact.items():
        if micros is None:
            raise BadParameterError(
                VERSION_PARAMETER, f"{_shown(value)} is none of first, last, all, nor a timestamp"
            )
    instants = sorted({micros for micros in exact.values() if micros is not None})
    return VersionFilter(frozenset(cast("frozenset[VersionKeyword]", keywords)), tuple(instants))


def _spec_versions(texts: Mapping[str, str]) -> tuple[str, ...]:
    values = _values(texts, "match[spec_version]")
    for value in values:
        if not _SPEC_VERSION.fullmatch(value):
            raise BadParameterError("match[spec_version]", f"{_shown(value)} is no version such as 2.1")
    return values


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
