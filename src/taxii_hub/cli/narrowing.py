"""Options with which an account is given less than its agency has."""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from taxii_hub.errors import BadRequestError
from taxii_hub.exchange.account_admin import not_held
from taxii_hub.model import Catalog
from taxii_hub.policy.reading import LADDER
from taxii_hub.store.account_records import Narrowing

Command = TypeVar("Command", bound=Callable[..., Any])

LADDER_TOP = len(LADDER)
ALL = "all"
NONE = "none"
ANY = "any"
_OPTIONS = (
    click.option(
        "--level",
        type=click.Choice([*LADDER, ALL]),
        help="Read up to this level only; all: what the agency may read.",
    ),
    click.option(
        "--clearance", "clearances", multiple=True, metavar="NAME", help="Only these compartments; all; none."
    ),
    click.option(
        "--purpose", "purposes", multiple=True, metavar="WORD", help="Only these purposes; all; none."
    ),
    click.option(
        "--default-purpose",
        metavar="WORD",
        help="Meant where a request names no purpose; none: no such word.",
    ),
    click.option(
        "--certificate",
        "certificates",
        multiple=True,
        metavar="FILE|SHA256",
        help="Its keys count only with this client certificate (PEM file or fingerprint); any: with or without.",
    ),
)


def narrowing_options(command: Command) -> Command:
    """``--level``, ``--clearance``, ``--purpose``, ``--default-purpose``, ``--certificate``; those that are lists
    may be repeated."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def narrowed(now: Narrowing, given: dict[str, Any]) -> Narrowing:
    """``now`` with what the options change."""
    if given["level"] is not None:
        now = replace(now, level=None if given["level"] == ALL else LADDER.index(given["level"]))
    if given["clearances"]:
        now = replace(now, clearances=_chosen(given["clearances"]))
    if given["purposes"]:
        now = replace(now, purposes=_chosen(given["purposes"]))
    if given["default_purpose"] is not None:
        word = given["default_purpose"]
        now = replace(now, purpose=None if word == NONE else word)
    if given["certificates"]:
        words = given["certificates"]
        now = replace(now, certificates=None if ANY in words else frozenset(map(_fingerprint, words)))
    return now


def _fingerprint(given: str) -> str:
    """Of a certificate in a file, or as it is printed by other programs (``AB:CD:…``)."""
    plain = given.replace(":", "").lower()
    if re.fullmatch(r"[0-9a-f]{64}", plain):
        return plain
    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(Path(given).read_text().strip())).hexdigest()
    except (OSError, ValueError):
        raise BadRequestError(
            f"{given}: neither a PEM file with one certificate nor a SHA-256 fingerprint of one"
        ) from None


def require_held(narrowing: Narrowing, agency: str, catalog: Catalog) -> None:
    """Raises BadRequestError for words that the agency holds nowhere: an account never widens."""
    if unknown := not_held(narrowing, agency, catalog):
        raise BadRequestError(
            f"{agency} holds no {', '.join(unknown)} in any framework; an account never has more than its "
            "agency (`taxii-hub collections show API_ROOT` shows what members hold)"
        )


def narrowing_lines(narrowing: Narrowing) -> list[str]:
    """What is narrowed, for people; nothing where the account has all that its agency has."""
    lines = []
    if narrowing.level is not None:
        lines.append(f"  level    up to {LADDER[narrowing.level]}")
    if narrowing.clearances is not None:
        lines.append(f"  cleared  {', '.join(sorted(narrowing.clearances)) or NONE}")
    if narrowing.purposes is not None:
        lines.append(f"  purposes {', '.join(sorted(narrowing.purposes)) or NONE}")
    if narrowing.purpose is not None:
        lines.append(f"  purpose  {narrowing.purpose}, where a request names none")
    if narrowing.certificates is not None:
        lines += [f"  only with certificate {each}" for each in sorted(narrowing.certificates)]
    return lines


def widened(before: Narrowing, after: Narrowing) -> bool:
    """Whether the account may read something that it could not read before."""
    levels = (
        LADDER_TOP if after.level is None else after.level,
        LADDER_TOP if before.level is None else before.level,
    )
    sets = ((after.clearances, before.clearances), (after.purposes, before.purposes))
    more = any(was is not None and (now is None or bool(now - was)) for now, was in sets)
    return levels[0] > levels[1] or more


def narrowing_json(narrowing: Narrowing) -> dict[str, Any]:
    """None: all that the agency has."""
    level, clearances, purposes = narrowing.level, narrowing.clearances, narrowing.purposes
    return {
        "level": None if level is None else LADDER[level],
        "clearances": None if clearances is None else sorted(clearances),
        "purposes": None if purposes is None else sorted(purposes),
        "default_purpose": narrowing.purpose,
        "certificates": None if narrowing.certificates is None else sorted(narrowing.certificates),
    }


def _chosen(words: tuple[str, ...]) -> frozenset[str] | None:
    if ALL in words:
        return None
    return frozenset(words) - {NONE}
