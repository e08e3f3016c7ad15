"""Decides what the status of a NotificationChannel says. START: `plan.py`."""
