"""Adapters between the cluster and core/: gather, plan, apply. No business rules."""
