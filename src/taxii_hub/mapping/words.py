"""Problems and accounts in words, for a tired person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taxii_hub.mapping.convert import Conversion
from taxii_hub.model import Problem


def problem_line(problem: Problem) -> str:
    """One line: where, which record, which field, what value, what is wrong, what to do."""
    where = problem.source if problem.line is None else f"{problem.source}:{problem.line}"
    parts = [where]
    if problem.record is not None:
        parts.append(problem.record)
    what = problem.message
    if problem.path is not None:
        what = f"{problem.path} = {problem.value!r} {problem.message}"
    parts.append(what)
    line = ": ".join(parts)
    return f"{line}; {problem.remedy}" if problem.remedy else line


def summary(conversion: Conversion) -> str:
    """What was read, what was made of it, where its values went."""
    buckets = conversion.account["buckets"]
    went = ", ".join(f"{count} {bucket}" for bucket, count in buckets.items() if count)
    records = "1 record" if conversion.records == 1 else f"{conversion.records} records"
    failed = f" ({conversion.failed_records} not converted)" if conversion.failed_records else ""
    count = len(conversion.problems)
    problems = "no problems" if count == 0 else "1 problem" if count == 1 else f"{count} problems"
    return (
        f"{conversion.mapping}, edition {conversion.edition[:10]}: {records}{failed} → "
        f"{len(conversion.data)} objects. {conversion.account['leaves']} source values: {went}. "
        f"{problems}.{minimised(conversion.account)}"
    )


def minimised(account: Mapping[str, Any]) -> str:
    """A line for what a profile did, by kind of deed; empty where it did nothing."""
    done: dict[str, list[str]] = {}
    for each in account.get("minimised", ()):
        done.setdefault(each["action"], []).append(f"{each['path']} ({each['leaves']})")
    told = "; ".join(f"{action}: {', '.join(paths)}" for action, paths in done.items())
    return f"\nMinimised by {account['profile']}: {told}." if told else ""
