"""Pushes to hosted repositories, for tests: a home of the push service, repositories in it, and git on the other side.

Hooks are run by a push on this machine (file://), with what the service's ssh and http sessions give them in the
environment; objects that are not accepted yet are served to the operator as the service does.
"""
import glob
import json
import os
import pathlib
import re
import signal
import subprocess

import git_http
from harness import CAPSTAN, Git, wait_until


class Fetches(git_http.GitServer):
    """What `capstan serve` lets the operator fetch: pushed objects, also before they are accepted."""

    def environment(self, _path):
        return {"GIT_ALTERNATE_OBJECT_DIRECTORIES": ":".join(glob.glob(f"{self.root.parent}/pushes/*/tree.git/objects"))}


class Service:
    """A home of the push service. Close it at the end."""

    def __init__(self, world, directory):
        self.world = world
        self.home = pathlib.Path(directory)
        (self.home / "hooks").mkdir(parents=True)
        (self.home / "repos").mkdir()
        for hook, command in ("pre-receive", "push-receive"), ("post-receive", "push-received"):
            (self.home / "hooks" / hook).write_text(f"#!/bin/sh\nexec {CAPSTAN} {command}\n")
            (self.home / "hooks" / hook).chmod(0o755)
        self.settings = {"kubeconfig": world.env["KUBECONFIG"], "program": str(CAPSTAN)}
        (self.home / "settings.json").write_text(json.dumps(self.settings))
        self.fetches = Fetches(self.home / "repos")

    def close(self):
        self.fetches.close()

    def host(self, namespace, name="web", **more):
        """A hosted repository, and the Repo that the operator fetches it by."""
        at = self.home / "repos" / namespace / f"{name}.git"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(at)], check=True)
        for key, value in ("core.hooksPath", self.home / "hooks"), ("receive.fsckObjects", "true"):
            subprocess.run(["git", "-C", str(at), "config", key, str(value)], check=True)
        record = {"namespace": namespace, "name": name, "maxBytes": 1 << 30,
                  "keys": [{"who": "ada", "key": "ssh-ed25519 AAAA", "right": "push"}], **more}
        at.with_suffix(".json").write_text(json.dumps(record))
        self.world.repo(namespace, self.fetches.url(f"{namespace}/{name}.git"), name=name)
        return Hosted(self, namespace, name, at)

    def recover(self):
        """What the service does with pushes whose process was killed."""
        return self.world.capstan("push-recover", "--state", self.home, timeout=120)

    def status(self, *arguments, expect=0):
        return self.world.capstan("push-status", "--state", self.home, *arguments, expect=expect)

    def pushes(self, key):
        return json.loads(self.status("-o", "json", "--all", key))

    def open(self):
        """Ids of pushes that are not finished."""
        return os.listdir(self.home / "pushes" / "open") if (self.home / "pushes" / "open").exists() else []


class Hosted:
    """One repository of the service, and a work tree that is pushed to it."""

    def __init__(self, service, namespace, name, path):
        self.service = service
        self.namespace, self.name, self.path = namespace, name, path
        self.key = f"{namespace}/{name}"
        self.git = Git(service.home.parent / f"work-{namespace}-{name}")
        self.url = f"file://{path}"

    def env(self):
        return {**self.git.env, "CAPSTAN_PUSH_HOME": str(self.service.home), "CAPSTAN_PUSH_REPO": self.key,
                "CAPSTAN_PUSH_WHO": "ada", "CAPSTAN_PUSH_KEY": "0"}

    def start(self, *refspecs):
        """`git push` under way, in a process group of its own."""
        return subprocess.Popen(["git", "push", self.url, *(refspecs or ["HEAD:refs/heads/main"])],
                                cwd=self.git.directory, env=self.env(), stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)

    def push(self, *refspecs, accepted=True, timeout=90):
        """What the pusher saw, without "remote: "."""
        child = self.start(*refspecs)
        out, _ = child.communicate(timeout=timeout)
        assert (child.returncode == 0) == accepted, out
        return re.sub(r"^remote: (.*?) *$", r"\1", out, flags=re.M)

    def tip(self, branch="main"):
        """Where a branch is; "" when it is not there."""
        done = subprocess.run(["git", "-C", str(self.path), "rev-parse", "-q", "--verify", f"refs/heads/{branch}"],
                              stdout=subprocess.PIPE, text=True, check=False)
        return done.stdout.strip()

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

    def hook_process(self):
        """The pid of the pipeline of the push under way to this repository."""
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                argv = (entry / "cmdline").read_bytes().split(b"\0")
                environ = (entry / "environ").read_bytes()
            except OSError:
                continue
            if len(argv) > 1 and argv[1] == b"push-receive" and f"CAPSTAN_PUSH_REPO={self.key}\0".encode() in environ:
                return int(entry.name)
        return 0

    def wait_hook(self, seconds=20):
        return wait_until(self.hook_process, seconds, "the hook runs", step=0.01)


def kill_group(child):
    """git push, the receiving git and its hook, all at once."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait(10)
    child.stdout.close()
