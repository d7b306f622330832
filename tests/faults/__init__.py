"""Faults under load: what was acknowledged stays, and no poller misses, repeats or reorders anything.

``python -m tests.faults`` runs the long campaign and writes docs/faults.md; ``test_faults.py`` a short one.
"""
