"""Every error of the tree has its status, and its heading in docs/errors.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from taxii_hub import errors
from taxii_hub.web.errors import REFUSALS

DOCS = Path(__file__).parents[3] / "docs" / "errors.md"
# what ends a command or a start, and never an HTTP request
OF_COMMANDS = (
    errors.CatalogError,
    errors.SettingsError,
    errors.StoreError,
    errors.MappingError,
    errors.ReportError,
)


def tree() -> list[type[errors.HubError]]:
    kinds = list(errors.HubError.__subclasses__())
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return [kind for kind in kinds if kind.__module__ == errors.__name__]


def test_every_error_is_answered_or_is_one_of_commands():
    of_requests = {kind.code for kind in tree() if not issubclass(kind, OF_COMMANDS)}
    assert set(REFUSALS) == of_requests


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_refusals_are_client_errors_or_503(code):
    refusal = REFUSALS[code]
    assert 400 <= refusal.status < 500 or refusal.status == 503
    assert refusal.title


@pytest.mark.parametrize("code", [*sorted(REFUSALS), "internal", "http-404", "http-405"])
def test_every_refusal_is_documented(code):
    assert f"### {code}\n" in DOCS.read_text("utf-8")


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_documented_statuses_are_the_real_ones(code):
    section = DOCS.read_text("utf-8").split(f"### {code}\n")[1].split("### ")[0]
    assert f"Status {REFUSALS[code].status}." in section
