"""Pushes to hosted repositories, for tests: `capstan serve` with its operator, and somebody with a key who pushes."""
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess

from harness import CAPSTAN, Git, free_port, wait_until

SSH = ("ssh -F /dev/null -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no -o LogLevel=ERROR "
       "-o UserKnownHostsFile=/dev/null -i ")

REPO = """\
apiVersion: capstan.dev/v1alpha1
kind: Repo
metadata: {name: %(name)s, namespace: %(namespace)s}
spec:
  hosted:
    keys: %(keys)s
%(more)s"""


class Service:
    """`capstan serve --operator` of this cluster. Use as a context: it dies at its end."""

    def __init__(self, world, directory):
        self.world = world
        self.home = pathlib.Path(directory)
        self.home.parent.mkdir(parents=True, exist_ok=True)
        self.log_file = self.home.with_suffix(".log")
        self.ssh, self.http = free_port(), free_port()
        self.child = None
        self.key = self.home.with_suffix(".key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", self.key], check=True)

    def start(self):
        with open(self.log_file, "ab") as out:
            self.child = subprocess.Popen(
                [str(CAPSTAN), "serve", "--state", str(self.home), "--ssh", f"127.0.0.1:{self.ssh}",
                 "--http", f"127.0.0.1:{self.http}", "--operator"], env=self.world.env, stdin=subprocess.DEVNULL,
                stdout=out, stderr=out)
        wait_until(self.is_ready, 20, lambda: f"the service is ready: {self.log()[-2000:]}")
        return self

    def is_ready(self):
        assert self.child.poll() is None, self.log()[-2000:]
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def kill(self):
        self.child.kill()
        self.child.wait(10)

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def host(self, namespace, name="web", more="", **key):
        """A hosted repository that the key of this service, called ada, may push to. key: its right, branches."""
        keys = json.dumps([{"name": "ada", "key": self.key.with_suffix(".key.pub").read_text().strip(), **key}])
        self.world.apply(REPO % {"name": name, "namespace": namespace, "keys": keys, "more": more})
        hosted = Hosted(self, namespace, name)
        wait_until(hosted.path.with_suffix(".json").exists, 20, "the repository is hosted")
        return hosted

    def status(self, *arguments, expect=0):
        return self.world.capstan("push-status", "--state", self.home, *arguments, expect=expect)

    def pushes(self, key):
        return json.loads(self.status("-o", "json", "--all", key))

    def open(self):
        """Ids of pushes that are not finished."""
        at = self.home / "pushes" / "open"
        return os.listdir(at) if at.exists() else []


class Work(Git):
    """A work tree; run() tells whether git succeeded."""

    def run(self, *arguments):
        return subprocess.run(["git", *arguments], cwd=self.directory, env=self.env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False).returncode == 0


class Hosted:
    """One repository of the service, and ada's work tree."""

    def __init__(self, service, namespace, name):
        self.service = service
        self.namespace, self.name = namespace, name
        self.key = f"{namespace}/{name}"
        self.path = service.home / "repos" / namespace / f"{name}.git"
        self.git = Work(service.home.parent / f"work-{namespace}-{name}")
        self.git.env["GIT_TERMINAL_PROMPT"] = "0"
        self.git.env["GIT_SSH_COMMAND"] = f"{SSH}{service.key}"
        self.url = f"ssh://127.0.0.1:{service.ssh}/{self.key}.git"

    def start(self, *refspecs):
        """`git push` under way, in a process group of its own."""
        return subprocess.Popen(["git", "push", self.url, *(refspecs or ["HEAD:refs/heads/main"])],
                                cwd=self.git.directory, env=self.git.env, stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def push(self, *refspecs, accepted=True, timeout=90):
        """What the pusher saw, without "remote: "."""
        child = self.start(*refspecs)
        out, _ = child.communicate(timeout=timeout)
        assert (child.returncode == 0) == accepted, out
        return re.sub(r"^remote: (.*?) *$", r"\1", out, flags=re.M)

    def ssh(self, *words):
        """A command of the service's, as ada's ssh sends it."""
        argv = [*self.git.env["GIT_SSH_COMMAND"].split(), "-p", str(self.service.ssh), "127.0.0.1", *words]
        return subprocess.run(argv, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=60, check=False)

    def bare(self, *arguments):
        """What git says in the hosted repository; "" when it fails."""
        done = subprocess.run(["git", "-c", "safe.directory=*", "--git-dir", str(self.path), *arguments], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    def fsck(self):
        done = subprocess.run(["git", "-c", "safe.directory=*", "--git-dir", str(self.path), "fsck", "--strict"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 0, done.stdout

    def tip(self, branch="main"):
        """Where a branch is; "" when it is not there."""
        return self.bare("rev-parse", "-q", "--verify", f"refs/heads/{branch}")

    def app(self, name=None):
        return self.service.world.get("app", name or self.name, "-n", self.namespace)

    def revision(self):
        """The commit that the App is to be at; None without an App."""
        app = self.app()
        return app and app["spec"]["source"]["revision"]

    def data(self, name="a"):
        """What the cluster has of the ConfigMap that tests push; None when it is not there."""
        found = self.service.world.get("configmap", name, "-n", self.namespace)
        return found and found["data"]["a"]

    def processes(self, command=None):
        """Pids of all that the service runs for pushes to this repository; of one command."""
        pids = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                argv = (entry / "cmdline").read_bytes().split(b"\0")
                environ = (entry / "environ").read_bytes()
            except OSError:
                continue
            if f"CAPSTAN_PUSH_REPO={self.key}\0".encode() in environ and (not command or command.encode() in argv):
                pids.append(int(entry.name))
        return pids

    def wait_hook(self, seconds=20):
        return wait_until(lambda: self.processes("push-receive"), seconds, "the hook runs", step=0.01)[0]


def kill_pid(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
