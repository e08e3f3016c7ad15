"""Processes of their own for what other people wrote, with hard limits of time and memory. `pool` evaluates expressions."""
