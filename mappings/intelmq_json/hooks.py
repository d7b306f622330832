"""What an event means: its observables, where the source does harm its indicators, and what is kept beside."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from taxii_hub.errors import RecordError
from taxii_hub.mapping.cyber_observables import observe
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree
from taxii_hub.mapping.observables import Observable, checked, comparison, refanged
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View
from taxii_hub.stix import timestamps

_DAY: Final = 86_400_000_000
_LAST: Final = timestamps.parse("9999-12-31T23:59:59.999Z")
_SIDES: Final = ("source", "destination")
_HASHES: Final = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256"}
_CORRECT: Final = "correct it at the source; the text is kept"
# Kinds of value that an indicator may be about, the most specific first.
_HARM: Final = (("url", "url"), ("fqdn", "domain-name"), ("ip", "ip"), ("account", "email-addr"))
_LIFETIMES: Final = {"ipv4-addr": "address", "ipv6-addr": "address", "url": "name", "domain-name": "name"}
_OF_A_SIDE: Final = (
    "port", "asn", "as_name", "network", "reverse_dns", "local_ip", "local_hostname", "urlpath", "domain_suffix",
    "abuse_contact", "allocated", "registry", "tor_node", "geolocation/cc", "geolocation/country",
    "geolocation/region", "geolocation/state", "geolocation/city", "geolocation/latitude", "geolocation/longitude",
)  # fmt: skip
_KEPT: Final = (
    *(f"{side}/{name}" for side in _SIDES for name in _OF_A_SIDE),
    "source/geolocation/cymru_cc", "source/geolocation/geoip_cc", "protocol/transport", "protocol/application",
    "malware/version", "event_description/target", "feed/provider", "feed/code", "feed/url", "comment", "output",
    "raw", "extra",
)  # fmt: skip


def key(view: View) -> Tree:
    """A digest of all that the event says: IntelMQ gives events no number, and its event_hash is for
    finding repetitions, not for telling events apart."""
    leaves = view.reading.record.leaves
    if view.get("classification/type") is None:
        raise RecordError(
            "has no classification.type", "every IntelMQ event has one; look what the record is"
        )
    said = "\0".join(sorted(f"{leaf.path}\0{leaf.value}" for leaf in leaves))
    digest = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return Value(digest, frozenset(range(len(leaves))), derived=True)


def tlp(view: View) -> Tree:
    """The event's TLP, with or without the letters before it."""
    value = view.get("tlp")
    if value is None:
        return None
    return view.lookup("tlp", value.part(re.sub(r"^tlp[:_ ]|\s", "", str(value.data).casefold())))


def is_test(view: View) -> bool:
    """The classification for trying things out."""
    value = view.get("classification/type")
    return value is not None and value.data.casefold() == "test"


# --- the event -----------------------------------------------------------------------------------


def happened(view: View) -> Tree:
    """When the feed saw it, else when IntelMQ did."""
    return view.get("time/source") or view.get("time/observation") or view.edition


def labels(view: View) -> Tree:
    """Type, taxonomy and identifier, each word once."""
    found: dict[str, Value] = {}
    for name in ("type", "taxonomy", "identifier"):
        value = view.get(f"classification/{name}")
        if value is not None:
            said = found.get(value.data, value)
            found[value.data] = Value(value.data, said.leaves | value.leaves)
    return list(found.values())


def confidence(view: View) -> Tree:
    """The feed's accuracy."""
    value = view.get("feed/accuracy")
    if value is None:
        return None
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", value.data) is None or float(value.data) > 100:
        view.warn(value, "is no accuracy from 0 to 100", _CORRECT)
        return None
    return value.derive(round(float(value.data)))


def external_references(view: View) -> Tree:
    """Numbers in other systems, and pages about the event; nothing is fetched."""
    feed = view.get("feed/name") or "IntelMQ"
    numbers = (
        (feed, "event_hash"), ("MISP", "misp/event_uuid"), ("MISP attribute", "misp/attribute_uuid"), ("RTIR", "rtir_id"),
    )  # fmt: skip
    pages = (("", "event_description/url"), ("Screenshot", "screenshot_url"), ("Feed", "feed/documentation"))
    made: list[Tree] = [
        {"source_name": name, "external_id": value} for name, path in numbers if (value := view.get(path))
    ]
    for what, path in pages:
        if (value := view.get(path)) is not None:
            page = _page(view, value)
            made.append({"source_name": feed, "url": page, "description": what} if page else None)
    return made


def _page(view: View, value: Value) -> Value | None:
    if re.fullmatch(r"https?://[^\s<>\"{}|\\^`]+", value.data) is None:
        view.warn(value, "is no address of a page", _CORRECT)
        return None
    return value


def incident_name(view: View) -> Tree:
    """What an event without observables is called."""
    value = view.get("classification/type")
    return None if value is None else value.part(f"IntelMQ event: {value.data}")


def details(view: View) -> Tree:
    """What neither STIX nor an observable has taken."""
    emitter = view.reading.emitter
    taken = emitter.fates if emitter is not None else {}
    paths = [*_KEPT]
    if view.get("time/source") is not None or not has_observables(view):
        paths.append("time/observation")
    if not has_observables(view):
        paths.append("time/source")
    elif not _harmful(view):
        paths.append("event_description/text")
    return [
        {"name": path.replace("/", "."), "value": value}
        for path in paths
        for value in view.all(path)
        if not value.leaves & taken.keys()
    ]


# --- observables ---------------------------------------------------------------------------------


def _checked(view: View, path: str, kind: str) -> tuple[Value, Observable] | None:
    """The value at the path with what it is; a problem where it is not of that kind."""
    value = view.get(path)
    if value is None:
        return None
    found = checked(kind, refanged(value.data))
    if found is None:
        view.warn(value, f"is no {kind}", _CORRECT)
        return None
    return value, found


def _spelt(value: Value, text: str) -> Value:
    return value.part(text) if text == value.data else value.derive(text)


def has_observables(view: View) -> bool:
    """Whether anything was seen that STIX has an object for."""
    simple = [_checked(view, f"{side}/{name}", kind) for side in _SIDES for name, kind in _HARM[:3]]
    return any(
        (*simple, *_accounts(view), *(_number(view, f"{side}/asn", 2**32) for side in _SIDES), _hashes(view))
    )


def _accounts(view: View) -> list[tuple[Value, Observable]]:
    found = []
    for side in _SIDES:
        value = view.get(f"{side}/account")
        if value is not None:
            found.append((value, checked("email-addr", value.data) or ("user-account", value.data)))
    return found


def _number(view: View, path: str, limit: int) -> Value | None:
    value = view.get(path)
    if value is None:
        return None
    text = value.data.upper().removeprefix("AS")
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) >= limit:
        view.warn(value, "is no such number", _CORRECT)
        return None
    return value.part(int(text)) if text == value.data else value.derive(int(text))


def _hashes(view: View) -> dict[str, Value]:
    made = {}
    for name, kind in _HASHES.items():
        if (found := _checked(view, f"malware/hash/{name}", kind)) is not None:
            made[kind] = _spelt(found[0], found[1][1])
    return made


def object_refs(view: View) -> Tree:
    """Everything that was seen."""
    emitter = view.reading.emitter
    if emitter is None:
        return []
    ends = {side: _end(view, emitter, side) for side in _SIDES}
    refs = [ref for found in ends.values() for ref in found]
    for value, (kind, text) in _accounts(view):
        name = "value" if kind == "email-addr" else "account_login"
        refs.append(observe(emitter, kind, {name: _spelt(value, text)}))
    if hashes := _hashes(view):
        refs.append(observe(emitter, "file", {"hashes": hashes}))
    refs += _traffic(view, emitter, {side: _host(found) for side, found in ends.items()})
    return list(dict.fromkeys(refs))


def _end(view: View, emitter: Emitter, side: str) -> list[str]:
    refs = []
    network = None
    number = _number(view, f"{side}/asn", 2**32)
    if number is not None:
        network = observe(
            emitter, "autonomous-system", {"number": number, "name": view.get(f"{side}/as_name")}
        )
        refs.append(network)
    for name, kind in _HARM[:3]:
        if (found := _checked(view, f"{side}/{name}", kind)) is not None:
            value, (exact, text) = found
            said: dict[str, Tree] = {"value": _spelt(value, text)}
            if name == "ip" and network is not None:
                said["belongs_to_refs"] = [network]
            refs.append(observe(emitter, exact, said))
    return refs


def _host(refs: list[str]) -> str | None:
    """The address, else the name, that traffic goes from or to."""
    for kind in ("ipv4-addr--", "ipv6-addr--", "domain-name--"):
        for ref in refs:
            if ref.startswith(kind):
                return ref
    return None


def _traffic(view: View, emitter: Emitter, hosts: dict[str, str | None]) -> list[str]:
    source, destination = hosts["source"], hosts["destination"]
    ports = {side: _number(view, f"{side}/port", 2**16) if hosts[side] else None for side in _SIDES}
    said = [value for name in ("transport", "application") if (value := view.get(f"protocol/{name}"))]
    some = source or destination
    if some is None or not (said or any(ports.values()) or (source and destination)):
        return []
    version = some.partition("-addr--")[0]
    below = [version] if version in {"ipv4", "ipv6"} else []
    traffic = {
        "src_ref": source,
        "dst_ref": destination,
        "src_port": ports["source"],
        "dst_port": ports["destination"],
        "protocols": [*below, *(_spelt(value, value.data.lower()) for value in said)] or ["ip"],
    }
    return [observe(emitter, "network-traffic", traffic)]


# --- indicators ----------------------------------------------------------------------------------


def _said_type(view: View) -> Value | None:
    value = view.get("classification/type")
    if value is None:
        return None
    return view.lookup("types", value.part(re.sub(r"[\s_]+", "-", value.data.casefold())))


def _harmful(view: View) -> list[tuple[Value, Observable]]:
    """What of the event is worth an indicator."""
    if _said_type(view) is None:
        return []
    found = []
    for name, kind in _HARM:
        value = view.get(f"source/{name}")
        observable = checked(kind, refanged(value.data)) if value is not None else None
        if value is not None and observable is not None:
            found.append((value, observable))
            break
    return found + [(value, (kind, str(value.data))) for kind, value in _hashes(view).items()]


def indicators(view: View, emitter: Emitter) -> None:
    """One for each harmful value, based on the event; and the malware that it belongs to."""
    malware = view.get("malware/name")
    family = None
    if malware is not None:
        family = emitter.add_shared("malware", {"name": malware, "is_family": True})
    made = [_indicator(view, emitter, value, found) for value, found in _harmful(view)]
    for indicator in made:
        emitter.relate(indicator, "based-on", emitter.main)
        if family is not None:
            emitter.relate(indicator, "indicates", family)
    if family is not None and not made:
        emitter.relate(emitter.main, "related-to", family)


def _indicator(view: View, emitter: Emitter, value: Value, found: Observable) -> str:
    kind, text = found
    since = view.get("time/source") or view.get("time/observation")
    properties = {
        "name": _spelt(value, text),
        "description": view.get("event_description/text") or _reported(view),
        "indicator_types": [_said_type(view)],
        "pattern": _spelt(value, text).part(comparison(found)),
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": since or view.edition,
        "valid_until": _until(view, since, kind),
        "labels": labels(view),
        "confidence": confidence(view),
    }
    return emitter.add("indicator", "indicator", properties, [kind, text])


def _reported(view: View) -> Tree:
    value = view.get("classification/type")
    return None if value is None else value.part(f"{value.data}, as an IntelMQ event says")


def _until(view: View, since: Value | None, kind: str) -> Tree:
    words = view.reading.spec.lookups["lifetimes"]
    days = int(words.get(_LIFETIMES.get(kind, "hash" if "-addr" not in kind else "name"), 0))
    start = str(since.data) if since is not None else view.edition
    end = timestamps.canonical(min(timestamps.parse(start) + max(days, 1) * _DAY, _LAST))
    return end if since is None else since.derive(end)
