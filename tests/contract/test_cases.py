"""The table itself: complete, consistent, and able to tell good answers from bad ones."""

import httpx
import pytest

from tests.contract.assertions import CaseFailedError, check, compare
from tests.contract.objects import Objects
from tests.contract.report import render, requirements
from tests.contract.runner import Case, all_cases, run_case
from tests.contract.target import KINDS, Target
from tests.contract.template import ABSENT, select
from tests.contract.template import render as fill


def test_every_requirement_has_a_case_and_every_case_a_requirement():
    known = {one.id for one in requirements()}
    cited = {id_ for case in all_cases() for id_ in case.requires}
    assert cited == known
    assert all(case.requires for case in all_cases())


def test_needs_are_kinds_of_collections_or_tls():
    assert {need for case in all_cases() for need in case.needs} <= {*KINDS, "tls"}


def test_there_is_an_object_of_each_stix_type():
    objects = Objects()
    assert len(objects.types) == 42
    made = [objects.make(name, {}) for name in objects.types]
    assert len({one["id"] for one in made}) == 42
    assert all(one["id"].startswith(one["type"] + "--") for one in made)


ANSWER = httpx.Response(
    404,
    headers={"Content-Type": "application/taxii+json;version=2.1"},
    json={"title": "No", "http_status": "404", "list": [1, 2], "flag": True},
    request=httpx.Request("GET", "http://server.example/x"),
)


@pytest.mark.parametrize(
    "expected",
    [
        {"status": 404, "error": True, "media_type": "taxii", "strict_json": True, "clean": True},
        {"status": [200, "4xx"]},
        {"status": "no 5xx"},
        {"any": [{"status": 200}, {"status": 404}]},
        {"headers": {"ETag": {"absent": True}}},
        {"body": {"list": {"length": 2, "members": [2, 1]}, "list[0]": 1, "none": {"absent": True}}},
    ],
)
def test_an_answer_that_is_as_expected(expected):
    check(ANSWER, expected)


@pytest.mark.parametrize(
    "expected",
    [
        {"status": 200},
        {"status": "5xx"},
        {"any": [{"status": 200}, {"status": 404, "no_body": True}]},
        {"headers": {"ETag": {"present": True}}},
        {"headers": {"Content-Type": "text/html"}},
        {"body": {"flag": 1}},
        {"body": {"list": [2, 1]}},
        {"body": {"list": {"members": [1]}}},
        {"body": {"list[2]": 3}},
        {"body": {"title": {"matches": "Yes"}}},
    ],
)
def test_an_answer_that_is_not(expected):
    with pytest.raises(CaseFailedError):
        check(ANSWER, expected)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"<html>", "text/html"),
        (b'{"title": "No"}', "application/json"),
        (b'{"http_status": "404"}', "application/taxii+json;version=2.1"),
        (b'{"title": "No", "http_status": 404}', "application/taxii+json;version=2.1"),
        (b'["title"]', "application/taxii+json;version=2.1"),
    ],
)
def test_what_is_no_error_resource(content, media_type):
    response = httpx.Response(
        404, headers={"Content-Type": media_type}, content=content, request=ANSWER.request
    )
    with pytest.raises(CaseFailedError):
        check(response, {"error": True})


@pytest.mark.parametrize("content", [b'{"a":1,"a":1}', b'\xef\xbb\xbf{"a":1}', b'{"a":"\xff"}', b"{"])
def test_what_is_no_strict_json(content):
    with pytest.raises(CaseFailedError):
        check(httpx.Response(200, content=content, request=ANSWER.request), {"strict_json": True})


@pytest.mark.parametrize("content", [b'{"a":null}', b'{"a":[]}', b'{"a":[{"b":null}]}'])
def test_nulls_and_empty_lists_are_found(content):
    with pytest.raises(CaseFailedError):
        check(httpx.Response(200, content=content, request=ANSWER.request), {"clean": True})


def test_an_unknown_word_in_an_expectation_is_no_silent_pass():
    with pytest.raises(KeyError):
        check(ANSWER, {"stattus": 404})
    with pytest.raises(CaseFailedError):
        compare("x", 5, {"mini": 3})


def test_paths_and_placeholders():
    document = {"a": [{"b": 1}, {"c": 2}, {"b": 3}]}
    assert select(document, "a[*].b") == [1, 3]
    assert select(document, "a[-1].b") == 3
    assert select(document, "$") is document
    assert select(document, "a[7].b") is ABSENT
    assert fill("{{a[*].b}}", document) == [1, 3]
    assert fill("x={{a[0].b}}", document) == "x=1"
    assert fill({"{{a[0].b}}": ["{{a}}"]}, document) == {1: [document["a"]]}
    with pytest.raises(KeyError, match="nothing of that name"):
        fill("{{missing}}", document)


def test_a_case_that_lacks_a_collection_is_skipped_with_the_reason():
    target = Target("http://127.0.0.1:9", "user", "password", "/root/")
    result = run_case(Case("x", ("R-01",), ("rw",), lambda _: None), target)
    assert (result.outcome, result.reason) == ("skipped", "the target has no rw")


def test_a_server_that_is_away_is_a_failure_not_an_error():
    target = Target("http://127.0.0.1:9", "user", "password", "/root/")
    result = run_case(Case("x", ("R-01",), (), lambda session: session.steps([{"GET": "/"}])), target)
    assert result.outcome == "fail"
    assert "ConnectError" in result.reason


def test_the_report_has_a_row_for_every_requirement():
    ours = [{"case": "discovery", "requires": ["T-4.1-01", "T-4.1.1-01"], "outcome": "pass", "reason": ""}]
    theirs = [{**ours[0], "outcome": "fail"}, {**ours[0], "case": "other", "outcome": "pass"}]
    page = render(ours, theirs)
    assert (
        "| T-4.1-01 | M | Discovery is at /taxii2/ and names at least one API root | discovery, other | yes | **no** |"
        in page
    )
    assert all(f"| {one.id} | {one.level} | " in page for one in requirements())
    assert "## What medallion fails" in page
    assert "## What TAXII Hub fails" not in page
