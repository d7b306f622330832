"""Cleaners: the named functions that read the text of a field. Shared by every mapping.

A cleaner gets the raw text and gives a :class:`Cleaned`; it raises BadValueError with what to do. What
it cuts off is never lost: the raw text is then kept beside (``whole=False``).
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from html.parser import HTMLParser
from types import MappingProxyType
from typing import Final

from taxii_hub.errors import BadValueError
from taxii_hub.stix import timestamps


@dataclass(frozen=True, slots=True)
class Cleaned:
    """``whole``: the text says no more than ``data`` does."""

    data: str
    whole: bool = True


Cleaner = Callable[[str], Cleaned]

_DIRECTION_MARKS: Final = dict.fromkeys(
    map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
)
_ZONE: Final = r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
_DAY: Final = re.compile(rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})({_ZONE}|T00:00:00(?:\.0+)?{_ZONE}?)?")
_US_DAY: Final = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_PARTIAL: Final = re.compile(r"[0-9]{4}(?:-[0-9]{2})?")
_MOMENT: Final = re.compile(rf"([0-9-]{{10}})(?:T([0-9:]{{8}}(?:\.[0-9]+)?)({_ZONE})?)?")
_DAY_NAMED: Final = re.compile(r"(?:[^:]*:)?\s*([0-9]{1,2})[ -]([A-Za-z]{3,9})[ -]([0-9]{4})")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_BLOCKS: Final = frozenset(
    {"p", "br", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "blockquote"}
)
_UNSEEN: Final = frozenset({"script", "style"})
_CUT: Final = re.compile(r"<!--|<\s*(?:script|style)\b", re.IGNORECASE)
_ANY_DAY: Final = re.compile(r"(?<![0-9])([12][0-9]{3})[-.]([0-9]{1,2})[-.]([0-9]{1,2})(?![0-9])")
_DAY_FIRST: Final = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")


def line(text: str) -> Cleaned:
    """One line: NFC, every run of blanks (also no-break and full-width ones) one blank, no invisible
    direction marks."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_DIRECTION_MARKS)
    return Cleaned(" ".join(text.split()))


def prose(text: str) -> Cleaned:
    """Text with its lines: NFC, blanks inside a line collapsed, paragraphs kept."""
    lines = [line(part).data for part in text.replace("\r\n", "\n").split("\n")]
    return Cleaned("\n".join(lines).strip())


def day(text: str) -> Cleaned:
    """``YYYY-MM-DD``; a zone behind it is cut off (XML Schema's date allows one)."""
    found = _DAY.fullmatch(text.strip())
    if found is None:
        raise BadValueError("is no date like 2026-01-31", "correct it at the source; the text is kept")
    _must_exist(found[1])
    return Cleaned(found[1], whole=found[2] is None)


def us_day(text: str) -> Cleaned:
    """``MM/DD/YYYY`` as ``YYYY-MM-DD``; the source says that the month is first, it is never guessed."""
    found = _US_DAY.fullmatch(text.strip())
    if found is None:
        raise BadValueError(
            "is no date like 01/31/2026 (month first)", "correct it at the source; the text is kept"
        )
    _must_exist(made := f"{found[3]}-{found[1]}-{found[2]}")
    return Cleaned(made)


def partial_day(text: str) -> Cleaned:
    """``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``: as precise as the source, never padded."""
    short = text.strip()
    if _PARTIAL.fullmatch(short) is None:
        return day(text)
    _must_exist((short + "-01-01")[:10])
    return Cleaned(short)


def year(text: str) -> Cleaned:
    """``YYYY``."""
    if re.fullmatch(r"[0-9]{4}", text.strip()) is None or text.strip() == "0000":
        raise BadValueError("is no year of four digits", "correct it at the source; the text is kept")
    return Cleaned(text.strip())


def day_first(text: str) -> Cleaned:
    """``DD/MM/YYYY`` (or ``YYYY-MM-DD``) as ``YYYY-MM-DD``; for sources that write the day first."""
    found = _DAY_FIRST.fullmatch(text.strip())
    if found is None and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text.strip()) is None:
        raise BadValueError("is no date like 31/01/2026", "correct it at the source; the text is kept")
    written = f"{found[3]}-{found[2]}-{found[1]}" if found else text.strip()
    _must_exist(written)
    return Cleaned(written)


def day_named(text: str) -> Cleaned:
    """``Report Date: 23-Sep-2026`` (the words before the colon may be missing, the month may be written
    out) or ``YYYY-MM-DD``, as ``YYYY-MM-DD``."""
    found = _DAY_NAMED.fullmatch(text.strip())
    if found is None:
        return day_first(text)
    month = _MONTHS.index(found[2][:3].casefold()) + 1 if found[2][:3].casefold() in _MONTHS else 0
    written = f"{found[3]}-{month:02}-{int(found[1]):02}"
    _must_exist(written)
    return Cleaned(written)


def moment(text: str) -> Cleaned:
    """A date, or date and time (UTC where it names no zone), as a STIX timestamp with milliseconds."""
    found = _MOMENT.fullmatch(text.strip())
    # What does not look like a moment is refused by the same parser that checks the calendar.
    candidate = text if found is None else f"{found[1]}T{found[2] or '00:00:00'}Z"
    try:
        microseconds = timestamps.parse(candidate) - _offset(found[3] if found else None)
        return Cleaned(timestamps.canonical(microseconds - microseconds % 1000))
    except ValueError:
        raise BadValueError(
            "is no date and time like 2026-01-31T00:00:00Z", "correct it at the source"
        ) from None


def latest_day(text: str) -> Cleaned:
    """The latest day that the text names (``YYYY-MM-DD`` or ``2026.3.5``), as ``YYYY-MM-DD``."""
    days = []
    for found in _ANY_DAY.finditer(text):
        written = f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}"
        _must_exist(written)
        days.append(written)
    if not days:
        raise BadValueError("names no day like 2026-01-31 or 2026.1.31", "correct it at the source")
    return Cleaned(max(days), whole=False)


def edition_moment(text: str) -> str:
    """A moment that a list can be of: what says 9999 for "ever" would make versions that nothing succeeds."""
    made = moment(text).data
    if made >= "2100":
        raise BadValueError("lies in the far future", "correct it at the source")
    return made


def epoch(text: str) -> Cleaned:
    """Seconds since 1970 (or a moment), as a STIX timestamp."""
    if re.fullmatch(r"[0-9]{1,11}", text.strip()) is None:
        return moment(text)
    return Cleaned(timestamps.canonical(int(text) * 1_000_000))


def _offset(zone: str | None) -> int:
    """Microseconds east of UTC; RFC 3339 allows less than a day."""
    if zone is None or zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:])
    if hours > 23 or minutes > 59:
        raise ValueError(zone)
    east = (hours * 60 + minutes) * 60_000_000
    return east if zone[0] == "+" else -east


def unescaped(text: str) -> Cleaned:
    """Prose whose characters were escaped too often (``&amp;quot;`` in the file): as it was meant."""
    while (meant := html.unescape(text)) != text:
        text = meant
    return prose(text)


class _Markup(HTMLParser):
    """Collects what a reader would see, with the addresses of links behind their texts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._links: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")
        elif tag in _UNSEEN:
            self._unseen += 1
        elif tag == "a":
            self._links.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")
        elif tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif (
            tag == "a"
            and self._links
            and (link := self._links.pop())
            and link not in "".join(self.parts[-1:])
        ):
            self.parts.append(f" ({link})")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(" ".join(data.splitlines()) if data.strip() else " ")


def markup(text: str) -> Cleaned:
    """HTML as a reader sees it: paragraphs are lines, the address of a link stands behind its text.
    ``whole`` is false where scripts or comments are cut off."""
    if "<" not in text and "&" not in text:
        return prose(text)
    parser = _Markup()
    try:
        parser.feed(text)
        parser.close()
    except AssertionError:  # html.parser, for a marked section that is none
        raise BadValueError("is no HTML", "correct it at the source; the text is kept") from None
    lines = [line(part).data for part in "".join(parser.parts).split("\n")]
    return Cleaned("\n".join(part for part in lines if part), whole=_CUT.search(text) is None)


def _must_exist(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise BadValueError(
            "is no day of the calendar", "correct it at the source; the text is kept"
        ) from None


CLEANERS: Final[Mapping[str, Cleaner]] = MappingProxyType(
    {
        "line": line,
        "prose": prose,
        "unescaped": unescaped,
        "html": markup,
        "day": day,
        "day_first": day_first,
        "day_named": day_named,
        "us_day": us_day,
        "latest_day": latest_day,
    }
    | {"partial_day": partial_day, "year": year, "moment": moment, "epoch": epoch}
)
