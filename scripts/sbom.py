"""Write a software bill of materials (CycloneDX 1.6, JSON) of what a lock file installs.

    .venv/bin/python scripts/sbom.py [requirements/runtime.lock] [-o taxii-hub.cdx.json]

Names, versions, hashes and who needs whom come from the lock file, licences from the packages where they are
installed in that very version. The same lock gives the same document, byte for byte.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import uuid
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from taxii_hub import __version__

ROOT: Final = Path(__file__).resolve().parent.parent
OWN: Final = "taxii-hub"
_PACKAGE: Final = re.compile(r"([A-Za-z0-9._-]+)==([^\s;\\]+)(?:\s*;\s*([^\\]+))?")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_VIA: Final = re.compile(r"\s+#(?: via)?\s+([A-Za-z0-9][A-Za-z0-9._-]*)")
_NAMESPACE: Final = uuid.UUID("9d2c5f0e-7a52-4c1e-8f2b-3c1d9be0a6f4")


@dataclass
class Package:
    """One line of a lock file. ``needed_by``: names, of packages or of the project itself."""

    name: str
    version: str
    marker: str | None
    hashes: list[str] = field(default_factory=list)
    needed_by: list[str] = field(default_factory=list)

    @property
    def reference(self) -> str:
        """A package URL."""
        return f"pkg:pypi/{self.name}@{self.version}"


def packages(lock: Path) -> list[Package]:
    """What the lock file pins, in its order. Raises ValueError for a package without a hash."""
    found: list[Package] = []
    for line in lock.read_text().splitlines():
        if match := _PACKAGE.match(line):
            found.append(Package(_folded(match[1]), match[2], match[3] and match[3].strip()))
        elif found:
            found[-1].hashes += _HASH.findall(line)
            found[-1].needed_by += [_folded(name) for name in _VIA.findall(line) if name != "via"]
    for package in found:
        if not package.hashes:
            raise ValueError(
                f"{lock}: {package.name} is locked without a hash; write the lock again (make lock)"
            )
    return found


def licence(package: Package) -> str | None:
    """What the installed package says of its licence; None where another version or none is installed."""
    try:
        told = metadata.metadata(package.name).json
    except metadata.PackageNotFoundError:
        return None
    if told["version"] != package.version:
        return None
    classified = [
        text for text in told.get("classifier", ()) if text.startswith("License :: OSI Approved :: ")
    ]
    in_words = str(told.get("license", "")).strip().partition("\n")[0][:100]
    said = (
        told.get("license_expression")
        or " AND ".join(text.rpartition(" :: ")[2] for text in classified)
        or in_words
    )
    return str(said) or None


def bill(lock: Path) -> dict[str, Any]:
    """The document."""
    found = packages(lock)
    own = f"pkg:pypi/{OWN}@{__version__}"
    references = {OWN: [own]}
    for package in found:  # one name may be there in two versions, for two versions of Python
        references.setdefault(package.name, []).append(package.reference)
    needs: dict[str, set[str]] = {each: set() for one in references.values() for each in one}
    for package in found:
        for needing in (each for name in package.needed_by for each in references[name]):
            needs[needing].add(package.reference)
    components = [_component(package) for package in found]
    serial = uuid.uuid5(_NAMESPACE, json.dumps([__version__, components], sort_keys=True))
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {**_named("application", OWN, __version__, own), "licenses": _licences("Apache-2.0")}
        },
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": sorted(on)} for ref, on in sorted(needs.items())],
    }


def _component(package: Package) -> dict[str, Any]:
    told = licence(package)
    properties = [{"name": "sha256 of a distribution", "value": hashed} for hashed in package.hashes]
    if package.marker:
        properties.append({"name": "only where", "value": package.marker})
    return {
        **_named("library", package.name, package.version, package.reference),
        **({"licenses": _licences(told)} if told else {}),
        "properties": properties,
    }


def _named(kind: str, name: str, version: str, reference: str) -> dict[str, Any]:
    return {"type": kind, "bom-ref": reference, "name": name, "version": version, "purl": reference}


def _licences(text: str) -> list[dict[str, Any]]:
    return [{"license": {"name": text}}]


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="CycloneDX bill of materials of a lock file")
    parser.add_argument("lock", type=Path, nargs="?", default=ROOT / "requirements" / "runtime.lock")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    text = json.dumps(bill(arguments.lock), indent=1) + "\n"
    if arguments.output is None:
        sys.stdout.write(text)
    else:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
