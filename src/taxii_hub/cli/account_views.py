"""Accounts, keys and consumers as ``taxii-hub accounts`` shows them: lines for a person, or JSON.

A key's stored MAC is in neither.
"""

from __future__ import annotations

from typing import Any

from taxii_hub.cli.narrowing import narrowing_json, narrowing_lines
from taxii_hub.exchange.consumer_report import (
    AccountReport,
    CollectionReport,
    collection_words,
    duration,
    moment,
    request_words,
)
from taxii_hub.stix import timestamps
from taxii_hub.store.account_records import AccountRecord, KeyRecord, RequestFacts


def key_state(key: KeyRecord, now: int) -> str:
    """``live …``, ``expired …`` or ``revoked …``, with its moment."""
    if key.revoked_at is not None:
        return f"revoked {moment(key.revoked_at)}"
    if key.expires_at is None:
        return "live, does not expire"
    return f"{'live, expires' if now < key.expires_at else 'expired'} {moment(key.expires_at)}"


def report_lines(report: AccountReport, now: int) -> list[str]:
    account = report.account
    agency = (
        f"{account.agency} ({report.agency.title})"
        if report.agency
        else (f"{account.agency}, which is not in the catalogue in force: this account reaches nothing")
    )
    state = f"revoked {moment(account.revoked_at)}" if account.revoked_at else "in force"
    lines = [
        f"{account.id}" + (f": {account.title}" if account.title else ""),
        f"  agency   {agency}",
        f"  roles    {', '.join(sorted(account.roles))}",
        f"  profile  {account.client_profile}",
        *narrowing_lines(account.narrowing),
        f"  state    {state}, added {moment(account.created_at)}",
        "keys",
    ]
    for key in report.keys:
        used = f"last used {duration(now - key.last_used)} ago" if key.last_used else "never used"
        lines.append(f"  {key.id}  {key_state(key, now)}; {used}")
        if key.refused is not None:
            lines.append(
                f"    refused {moment(key.refused.at)} from {key.refused.source}: {key.refused.reason}"
            )
    if report.outside is not None:
        lines.append("last request outside of collections")
        lines += [f"  {line}" for line in request_words(report.outside.last, now)]
    for collection in report.collections:
        lines.append(f"{collection.name}  {collection.id}")
        lines += [f"  {line}" for line in collection_words(collection, now)]
    return lines


def time_text(microseconds: int | None) -> str | None:
    return None if microseconds is None else timestamps.format(microseconds)


def account_json(account: AccountRecord, keys: tuple[KeyRecord, ...], now: int) -> dict[str, Any]:
    return {
        "name": account.id,
        "agency": account.agency,
        "title": account.title,
        "roles": sorted(account.roles),
        "client_profile": account.client_profile,
        "narrowing": narrowing_json(account.narrowing),
        "created_at": time_text(account.created_at),
        "revoked_at": time_text(account.revoked_at),
        "keys": [
            {
                "id": key.id,
                "live": key_state(key, now).startswith("live") and account.revoked_at is None,
                "created_at": time_text(key.created_at),
                "expires_at": time_text(key.expires_at),
                "revoked_at": time_text(key.revoked_at),
                "last_used": time_text(key.last_used),
                "refused": key.refused
                and {
                    "at": time_text(key.refused.at),
                    "reason": key.refused.reason,
                    "source": key.refused.source,
                },
            }
            for key in keys
        ],
    }


def report_json(report: AccountReport, now: int) -> dict[str, Any]:
    return {
        **account_json(report.account, report.keys, now),
        "agency_in_catalogue": report.agency is not None,
        "last_request": report.outside and _facts_json(report.outside.last),
        "collections": [_collection_json(collection) for collection in report.collections],
    }


def _collection_json(report: CollectionReport) -> dict[str, Any]:
    consumer = report.consumer
    return {
        "collection": report.name,
        "id": report.id,
        "can_read": report.reads,
        "can_write": report.writes,
        "reason": report.reason,
        "visible": report.visible,
        "newest": time_text(report.newest),
        "cursor": consumer and time_text(consumer.cursor),
        "lag_seconds": None if report.lag is None else report.lag / 1_000_000,
        "requests": consumer.requests if consumer else 0,
        "objects": consumer.objects if consumer else 0,
        "last_request": consumer and _facts_json(consumer.last),
        "last_refused": consumer and consumer.refused and _facts_json(consumer.refused),
        "withheld": [
            {"origin": w.origin, "versions": w.versions, "reason": w.reason} for w in report.withheld
        ],
    }


def _facts_json(facts: RequestFacts) -> dict[str, Any]:
    return {
        "at": time_text(facts.at),
        "method": facts.method,
        "kind": facts.kind,
        "status": facts.status,
        "accept": facts.accept,
        "user_agent": facts.user_agent,
        "asked_from": time_text(facts.sent),
        "newest_given": time_text(facts.newest),
        "objects": facts.objects,
        "filtered": facts.filtered,
    }
