"""Compound indicators as SIEMs take them: one comparison each, the original kept and linked.

Only OR is taken apart, where each alternative alone means what it meant: comparisons inside ``[ ]`` and
whole observations. AND, FOLLOWEDBY and qualifiers say something about several at once, and stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from taxii_hub.stix.patterns import problem_of

_TOKEN: Final = re.compile(
    r"(?P<quoted>'(?:[^'\\]|\\.)*')|(?P<skip>/\*.*?\*/|//[^\r\n]*)|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<open>[\[(])|(?P<close>[\])])|(?P<other>.)",
    re.DOTALL,
)
_TOGETHER: Final = frozenset({"FOLLOWEDBY", "WITHIN", "REPEATS", "START"})
_COPIED: Final = (
    "name", "description", "indicator_types", "pattern_type", "pattern_version", "valid_from", "valid_until",
    "kill_chain_phases", "labels", "confidence", "lang", "external_references",
)  # fmt: skip
_HEAD: Final = ("spec_version", "created_by_ref", "created", "modified", "object_marking_refs")

Tokens = Sequence[tuple[str, str]]


def alternatives(pattern: str) -> tuple[str, ...]:
    """The patterns of which each alone matches what the whole matches; the pattern itself where it is not
    well formed, or cannot be taken apart."""
    tokens = [(found.lastgroup or "", found[0]) for found in _TOKEN.finditer(pattern)]
    if problem_of(pattern) is not None or any(kind == "word" and text in _TOGETHER for kind, text in tokens):
        return (pattern,)
    parts = tuple(dict.fromkeys(_alternatives(tokens)))
    return parts if len(parts) > 1 else (pattern,)


def split(indicator: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One indicator for each alternative, and its relationship ``derived-from`` to the original, which is not
    among them. Ids follow from the original's id and the alternative. Nothing where there is nothing to split,
    or where a granular marking speaks of a part of the object."""
    if indicator.get("pattern_type") != "stix" or "granular_markings" in indicator:
        return []
    parts = alternatives(indicator["pattern"])
    if len(parts) == 1:
        return []
    return [made for part in parts for made in _derived(indicator, part)]


def _derived(indicator: Mapping[str, Any], part: str) -> list[dict[str, Any]]:
    seed = UUID(indicator["id"].partition("--")[2])
    head = {key: indicator[key] for key in _HEAD if key in indicator}
    copied = {key: indicator[key] for key in _COPIED if key in indicator}
    made = {"type": "indicator", **head, "id": f"indicator--{uuid5(seed, part)}", **copied, "pattern": part}
    link = {
        "type": "relationship",
        **head,
        "id": f"relationship--{uuid5(seed, f'derived-from {part}')}",
        "relationship_type": "derived-from",
        "source_ref": made["id"],
        "target_ref": indicator["id"],
    }
    return [made, link]


def _alternatives(tokens: Tokens) -> list[str]:
    made: list[str] = []
    for piece in _either(_bare(tokens)):
        inner = _bare(piece)
        if _wrapped(inner, "["):
            made += [f"[{text}]" for text in _comparisons(inner[1:-1])]
        elif len(inner) < len(piece):
            made += _alternatives(inner)
        else:
            made.append(_text(inner))
    return made


def _comparisons(tokens: Tokens) -> list[str]:
    """The alternatives inside of ``[ ]``."""
    pieces = _either(_bare(tokens))
    if len(pieces) == 1:
        return [_text(pieces[0])]
    return [text for piece in pieces for text in _comparisons(piece)]


def _either(tokens: Tokens) -> list[Tokens]:
    """Cut at every OR that stands in no brackets; AND binds closer, so it stays inside a piece."""
    pieces: list[list[tuple[str, str]]] = [[]]
    depth = 0
    for kind, text in tokens:
        depth += (kind == "open") - (kind == "close")
        if depth == 0 and (kind, text) == ("word", "OR"):
            pieces.append([])
        else:
            pieces[-1].append((kind, text))
    return [_trimmed(piece) for piece in pieces]


def _bare(tokens: Tokens) -> Tokens:
    """Without the parentheses around all of it."""
    tokens = _trimmed(tokens)
    while _wrapped(tokens, "("):
        tokens = _trimmed(tokens[1:-1])
    return tokens


def _trimmed(tokens: Tokens) -> Tokens:
    said = [n for n, (kind, text) in enumerate(tokens) if kind != "skip" and text.strip()]
    return tokens[said[0] : said[-1] + 1] if said else []


def _wrapped(tokens: Tokens, mark: str) -> bool:
    """Whether the bracket at the beginning ends with the last token."""
    if not tokens or tokens[0] != ("open", mark):
        return False
    depth = 0
    for position, (kind, _) in enumerate(tokens):
        depth += (kind == "open") - (kind == "close")
        if depth == 0:
            return position == len(tokens) - 1
    return False


def _text(tokens: Tokens) -> str:
    return "".join(text for kind, text in tokens if kind != "skip").strip()
