"""The TAXII resources through the whole web room, over a feed kept in memory."""

from __future__ import annotations

import asyncio
import json

import pytest
from starlette.requests import Request

from taxii_hub.model import Account
from taxii_hub.settings import Settings
from taxii_hub.web.body import MOST_HELD
from taxii_hub.web.discovery import base_url

TAXII = "application/taxii+json;version=2.1"
BOTH = "/sandbox/collections/both"
READ = "/sandbox/collections/read"
WRITE = "/sandbox/collections/write"
HIDDEN = "/sandbox/collections/hidden"
ONE = "indicator--00000001-0000-4000-8000-000000000000"
EVERY_PATH = [
    "/taxii2/",
    "/sandbox/",
    "/sandbox/status/00000000-0000-4000-8000-000000000000/",
    "/sandbox/collections/",
    f"{BOTH}/",
    f"{BOTH}/manifest/",
    f"{BOTH}/objects/",
    f"{BOTH}/objects/{ONE}/",
    f"{BOTH}/objects/{ONE}/versions/",
]
OBJECT = {
    "type": "x-thing",
    "id": "x-thing--7a6a8b8c-54a6-4d93-9d2c-4f8d9d5e7c3a",
    "spec_version": "2.1",
    "created": "2026-01-01T00:00:00.000Z",
    "modified": "2026-01-01T00:00:00.000Z",
}


def error_of(response, status: int) -> dict:
    """The TAXII error resource of a response (T-3.1-11)."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == TAXII
    body = response.json()
    assert body["title"]
    assert body["http_status"] == str(status)
    return body


# --- discovery, API root ---------------------------------------------------------------------------


def test_discovery_lists_the_roots_of_the_members_only(world):
    """T-4.1.1-02, -03."""
    body = world.ask("GET", "/taxii2/").json()
    assert body["api_roots"] == ["/sandbox/"]
    assert body["default"] == "/sandbox/"
    assert world.ask("GET", "/taxii2/", "south-tip").json()["api_roots"] == ["/sandbox/", "/g7/"]


def test_discovery_of_who_is_no_member_leaves_the_list_out(world):
    body = world.ask("GET", "/taxii2/", "west").json()
    assert body == {"title": "TAXII Hub"}


def test_discovery_is_absolute_where_a_public_url_is_set(make_world):
    world = make_world(public_url="https://hub.example.org/x")
    body = world.ask("GET", "/taxii2/").json()
    assert body["api_roots"] == [body["default"]] == ["https://hub.example.org/x/sandbox/"]


@pytest.mark.parametrize(
    ("settings", "base"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"host": "::1", "tls_certificate": "c.pem"}, "https://[::1]:8000"),
        ({"host": "hub.internal", "port": 9000}, "http://hub.internal:9000"),
    ],
)
def test_absolute_urls_come_from_the_bound_address_never_from_host(make_world, settings, base):
    world = make_world(**settings)
    body = world.ask("GET", "/taxii2/", "north-absolute", headers={"host": "attacker.example"}).json()
    assert body["default"] == f"{base}/sandbox/"


@pytest.mark.parametrize(
    ("server", "base"),
    [
        (("192.0.2.1", 8443), "http://192.0.2.1:8443"),
        (("2001:db8::1", 8443), "http://[2001:db8::1]:8443"),
        (("/run/hub.sock", None), "http://0.0.0.0:0"),
        (None, "http://0.0.0.0:0"),
    ],
)
def test_where_the_settings_leave_the_address_open_the_socket_tells(server, base):
    account = Account("a", "north", frozenset(), "absolute-urls")
    request = Request({"type": "http", "server": server, "headers": [(b"host", b"evil.example")]})
    assert base_url(request, Settings(host="0.0.0.0", port=0), account) == base


def test_api_root(world):
    """T-4.2-01."""
    body = world.ask("GET", "/sandbox/").json()
    assert body == {"title": "Sandbox", "versions": [TAXII], "max_content_length": 2000}


@pytest.mark.parametrize("path", ["/g7/", "/nothing/"])
def test_a_root_one_is_no_member_of_is_like_one_that_is_not(world, path):
    first, second = world.ask("GET", path), world.ask("GET", "/nothing/")
    error_of(first, 404)
    assert first.content == second.content


# --- every path ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EVERY_PATH)
def test_final_slash_or_none_is_the_same_answer(world, path):
    """T-3.1-10: answered in place."""
    world.fill(2)
    one, other = world.ask("GET", path), world.ask("GET", path.rstrip("/"))
    assert one.status_code == other.status_code != 307
    assert one.content == other.content


@pytest.mark.parametrize("path", EVERY_PATH)
@pytest.mark.parametrize("authorization", [None, "Bearer nothing", "Basic !!!"])
def test_nothing_without_credentials(world, path, authorization):
    """T-5-AUTH-01/02, T-1.6.9-01, T-8.2.2-05."""
    headers = {} if authorization is None else {"authorization": authorization}
    response = world.ask("GET", path, None, headers=headers)
    error_of(response, 401)
    challenges = response.headers.get_list("www-authenticate")
    assert challenges[0].startswith('Basic realm="')
    assert challenges[1].startswith('Bearer realm="')


@pytest.mark.parametrize("path", EVERY_PATH)
def test_accept_is_refused_with_406(world, path):
    """T-3.1-05."""
    error_of(world.ask("GET", path, headers={"accept": "text/html"}), 406)


@pytest.mark.parametrize("path", EVERY_PATH)
def test_head_is_get_without_a_body(world, path):
    """T-3.1-12."""
    world.fill(2)
    got, head = world.ask("GET", path), world.ask("HEAD", path)
    assert head.content == b""
    assert head.status_code == got.status_code
    for name in ("content-type", "content-length", "x-taxii-date-added-first"):
        assert head.headers.get(name) == got.headers.get(name)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", f"{BOTH}/objects/", "GET, HEAD, POST"),
        ("PATCH", f"{BOTH}/objects/{ONE}/", "DELETE, GET, HEAD"),
        ("POST", "/taxii2/", "GET, HEAD"),
        ("BREW", "/sandbox", "GET, HEAD"),
    ],
)
def test_other_methods_are_405(world, method, path, allowed):
    response = world.ask(method, path)
    error_of(response, 405)
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/", "/a/b", "/taxii2/x/", "/sandbox/objects/", f"{BOTH}/objects/a/b/c", "//"]
)
def test_unknown_paths_are_taxii_errors(world, path):
    error_of(world.ask("GET", path), 404)


# --- collections -----------------------------------------------------------------------------------


def test_collections_are_those_of_the_account_with_its_rights(world):
    """T-5.1-02, T-5.2-01."""
    listed = world.ask("GET", "/sandbox/collections/").json()["collections"]
    rights = {c["alias"]: (c["can_read"], c["can_write"]) for c in listed}
    assert rights == {"both": (True, True), "read": (True, False), "write": (False, True)}


def test_a_collection_equals_its_entry_by_id_and_alias(world):
    """T-5.2-02, T-5.2-04."""
    for entry in world.ask("GET", "/sandbox/collections/").json()["collections"]:
        for name in (entry["id"], entry["alias"]):
            assert world.ask("GET", f"/sandbox/collections/{name}/").json() == entry


@pytest.mark.parametrize(
    ("method", "rest"),
    [
        ("GET", ""),
        ("GET", "/objects"),
        ("POST", "/objects"),
        ("GET", "/manifest"),
        ("GET", f"/objects/{ONE}"),
        ("DELETE", f"/objects/{ONE}"),
        ("GET", f"/objects/{ONE}/versions"),
    ],
)
def test_an_unlisted_collection_is_like_none(world, method, rest):
    """T-5.2-03."""
    hidden = world.ask(method, f"{HIDDEN}{rest}")
    error_of(hidden, 404)
    assert hidden.content == world.ask(method, f"/sandbox/collections/none{rest}").content


# --- polling ---------------------------------------------------------------------------------------


def test_a_page_of_objects_has_their_bytes_and_its_dates(world):
    """T-3.2-01, -02, T-5.4-01."""
    world.fill(3)
    response = world.ask("GET", f"{BOTH}/objects/?limit=2")
    body = response.json()
    assert body["more"] is True
    assert [o["id"] for o in body["objects"]] == [e.id for e in world.feed.entries[:2]]
    assert response.headers["x-taxii-date-added-first"] == "1970-01-01T00:00:01.000000Z"
    assert response.headers["x-taxii-date-added-last"] == "1970-01-01T00:00:02.000000Z"
    rest = world.ask("GET", f"{BOTH}/objects/", params={"next": body["next"]}).json()
    assert [o["id"] for o in rest["objects"]] == [world.feed.entries[2].id]
    assert rest["more"] is False
    assert "next" not in rest


def test_manifest_versions_and_object_have_dates_too(world):
    world.fill(1)
    for path, key in (
        ("/manifest", "objects"),
        (f"/objects/{ONE}", "objects"),
        (f"/objects/{ONE}/versions", "versions"),
    ):
        response = world.ask("GET", BOTH + path)
        assert len(response.json()[key]) == 1
        assert response.headers["x-taxii-date-added-last"] == "1970-01-01T00:00:01.000000Z"


def test_the_manifest_names_the_media_type_of_the_collection(world):
    """T-5.3-01."""
    world.fill(1)
    (record,) = world.ask("GET", f"{BOTH}/manifest/").json()["objects"]
    assert record["media_type"] == "application/stix+json;version=2.1"


@pytest.mark.parametrize(
    ("user", "path", "body"),
    [
        ("north-siem", "/objects/", {}),
        ("north-siem", "/manifest/", {}),
        ("north-elastic", "/objects/", {"more": False, "objects": []}),
        ("north-elastic", "/manifest/", {"more": False, "objects": []}),
    ],
)
def test_empty_answers_by_client_profile(world, user, path, body):
    response = world.ask("GET", f"{BOTH}{path}?added_after=2026-01-31T12:00:00.123456Z", user)
    assert response.json() == body
    assert response.headers["x-taxii-date-added-first"] == "2026-01-31T12:00:00.123456Z"
    assert response.headers["x-taxii-date-added-last"] == "2026-01-31T12:00:00.123456Z"


def test_with_nothing_to_say_there_are_no_date_headers(world):
    assert "x-taxii-date-added-last" not in world.ask("GET", f"{BOTH}/objects/").headers


@pytest.mark.parametrize("query", ["limit=0", "added_after=x", "limit=1&limit=2", "next=x"])
@pytest.mark.parametrize("rest", ["/objects/", "/manifest/"])
def test_wrong_parameters_are_400(world, rest, query):
    error_of(world.ask("GET", f"{BOTH}{rest}?{query}"), 400)


@pytest.mark.parametrize("rest", ["/objects/", "/manifest/", f"/objects/{ONE}/", f"/objects/{ONE}/versions/"])
def test_reading_what_may_only_be_written_is_403(world, rest):
    """T-5.4-10/-11."""
    error_of(world.ask("GET", WRITE + rest), 403)


def test_an_object_nobody_knows_is_404(world):
    """T-5.6-02, T-5.8-02."""
    for rest in ("", "/versions"):
        error_of(world.ask("GET", f"{BOTH}/objects/{ONE}{rest}"), 404)


# --- publishing ------------------------------------------------------------------------------------


def test_a_post_is_answered_with_its_status_which_stays(world):
    """T-5.5-01, T-4.3-02."""
    response = world.post(f"{BOTH}/objects/", json.dumps({"objects": [OBJECT]}))
    assert response.status_code == 202
    assert response.headers["content-type"] == TAXII
    status = response.json()
    assert (status["status"], status["success_count"]) == ("complete", 1)
    assert world.ask("GET", f"/sandbox/status/{status['id']}/").json() == status
    error_of(world.ask("GET", f"/sandbox/status/{status['id']}/", "south-tip"), 404)


def test_a_body_is_read_up_to_max_content_length(world):
    """T-5.5-08: one byte more is 413."""
    body = json.dumps({"objects": [OBJECT]}).encode()
    assert world.post(f"{BOTH}/objects/", body.ljust(2000)).status_code == 202
    error_of(world.post(f"{BOTH}/objects/", body.ljust(2001)), 413)


def test_chunked_bodies_are_cut_at_the_limit(world):
    """T-5.5-09."""

    async def chunks(size: int):
        yield json.dumps({"objects": [OBJECT]}).encode()
        for _ in range(size // 100):
            yield b" " * 100

    assert world.post(f"{BOTH}/objects/", chunks(1000)).status_code == 202
    error_of(world.post(f"{BOTH}/objects/", chunks(5000)), 413)


def test_no_room_is_503_and_room_comes_back(world):
    body = json.dumps({"objects": [OBJECT]})
    world.app.serving.uploads.held = MOST_HELD
    response = world.post(f"{BOTH}/objects/", body)
    error_of(response, 503)
    assert int(response.headers["retry-after"]) >= 1
    world.app.serving.uploads.held = 0
    assert world.post(f"{BOTH}/objects/", body).status_code == 202
    error_of(world.post(f"{BOTH}/objects/", "{"), 400)
    assert world.app.serving.uploads.held == 0


class Unread:
    """A body that must not be read."""

    def __aiter__(self):
        return self

    async def __anext__(self):
        raise AssertionError("the body was read")


@pytest.mark.parametrize(
    ("user", "path", "headers", "status"),
    [
        (None, BOTH, {}, 401),
        ("north-siem", READ, {}, 403),
        ("north-siem", HIDDEN, {}, 404),
        ("west", BOTH, {}, 404),
        ("north-siem", BOTH, {"content_type": "text/xml"}, 415),
        ("north-siem", BOTH, {"content_encoding": "gzip"}, 415),
        ("north-siem", BOTH, {"accept": "text/html"}, 406),
    ],
)
def test_a_body_that_is_refused_anyway_is_not_read(world, user, path, headers, status):
    error_of(world.post(f"{path}/objects/", Unread(), user, **headers), status)


@pytest.mark.parametrize("body", ["", "{", "[]", '{"objects":1}', "\ufeff{}"])
def test_what_is_no_envelope_is_400(world, body):
    """T-5.5-03."""
    error_of(world.post(f"{BOTH}/objects/", body.encode()), 400)


# --- deleting --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "status"), [(READ, 403), (WRITE, 403), (HIDDEN, 404)])
def test_deleting_needs_both_rights(world, path, status):
    """T-5.7-10 to -12."""
    error_of(world.ask("DELETE", f"{path}/objects/{ONE}/"), status)
    assert not world.feed.changed


def test_who_may_neither_read_nor_write_a_listed_collection_is_told_404(world):
    """T-5.7-12: the admin's agency sees the collection, the account has no right to it."""
    assert world.ask("GET", f"{BOTH}/", "admin").json()["can_write"] is False
    error_of(world.ask("DELETE", f"{BOTH}/objects/{ONE}/", "admin"), 404)


def test_delete_is_200_without_a_body(world):
    response = world.ask("DELETE", f"{BOTH}/objects/{ONE}/?match[version]=first")
    assert (response.status_code, response.content) == (200, b"")
    (change,) = world.feed.changed
    assert (change.kind, change.to, change.object_id) == ("delete", None, ONE)
    assert change.versions.keywords == {"first"}


@pytest.mark.parametrize(("result", "status"), [("not-found", 404), ("not-own", 403)])
def test_delete_of_nothing_or_of_anothers(world, result, status):
    world.feed.changing = result
    error_of(world.ask("DELETE", f"{BOTH}/objects/{ONE}/"), status)


# --- many at once ----------------------------------------------------------------------------------


def test_requests_at_the_same_time_keep_to_themselves(world):
    world.fill(5)

    async def everybody():
        return await asyncio.gather(
            *(
                world.send("GET", f"{BOTH}/objects/?limit={n % 5 + 1}", user)
                for n in range(20)
                for user in ("north-siem", "west")
            )
        )

    answers = asyncio.run(everybody())
    for n in range(20):
        assert len(answers[2 * n].json()["objects"]) == n % 5 + 1
        assert answers[2 * n + 1].status_code == 404
    assert len({a.headers["x-request-id"] for a in answers}) == 40
