"""reader.py in its process: limits, refusals, objects of a library and their account (R5, R8)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from taxii_hub.errors import MappingError, ReportError
from taxii_hub.mapping.constants import SOURCE
from taxii_hub.mapping.convert import Conversion, ConvertOptions, convert
from taxii_hub.mapping.registry import load_registry
from taxii_hub.stix.markings import TLP_2_IDS
from tests.unit.mapping.conftest import NAMESPACE

MAPPING = """\
identity:
  format: lib_list
  version: "1"
  title: Library list
  issuer: {name: Atlantis, identity_class: organization, since: "2000-01-01"}
detect: {keys: [ref]}
reader: {kind: library, records: [event], extra: legacy, seconds: 5, megabytes: 512}
key: ref
dates: {edition: date, from: records}
fields: {ref: line, date: day, name: line, "parts/**": line}
markings: {tlp: green}
ignore: {noise: It is noise.}
"""
READ = """\
import json
def read(path, asked):
    said = json.loads(path.read_text())
    leaves = [[key, value] for key, value in said.items()]
"""
Try = Callable[..., Conversion]


@pytest.fixture
def attempt(tmp_path: Path) -> Try:
    def attempted(code: str, said: dict[str, str] | None = None, trust: bool = True) -> Conversion:
        folder = tmp_path / "mappings" / "lib_list"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
        (folder / "reader.py").write_text(READ + code, encoding="utf-8")
        spec = load_registry(folder.parent, (folder.parent,) if trust else ()).get("lib_list")
        report = tmp_path / "report.json"
        report.write_text(json.dumps({"ref": "R-0001", "date": "2026-01-02", **(said or {})}))
        return convert(spec, report, ConvertOptions(NAMESPACE))

    return attempted


OBJECTS = """\
    from uuid import uuid4
    from datetime import datetime, timezone
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    ids = [f"identity--{uuid4()}", f"malware--{uuid4()}", f"relationship--{uuid4()}", f"grouping--{uuid4()}"]
    head = {"spec_version": "2.1", "created": now, "modified": now}
    yield {"record": "event", "line": 3, "leaves": leaves, "main": ids[3], "trace": [[1, "derived", "x"]], "objects": [
        {"type": "identity", "id": ids[0], **head, "name": said["name"], "identity_class": "group"},
        {"type": "malware", "id": ids[1], **head, "is_family": "maybe"},
        {"type": "relationship", "id": ids[2], **head, "relationship_type": "related-to", "source_ref": ids[0], "target_ref": ids[1]},
        {"type": "grouping", "id": ids[3], **head, "context": "unspecified", "object_refs": ids[:3]},
    ]}
"""


def test_a_library_makes_objects_and_every_leaf_is_accounted_for(attempt: Try) -> None:
    said = {"name": "Bad Crew", "noise": "zzzzz", "parts/a": "kept here", "unknown": "also kept"}
    made, again = attempt(OBJECTS, said), attempt(OBJECTS, said)
    assert made.data == again.data
    assert made.account["buckets"] == {
        "mapped": 1, "carried": 2, "derived": 1, "minimised": 0, "ignored": 1, "dropped": 0, "unlisted": 1,
    }  # fmt: skip
    grouping = next(o for o in made.objects() if o["type"] == "grouping")
    assert len(grouping["object_refs"]) == 1
    assert grouping["modified"] == "2026-01-02T00:00:00.000Z"
    assert grouping["object_marking_refs"] == [TLP_2_IDS["green"]]
    assert [item["path"] for item in grouping["extensions"][SOURCE]["residual"]] == [
        "ref",
        "parts/a",
        "unknown",
    ]
    assert sorted(problem.code for problem in made.problems) == [
        "lost-object",
        "lost-object",
        "unlisted-field",
    ]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("    yield {'refused': 'holds no event'}", "report.json: holds no event"),
        ("    raise KeyError('Event')", r"its library cannot read it \(KeyError: 'Event'\)"),
        ("    while True: pass", "needs more than the 5 s and 512 MB"),
        ("    held = bytearray(1 << 30); yield held", "needs more than the 5 s and 512 MB"),
        ("    import socket; socket.socket()", "a reader has no network"),
        ("    import os; os.kill(os.getpid(), 11)", "needs more than"),
        (
            "    yield {'record': 'event', 'leaves': [['a', 1 and print('noise') or 'x']]}",
            "has no date; give",
        ),
    ],
)
def test_what_ends_badly_is_a_report_error(attempt: Try, code: str, message: str) -> None:
    with pytest.raises(ReportError, match=message):
        attempt(code)


def test_a_missing_library_names_its_extra(attempt: Try) -> None:
    with pytest.raises(
        ReportError, match=r"needs the library no_such_lib.*pip install 'taxii-hub\[legacy\]'"
    ):
        attempt("import no_such_lib\n")


def test_a_reader_is_code_and_wants_trust(attempt: Try) -> None:
    with pytest.raises(MappingError, match="is code, which is not trusted"):
        attempt("    yield {}", trust=False)


def test_a_record_may_fail_alone(attempt: Try) -> None:
    made = attempt(
        "    yield {'record': 'event', 'leaves': leaves, 'failed': "
        "[{'code': 'bad', 'message': 'is bad', 'remedy': 'mend it'}]}"
    )
    assert made.failed_records == 1
    assert made.account["buckets"]["dropped"] == 2
