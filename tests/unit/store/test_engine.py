"""The embedded MongoDB, with the real mongod: start, stop, move, crash, take over, lock, join."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from pymongo import AsyncMongoClient
from pymongo.write_concern import WriteConcern

from taxii_hub.errors import StoreError
from taxii_hub.settings import Settings
from taxii_hub.store.engine import EmbeddedEngine, engine_for
from taxii_hub.store.engine_files import find_mongod, is_embedded_address

DURABLE = WriteConcern("majority", j=True)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder whose mongod never outlives the test."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    folder = tmp_path / "data"
    yield folder
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(w.startswith(os.fsencode(tmp_path)) for w in words) and words[0].endswith(b"mongod"):
            os.kill(int(process.parent.name), signal.SIGKILL)


@asynccontextmanager
async def running(data: Path, program: Path | None = None) -> AsyncIterator[EmbeddedEngine]:
    engine = EmbeddedEngine(data, program)
    try:
        await engine.start()
        yield engine
    finally:
        await engine.stop()


async def add(uri: str, number: int) -> None:
    async with AsyncMongoClient(uri) as client:
        await client.t.get_collection("kept", write_concern=DURABLE).insert_one({"_id": number})


async def kept(uri: str) -> list[int]:
    async with AsyncMongoClient(uri) as client:
        return sorted([d["_id"] async for d in client.t.kept.find()])


def run(body: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(body())  # type: ignore[arg-type]


def test_it_comes_up_on_a_private_socket_only(data: Path) -> None:
    async def body() -> None:
        async with running(data) as engine:
            socket = Path(engine.socket)
            assert socket.name.endswith(".sock")
            assert len(os.fsencode(socket)) <= 107
            assert not socket.is_relative_to(data)
            assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
            assert engine.log.is_file()
            assert not engine.log.is_relative_to(data)
            listening = Path(f"/proc/{engine.pid}/net/tcp").read_text().splitlines()
            inodes = {line.split()[9] for line in listening[1:] if line.split()[3] == "0A"}
            assert not {f"socket:[{i}]" for i in inodes} & set(_open_files(engine.pid))
            async with AsyncMongoClient(engine.uri) as client:
                hello = await client.admin.command("hello")
                assert (hello["setName"], hello["me"]) == ("hub", engine.socket)
                assert is_embedded_address(hello["me"])
                found = await client.admin.command({"getParameter": 1, "transactionLifetimeLimitSeconds": 1})
                assert found["transactionLifetimeLimitSeconds"] == 5
                async with client.start_session() as session:
                    await session.with_transaction(lambda s: client.t.kept.insert_one({"_id": 1}, session=s))
                async with client.start_session(snapshot=True) as session:
                    assert await client.t.kept.find_one({}, session=session) == {"_id": 1}
                async with await client.t.kept.watch() as stream:
                    await client.t.kept.insert_one({"_id": 2})
                    assert (await stream.next())["documentKey"] == {"_id": 2}
            async with AsyncMongoClient(engine.uri.partition("?")[0] + "?replicaSet=hub") as client:
                assert await client.t.kept.count_documents({}) == 2

    run(body)


def _open_files(pid: int | None) -> Iterator[str]:
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            yield str(handle.readlink())


def test_a_second_start_on_the_same_data_finds_everything(data: Path) -> None:
    async def body() -> None:
        for number in range(3):
            async with running(data) as engine:
                pid = engine.pid
                await add(engine.uri, number)
            assert engine.pid is None
            assert not Path(f"/proc/{pid}").exists()
        async with running(data) as engine:
            assert await kept(engine.uri) == [0, 1, 2]

    run(body)


def test_a_moved_data_folder_works(data: Path) -> None:
    async def body() -> None:
        async with running(data) as engine:
            await add(engine.uri, 1)
            first = engine.socket
        moved = data.parent / "elsewhere"
        data.rename(moved)
        async with running(moved) as engine:
            assert engine.socket != first
            assert await kept(engine.uri) == [1]
            await add(engine.uri, 2)

    run(body)


def test_a_runtime_folder_that_moved_works(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with running(data) as engine:
            await add(engine.uri, 1)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        async with running(data) as engine:
            assert Path(engine.socket).parent == tmp_path / "taxii-hub"
            assert await kept(engine.uri) == [1]

    run(body)


def test_a_killed_mongod_is_told_and_started_again_with_all_that_was_acknowledged(data: Path) -> None:
    async def body() -> None:
        async with running(data) as engine:
            for number in range(20):
                await add(engine.uri, number)
            assert engine.pid is not None
            os.kill(engine.pid, signal.SIGKILL)
            await asyncio.wait_for(engine.wait(), 5)
            assert engine.pid is None
            assert engine.last_words() == "exit status -9"
            await engine.start()
            assert await kept(engine.uri) == list(range(20))

    run(body)


def test_two_hubs_on_one_data_folder_are_refused(data: Path) -> None:
    async def body() -> None:
        async with running(data) as engine:
            with pytest.raises(StoreError, match=rf"process {os.getpid()} \(.*\) runs the embedded MongoDB"):
                await EmbeddedEngine(data).start(patience=0)
            await add(engine.uri, 1)

    run(body)


def test_a_hub_waits_for_a_command_that_is_about_to_end(data: Path) -> None:
    async def body() -> None:
        async with running(data) as first:
            await add(first.uri, 1)
            second = EmbeddedEngine(data)
            starting = asyncio.create_task(second.start(patience=30))
            await asyncio.sleep(0.2)
            assert not starting.done()
            await first.stop()
            assert await kept(await starting) == [1]
            await second.stop()

    run(body)


def test_a_command_joins_a_running_hub_and_leaves_it_running(data: Path) -> None:
    async def body() -> None:
        async with running(data) as engine:
            async with engine_for(Settings(data_dir=data)) as uri:
                assert uri == engine.uri
                await add(uri, 1)
            assert await kept(engine.uri) == [1]

    run(body)


def test_a_command_finds_the_socket_of_a_hub_with_another_runtime_folder(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        async with running(data) as engine:
            monkeypatch.delenv("XDG_RUNTIME_DIR")
            async with engine_for(Settings(data_dir=data)) as uri:
                assert uri == engine.uri

    run(body)


def test_a_command_starts_one_for_the_duration_which_stays_for_those_who_joined(data: Path) -> None:
    async def body() -> None:
        settings = Settings(data_dir=data)
        owner, joiner = engine_for(settings), engine_for(settings)
        uri = await owner.__aenter__()
        assert await joiner.__aenter__() == uri
        leaving = asyncio.create_task(owner.__aexit__(None, None, None))
        await asyncio.sleep(0.2)
        assert not leaving.done()
        await add(uri, 1)
        await joiner.__aexit__(None, None, None)
        await leaving
        async with running(data) as engine:
            assert await kept(engine.uri) == [1]

    run(body)


def test_commands_that_start_together_share_one(data: Path) -> None:
    async def one(number: int) -> str:
        async with engine_for(Settings(data_dir=data)) as uri:
            await add(uri, number)
            return uri

    async def body() -> None:
        assert len(set(await asyncio.gather(*(one(n) for n in range(4))))) == 1
        async with running(data) as engine:
            assert await kept(engine.uri) == [0, 1, 2, 3]

    run(body)


def test_an_own_mongodb_is_left_alone(tmp_path: Path) -> None:
    async def body() -> None:
        settings = Settings(mongodb_uri="mongodb://db.example.org/?replicaSet=rs", data_dir=tmp_path / "none")
        async with engine_for(settings) as uri:
            assert uri == settings.mongodb_uri
        assert not settings.data_dir.exists()

    run(body)


def _orphan(data: Path, socket: str) -> subprocess.Popen[bytes]:
    command = [str(find_mongod()), "--dbpath", str(data / "db"), "--bind_ip", socket, "--replSet", "hub"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)


def test_a_left_over_mongod_is_adopted(data: Path) -> None:
    async def body() -> None:
        async with running(data) as engine:
            await add(engine.uri, 1)
            socket = engine.socket
        orphan = _orphan(data, socket)
        await asyncio.to_thread(_until_listening, socket)
        await asyncio.sleep(1)
        async with running(data) as engine:
            assert engine.pid == orphan.pid
            assert await kept(engine.uri) == [1]
        assert orphan.wait(10) == 0
        assert engine.pid is None

    run(body)


def test_a_left_over_mongod_on_another_socket_is_replaced(data: Path, tmp_path: Path) -> None:
    async def body() -> None:
        async with running(data) as engine:
            await add(engine.uri, 1)
        orphan = _orphan(data, str(tmp_path / "x.sock"))
        await asyncio.to_thread(_until_listening, str(tmp_path / "x.sock"))
        reaper = threading.Thread(target=orphan.wait)
        reaper.start()
        async with running(data) as engine:
            assert engine.pid != orphan.pid
            assert await kept(engine.uri) == [1]
        reaper.join()

    run(body)


def _until_listening(path: str) -> None:
    for _ in range(500):
        if Path(path).exists():
            return
        time.sleep(0.02)
    raise AssertionError("mongod did not listen")


def test_a_lock_file_of_a_dead_or_foreign_process_means_nothing(data: Path) -> None:
    async def body() -> None:
        for content in ("", "no number", str(os.getpid()), "999999999"):
            (data / "db").mkdir(parents=True, exist_ok=True)
            (data / "db" / "mongod.lock").write_text(content)
            (data / "engine.lock").write_text("{")
            async with running(data) as engine:
                assert engine.pid not in (None, os.getpid())

    run(body)


def test_without_any_mongod_the_words_say_what_to_do(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "/nonexistent")

    async def body() -> None:
        engine = EmbeddedEngine(data)
        with pytest.raises(StoreError) as caught:
            await engine.start()
        await engine.stop()
        for words in ("taxii-hub[embedded]", "mongod of 6.0", "PATH", "TAXII_HUB_MONGODB_URI"):
            assert words in str(caught.value)

    run(body)


def test_the_mongod_on_path_is_taken_where_the_wheel_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mongod").symlink_to(find_mongod())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_mongod().parent != tmp_path
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert find_mongod() == tmp_path / "mongod"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 48", "could not open its socket"),
        ("exit 7", "exit status 7"),
        ("kill -ILL $$", "no AVX"),
        (
            "echo 'mongod: error while loading shared libraries: libcurl.so.4: cannot open shared object file' >&2;exit 127",
            "libcurl.so.4 is missing; install Debian's libcurl4",
        ),
        ('echo \'{"s":"F","c":"STORAGE","msg":"Fatal assertion"}\'; exit 14', "Fatal assertion"),
        ('echo \'{"s":"E","c":"COMMAND","msg":"Failed to handle request"}\'; exit 14', "exit status 14"),
        ('echo \'{"s":"E","c":"WT","attr":{"m":"No space left on device"}}\'; exit 14', "the disk is full"),
    ],
)
def test_the_end_of_mongod_is_told_in_words(data: Path, tmp_path: Path, script: str, words: str) -> None:
    program = tmp_path / "fake-mongod"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)

    async def body() -> None:
        engine = EmbeddedEngine(data, program)
        with pytest.raises(StoreError, match="the embedded MongoDB ended") as caught:
            await engine.start()
        assert words in str(caught.value)
        await engine.stop()

    run(body)


def test_it_works_without_setpriv(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    async def body() -> None:
        async with running(data) as engine:
            await add(engine.uri, 1)

    run(body)


def test_it_is_started_from_the_main_thread_only(data: Path) -> None:
    async def body() -> None:
        engine = EmbeddedEngine(data)
        with pytest.raises(StoreError, match="main thread"):
            await engine.start()
        await engine.stop()

    failures: list[BaseException] = []

    def elsewhere() -> None:
        try:
            asyncio.run(body())
        except BaseException as error:  # noqa: BLE001 - handed to the test's thread
            failures.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert not failures


@pytest.mark.parametrize("where", ["file/data", "gone"])
def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere" / "x")

    async def body() -> None:
        with pytest.raises(StoreError, match="data folder cannot be made"):
            await EmbeddedEngine(tmp_path / where).start()

    run(body)


def test_a_socket_folder_that_is_not_private_is_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "taxii-hub").mkdir(mode=0o755)

    async def body() -> None:
        with pytest.raises(StoreError, match="is not private to this user"):
            await EmbeddedEngine(data).start()

    run(body)
    shutil.rmtree(tmp_path / "taxii-hub")
    (tmp_path / "taxii-hub").symlink_to(data.parent)
    run(body)


def test_a_long_runtime_folder_is_passed_over(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))

    async def body() -> None:
        async with running(data) as engine:
            assert not Path(engine.socket).is_relative_to(tmp_path)

    run(body)


def test_a_socket_folder_that_cannot_be_made_is_named(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "taxii-hub").write_text("")

    async def body() -> None:
        with pytest.raises(StoreError, match="cannot be made"):
            await EmbeddedEngine(data).start()

    run(body)


def test_stopping_what_does_not_answer_takes_harder_means(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taxii_hub.store.engine._PATIENCE", 0.3)

    async def body() -> None:
        async with running(data) as engine:
            assert engine.pid is not None
            pid = engine.pid
            os.kill(pid, signal.SIGSTOP)
            await engine.stop()
            assert not Path(f"/proc/{pid}").exists()

    run(body)


def test_the_log_is_two_small_files(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("taxii_hub.store.engine_process._LOG_BYTES", 10_000)

    async def body() -> None:
        async with running(data) as engine:
            pass
        assert engine.log.stat().st_size < 20_000
        assert 10_000 < engine.log.with_suffix(".log.1").stat().st_size < 20_000
        assert stat.S_IMODE(engine.log.stat().st_mode) == 0o600
        engine.log.unlink()
        engine.log.mkdir()
        async with running(data) as engine:
            await add(engine.uri, 1)
        engine.log.rmdir()

    run(body)
