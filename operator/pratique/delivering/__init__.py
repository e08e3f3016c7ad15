"""Delivers what the outboxes hold, beside the reconcilers: a dead or slow channel never delays a run."""
