"""The upload family, over HTTP: what is refused on the command line (tests/unit/mapping/test_hostile.py has all
the files) is refused by ``/api/v1/mappings/{name}/convert`` too, and the hub goes on serving meanwhile."""

from __future__ import annotations

import socket
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.hostile.oracle import Reply, faults
from tests.hostile.wire import PROMPT, Target
from tests.support import hostile_files
from tests.support.hubs import RunningHub

CASES = (
    "xxe_file:un_sc_consolidated_xml",
    "billion_laughs:auto",
    "zip_bomb_lying:hub_report_xlsx",
    "nul_raw_json:auto",
)
PATIENCE = 30.0


def form(name: bytes, data: bytes, boundary: bytes = b"b0undary") -> bytes:
    head = b'--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n' % (boundary, name)
    return head + data + b"\r\n--%s--\r\n" % boundary


def converted(target: Target, mapping: str, name: bytes, data: bytes) -> Reply:
    path = f"/api/v1/mappings/{mapping}/convert".encode()
    request = target.post(path, form(name, data), media_type=b"multipart/form-data; boundary=b0undary")
    reply = target.ask(request, PATIENCE)
    assert not faults(reply), (faults(reply), reply)
    return reply


@pytest.mark.parametrize("case", CASES)
def test_a_hostile_report_is_422(engineer: Target, tmp_path: Path, case: str) -> None:
    function, mapping = case.split(":")
    file: Path = getattr(hostile_files, function)(tmp_path)
    reply = converted(engineer, mapping, file.name.encode(), file.read_bytes())
    assert reply.status == 422, reply.body[:300]
    assert file.name in reply.json()["description"], "it says which file"
    assert b"THE-SECRET" not in reply.body


def test_no_network_is_asked(engineer: Target, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        file = hostile_files.xxe_network(tmp_path, listener.getsockname()[1])
        assert converted(engineer, "un_sc_consolidated_xml", b"a.xml", file.read_bytes()).status == 422
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_file_name_is_no_path(engineer: Target) -> None:
    reply = converted(engineer, "auto", b"../../../tmp/slip.xml", b"<x/>")
    assert reply.status in (400, 422)
    assert not Path("/tmp/slip.xml").exists()
    assert b".." not in reply.body


def test_no_path_of_an_archive_is_used(engineer: Target, tmp_path: Path) -> None:
    """Zip slip, a link, an archive in an archive, and an encrypted one: nothing of it is ever unpacked."""
    slip = tmp_path / "slip.xlsx"
    with zipfile.ZipFile(slip, "w") as archive:
        archive.writestr("../../../../tmp/slipped", "x")
        link = zipfile.ZipInfo("xl/worksheets/sheet1.xml")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("inner.zip", b"PK\x03\x04" + bytes(100))
    reply = converted(engineer, "hub_report_xlsx", b"slip.xlsx", slip.read_bytes())
    assert reply.status == 422
    assert b"root:" not in reply.body
    assert not Path("/tmp/slipped").exists()
    plain = bytearray(slip.read_bytes())
    for at in range(len(plain) - 10):
        if plain[at : at + 4] == b"PK\x03\x04":
            plain[at + 6] |= 1
        elif plain[at : at + 4] == b"PK\x01\x02":
            plain[at + 8] |= 1
    assert converted(engineer, "hub_report_xlsx", b"locked.xlsx", bytes(plain)).status == 422


def test_others_are_served_while_reports_are_converted(
    hub: RunningHub, engineer: Target, tmp_path: Path
) -> None:
    data = hostile_files.lines_csv(tmp_path).read_bytes()[: 8 << 20]
    with ThreadPoolExecutor(3) as pool:
        sent = [pool.submit(converted, engineer, "ioc_csv", b"a.csv", data) for _ in range(3)]
        while not all(one.done() for one in sent):
            began = time.monotonic()
            assert engineer.ask(engineer.get(b"/sandbox/collections/scratch/objects/?limit=5")).status == 200
            assert time.monotonic() - began < 2 * PROMPT, "the converters have the cores meanwhile"
    assert {one.result().status for one in sent} <= {200, 422, 429}, (
        "those beyond what may run at a time: 429"
    )
