"""As much of Kubernetes' API as Prefect's worker and its observer use, on loopback; it keeps jobs and runs none.

Whoever asks is refused (403) what the rules do not allow, so that a Role can be tried out.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

Rules = dict[tuple[str, str], set[str]]  # (API group, resource) -> verbs
_DISCOVERY: dict[str, Any] = {
    "/version": {"major": "1", "minor": "32", "gitVersion": "v1.32.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {
        "kind": "APIGroupList",
        "groups": [
            {
                "name": "batch",
                "versions": [{"groupVersion": "batch/v1", "version": "v1"}],
                "preferredVersion": {"groupVersion": "batch/v1", "version": "v1"},
            }
        ],
    },
}


@dataclass
class Api:
    """What was asked of it."""

    url: str
    namespace: str
    rules: Rules
    jobs: list[dict[str, Any]] = field(default_factory=list)
    asked: set[tuple[str, str, str]] = field(default_factory=set)  # group, resource, verb
    refused: list[str] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def kubeconfig(self, file: Path) -> Path:
        """A file that leads here."""
        cluster = {"name": "c", "cluster": {"server": self.url}}
        user = {"name": "u", "user": {"token": "nobody-checks-it"}}
        context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
        content = {"apiVersion": "v1", "kind": "Config", "current-context": "x"}
        file.write_text(json.dumps(content | {"clusters": [cluster], "users": [user], "contexts": [context]}))
        return file

    def discovery(self, path: str) -> dict[str, Any] | None:
        """Which APIs there are; everybody may ask."""
        kinds = {"/api/v1": ("v1", "pods", "Pod"), "/apis/batch/v1": ("batch/v1", "jobs", "Job")}
        if path not in kinds:
            return _DISCOVERY.get(path)
        version, plural, kind = kinds[path]
        verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
        resource = {
            "name": plural,
            "singularName": kind.lower(),
            "namespaced": True,
            "kind": kind,
            "verbs": verbs,
        }
        return {"kind": "APIResourceList", "groupVersion": version, "resources": [resource]}

    def may(self, group: str, namespace: str, resource: str, verb: str) -> bool:
        """Whether the rules allow it; remembered either way."""
        if namespace == self.namespace and verb in self.rules.get((group, resource), ()):
            self.asked.add((group, resource, verb))
            return True
        self.refused.append(f"{verb} {resource} in {namespace or 'the whole cluster'}")
        return False


@contextmanager
def kubernetes_api(namespace: str, rules: Rules) -> Iterator[Api]:
    """Listening until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    api = Api(f"http://127.0.0.1:{server.server_port}", namespace, rules)
    server.api = api  # type: ignore[attr-defined]
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield api
    finally:
        api.over.set()
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _api(self) -> Api:
        return self.server.api  # type: ignore[attr-defined, no-any-return]

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        known = self._api.discovery(split.path.rstrip("/"))
        if known is not None:
            return self._answer(200, known)
        watching = parse_qs(split.query).get("watch", [""])[0].lower() in ("true", "1")
        group, namespace, resource, name = _parts(split.path)
        verb = "watch" if watching else "get" if name else "list"
        if not self._api.may(group, namespace, resource, verb):
            return self._refuse()
        if watching:
            return self._silence()
        return self._answer(
            200, {"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []}
        )

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        group, namespace, resource, _ = _parts(urlsplit(self.path).path)
        if not self._api.may(group, namespace, resource, "create"):
            return self._refuse()
        made = json.loads(json.dumps(body))
        if resource == "jobs":
            self._api.jobs.append(body)
        meta = made.setdefault("metadata", {})
        meta |= {"uid": str(uuid4()), "name": meta.get("name") or f"{meta.get('generateName', 'x-')}abcde"}
        return self._answer(201, made)

    def _answer(self, code: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self) -> None:
        self._answer(
            403,
            {"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403, "message": self.path},
        )

    def _silence(self) -> None:
        """A watch to which nothing happens."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self._api.over.wait(20)
        self.close_connection = True


def _parts(path: str) -> tuple[str, str, str, str]:
    """API group, namespace, resource, name; resources of the whole cluster have no namespace."""
    words = path.strip("/").split("/")
    group, rest = ("", words[2:]) if words[0] == "api" else (words[1], words[3:])
    namespace, rest = (rest[1], rest[2:]) if rest[:1] == ["namespaces"] and len(rest) > 2 else ("", rest)
    name = rest[1] if len(rest) > 1 else ""
    resource = f"{rest[0]}/{rest[2]}" if len(rest) > 2 else rest[0]
    return group, namespace, resource, name
