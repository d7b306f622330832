"""An ASGI application that answers with its process number: for tests of those who run the real one."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any


def create() -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"].startswith("/slow/"):
            await asyncio.sleep(float(scope["path"].rpartition("/")[2]))
        body = f"{os.getpid()} {scope['scheme']} {scope['client'][0]} {os.environ['TAXII_HUB_MONGODB_URI']}"
        flag = os.environ.get("STUB_READY", "/")
        status = 503 if scope["path"] == "/health/ready" and not Path(flag).exists() else 200
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": body.encode()})

    return app
