"""Decides what becomes of an Approval. START: `plan.py`."""
