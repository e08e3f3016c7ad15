"""Decides what keeps the operator's processes right: who leads, and when certificates are renewed."""
