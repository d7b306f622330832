"""Write ``docs/cli.md`` from the command tree; with ``--check`` only say whether it is up to date."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from taxii_hub.cli import main as root

TARGET = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
PROGRAM = "taxii-hub"
INTRODUCTION = f"""# The command line

Written by `scripts/cli_docs.py` from the commands themselves; `make docs` writes it again.
`{PROGRAM} COMMAND --help` prints the same. Settings come from the environment: [settings.md](settings.md).
"""


def walk(command: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """The command and everything below it, in alphabetical order, hidden ones left out."""
    yield command, context
    if isinstance(command, click.Group):
        for name in sorted(command.list_commands(context)):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from walk(child, click.Context(child, info_name=name, parent=context))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = [record for p in command.params if (record := p.get_help_record(context))]
    rows = [(names, text) for names, text in records if text]
    if rows:
        yield "| option | what it does |"
        yield "|---|---|"
        yield from (f"| `{_cell(names)}` | {_cell(text)} |" for names, text in rows)
        yield ""


def _prose(help_text: str) -> Iterator[str]:
    """Paragraphs; those that click is told not to wrap (``\\b``) become blocks of plain text."""
    for paragraph in inspect.cleandoc(help_text).replace("\f", "").strip().split("\n\n"):
        lines = [line.rstrip() for line in paragraph.splitlines()]
        yield from ["```text", *lines[1:], "```"] if lines[:1] == ["\b"] else lines
        yield ""


def _section(command: click.Command, context: click.Context) -> Iterator[str]:
    depth = len(context.command_path.split())
    yield f"{'#' * min(depth + 1, 6)} {context.command_path}"
    yield ""
    yield f"`{' '.join([context.command_path, *command.collect_usage_pieces(context)])}`"
    yield ""
    if command.help:
        yield from _prose(command.help)
    yield from _options(command, context)


def render() -> str:
    lines = [INTRODUCTION]
    for command, context in walk(root, click.Context(root, info_name=PROGRAM)):
        lines += _section(command, context)
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: list[str]) -> int:
    text = render()
    if arguments != ["--check"]:
        TARGET.write_text(text)
        return 0
    if TARGET.is_file() and TARGET.read_text() == text:
        return 0
    sys.stderr.write(f"{TARGET.name} is not what the commands say: run `make docs`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
