"""What of OFAC's enhanced XML is easier to read as code than as a table: names in several scripts, dates
with four corners, features by type, addresses in parts, relationships."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from taxii_hub.mapping.countries import country_codes, fold
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.spans import joint, of_windows, single
from taxii_hub.mapping.view import COUNTRIES, View

_NAME = "names/name"
_TRANSLATION = "translations/translation"
_WALLET = "Digital Currency Address"
_CORNERS = ("fromDateBegin", "fromDateEnd", "toDateBegin", "toDateEnd")


# --- names -------------------------------------------------------------------------------------


def _spelt(view: View) -> Iterator[tuple[View, View, Value]]:
    """Every name in every script: the name, its translation, the full text."""
    for name in view.groups(_NAME):
        for translation in name.groups(_TRANSLATION):
            full = translation.get("formattedFullName")
            if full is not None:
                yield name, translation, full


def _yes(group: View, path: str) -> bool:
    found = group.lookup("booleans", group.get(path))
    return found is not None and found.data is True


def name(view: View) -> Tree:
    """The primary name in its primary script, else any name, else the number."""
    spelt = list(_spelt(view))
    primary = [full for name, script, full in spelt if _yes(name, "isPrimary") and _yes(script, "isPrimary")]
    return next(iter(primary + [full for _, _, full in spelt]), view.get("@id"))


def names(view: View) -> Tree:
    """Every name in every script with its parts, the primary one first as in the file."""
    return [_name(name, translation, full) for name, translation, full in _spelt(view)]


def _name(name: View, translation: View, full: Value) -> Tree:
    weak = name.lookup("booleans", name.get("isLowQuality"))
    return {
        "full": full,
        "parts": _parts(translation),
        "kind": _kind(name, translation),
        "strength": "unknown" if weak is None else weak.derive("weak" if weak.data else "strong"),
        "script": translation.lookup("scripts", translation.get("script")),
    }


def _kind(name: View, translation: View) -> Tree:
    """``primary`` in the primary script, ``original-script`` in others; an alias says what it is."""
    primary = name.lookup("booleans", name.get("isPrimary"))
    script = translation.lookup("booleans", translation.get("isPrimary"))
    alias = name.lookup("alias_kinds", name.get("aliasType"))
    leaves = frozenset().union(*(value.leaves for value in (primary, script, alias) if value is not None))
    kind = "primary" if script is None or script.data else "original-script"
    if primary is None or not primary.data:
        kind = "alias" if alias is None else str(alias.data)
    return Value(kind, leaves, derived=True)


def _parts(translation: View) -> list[Tree]:
    """As OFAC sorts the name, then as it splits it."""
    whole = [
        (f"Formatted {kind} Name", translation.get(f"formatted{kind}Name")) for kind in ("Last", "First")
    ]
    split = [(part.get("type"), part.get("value")) for part in translation.groups("nameParts/namePart")]
    return [{"type": kind, "value": value} for kind, value in [*whole, *split] if kind and value]


def good_aliases(view: View) -> Tree:
    """Aliases that identify: not those of low quality, each once."""
    found: dict[str, Value] = {}
    for name, _, full in _spelt(view):
        if not _yes(name, "isPrimary") and not _yes(name, "isLowQuality"):
            found.setdefault(full.data, full)
    return list(found.values())


def actor_types(view: View) -> Tree:
    """What the programmes say, each word once."""
    words = (
        view.lookup("regimes", programme) for programme in view.all("sanctionsPrograms/sanctionsProgram")
    )
    return list({word.data: word for word in words if word is not None}.values())


def span(group: View, path: str) -> dict[str, Tree]:
    """The date at the path: four corners, and whether it is a range or about right."""
    return of_windows(
        [group.get(f"{path}/{corner}") for corner in _CORNERS],
        group.lookup("booleans", group.get(f"{path}/isDateRange")),
        group.lookup("booleans", group.get(f"{path}/isApproximate")),
    )


# --- features ----------------------------------------------------------------------------------


def _features(view: View, *kinds: str | None) -> list[View]:
    """Those whose type has one of these places; None: those that have no place of their own."""
    return [group for group in view.groups("features/feature") if _place(group) in kinds]


def _place(group: View) -> str | None:
    found = group.lookup("features", group.get("type"))
    return None if found is None else str(found.data)


def _graded(group: View) -> dict[str, Tree]:
    reliability = group.get("reliability")
    return {
        "primary": group.lookup("booleans", group.get("isPrimary")),
        "reliability": reliability,
        "confidence": group.lookup("reliabilities", reliability),
    }


def birth_dates(view: View) -> Tree:
    """Dates of birth with OFAC's own words beside."""
    groups = _features(view, "birth-date")
    dates = [{**span(group, "valueDate"), "text": group.get("value"), **_graded(group)} for group in groups]
    return [*dates, *_kinds(groups)]


def birth_places(view: View) -> Tree:
    """Places of birth in words; the country where the last part is one."""
    groups = _features(view, "birth-place")
    places = [
        {"text": (text := group.get("value")), **_country_at_the_end(text), **_graded(group)}
        for group in groups
    ]
    return [*places, *_kinds(groups)]


def _kinds(groups: list[View]) -> list[Value]:
    return _spent(kind for group in groups for kind in group.all("type"))


def _country_at_the_end(text: Value | None) -> dict[str, Tree]:
    code = None if text is None else country_codes().get(fold(text.data.rpartition(",")[2]))
    return {} if text is None or code is None else {"country_code": text.derive(code)}


def nationalities(view: View) -> Tree:
    """Nationalities and citizenships, which OFAC keeps apart."""
    return [
        {
            "text": (text := group.get("value")),
            "code": group.lookup(COUNTRIES, text),
            "status": group.lookup("features", group.get("type")),
            **_graded(group),
        }
        for group in _features(view, "nationality", "citizenship")
    ]


def gender(view: View) -> Tree:
    """The gender; the feature itself is carried too."""
    found = (view.lookup("genders", group.get("value")) for group in _features(view, "gender"))
    return next((word for word in found if word is not None), None)


def features(view: View) -> Tree:
    """All features that are not dates and places of birth or nationalities: by type and value."""
    return [
        {
            "type": group.get("type"),
            "value": group.get("value"),
            "date": span(group, "valueDate"),
            **_graded(group),
        }
        for group in _features(view, None, "gender", "contact", "title")
    ]


def contact(view: View) -> Tree:
    """Websites, e-mail addresses and telephone numbers in one text."""
    pairs = ((group.get("type"), group.get("value")) for group in _features(view, "contact"))
    texts = (Value.joined([kind, value], ": ") for kind, value in pairs if kind and value)
    return Value.joined(filter(None, texts), "; ")


def roles(view: View) -> Tree:
    """The title, and those among the features."""
    return [view.get("generalInfo/title"), *(group.get("value") for group in _features(view, "title"))]


# --- documents, addresses, nations -------------------------------------------------------------


def document(group: View) -> Tree:
    """One identity document with what OFAC says about its validity."""
    kind, country = group.get("type"), group.get("issuingCountry")
    return {
        "type": None if kind is None else kind.derive(_document_type(kind.data.casefold())),
        "type_text": kind,
        "number": group.get("documentNumber"),
        "name": group.get("name"),
        "valid": group.lookup("booleans", group.get("isValid")),
        "issuing_country": country,
        "issuing_country_code": group.lookup(COUNTRIES, country),
        **single("issued", span(group, "issueDate")),
        **single("expires", span(group, "expirationDate")),
        "features": group.all("idFeatures/idFeature"),
    }


def _document_type(kind: str) -> str:
    if "passport" in kind:
        return "passport"
    return "national-id" if kind.startswith("national id") or "identity card" in kind else "other"


class _Address(NamedTuple):
    """One address in one script. ``kinds``: the types of its parts, which the places of the parts say;
    ``written``: in which script."""

    country: Value | None
    code: Value | None
    parts: dict[str, Value]
    kinds: list[Value]
    written: Value | None


def _addresses(view: View) -> Iterator[_Address]:
    for address in view.groups("addresses/address"):
        country = address.get("country")
        code = address.lookup(COUNTRIES, country)
        for script in address.groups(_TRANSLATION):
            yield _Address(country, code, *_address_parts(script), _written(script))
        if country is not None and not address.groups(_TRANSLATION):
            yield _Address(country, code, {}, [], None)


def _address_parts(script: View) -> tuple[dict[str, Value], list[Value]]:
    found: dict[str, list[Value]] = {}
    kinds = []
    for part in script.groups("addressParts/addressPart"):
        kind, value = part.get("type"), part.get("value")
        place = part.lookup("address_parts", kind)
        if kind is not None and value is not None and place is not None:
            found.setdefault(str(place.data), []).append(value)
            kinds.append(kind)
    joined = {place: Value.joined(values, ", ") for place, values in found.items()}
    return {place: value for place, value in joined.items() if value is not None}, kinds


def _written(script: View) -> Value | None:
    word, primary = script.get("script"), script.lookup("booleans", script.get("isPrimary"))
    known = [value for value in (script.lookup("scripts", word) and word, primary) if value is not None]
    if not known:
        return None
    rank = "" if primary is None else " (primary)" if primary.data else " (not primary)"
    name = "Unknown" if word is None else word.data
    return joint(known, f"{name} script{rank}")


def addresses(view: View) -> Tree:
    """Addresses whose country has no code: a STIX location needs one."""
    found = [made for made in _addresses(view) if made.code is None]
    places = [{**made.parts, "country": made.country, "note": made.written} for made in found]
    return [*places, *_spent(kind for made in found for kind in made.kinds)]


def _spent(values: Iterable[Value]) -> list[Value]:
    """Values that decide where others go and are not spelt themselves: traced, nothing written."""
    return [value.derive(None) for value in values]


def locations(view: View, emitter: Emitter) -> None:
    """Addresses whose country has a code, each with how it is written on the relationship."""
    for made in _addresses(view):
        if made.code is not None:
            places = [
                made.parts.get(name) for name in ("street", "city", "region", "province", "postal_code")
            ]
            spelt = [*filter(None, [*places, made.country])]
            name = joint([*spelt, *made.kinds], ", ".join(str(value.data) for value in spelt))
            area = Value.joined(filter(None, (made.parts.get("region"), made.parts.get("province"))), ", ")
            target = emitter.add_shared(
                "location",
                {
                    "name": name,
                    "country": made.code,
                    "administrative_area": area,
                    "city": made.parts.get("city"),
                    "street_address": made.parts.get("street"),
                    "postal_code": made.parts.get("postal_code"),
                },
            )
            emitter.relate(emitter.main, "located-at", target, {"description": made.written})


def nations(view: View, emitter: Emitter) -> None:
    """Nationalities and citizenships whose country has a code, with the reliability as confidence."""
    for group in _features(view, "nationality", "citizenship"):
        country = group.get("value")
        code = group.lookup(COUNTRIES, country)
        if code is not None:
            target = emitter.add_shared("location", {"name": country, "country": code})
            graded = {"confidence": group.lookup("reliabilities", group.get("reliability"))}
            emitter.relate(emitter.main, "national-of", target, {"description": group.get("type"), **graded})


def wallets(view: View, emitter: Emitter) -> None:
    """An indicator for each digital currency address, valid from the day of the listing: one observable,
    one comparison. STIX has no type for wallets; the one in the pattern is that of OpenCTI."""
    listed = view.get("sanctionsLists/sanctionsList/@datePublished")
    for group in view.groups("features/feature"):
        kind, address = group.get("type"), group.get("value")
        if kind is None or address is None or listed is None or not kind.data.startswith(_WALLET):
            continue
        quoted = address.data.replace("\\", "\\\\").replace("'", "\\'")
        said = {
            "name": Value.joined([kind, address], " "),
            "indicator_types": ["attribution"],
            "pattern": address.derive(f"[cryptocurrency-wallet:value = '{quoted}']"),
            "pattern_type": "stix",
            "valid_from": listed.derive(f"{listed.data}T00:00:00.000Z"),
            "confidence": group.lookup("reliabilities", group.get("reliability")),
        }
        made = emitter.add("indicator", "wallet", said, [kind.data, address.data])
        emitter.relate(made, "related-to", emitter.main)


def relations(view: View, emitter: Emitter) -> None:
    """Links to other entities, in this file or not; OFAC's words are the description."""
    for group in view.groups("relationships/relationship"):
        kind, quality, other = group.get("type"), group.get("quality"), group.get("relatedEntity")
        key = group.get("relatedEntity/@entityId")
        if key is None:
            continue
        verb = group.lookup("relation_types", kind)
        words = Value.joined(filter(None, (kind, other)), ": ")
        told = Value.joined(filter(None, (words, quality)), "; quality: ")
        said = {"description": told, "confidence": group.lookup("qualities", quality)}
        emitter.mention(emitter.main, "related-to" if verb is None else str(verb.data), key, said)
