"""Any service that Apprise reaches."""
