"""What one web process serves with."""

from __future__ import annotations

from dataclasses import dataclass, field

from taxii_hub import __version__
from taxii_hub.exchange.dry_run import Formats
from taxii_hub.exchange.hub import Hub
from taxii_hub.web.body import Uploads
from taxii_hub.web.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Serving:
    """The hub, and what this process holds beside it for its requests."""

    hub: Hub
    formats: Formats
    metrics: Metrics = field(default_factory=lambda: Metrics(__version__))
    uploads: Uploads = field(default_factory=Uploads)

    @property
    def https(self) -> bool:
        """Whether clients reach the hub by https only."""
        settings = self.hub.settings
        return settings.public_url is not None or settings.tls_certificate is not None
