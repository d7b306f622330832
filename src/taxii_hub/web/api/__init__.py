"""The hub's own API under ``/api/v1``."""
