"""Language tags of RFC 5646, checked against the IANA registry's subtags (``languages.txt``)."""

from __future__ import annotations

import importlib.resources
import re
from functools import cache, lru_cache
from typing import Final

_TAG: Final = re.compile(
    r"(?P<language>[a-z]{2,3})"
    r"(?:-(?P<extlang>[a-z]{3}))?"
    r"(?:-(?P<script>[a-z]{4}))?"
    r"(?:-(?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?P<variants>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*)"
    r"(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*"
    r"(?:-x(?:-[a-z0-9]{1,8})+)?"
)
_PRIVATE: Final = re.compile(
    r"language=q[a-t][a-z]|script=qa(?:a[a-z]|b[a-x])|region=(?:aa|q[m-z]|x[a-z]|zz)"
)
_LONGEST: Final = 64


@lru_cache(maxsize=4096)
def is_language_tag(tag: str) -> bool:
    """Whether every subtag is registered; letter case does not matter (RFC 5646 section 2.1.1)."""
    match = _TAG.fullmatch(tag.lower()) if len(tag) <= _LONGEST and tag.isascii() else None
    if match is None:
        return False
    subtags = {kind: match[kind] for kind in ("language", "extlang", "script", "region") if match[kind]}
    variants = match["variants"].split("-")[1:]
    return all(_is_registered(kind, subtag) for kind, subtag in subtags.items()) and all(
        _is_registered("variant", variant) for variant in variants
    )


def _is_registered(kind: str, subtag: str) -> bool:
    return subtag in _registry()[kind] or _PRIVATE.fullmatch(f"{kind}={subtag}") is not None


@cache
def _registry() -> dict[str, frozenset[str]]:
    text = importlib.resources.files(__package__).joinpath("languages.txt").read_text(encoding="ascii")
    sections = re.findall(r"^\[(\w+)\]\n([^\[]*)", text, re.MULTILINE)
    return {kind: frozenset(subtags.split()) for kind, subtags in sections}
