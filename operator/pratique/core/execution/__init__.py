"""Decides how what was granted is tried and made, object by object. START: `advance.py`."""
