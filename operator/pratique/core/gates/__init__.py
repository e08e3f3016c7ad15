"""Decides whether a run may start (START: `port.py`, `grounds.py`), and what becomes of an Approval (START: `plan.py`)."""
