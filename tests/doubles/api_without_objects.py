"""An HTTP server that answers as an API server without objects would, but for what a test says."""

import json
import re
from pathlib import Path
from typing import Any

import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
GROUP = "/apis/pratique.dev/v1alpha1"


class Answering:
    """It takes everybody for `lead-1`. `answers` are (code, body) by the end of a path."""

    def __init__(self, server: HTTPServer) -> None:
        self.server, self.requests = server, list[Request]()
        user = {"username": "lead-1@example.com", "groups": ["platform-leads"]}
        self.answers: dict[str, tuple[int, Any]] = {REVIEW: (201, {"status": {"userInfo": user}})}
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def kubeconfig(self, folder: Path, **user: Any) -> Path:
        """Write a kubeconfig with a context that names a namespace, and `bare`, which names none."""
        cluster = {"name": "c", "cluster": {"server": self.server.url_for("").rstrip("/")}}
        contexts = [
            {"name": "main", "context": {"cluster": "c", "user": "u", "namespace": "team-a"}},
            {"name": "bare", "context": {"cluster": "c", "user": "u"}},
        ]
        users = [{"name": "u", "user": {"token": "secret-token", **user}}]
        config = {"current-context": "main", "clusters": [cluster], "contexts": contexts, "users": users}
        path = folder / "config"
        path.write_text(yaml.safe_dump(config))
        return path

    def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        code, body = next(
            (answer for path, answer in self.answers.items() if request.path.endswith(path)),
            (200, {"items": [], "metadata": {"resourceVersion": "1"}}),
        )
        return Response(body if isinstance(body, str) else json.dumps(body), code)
