"""GitLab, Jenkins, HCP Terraform and GitHub, as far as starting something there and asking after it goes.

Each answers as its documentation says, 401 to who does not show its token, and what it was not made for with 404.
"""

import json
import re
from typing import Any, ClassVar

from tests.doubles.outside import Asked, Outside, Reply

TOKEN = "hunter2-Secret-Token"


def answer(status: int, body: Any, **headers: str) -> Reply:
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json", **headers})


class Service(Outside):
    """Starts what it is asked to, once a POST; of its `states` the last one stays.

    `refusal` is answered to a POST, `trouble` to the next GETs, one after the other.
    """

    header: ClassVar[tuple[str, str]] = ("Authorization", f"Bearer {TOKEN}")
    begin: ClassVar[str]
    watch: ClassVar[str]

    def __init__(self, *states: str) -> None:
        super().__init__()
        self.states = list(states)
        self.trouble: list[Reply] = []
        self.refusal: Reply | None = None

    @property
    def started(self) -> list[Asked]:
        """What it was asked to start."""
        return [each for each in self.asked if each.method == "POST"]

    @property
    def looks(self) -> int:
        """How often somebody asked after it."""
        return len(self.asked) - len(self.started)

    def take(self, asked: Asked) -> Reply:
        """Keep what was asked; return the answer to it."""
        with self._lock:
            self.asked.append(asked)
            reply = self._reply(asked)
        self.arrived.set()
        if reply.hang:
            self.released.wait(reply.hang)
        return reply

    def _reply(self, asked: Asked) -> Reply:
        name, value = self.header
        if asked.headers.get(name) != value:
            return answer(401, {"message": "401 Unauthorized"})
        if asked.method == "POST":
            found = re.fullmatch(self.begin, asked.path)
            return self.refusal or (self.start(asked) if found else answer(404, {"message": "404 Not Found"}))
        if not re.fullmatch(self.watch, asked.path):
            return answer(404, {"message": "404 Not Found"})
        return self.trouble.pop(0) if self.trouble else self.tell(asked)

    def state(self) -> str:
        """Return how what was started stands now."""
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def start(self, asked: Asked) -> Reply:
        """Return the answer to who starts something."""
        raise NotImplementedError

    def tell(self, asked: Asked) -> Reply:
        """Return the answer to who asks how it stands."""
        raise NotImplementedError


class GitLab(Service):
    header = ("PRIVATE-TOKEN", TOKEN)
    begin, watch = r"/api/v4/projects/acme%2Fshop/pipeline", r"/api/v4/projects/acme%2Fshop/pipelines/4711"

    def start(self, asked: Asked) -> Reply:
        return answer(
            201, {"id": 4711, "status": "created", "web_url": "https://gitlab.com/acme/shop/-/pipelines/4711"}
        )

    def tell(self, asked: Asked) -> Reply:
        return answer(200, {"id": 4711, "status": self.state(), "token": TOKEN})


class Jenkins(Service):
    """Its states are those of the queue until one is a result, and of the build from then on."""

    header = ("Authorization", f"Basic {TOKEN}")
    begin = r"/job/deploy/buildWithParameters[?]ENVIRONMENT=staging&VERSION=v1.4.0"
    watch = r"/queue/item/42/api/json|/job/deploy/18/api/json[?]tree=building,result,url"

    def start(self, asked: Asked) -> Reply:
        return Reply(201, b"", {"Location": "https://jenkins.example.com/queue/item/42/"})

    def tell(self, asked: Asked) -> Reply:
        state = self.state()
        if "/queue/" in asked.path:
            kind = "LeftItem" if state == "left" else "WaitingItem"
            item = {"_class": f"hudson.model.Queue${kind}", "id": 42, "cancelled": state == "cancelled"}
            why = {"why": None, "executable": {"number": 18}} if state == "left" else {"why": "In the quiet period"}
            return answer(200, item | why)
        result = None if state == "building" else state
        page = "https://jenkins.example.com/job/deploy/18/"
        return answer(200, {"building": result is None, "result": result, "url": page})


class Terraform(Service):
    begin, watch = r"/api/v2/runs", r"/api/v2/runs/run-CZcmD7eagjhyX0vN"

    def start(self, asked: Asked) -> Reply:
        if asked.headers.get("Content-Type") != "application/vnd.api+json":
            return answer(415, {"errors": [{"status": "415", "title": "unsupported media type"}]})
        return answer(201, self._run("pending"))

    def tell(self, asked: Asked) -> Reply:
        return answer(200, self._run(self.state()))

    @staticmethod
    def _run(status: str) -> dict[str, Any]:
        return {"data": {"id": "run-CZcmD7eagjhyX0vN", "type": "runs", "attributes": {"status": status}}}


class GitHub(Service):
    """A state is a status, or with `completed/` a conclusion."""

    begin = r"/repos/acme/shop/actions/workflows/deploy[.]yml/dispatches"
    watch = r"/repos/acme/shop/actions/runs/30433642"

    def start(self, asked: Asked) -> Reply:
        if json.loads(asked.body).get("return_run_details") is not True:
            return Reply(204)
        page = "https://github.com/acme/shop/actions/runs/30433642"
        return answer(200, {"workflow_run_id": 30433642, "run_url": f"{page}?api", "html_url": page})

    def tell(self, asked: Asked) -> Reply:
        status, _, conclusion = self.state().partition("/")
        return answer(200, {"id": 30433642, "status": status, "conclusion": conclusion or None})
