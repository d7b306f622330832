"""The account of a conversion as a page that a person reads: one HTML file without anything from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final

from taxii_hub.mapping.accounting import BUCKETS

_WORDS: Final = {
    "mapped": "spelt by a STIX property",
    "carried": "spelt by the hub's extension",
    "derived": "a computed value depends on it",
    "minimised": "taken out by a named profile",
    "ignored": "left out by a rule with a reason",
    "dropped": "lost, and a problem says so",
    "unlisted": "unknown to the mapping: kept in residual, and a problem",
}
_STYLE: Final = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid #ddd;vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums}"
    "code{overflow-wrap:anywhere}.bad{background:#fde8e8}"
)


def page(accounts: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """The page of one or several reports; ``names`` are those of the files."""
    parts = [part for account, name in zip(accounts, names, strict=True) for part in _report(account, name)]
    head = f'<meta charset="utf-8"><title>Account of fields</title><style>{_STYLE}</style>'
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n'
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _report(account: Mapping[str, Any], name: str) -> Iterator[str]:
    yield f"<h1>{escape(name)}</h1>"
    yield (
        f"<p>{escape(account['format'])}, version {escape(account['format_version'])}: "
        f"{account['records']} records, {account['failed_records']} not converted, "
        f"{account['leaves']} source values, {len(account['problems'])} problems.</p>"
    )
    totals = [(bucket, str(account["buckets"][bucket]), _WORDS[bucket]) for bucket in BUCKETS]
    yield from _table(("Bucket", "Values", "It is"), totals, bad={"dropped", "unlisted"} & _present(account))
    if account["problems"]:
        yield "<h2>Problems</h2>"
        yield from _table(("Where", "What", "What to do"), map(_problem, account["problems"][:1000]))
    yield "<h2>Source fields</h2>"
    rows = [
        (
            entry["path"],
            str(entry["leaves"]),
            ", ".join(f"{count} {bucket}" for bucket, count in entry["buckets"].items()),
            "\n".join(entry["targets"]),
        )
        for entry in account["paths"]
    ]
    yield from _table(("Field", "Values", "Buckets", "Goes to, or why not"), rows)


def _present(account: Mapping[str, Any]) -> set[str]:
    return {bucket for bucket, count in account["buckets"].items() if count}


def _problem(problem: Mapping[str, Any]) -> tuple[str, str, str]:
    where = ":".join(str(problem[key]) for key in ("source", "line") if key in problem)
    field = f"{problem['path']} = {problem.get('value', '')!r} " if "path" in problem else ""
    record = f"{problem['record']}: " if "record" in problem else ""
    return where, f"{record}{field}{problem['message']}", problem.get("remedy", "")


def _table(head: Sequence[str], rows: Any, bad: frozenset[str] | set[str] = frozenset()) -> Iterator[str]:
    yield "<table><tr>" + "".join(f"<th>{escape(word)}</th>" for word in head) + "</tr>"
    for row in rows:
        cells = "".join(
            f"<td{' class=n' if cell.isdigit() else ''}>{escape(cell).replace(chr(10), '<br>')}</td>"
            for cell in row
        )
        yield f"<tr{' class=bad' if row[0] in bad else ''}>{cells}</tr>"
    yield "</table>"
