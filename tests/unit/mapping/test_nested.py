"""Records as trees, below paths that end in /**; cyber-observables; hooks in several files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from taxii_hub.errors import MappingError
from taxii_hub.mapping.convert import Conversion
from taxii_hub.mapping.registry import load_registry
from taxii_hub.mapping.spec import Spec

ROWS = """<ROW><REF>A1</REF>
<MORE kind="net"><HOST port="7">192.0.2.1</HOST><MORE><HOST>192.0.2.2</HOST><HOST>192.0.2.1</HOST></MORE></MORE>
<MORE kind="rest"><COLOUR>blue</COLOUR></MORE></ROW>"""
NESTED = (
    ("  BORN: day\n", "  BORN: day\n  MORE/**: line\n"),
    ("main: subject\n", "main: subject\nbuild: [seen]\n"),
)
HOOKS = """
    from .hosts import seen
    __all__ = ["seen"]
"""
HOSTS = """
from taxii_hub.mapping.cyber_observables import observe
from taxii_hub.mapping.nested import tree


def seen(view, emitter):
    row = tree(view)
    assert [element.name for element in row.all("REF", "MORE")] == ["REF", "MORE", "MORE"]
    assert [str(host.text.data) for host in row.at("MORE/HOST")] == ["192.0.2.1"]
    assert row.said("nothing", "REF").data == "A1"
    assert row.said("nothing") is None
    first = row.all("MORE")[0]
    assert first.said("kind").data == "net"
    assert len(first.positions()) == 5
    for host in first.walk():
        if host.name == "HOST":
            observe(emitter, "ipv4-addr", {"value": host.text})
"""


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def test_what_is_nested_is_read_seen_and_what_is_left_carried(
    make: Callable[..., Spec], run: Callable[..., Conversion], tmp_path: Path
) -> None:
    folder = tmp_path / "mappings" / "tiny_list"
    folder.mkdir(parents=True)
    write(folder, "hosts.py", HOSTS)
    made = run(make(*NESTED, hooks=HOOKS), ROWS)
    assert made.problems == ()
    hosts = [item for item in made.objects() if item["type"] == "ipv4-addr"]
    assert [host["value"] for host in hosts] == ["192.0.2.1", "192.0.2.2"]
    for host in hosts:
        assert "created" not in host
        assert host["object_marking_refs"]
    buckets = {entry["path"]: entry["buckets"] for entry in made.account["paths"]}
    assert buckets["MORE/HOST"] == buckets["MORE/MORE/HOST"] | {"mapped": 1}
    assert buckets["MORE/HOST/@port"] == {"carried": 1}
    assert buckets["MORE/COLOUR"] == {"carried": 1}


def test_files_beside_hooks_belong_to_their_folder(make: Callable[..., Spec], tmp_path: Path) -> None:
    """Two folders with a mapping of one name: each has its own files, and none stays behind."""
    for place, colour in (("one", "warm"), ("two", "cold")):
        folder = tmp_path / place / "tiny_list"
        folder.mkdir(parents=True)
        spec = make(
            ("main: subject\n", "main: subject\nbuild: [paint]\n"), hooks="def paint(view, emitter): ..."
        )
        write(folder, "mapping.yaml", (spec.folder / "mapping.yaml").read_text(encoding="utf-8"))
        write(folder, "hooks.py", "from .colours import paint\n")
        write(folder, "colours.py", f"def paint(view, emitter):\n    return {colour!r}\n")
    said = []
    for place in ("one", "two"):
        registry = load_registry(tmp_path / place, (tmp_path / place,))
        said.append(registry.get("tiny_list").build[0](None, None))
    assert said == ["warm", "cold"]


def test_a_file_that_is_not_there_is_told(make: Callable[..., Spec]) -> None:
    with pytest.raises(MappingError, match="mend the code"):
        make(hooks="from .nowhere import anything")
