"""Runs expressions of other people in a process of its own, with hard limits of time and memory."""

from pratique.sandbox.line import BusyError
from pratique.sandbox.pool import Sandbox

__all__ = ["BusyError", "Sandbox"]
