"""Values of indicator lists: refanged, recognised, checked, and written as one comparison."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from contextlib import suppress

from taxii_hub.errors import BadValueError, RecordError
from taxii_hub.mapping.cleaners import moment
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_DEFANGED = (
    (re.compile(r"^(?:hxxp|h\*\*p|htxp|meow)(s?)(?=\[?:)", re.IGNORECASE), r"http\1"),
    (re.compile(r"^fxp(?=\[?:)", re.IGNORECASE), "ftp"),
    (re.compile(r"\[:(?://)?\](?://)?|\[://\]|:\[//\]"), "://"),
    (re.compile(r"[\[({]\s*(?:\.|dot)\s*[\])}]|\\\.", re.IGNORECASE), "."),
    (re.compile(r"[\[({]\s*(?:@|at)\s*[\])}]", re.IGNORECASE), "@"),
)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)+(?!\d+$)[a-z0-9-]{{2,63}}", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"<>\\]+", re.IGNORECASE)
_EMAIL = re.compile(rf"[^\s@'\"<>\\]{{1,64}}@(?:{_LABEL}\.)+[a-z0-9-]{{2,63}}", re.IGNORECASE)
_MAC = re.compile(r"[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}", re.IGNORECASE)
_HASHES = {32: "MD5", 40: "SHA-1", 64: "SHA-256", 128: "SHA-512"}
_PATHS = {
    "MD5": "file:hashes.MD5",
    "SHA-1": "file:hashes.'SHA-1'",
    "SHA-256": "file:hashes.'SHA-256'",
    "SHA-512": "file:hashes.'SHA-512'",
    "filename": "file:name",
}
_NAMED = "give the row a Type that its value has, or correct the value"


def key(view: View) -> Tree:
    """Source, kind and value: what makes the row's ids. Refuses what is no observable."""
    value, (kind, text) = _observable(view)
    source = view.get("Source")
    said = f"{source.data}|{kind}:{text}" if source is not None else f"{kind}:{text}"
    return value.derive(said)


def pattern(view: View) -> Tree:
    """One comparison, the value in single quotes."""
    value, (kind, text) = _observable(view)
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    made = f"[{_PATHS.get(kind, f'{kind}:value')} = '{quoted}']"
    spelt = Value(made, value.leaves, derived=text != value.data)
    given = view.get("Type")
    return spelt if given is None else Value(made, value.leaves | given.leaves, spelt.derived)


def name(view: View) -> Tree:
    """The value itself, where the row has no name."""
    value, (_, text) = _observable(view)
    return value.part(text) if text == value.data else value.derive(text)


def description(view: View) -> Tree:
    """What kind of value it is, where the row says nothing about it."""
    value, (kind, _) = _observable(view)
    return value.derive(f"{kind} of an indicator list; the list says no more about it.")


def _observable(view: View) -> tuple[Value, tuple[str, str]]:
    value, given = view.get("Value"), view.get("Type")
    if value is None:
        raise RecordError("has no Value", "add the value or remove the row")
    text = _refanged(str(value.data))
    if given is None:
        found = _guessed(text)
        if found is None:
            view.refuse(value, "is nothing that an indicator can be made of", _NAMED)
        return value, found
    word = view.lookup("types", given.part(re.sub(r"[^a-z0-9]", "", str(given.data).casefold())))
    if word is None:
        view.refuse(given, "is no type of observable that the hub knows", _NAMED)
    found = _CHECKS[str(word.data)](text)
    if found is None:
        view.refuse(value, f"is no {word.data}, as its Type says", _NAMED)
    return value, found


def _refanged(text: str) -> str:
    for defanged, meant in _DEFANGED:
        text = defanged.sub(meant, text)
    return text


Found = tuple[str, str] | None


def _ip(text: str) -> Found:
    with suppress(ValueError):
        made = ipaddress.ip_interface(text)
        return (f"ipv{made.version}-addr", text)
    return None


def _ip_of(version: int) -> Callable[[str], Found]:
    return lambda text: found if (found := _ip(text)) and found[0] == f"ipv{version}-addr" else None


def _like(kind: str, form: re.Pattern[str], fold: bool) -> Callable[[str], Found]:
    return lambda text: (kind, text.lower() if fold else text) if form.fullmatch(text) else None


def _hash(text: str) -> Found:
    kind = _HASHES.get(len(text)) if re.fullmatch(r"[0-9a-fA-F]+", text) else None
    return (kind, text.lower()) if kind is not None else None


def _hash_of(kind: str) -> Callable[[str], Found]:
    return lambda text: found if (found := _hash(text)) and found[0] == kind else None


def _mac(text: str) -> Found:
    return ("mac-addr", text.lower().replace("-", ":")) if _MAC.fullmatch(text) else None


def _filename(text: str) -> Found:
    return ("filename", text) if re.fullmatch(r"[^/\\:*?\"<>|\x00-\x1f]{1,255}", text) else None


_CHECKS: dict[str, Callable[[str], Found]] = {
    "ip": _ip,
    "ipv4-addr": _ip_of(4),
    "ipv6-addr": _ip_of(6),
    "url": _like("url", _URL, fold=False),
    "email-addr": _like("email-addr", _EMAIL, fold=False),
    "mac-addr": _mac,
    "hash": _hash,
    "MD5": _hash_of("MD5"),
    "SHA-1": _hash_of("SHA-1"),
    "SHA-256": _hash_of("SHA-256"),
    "SHA-512": _hash_of("SHA-512"),
    "domain-name": _like("domain-name", _DOMAIN, fold=True),
    "filename": _filename,
}
_GUESSED = ("ip", "url", "email-addr", "mac-addr", "hash", "domain-name")


def _guessed(text: str) -> Found:
    """The first kind whose form the value has; a file name looks like anything and is never guessed."""
    return next((found for kind in _GUESSED if (found := _CHECKS[kind](text)) is not None), None)


def valid_from(view: View) -> Tree:
    """When the row says so, otherwise the edition: an indicator must say from when it is one."""
    return _moment(view, "Valid from") or view.edition


def valid_until(view: View) -> Tree:
    """The end, where it lies after the beginning."""
    until, since = _moment(view, "Valid until"), _moment(view, "Valid from")
    if until is None:
        return None
    if until.data <= (since.data if since is not None else view.edition):
        view.warn(until, "does not lie after the beginning", "correct the row; the indicator has no end")
        return None
    return until


def _moment(view: View, path: str) -> Value | None:
    value = view.get(path)
    if value is None:
        return None
    try:
        return value.derive(moment(re.sub(r"(?<=\d) (?=\d\d:\d\d:\d\d)", "T", str(value.data))).data)
    except BadValueError as error:
        view.warn(value, str(error), error.remedy, error.code)
        return None


def labels(view: View) -> Tree:
    """Every label, once."""
    value = view.get("Labels")
    return [] if value is None else [value.part(text) for text in _listed(value)]


def indicator_types(view: View) -> Tree:
    """In STIX's spelling."""
    value = view.get("Indicator types")
    if value is None:
        return []
    words = dict.fromkeys(re.sub(r"[\s_]+", "-", text.lower()) for text in _listed(value))
    return [value.part(word) if word in value.data else value.derive(word) for word in words]


def _listed(value: Value) -> list[str]:
    parts = (part.strip() for part in re.split(r"[,;|]", str(value.data)))
    return list(dict.fromkeys(part for part in parts if part))


def confidence(view: View) -> Tree:
    """0 to 100, or a word of STIX 2.1, appendix A."""
    value = view.get("Confidence")
    if value is None:
        return None
    text = str(value.data).casefold().removesuffix("%").strip()
    if not re.fullmatch(r"[0-9]+(?:\.0+)?", text):
        return view.lookup("confidences", value.derive(text))
    number = int(text.split(".")[0])
    if number > 100:
        view.warn(value, "is no confidence from 0 to 100", "correct it at the source; the text is kept")
        return None
    return value.derive(number)


def references(view: View) -> Tree:
    """A link, or the number of a report."""
    value, source = view.get("Reference"), view.get("Source")
    if value is None:
        return []
    link = re.match(r"https?://", str(value.data)) is not None
    return [{"source_name": source or "indicator list", "url" if link else "external_id": value}]


def details(view: View) -> Tree:
    """What STIX has no property for."""
    found = [("threat", view.get("Threat")), ("last seen", view.get("Last seen"))]
    return [{"name": said, "value": value} for said, value in found if value is not None]


def tlp(view: View) -> Tree:
    """The row's TLP, with or without the letters before it."""
    value = view.get("TLP")
    if value is None:
        return None
    word = str(value.data).casefold().replace(" ", "").removeprefix("tlp:")
    return view.lookup("tlp", value.part(word))
