"""Judges Actions and inputs, and evaluates other people's expressions. Loaded by the sandbox's processes only."""
