"""Every test that docs/security.md names is there."""

from __future__ import annotations

import ast
import re

from tests.docs.markdown import ROOT

DOCUMENT = ROOT / "docs" / "security.md"


def test_every_named_test_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", DOCUMENT.read_text()))
    assert len(named) > 40
    missing = {
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).is_file() or name not in _functions((ROOT / path).read_text())
    }
    assert not missing


def test_every_hostile_module_is_named() -> None:
    text = DOCUMENT.read_text()
    modules = (ROOT / "tests" / "hostile").glob("test_*.py")
    assert not [path.name for path in modules if f"tests/hostile/{path.name}" not in text]


def _functions(source: str) -> set[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)}
