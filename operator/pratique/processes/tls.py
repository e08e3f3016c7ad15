"""Hands a certificate to servers that are up."""

import os
import ssl


def use(context: ssl.SSLContext, pem: str) -> None:
    """Serve this key and certificate from the next handshake on; connections that are open stay."""
    # The ssl module loads from files only; this one is in memory, and nobody else's.
    file = os.memfd_create("certificate")
    try:
        os.write(file, pem.encode())
        context.load_cert_chain(f"/proc/self/fd/{file}")
    finally:
        os.close(file)
