"""The validator against OASIS's own (stix2-validator with its SHOULD checks off) and against the text."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stix2validator import ValidationOptions, validate_instance

from taxii_hub.stix import ids, markings, schemas
from taxii_hub.stix.findings import Finding
from taxii_hub.stix.validation import Validator, version_of

NOW = 1_767_225_600_000_000  # 2026-01-01
T0, T1, T2 = "2025-03-01T08:00:00.000Z", "2025-03-02T08:00:00.000Z", "2025-03-03T08:00:00.000Z"
UUID4 = "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
UUID5 = "bedb4899-d24b-5401-bc86-8f6b4cc18ec7"
IDENTITY = f"identity--{UUID4}"
EXTENSION = f"extension-definition--{UUID4}"
STATEMENT = f"marking-definition--{UUID4}"
VALIDATOR = Validator()

REQUIRED: dict[str, dict[str, Any]] = {
    "attack-pattern": {"name": "Invented"},
    "campaign": {"name": "Invented"},
    "course-of-action": {"name": "Invented"},
    "grouping": {"context": "suspicious-activity", "object_refs": [IDENTITY]},
    "identity": {"name": "Invented Agency", "identity_class": "organization"},
    "incident": {"name": "Invented"},
    "indicator": {"pattern": "[url:value = 'https://x.example/']", "pattern_type": "stix", "valid_from": T0},
    "infrastructure": {"name": "Invented"},
    "intrusion-set": {"name": "Invented"},
    "location": {"country": "XA"},
    "malware": {"is_family": False},
    "malware-analysis": {"product": "invented", "result": "malicious"},
    "note": {"content": "Text", "object_refs": [IDENTITY]},
    "observed-data": {
        "first_observed": T0,
        "last_observed": T0,
        "number_observed": 1,
        "object_refs": [f"url--{UUID5}"],
    },
    "opinion": {"opinion": "agree", "object_refs": [IDENTITY]},
    "report": {"name": "Invented", "published": T0, "object_refs": [IDENTITY]},
    "threat-actor": {"name": "Invented"},
    "tool": {"name": "Invented"},
    "vulnerability": {"name": "Invented"},
    "relationship": {
        "relationship_type": "related-to",
        "source_ref": IDENTITY,
        "target_ref": f"location--{UUID4}",
    },
    "sighting": {"sighting_of_ref": f"indicator--{UUID4}"},
    "artifact": {"url": "https://x.example/a", "hashes": {"SHA-256": "a" * 64}},
    "autonomous-system": {"number": 64500},
    "directory": {"path": "/invented"},
    "domain-name": {"value": "x.example"},
    "email-addr": {"value": "nobody@x.example"},
    "email-message": {"is_multipart": False, "subject": "Invented"},
    "file": {"name": "invented.txt"},
    "ipv4-addr": {"value": "198.51.100.1"},
    "ipv6-addr": {"value": "2001:db8::1"},
    "mac-addr": {"value": "00:00:5e:00:53:01"},
    "mutex": {"name": "invented"},
    "network-traffic": {"src_ref": f"ipv4-addr--{UUID5}", "protocols": ["tcp"]},
    "process": {"pid": 5},
    "software": {"name": "Invented"},
    "url": {"value": "https://x.example/"},
    "user-account": {"user_id": "nobody"},
    "windows-registry-key": {"key": "HKEY_LOCAL_MACHINE\\Invented"},
    "x509-certificate": {"serial_number": "00:01"},
    "extension-definition": {
        "name": "Invented",
        "schema": "https://x.example/schema",
        "version": "1.0",
        "extension_types": ["property-extension"],
        "created_by_ref": IDENTITY,
    },
    "language-content": {"object_ref": IDENTITY, "contents": {"de": {"name": "Erfunden"}}},
    "marking-definition": {"definition_type": "statement", "definition": {"statement": "Invented"}},
}


def made(object_type: str, /, **properties: Any) -> dict[str, Any]:
    """A good object of the type, changed: None takes a property away."""
    kind = ids.kind_of(object_type) or "sdo"
    uuid = UUID5 if kind == "sco" and object_type != "process" else UUID4
    value: dict[str, Any] = {"type": object_type, "spec_version": "2.1", "id": f"{object_type}--{uuid}"}
    if kind != "sco":
        value |= {"created": T0, "created_by_ref": IDENTITY}
    if kind != "sco" and object_type != "marking-definition":
        value["modified"] = T1
    if object_type == "extension-definition":
        value["id"] = EXTENSION
    value |= REQUIRED.get(object_type, {}) | properties
    return {name: item for name, item in value.items() if item is not None}


REFERENCE = {"source_name": "invented", "external_id": "42"}
VALID: list[dict[str, Any]] = [
    *(made(object_type) for object_type in ids.TYPES),
    *(made(object_type, spec_version=None) for object_type in ("url", "file", "process")),
    made("identity", confidence=100, lang="fr-CA", labels=["a"], revoked=True, external_references=[REFERENCE]),
    made("identity", modified=T0, object_marking_refs=[markings.TLP_1_IDS["red"], markings.TLP_2_IDS["clear"]]),
    made("identity", created="2025-03-01T08:00:00.1234567Z", modified="2025-03-01T08:00:00.1234567Z"),
    made("identity", granular_markings=[{"marking_ref": STATEMENT, "selectors": ["name", "id"]}]),
    made("identity", labels=["a", "b"], granular_markings=[{"marking_ref": STATEMENT, "selectors": ["labels.[1]"]}]),
    made("identity", extensions={EXTENSION: {"extension_type": "property-extension", "rank": 5}}),
    made("identity", extensions={EXTENSION: {"extension_type": "toplevel-property-extension"}}, rank=5),
    made("identity", x_invented="custom"),
    made("indicator", valid_until=T1, indicator_types=["unheard-of"], kill_chain_phases=[{"kill_chain_name": "a", "phase_name": "b"}]),
    made("indicator", pattern="alert tcp any", pattern_type="snort"),
    made("indicator", pattern="[url:value = 'a'] WITHIN 5 SECONDS", pattern_version="2.1"),
    made("campaign", first_seen=T1, last_seen=T1),
    made("relationship", start_time=T0, stop_time=T1),
    made("sighting", first_seen=T0, last_seen=T0, count=5, where_sighted_refs=[IDENTITY]),
    made("location", country=None, latitude=1.5, longitude=-2, precision=10.0),
    made("location", country=None, region="western-europe"),
    made("malware-analysis", analysis_started=T0, analysis_ended=T1),
    made("observed-data", object_refs=None, objects={"0": made("ipv4-addr"), "1": made("network-traffic", src_ref="0")}),
    made("observed-data", object_refs=None, objects={"0": made("x-invented-thing", created=None, modified=None, created_by_ref=None)}),
    made("language-content", object_modified=T1, contents={"zh-TW": {"name": "x"}, "ar": {"name": "y"}}),
    made("extension-definition", extension_types=["toplevel-property-extension"], extension_properties=["rank"]),
    made("software", languages=["en", "eng"], cpe="cpe:2.3:a:invented:invented:1.0:*:*:*:*:*:*:*"),
    made("file", name_enc="UTF-8", ctime=T0, extensions={"archive-ext": {"contains_refs": [f"file--{UUID5}"]}}),
    made("directory", path_enc="ISO-8859-1"),
    made("email-message", is_multipart=True, body_multipart=[{"body": "x", "content_type": "text/plain"}]),
    made("network-traffic", start=T0, end=T0, src_port=65535),
    made("user-account", account_created=T0, is_disabled=True),
    made("artifact", url=None, hashes=None, payload_bin="aGVsbG8=", mime_type="text/plain"),
    made("x-invented", name="custom"),
    made("x-invented", name="custom", extensions={EXTENSION: {"extension_type": "new-sdo"}}),
    made("x-invented", created=None, modified=None, created_by_ref=None, extensions={EXTENSION: {"extension_type": "new-sco"}}),
    *(value for value in map(markings.definition_of, markings.TLP_WORDS) if value),
]  # fmt: skip

INVALID: list[dict[str, Any]] = [
    made("identity", name=None),
    made("identity", name=5),
    made("identity", identity_class=[]),
    made("identity", created=None),
    made("identity", modified=None),
    made("identity", modified="2025-02-28T08:00:00.000Z"),
    made("identity", modified="2025-03-02T08:00:00Z"),  # not to the millisecond
    made("identity", created="2025-02-30T08:00:00.000Z", modified=T1),
    made("identity", created="2025-03-01T08:00:00.000+00:00"),
    made("identity", confidence=101),
    made("identity", confidence="high"),
    made("identity", revoked="yes"),
    made("identity", lang="foo"),
    made("identity", lang="en_US"),
    made("identity", labels=[]),
    made("identity", labels="a"),
    made("identity", created_by_ref="Agency"),
    made("identity", object_marking_refs=["TLP:RED"]),
    made("identity", external_references=[{"source_name": "invented"}]),
    made("identity", external_references=[{"external_id": "42"}]),
    made("identity", external_references=[{"source_name": "cve", "external_id": "42"}]),
    made("identity", external_references=[{"source_name": "invented", "url": "not a url"}]),
    made("identity", granular_markings=[{"marking_ref": STATEMENT, "selectors": ["nome"]}]),
    made("identity", granular_markings=[{"marking_ref": STATEMENT, "selectors": ["labels.[0]"]}]),
    made("identity", labels=["a"], granular_markings=[{"marking_ref": STATEMENT, "selectors": ["labels.[1]"]}]),
    made("identity", granular_markings=[{"marking_ref": STATEMENT, "selectors": []}]),
    made("identity", granular_markings=[{"marking_ref": IDENTITY, "selectors": ["name"]}]),
    made("identity", extensions={"not-an-extension": {"a": 1}}),
    made("identity", extensions={EXTENSION: {"rank": 5}}),
    made("identity", extensions={EXTENSION: {"extension_type": "invented"}}),
    made("identity", severity="high"),
    made("identity", Bad_Name=1),
    made("identity", no=1),
    made("identity", id=f"indicator--{UUID4}"),
    made("indicator", pattern=None),
    made("indicator", pattern_type=None),
    made("indicator", valid_from=None),
    made("indicator", valid_from="2025-04-31T00:00:00Z"),
    made("indicator", valid_until=T0),
    made("indicator", valid_until="2025-02-01T00:00:00Z"),
    made("indicator", pattern="url:value = 'a'"),
    made("indicator", pattern="[url:value = 'a'"),
    made("indicator", pattern="[url:val-ue = 'a']"),
    made("indicator", pattern="[file:hashes.MD5 = 'abc']"),
    made("indicator", pattern="[u:value = 'a']"),
    made("indicator", kill_chain_phases=[{"kill_chain_name": "a"}]),
    *(
        made(object_type, first_seen=T1, last_seen=T0)
        for object_type in ("campaign", "infrastructure", "intrusion-set", "malware", "threat-actor", "sighting")
        if object_type != "threat-actor"  # the oracle's own table is broken there
    ),
    made("malware", is_family=True),
    made("location", country=None),
    made("location", country=None, latitude=1.5),
    made("location", latitude=91, longitude=0),
    made("location", precision=1),
    made("observed-data", last_observed="2025-02-01T00:00:00Z"),
    made("observed-data", number_observed=0),
    made("observed-data", objects={"0": made("url")}),  # and object_refs
    made("observed-data", object_refs=None, objects={"0": {"id": "x"}}),
    made("observed-data", object_refs=None, objects={"0": made("network-traffic", src_ref="7")}),
    made("observed-data", object_refs=None, objects={"0": made("url"), "1": made("network-traffic", src_ref="0")}),
    made("observed-data", object_refs=None, objects={"0": made("file", name_enc="invented")}),
    made("observed-data", object_refs=None, objects={"0": made("url", value=5)}),
    made("relationship", start_time=T0, stop_time=T0),
    made("relationship", relationship_type=None),
    made("relationship", source_ref="x"),
    made("report", object_refs=None),
    made("report", published="2025-13-01T00:00:00Z"),
    made("opinion", opinion="maybe"),
    made("malware-analysis", submitted="2025-02-29T00:00:00Z"),
    made("marking-definition", definition=None),
    made("marking-definition", object_marking_refs=[STATEMENT]),
    made("marking-definition", granular_markings=[{"marking_ref": STATEMENT, "selectors": ["created"]}]),
    made("marking-definition", definition_type="tlp", definition={"tlp": "red"}),
    made("language-content", contents={"foo": {"name": "x"}}),
    made("language-content", contents={"de": {"N": "x"}}),
    made("language-content", object_ref=f"bundle--{UUID4}"),
    made("extension-definition", extension_types=["property-extension"], extension_properties=["rank"]),
    made("extension-definition", version=None),
    made("process", id=f"process--{UUID5}"),
    made("user-account", user_id=None, display_name="x"),
    made("domain-name", value="not a domain"),
    made("email-addr", value="Nobody <nobody@x.example>"),
    made("url", value="foo"),
    made("file", name=None),
    made("file", hashes={"MD5": "abc"}),
    made("file", hashes={}),
    made("file", ctime="2025-02-30T00:00:00Z"),
    made("file", name_enc="invented"),
    made("directory", path_enc="invented"),
    made("network-traffic", start=T1, end=T0),
    made("network-traffic", src_port=65536),
    made("network-traffic", src_ref=None),
    made("software", languages=["en", "e"]),
    made("software", cpe="cpe:2.2:a:x"),
    made("artifact", url=None),
    made("artifact", payload_bin="a"),
    made("x509-certificate", validity_not_before="2025-02-30T00:00:00Z"),
    made("x509-certificate", x509_v3_extensions={"private_key_usage_period_not_before": "2025-02-30T00:00:00Z"}),
    made("autonomous-system", number="64500"),
    made("email-message", is_multipart=True, body="x"),
    made("windows-registry-key", modified_time="2025-02-30T00:00:00Z"),
]  # fmt: skip


def _musts(value: dict[str, Any]) -> list[Finding]:
    return [finding for finding in VALIDATOR.findings(value, NOW) if finding.level == "must"]


def _oracle(value: dict[str, Any]) -> list[str]:
    options = ValidationOptions(version="2.1", disabled="all")
    return [str(error) for error in validate_instance(copy.deepcopy(value), options).errors]


def test_the_tables_cover_the_standard() -> None:
    assert {value["type"] for value in VALID} >= set(ids.TYPES)
    assert len(VALID) >= 60
    assert len(INVALID) >= 60


@pytest.mark.parametrize("value", VALID, ids=lambda value: value["type"])
def test_good_objects_are_found_good(value: dict[str, Any]) -> None:
    assert VALIDATOR.floor(value) is None
    assert _musts(value) == []
    assert _oracle(value) == []


@pytest.mark.parametrize("value", INVALID, ids=lambda value: value["type"])
def test_bad_objects_are_found_bad(value: dict[str, Any]) -> None:
    """T-5.5-06: whatever OASIS's validator refuses is refused, with a place or a reason."""
    assert _oracle(value) != []
    found = _musts(value)
    assert found != []
    assert all(finding.message and len(finding.message) <= 300 for finding in found)


STRICTER = {
    "an extension-definition names its creator (7.3)": made("extension-definition", created_by_ref=None),
    "TLP ids belong to the standard's objects (7.2.1.4)": made(
        "marking-definition", id=markings.TLP_1_IDS["red"], definition={"statement": "everybody"}
    ),
    "so do the TLP 2.0 ids": made("marking-definition", id=markings.TLP_2_IDS["red"]),
    "the same for threat-actor as for its siblings": made("threat-actor", first_seen=T1, last_seen=T0),
    "an object must not mark itself (7.2.2)": made("identity", object_marking_refs=[IDENTITY]),
    "granular markings have a real language (7.2.3)": made(
        "identity", granular_markings=[{"lang": "foo", "marking_ref": STATEMENT, "selectors": ["name"]}]
    ),
    "embedded times exist": made("file", extensions={"windows-pebinary-ext": {"pe_type": "exe", "time_date_stamp": "2025-02-30T00:00:00Z"}}),
    "translations are objects": made("language-content", contents={"de": "Erfunden"}),
    "STIX 2.0 is another standard": made("identity", spec_version=None),
}  # fmt: skip


@pytest.mark.parametrize("value", STRICTER.values(), ids=STRICTER)
def test_where_we_are_stricter_than_the_oracle(value: dict[str, Any]) -> None:
    assert _musts(value) != []


MILDER = {
    "a granular marking may have lang alone (7.2.3.1: exactly one of lang, marking_ref)": made(
        "identity", granular_markings=[{"lang": "de", "selectors": ["name"]}]
    ),
    "leap seconds exist (RFC 3339)": made("indicator", valid_from="2016-12-31T23:59:60Z"),
    "any registered language, not a list of some": made("identity", lang="prs"),
    "letter case of a language tag is free (RFC 5646 2.1.1)": made("identity", lang="EN-gb"),
    "MIME types outside IANA's registry are only discouraged (6.1)": made("artifact", mime_type="application/x-invented"),
    "seven fraction digits compare as numbers": made("campaign", last_seen="2025-03-01T08:00:00.0000001Z", first_seen="2025-03-01T08:00:00Z"),
}  # fmt: skip


@pytest.mark.parametrize("value", MILDER.values(), ids=MILDER)
def test_where_we_are_milder_than_the_oracle(value: dict[str, Any]) -> None:
    assert _musts(value) == []
    assert _oracle(value) != []


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        (made("identity", name=5), "name", "is not of type"),
        (made("identity", name=None), "", '"name" is a required property'),
        (made("identity", labels=["a", 5]), "labels[1]", "is not of type"),
        (made("identity", Bad=1), "", "'Bad' was unexpected"),
        (made("indicator", valid_until=T0), "valid_until", f"must be after valid_from ({T0})"),
        (made("sighting", first_seen=T1, last_seen=T0), "last_seen", f"must not be before first_seen ({T1})"),
        (made("indicator", pattern="[url:value]"), "pattern", "character 11: expected a comparison operator"),
        (made("identity", lang="foo"), "lang", "'foo' is no language tag"),
        (made("observed-data", object_refs=None, objects={"0": made("url", value=5)}), "objects.0.value", "is not of type"),
        (made("observed-data", object_refs=None, objects={"0": made("file", ctime="2025-02-30T00:00:00Z")}), "objects.0.ctime", "no such day"),
        (made("observed-data", object_refs=None, objects={"0": 5}), "objects.0", "no object with a type"),
        (made("observed-data", object_refs=None, objects={"0": made("url"), "1": made("network-traffic", src_ref="0")}), "objects.1.src_ref", "must refer to ipv4-addr or"),
        (made("identity", labels=["x"] * 500 + [5]), "", "an item after the first 100 of a list"),
    ],
)  # fmt: skip
def test_findings_say_where_and_what(value: dict[str, Any], path: str, message: str) -> None:
    assert any(finding.path == path and message in finding.message for finding in _musts(value)), _musts(
        value
    )


@pytest.mark.parametrize(
    "value",
    [
        made("identity", granular_markings=[5, {"selectors": 5}, {"selectors": [5]}], object_marking_refs=5),
        made("observed-data", objects=5),
        made(
            "observed-data",
            objects={"0": 5, "1": made("network-traffic", src_ref=5, encapsulates_refs=["0", 5])},
        ),
        made("language-content", contents=5),
        made("indicator", pattern=5, valid_from=5),
        made("indicator", pattern_version=5, name=5),
        made("software", languages=5, name=5),
        made("file", extensions=[], name_enc=5),
    ],
)
def test_wrong_types_are_the_schemas_business(value: dict[str, Any]) -> None:
    assert _musts(value) != []


def test_many_wrong_properties() -> None:
    """The number of findings is bounded, and so is the time they take."""
    value = made("identity", **{f"labels_{index}_hex": 5 for index in range(500)})
    assert 1 <= len(_musts(value)) <= 40


def test_several_findings_at_once() -> None:
    value = made("indicator", name=5, labels=[], Bad=1, valid_until=T0, lang="foo")
    assert {finding.path for finding in _musts(value)} == {"name", "labels", "", "valid_until", "lang"}


# --- the floor -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({}, "type: missing"),
        (made("identity", type=5), "type: missing, or no string"),
        (made("identity", id=7), "id: missing, or no string"),
        (made("identity", id=["a"]), "id: missing, or no string"),
        (made("identity", id="../../etc/passwd"), "is no STIX identifier"),
        (made("identity", id="identity--1"), "is no STIX identifier"),
        (made("identity", id=f"indicator--{UUID4}"), "begins with 'indicator', but the type is 'identity'"),
        ({"type": "bundle", "id": f"bundle--{UUID4}", "objects": []}, "a bundle inside an envelope"),
        (made("identity", spec_version="2.0"), "spec_version: not 2.1"),
        (made("url", spec_version="2.0"), "spec_version: not 2.1"),
        (made("identity", spec_version=2.1), "spec_version: not 2.1"),
        (made("identity", spec_version=None), "STIX 2.0"),
        (made("relationship", spec_version=None), "STIX 2.0"),
        (made("marking-definition", spec_version=None), "STIX 2.0"),
        (made("x-invented", spec_version=None), "STIX 2.0"),
        (made("identity", modified=5), "modified: no string"),
        (made("identity", created="yesterday"), "created: 'yesterday' is no UTC timestamp"),
        (made("identity", created="2025-02-30T00:00:00.000Z"), "created: 2025-02-30: there is no such day"),
        (made("identity", modified="2025-02-01T00:00:00.000Z"), "is before created"),
    ],
)  # fmt: skip
def test_the_floor(value: dict[str, Any], problem: str) -> None:
    """T-5.5-05: in force whatever the collection's validation mode."""
    told = VALIDATOR.floor(value)
    assert told is not None
    assert problem in told
    assert VALIDATOR.findings(value, NOW) == [Finding("must", "", told)]


@pytest.mark.parametrize(
    "value",
    [
        made("identity", name=None, created=None, modified=None),
        made("url", spec_version=None, value=None),
        made("x-invented", spec_version=None, created=None, modified=None),
        made("identity", anything={"$ref": 1}),
    ],
)
def test_what_the_floor_leaves_to_strict_collections(value: dict[str, Any]) -> None:
    assert VALIDATOR.floor(value) is None


# --- advice ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (made("identity", modified="2026-01-01T00:06:00.000Z"), "modified"),
        (
            made("identity", created="2027-01-01T00:00:00.000Z", modified="2027-01-01T00:00:00.000Z"),
            "created",
        ),
        (made("x-invented"), "type"),
        (made("report", created_by_ref=None), "created_by_ref"),
    ],
)
def test_advice(value: dict[str, Any], path: str) -> None:
    """clients.md item 17: `modified` in the future stalls XSOAR and MineMeld."""
    assert any(
        finding.level == "should" and finding.path == path for finding in VALIDATOR.findings(value, NOW)
    )


@pytest.mark.parametrize(
    "value",
    [
        made("identity", modified="2026-01-01T00:04:00.000Z"),
        made("url"),
        made("identity", created_by_ref=None),
    ],
)
def test_no_advice(value: dict[str, Any]) -> None:
    assert VALIDATOR.findings(value, NOW) == []


@pytest.mark.parametrize(
    ("value", "version"),
    [
        ({"created": T0, "modified": T1}, (1_740_902_400_000_000, T1)),
        ({"created": T0}, (1_740_816_000_000_000, T0)),
        ({"modified": "1970-01-01T00:00:00.0000019Z"}, (1, "1970-01-01T00:00:00.0000019Z")),
        ({}, (None, None)),
        ({"modified": 5, "created": T0}, (None, None)),
        ({"modified": "yesterday"}, (None, None)),
    ],
)
def test_version_of(value: dict[str, Any], version: tuple[int | None, str | None]) -> None:
    assert version_of(value) == version


# --- hostile -----------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.sampled_from(["type", "id", "selectors"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
PROPERTIES = sorted({name for value in VALID for name in value} | {"lang", "objects", "x509_v3_extensions"})


@given(st.sampled_from(VALID), st.dictionaries(st.sampled_from(PROPERTIES), JSON, max_size=4))
def test_any_object_is_answered(value: dict[str, Any], changes: dict[str, Any]) -> None:
    for finding in VALIDATOR.findings(value | changes, NOW):
        assert finding.message
        assert len(finding.message) < 2000


def test_no_schema_is_ever_fetched() -> None:
    with pytest.raises(ValueError, match="no schema is fetched"):
        schemas._refuse("http://x.example/schema.json")


def test_the_package_of_the_schemas_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "_PACKAGE", "taxii_hub_has_no_such_package")
    with pytest.raises(ModuleNotFoundError, match="stix2-validator is not installed"):
        schemas._package()
