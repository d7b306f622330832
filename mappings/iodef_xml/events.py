"""What was seen: an observed-data for every EventData that names something that STIX has an object for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from taxii_hub.mapping.constants import SOURCE
from taxii_hub.mapping.cyber_observables import observe
from taxii_hub.mapping.emit import Emitter
from taxii_hub.mapping.expressions import Tree, plain
from taxii_hub.mapping.nested import Element, tree
from taxii_hub.mapping.record import Value
from taxii_hub.mapping.view import View
from taxii_hub.stix import canonical_json

from .elements import (
    attribute,
    both,
    first_of,
    happened,
    moment_of,
    spelt_as,
    texts_of,
)
from .values import hashes_of, value_of


def _own(element: Element) -> Iterator[Element]:
    """The element and what is in it, without further EventData."""
    yield element
    for child in element.children:
        if child.name != "EventData":
            yield from _own(child)


def events(view: View, emitter: Emitter) -> None:
    """An observed-data for every EventData that names something that STIX has an object for."""
    document = tree(view)
    for top in document.all("EventData"):
        for element in top.walk():
            if element.name == "EventData":
                _event(view, emitter, document, element)


def _event(view: View, emitter: Emitter, document: Element, element: Element) -> None:
    refs = []
    for part in _own(element):
        refs += _seen(view, emitter, part)
    for flow in element.all("Flow"):
        refs += _traffic(view, emitter, flow)
    if not refs:
        return
    first = moment_of(element, "StartTime", "DetectTime") or happened(document)
    last = moment_of(element, "EndTime")
    properties: dict[str, Tree] = {
        "first_observed": first or view.edition,
        "last_observed": last if last and first and last.data >= first.data else first or view.edition,
        "number_observed": 1,
        "object_refs": list(dict.fromkeys(refs)),
        "extensions": {SOURCE: {"extension_type": "property-extension", "details": _told(element)}},
    }
    if not properties["extensions"][SOURCE]["details"]:
        del properties["extensions"]
    made = emitter.add("observed-data", "event", properties, [canonical_json.dumps(plain(properties))])
    emitter.relate(emitter.main, "related-to", made)


def _told(element: Element) -> list[Tree]:
    """What the event says of itself and of its systems, in words."""
    made: list[Tree] = [{"name": "description", "value": value} for value in texts_of(element, "Description")]
    for system in element.at("Flow/System"):
        role = both(system, "category")
        if role is not None:
            made.append({"name": "system", "value": role})
        made += [
            {"name": "description of a system", "value": value} for value in texts_of(system, "Description")
        ]
    return made


def _seen(view: View, emitter: Emitter, part: Element) -> list[str]:
    if part.name == "File":
        return _file(view, emitter, part)
    found = value_of(view, part)
    if found is None:
        return []
    value, kind, text = found
    if kind == "autonomous-system:number":
        return [observe(emitter, "autonomous-system", {"number": value.part(int(text))})]
    if ":" in kind or kind == "hash":
        return []
    if kind == "user-account":
        return [observe(emitter, kind, {"account_login": value})]
    return [observe(emitter, kind, {"value": spelt_as(value, text)})]


def _file(view: View, emitter: Emitter, file: Element) -> list[str]:
    hashes = {kind: spelt_as(value, text) for value, (kind, text) in hashes_of(view, file)}
    name, size = first_of(file.all("FileName")), first_of(file.all("FileSize"))
    if not hashes and name is None:
        return []
    number = (
        size.part(int(size.data)) if size is not None and re.fullmatch(r"[0-9]{1,18}", size.data) else None
    )
    return [observe(emitter, "file", {"hashes": hashes, "name": name, "size": number})]


def _traffic(view: View, emitter: Emitter, flow: Element) -> list[str]:
    ends = {}
    for system in flow.all("System"):
        role = attribute(system, "category")
        if role is not None and role.data in {"source", "target"} and role.data not in ends:
            ends[role.data] = (system, role)
    if len(ends) < 2:
        return []
    (source, _), (target, _) = ends["source"], ends["target"]
    refs = {name: _address(view, emitter, system) for name, (system, _) in ends.items()}
    if not all(refs.values()):
        return []
    version = str(refs["source"]).partition("-addr--")[0]
    carried = [_protocol(view, system) for system in (target, source)]
    traffic = {
        "src_ref": refs["source"],
        "dst_ref": refs["target"],
        "src_port": _port(source),
        "dst_port": _port(target),
        "protocols": [version, *[found for found in carried if found is not None][:1]],
    }
    return [observe(emitter, "network-traffic", traffic)]


def _address(view: View, emitter: Emitter, system: Element) -> str | None:
    for part in system.walk():
        if part.name == "Address":
            for ref in _seen(view, emitter, part):
                if ref.startswith(("ipv4-addr--", "ipv6-addr--")):
                    return ref
    return None


def _port(system: Element) -> Value | None:
    value = first_of(system.at("Service/Port"))
    if value is None or not re.fullmatch(r"[0-9]{1,5}", value.data) or int(value.data) > 65535:
        return None
    return value.part(int(value.data))


def _protocol(view: View, system: Element) -> Value | None:
    for service in system.all("Service"):
        number = service.said("ip-protocol", "ip_protocol")
        if number is not None and (name := view.lookup("protocols", number)) is not None:
            return name
    return None
