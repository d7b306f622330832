"""The secrets folder: made once, closed to others, rotated without losing what older keys signed."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
from pathlib import Path

import pytest

from taxii_hub.errors import SettingsError
from taxii_hub.keyring import CURSOR_GRACE, KINDS, Keyring


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "secrets"


def test_the_first_start_makes_closed_files(folder: Path) -> None:
    old = os.umask(0)
    try:
        keyring = Keyring.open(folder, create=True)
    finally:
        os.umask(old)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {p.name for p in folder.iterdir()} == {f"{kind}.json" for kind in KINDS}
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o600}
    secrets = {keyring.newest(kind)[1] for kind in KINDS}
    assert len(secrets) == len(KINDS)
    assert {len(s) for s in secrets} == {32}


def test_a_second_start_reads_the_same(folder: Path) -> None:
    first = Keyring.open(folder, create=True)
    second = Keyring.open(folder, create=True)
    third = Keyring.open(folder, create=False)
    for kind in KINDS:
        assert first.newest(kind) == second.newest(kind) == third.newest(kind)
        assert first.all(kind) == third.all(kind)
    assert first.fingerprint() == second.fingerprint()


def test_other_secrets_have_another_fingerprint(tmp_path: Path) -> None:
    one = Keyring.open(tmp_path / "a", create=True)
    other = Keyring.open(tmp_path / "b", create=True)
    assert one.fingerprint() != other.fingerprint()
    for kind in KINDS:
        assert one.newest(kind)[1].hex() not in one.fingerprint()


@pytest.mark.parametrize("kind", KINDS)
def test_one_changed_kind_changes_the_fingerprint(folder: Path, kind: str) -> None:
    before = Keyring.open(folder, create=True).fingerprint()
    (folder / f"{kind}.json").unlink()
    assert Keyring.open(folder, create=True).fingerprint() != before


@pytest.mark.parametrize("kind", KINDS)
def test_rotation_keeps_the_older_key_and_the_fingerprint(folder: Path, kind: str) -> None:
    keyring = Keyring.open(folder, create=True)
    fingerprint, old = keyring.fingerprint(), keyring.newest(kind)
    assert keyring.rotate(kind) == 2
    kid, secret = keyring.newest(kind)
    assert (kid, old[0]) == (2, 1)
    assert secret != old[1]
    assert keyring.all(kind)[1].secret == old[1]
    assert keyring.all(kind)[1].retired == keyring.all(kind)[2].created
    assert keyring.all(kind)[2].retired is None
    assert keyring.fingerprint() == fingerprint == Keyring.open(folder, create=False).fingerprint()
    assert (folder / f"{kind}.json").stat().st_mode & 0o777 == 0o600


def test_a_cursor_key_verifies_thirty_days_longer(folder: Path) -> None:
    keyring = Keyring.open(folder, create=True)
    keyring.rotate("cursor")
    retired = keyring.all("cursor")[1].retired
    assert retired is not None
    assert set(keyring.live("cursor", retired + CURSOR_GRACE - 1)) == {1, 2}
    assert set(keyring.live("cursor", retired + CURSOR_GRACE)) == {2}
    keyring.rotate("pepper")
    assert set(keyring.live("pepper", retired + 10 * CURSOR_GRACE)) == {1, 2}


def test_a_running_process_picks_a_rotated_key_up(folder: Path) -> None:
    running = Keyring.open(folder, create=True)
    asyncio.run(running.refresh())
    before = running.all("cursor")
    asyncio.run(running.refresh())
    assert running.all("cursor") is before
    Keyring.open(folder, create=False).rotate("cursor")
    asyncio.run(running.refresh())
    assert running.newest("cursor")[0] == 2


def test_rotation_starts_from_what_another_process_wrote(folder: Path) -> None:
    stale = Keyring.open(folder, create=True)
    Keyring.open(folder, create=False).rotate("cursor")
    assert stale.rotate("cursor") == 3


def _race(folder: Path, start: multiprocessing.synchronize.Event, results: multiprocessing.Queue) -> None:
    start.wait()
    results.put(Keyring.open(folder, create=True).fingerprint())


def test_of_two_racing_processes_one_wins(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    for attempt in range(5):
        start, results = context.Event(), context.Queue()
        folder = tmp_path / str(attempt)
        racers = [context.Process(target=_race, args=(folder, start, results)) for _ in range(4)]
        for racer in racers:
            racer.start()
        start.set()
        assert len({results.get(timeout=30) for _ in racers}) == 1
        for racer in racers:
            racer.join()
        assert len(list(folder.iterdir())) == len(KINDS)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_may_use_is_refused(folder: Path, mode: int) -> None:
    Keyring.open(folder, create=True)
    (folder / "cursor.json").chmod(mode)
    with pytest.raises(SettingsError, match=r"cursor\.json: others than its owner.*chmod 600"):
        Keyring.open(folder, create=True)


def test_a_folder_that_others_may_use_is_refused(folder: Path) -> None:
    Keyring.open(folder, create=True)
    folder.chmod(0o755)
    with pytest.raises(SettingsError, match=r"others than its owner.*0755.*chmod 700"):
        Keyring.open(folder, create=False)


def test_nothing_is_made_unasked(folder: Path) -> None:
    with pytest.raises(SettingsError, match="no secrets folder"):
        Keyring.open(folder, create=False)
    assert not folder.exists()
    Keyring.open(folder, create=True)
    (folder / "pepper.json").unlink()
    with pytest.raises(SettingsError, match=r"pepper\.json: this secrets file is missing"):
        Keyring.open(folder, create=False)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="the secrets folder cannot be made"):
        Keyring.open(tmp_path / "file" / "secrets", create=True)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"kind": "pepper", "keys": []}',
        b'{"kind": "cursor", "keys": []}',
        b'{"kind": "cursor", "keys": [{"kid": 1, "created": "2026-01-01T00:00:00Z", "retired": null, "secret": "00"}]}',
        b'{"kind": "cursor", "keys": [{"kid": 1, "created": 5, "retired": null, "secret": "'
        + b"00" * 32
        + b'"}]}',
        b'{"kind": "cursor", "keys": [{"kid": "1", "created": "2026-01-01T00:00:00Z", "retired": null, "secret": "'
        + b"00" * 32
        + b'"}]}',
    ],
)
def test_a_damaged_file_is_refused_without_its_content(folder: Path, content: bytes) -> None:
    Keyring.open(folder, create=True)
    (folder / "cursor.json").write_bytes(content)
    with pytest.raises(SettingsError, match=r"cursor\.json: this is not a file of cursor keys"):
        Keyring.open(folder, create=True)


def test_the_secret_is_not_in_a_representation(folder: Path) -> None:
    keyring = Keyring.open(folder, create=True)
    stored = json.loads((folder / "audit.json").read_text())["keys"][0]
    shown = repr(keyring.all("audit")) + repr(keyring)
    assert stored["secret"] not in shown
    assert repr(keyring.newest("audit")[1]) not in shown
