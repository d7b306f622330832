"""`/api/v1/mappings`: the report formats, and dry runs over uploads (rules R5, R8)."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from pathlib import Path

import pytest

from taxii_hub.errors import BadRequestError
from taxii_hub.exchange import dry_run
from taxii_hub.mapping import isolated
from taxii_hub.mapping.golden import samples
from taxii_hub.mapping.minimise import pseudonym
from taxii_hub.mapping.registry import load_registry
from taxii_hub.mapping.template import filled
from taxii_hub.settings import Settings, shipped_dir
from taxii_hub.web import multipart
from taxii_hub.web.app import create_app

UN = "un_sc_consolidated_xml"
SAMPLES = shipped_dir("mappings") / UN / "samples"
REGISTRY = load_registry(shipped_dir("mappings"))
ERROR = "application/taxii+json;version=2.1"


@pytest.fixture
def world(world):
    """With mappings that were read before: a second each, otherwise."""
    world.app.serving.formats._registry = REGISTRY
    return world


def upload(world, name, files, user="north-siem", **fields):
    return world.ask("POST", f"/api/v1/mappings/{name}/convert", user, files=files, data=fields, timeout=60)


def file(name: str, data: bytes):
    return ("file", (name, data))


def raw(world, body: bytes, content_type="multipart/form-data; boundary=xx", user="north-siem"):
    return world.ask(
        "POST", f"/api/v1/mappings/{UN}/convert", user, content=body, headers={"content-type": content_type}
    )


# --- what there is ---------------------------------------------------------------------------------


def test_list_and_show(world):
    listed = world.ask("GET", "/api/v1/mappings").json()
    assert {"format", "format_version", "title", "runs"} == set(listed[0])
    assert UN in [head["format"] for head in listed]
    shown = world.ask("GET", f"/api/v1/mappings/{UN}").json()
    assert shown["fields"]["DATAID"]["clean"] == "line"
    assert "SORT_KEY" in shown["ignore"]
    assert "INDIVIDUAL" in shown["records"]
    assert str(SAMPLES.parent) not in json.dumps([listed, shown])


def test_they_are_read_while_the_hub_starts_and_once(world, monkeypatch):
    read = threading.Event()

    def reading(_):
        assert not read.is_set(), "the one who asks first waits for it"
        read.set()
        return REGISTRY

    async def started():
        async with world.app.router.lifespan_context(world.app):
            assert await asyncio.to_thread(read.wait, 20)
            return await world.app.serving.formats.registry()

    monkeypatch.setattr(world.app.serving.formats, "_registry", None)
    monkeypatch.setattr(dry_run, "registry_of", reading)
    assert asyncio.run(started()) is REGISTRY


def test_an_unknown_name_is_absent(world):
    for response in (
        world.ask("GET", "/api/v1/mappings/nope"),
        upload(world, "nope", [file("a.xml", b"<a/>")]),
    ):
        assert response.status_code == 404
        assert "no mapping 'nope'" in response.json()["description"]


def test_a_wrong_mapping_of_the_operator_is_his(make_world, tmp_path: Path):
    folder = tmp_path / "own" / "broken_list"
    folder.mkdir(parents=True)
    (folder / "mapping.yaml").write_text("identity: {}")
    world = make_world(mappings_dir=tmp_path / "own")
    for response in (
        world.ask("GET", "/api/v1/mappings"),
        upload(world, "auto", [file("a.xml", b"<a/>")]),
    ):
        assert response.status_code == 503
        assert "mappings check" in response.json()["description"]
        assert str(tmp_path) not in response.text


def test_the_openapi_description_has_them(world):
    paths = world.ask("GET", "/api/v1/openapi.json").json()["paths"]
    described = paths["/api/v1/mappings/{name}/convert"]["post"]
    assert "multipart/form-data" in described["requestBody"]["content"]
    assert {"/api/v1/mappings", "/api/v1/mappings/{name}"} <= set(paths)


# --- dry runs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [UN, "auto"])
def test_a_dry_run_gives_objects_account_and_problems(world, name):
    response = upload(world, name, [file("../a/persons.xml", (SAMPLES / "persons.xml").read_bytes())])
    assert response.status_code == 200, response.text
    body = response.json()
    assert set(body) == {"mapping", "edition", "objects", "account", "problems"}
    assert (body["mapping"], body["problems"]) == (UN, [])
    golden = json.loads((SAMPLES / "persons.expected.json").read_text())
    assert body["account"]["paths"] == golden["account"]["paths"]
    assert len(body["objects"]) >= len(golden["objects"])
    assert world.feed.entries == []
    assert world.feed.statuses == {}


def test_problems_have_their_place(world):
    body = upload(world, "auto", [file("odd.xml", (SAMPLES / "odd_values.xml").read_bytes())]).json()
    assert body["problems"]
    for problem in body["problems"]:
        assert problem["source"] == "odd.xml"
        assert problem["line"]
        assert problem["remedy"]


def test_pseudonyms_of_dry_runs_are_made_with_a_key_that_is_thrown_away(world):
    """Else whoever may upload could try names until he meets a pseudonym that he knows."""
    response = upload(world, "auto", [file("july", filled("xlsx"))], minimise="coarse")
    body = response.json()
    assert (response.status_code, body["problems"]) == (200, [])
    assert {"path": "Name", "action": "pseudonymised as name", "leaves": 2} in body["account"]["minimised"]
    assert "pseudonym-0-" in response.text
    number, secret = world.keyring.newest("pseudonym")
    assert pseudonym("name", "Tamsin Quillfeather", (0, secret)) not in response.text
    assert number != 0


def test_several_files_are_one_report_and_fields_count(world):
    spec = REGISTRY.get("us_ofac_sdn_csv")
    folder = next(sample for sample in samples(spec) if sample.is_dir() and "odd" not in sample.name)
    files = [file(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]
    response = upload(world, "us_ofac_sdn_csv", files, edition="2026-03-04")
    assert response.status_code == 200, response.text
    assert response.json()["edition"].startswith("2026-03-04")


def test_a_library_keeps_its_own_process_and_limits(world):
    sample = next(path for path in samples(REGISTRY.get("misp_event_json")) if "odd" not in path.name)
    response = upload(world, "misp_event_json", [file(sample.name, sample.read_bytes())])
    assert response.status_code == 200, response.text
    assert response.json()["account"]["records"]


@pytest.mark.parametrize(
    ("content", "fields", "said"),
    [
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><CONSOLIDATED_LIST>&a;</CONSOLIDATED_LIST>", {}, "a.xml"),
        ((SAMPLES / "persons.xml").read_bytes(), {"minimise": "nope"}, "has no profile 'nope'"),
    ],
)
def test_what_cannot_be_converted_is_422(world, content, fields, said):
    response = upload(world, "auto", [file("a.xml", content)], **fields)
    assert response.status_code == 422
    assert response.headers["content-type"] == ERROR
    assert said in response.json()["description"]
    assert "/tmp" not in response.text


# --- who, and how much -----------------------------------------------------------------------------


def test_who_may(world):
    report = [file("a.xml", (SAMPLES / "empty.xml").read_bytes())]
    assert upload(world, UN, report, user="admin").status_code == 200
    assert upload(world, UN, report, user="west").status_code == 403
    assert world.ask("GET", "/api/v1/mappings", "west").status_code == 403
    assert world.ask("GET", "/api/v1/mappings", "admin").status_code == 200
    assert world.ask("GET", "/api/v1/mappings", None).status_code == 401


def test_credentials_come_before_the_body(world):
    """A body that would fail in any other way is never looked at."""

    async def body():
        raise AssertionError("the body was read")
        yield b""

    response = world.ask(
        "POST",
        f"/api/v1/mappings/{UN}/convert",
        None,
        content=body(),
        headers={"content-type": "multipart/form-data; boundary=x"},
    )
    assert (response.status_code, response.headers["content-type"]) == (401, ERROR)


def test_size_parts_and_form_are_bounded(make_world):
    world = make_world(max_upload=4000)
    large = upload(world, UN, [file("a.xml", b"x" * 5000)])
    assert (large.status_code, "TAXII_HUB_MAX_UPLOAD" in large.json()["description"]) == (413, True)
    many = upload(world, UN, [file(f"{n}", b"") for n in range(multipart.MAX_PARTS + 1)])
    assert (many.status_code, "16 parts" in many.json()["description"]) == (400, True)
    twice = upload(world, UN, [file("a", b"1"), file("b/a", b"2")])
    assert (twice.status_code, "sent twice" in twice.json()["description"]) == (400, True)
    assert upload(world, UN, [file("a", b"1")], other="x").status_code == 400
    assert upload(world, UN, [file("a", b"1")], edition="x" * 300).status_code == 400
    assert upload(world, UN, [("edition", ("a", b"1"))]).status_code == 400


@pytest.mark.parametrize(
    ("body", "content_type", "status", "said"),
    [
        (b"{}", "application/json", 415, "multipart/form-data is wanted"),
        (b"", "multipart/form-data", 400, "boundary"),
        (b"", "multipart/form-data; boundary=" + "x" * 71, 400, "boundary"),
        (b"nonsense", "multipart/form-data; boundary=xx", 400, "multipart/form-data"),
        (
            b'--xx\r\nContent-Disposition: form-data; name="file"\r\n\r\nabc',
            "multipart/form-data; boundary=xx",
            400,
            "ends",
        ),
        (
            b"--xx\r\nContent-Type: text/plain\r\n\r\nabc\r\n--xx--\r\n",
            "multipart/form-data; boundary=xx",
            400,
            "no name",
        ),
        (
            b'--xx\r\nContent-Disposition: form-data; name="edition"\r\n\r\n2026\r\n--xx--\r\n',
            "multipart/form-data; boundary=xx",
            400,
            "missing",
        ),
        (b"--xx--\r\n", "multipart/form-data; boundary=xx", 400, ""),
    ],
)
def test_what_is_no_form_is_refused(world, body, content_type, status, said):
    response = raw(world, body, content_type)
    assert response.status_code == status
    assert said in response.json()["description"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("c:\\reports\\July 1.xml", "July 1.xml"),
        ("../../etc/passwd", "passwd"),
        ("..", "report"),
        ("", "report"),
        ("a\r\nb", "b"),
        ("é" * 300 + ".xml", "é" * 80 + ".xml"),
    ],
)
def test_names_of_files_are_never_paths(sent, kept):
    from taxii_hub.web.api.mappings import _file_name

    assert _file_name(multipart.Part("file", sent, b"")) == kept


# --- limits of the process -------------------------------------------------------------------------


def test_a_conversion_has_its_time(world, monkeypatch):
    monkeypatch.setattr(isolated, "SECONDS", 0.01)
    response = upload(world, UN, [file("a.xml", (SAMPLES / "persons.xml").read_bytes())])
    assert response.status_code == 422
    assert "cut it into several" in response.json()["description"]
    assert world.app.serving.formats._running == 0


@pytest.mark.usefixtures("own_logging")
def test_a_converter_that_breaks_is_a_defect(world, monkeypatch):
    monkeypatch.setattr(dry_run.sys, "executable", "/bin/false")
    response = upload(world, "auto", [file("a.xml", b"")])
    assert response.status_code == 500
    assert "false" not in response.text


def test_so_many_at_a_time(world, monkeypatch):
    monkeypatch.setattr(world.app.serving.formats, "_running", dry_run.AT_ONCE)
    response = upload(world, UN, [file("a.xml", b"")])
    assert (response.status_code, response.headers["retry-after"]) == (429, "5")


def test_the_process_answers_as_the_hub_reads_it(tmp_path: Path):
    (tmp_path / "x.xml").write_bytes((SAMPLES / "persons.xml").read_bytes())
    out = io.BytesIO()
    isolated.answer(Settings(), isolated.Request(str(tmp_path), ("x.xml",)), out)
    assert json.loads(out.getvalue())["account"]["records"] == 3
    out = io.BytesIO()
    isolated.answer(Settings(), isolated.Request(str(tmp_path), ("x.xml",), "nope"), out)
    assert json.loads(out.getvalue())["refused"] == "report"


def test_an_app_has_formats_of_its_own(world):
    assert create_app(world.hub).serving.formats is not world.app.serving.formats


def test_parts_are_told_apart():
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n'
        b"1\r\n--not\r\n--b\r\nContent-Disposition: form-data; name=edition\r\n\r\n2026\r\n--b--\r\n"
    )
    assert multipart.parse(b"b", body) == [
        multipart.Part("file", "a.csv", b"1\r\n--not"),
        multipart.Part("edition", None, b"2026"),
    ]
    with pytest.raises(BadRequestError):
        multipart.parse(b"b", body[:-4])
