"""Decisions, and nothing but decisions: no I/O, no clock, no Kopf. START HERE: `runs/plan.py`."""
