"""The only code that talks to chat and webhooks; one package or module each. `delivery` is the way in."""
