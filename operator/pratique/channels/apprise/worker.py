"""The worker process that holds Apprise: opens a URL, hands it one message. Started by `workers`, ended by end of file.

Its URL is a secret, and so is what the library says of it: it prints and logs nowhere, and answers with words of ours.
"""

import logging
from ipaddress import ip_network
from typing import Any

from pratique.channels.apprise.service import open_service
from pratique.channels.kit.egress import Egress
from pratique.core.kernel.frames import frames_of
from pratique.core.telling.egress import AllowedEgress
from pratique.sandbox import serving


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return the answer to one request; a bug, of ours or the library's, is an answer too."""
    try:
        return {"value": {} if request["do"] == "hello" else _ANSWERS[request["do"]](request)}
    except Exception as error:
        return {"error": type(error).__name__, "bug": frames_of(error)}


def _open(request: dict[str, Any]) -> dict[str, Any]:
    opened = open_service(request["url"])
    if isinstance(opened, str):
        return {"refused": opened}
    return {"name": opened.name, "address": opened.address, "room": opened.room._asdict()}


def _tell(request: dict[str, Any]) -> dict[str, Any]:
    opened = open_service(request["url"])
    if isinstance(opened, str):
        return {"refused": opened}
    networks, names = request["allowed"]
    egress = Egress(AllowedEgress(tuple(map(ip_network, networks)), frozenset(names)))
    told = opened.tell(request["title"], request["body"], egress, warns=request["warns"])
    return {"taken": told.taken, "shut": told.shut}


_ANSWERS = {"open": _open, "tell": _tell}


def main() -> None:
    """Serve within the limits that the operator has set."""
    logging.disable()
    open_service("json://localhost")  # loads all services, which takes a second: it is no fault of the first who asks
    serving.main(answer)


if __name__ == "__main__":
    main()
