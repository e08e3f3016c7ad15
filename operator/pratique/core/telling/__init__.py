"""Decides who is told what, when and where: the outbox of an object, and the messages made of it."""
