"""Proves that the API server guards, before anything is decided and at each grant."""
