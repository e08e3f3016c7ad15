"""The generic webhook: the message as a CloudEvent 1.0, signed if the channel says so."""
