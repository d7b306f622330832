"""Feeds on a database of their own."""

from tests.support.feeds import feeds

__all__ = ("feeds",)
