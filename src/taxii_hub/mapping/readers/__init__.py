"""Readers: a report file becomes records, one after the other. A reader never interprets a value."""
