"""The command line: ``taxii-hub GROUP COMMAND``. One file for each group, loaded when it is used."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from taxii_hub import __version__
from taxii_hub.errors import HubError

COMMANDS = (
    "serve",
    "demo",
    "doctor",
    "convert",
    "ingest",
    "collections",
    "agencies",
    "accounts",
    "mappings",
    "objects",
    "releases",
    "audit",
    "store",
)


class LazyGroup(click.Group):
    """Imports a command's module only when the command is asked for, so that each starts quickly."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the documentation."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, from the module of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"taxii_hub.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """A HubError is a sentence for the person at the terminal, never a traceback."""
        try:
            return super().invoke(ctx)
        except HubError as error:
            click.echo(f"taxii-hub: {error}", err=True)
            sys.exit(1)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="taxii-hub")
def main() -> None:
    """National report formats in, STIX 2.1 over TAXII 2.1 out, MongoDB underneath.

    Exit codes, where a command does not name its own: 0 done, 1 refused or failed (the reason is on
    standard error), 2 wrong usage.
    """
