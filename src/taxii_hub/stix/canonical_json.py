"""RFC 8785 (JSON Canonicalization Scheme), for the names of deterministic ids and for signatures."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any


def dumps(value: Any) -> str:
    """The canonical text of a JSON value: keys in UTF-16 order, numbers as ECMAScript prints them.

    Raises ``ValueError`` for numbers JSON cannot hold and ``TypeError`` for what is no JSON value.
    """
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{dumps(key)}:{dumps(value[key])}" for key in _sorted(value)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(dumps, value)) + "]"
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _sorted(keys: Iterable[str]) -> list[str]:
    """In UTF-16 order; for ASCII that is the order of the text."""
    found = list(keys)
    if all(map(str.isascii, found)):
        return sorted(found)
    return sorted(found, key=lambda key: key.encode("utf-16-be", "surrogatepass"))


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} is no JSON number")
    value = float(value)
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    text, point = "".join(map(str, digits)), len(digits) + int(exponent)
    return ("-" if sign else "") + _layout(text, point)


def _layout(digits: str, point: int) -> str:
    """ECMA-262 Number::toString: ``0.digits * 10^point``."""
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    mantissa = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{point - 1:+d}"
