"""`helm test`: a replica is ready, one leads, the API server guards, and it is the version that the chart installs.

Asks the Service until all of it was seen, since each answer may come from another replica; kubelet says where it is, so
that a cluster without DNS is tested as well. Standard library alone.
"""

import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


def fetch(url: str) -> str:
    """Return what is answered, errors included."""
    headers, context = {}, None
    if url.startswith("https:"):
        # each process makes its own certificate, which nobody can verify
        context = ssl._create_unverified_context()
        headers = {"Authorization": f"Bearer {TOKEN.read_text()}"} if TOKEN.exists() else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5, context=context) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError as error:
        return f"no answer: {error}"


def main() -> int:
    """Ask until all is seen or the time is over; say what was not."""
    service, version = "PRATIQUE_METRICS_SERVICE", os.environ["PRATIQUE_VERSION"]
    host, port = os.environ[f"{service}_HOST"], os.environ[f"{service}_PORT_METRICS"]
    host = f"[{host}]" if ":" in host else host
    health = f"http://{host}:{os.environ.get(f'{service}_PORT_HEALTH', port)}/readyz"
    shown = f"{os.environ['PRATIQUE_METRICS_SCHEME']}://{host}:{port}/metrics"
    deadline = time.monotonic() + float(os.environ.get("PRATIQUE_TEST_SECONDS", "60"))
    wanted = {
        "is ready": lambda ready, _: ready.strip() == "ok",
        "sees that the API server guards": lambda _, metrics: "\npratique_guarded 1.0" in metrics,
        "leads": lambda _, metrics: "\npratique_leader 1.0" in metrics,
        f"is version {version}": lambda _, metrics: f'pratique_build_info{{version="{version}"}}' in metrics,
    }
    missing, ready = dict(wanted), ""
    while missing and time.monotonic() < deadline:
        ready, metrics = fetch(health), fetch(shown)
        missing = {text: seen for text, seen in missing.items() if not seen(ready, metrics)}
        if missing:
            time.sleep(0.2)
    for text in wanted:
        print(f"{'not ok' if text in missing else 'ok':<7} a replica {text}")
    if missing:
        print(f"/readyz said last: {ready[:500]}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
