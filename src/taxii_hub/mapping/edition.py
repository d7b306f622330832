"""What stands around the records of one conversion: issuer, markings, and the edition's report."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from taxii_hub.errors import BadValueError
from taxii_hub.mapping.cleaners import moment
from taxii_hub.mapping.constants import EDITION, furniture
from taxii_hub.mapping.emit import Frame
from taxii_hub.mapping.readers.dispatch import Source, opened
from taxii_hub.mapping.spec import OtherList, Spec
from taxii_hub.stix import canonical_json, ids
from taxii_hub.stix.markings import TLP_2_IDS, definition_of


@dataclass(frozen=True, slots=True)
class Opening:
    """The frame of a conversion and the objects it refers to."""

    frame: Frame
    objects: tuple[dict[str, Any], ...]


def opening(spec: Spec | OtherList, namespace: UUID, edition: str) -> Opening:
    """Issuer, TLP and statement markings, extension definitions; ``edition`` is a STIX timestamp."""
    tlp = TLP_2_IDS[spec.markings.tlp]  # type: ignore[index]
    issuer = _issuer(spec, namespace, tlp)
    made = furniture()
    if tlp != TLP_2_IDS["clear"] and (definition := definition_of(tlp)) is not None:
        made.append(definition)
    made.append(issuer)
    markings = [tlp]
    if spec.markings.statement is not None:
        made.append(_statement(spec, namespace, issuer["id"]))
        markings.append(made[-1]["id"])
    frame = Frame(namespace, spec.family, issuer["id"], tuple(markings), spec.issuer.since, edition)
    return Opening(frame, tuple(made))


def _issuer(spec: Spec | OtherList, namespace: UUID, tlp: str) -> dict[str, Any]:
    issuer = spec.issuer
    described = {"description": issuer.description} if issuer.description else {}
    seed = (issuer.name, issuer.identity_class, issuer.description or "", issuer.since, tlp)
    return {
        "type": "identity",
        "spec_version": "2.1",
        "id": ids.mint(namespace, "identity", "issuer", *seed),
        "created": issuer.since,
        "modified": issuer.since,
        "name": issuer.name,
        **described,
        "identity_class": issuer.identity_class,
        "object_marking_refs": [tlp],
    }


def _statement(spec: Spec | OtherList, namespace: UUID, issuer: str) -> dict[str, Any]:
    statement = spec.markings.statement or ""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": ids.mint(namespace, "marking-definition", "statement", issuer, statement),
        "created_by_ref": issuer,
        "created": spec.issuer.since,
        "definition_type": "statement",
        "definition": {"statement": statement},
    }


def stub(frame: Frame, object_id: str, key: str) -> dict[str, Any]:
    """An identity that others name and this file does not hold. Its version lies before every edition,
    so that the real one, whenever it comes, is newer."""
    properties = {
        "name": key,
        "description": "Named by other records; not in the edition that was read.",
        "identity_class": "unknown",
    }
    return frame.object("identity", object_id, frame.since, properties)


def report(
    spec: Spec, frame: Frame, refs: Sequence[str], digests: Iterable[bytes], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """The edition: what came out (``refs``) and how (``facts``, see edition.schema.json).

    The id depends on what came out and how, not on the order of records: another file of the same
    edition, or another converter, makes another report instead of contradicting this one.
    """
    content = hashlib.sha256(b"".join(sorted(digests))).hexdigest()
    how = canonical_json.dumps({key: value for key, value in facts.items() if key != "source_sha256"})
    day = frame.edition[:10]
    properties = {
        "name": f"{spec.title}, edition {day}",
        "description": _summary(facts),
        "published": frame.edition,
        "object_refs": list(refs) or [frame.issuer],
        "extensions": {EDITION: {"extension_type": "property-extension", **facts}},
    }
    return frame.object(
        "report", frame.mint("report", "edition", frame.edition, content, how), frame.edition, properties
    )


def latest(spec: Spec, source: Source, name: str) -> str | None:
    """The latest moment in the records' field ``dates.edition``, for a report that says no edition
    itself: the report is read for it once more. None where the mapping wants none, or none is found."""
    if not spec.edition_from_records:
        return None
    found: list[str] = []
    with opened(spec.reader, source, name) as report:
        for record in report.records:
            for leaf in record.leaves if record.kind else ():
                if leaf.pattern in spec.editions_told:
                    clean = spec.edition_cleaner or spec.fields[leaf.pattern].clean
                    with suppress(BadValueError):
                        found.append(moment(clean(leaf.value).data).data)
    return max(found, default=None)


def _summary(facts: Mapping[str, Any]) -> str:
    buckets = ", ".join(f"{count} {bucket}" for bucket, count in facts["buckets"].items() if count)
    left_out = sum(facts.get("left_out", {}).values())
    by_rule = f"{left_out} left out by rule, " if left_out else ""
    return (
        f"{facts['records']} records, {by_rule}{facts['failed_records']} of them not converted; "
        f"{facts['leaves']} source values: {buckets}; {facts['problems']} problems."
    )
