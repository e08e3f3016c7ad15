"""Decides what the status of an Action says. START: `plan.py`."""
