"""Values that indicators are made of: written as they are meant, recognised, checked, and compared in the
shape that every SIEM takes (one object path, one ``=``, the value in single quotes)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

_DEFANGED: Final = (
    (re.compile(r"^(?:hxxp|h\*\*p|htxp|meow)(s?)(?=\[?:)", re.IGNORECASE), r"http\1"),
    (re.compile(r"^fxp(?=\[?:)", re.IGNORECASE), "ftp"),
    (re.compile(r"\[:(?://)?\](?://)?|\[://\]|:\[//\]"), "://"),
    (re.compile(r"[\[({]\s*(?:\.|dot)\s*[\])}]|\\\.", re.IGNORECASE), "."),
    (re.compile(r"[\[({]\s*(?:@|at)\s*[\])}]", re.IGNORECASE), "@"),
)
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)+(?!\d+$)[a-z0-9-]{{2,63}}", re.IGNORECASE)
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s\"<>\\]+", re.IGNORECASE)
_EMAIL: Final = re.compile(rf"[^\s@\"<>\\]{{1,64}}@(?:{_LABEL}\.)+[a-z0-9-]{{2,63}}", re.IGNORECASE)
_MAC: Final = re.compile(r"[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}", re.IGNORECASE)
_FILENAME: Final = re.compile(r"[^/\\:*?\"<>|\x00-\x1f]{1,255}")
_ACCOUNT: Final = re.compile(r"\S{1,200}")
_HASHES: Final = {32: "MD5", 40: "SHA-1", 64: "SHA-256", 128: "SHA-512"}
_PATHS: Final = {
    "MD5": "file:hashes.MD5",
    "SHA-1": "file:hashes.'SHA-1'",
    "SHA-256": "file:hashes.'SHA-256'",
    "SHA-512": "file:hashes.'SHA-512'",
    "filename": "file:name",
    "user-account": "user-account:account_login",
}

Observable = tuple[str, str]
"""Kind (``ipv4-addr``, ``SHA-256``, ``filename`` …) and value, in one spelling."""


def refanged(text: str) -> str:
    """The text as it is meant: ``hxxps://a[.]example`` is ``https://a.example``."""
    for defanged, meant in _DEFANGED:
        text = defanged.sub(meant, text)
    return text


def checked(kind: str, text: str) -> Observable | None:
    """The value as that kind (also ``ip`` and ``hash``: whichever it is); None where it is none."""
    return _CHECKS[kind](text)


def guessed(text: str) -> Observable | None:
    """As the first kind whose form it has; a name of a file or an account looks like anything and is
    never guessed."""
    return next((found for kind in _GUESSED if (found := _CHECKS[kind](text)) is not None), None)


def comparison(observable: Observable) -> str:
    """The STIX pattern that the value fits."""
    kind, text = observable
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"[{_PATHS.get(kind, f'{kind}:value')} = '{quoted}']"


def _ip(text: str) -> Observable | None:
    with suppress(ValueError):
        return (f"ipv{ipaddress.ip_interface(text).version}-addr", text.lower())
    return None


def _hash(text: str) -> Observable | None:
    kind = _HASHES.get(len(text)) if re.fullmatch(r"[0-9a-fA-F]+", text) else None
    return (kind, text.lower()) if kind is not None else None


def _mac(text: str) -> Observable | None:
    return ("mac-addr", text.lower().replace("-", ":")) if _MAC.fullmatch(text) else None


_Check = Callable[[str], Observable | None]


def _only(kind: str, check: _Check) -> _Check:
    return lambda text: found if (found := check(text)) and found[0] == kind else None


def _like(kind: str, form: re.Pattern[str], *, fold: bool = False) -> _Check:
    return lambda text: (kind, text.lower() if fold else text) if form.fullmatch(text) else None


_CHECKS: Final[Mapping[str, _Check]] = MappingProxyType(
    {
        "ip": _ip,
        "ipv4-addr": _only("ipv4-addr", _ip),
        "ipv6-addr": _only("ipv6-addr", _ip),
        "url": _like("url", _URL),
        "email-addr": _like("email-addr", _EMAIL),
        "mac-addr": _mac,
        "hash": _hash,
        **{kind: _only(kind, _hash) for kind in _HASHES.values()},
        "domain-name": _like("domain-name", _DOMAIN, fold=True),
        "filename": _like("filename", _FILENAME),
        "user-account": _like("user-account", _ACCOUNT),
    }
)
_GUESSED: Final = ("ip", "url", "email-addr", "mac-addr", "hash", "domain-name")
