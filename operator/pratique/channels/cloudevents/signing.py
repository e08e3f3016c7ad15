"""Signs what is posted, as Standard Webhooks says: HMAC-SHA256 over `id.timestamp.body`, once for each key.

The timestamp is of the try, not of the event: a receiver that refuses what is older than some minutes takes a late
delivery, and no replay. Must not know where keys come from, and never quotes one.
"""

import base64
import binascii
import hashlib
import hmac

MAX_KEYS = 4
_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)


def parse_keys(text: str) -> tuple[bytes, ...] | None:
    """Return the keys, one a line, newest first; None if there is none, too many, or one that is not a key."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    keys = tuple(key for line in lines if (key := _key(line)) is not None)
    return keys if 0 < len(lines) <= MAX_KEYS and len(keys) == len(lines) else None


def signed(keys: tuple[bytes, ...], ident: str, body: bytes, now: float) -> dict[str, str]:
    """Return the headers. All signatures are sent, so that a receiver may change to the new key at its own time."""
    # A digest, since the standard forbids full stops in an id, and a channel's name may have some.
    webhook_id = f"msg_{hashlib.sha256(ident.encode()).hexdigest()[:32]}"
    timestamp = str(int(now))
    content = f"{webhook_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in keys)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key(line: str) -> bytes | None:
    """Return the bytes of `whsec_` and base64; the standard's length, so that no key can be guessed."""
    if not line.startswith(_PREFIX):
        return None
    try:
        key = base64.b64decode(line.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) in _KEY_BYTES else None
