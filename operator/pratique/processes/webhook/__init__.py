"""`pratique webhook`, for clusters before 1.36: stamps requests over TLS, and keeps its own certificate.

It shares no process with the operator: people's requests wait for it, and nothing else does.
"""
