"""What the end-to-end tests share: a real cluster, the program under test, and repositories that it reads.

World      a cluster and programs run against it: capstan(), kubectl(), get(), apply()
Operator   `capstan run` against that cluster, with its log, metrics and signals
Git        a repository with a work tree; commit() answers with the SHA
wait_until every wait has a deadline; what it waited for is in the failure
"""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "tests" / "cluster" / "cluster"
CAPSTAN = pathlib.Path(os.environ.get("CAPSTAN", ROOT / "build" / "src" / "cmd" / "capstan")).resolve()

OK, DIFFERS, TROUBLE, TIMED_OUT, INTERRUPTED = 0, 1, 2, 3, 130

APP = """\
apiVersion: capstan.dev/v1alpha1
kind: App
metadata: {name: %(name)s, namespace: %(namespace)s}
spec:
  source: {repo: %(repo)s, revision: %(revision)s, path: "%(path)s"}
  target: {namespace: %(target)s}
  sync: {%(sync)s}
%(more)s"""

REPO = """\
apiVersion: capstan.dev/v1alpha1
kind: Repo
metadata: {name: %(name)s, namespace: %(namespace)s}
spec:
  url: "%(url)s"
  interval: %(interval)s
%(more)s"""


def config_map(name, value="1", more=""):
    """The text of a ConfigMap manifest with data {a: value}."""
    return f'apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: "{value}"}}\n{more}'


def wait_until(condition, seconds=20, what="the condition", step=0.1):
    """The first true answer of condition(); fails with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < end, f"{what() if callable(what) else what}: not within {seconds} s"
        time.sleep(step)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class World:
    """One cluster, and programs run against it."""

    def __init__(self, directory, *up_arguments):
        self.directory = pathlib.Path(directory)
        up = subprocess.run([CLUSTER, "up", self.directory, "--owner", str(os.getpid()), *up_arguments], text=True,
                            stdout=subprocess.PIPE, timeout=1800, check=True)
        cache = os.environ.get("XDG_CACHE_HOME", str(pathlib.Path.home() / ".cache"))
        self.env = dict(os.environ, NO_COLOR="1", XDG_CACHE_HOME=cache)
        for name, value in re.findall(r"^export (\w+)=(.*)$", up.stdout, re.M):
            self.env[name] = value.replace('"$PATH"', os.environ["PATH"]).strip('"')

    def cluster(self, verb):
        """kill-apiserver, start-apiserver, pause-etcd, resume-etcd, down"""
        subprocess.run([CLUSTER, verb, self.directory], timeout=120, check=True)

    def run(self, *argv, cwd=None, stdin="", timeout=60):
        return subprocess.run([str(a) for a in argv], env=self.env, cwd=cwd, input=stdin, text=True, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def capstan(self, *args, expect=OK, **more):
        done = self.run(CAPSTAN, *args, **more)
        assert done.returncode == expect, f"{args}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def kubectl(self, *args, **more):
        done = self.run("kubectl", *args, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, *args):
        """The object or list as a dict; None when it is not there."""
        done = self.run("kubectl", "get", "-o", "json", *args)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def apply(self, text, *args):
        return self.kubectl("apply", "-f", "-", *args, stdin=text)

    # --- Capstan's own objects ---

    def repo(self, namespace, url, name="cfg", interval="1h", more=""):
        self.apply(REPO % {"name": name, "namespace": namespace, "url": url, "interval": interval, "more": more})

    def app(self, namespace, name="shop", path=".", revision="main", repo="cfg", target=None, sync="", more=""):
        """more: further lines of the spec, each indented by two."""
        self.apply(APP % {"name": name, "namespace": namespace, "path": path, "revision": revision, "repo": repo,
                          "target": target or namespace, "sync": sync, "more": more})

    def condition(self, namespace, name="shop", kind="Ready", resource="app"):
        """The condition as a dict ({} when there is none), only if it speaks of the newest generation."""
        thing = self.get(resource, name, "-n", namespace) or {}
        generation = thing.get("metadata", {}).get("generation")
        for condition in thing.get("status", {}).get("conditions", []):
            if condition["type"] == kind and condition.get("observedGeneration", generation) == generation:
                return condition
        return {}

    def is_ready(self, namespace, name="shop", revision=None):
        """Ready, and for this very revision when one is named."""
        status = (self.get("app", name, "-n", namespace) or {}).get("status", {})
        healthy = status.get("revision", {}).get("healthy", "")
        return self.condition(namespace, name).get("status") == "True" and (not revision or revision in healthy)

    def wait_ready(self, namespace, name="shop", revision=None, seconds=30):
        wait_until(lambda: self.is_ready(namespace, name, revision), seconds,
                   lambda: f"app {name} Ready: {json.dumps((self.get('app', name, '-n', namespace) or {}).get('status'))}")

    def names(self, namespace, resource="configmaps", app="shop"):
        """Names of what the App made in the namespace."""
        items = self.get(resource, "-n", namespace, "-l", f"capstan.dev/app={app}")["items"]
        return {item["metadata"]["name"] for item in items}


class Operator:
    """`capstan run` of this cluster; notify() makes it fetch at once. Use as a context: it dies at its end."""

    def __init__(self, world, home, *arguments, leader=False):
        self.world = world
        self.home = pathlib.Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.log_file = self.home / "operator.log"
        self.arguments = [*arguments] if leader else ["--no-leader-election", *arguments]
        self.child = None
        self.port = None

    def start(self, wait=True):
        self.port = free_port()
        with open(self.log_file, "ab") as out:
            self.child = subprocess.Popen([str(CAPSTAN), "run", "--web", f"127.0.0.1:{self.port}", "--cache",
                                           str(self.home / "mirrors"), *map(str, self.arguments)], env=self.world.env,
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        if wait:
            wait_until(self.is_ready, 20, lambda: f"the operator is ready: {self.log()[-2000:]}")
        return self

    def is_ready(self):
        assert self.child.poll() is None, f"it ended with {self.child.returncode}: {self.log()[-2000:]}"
        try:
            return self.http("/readyz")[0] == 200
        except OSError:
            return False

    def http(self, path, method="GET", body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def notify(self, namespace, repo="cfg"):
        status, text = self.http(f"/notify?repo={namespace}/{repo}", "POST")
        assert status in (200, 202, 204), text

    def metric(self, name):
        """The sum over all series of that name."""
        return sum(float(line.rsplit(" ", 1)[1]) for line in self.http("/metrics")[1].splitlines()
                   if re.match(rf"{name}(\{{| )", line))

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def kill(self):
        """SIGKILL, as the machine's end would be."""
        self.child.kill()
        self.child.wait(10)

    def stop(self, seconds=5):
        """SIGTERM; its exit status. Fails when it takes longer than `seconds`."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(seconds)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        if self.child and self.child.poll() is None:
            self.kill()


class Git:
    """A repository with a work tree, reached as file://."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(self.directory), "GIT_CONFIG_NOSYSTEM": "1",
                    "GIT_AUTHOR_NAME": "Dev", "GIT_AUTHOR_EMAIL": "dev@example.test",
                    "GIT_COMMITTER_NAME": "Dev", "GIT_COMMITTER_EMAIL": "dev@example.test"}
        self.git("init", "-q", "-b", "main")
        self.url = f"file://{self.directory}"

    def git(self, *arguments):
        return subprocess.run(["git", *map(str, arguments)], cwd=self.directory, env=self.env, check=True, timeout=120,
                              stdout=subprocess.PIPE, text=True).stdout.strip()

    def commit(self, files, message="change"):
        """files: {path: text, or None to remove it}; the SHA of the commit."""
        for path, content in files.items():
            at = self.directory / path
            if content is None:
                shutil.rmtree(at) if at.is_dir() else at.unlink()
                continue
            at.parent.mkdir(parents=True, exist_ok=True)
            at.write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")
