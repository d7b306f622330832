"""What of the Swiss list is easier to read as code than as a table: names of parts with spellings, dates of parts,
places and programmes that stand elsewhere in the file."""

from __future__ import annotations

import re

from taxii_hub.errors import RecordError
from taxii_hub.mapping import languages, spans, spelt_names
from taxii_hub.mapping.countries import country_names
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.modifications import Modifications
from taxii_hub.mapping.names import once
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_KINDS = {"individual": "individual", "entity": "organization", "object": "system"}
_UN = re.compile(r"[A-Z]{2}[ie]\.[0-9]{3}")
_MODIFIED = Modifications(
    "modification", "@modification-type", ("@effective-date", "@enactment-date", "@publication-date")
)
_PROGRAMME = ("program-key", "program-name", "sanctions-set")


def _kind(view: View) -> str:
    """individual, entity or object."""
    found = next((kind for kind in _KINDS if view.groups(kind)), None)
    if found is None:
        raise RecordError("is no individual, entity or object", "look at the target in the file")
    return found


def identity_class(view: View) -> Tree:
    """By the element."""
    return _KINDS[_kind(view)]


def is_person(view: View) -> bool:
    """Whether it is a natural person."""
    return bool(plain(identity_class(view)) == "individual")


# --- modifications -------------------------------------------------------------------------------


def delisted(view: View) -> bool:
    """Whether the target has left the list."""
    said = _MODIFIED.latest(view)
    return said is not None and said.data == "de-listed"


def status(view: View) -> Tree:
    """Who is not left out is listed."""
    said = _MODIFIED.latest(view)
    return said.derive("listed") if said is not None else "listed"


def listed_on(view: View) -> Tree:
    """The earliest listing."""
    return next(iter(_MODIFIED.days(view, "listed")), None)


def amended_on(view: View) -> Tree:
    """Every amendment, the earliest first."""
    return _MODIFIED.days(view, "amended")


def history(view: View) -> Tree:
    """Every modification with all of its dates."""
    return _MODIFIED.pairs(view)


# --- names ---------------------------------------------------------------------------------------


def _identities(view: View) -> list[View]:
    """The main one first."""
    found = view.groups(f"{_kind(view)}/identity")
    return sorted(found, key=lambda identity: not _is_main(identity))


def _is_main(identity: View) -> bool:
    said = identity.get("@main")
    return said is not None and said.data == "true"


def name(view: View) -> Tree:
    """The primary name of the main identity; any name where there is none."""
    named = [one for identity in _identities(view) for one in identity.groups("name")]
    primary = [one for one in named if (t := one.get("@name-type")) is not None and t.data == "primary-name"]
    found = next((full for one in (*primary, *named) if (full := spelt_names.full(one)) is not None), None)
    if found is None:
        raise RecordError("has no name", "add it at the source")
    return found


def names(view: View) -> Tree:
    """Each name with its parts, then its further spellings."""
    return [
        made
        for identity in _identities(view)
        for one in identity.groups("name")
        for made in _named(identity, one)
    ]


def _named(identity: View, named: View) -> list[dict[str, Tree]]:
    main = identity.get("@main")
    other = main is not None and not _is_main(identity)
    said = {
        "kind": named.lookup("name_kinds", named.get("@name-type")) or "alias",
        "strength": named.lookup("qualities", named.get("@quality")),
        "note": main.derive("of another identity of the same target") if main and other else None,
    }
    made = [spelt_names.whole(named, None if other else main), *spelt_names.spellings(named)]
    return [{**said, **one} for one in made if one["full"] is not None]


def aliases(view: View) -> Tree:
    """Other names that are not weak."""
    found = [
        made["full"]
        for identity in _identities(view)
        for one in identity.groups("name")
        if (quality := one.get("@quality")) is None or quality.data != "low"
        for made in _named(identity, one)
    ]
    return [value for value in once(found) if isinstance(value, Value) and value.data != _data(name(view))]


def _data(tree: Tree) -> object:
    return tree.data if isinstance(tree, Value) else tree


# --- dates, places, documents --------------------------------------------------------------------


def dated(one: View) -> Tree:
    """As precise as the source and no more."""
    year, month, day = (one.get(path) for path in ("@year", "@month", "@day"))
    calendar = one.lookup("calendars", one.get("@calendar"))
    said = {"calendar": calendar, "reliability": one.get("@quality")}
    known = [part for part in (day, month, year) if part is not None]
    words = Value.joined(known, ".")
    written = spans.of_parts(year, month, day)
    if words is None:
        return said
    if calendar is not None and calendar.data != "gregorian":
        return {**said, "text": words}
    if written is None:
        one.warn(words, "is no date that is certain", "its words are carried; look at the source")
        return {**said, "text": words}
    spelt = Value(written, words.leaves, derived=True)
    precision = {4: "year", 7: "month", 10: "day"}[len(written)]
    return {**said, "from": spelt, "to": spelt, "precision": precision}


def _place(one: View) -> View | None:
    number = one.get("@place-id")
    return one.shared("place", number) if number is not None else None


def _code(group: View | None) -> Value | None:
    """Of a place or nationality: where ISO 3166-1 knows it."""
    said = group.get("country/@iso-code") if group is not None else None
    return said if said is not None and said.data in country_names() else None


def _at(one: View) -> dict[str, Tree]:
    """The place by its number; without a place the number is all that is known."""
    place, number, quality = _place(one), one.get("@place-id"), one.get("@quality")
    if place is None:
        return {"text": number, "reliability": quality}
    variants = [
        {"key": path, "value": value}
        for path in ("location-variant", "area-variant")
        for value in place.all(path)
    ]
    return {
        "city": place.get("location"),
        "province": place.get("area"),
        "country": place.get("country"),
        "country_code": _code(place),
        "reliability": quality,
        "source": {"key": number, "information": variants},
    }


def birth_places(view: View) -> Tree:
    """Each place."""
    return [_at(one) for one in view.groups("individual/identity/place-of-birth")]


def addresses(view: View) -> Tree:
    """All of them, with what a location cannot say."""
    return [{**_at(one), **_street(one)} for one in _addresses(view)]


def _street(one: View) -> dict[str, Tree]:
    return {
        "street": one.get("address-details"),
        "po_box": one.get("p-o-box"),
        "postal_code": one.get("zip-code"),
        "place": one.get("c-o"),
        "note": one.get("remarks"),
    }


def _addresses(view: View) -> list[View]:
    return view.groups("individual/identity/address", "entity/identity/address")


def has_code(one: View) -> bool:
    """Whether the nationality is a country of ISO 3166-1."""
    return _code(one) is not None


def nationality(one: View) -> Tree:
    """Its code only where it is one of ISO 3166-1."""
    code, said = _code(one), one.get("country/@iso-code")
    if code is None and said is not None:
        one.warn(said, "is no code of ISO 3166-1", "correct it at the source; it is kept beside the name")
    region = said if code is None else None
    return {"text": one.get("country"), "code": code, "region": region, "status": "nationality"}


def places(view: View, emitter: Emitter) -> None:
    """Locations of addresses with a country."""
    for one in _addresses(view):
        place = _place(one)
        code = _code(place)
        if place is None or code is None:
            continue
        lines = [
            one.get("address-details"),
            one.get("zip-code"),
            *map(place.get, ("location", "area", "country")),
        ]
        made = emitter.add_shared(
            "location",
            {
                "name": Value.joined([line for line in lines if line is not None], ", ") or code,
                "country": code,
                "administrative_area": place.get("area"),
                "city": place.get("location"),
                "street_address": one.get("address-details"),
                "postal_code": one.get("zip-code"),
            },
        )
        emitter.relate(emitter.main, "located-at", made)


# --- programmes ----------------------------------------------------------------------------------


def _sets(view: View) -> list[tuple[Value, View | None]]:
    """The numbers of its sets of measures, with their programmes."""
    numbers = once([*view.all("sanctions-set-id"), *view.all("@sanctions-set-id")])
    return [(n, view.shared("sanctions-program", n)) for n in numbers if isinstance(n, Value)]


def programmes(view: View) -> Tree:
    """The programmes' keys, in English."""
    return once(
        key
        for _, found in _sets(view)
        if found is not None and (key := languages.text_in(found, "program-key", "eng"))
    )


def is_terrorist(view: View) -> bool:
    """Whether any programme is about terrorism."""
    keys = [
        key
        for _, found in _sets(view)
        if found is not None and (key := languages.text_in(found, "program-key", "eng"))
    ]
    return any(view.lookup("regimes", key) is not None for key in keys)


def regulations(view: View) -> Tree:
    """Each set of measures with its programme, in every language."""
    return [_regulation(number, found) for number, found in _sets(view)]


def _regulation(number: Value, found: View | None) -> Tree:
    if found is None:
        return {"key": number}
    title = next((one for one in _measures(found, number) if languages.is_in(one, "eng")), None)
    return {
        "key": number,
        "title": title.get(".") if title is not None else None,
        "programme": languages.text_in(found, "program-name", "eng"),
        "organisation": found.get("origin"),
        "published_on": found.get("@version-date"),
        "information": [
            *(
                {"key": languages.label(one, path), "value": one.get(".")}
                for path in _PROGRAMME[:2]
                for one in found.groups(path)
            ),
            *(
                {"key": languages.label(one, "sanctions-set", one.get("@ssid")), "value": one.get(".")}
                for one in _measures(found, number)
            ),
            {"key": "program", "value": found.get("@ssid")},
        ],
    }


def _measures(found: View, number: Value) -> list[View]:
    return [one for one in found.groups("sanctions-set") if (n := one.get("@ssid")) and n.data == number.data]


# --- the rest ------------------------------------------------------------------------------------


def reason(view: View) -> Tree:
    """Why it is listed."""
    return Value.joined(view.all(f"{_kind(view)}/justification"), "\n")


def other_references(view: View) -> Tree:
    """References of other lists."""
    un = "United Nations Security Council Consolidated List"
    return [
        {"list": un if _UN.fullmatch(str(value.data)) else "foreign-identifier", "reference": value}
        for value in view.all("foreign-identifier")
    ]


def un_reference(view: View) -> Tree:
    """Those that are references of the United Nations."""
    return [value for value in view.all("foreign-identifier") if _UN.fullmatch(str(value.data))]


def relations(view: View, emitter: Emitter) -> None:
    """Relationships to other targets, in our words, with SECO's beside them."""
    for one in view.groups(f"{_kind(view)}/relation"):
        target, said = one.get("@target-id"), one.get("@relation-type")
        verb = one.lookup("relations", said)
        if target is not None:
            words = [word for word in (said, one.get("remark")) if word is not None]
            emitter.mention(
                emitter.main,
                str(verb.data) if verb is not None else "related-to",
                target,
                {"description": Value.joined(words, ": ")},
            )
