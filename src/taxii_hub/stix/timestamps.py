"""STIX and TAXII timestamps as integer microseconds since the Unix epoch, UTC.

STIX 2.1 section 3.3 and TAXII 2.1 section 1.6.6: RFC 3339, UTC, ``T`` and ``Z`` in upper case, any
number of fraction digits. The seventh digit and those after it are cut off, never rounded: rounding
could put a time after one it precedes.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_SECOND: Final = 1_000_000
_DAY_SECONDS: Final = 86_400
_LIMIT: Final = (date(9999, 12, 31).toordinal() + 1 - _EPOCH_DAY) * _DAY_SECONDS * _SECOND

# a table costs half of what a format specification does, and a manifest spells thousands
_TWO: Final = tuple(f"{number:02d}" for number in range(60))
_THREE: Final = tuple(f"{number:03d}" for number in range(1000))

_STRICT: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?Z")
_LENIENT: Final = re.compile(_STRICT.pattern.removesuffix("Z") + r"(?:Z|[+ ]00:00)")
_USUAL_LENGTH: Final = 32
"""Longer texts are not remembered: a fraction may have a million digits."""


def parse(text: str) -> int:
    """Microseconds of a STIX timestamp. Raises ``ValueError`` with a reason that names the text.

    A leap second (23:59:60) counts as the first second of the next day, as POSIX does.
    """
    return _remembered(text) if len(text) <= _USUAL_LENGTH else _microseconds(_STRICT, text)


def parse_lenient(text: str) -> int:
    """Like :func:`parse`, for query parameters: also ``+00:00``.

    Clients send it, and also with its plus turned into a blank by URL decoding. Lower-case letters and
    other offsets are refused.
    """
    return _microseconds(_LENIENT, text)


def format(microseconds: int) -> str:  # noqa: A001 - always read as `timestamps.format`
    """Six fraction digits: ``2026-01-02T03:04:05.678900Z``; years 0001 to 9999."""
    seconds, fraction = divmod(microseconds, _SECOND)
    return f"{_until_second(seconds)}{six_digits(fraction)}Z"


def canonical(microseconds: int) -> str:
    """As STIX producers spell it: three fraction digits where they suffice, else six."""
    seconds, fraction = divmod(microseconds, _SECOND)
    thousands = fraction // 1000
    if fraction != thousands * 1000:
        return f"{_until_second(seconds)}{six_digits(fraction)}Z"
    return f"{_until_second(seconds)}{_THREE[thousands]}Z"


def six_digits(fraction: int) -> str:
    """Microseconds below a second, as the fraction of a timestamp."""
    thousands = fraction // 1000
    return _THREE[thousands] + _THREE[fraction - thousands * 1000]


def is_canonical(text: str, microseconds: int) -> bool:
    """Whether ``text``, which says this time, is spelled as :func:`canonical` spells it."""
    length = len(text)
    return text[17:19] != "60" and (length == 24 or (length == 27 and microseconds % 1000 != 0))


def _microseconds(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"{_shortened(text)} is no UTC timestamp like 2026-01-02T03:04:05.678Z")
    day, hour, minute, second, fraction = match.groups()
    seconds = _day_seconds(day) + int(hour) * 3600 + int(minute) * 60 + int(second)
    if hour > "23" or minute > "59" or (second > "59" and (hour, minute, second) != ("23", "59", "60")):
        raise ValueError(f"{_shortened(text)}: there is no such time of day")
    result = seconds * _SECOND
    if fraction:
        result += int(fraction[:6].ljust(6, "0"))
    if result >= _LIMIT:
        raise ValueError(f"{_shortened(text)}: after the year 9999")
    return result


# Several checks ask for the same times of an object, one after the other.
@lru_cache(maxsize=4096)
def _remembered(text: str) -> int:
    return _microseconds(_STRICT, text)


@lru_cache(maxsize=4096)
def _day_seconds(day: str) -> int:
    try:
        ordinal = date(int(day[:4]), int(day[5:7]), int(day[8:])).toordinal()
    except ValueError as error:
        raise ValueError(f"{day}: there is no such day") from error
    return (ordinal - _EPOCH_DAY) * _DAY_SECONDS


# A page of a manifest lies within a few seconds, so most calls find their prefix here.
@lru_cache(maxsize=4096)
def _until_second(seconds: int) -> str:
    days, rest = divmod(seconds, _DAY_SECONDS)
    minutes = rest // 60
    return f"{_day(days)}{_minute(minutes)}{_TWO[rest - minutes * 60]}."


@lru_cache(maxsize=1440)
def _minute(minutes: int) -> str:
    return f"T{minutes // 60:02d}:{minutes % 60:02d}:"


@lru_cache(maxsize=1024)
def _day(days: int) -> str:
    return date.fromordinal(days + _EPOCH_DAY).isoformat()


def _shortened(text: str) -> str:
    return ascii(text if len(text) <= 60 else f"{text[:57]}...")
