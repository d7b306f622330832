"""``/api/v1/audit/report``: the transparency report, for auditors."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from taxii_hub.exchange.transparency import report as report_of
from taxii_hub.ledger.transparency import Line
from taxii_hub.web.api.callers import account_with, hub_of
from taxii_hub.web.api.moments import moment

router = APIRouter(prefix="/api/v1/audit")

Time = Annotated[str | None, Query(description="A timestamp such as 2026-11-22T10:00:00Z.")]


@router.get("/report", summary="How much of what was done, by framework and agency")
async def report(request: Request, since: Time = None, until: Time = None) -> list[Line]:
    """Small numbers are left out. An export of the log gives the same: `audit report --export`."""
    account, hub = account_with(request, "auditor"), hub_of(request)
    bounds = moment("since", since), moment("until", until)
    await hub.audit.act("audit-read", account, what="report", asked={"since": since, "until": until})
    return list(await report_of(hub, *bounds))
