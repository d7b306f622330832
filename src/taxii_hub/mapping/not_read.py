"""Files that are no reports the hub reads, but are often taken for them: what they are, and what to take instead."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from taxii_hub.mapping.readers.rows import fold


@dataclass(frozen=True, slots=True)
class NotRead:
    """``container`` as detect.Content has it; ``marks``: elements, keys or columns, all of which it has."""

    container: str
    marks: tuple[str, ...]
    reason: str


NOT_READ: Final = (
    NotRead(
        "rows",
        ("Name 6", "Alias Type", "Regime", "Group ID", "Group Type"),
        "is OFSI's Consolidated List (ConList), which the United Kingdom ended on 28 January 2026: take the UK "
        "Sanctions List (gb_sanctions_list_xml or gb_sanctions_list_csv), whose UniqueID keeps ids stable",
    ),
    NotRead(
        "rows",
        ("celex", "recordId", "programKey", "annex"),
        "is an extract from the Official Journal of the EU made by others, not a file of the EU: take the "
        "Financial Sanctions Files (eu_fsf_xml), which hold the same lists with their references",
    ),
    NotRead(
        "rows",
        ("entity_number", "federal_register_notice", "source_list_url"),
        "is the Consolidated Screening List of the United States, a digest of several agencies' lists without their "
        "ids: take OFAC's own files (us_ofac_enhanced_xml, us_ofac_sdn_xml)",
    ),
    NotRead(
        "xml",
        ("schema", "XMLSchema"),
        "is an XML schema, not a report: take a file that the schema describes",
    ),
    NotRead(
        "xml",
        ("DistinctParties", "ReferenceValueSets"),
        "is OFAC's SDN_ADVANCED.XML: take SDN_ENHANCED.XML of the same publisher (us_ofac_enhanced_xml), which "
        "holds the same in plain words",
    ),
    NotRead(
        "json",
        ("$schema", "properties", "description"),
        "is a JSON schema, not a report: take a file that the schema describes",
    ),
    NotRead(
        "json",
        ("objects", "spec_version", "created"),
        "is STIX 2 already, which is published over TAXII (POST to a collection's objects) and not converted",
    ),
    NotRead(
        "json",
        ("type", "spec_version", "playbook_types"),
        "is a CACAO playbook, which says what to do and reports nothing: keep it where playbooks are kept",
    ),
    NotRead(
        "json",
        ("namespace", "predicates", "expanded"),
        "is a MISP taxonomy (words for tags), not an event: export events from MISP (misp_event_json)",
    ),
)  # fmt: skip


def reason_of(container: str, words: AbstractSet[str]) -> str | None:
    """What the file is, where it is one of these; ``words`` as detect.Content has them."""
    fitting = (
        known.reason
        for known in NOT_READ
        if known.container == container and all(fold(mark) in words for mark in known.marks)
    )
    return next(fitting, None)
