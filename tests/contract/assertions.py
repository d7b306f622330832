"""What a case may expect of an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from tests.contract.template import ABSENT, select

MEDIA_TYPE = re.compile(r'application/taxii\+json\s*;\s*version="?2\.1"?', re.IGNORECASE)
TAXII_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_SHOWN = 300


class CaseFailedError(Exception):
    """The server did something else than the case expects."""


def check(response: httpx.Response, expected: Mapping[str, Any]) -> None:
    """Raise CaseFailedError unless the answer is as expected; ``any`` lists alternatives."""
    if "any" in expected:
        _check_any(response, expected["any"])
    for key, wanted in expected.items():
        if key != "any":
            CHECKS[key](response, wanted)


def document(response: httpx.Response) -> Any:
    """The JSON body."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        raise CaseFailedError(f"{called(response)}: the body is no JSON: {response.text[:80]!r}") from None


def called(response: httpx.Response) -> str:
    """The request and its status, for reasons."""
    url = response.request.url.raw_path.decode("ascii", "replace")
    return f"{response.request.method} {url if len(url) < 160 else url[:160] + '…'} → {response.status_code}"


def _check_any(response: httpx.Response, alternatives: list[Mapping[str, Any]]) -> None:
    reasons = []
    for alternative in alternatives:
        try:
            check(response, alternative)
        except CaseFailedError as failure:
            reasons.append(str(failure))
        else:
            return
    raise CaseFailedError("none of the allowed answers: " + " / ".join(reasons))


def _status(response: httpx.Response, wanted: Any) -> None:
    code = response.status_code
    for one in wanted if isinstance(wanted, list) else [wanted]:
        if one in {code, f"{code // 100}xx"} or (one == "no 5xx" and code < 500):
            return
    raise CaseFailedError(f"{called(response)}, expected {wanted}")


def _media_type(response: httpx.Response, wanted: str) -> None:
    got = response.headers.get("Content-Type", "none")
    if wanted != "taxii" or not MEDIA_TYPE.fullmatch(got.partition("; charset")[0].strip()):
        raise CaseFailedError(f"{called(response)}: Content-Type is {got}")


def _error(response: httpx.Response, wanted: bool) -> None:
    """An error resource (section 3.6.1), which ``wanted: false`` does not ask for."""
    if not wanted:
        return
    _media_type(response, "taxii")
    body = document(response)
    if not isinstance(body, dict) or not isinstance(body.get("title"), str) or not body["title"]:
        raise CaseFailedError(f"{called(response)}: no error resource with a title: {body!r:.120}")
    if body.get("http_status", str(response.status_code)) != str(response.status_code):
        raise CaseFailedError(f"{called(response)}: http_status is {body['http_status']!r}")


def _headers(response: httpx.Response, wanted: Mapping[str, Any]) -> None:
    for name, condition in wanted.items():
        compare(f"{called(response)}: header {name}", response.headers.get(name, ABSENT), condition)


def _body(response: httpx.Response, wanted: Mapping[str, Any]) -> None:
    check_document(called(response), document(response), wanted)


def check_document(where: str, body: Any, wanted: Mapping[str, Any]) -> None:
    for path, condition in wanted.items():
        compare(f"{where}: {path}", select(body, path), condition)


def _strict_json(response: httpx.Response, wanted: bool) -> None:
    """I-JSON (RFC 7493): UTF-8, no byte order mark, no key twice."""

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in members]
        if len(set(keys)) < len(keys):
            raise CaseFailedError(f"{called(response)}: a key occurs twice in {sorted(keys)}")
        return dict(members)

    try:
        json.loads(response.content.decode("utf-8"), object_pairs_hook=pairs)
    except ValueError as error:
        raise CaseFailedError(f"{called(response)}: {error}") from None


def _clean(response: httpx.Response, wanted: bool) -> None:
    """No null and no empty list (nor, for tidiness, empty object below the top)."""

    def look(value: Any, path: str) -> None:
        if value is None or value in ([], {}):
            raise CaseFailedError(f"{called(response)}: {path} is {value!r}")
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, item in items:
            look(item, f"{path}.{key}")

    for key, value in document(response).items():
        look(value, key)


def _empty(response: httpx.Response, wanted: bool) -> None:
    if response.content:
        raise CaseFailedError(f"{called(response)}: {len(response.content)} bytes of body")


CHECKS: dict[str, Callable[[httpx.Response, Any], None]] = {
    "status": _status,
    "media_type": _media_type,
    "error": _error,
    "headers": _headers,
    "body": _body,
    "strict_json": _strict_json,
    "clean": _clean,
    "no_body": _empty,
}


# --- conditions on one value ---------------------------------------------------------------------


def compare(where: str, value: Any, condition: Any) -> None:
    """A condition is a value to equal, or an object of operators that must all hold."""
    if isinstance(condition, dict) and condition and set(condition) <= set(OPERATORS):
        for name, argument in condition.items():
            if not OPERATORS[name](value, argument):
                raise CaseFailedError(_clip(f"{where} is {_show(value)}, expected {name} {_show(argument)}"))
    elif value is ABSENT or not _same(value, condition):
        raise CaseFailedError(_clip(f"{where} is {_show(value)}, expected {_show(condition)}"))


def _same(value: Any, other: Any) -> bool:
    # json.dumps tells true from 1 and keeps every digit
    return json.dumps(value, sort_keys=True) == json.dumps(other, sort_keys=True)


def _show(value: Any) -> str:
    return _clip(repr(value))


def _clip(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _keys(values: Any) -> list[str]:
    return [json.dumps(value, sort_keys=True) for value in values]


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def _every(test: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: all(map(test, value)) if isinstance(value, list) else test(value)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "absent": lambda value, wanted: (value is ABSENT) == wanted,
    "present": lambda value, wanted: (value is not ABSENT) == wanted,
    "type": lambda value, name: value is not ABSENT and _TYPES[name](value),
    "all_types": lambda value, name: value is not ABSENT and all(map(_TYPES[name], value)),
    "matches": lambda value, text: _every(lambda one: isinstance(one, str) and bool(re.fullmatch(text, one)))(
        value
    ),
    "lacks_match": lambda value, text: value is ABSENT or re.search(text, value) is None,
    "length": lambda value, count: value is not ABSENT and len(value) == count,
    "min": lambda value, number: value is not ABSENT and value >= number,
    "max": lambda value, number: value is ABSENT or value <= number,
    "members": lambda value, wanted: value is not ABSENT and sorted(_keys(value)) == sorted(_keys(wanted)),
    "contains": lambda value, wanted: value is not ABSENT and set(_keys(wanted)) <= set(_keys(value)),
    "lacks": lambda value, wanted: value is ABSENT or not set(_keys(wanted)) & set(_keys(value)),
    "ascending": lambda value, _: value == sorted(value),
    "strictly_ascending": lambda value, _: value == sorted(set(value)),
    "unique": lambda value, _: len(set(_keys(value))) == len(value),
    "one_of": lambda value, wanted: any(_same(value, one) for one in wanted if value is not ABSENT),
    "one_of_or_absent": lambda value, wanted: value is ABSENT or any(_same(value, one) for one in wanted),
    "is_not": lambda value, other: value is ABSENT or not _same(value, other),
    "keys_match": lambda value, text: all(re.fullmatch(text, key) for key in value),
    "is_in_range": lambda value, bounds: value is not ABSENT and bounds[0] <= value <= bounds[1],
}
