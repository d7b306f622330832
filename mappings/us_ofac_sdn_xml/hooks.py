"""What of SDN.XML is easier to read as code than as a table: names, dates in words, and the list of
identity documents that is a list of whatever else there is."""

from __future__ import annotations

import re

from taxii_hub.mapping.countries import country_codes, fold
from taxii_hub.mapping.english_dates import span
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.spans import single
from taxii_hub.mapping.view import COUNTRIES, View

# The types in idList that are no identity documents, as OFAC's dictionary of features has them; all
# others are documents (more than a hundred types, and new ones every year).
_FEATURE = re.compile(
    r"Additional Sanctions Information|Aircraft (?:Construction|Manufactur|Mode|Operator|Tail)"
    r"|BIK \(RU\)|CAATSA|Digital Currency Address|D-U-N-S|Effective Date|Email|Equity Ticker|Executive Order"
    r"|Former Vessel|Gender|IFCA|ISIN|Issuer Name|Listing Date|Location|MICEX|Nationality of Registration"
    r"|Organization (?:Established|Type)|Other Vessel|PEESA|Phone|Previous Aircraft|Purchase/Sales|Registration Country"
    r"|Secondary sanctions|SWIFT/BIC|Target Type|Title|Transactions Prohibited|UN/LOCODE"
    r"|Vessel (?:Call|Flag|Gross|Owner|Tonnage|Year)|VESSEL TYPE|Website"
)
_CONTACTS = ("Website", "Email Address", "Phone Number")
_DATED = re.compile(r".*\bDate\b.*")
_LINKED = re.compile(r"\(Linked To: (.+?)\)(?=\s*(?:\(Linked To:|;|\.?$))")
_VESSEL = {
    "callSign": "Vessel Call Sign",
    "vesselType": "VESSEL TYPE",
    "vesselFlag": "Vessel Flag",
    "vesselOwner": "Vessel Owner",
    "tonnage": "Vessel Tonnage",
    "grossRegisteredTonnage": "Vessel Gross Registered Tonnage",
}


# --- names -------------------------------------------------------------------------------------


def _full(group: View) -> Value | None:
    """``LAST, First``: as OFAC writes names wherever they are one text."""
    return Value.joined(filter(None, (group.get("lastName"), group.get("firstName"))), ", ")


def _parts(group: View) -> Tree:
    pairs = (("Formatted Last Name", group.get("lastName")), ("Formatted First Name", group.get("firstName")))
    return [{"type": kind, "value": value} for kind, value in pairs if value is not None]


def names(view: View) -> Tree:
    """The primary name, then the aliases."""
    full = _full(view)
    primary = [] if full is None else [{"full": full, "parts": _parts(view), "kind": "primary"}]
    return [*primary, *(_alias(group) for group in view.groups("akaList/aka"))]


def _alias(group: View) -> Tree:
    full = _full(group)
    if full is None:
        return None
    return {
        "full": full,
        "parts": _parts(group),
        "kind": group.lookup("alias_kinds", group.get("type")) or "alias",
        "strength": group.lookup("strengths", group.get("category")) or "unknown",
    }


def good_aliases(view: View) -> Tree:
    """Aliases that identify: not the weak ones, each once."""
    found: dict[str, Value] = {}
    for group in view.groups("akaList/aka"):
        strength, full = group.lookup("strengths", group.get("category")), _full(group)
        if full is not None and strength is not None and strength.data == "strong":
            found.setdefault(full.data, full)
    return list(found.values())


def actor_types(view: View) -> Tree:
    """What the programmes say, each word once."""
    words = (view.lookup("regimes", programme) for programme in view.all("programList/program"))
    return list({word.data: word for word in words if word is not None}.values())


# --- birth and nationality ---------------------------------------------------------------------


def _dated(group: View, words: Value | None) -> dict[str, Tree]:
    """What the words say for certain; a date that is not is a problem, and stays in words."""
    made = {} if words is None else span(words)
    if words is not None and not made:
        group.warn(words, "is no date that is certain", "correct it at the source; the words are carried")
    return made


def birth_date(group: View) -> Tree:
    """One date of birth with OFAC's own words beside."""
    words = group.get("dateOfBirth")
    return {**_dated(group, words), "text": words, **_main(group)}


def birth_place(group: View) -> Tree:
    """One place of birth in words; the country where the last part is one."""
    text = group.get("placeOfBirth")
    code = None if text is None else country_codes().get(fold(text.data.rpartition(",")[2]))
    known = {} if text is None or code is None else {"country_code": text.derive(code)}
    return {"text": text, **known, **_main(group)}


def _main(group: View) -> dict[str, Tree]:
    return {"primary": group.lookup("booleans", group.get("mainEntry"))}


def nationalities(view: View) -> Tree:
    """Nationalities and citizenships, which OFAC keeps apart."""
    found = []
    for status, path in (("nationality", "nationalityList"), ("citizenship", "citizenshipList")):
        for group in view.groups(f"{path}/{status}"):
            text = group.get("country")
            if text is not None:
                code = group.lookup(COUNTRIES, text)
                found.append({"text": text, "code": code, "status": status, **_main(group)})
    return found


# --- idList ------------------------------------------------------------------------------------


def _ids(view: View, *, documents: bool) -> list[View]:
    return [group for group in view.groups("idList/id") if _is_document(group) is documents]


def _is_document(group: View) -> bool:
    kind, dates = group.get("idType"), (group.get("issueDate"), group.get("expirationDate"))
    return kind is None or any(dates) or _FEATURE.match(kind.data) is None


def documents(view: View) -> Tree:
    """The entries of idList that are identity documents."""
    return [_document(group) for group in _ids(view, documents=True)]


def _document(group: View) -> Tree:
    kind, country = group.get("idType"), group.get("idCountry")
    return {
        "type": None if kind is None else kind.derive(_document_type(kind.data.casefold())),
        "type_text": kind,
        "number": group.get("idNumber"),
        "issuing_country": country,
        "issuing_country_code": group.lookup(COUNTRIES, country),
        **_when(group, "issueDate", "issued"),
        **_when(group, "expirationDate", "expires"),
    }


def _document_type(kind: str) -> str:
    if "passport" in kind:
        return "passport"
    return "national-id" if kind.startswith("national id") or "id card" in kind else "other"


def _when(group: View, path: str, name: str) -> dict[str, Tree]:
    """``<name>_on`` where it is one date, ``<name>`` with the words where it is not."""
    words = group.get(path)
    return single(name, _dated(group, words), words)


def features(view: View) -> Tree:
    """The other entries of idList, what is said about a vessel, and what the remarks link to."""
    found = [_feature(group) for group in _ids(view, documents=False)]
    for group in view.groups("vesselInfo"):
        found += [
            {"type": kind, "value": group.get(path)} for path, kind in _VESSEL.items() if group.get(path)
        ]
    remarks = view.get("remarks")
    linked = () if remarks is None else _LINKED.findall(remarks.data)
    return [*found, *({"type": "Linked To", "value": remarks.part(name)} for name in linked if remarks)]


def _feature(group: View) -> Tree:
    kind, value = group.get("idType"), group.get("idNumber")
    date = span(value) if kind is not None and value is not None and _DATED.fullmatch(kind.data) else {}
    return {"type": kind, "value": value, "country": group.get("idCountry"), "date": date}


def gender(view: View) -> Tree:
    """The gender; the entry itself is carried too."""
    found = (view.lookup("genders", group.get("idNumber")) for group in _of(view, "Gender"))
    return next((word for word in found if word is not None), None)


def contact(view: View) -> Tree:
    """Websites, e-mail addresses and telephone numbers in one text."""
    pairs = ((group.get("idType"), group.get("idNumber")) for group in _of(view, *_CONTACTS))
    texts = (Value.joined([kind, value], ": ") for kind, value in pairs if kind and value)
    return Value.joined(filter(None, texts), "; ")


def _of(view: View, *kinds: str) -> list[View]:
    found = ((group, group.get("idType")) for group in view.groups("idList/id"))
    return [group for group, kind in found if kind is not None and kind.data in kinds]
