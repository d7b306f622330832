"""Which mapping a file belongs to: decided by content alone, and with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from taxii_hub.errors import ReportError, UnknownFormatError
from taxii_hub.mapping.readers.xml import Head, sniff
from taxii_hub.mapping.registry import Registry
from taxii_hub.mapping.spec import Spec

HEAD_SIZE = 1 << 16


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one mapping says of a file: ``reasons`` for the claim, or against it."""

    mapping: Spec
    claimed: bool
    reasons: tuple[str, ...]


def detect(registry: Registry, source: Path | bytes, name: str) -> Spec:
    """The one mapping that claims the file (or its first bytes); ``name`` is for messages only.

    Raises UnknownFormatError saying what was tried, also where more than one claims it; ReportError
    where the file cannot be read.
    """
    found = verdicts(registry, source, name)
    claims = [verdict for verdict in found if verdict.claimed]
    if len(claims) == 1:
        return claims[0].mapping
    if claims:
        names = ", ".join(verdict.mapping.format for verdict in claims)
        raise UnknownFormatError(f"{name}: could be any of {names}; say which with --mapping")
    tried = "; ".join(f"{v.mapping.format}: {', '.join(v.reasons)}" for v in found)
    raise UnknownFormatError(
        f"{name}: no mapping knows this file ({tried or 'there are no mappings'}); "
        "if you know its format, name it with --mapping"
    )


def verdicts(registry: Registry, source: Path | bytes, name: str) -> list[Verdict]:
    """What every mapping says of the file, in the order of their names."""
    head = sniff(source if isinstance(source, bytes) else _head_of(source, name))
    return [_verdict(spec, head) for spec in registry]


def _head_of(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(HEAD_SIZE)
    except OSError as error:
        raise ReportError(f"{name}: cannot be read ({error.strerror}); check name and rights") from None


def _verdict(spec: Spec, head: Head) -> Verdict:
    wanted = spec.detect
    against: list[str] = []
    if head.fault is not None:
        against.append(head.fault)
    elif head.root != wanted.root:
        against.append(f"its root is {head.root!r}, not {wanted.root!r}")
    else:
        against += [f"the root has no {name!r}" for name in sorted(wanted.attributes - head.attributes)]
        if wanted.any_of and not wanted.any_of & head.names:
            against.append(f"none of {', '.join(sorted(wanted.any_of))} among its first elements")
    if against:
        return Verdict(spec, claimed=False, reasons=tuple(against))
    found = ", ".join(sorted(wanted.any_of & head.names)) or "the root is enough"
    return Verdict(spec, claimed=True, reasons=(f"root {wanted.root}", found))
