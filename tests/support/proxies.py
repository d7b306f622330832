"""HAProxy and nginx with the files of ``deploy/``: addresses and paths are put in, everything else is as shipped."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.certificates import Authority, Pair
from tests.support.hubs import stop

DEPLOY = Path(__file__).parents[2] / "deploy"
PROGRAMS = {"haproxy": "haproxy.cfg", "nginx": "nginx.conf"}


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def absent(name: str) -> str | None:
    """Why this proxy cannot be run here."""
    if shutil.which(name) or Path("/usr/sbin", name).exists():
        return None
    return f"no {name} on this machine (Debian package {name})"


@contextmanager
def proxy(name: str, folder: Path, hubs: Sequence[int], authority: Authority) -> Iterator[str]:
    """The proxy in front of the hubs on these ports; its URL."""
    port = free_port()
    server = authority.issue(f"{name}-server")
    text = (DEPLOY / PROGRAMS[name]).read_text()
    configuration = folder / PROGRAMS[name]
    for number, hub in enumerate(hubs, start=1):
        text, found = re.subn(rf"10\.0\.0\.1{number}:8000", f"127.0.0.1:{hub}", text)
        assert found == 1
    configuration.write_text(_placed(name, text, folder, port, server, authority))
    command = {
        "haproxy": ["haproxy", "-db", "-f", str(configuration)],
        "nginx": ["nginx", "-e", str(folder / "nginx.log"), "-c", str(configuration), "-g", "daemon off;"],
    }[name]
    program = shutil.which(name) or f"/usr/sbin/{name}"
    with (folder / f"{name}.out").open("w") as out:
        process = subprocess.Popen([program, *command[1:]], stdout=out, stderr=out, text=True)
        try:
            _until_open(process, port, folder / f"{name}.out")
            yield f"https://127.0.0.1:{port}"
        finally:
            stop(process)


def _placed(name: str, text: str, folder: Path, port: int, server: Pair, authority: Authority) -> str:
    if name == "haproxy":
        both = folder / "hub.pem"
        both.write_text(server.certificate.read_text() + server.key.read_text())
        put = {
            "/run/haproxy/admin.sock": str(folder / "admin.sock"),
            "/etc/haproxy/hub.pem": str(both),
            "/etc/haproxy/members-ca.pem": str(authority.pair.certificate),
            "bind :443": f"bind 127.0.0.1:{port}",
        }
    else:
        put = {
            "/run/nginx.pid": str(folder / "nginx.pid"),
            "/var/log/nginx/error.log": str(folder / "nginx.log"),
            "/etc/nginx/hub.crt": str(server.certificate),
            "/etc/nginx/hub.key": str(server.key),
            "/etc/nginx/members-ca.pem": str(authority.pair.certificate),
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "worker_processes auto": "user root; worker_processes 1",
        }
    for shipped, here in put.items():
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, here)
    return text


def _until_open(process: subprocess.Popen[str], port: int, out: Path) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(out.read_text())


def haproxy_servers(folder: Path) -> dict[str, str]:
    """What HAProxy thinks of each hub: UP, DOWN …"""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(5)
        asking.connect(str(folder / "admin.sock"))
        asking.sendall(b"show stat\n")
        answer = b"".join(iter(lambda: asking.recv(65536), b"")).decode()
    rows = [line.split(",") for line in answer.splitlines() if line.startswith("hubs,hub")]
    return {row[1]: row[17] for row in rows}
