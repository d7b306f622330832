"""Values that an incident names, checked: addresses, names, digests."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

from taxii_hub.mapping.nested import Element
from taxii_hub.mapping.observables import Observable, checked, refanged
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

from .elements import (
    CORRECT,
    attribute,
    first_of,
    line_of,
    text_of,
)

_STANDARD: Final = str.maketrans("-_", "+/")


def value_of(view: View, part: Element) -> tuple[Value, str, str] | None:
    """The value of an Address, a NodeName or a DomainData's Name with its kind, checked."""
    if part.name == "Address":
        value, category = line_of(text_of(part)), attribute(part, "category")
        kind = view.lookup("kinds", category) if category is not None else None
        word = str(kind.data) if kind is not None else "" if category is not None else "ip"
    elif part.name == "NodeName":
        value, word = line_of(text_of(part)), "domain-name"
    elif part.name == "DomainData":
        value, word = first_of(part.all("Name")), "domain-name"
    else:
        return None
    return None if value is None or not word else checked_as(view, value, word)


def checked_as(view: View, value: Value, kind: str) -> tuple[Value, str, str] | None:
    if kind == "autonomous-system:number":
        text = str(value.data).upper().removeprefix("AS")
        if re.fullmatch(r"[0-9]{1,10}", text):
            return value, kind, text
    elif ":" in kind:
        return value, kind, str(value.data)
    elif (found := checked(kind, refanged(value.data))) is not None:
        return value, *found
    view.warn(value, f"is no {kind.partition(':')[0]}", CORRECT)
    return None


def hashes_of(view: View, file: Element) -> list[tuple[Value, Observable]]:
    """Digests as hexadecimal digits, or in base64 as XML Signature has it."""
    found = []
    for digest in file.at("HashData/Hash/DigestValue"):
        value = text_of(digest)
        if value is None:
            continue
        made = checked("hash", value.data)
        if made is None:
            try:
                made = checked("hash", base64.b64decode(value.data.translate(_STANDARD), validate=True).hex())
            except (binascii.Error, ValueError):
                made = None
        if made is None:
            view.warn(value, "is no digest", CORRECT)
        else:
            found.append((value, made))
    return found
