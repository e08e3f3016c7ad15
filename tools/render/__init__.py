"""Messages as people see them: a payload that a channel sent, drawn as a page or for a terminal.

For the pictures of the docs, the tests and the demo. Reads only what our channels send: whatever else stands in a payload
is an error, so that no picture hides something. No part of the operator, which must never import it.
"""
