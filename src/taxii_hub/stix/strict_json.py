"""Strict JSON, one object at a time, with the place where each begins and ends (rule R3).

The standard library's C scanner does the work: it tells where a value ends, so the exact text can be
kept. What JSON leaves open and other parsers disagree about is refused: a key given twice, NaN and
infinities, numbers too large, lone surrogates, NUL in a key, depth above 100, more than 8 MB.
A value that breaks one of these rules is told with its place, and the scan goes on behind it; only
text that is no JSON at all raises ``json.JSONDecodeError``.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined] # C speed; raw_decode alone cannot read a key
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 100
MAX_BYTES: Final = 8_000_000
MAX_INTEGER: Final = 2**53 - 1
"""STIX 2.1 section 2.1: what every JSON parser reads exactly."""

_SPACE: Final = re.compile(r"[ \t\n\r]*")
_SUSPECT: Final = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_LONE: Final = re.compile("[\ud800-\udfff]")
_BRACKET: Final = re.compile(r'([\[{])|([\]}])|"[^"\\]*(?:\\.[^"\\]*)*("?)', re.DOTALL)
_TOO_DEEP: Final = f"nested deeper than {MAX_DEPTH} levels"
_NAMES: Final = ("type", "id", "created", "modified")


@dataclass(frozen=True, slots=True)
class Scanned:
    """One value; ``end`` is the index behind it.

    With a ``problem`` (``path`` says where inside the value: ``.a[3].b``, empty for all of it)
    ``value`` is no more than the readable ones of type, id, created and modified, to name the object
    by; None where it is no object.
    """

    value: Any
    end: int
    problem: str | None = None
    path: str = ""


class _RefusedError(Exception):
    """The strict scanner met something; the lenient one finds out what and where."""


@dataclass(frozen=True, slots=True)
class _Flaw:
    """Stands in a leniently read value where the strict scanner refuses."""

    reason: str


class _FlawedDict(dict[str, Any]):
    """A leniently read object with a key that is given twice."""

    reason = ""


def scan(text: str, start: int) -> Scanned:
    """Read the value that begins at ``start``. Raises ``json.JSONDecodeError`` for no JSON."""
    try:
        value, end = _STRICT.raw_decode(text, start)
    except _RefusedError:
        return _scan_slowly(text, start)
    except RecursionError:
        return _skip_deep(text, start)
    if _too_large(text, start, end):
        return Scanned(_names(value), end, f"larger than {MAX_BYTES:,} bytes")
    brackets = text.count("{", start, end) + text.count("[", start, end)
    if brackets > MAX_DEPTH and _deeper(value):
        return Scanned(_names(value), end, _TOO_DEEP)
    if text.find("\\u", start, end) >= 0 and _SUSPECT.search(text, start, end):
        return _scan_slowly(text, start)
    return Scanned(value, end)


def end_of(text: str, start: int) -> int:
    """Index behind the value at ``start``, whatever it holds. Raises ``json.JSONDecodeError``."""
    try:
        return _LENIENT.raw_decode(text, start)[1]
    except RecursionError:
        return _end_by_brackets(text, start)


def read_object(text: str, start: int, on_value: Callable[[str, int], int]) -> int:
    """Walk the object at ``start``; returns the index behind it.

    ``on_value(key, index)`` is told where each value begins and returns where it ends. Raises
    ``json.JSONDecodeError`` for no JSON.
    """
    index = _after(text, start, "{")
    if text.startswith("}", index):
        return index + 1
    while True:
        if not text.startswith('"', index):
            raise json.JSONDecodeError("Expecting a property name in double quotes", text, index)
        key, index = scanstring(text, index + 1, True)
        index = _after(text, _space(text, index), ":")
        index = _space(text, on_value(key, index))
        if text.startswith("}", index):
            return index + 1
        index = _after(text, index, ",")


def read_array(text: str, start: int, on_item: Callable[[int], int]) -> int:
    """Walk the array at ``start``; as :func:`read_object`."""
    index = _after(text, start, "[")
    if text.startswith("]", index):
        return index + 1
    while True:
        index = _space(text, on_item(index))
        if text.startswith("]", index):
            return index + 1
        index = _after(text, index, ",")


def skip_space(text: str, start: int) -> int:
    """Index of the first character at or behind ``start`` that is no JSON white space."""
    return _space(text, start)


def spelled(key: str) -> str:
    """A property name that is safe to show: printable ASCII, at most some 60 characters."""
    return ascii(key[:60])[1:-1]


def _space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    return match.end() if match else start


def _after(text: str, index: int, character: str) -> int:
    if not text.startswith(character, index):
        raise json.JSONDecodeError(f"Expecting {character!r}", text, index)
    return _space(text, index + 1)


# --- the two scanners ----------------------------------------------------------------------------


def _strict_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _RefusedError
    return value


def _strict_int(digits: str) -> int:
    if len(digits) > 17 or not -MAX_INTEGER <= (value := int(digits)) <= MAX_INTEGER:
        raise _RefusedError
    return value


def _strict_float(digits: str) -> float:
    if math.isinf(value := float(digits)):
        raise _RefusedError
    return value


def _strict_constant(name: str) -> NoReturn:
    raise _RefusedError


def _lenient_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
    flawed = _FlawedDict(value)
    flawed.reason = f"the key '{spelled(twice)}' is given twice"
    return flawed


def _lenient_int(digits: str) -> int | _Flaw:
    if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
        return _Flaw(f"the integer {_short(digits)} is beyond ±(2^53-1)")
    return int(digits)


def _lenient_float(digits: str) -> float | _Flaw:
    if math.isinf(value := float(digits)):
        return _Flaw(f"the number {_short(digits)} is too large")
    return value


def _lenient_constant(name: str) -> _Flaw:
    return _Flaw(f"{name} is no JSON value")


_STRICT: Final = json.JSONDecoder(
    object_pairs_hook=_strict_pairs,
    parse_int=_strict_int,
    parse_float=_strict_float,
    parse_constant=_strict_constant,
)
_LENIENT: Final = json.JSONDecoder(
    object_pairs_hook=_lenient_pairs,
    parse_int=_lenient_int,
    parse_float=_lenient_float,
    parse_constant=_lenient_constant,
)


# --- the slow way: only for a value that is refused, or looks like it ------------------------------


def _scan_slowly(text: str, start: int) -> Scanned:
    try:
        value, end = _LENIENT.raw_decode(text, start)
    except RecursionError:
        return _skip_deep(text, start)
    if _too_large(text, start, end):
        return Scanned(_names(value), end, f"larger than {MAX_BYTES:,} bytes")
    if _deeper(value):
        return Scanned(_names(value), end, _TOO_DEEP)
    flaw = _first_flaw(value)
    return Scanned(value, end) if flaw is None else Scanned(_names(value), end, flaw[1], flaw[0])


def _skip_deep(text: str, start: int) -> Scanned:
    return Scanned(_names_in_text(text, start), _end_by_brackets(text, start), _TOO_DEEP)


def _too_large(text: str, start: int, end: int) -> bool:
    return end - start > MAX_BYTES // 4 and len(text[start:end].encode()) > MAX_BYTES


def _deeper(value: Any) -> bool:
    """Whether the value is nested deeper than allowed; level by level, for it may be very deep."""
    level: list[Any] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True


def _first_flaw(value: Any) -> tuple[str, str] | None:
    """Path and reason of the first thing wrong in a value of allowed depth, in reading order."""
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        path, item = stack.pop()
        if isinstance(item, _Flaw | _FlawedDict):
            return path, item.reason
        if isinstance(item, str) and _LONE.search(item):
            return path, "holds half of a surrogate pair"
        if isinstance(item, dict):
            for key in item:
                if "\0" in key or _LONE.search(key):
                    return path, f"the key '{spelled(key)}' holds NUL or half of a surrogate pair"
            stack += [(f"{path}.{spelled(key)}", item[key]) for key in reversed(item)]
        elif isinstance(item, list):
            stack += [(f"{path}[{index}]", item[index]) for index in range(len(item) - 1, -1, -1)]
    return None


def _names(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict):
        return None
    found = {name: value[name] for name in _NAMES if isinstance(value.get(name), str)}
    return {name: text for name, text in found.items() if not _LONE.search(text)}


def _names_in_text(text: str, start: int) -> dict[str, Any] | None:
    """As :func:`_names`, of an object too deep to be read."""
    found: dict[str, Any] = {}

    def on_value(key: str, index: int) -> int:
        if key in _NAMES and text.startswith('"', index):
            found[key], end = scanstring(text, index + 1, True)
            return int(end)
        return end_of(text, index)

    if not text.startswith("{", start):
        return None
    # The end was found by counting brackets: what is between them need not be JSON.
    with contextlib.suppress(json.JSONDecodeError):
        read_object(text, start, on_value)
    return _names(found)


def _end_by_brackets(text: str, start: int) -> int:
    depth = 0
    for match in _BRACKET.finditer(text, start):
        if match[1]:
            depth += 1
        elif match[2]:
            depth -= 1
            if depth == 0:
                return match.end()
        elif not match[3]:
            raise json.JSONDecodeError("Unterminated string", text, match.start())
    raise json.JSONDecodeError("Unclosed bracket", text, len(text))


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
