"""``doctor`` and ``store``: every finding names what is wrong and what to do; exit codes as promised."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from taxii_hub.cli import doctor_checks as checks
from taxii_hub.cli import main
from taxii_hub.errors import StoreError
from taxii_hub.keyring import Keyring
from taxii_hub.settings import PREFIX, Settings
from taxii_hub.store.engine import EmbeddedEngine
from taxii_hub.store.engine_files import find_mongod
from taxii_hub.store.migrations import SCHEMA_VERSION
from taxii_hub.store.topology import Topology


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in Settings().environment():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setenv(PREFIX + "DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == code, result.output
    return result


def findings(code: int = 0) -> dict[str, tuple[str, str]]:
    document = json.loads(run("doctor", "--json", code=code).stdout)
    assert document["ok"] is (code == 0)
    return {f["check"]: (f["level"], f["message"]) for f in document["findings"]}


def test_before_the_first_start_all_is_well_and_nothing_is_made(data: Path) -> None:
    found = findings()
    assert {level for level, _ in found.values()} == {"ok"}
    assert "made at the first start" in found["database"][1]
    assert "db version" in found["mongod"][1]
    assert not data.exists()


def test_an_embedded_database_is_described(data: Path) -> None:
    assert "done: schema version 1" in run("store", "migrate").output
    found = findings()
    assert found["schema"] == ("ok", "up to date")
    assert found["database"][0] == "warning"
    lines = run("doctor").output
    assert "embedded MongoDB" in lines
    assert "replica set hub, 1 member" in lines
    assert "SSPL" in lines
    assert "majority, journalled" in lines
    assert "→" in lines


def test_it_works_beside_a_running_hub(data: Path) -> None:
    run("store", "migrate")

    async def body() -> None:
        engine = EmbeddedEngine(data)
        await engine.start()
        try:
            result = await checks.of_the_database(Settings(data_dir=data))
            assert [f.check for f in result if f.level == "problem"] == []
        finally:
            await engine.stop()

    asyncio.run(body())


def test_an_own_mongodb_is_described(data: Path, mongodb_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + "MONGODB_URI", mongodb_uri)
    monkeypatch.setenv(PREFIX + "MONGODB_DATABASE", "never_made")
    found = findings()
    assert "mongod" not in found
    assert found["schema"][0] == "warning"
    Keyring.open(data / "secrets", create=True)
    level, message = findings()["schema"]
    assert level == "warning"
    assert "a migration is pending: schema version 1" in message


def test_a_wrong_setting_is_a_problem(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PREFIX + "PORT", "x")
    assert findings(code=1)["settings"][0] == "problem"


def test_a_database_that_is_away_is_a_problem(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        PREFIX + "MONGODB_URI", "mongodb://%2Fnonexistent%2Fx.sock/?serverSelectionTimeoutMS=100"
    )
    level, message = findings(code=1)["database"]
    assert level == "problem"
    assert "MongoDB does not answer" in message


def test_secrets_that_others_may_read_are_a_problem(data: Path) -> None:
    Keyring.open(data / "secrets", create=True)
    (data / "secrets" / "pepper.json").chmod(0o644)
    level, message = findings(code=1)["secrets"]
    assert level == "problem"
    assert "chmod 600" in message


def test_wrong_collections_are_a_problem(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "agencies.yaml").write_text("agencies: [")
    monkeypatch.setenv(PREFIX + "COLLECTIONS_DIR", str(tmp_path / "c"))
    assert findings(code=1)["collections"][0] == "problem"


def test_an_agreement_that_ended_is_warned_of(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "agencies.yaml").write_text("agencies:\n  us-kite: {title: Kite, country: US}\n")
    (tmp_path / "c" / "one.yaml").write_text(
        "title: One\nmembers: [us-kite]\nagreement: {title: T, reference: T/1, until: 2020-01-31}\ncollections:\n"
        "  - {id: 8f1c2f7e-0c55-4b8e-9d0a-111111111111, alias: a, title: A, read: members, write: members}\n"
    )
    monkeypatch.setenv(PREFIX + "COLLECTIONS_DIR", str(tmp_path / "c"))
    level, message = findings()["agreements"]
    assert level == "warning"
    assert "the agreement of one (T/1) ended on 2020-01-31: no access" in message


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = checks.folder(tmp_path / "file" / "data")
    assert (found.level, found.message) == ("problem", f"{tmp_path / 'file'} cannot be written")


def test_a_container_that_may_not_be_written_to_is_well(tmp_path: Path) -> None:
    """As ``compose.yaml`` runs it: database and secrets are elsewhere, so nothing goes into the data folder."""
    (tmp_path / "file").write_text("")
    inside = Settings(data_dir=tmp_path / "file" / "data", secrets_dir=tmp_path / "secrets")
    for settings, told in ((inside, {"problem"}), (replace(inside, mongodb_uri="mongodb://db"), set())):
        found = {f.level for f in checks.of_this_machine(settings) if f.check == "data folder"}
        assert found == told


def test_compose_and_image_name_settings_that_there_are() -> None:
    root = Path(__file__).parents[3]
    known = {PREFIX + each.name.upper() for each in fields(Settings)}
    for name in ("compose.yaml", "Dockerfile", "deploy/nginx.conf", "deploy/haproxy.cfg"):
        used = set(re.findall(rf"{PREFIX}[A-Z_]+", (root / name).read_text()))
        assert used <= known, name
    assert {*re.findall(rf"{PREFIX}[A-Z_]+", (root / "compose.yaml").read_text())}


def test_a_disk_that_fills_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert next(checks.disk(tmp_path)).check == "disk"
    monkeypatch.setattr(checks, "FULL", -1.0)
    assert next(checks.disk(tmp_path)).level == "warning"
    assert list(checks.disk(tmp_path / "none")) == []


def test_plain_http_beyond_this_machine_is_warned_of(tmp_path: Path) -> None:
    assert list(checks.tls(Settings())) == []
    (found,) = checks.tls(Settings(host="0.0.0.0"))
    assert found.level == "problem"
    assert "TAXII_HUB_PLAIN_HTTP=allow" in found.message
    (found,) = checks.tls(Settings(host="0.0.0.0", trusted_proxies=("10.0.0.1",)))
    assert found.level == "warning"
    missing = Settings(host="0.0.0.0", tls_certificate=tmp_path / "c", tls_key=tmp_path / "k")
    assert [f.level for f in checks.tls(missing)] == ["problem", "problem"]


def _program(tmp_path: Path, script: str) -> checks.Finding:
    path = tmp_path / "mongod"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return next(checks.program(find=lambda: path))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            "echo 'mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file'>&2;exit 127",
            "libcurl.so.4 is missing",
        ),
        (
            "echo 'mongod: error while loading shared libraries: libssl.so.3: cannot open shared object file'>&2;exit 127",
            "libssl.so.3 is missing",
        ),
        ("kill -ILL $$", "no AVX"),
        ("exit 132", "no AVX"),
        ("exit 3", "ended with 3"),
    ],
)
def test_a_program_that_cannot_run_here(tmp_path: Path, script: str, words: str) -> None:
    found = _program(tmp_path, script)
    assert found.level == "problem"
    assert words in found.message
    assert found.remedy


def test_a_program_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "mongod").write_text("")
    found = next(checks.program(find=lambda: tmp_path / "mongod"))
    assert (found.level, found.message) == (
        "problem",
        f"{tmp_path / 'mongod'} cannot be run (PermissionError)",
    )


def test_no_program_at_all() -> None:
    def find() -> Path:
        raise StoreError("there is no MongoDB")

    assert [f.message for f in checks.program(find=find)] == ["there is no MongoDB"]


def test_a_processor_without_avx(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nflags : fpu sse sse2\n")
    found = list(checks.program(cpuinfo, find_mongod))
    assert [(f.check, f.level) for f in found] == [("mongod", "ok"), ("processor", "problem")]
    cpuinfo.write_text("flags : fpu avx\n")
    assert [f.level for f in checks.program(cpuinfo, find_mongod)] == ["ok"]
    assert len(list(checks.program(tmp_path / "none", find_mongod))) == 1


@pytest.mark.parametrize(("off", "level"), [(0, "ok"), (-1_500, "warning"), (61_000, "problem")])
def test_a_clock_that_is_off(off: int, level: str) -> None:
    topology = Topology("external", "7.0.1", "replica set rs, 3 members", "kept", off)
    clock = checks.described(topology)[-1]
    assert (clock.check, clock.level) == ("clock", level)
    assert (clock.remedy == "") is (level == "ok")


# --- store -------------------------------------------------------------------------------------


def test_migrating_twice_does_nothing_more(data: Path) -> None:
    planned = run("store", "migrate", "--dry-run").output
    assert "would do: schema version 1" in planned
    assert run("store", "migrate").output == planned.replace("would do", "done")
    assert "nothing to do" in run("store", "migrate").output


def test_status_shows_numbers_and_never_keys(data: Path) -> None:
    run("store", "migrate")
    text, document = run("store", "status").output, run("store", "status", "--json").stdout
    found: dict[str, Any] = json.loads(document)
    assert found["schema"] == found["known"] == SCHEMA_VERSION
    assert (found["engine"], found["pending"]) == ("embedded", [])
    assert {k["kind"]: k["newest"] for k in found["keys"]} == dict.fromkeys(
        ("pepper", "cursor", "audit", "pseudonym"), 1
    )
    keyring = Keyring.open(data / "secrets", create=False)
    for kind in ("pepper", "cursor", "audit", "pseudonym"):
        assert keyring.newest(kind)[1].hex() not in text + document
    assert "cursor: 1, newest 1" in text


def test_a_key_is_rotated(data: Path) -> None:
    Keyring.open(data / "secrets", create=True)
    assert "would add cursor key 2" in run("store", "rotate-key", "cursor", "--dry-run").output
    assert Keyring.open(data / "secrets", create=False).newest("cursor")[0] == 1
    assert "cursor key 2 signs from now on" in run("store", "rotate-key", "cursor").output
    assert Keyring.open(data / "secrets", create=False).newest("cursor")[0] == 2


def test_a_kind_that_does_not_exist_is_wrong_usage(data: Path) -> None:
    run("store", "rotate-key", "cipher", code=2)


def test_without_secrets_the_reason_is_told(data: Path) -> None:
    assert "there is no secrets folder" in run("store", "rotate-key", "cursor", code=1).stderr
