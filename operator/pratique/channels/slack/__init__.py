"""Slack: an incoming webhook, or a bot that writes to people and keeps its messages up to date."""
