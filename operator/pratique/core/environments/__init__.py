"""Decides what becomes of an Environment: made, kept, warned of, ended, gone. START: `plan.py`."""
