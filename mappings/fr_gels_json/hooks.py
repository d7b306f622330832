"""The register says what a value is beside it (TypeChamp): these functions bring the two together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from taxii_hub.errors import BadValueError
from taxii_hub.mapping.cleaners import partial_day
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.names import script
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View

_TERRORISM: Final = re.compile(r"terroris|al[- ]?qa[iï]da|daech|eiil|taliban", re.IGNORECASE)
_PRECISION: Final = {4: "year", 7: "month", 10: "day"}
_CONTACTS: Final = {
    "SITE_INTERNET": ("website", "SiteInternet"),
    "TELEPHONE": ("phone", "Telephone"),
    "COURRIEL": ("email", "Courriel"),
}
_DOCUMENTS: Final = {"PASSEPORT": ("passport", "NumeroPasseport"), "AUTRE_IDENTITE": ("other", "NumeroCarte")}
_REFERENCES: Final = {
    "REFERENCE_ONU": ("United Nations Security Council Consolidated List", "ReferenceOnu"),
    "REFERENCE_UE": ("EU consolidated financial sanctions list", "ReferenceUe"),
}
# French names of countries that leave no doubt; others are carried as text only.
_COUNTRIES: Final = {
    "afghanistan": "AF", "algérie": "DZ", "allemagne": "DE", "arabie saoudite": "SA", "belgique": "BE",
    "biélorussie": "BY", "chine": "CN", "corée du nord": "KP", "égypte": "EG", "espagne": "ES",
    "états-unis": "US", "france": "FR", "haïti": "HT", "inde": "IN", "indonésie": "ID", "irak": "IQ",
    "iran": "IR", "israël": "IL", "italie": "IT", "jordanie": "JO", "koweït": "KW", "liban": "LB",
    "libye": "LY", "mali": "ML", "maroc": "MA", "niger": "NE", "nigeria": "NG", "pakistan": "PK",
    "philippines": "PH", "qatar": "QA", "royaume-uni": "GB", "russie": "RU", "somalie": "SO",
    "soudan": "SD", "suisse": "CH", "syrie": "SY", "tchad": "TD", "tunisie": "TN", "turquie": "TR",
    "ukraine": "UA", "yémen": "YE", "zimbabwe": "ZW",
}  # fmt: skip


def _values(view: View, *wanted: str) -> Iterator[tuple[str, Value, View]]:
    """Type (as word and as value) and group of every value of these types."""
    for group in view.groups("RegistreDetail"):
        said = group.get("TypeChamp")
        if said is not None and said.data in wanted:
            for inner in group.groups("Valeur"):
                yield said.data, said, inner


def _told(value: Value | None, said: Value) -> Value | None:
    """The value, which is what it is because the type beside it says so."""
    return None if value is None else Value(value.data, value.leaves | said.leaves, value.derived)


def _texts(view: View, kind: str, path: str) -> list[Value]:
    found = (_told(group.get(path), said) for _, said, group in _values(view, kind))
    return [value for value in found if value is not None]


def full_name(view: View) -> Tree:
    parts = [*_texts(view, "PRENOM", "Prenom"), *view.all("Nom")]
    return Value.joined(parts, " ") or view.get("IdRegistre")


def names(view: View) -> Tree:
    given, family = _texts(view, "PRENOM", "Prenom"), view.get("Nom")
    found: list[Tree] = []
    if given or family is not None:
        parts = [{"type": "given", "value": value} for value in given]
        parts += [{"type": "family", "value": family}] if given and family is not None else []
        full = full_name(view)
        found.append({"full": full, "parts": parts, "kind": "primary", "script": script(full)})
    for _, said, group in _values(view, "ALIAS"):
        alias = _told(group.get("Alias"), said)
        if alias is not None:
            found.append(
                {"full": alias, "kind": "alias", "script": script(alias), "note": group.get("Commentaire")}
            )
    return found


def titles(view: View) -> Tree:
    return _texts(view, "TITRE", "Titre")


def gender(view: View) -> Tree:
    found = [
        _told(view.lookup("genders", group.get("Sexe")), said) for _, said, group in _values(view, "SEXE")
    ]
    return next((word for word in found if word is not None), None)


def legal_basis(view: View) -> Tree:
    paths = ("FondementJuridique", "FondementJuridiqueLabel")
    return [text for path in paths for text in _texts(view, "FONDEMENT_JURIDIQUE", path)]


def is_terrorist(view: View) -> bool:
    return any(_TERRORISM.search(text.data) for text in legal_basis(view))


def reason(view: View) -> Tree:
    return Value.joined(_texts(view, "MOTIFS", "Motifs"), "\n")


def other_references(view: View) -> Tree:
    return [
        {"list": _REFERENCES[kind][0], "reference": _told(group.get(_REFERENCES[kind][1]), said)}
        for kind, said, group in _values(view, *_REFERENCES)
        if group.get(_REFERENCES[kind][1]) is not None
    ]


def birth_dates(view: View) -> Tree:
    return [_birth_date(said, group) for _, said, group in _values(view, "DATE_DE_NAISSANCE")]


def _birth_date(said: Value, group: View) -> Tree:
    """Year, year and month, or all three; what makes no date is carried as it stands."""
    parts = [part for path in ("Annee", "Mois", "Jour") if (part := group.get(path)) is not None]
    text = Value.joined(parts, "-")
    note = _told(group.get("Commentaire"), said)
    if text is None:
        return {"note": note}
    gap = group.get("Annee") is None or (len(parts) == 2 and group.get("Mois") is None)
    try:
        day = "" if gap else partial_day("-".join(part.data.zfill(2) for part in parts)).data
    except BadValueError:
        day = ""
    if not day:
        group.warn(
            text,
            "is no date, or a day without its month or year",
            "correct it at the source; the text is kept",
        )
        return {"text": _told(text, said), "note": note}
    made = Value(day, text.leaves | said.leaves)
    return {"from": made, "to": made, "precision": _PRECISION[len(day)], "note": note}


def birth_places(view: View) -> Tree:
    return [
        {"text": group.get("Lieu"), **_country(said, group)}
        for _, said, group in _values(view, "LIEU_DE_NAISSANCE")
    ]


def addresses(view: View) -> Tree:
    return [
        {"text": group.get("Adresse"), **_country(said, group), "note": group.get("Commentaire")}
        for _, said, group in _values(view, "ADRESSE_PP", "ADRESSE_PM")
    ]


def nationalities(view: View) -> Tree:
    found = [_country(said, group) for _, said, group in _values(view, "NATIONALITE")]
    return [
        {"text": one["country"], "code": one["country_code"]} for one in found if one["country"] is not None
    ]


def _country(said: Value, group: View) -> dict[str, Value | None]:
    name = _told(group.get("Pays"), said)
    code = None if name is None else _COUNTRIES.get(name.data.casefold())
    return {"country": name, "country_code": None if name is None or code is None else name.derive(code)}


def documents(view: View) -> Tree:
    return [
        {
            "type": _DOCUMENTS[kind][0],
            "type_text": said,
            "number": group.get(_DOCUMENTS[kind][1]),
            "note": group.get("Commentaire"),
        }
        for kind, said, group in _values(view, *_DOCUMENTS)
    ]


def contacts(view: View) -> Tree:
    return [
        {
            "kind": _CONTACTS[kind][0],
            "kind_text": said,
            "value": group.get(_CONTACTS[kind][1]),
            "note": group.get("Commentaire"),
        }
        for kind, said, group in _values(view, *_CONTACTS)
        if group.get(_CONTACTS[kind][1]) is not None
    ]


def features(view: View) -> Tree:
    """Identifications in prose, ships' numbers, and types that stand there without a value."""
    found: list[Tree] = []
    for kind, said, group in _values(view, "IDENTIFICATION", "NUMERO_OMI"):
        path = "Identification" if kind == "IDENTIFICATION" else "NumeroOMI"
        both = [value for value in (group.get("Commentaire"), group.get(path)) if value is not None]
        found.append({"type": said, "value": Value.joined(both, ": ")})
    bare = (group for group in view.groups("RegistreDetail") if not group.groups("Valeur"))
    return found + [{"type": group.get("TypeChamp")} for group in bare]
