"""Decides what becomes of an ActionRun. START HERE: `plan.py`."""
