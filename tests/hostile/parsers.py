"""Everything that reads bytes of strangers, under atheris: it may refuse in its own words, and nothing else.

python -m tests.hostile.parsers [SECONDS]        (20 for each parser; without NAME all, one after the other)
python -m tests.hostile.parsers NAME SECONDS     (one, guided by coverage)
"""

from __future__ import annotations

import inspect
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from taxii_hub.errors import HubError
from taxii_hub.mapping.convert import ConvertOptions, convert
from taxii_hub.mapping.detect import detect
from taxii_hub.mapping.golden import samples
from taxii_hub.mapping.registry import Registry, registry_of
from taxii_hub.policy.banner import terms_of_statement
from taxii_hub.settings import Settings
from taxii_hub.stix import patterns, strict_json, timestamps
from taxii_hub.taxii import cursor, envelope, filters, media_types
from taxii_hub.web.multipart import boundary_of, parse

NOW: Final = 1_800_000_000_000_000
KEYS: Final = cursor.CursorKeys((1, b"k" * 32), {1: (b"k" * 32, None)})
SLOW: Final = 5
"""Seconds that one input may take."""


@dataclass(frozen=True)
class Parser:
    """``read`` raises for a defect only. ``seeds``: good inputs to begin with."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]


def _refusing(read: Callable[[bytes], object], *expected: type[Exception]) -> Callable[[bytes], object]:
    """``expected``: what the parser says no with, besides what the hub answers or tells people."""

    def run(data: bytes) -> object:
        try:
            return read(data)
        except (HubError, *expected) as error:
            str(error)  # its words can be made
            return None

    return run


def _text(data: bytes) -> str:
    return (
        data.decode("utf-8", "surrogatepass" if b"\xed" in data else "replace")
        if _decodes(data)
        else data.decode("latin-1")
    )


def _decodes(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _envelope(data: bytes) -> None:
    """What is stored is what stood there: each good member's bytes are JSON, and parse to its value."""
    for member in envelope.parse_envelope(data):
        if member.problem is None and member.value is not None:
            assert json.loads(member.data) == member.value
            envelope.digest(member.value)


def _filters(data: bytes) -> None:
    for kind in ("objects", "manifest", "object", "versions", "delete"):
        try:
            filters.parse_query(data, kind)
        except HubError as error:
            str(error)


def _cursor(data: bytes) -> None:
    """Only what the keys signed is a cursor; and whatever they signed is read."""
    found = cursor.decode(KEYS, _text(data), NOW)
    assert cursor.encode(KEYS, found) == _text(data)


def _media(data: bytes) -> None:
    for check in (media_types.check_accept, media_types.check_content_type):
        try:
            check(data.decode("latin-1"))
        except HubError as error:
            str(error)


def _form(data: bytes) -> None:
    head, _, body = data.partition(b"\n")
    parse(boundary_of(head.decode("latin-1")), body)


@cache
def _registry() -> Registry:
    return registry_of(Settings())


def _report(data: bytes) -> None:
    """A file of unknown format: detected, and converted where a mapping claims it."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        path = Path(folder) / "report"
        path.write_bytes(data)
        spec = detect(_registry(), path, "report")
        if spec.format in _LIBRARIES:
            return  # a process each time: tests/support/mutations.py has them
        made = convert(
            spec, path, ConvertOptions(Settings().id_namespace, edition="2026-01-05T00:00:00.000Z")
        )
        assert made.account["leaves"] == sum(made.account["buckets"].values())
        assert not [problem for problem in made.problems if problem.code == "mapping-code"]


_LIBRARIES: Final = frozenset({"misp_event_json", "stix1_xml"})


@cache
def _reports() -> tuple[bytes, ...]:
    found = [file for spec in _registry() if spec.format not in _LIBRARIES for file in samples(spec)]
    small = [file.read_bytes() for file in found if file.is_file() and file.stat().st_size < 20_000]
    return tuple(small[::4]) or (b"<x/>",)


_SIGNED = cursor.encode(
    KEYS, cursor.Cursor(1, NOW, None, filters.parse_query(b"match[id]=a,b", "objects").query, 3)
)
_OBJECT = b'{"type":"indicator","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","created":"2026-01-01T00:00:00.000Z","x":[1,1.5,null]}'
PARSERS: Final[dict[str, Parser]] = {
    "envelope": Parser(_refusing(_envelope), (b'{"objects": [' + _OBJECT + b"," + _OBJECT + b"]}", b'{"type":"bundle","objects":[]}')),
    "strict-json": Parser(_refusing(lambda data: strict_json.scan(_text(data), 0), json.JSONDecodeError), (_OBJECT, b'{"a":{"b":[1e4,"\\u00e9"]}}')),
    "query": Parser(_refusing(_filters), (b"limit=5&added_after=2026-01-01T00:00:00.000001Z&match[version]=first,last&match[id]=a", b"next=1.ab.cd")),
    "cursor": Parser(_refusing(_cursor), (_SIGNED.encode(),)),
    "media-types": Parser(_refusing(_media), (b'application/taxii+json; version="2.1";q=0.5, */*;q=0.1',)),
    "timestamps": Parser(
        _refusing(lambda data: timestamps.format(timestamps.parse_lenient(_text(data))), ValueError), (b"2026-01-01T00:00:00.000001Z", b"2026-01-01T00:00:00+01:00")
    ),
    "patterns": Parser(
        _refusing(lambda data: patterns.problem_of(_text(data))),
        (b"[file:hashes.'SHA-256' = 'a' AND file:size > 5] FOLLOWEDBY ([url:value LIKE '%x'] REPEATS 5 TIMES) WITHIN 10 SECONDS",),
    ),
    "banners": Parser(_refusing(lambda data: terms_of_statement(_text(data))), (b"SECRET//REL TO USA, GBR", b"TLP:RED", b"(c) 2026")),
    "forms": Parser(
        _refusing(_form), (b'multipart/form-data; boundary=x\n--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n--x--\r\n',)
    ),
    "reports": Parser(_refusing(_report), _reports()),
}  # fmt: skip


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A little different: what atheris does by coverage, for a run without it."""
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((1, 1, 2, 8, 60)))
        new = chance.choice(
            (
                b"",
                bytes([chance.randrange(256)]),
                data[at:end] * 3,
                b'"',
                b"[" * 150,
                b"9" * 30,
                b"\\ud800",
                b"\xed\xa0\x80",
                b"\0",
            )
        )
        data = data[:at] + new + data[end:]
    return data


def _own_functions() -> Iterator[Any]:
    """The hub's own functions and methods: to instrument everything that is loaded takes half a minute."""
    for name, module in list(sys.modules.items()):
        if name.startswith("taxii_hub."):
            places = [module, *(each for each in vars(module).values() if inspect.isclass(each))]
            found = [each for place in places for each in vars(place).values() if inspect.isfunction(each)]
            yield from (each for each in found if each.__module__ == name)


def _guided(name: str, seconds: int) -> None:
    """Never returns: atheris ends the process, with 0 where nothing was found."""
    import atheris

    parser = PARSERS[name]
    for seed in parser.seeds:
        parser.read(seed)
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(parser.seeds):
            (Path(folder) / str(number)).write_bytes(seed)
        found = Path(folder).parent / f"taxii-hub-fuzz-{name}-"
        limits = [
            f"-max_total_time={seconds}",
            f"-timeout={SLOW}",
            "-rss_limit_mb=1500",
            "-max_len=8000",
            f"-artifact_prefix={found}",
        ]
        for function in _own_functions():
            atheris.instrument_func(function)
        atheris.Setup([sys.argv[0], folder, *limits, "-print_final_stats=1", "-verbosity=0"], parser.read)
        atheris.Fuzz()


def main(seconds: int) -> int:
    """All of them, each in a process of its own; returns how many failed."""
    failed = 0
    for name in PARSERS:
        command = [sys.executable, "-m", "tests.hostile.parsers", name, str(seconds)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONHASHSEED": "0"}
        )
        told = [line.split()[-1] for line in done.stderr.splitlines() if "number_of_executed_units" in line]
        sys.stdout.write(f"{name:14} {told[0] if told else '?':>9} inputs, exit {done.returncode}\n")
        sys.stdout.flush()
        if done.returncode:
            failed += 1
            sys.stdout.write(done.stdout[-3000:] + done.stderr[-3000:])
    return failed


def _arguments(given: list[str]) -> Any:
    if len(given) == 2:
        return _guided(given[0], int(given[1]))
    return main(int(given[0]) if given else 20)


if __name__ == "__main__":
    sys.exit(_arguments(sys.argv[1:]))
