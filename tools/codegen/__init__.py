"""Generates crds/, the admission policies, RBAC and the chart from the code."""
