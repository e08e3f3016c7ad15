"""Why no answer came from the API server, in a sentence with what to do: of the error nothing is quoted but its reason."""

import os

import aiohttp

_NOT_YET_OR_EXPIRED = (9, 10)
_OTHER_HOST = (62, 64)
"""Codes of OpenSSL (X509_V_ERR_…): the time is outside of the certificate's, its names are others."""


def why_unreachable(error: Exception, server: str) -> str:
    """Return why a request to the API server at this URL had no answer, and the remedy if one is known."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of the API server at {server} is refused: {_certificate(error)}"
        case aiohttp.ClientSSLError():
            return f"{server} does not speak TLS as an API server does: is it its address and port"
        case aiohttp.ClientConnectorDNSError():
            return f"the host name of {server} is not known here: check the kubeconfig's server, and DNS"
        case aiohttp.ClientConnectorError():
            code = error.os_error.errno
            reason = os.strerror(code).lower() if code else "no connection"
            return f"{server} cannot be reached ({reason}): does the API server run, and is it its address and port"
        case TimeoutError():
            return f"{server} did not answer in time: is the network between open, or the API server overloaded"
        case aiohttp.ClientOSError() | aiohttp.ServerDisconnectedError() | ConnectionError():
            return "the API server closed the connection before it had answered"
        case _:
            return f"the API server did not answer ({type(error).__name__})"


def _certificate(error: aiohttp.ClientConnectorCertificateError) -> str:
    code = getattr(error.certificate_error, "verify_code", 0)
    if code in _NOT_YET_OR_EXPIRED:
        return "it has expired or is not valid yet: renew it, or set the clock here right"
    if code in _OTHER_HOST:
        return "it is for other names: the kubeconfig must say one of its names or addresses"
    reason = str(getattr(error.certificate_error, "verify_message", "") or "it cannot be verified")
    return f"{reason}: is certificate-authority of the kubeconfig (in a Pod, ca.crt) that of this cluster"
