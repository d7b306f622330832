"""TAXII 2.1 as data: cases in ``taxii21/*.yaml``, one runner for any server, one report."""
