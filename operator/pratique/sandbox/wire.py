"""The sandbox's protocol: frames of four bytes length and JSON, requests in, answers out."""

import json
import struct
from typing import Any

HEADER = struct.Struct(">I")
MAX_FRAME = 16 * 1024 * 1024


def pack(message: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return one frame."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return HEADER.pack(len(body)) + body
