"""``taxii-hub doctor``: what this hub would run on, and what is wrong with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from taxii_hub.cli.doctor_checks import Finding, of_the_database, of_this_machine
from taxii_hub.errors import SettingsError
from taxii_hub.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Say which MongoDB, durability, folders, secrets and collections are in use, and what is wrong.

    Changes nothing, works beside a running hub, and starts the embedded MongoDB for the duration where
    none runs.

    Exit codes: 0 nothing stops the hub (warnings are possible), 1 a problem does, 2 wrong usage.
    """
    findings = _examined()
    if as_json:
        ok = all(f.level != "problem" for f in findings)
        click.echo(json.dumps({"ok": ok, "findings": [asdict(f) for f in findings]}, indent=2))
    else:
        for finding in findings:
            click.echo(_line(finding))
    if any(f.level == "problem" for f in findings):
        raise SystemExit(1)


def _examined() -> Sequence[Finding]:
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        return [Finding("settings", "problem", str(error), "correct the variable")]
    return [*of_this_machine(settings), *asyncio.run(of_the_database(settings))]


def _line(finding: Finding) -> str:
    colour = {"ok": "green", "warning": "yellow", "problem": "red"}[finding.level]
    remedy = f"\n{'':22}→ {finding.remedy}" if finding.remedy else ""
    return f"{click.style(f'{finding.level:8}', fg=colour)} {finding.check:12} {finding.message}{remedy}"
