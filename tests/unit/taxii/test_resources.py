import uuid

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from taxii_hub.model import ApiRoot, Collection, Entry, Outcome, Page, Status
from taxii_hub.stix import timestamps
from taxii_hub.taxii import resources
from taxii_hub.taxii.media_types import STIX, TAXII

STAMP = timestamps.parse("2026-01-31T12:00:00.000120Z")


def entry(number, data=b"{}", version="2026-01-01T00:00:00.000Z"):
    return Entry(f"indicator--{uuid.UUID(int=number)}", version, STAMP + number * 10, data)


def make_collection(id_="5c1e4b0a-0000-4000-8000-000000000001", description="Words"):
    return Collection(
        id=id_, alias="designations", title="Designations", api_root="un-gcts", description=description,
        read=frozenset({"agency-a"}), write=frozenset(), media_types=(STIX,), validation="strict",
        default_marking="TLP:GREEN", accepts=(), number=4,
    )  # fmt: skip


def no_nulls_or_empty_lists(value):
    if isinstance(value, dict):
        return all(map(no_nulls_or_empty_lists, value.values()))
    if isinstance(value, list):
        return bool(value) and all(map(no_nulls_or_empty_lists, value))
    return value is not None and value != ""


def read(body):
    value = orjson.loads(body)
    assert no_nulls_or_empty_lists(value)
    return value


def test_discovery():
    roots = ["/un-gcts/", "/g7/"]
    assert read(resources.discovery("Hub", "Words", "soc@example.org", "/g7/", roots)) == {
        "title": "Hub", "description": "Words", "contact": "soc@example.org", "default": "/g7/", "api_roots": roots,
    }  # fmt: skip


def test_discovery_leaves_out_what_is_absent():
    """T-4.1.1-02, -05."""
    assert read(resources.discovery("Hub", None, None, None, [])) == {"title": "Hub"}


def test_an_api_root_names_the_full_media_type():
    """T-4.2-01."""
    root = ApiRoot("g7", "G7", None, "soc@example.org", frozenset(), 1000, ())
    assert read(resources.api_root(root)) == {"title": "G7", "versions": [TAXII], "max_content_length": 1000}


def test_a_collection_says_what_this_client_may():
    """T-5.2-01: false is a value, not an absence."""
    assert read(resources.collection(make_collection(description=None), can_read=True, can_write=False)) == {
        "id": "5c1e4b0a-0000-4000-8000-000000000001", "title": "Designations", "alias": "designations",
        "can_read": True, "can_write": False, "media_types": [STIX],
    }  # fmt: skip


def test_collections_ascend_by_id_and_are_absent_if_none():
    """T-5.1-01, -02, T-5.2-02."""
    one, two = make_collection("a" * 8), make_collection("b" * 8)
    listed = read(resources.collections([(two, False, True), (one, True, False)]))["collections"]
    assert listed == [
        read(resources.collection(one, can_read=True, can_write=False)),
        read(resources.collection(two, can_read=False, can_write=True)),
    ]
    assert resources.collections([]) == b"{}"


def make_status(*outcomes):
    return Status(
        id="2f6b8c1e-0000-4000-8000-000000000001", agency="agency-a", api_root="un-gcts", collection="c",
        requested_at=STAMP, outcomes=outcomes, stored=len(outcomes),
    )  # fmt: skip


def test_a_status_adds_up():
    """T-4.3-01; clients.md 21."""
    status = make_status(
        Outcome("indicator--1", "2026-01-01T00:00:00.000Z", ok=True, message="future-dated"),
        Outcome("", None, ok=False, message="no id"),
        Outcome("malware--1", "2026-01-01T00:00:00Z", ok=True, stored=True),
    )
    requested = "2026-01-31T12:00:00.000120Z"
    assert read(resources.status(status)) == {
        "id": status.id, "status": "complete", "request_timestamp": requested,
        "total_count": 3, "success_count": 2, "failure_count": 1, "pending_count": 0,
        "successes": [
            {"id": "indicator--1", "version": "2026-01-01T00:00:00.000Z", "message": "future-dated"},
            {"id": "malware--1", "version": "2026-01-01T00:00:00Z"},
        ],
        "failures": [{"id": "unknown", "version": requested, "message": "no id"}],
    }  # fmt: skip


def test_what_waits_for_officers_is_pending_until_all_is_settled():
    """T-4.3-01."""
    waits = Outcome("indicator--1", "2026-01-01T00:00:00.000Z", ok=True, message="waits", pending="p")
    stored = Outcome("malware--1", "2026-01-01T00:00:00Z", ok=True, stored=True)
    told = read(resources.status(make_status(waits, stored)))
    counts = [told[f"{name}_count"] for name in ("total", "success", "failure", "pending")]
    assert (told["status"], counts) == ("pending", [2, 1, 0, 1])
    assert [one["message"] for one in told["pendings"]] == ["waits"]
    assert [one["id"] for one in told["successes"]] == ["malware--1"]


def test_a_status_of_nothing_has_no_lists():
    assert set(read(resources.status(make_status()))) == {
        "id", "status", "request_timestamp", "total_count", "success_count", "failure_count", "pending_count",
    }  # fmt: skip


def test_an_envelope_joins_the_bytes_as_they_came():
    """R3: spacing, spelling of numbers, order of keys."""
    raw = [b'{ "n" : 1.0e0,\n"a":9007199254740993 }', b'{"b":"\\u00e9","$ref":null}']
    page = Page.of([entry(number, data) for number, data in enumerate(raw)])
    assert resources.envelope(page, None) == b'{"more":false,"objects":[' + raw[0] + b"," + raw[1] + b"]}"


def test_next_is_there_exactly_when_more_is_true():
    """clients.md 10."""
    page = Page.of([entry(1)], more=True)
    for body in (
        resources.envelope(page, "a.b"),
        resources.manifest(page, "a.b", STIX),
        resources.versions(page, "a.b"),
    ):
        assert orjson.loads(body)["more"] is True
        assert orjson.loads(body)["next"] == "a.b"
    last = Page.of([entry(1)])
    assert "next" not in orjson.loads(resources.envelope(last, "a.b"))
    with pytest.raises(ValueError, match="next"):
        resources.envelope(page, None)


def test_empty_answers():
    """T-5.4-02, T-5.3-04, T-5.8-03; DESIGN section 3 for the list form."""
    empty = Page((), mark=STAMP)
    for body in (
        resources.envelope(empty, None),
        resources.manifest(empty, None, STIX),
        resources.versions(empty, None),
    ):
        assert body == b"{}"
    assert resources.envelope(empty, None, empty_list=True) == b'{"more":false,"objects":[]}'
    assert resources.manifest(empty, None, STIX, empty_list=True) == b'{"more":false,"objects":[]}'
    assert resources.versions(empty, None, empty_list=True) == b'{"more":false,"versions":[]}'


@given(
    st.lists(
        st.tuples(st.text(max_size=20), st.text(max_size=20), st.integers(0, 2**53)), min_size=1, max_size=5
    )
)
@example([('","', '"', 1), ('\\","', ',"', 2), ('"],["', "\\", 3)])
def test_any_text_in_a_manifest_is_escaped(rows):
    """T-5.3-01."""
    page = Page.of([Entry(id_, version, stamp) for id_, version, stamp in rows])
    listed = orjson.loads(resources.manifest(page, None, STIX))["objects"]
    assert listed == [
        {"id": id_, "date_added": timestamps.format(stamp), "version": version, "media_type": STIX}
        for id_, version, stamp in rows
    ]


@given(st.lists(st.integers(0, 4 * 10**15) | st.integers(STAMP, STAMP + 3_000_000), min_size=1))
def test_dates_of_a_manifest_are_spelled_like_all_others(stamps):
    page = Page.of([Entry("x", "v", stamp) for stamp in stamps])
    rows = read(resources.manifest(page, None, STIX))["objects"]
    assert [row["date_added"] for row in rows] == [timestamps.format(stamp) for stamp in stamps]


def test_versions_list_the_texts():
    page = Page.of(
        [entry(1, version="2026-01-01T00:00:00.123456Z"), entry(2, version="2026-01-01T00:00:01Z")]
    )
    assert read(resources.versions(page, None)) == {
        "more": False, "versions": ["2026-01-01T00:00:00.123456Z", "2026-01-01T00:00:01Z"],
    }  # fmt: skip


def test_date_headers():
    """T-3.2-01 to -03."""
    page = Page.of([entry(0), entry(1), entry(2)])
    assert resources.date_headers(page) == {
        "X-TAXII-Date-Added-First": "2026-01-31T12:00:00.000120Z",
        "X-TAXII-Date-Added-Last": "2026-01-31T12:00:00.000140Z",
    }
    mark = "2026-01-31T12:00:00.000120Z"
    assert set(resources.date_headers(Page((), mark=STAMP)).values()) == {mark}
    assert len(resources.date_headers(Page((), mark=0))) == 2
    assert resources.date_headers(Page(())) == {}


def test_an_error_spells_its_status_as_a_string():
    assert read(resources.error("Not found", 404)) == {"title": "Not found", "http_status": "404"}
    assert read(resources.error("No", 400, "e-1", "Words", {"parameter": "limit"})) == {
        "title": "No", "http_status": "400", "error_id": "e-1", "description": "Words", "details": {"parameter": "limit"},
    }  # fmt: skip
