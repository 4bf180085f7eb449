"""The row `webhook`: from the first byte of a signed event, sent over HTTP, to the first request at the git server.

The git server is git's own http-backend behind a small server here, which notes when a request for refs arrives; so the
figure holds the operator's work (signature, reading, which of the Apps follow the ref), the start of git and of its HTTP
helper, and a connection. The largest part is git's start, which is measured beside it.
"""
import base64
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from git_http import GitServer  # noqa: E402

SECRET = "a-secret-of-the-benchmark-0123456789"
EVENTS, COMMITS = 200, 10


class Arrivals(GitServer):
    """Notes each request for refs: when it came, and when it was answered."""

    def __init__(self, root):
        super().__init__(root)
        self.changed = threading.Condition()
        self.asked, self.answered = [], 0
        owner, handler = self, self.server.RequestHandlerClass

        class Noting(handler):
            def do_GET(self):  # pylint: disable=invalid-name
                refs = "info/refs" in self.path
                if refs:
                    now = time.monotonic()
                    with owner.changed:
                        owner.asked.append(now)
                        owner.changed.notify_all()
                handler.do_GET(self)
                if refs:
                    with owner.changed:
                        owner.answered += 1
                        owner.changed.notify_all()

            do_POST = handler.do_GET  # pylint: disable=invalid-name

        self.server.RequestHandlerClass = Noting

    def wait(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(condition, 30):
                raise OSError(f"{what}: not within 30 s")


class Sender:
    """Gitea, on one kept connection as hosts have them."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.sent = 0

    def send(self, url, after):
        self.sent += 1
        body = json.dumps({
            "ref": "refs/heads/main", "before": "0" * 40, "after": after, "total_commits": 1,
            "commits": [{"id": after, "message": f"change {self.sent}\n", "modified": ["app/deployment.yaml"]}],
            "repository": {"full_name": "team/bench", "clone_url": url, "html_url": url, "default_branch": "main"},
            "pusher": {"login": "dev"}, "sender": {"login": "dev"}}).encode()
        digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        begun = time.monotonic()
        self.connection.request("POST", "/webhook/bench/bench", body, {
            "Content-Type": "application/json", "X-Gitea-Event": "push", "X-Gitea-Delivery": f"event-{self.sent}",
            "X-Gitea-Signature": digest})
        answer = self.connection.getresponse()
        text = answer.read().decode()
        if answer.status != 202 or "fetched now" not in text:
            raise OSError(f"webhook: {answer.status} {text}")
        return begun, time.monotonic()


def secret():
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "hook", "namespace": "bench"},
            "data": {"token": base64.b64encode(SECRET.encode()).decode()}}


def repo(url):
    return {"spec": {"url": url, "webhook": {"type": "gitea", "secretRef": {"name": "hook"}}}}


def git_alone(server, url):
    """How long a bare `git ls-remote` takes to its first request: no program can be faster that starts git."""
    times = []
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    for _ in range(50):
        n = len(server.asked)
        begun = time.monotonic()
        subprocess.run(["git", "ls-remote", url], env=env, stdout=subprocess.DEVNULL, check=True, timeout=30)
        times.append((server.asked[n] - begun) * 1000)
        time.sleep(0.2)  # about as rarely as the events of measure()
    return times


def measure(server, port, url, touch, settle):
    """touch(i): makes a commit of one app, and returns its SHA; settle(): until the operator has nothing to do. (from event
    to request, to answer), milliseconds."""
    sender, started, answered = Sender(port), [], []
    for i in range(EVENTS):
        real = i % (EVENTS // COMMITS) == EVENTS // COMMITS - 1
        after = touch(i) if real else f"{i + 1:040x}"
        n, done = len(server.asked), server.answered
        begun, ended = sender.send(url, after)
        server.wait(lambda n=n: len(server.asked) > n, "the remote is asked")
        started.append((server.asked[n] - begun) * 1000)
        answered.append((ended - begun) * 1000)
        server.wait(lambda done=done: server.answered > done, "the remote has answered")
        settle()
    return started, answered
