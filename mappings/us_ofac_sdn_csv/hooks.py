"""What of SDN.CSV is easier to read as code than as a table: programmes in brackets, and the remarks, in
which OFAC writes whatever has no column. What is not certain is not read; all remarks are carried."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from taxii_hub.mapping.countries import country_codes, fold
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.english_dates import span
from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.spans import single
from taxii_hub.mapping.view import View

_WIDTH = 1000  # of the remarks column: a longer text is cut there and goes on in SDN_COMMENTS
_RECENT = 16  # texts of remarks whose statements are remembered: each record asks for its own a dozen times
_ALT = "alt. "
_WEAK = re.compile(r"(a|f|n)\.k\.a\. '(.+)'")
_WEAK_KINDS = {"a": "alias", "f": "former", "n": "current"}
_LINKED = re.compile(r"\(?Linked To: (.+?)\)?")
# The types of features that stand before their value, as OFAC's dictionary has them.
_FEATURE = re.compile(
    r"(Additional Sanctions Information -|Aircraft (?:Construction Number \(also called L/N or S/N or F/N\)"
    r"|Manufacture Date|Manufacturer.s Serial Number \(MSN\)|Mode S Transponder Code|Model|Operator"
    r"|Tail Number)|BIK \(RU\)|CAATSA Section 235 Information:|D-U-N-S Number"
    r"|Digital Currency Address - [A-Z0-9]+|(?:Effective|Listing|Purchase/Sales For Divestment) Date"
    r" \([^)]*\):?|Email Address|Equity Ticker|Executive Order [0-9]+ (?:Directive Determination -"
    r"|Directive Information(?: -|:)?|information:)|Former Vessel Flag|Gender|IFCA Determination -|ISIN"
    r"|Issuer Name|MICEX Code|Nationality of Registration|Organization Established Date|Organization Type:"
    r"|Other Vessel (?:Call Sign|Flag|Type)|PEESA Information:|Phone Number|Previous Aircraft Tail Number"
    r"|Registration Country|Secondary sanctions risk:|SWIFT/BIC|Target Type"
    r"|Transactions Prohibited For Persons Owned or Controlled By U\.S\. Financial Institutions:"
    r"|UN/LOCODE|Vessel Year of Build|Website) (.+)"
)
# The types of identity documents, as OFAC's dictionary has them, and older ones that the CSV still has.
_TYPES = (
    "Afghan Money Service Provider License Number; Aircraft Serial Identification; Birth Certificate "
    "Number; Bosnian Personal ID No.; Branch Unit Number; British National Overseas Passport; Business "
    "Number; Business Registration Document #; Business Registration Number; C.I.F.; C.I.N.; C.R. No.; "
    "C.U.I.; C.U.I.P.; C.U.I.T.; C.U.R.P.; CNP (Personal Numerical Code); Cartilla de Servicio Militar "
    "Nacional; Cedula No.; Cedula de Residencia; Central Registration System Number; Certificate of "
    "Incorporation Number; Chamber of Commerce Number; Chinese Commercial Code; Citizen's Card Number; "
    "Commercial Registry Number; Company Number; Credencial electoral; D.N.I.; Diplomatic Passport; "
    "Driver's License No.; Dubai Chamber of Commerce Membership No.; Economic Register Number (CBLS); "
    "Electoral Registry No.; Enterprise Number; File Number; Fiscal Code; Folio Mercantil No.; Government "
    "Gazette Number; I.F.E.; Identification Number; Immigration No.; Istanbul Chamber of Comm. No.; "
    "Italian Fiscal Code; Kenyan ID No.; LE Number; Legal Entity Number; License; MMSI; MSB Registration "
    "Number; Matricula Mercantil No; Military Registration Number; Moroccan Personal ID No.; N.I.E.; "
    "N.I.F.; NIT #; National Foreign ID Number; National ID No.; Numero Unico de Identificacao Tributaria "
    "(NUIT); Numero de Identidad; Organization Code; Paraguayan tax identification number; Passport; "
    "Permit Number; Personal ID Card; Pilot License Number; Public Registration Number; Public Security "
    "and Immigration No.; R.F.C.; RFC; RIF #; RSIN; RTN; RUC #; RUN; Refugee ID Card; Registered Charity "
    "No.; Registration Certificate Number (Dubai); Registration ID; Registration Number; Residency "
    "Number; Romanian C.R.; Romanian Permanent Resident; Romanian Tax Registration; Russian State "
    "Individual Business Registration Number Pattern (OGRNIP); SRE Permit No.; SSN; Seafarer's "
    "Identification Document; Serial No.; Stateless Person ID Card; Stateless Person Passport; Tax ID "
    "No.; Tazkira National ID Card; Tourism License No.; Trade License No.; Trademark number; Travel "
    "Document Number; Turkish Identification Number; UAE Identification; UK Company Number; US FEIN; "
    "Unified Social Credit Code (USCC); United Social Credit Code Certificate (USCCC); V.A.T. Number; "
    "Vessel Registration Identification; VisaNumberID"
)
_DOCUMENT = re.compile(
    f"({'|'.join(re.escape(name) for name in sorted(_TYPES.split('; '), key=len, reverse=True))}) (.+)"
)
_PAPER = re.compile(
    r"(?P<number>.+?)(?: \((?P<country>[^()]+)\))?(?: issued (?P<issued>[^;]+?))?(?: expires (?P<expires>[^;]+))?"
)
_CONTACTS = ("Website", "Email Address", "Phone Number")
_VESSEL = {
    "call_sign": "Vessel Call Sign",
    "vessel_type": "VESSEL TYPE",
    "vessel_flag": "Vessel Flag",
    "vessel_owner": "Vessel Owner",
    "tonnage": "Vessel Tonnage",
    "gross_tonnage": "Vessel Gross Registered Tonnage",
}


# --- the columns -------------------------------------------------------------------------------


def identity_class(view: View) -> Tree:
    """Nothing in the column means an organisation."""
    kind = view.get("type")
    return "organization" if kind is None else view.lookup("entity_classes", kind)


def is_person(view: View) -> bool:
    """Whether it is a natural person."""
    return bool(plain(identity_class(view)) == "individual")


def programmes(view: View) -> Tree:
    """``SDGT] [IFSR`` is two."""
    return [
        text.part(program.strip())
        for text in view.all("programs")
        for program in re.split(r"\]\s*\[", text.data.strip("[]"))
        if program.strip()
    ]


def actor_types(view: View) -> Tree:
    """What the programmes say, each word once."""
    words = (view.lookup("regimes", programme) for programme in programmes(view))
    return list({word.data: word for word in words if word is not None}.values())


def is_actor(view: View) -> Tree:
    """A programme against terrorism or attacks in cyberspace, and no vessel or aircraft."""
    kind = identity_class(view)
    return bool(actor_types(view)) and not (isinstance(kind, Value) and kind.data == "system")


def names(view: View) -> Tree:
    """The primary name, the strong ones of ALT.CSV, the weak ones of the remarks."""
    primary = [{"full": value, "kind": "primary"} for value in view.all("name")[:1]]
    strong = [
        {
            "full": group.get("name"),
            "kind": group.lookup("alias_kinds", group.get("type")) or "alias",
            "strength": "strong",
            "note": group.get("remarks"),
        }
        for group in view.groups("alias")
        if group.get("name") is not None
    ]
    return [*primary, *strong, *_weak(view)]


def city(group: View) -> Tree:
    """The second column of an address, where it can be nothing but a city."""
    text = group.get("city")
    return text if text is not None and re.fullmatch(r"[^0-9,]+", text.data) else None


# --- the remarks -------------------------------------------------------------------------------


class _Said(NamedTuple):
    """One statement of the remarks. ``main``: not an alternative to another."""

    text: str
    main: bool


def description(view: View) -> Value | None:
    """The remarks, and behind them what did not fit into their column."""
    whole = view.get("remarks")
    for more in view.all("comment/remarks"):
        cut = whole is not None and len(whole.data) >= _WIDTH
        whole = more if whole is None else Value.joined([whole, more], "" if cut else " ")
    return whole


def _statements(view: View) -> tuple[Value | None, tuple[_Said, ...]]:
    whole = description(view)
    return whole, () if whole is None else _parted(str(whole.data))


@lru_cache(maxsize=_RECENT)
def _parted(remarks: str) -> tuple[_Said, ...]:
    texts = re.split(r";\s+", remarks.rstrip(". "))
    return tuple(_Said(text.removeprefix(_ALT).strip(), not text.startswith(_ALT)) for text in texts)


def _saying(view: View, word: str) -> Iterator[tuple[Value, bool]]:
    """What stands behind that word, and whether it is no alternative."""
    whole, said = _statements(view)
    for text, main in said:
        if whole is not None and text.startswith(f"{word} "):
            yield whole.part(text.removeprefix(f"{word} ").strip()), main


def _weak(view: View) -> Iterator[Tree]:
    whole, said = _statements(view)
    for text, _ in said:
        found = _WEAK.fullmatch(text)
        if whole is not None and found is not None:
            yield {"full": whole.part(found[2]), "kind": _WEAK_KINDS[found[1]], "strength": "weak"}


def birth_dates(view: View) -> Tree:
    """Dates of birth with OFAC's words; one that is not certain stays in words."""
    return [{**span(words), "text": words, "primary": main} for words, main in _saying(view, "DOB")]


def birth_places(view: View) -> Tree:
    """Places of birth in words; the country where the last part is one."""
    found = []
    for text, main in _saying(view, "POB"):
        code = country_codes().get(fold(text.data.rpartition(",")[2]))
        known = {} if code is None else {"country_code": text.derive(code)}
        found.append({"text": text, **known, "primary": main})
    return found


def _nations(view: View) -> Iterator[tuple[Value, str, bool, str | None]]:
    for word, status in (("nationality", "nationality"), ("citizen", "citizenship")):
        for text, main in _saying(view, word):
            yield text, status, main, country_codes().get(fold(text.data))


def nationalities(view: View) -> Tree:
    """Nationalities and citizenships, which OFAC keeps apart."""
    return [
        {"text": text, "code": None if code is None else text.derive(code), "status": status, "primary": main}
        for text, status, main, code in _nations(view)
    ]


def nations(view: View, emitter: Emitter) -> None:
    """Nationalities and citizenships whose country has a code."""
    for text, _, _, code in _nations(view):
        if code is not None:
            target = emitter.add_shared("location", {"name": text, "country": text.derive(code)})
            emitter.relate(emitter.main, "national-of", target)


def documents(view: View) -> Tree:
    """``Passport X1 (Jordan) issued 04 Jun 1985 expires 2019``."""
    whole, said = _statements(view)
    found = ((main, _DOCUMENT.fullmatch(text)) for text, main in said)
    return [] if whole is None else [_document(whole, match) for _, match in found if match is not None]


def _document(whole: Value, found: re.Match[str]) -> Tree:
    kind, paper = found[1], _PAPER.fullmatch(found[2])
    if paper is None:
        return {"type": "other", "type_text": whole.part(kind), "number": whole.part(found[2])}
    country = paper["country"]
    code = None if country is None else country_codes().get(fold(country))
    return {
        "type": whole.derive(_document_type(kind.casefold())),
        "type_text": whole.part(kind),
        "number": whole.part(paper["number"]),
        "issuing_country": None if country is None else whole.part(country),
        "issuing_country_code": None if code is None else whole.derive(code),
        **_when(whole, paper["issued"], "issued"),
        **_when(whole, paper["expires"], "expires"),
    }


def _document_type(kind: str) -> str:
    if "passport" in kind:
        return "passport"
    return "national-id" if kind.startswith("national id") or "id card" in kind else "other"


def _when(whole: Value, text: str | None, name: str) -> dict[str, Tree]:
    """``<name>_on`` where it is one date, ``<name>`` with the words where it is not."""
    if text is None:
        return {}
    words = whole.part(text)
    return single(name, span(words), words)


# --- features ----------------------------------------------------------------------------------


class _Feature(NamedTuple):
    type: Value
    value: Value
    main: bool


def _said_features(view: View) -> Iterator[_Feature]:
    whole = description(view)
    if whole is None:
        return
    for kind, value, main in _featured(str(whole.data)):
        yield _Feature(whole.part(kind), whole.part(value), main)


@lru_cache(maxsize=_RECENT)
def _featured(remarks: str) -> tuple[tuple[str, str, bool], ...]:
    found = []
    for text, main in _parted(remarks):
        if (feature := _FEATURE.fullmatch(text)) is not None:
            found.append((feature[1], feature[2], main))
        elif (linked := _LINKED.fullmatch(text)) is not None:
            found.append(("Linked To", linked[1], main))
    return tuple(found)


def features(view: View) -> Tree:
    """What is said about a vessel, and the statements of the remarks that are features."""
    vessel = [{"type": kind, "value": view.get(path)} for path, kind in _VESSEL.items() if view.get(path)]
    said = [
        {
            "type": kind,
            "value": value,
            "date": span(value) if " Date" in kind.data else None,
            "primary": main,
        }
        for kind, value, main in _said_features(view)
    ]
    return [*vessel, *said]


def gender(view: View) -> Tree:
    """The gender; the statement itself is carried too."""
    said = (value for kind, value, _ in _said_features(view) if kind.data == "Gender")
    return next((word for value in said if (word := view.lookup("genders", value)) is not None), None)


def contact(view: View) -> Tree:
    """Websites, e-mail addresses and telephone numbers in one text."""
    said = (
        Value.joined([kind, value], ": ") for kind, value, _ in _said_features(view) if kind.data in _CONTACTS
    )
    return Value.joined(filter(None, said), "; ")
