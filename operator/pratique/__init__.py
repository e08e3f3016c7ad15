"""Pratique: approvals for self-service on Kubernetes. START HERE: `core/runs/plan.py` decides, the rest carries out."""

__version__ = "0.1.0"
