"""Starts this hub over HTTPS, with an API root that holds a collection of each kind for one account."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from taxii_hub.settings import shipped_dir
from tests.contract.target import Target
from tests.support.hubs import Demo, running_hub

ROOT, ACCOUNT, OTHER = "contract", "hub-lab", "us-kite"
COLLECTIONS = {
    "rw": ("4b6e7d98-ae50-4ac2-b05f-4a5d7e9f1b05", f"[{ACCOUNT}, {OTHER}]", f"[{ACCOUNT}, {OTHER}]"),
    "ro": ("5c7f8ea9-bf61-4bd3-8160-5b6e8fa02c06", f"[{ACCOUNT}, {OTHER}]", f"[{OTHER}]"),
    "wo": ("6d809fba-c072-4ce4-9271-6c7f90b13d07", f"[{OTHER}]", f"[{ACCOUNT}, {OTHER}]"),
    "none": ("7e91a0cb-d183-4df5-a382-7d80a1c24e08", f"[{OTHER}]", f"[{OTHER}]"),
}
_ROOT = """\
title: Contract
description: Collections of every kind
contact: nobody@hub-lab.example
max_content_length: 1048576
members: [{account}, {other}]

collections:
"""
_COLLECTION = """
  - id: {id}
    alias: contract-{kind}
    title: Contract {kind}
    description: For the contract cases
    read: {read}
    write: {write}
    validation: strict
    default_marking: clear
"""


@contextmanager
def hub(demo: Demo | None = None) -> Iterator[Target]:
    """A running hub, the next start of ``demo`` if there is one; plain HTTP where no openssl makes a certificate."""
    with TemporaryDirectory(prefix="thub-contract-") as name:
        folder = Path(name)
        settings = {"TAXII_HUB_COLLECTIONS_DIR": str(_collections(folder))}
        tls = _certificate(folder)
        if tls is not None:
            settings |= {"TAXII_HUB_TLS_CERTIFICATE": str(tls[0]), "TAXII_HUB_TLS_KEY": str(tls[1])}
        with running_hub(settings=settings, demo=demo) as running:
            user, password = running.credentials(ACCOUNT)
            ids = {kind: id_ for kind, (id_, _, _) in COLLECTIONS.items()}
            target = Target(running.url, user, password, f"/{ROOT}/", ids)
            yield target if tls is None else target.over_tls(str(tls[0]))


def _collections(folder: Path) -> Path:
    collections = folder / "collections"
    shutil.copytree(shipped_dir("collections"), collections)
    root = _ROOT.format(account=ACCOUNT, other=OTHER)
    for kind, (id_, read, write) in COLLECTIONS.items():
        root += _COLLECTION.format(id=id_, kind=kind, read=read, write=write)
    (collections / f"{ROOT}.yaml").write_text(root)
    return collections


def _certificate(folder: Path) -> tuple[Path, Path] | None:
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = f"req -x509 -newkey rsa:2048 -nodes -days 2 -keyout {key} -out {certificate}"
    command += " -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([openssl, *command.split()], check=True, capture_output=True)
    return certificate, key
