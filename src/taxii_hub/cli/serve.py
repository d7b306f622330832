"""``taxii-hub serve``: MongoDB, migrations, web workers, until a signal ends it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from taxii_hub.cli import supervise
from taxii_hub.cli.answering import base_url
from taxii_hub.keyring import Keyring
from taxii_hub.settings import Settings


@click.command()
@click.option("--host", help="Address to serve on (TAXII_HUB_HOST, default 127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port (TAXII_HUB_PORT, default 8000; 0: any).")
@click.option("--workers", type=click.IntRange(1, 64), help="Web processes (TAXII_HUB_WORKERS, default 1).")
@click.option("--app", hidden=True, default=supervise.APP, help="Application factory, for tests.")
def serve(app: str, **given: Any) -> None:
    """Serve TAXII 2.1 until SIGTERM or Ctrl-C.

    Starts the embedded MongoDB where TAXII_HUB_MONGODB_URI names none, brings the database's schema
    forward, makes the secrets on the first start, and replaces what dies. A second signal ends
    running requests at once.

    Exit codes: 0 ended by a signal, 1 could not start (the reason is on standard error), 2 wrong usage.
    """
    from taxii_hub.web.logs import configure_logging

    settings = replace(Settings.from_environment(), **{k: v for k, v in given.items() if v is not None})
    configure_logging(settings.log_level)
    Keyring.open(settings.secrets, create=True)
    supervise.run(supervise.Plan(settings, prepare=prepare_database, ready=_say_ready, app=app))


async def prepare_database(settings: Settings) -> None:
    """Refuse a MongoDB that is not fit, then bring the schema forward."""
    from taxii_hub.bootstrap import prepare

    await prepare(settings, settings.mongodb_uri or "", Keyring.open(settings.secrets, create=False))


async def _say_ready(settings: Settings) -> None:
    workers = f"{settings.workers} worker{'s' if settings.workers > 1 else ''}"
    click.echo(f"TAXII Hub ready: {base_url(settings)}/taxii2/ ({workers})")
