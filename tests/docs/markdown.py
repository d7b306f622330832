"""As much Markdown as the tests of the documents need: headings, links, and the blocks that run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^(```+|~~~+)(\w*)[^\n]*\n(.*?)^\1[ ]*$", re.MULTILINE | re.DOTALL)
_RUNS = re.compile(r"<!-- runs: ([\w-]+) -->\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(<?([^()\s>]+)>?(?:\s+\"[^\"]*\")?\)")


@dataclass(frozen=True)
class Block:
    """A fenced block after ``<!-- runs: NAME -->``, as the shell is to run it."""

    name: str
    script: str


def headings(path: Path) -> list[str]:
    """The text of every heading, marks such as backquotes taken away."""
    prose = _FENCE.sub("", path.read_text())
    return [text.replace("`", "").strip() for text in re.findall(r"^#{1,6} +(.+?) *#*$", prose, re.MULTILINE)]


def anchors(path: Path) -> set[str]:
    """What ``#…`` may name in the file, as the forges make it from the headings."""
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)).lower().replace(" ", "-")
        for text in headings(path)
    }


def links(path: Path) -> list[str]:
    """The target of every link and picture that is no full URL."""
    prose = re.sub(r"`[^`\n]+`", "", _FENCE.sub("", path.read_text()))
    return [target for target in _LINK.findall(prose) if not re.match(r"[a-z]+:", target)]


def _commands(language: str, text: str) -> str:
    """A console block shows prompts and answers: only what follows ``$`` (and ``>``) is run."""
    if language == "console":
        return "".join(f"{line[2:]}\n" for line in text.splitlines() if line.startswith(("$ ", "> ")))
    assert language in ("sh", "bash"), f"a block of {language!r} cannot be run"
    return text


def blocks(path: Path) -> list[Block]:
    """The blocks that run, in the order of the document."""
    return [
        Block(name, _commands(language, text)) for name, language, text in _RUNS.findall(path.read_text())
    ]
