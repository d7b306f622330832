"""The documents are complete, and their links lead somewhere."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from taxii_hub import errors
from taxii_hub.settings import PREFIX, Settings
from tests.docs.markdown import DOCUMENTS, ROOT, anchors, blocks, headings, links

DOCS = ROOT / "docs"
MAPPING_LANGUAGE = ("loading.py", "expressions.py")


def _codes(error: type[errors.HubError]) -> set[str]:
    """Of everything below ``error``."""
    return set().union(*({child.code} | _codes(child) for child in error.__subclasses__()))


def _missing_and_stale(wanted: set[str], path: Path, prefix: str = "") -> tuple[list[str], list[str]]:
    found = {text for text in headings(path) if text.startswith(prefix)}
    return sorted(wanted - found), sorted(found - wanted)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    dead = []
    for link in links(path):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        inside = target.is_relative_to(ROOT) and target.exists()
        if not inside or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(link)
    assert not dead


def test_index_lists_every_document() -> None:
    listed = {link.partition("#")[0] for link in links(DOCS / "README.md")}
    assert {path.name for path in DOCS.glob("*.md")} - {"README.md"} <= listed


def test_every_setting_has_its_heading() -> None:
    wanted = {PREFIX + field.name.upper() for field in fields(Settings)}
    assert _missing_and_stale(wanted, DOCS / "settings.md", PREFIX) == ([], [])


def test_every_error_code_has_its_heading() -> None:
    missing, _ = _missing_and_stale(_codes(errors.HubError), DOCS / "errors.md")
    assert missing == []


def _mapping_words() -> set[str]:
    """Every key and word of ``mapping.yaml``: the loader writes them as sets of texts."""
    trees = [ast.parse((ROOT / "src/taxii_hub/mapping" / name).read_text()) for name in MAPPING_LANGUAGE]
    sets = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Set)]
    return {part.value for node in sets for part in node.elts if isinstance(part, ast.Constant)}


def test_every_mapping_key_is_explained() -> None:
    path = DOCS / "mappings.md"
    explained = set(re.findall(r"`([^`\n]+)`", path.read_text())) | set(headings(path))
    words = _mapping_words()
    assert {"identity", "detect", "fields", "ignore", "lookup"} <= words
    assert sorted(words - explained) == []


def test_command_line_is_documented_as_it_is() -> None:
    command = [sys.executable, ROOT / "scripts" / "cli_docs.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_blocks_that_run_are_told_from_those_that_do_not(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "<!-- runs: poll -->\n```console\n$ curl \\\n> http://x\nanswer\n```\n\n```sh\nnot this\n```\n"
        "<!-- runs: two -->\n```sh\nmake demo\n```\n"
    )
    assert [(block.name, block.script) for block in blocks(page)] == [
        ("poll", "curl \\\nhttp://x\n"),
        ("two", "make demo\n"),
    ]


def test_headings_and_links_in_code_are_none(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '# A `b`, c\n```\n# no\n[no](no)\n```\n[x](y.md#z "t") `[no](no)` [u](https://a.example)\n'
    )
    assert headings(page) == ["A b, c"]
    assert anchors(page) == {"a-b-c"}
    assert links(page) == ["y.md#z"]
