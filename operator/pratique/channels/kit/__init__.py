"""What all types of channels share: sockets, settings, one POST, and what of a message is cut."""
