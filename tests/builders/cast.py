"""Who plays in the examples: values of both families of builders, `models` (as read) and `manifests` (as written)."""

ACTION = "create-environment"
STAGE = "platform"
DEVELOPER = "developer@example.com"
"""Asks."""
LEAD = "lead-1@example.com"
LEADS = "platform-leads"
"""Decide: a lead, and the group."""
