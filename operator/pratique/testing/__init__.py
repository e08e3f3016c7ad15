"""`pratique test`: holds Actions to cases that say what they make of a request, without a cluster. START HERE: `command`.

It judges by the very code that the operator judges by, in the same sandbox: nothing here knows what a rule means.
"""
