"""Decisions, and nothing but decisions: no I/O, no clock, no Kopf. START HERE: `lifecycle.py`."""
