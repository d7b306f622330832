"""TAXII Hub: national report formats in, STIX 2.1 over TAXII 2.1 out, MongoDB underneath."""

__version__ = "0.1.0"
