"""The audit log as ``taxii-hub audit`` shows it: lines for a person, or JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

import orjson

from taxii_hub.errors import DamagedLogError, StoreError
from taxii_hub.exchange.disclosures import Disclosure
from taxii_hub.exchange.hub import CatalogInForce
from taxii_hub.ledger.findings import Report
from taxii_hub.ledger.log import Row
from taxii_hub.ledger.rows import told
from taxii_hub.stix import timestamps

COLUMNS = (
    "row",
    "at",
    "agency",
    "account",
    "purpose",
    "view",
    "collection",
    "object",
    "version",
    "date_added",
)
_LEFT_OUT = frozenset({"at", "by", "kind", "id", "stamps", "epoch", "feed"})
_LONGEST = 100


def report_lines(report: Report) -> list[str]:
    """What was found, then the sum."""
    lines = [finding.words for finding in report.findings]
    found = f"{report.size} rows, {report.checkpoints} checkpoints, {report.proved} rows under a signed root"
    if report.sound:
        return [f"Everything is as it was written: {found}."]
    return [*lines, f"{len(lines)} findings; {found}."]


def report_json(report: Report) -> dict[str, Any]:
    findings = [{"what": f.what, "first": f.first, "last": f.last, "words": f.words} for f in report.findings]
    return {
        "sound": report.sound,
        "rows": report.size,
        "proved": report.proved,
        "checkpoints": report.checkpoints,
        "findings": findings,
    }


def leaf_json(row: Row) -> dict[str, Any]:
    """The row's number and its leaf."""
    try:
        return {"n": row.n, **told(row)}
    except DamagedLogError:
        return {"n": row.n, "damaged": True}


def leaf_line(row: Row) -> str:
    try:
        leaf = told(row)
    except DamagedLogError:
        return f"{row.n:>8} this row is not as it was written: `taxii-hub audit verify` says more"
    by = leaf["by"]
    who = f"{by['agency']}/{by['account']}" if "agency" in by else by["account"]
    rest = " ".join(f"{name}={_words(value)}" for name, value in leaf.items() if name not in _LEFT_OUT)
    return f"{row.n:>8} {leaf['at']} {leaf['kind']:<16} {who:<28} {rest}".rstrip()


def _words(value: Any) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def disclosure_json(catalogs: CatalogInForce, disclosure: Disclosure) -> dict[str, Any]:
    """With the collection's name where the catalogue in force knows it."""
    return {
        "row": disclosure.row,
        "at": disclosure.at,
        "agency": disclosure.agency,
        "account": disclosure.account,
        "purpose": disclosure.purpose,
        "view": disclosure.view,
        "collection": _name(catalogs, disclosure.collection),
        "object": disclosure.object_id,
        "version": disclosure.version,
        "date_added": timestamps.format(disclosure.stamp),
    }


def _name(catalogs: CatalogInForce, collection_id: str) -> str:
    try:
        catalog = catalogs.catalog
    except StoreError:
        return collection_id
    for root in catalog.api_roots:
        for collection in root.collections:
            if collection.id == collection_id:
                return f"{root.path}/{collection.alias}"
    return collection_id


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_text(values: Mapping[str, Any] | None) -> str:
    """One line of CSV; the heading without values."""
    text = io.StringIO()
    csv.writer(text).writerow(COLUMNS if values is None else [_cell(values[name]) for name in COLUMNS])
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
