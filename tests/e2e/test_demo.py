"""`make demo` as a newcomer runs it: the whole story goes as it must, and nothing is left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tools.installation import ROOT

PROMISED = (
    "Succeeded: Done: Environment team-a/try-it for 3d",
    "WaitingForApproval: Waiting for 1 of group platform-leads until",
    "╭─ lead-1 · Slack ─",
    "│ Approval needed: Create an environment (team-a/load-test) ",
    "│ What will happen if approved  Environment team-a/load-test for 10d: ",
    '│ \'{"spec":{"decisions":{"YOUR-USER-NAME":{"verdict":"Decline","comment":"…"}}}}\' ',
    "you cannot decide your own request",
    "a decision can be recorded only under your own user name: lead-1@example.com",
    "Succeeded: Done: Environment team-a/load-test for 10d",
    "╭─ developer · mail ─",
    "│ What was done  Environment team-a/load-test for 10d: ",
    "│ namespace      env-team-a-load-test ",
    "Waiting for 1 of group platform-leads (after 5s also security@example.com) until",
    "│ Approval needed, now of you too: Create an environment (team-a/tonight-",
    "Succeeded: Done: Environment team-a/tonight for 10d",
    "Asked again: lead-1@example.com offers ttl: 5d: five days are enough. It starts only if the requester accepts it",
    "Succeeded: Done: Environment team-a/tryout for 5d",
    "Declined: Declined by lead-2@example.com: three days are enough to play",
    "│ Declined by lead-2@example.com: three days are enough to play ",
    "the request expired, it was not declined",
    "Change Deployment team-a/web: spec.replicas 1 → 10",
    "Superseded: It would not do any more what was approved: Deployment team-a/web: spec.replicas was 1 → 10, is 4 → 10",
    "╭─ the platform team · Microsoft Teams ─",
    "│ Superseded, ask again: Scale a Deployment (team-a/more-web) ",
    'namespaces "env-team-a-brief" not found',
    "│ Environment ended: team-a/brief ",
    "Look around yourself: make up",
)


@pytest.mark.timeout(600)
def test_the_demo_tells_the_whole_story(tmp_path: Path) -> None:
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    before = _planes()
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = done.stdout
    for sentence in PROMISED:
        assert sentence in told, sentence
    positions = [told.index(sentence) for sentence in PROMISED]
    assert positions == sorted(positions), "the story is told in its order"
    assert list(tmp_path.iterdir()) == [], "files are left"
    assert _planes() <= before, "a control plane is left"


def _planes() -> set[str]:
    return {folder.name for folder in (ROOT / ".run" / "planes").glob("demo-*")}
