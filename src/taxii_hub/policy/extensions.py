"""Markings with fields: our own releasability, FIRST IEP 2.0 and ACS 3.0 → terms of their tables.

Each parser answers None for everything that it does not understand wholly, and never raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from taxii_hub.policy.tables import LEVELS, Row, table
from taxii_hub.policy.terms import Term
from taxii_hub.stix import timestamps

RELEASABILITY: Final = "extension-definition--8f2d6c1e-3b7a-4c55-9f0d-2a6b94e7d310"
"""Our extension of marking-definition; docs/schemas/releasability.schema.json."""
ACS: Final = "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce"

_MANY: Final = 300
_LONG: Final = 200
_DAY: Final = 86_400 * 1_000_000


def terms_of_releasability(given: Any) -> tuple[Term, ...] | None:
    """The terms of our own extension, one for each field."""
    if not isinstance(given, dict) or given.get("extension_type") != "property-extension":
        return None
    fields = {key: value for key, value in given.items() if key != "extension_type"}
    terms = [_releasability(key, value) for key, value in fields.items()]
    understood = [term for term in terms if term is not None]
    return tuple(understood) if understood and len(understood) == len(terms) else None


def _releasability(field: str, value: Any) -> Term | None:
    row = next((each for each in table("releasability").rows if each.field == field), None)
    if row is None:
        return None
    if field in ("level", "expires", "hold", "handling"):
        return _of_one_value(row, field, value)
    texts = _texts(value)
    if texts is None:
        return None
    match field:
        case "purposes":
            return replace(row.template, name=f"for {', '.join(sorted(texts))}", purposes=texts)
        case "duties":
            return replace(row.template, name="duties", duties=texts)
        case _:
            return row.filled_with(names=texts)


def _of_one_value(row: Row, field: str, value: Any) -> Term | None:
    if field == "expires":
        return _until(row, value)
    if field == "hold":
        return row.template if value is True else None
    if not _is_text(value):
        return None
    if field == "handling":
        return replace(row.template, name=value, duties=frozenset({value}))
    return replace(row.template, name=value, level=LEVELS.index(value)) if value in LEVELS else None


def _until(row: Row, value: Any) -> Term | None:
    day = _day(value)
    if day is None:
        return None
    over = (day.toordinal() + 1 - date(1970, 1, 1).toordinal()) * _DAY
    return replace(row.template, name=f"until {day}", expires=over)


def terms_of_iep(given: Any) -> tuple[Term, ...] | None:
    """The terms of a FIRST IEP 2.0 policy; a reference to one that is elsewhere is not understood."""
    if not isinstance(given, dict):
        return None
    found: list[Term] = [Term("IEP policy", "statement: iep: policy")]
    for field, value in given.items():
        if field in ("id", "name", "description", "external_reference", "start_date") and _is_text(value):
            continue
        if field == "version" and value in ("2.0", 2, 2.0):
            continue
        if field == "end_date" and (moment := _moment(value)) is not None:
            found.append(Term(f"until {value}", "statement: iep: end_date", expires=moment))
            continue
        name = "attribution" if field == "provider_attribution" else field
        row = table("iep").row(value.lower(), name) if isinstance(value, str) else None
        if row is None:
            return None
        found.append(replace(row.template, name=f"{name} {value.lower()}"))
    return tuple(found)


# --- ACS 3.0 -----------------------------------------------------------------------------------

_ACS_IGNORED: Final = frozenset(
    {
        "extension_type",
        "identifier",
        "name",
        "create_date_time",
        "responsible_entity_custodian",
        "responsible_entity_originator",
        "authority_reference",
        "policy_reference",
    }
)
_ALL: Final = "ALL"
_LISTS: Final = ("formal_determination", "caveat", "sensitivity")


def terms_of_acs(given: Any) -> tuple[Term, ...] | None:
    """The terms of an ACS 3.0 marking."""
    if not isinstance(given, dict):
        return None
    rest = given.keys() - _ACS_IGNORED - {"control_set", "access_privilege", "further_sharing"}
    control = _control_set(given.get("control_set"))
    privileges = _privileges(given.get("access_privilege", []), given.get("policy_reference"))
    sharing = _further_sharing(given.get("further_sharing", []))
    if rest or control is None or privileges is None or sharing is None:
        return None
    return (*control, *privileges, *sharing)


def _further_sharing(given: Any) -> tuple[Term, ...] | None:
    """What readers may do with it: carried as duties."""
    if not isinstance(given, list) or len(given) > _MANY:
        return None
    found = []
    for rule in given:
        if not isinstance(rule, dict) or rule.keys() != {"rule_effect", "sharing_scope"}:
            return None
        effect, scope = rule["rule_effect"], _texts(rule["sharing_scope"])
        if effect not in ("permit", "deny") or scope is None:
            return None
        duty = f"further sharing {effect}: {', '.join(sorted(scope))}"
        found.append(Term(duty, "statement: acs: further_sharing", duties=frozenset({duty})))
    return tuple(found)


def _control_set(given: Any) -> tuple[Term, ...] | None:
    if not isinstance(given, dict) or given.keys() - {"classification", "shareability", *_LISTS}:
        return None
    wanted = [("classification", given.get("classification"))]
    for field in _LISTS:
        values = _texts(given[field]) if field in given else frozenset()
        if values is None:
            return None
        wanted += [(field, value) for value in sorted(values)]
    found = [_acs(field, value) for field, value in wanted]
    if "shareability" in given:
        found.append(_shareability(given["shareability"]))
    return _all(found)


def _shareability(given: Any) -> Term | None:
    """Communities are an offer: one that is foreign opens it, national ones alone do not."""
    terms = [_acs("shareability", value) for value in sorted(_texts(given) or ())]
    known = [term for term in terms if term is not None]
    if not known or len(known) != len(terms):
        return None
    return next((term for term in known if term.audience is None), known[0])


def _privileges(given: Any, reference: Any) -> tuple[Term, ...] | None:
    if not isinstance(given, list) or len(given) > _MANY:
        return None
    found: list[Term | None] = []
    reading = False
    for rule in given:
        if not isinstance(rule, dict) or rule.keys() - {"privilege_action", "rule_effect", "privilege_scope"}:
            return None
        action = _acs("privilege_action", rule.get("privilege_action"))
        effect = _acs("rule_effect", rule.get("rule_effect"))
        if action is None or effect is None:
            return None
        if action.row.endswith(": DSPLY"):
            reading = True
            found += [action, effect, *_scope(rule.get("privilege_scope", {}))]
        else:
            duty = f"{rule['privilege_action']}: {rule['rule_effect']}"
            found.append(replace(action, name=duty, duties=frozenset({duty})))
    permitted = isinstance(reference, str) and "privdefault=permit" in reference
    if not reading and not permitted:
        found.append(_acs("rule_effect", "deny"))
    return _all(found)


def _scope(given: Any) -> list[Term | None]:
    """ALL, or countries. The other dimensions are about persons and networks, of whom the hub knows nothing."""
    if not isinstance(given, dict):
        return [None]
    found: list[Term | None] = []
    for field, value in given.items():
        values = _texts(value) or frozenset()
        if field == "permitted_nationalities" and values:
            row = table("acs").row(_ALL if _ALL in values else "{names}", field)
            found.append(None if row is None else row.filled_with(names=values))
        elif field == "shareability" and values:
            found.append(_shareability(value))
        elif field not in ("permitted_organizations", "entity") or values != {"ALL"}:
            found.append(None)
    return found


def _acs(field: str, value: Any) -> Term | None:
    row = table("acs").row(value, field) if isinstance(value, str) else None
    return None if row is None else replace(row.template, name=f"{field} {value}")


def _all(found: list[Term | None]) -> tuple[Term, ...] | None:
    known = tuple(term for term in found if term is not None)
    return known if len(known) == len(found) else None


# --- forms -------------------------------------------------------------------------------------


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONG and value.isprintable()


def _texts(value: Any) -> frozenset[str] | None:
    if not isinstance(value, list) or not 0 < len(value) <= _MANY:
        return None
    return frozenset(value) if all(_is_text(each) for each in value) else None


def _day(value: Any) -> date | None:
    if not isinstance(value, str) or len(value) != 10:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _moment(value: Any) -> int | None:
    try:
        return timestamps.parse(value) if isinstance(value, str) else None
    except ValueError:
        return None


def extension_of(definition: Mapping[str, Any]) -> tuple[str, Any] | None:
    """The one extension of a marking definition; None where there is not exactly one."""
    extensions = definition.get("extensions")
    if not isinstance(extensions, dict) or len(extensions) != 1:
        return None
    return next(iter(extensions.items()))
