"""Commands for people at a terminal: they act with the rights of whoever runs them."""
