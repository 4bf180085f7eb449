"""Pushes that deliver by a configuration repository: built, written there, rolled out by the operator, and taken back.

Skipped without docker-registry.
"""
import concurrent.futures
import json
import os
import pathlib
import pwd
import signal
import subprocess

import pytest

import registry as registries
from git_http import GitServer
from gitea import PASSWORD, USER
from harness import CAPSTAN, Git, free_port, wait_until

pytestmark = pytest.mark.skipif(not registries.installed(), reason="docker-registry is not installed")

WEB = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "1"}   # ours
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  progressDeadlineSeconds: 600
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: registry.test/web:v1   # built by pushes
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with registries.Registry(tmp_path_factory.mktemp("registry") / "r") as registry:
        yield registry


@pytest.fixture(scope="module")
def service(world, tmp_path_factory):
    """`capstan serve` with its operator: its ssh port and directory."""
    home = tmp_path_factory.mktemp("service")
    port = free_port()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / "identity"], check=True, timeout=60)
    with open(home / "log", "wb") as log:
        child = subprocess.Popen([CAPSTAN, "serve", "--state", home / "state", "--ssh", f"127.0.0.1:{port}", "--http",
                                  f"127.0.0.1:{free_port()}", "--operator"], env=world.env, stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=log)
    try:
        yield port, home
        assert child.poll() is None, (home / "log").read_text()[-3000:]
    finally:
        child.terminate()
        child.wait(20)


class Shop:
    """A hosted repository `shop` whose program prints an image, its configuration repository, and the App that follows it."""

    def __init__(self, world, service, registry, namespace, tmp_path, server):
        self.world, self.service, self.registry, self.namespace = world, service, registry, namespace
        self.source = Git(tmp_path / "source")
        self.seed = Git(tmp_path / "seed")
        self.seed.commit({"capstan.yaml": "environments: {prod: {branch: main, path: deploy/prod}}\n", "deploy/prod/web.yaml": WEB})
        self.bare = tmp_path / "config.git"
        subprocess.run(["git", "clone", "-q", "--bare", self.seed.directory, self.bare], check=True, timeout=60)
        self.seed.git("remote", "add", "origin", self.bare)
        self.git("config", "http.receivepack", "true")
        self.url = server.url("config.git")
        key = (service[1] / "identity.pub").read_text().strip()
        world.apply(json.dumps({"apiVersion": "capstan.dev/v1alpha1", "kind": "Repo", "metadata": {"name": "shop", "namespace": namespace},
                                "spec": {"hosted": {"keys": [{"name": "dev", "key": key, "right": "push"}],
                                                    "registry": {"url": registry.name, "insecure": True}}}}))
        wait_until(lambda: world.condition(namespace, "shop", resource="repo").get("status") == "True", 20, "the repository is there")

    def follow(self):
        """The Repo and the App of the configuration; polled once an hour: pushes do not wait for that."""
        self.world.repo(self.namespace, self.url, name="config")
        self.world.app(self.namespace, "web", path="deploy/prod", repo="config")
        self.world.wait_ready(self.namespace, "web", seconds=30)

    def git(self, *arguments):
        return subprocess.run(["git", "-C", self.bare, *arguments], text=True, stdout=subprocess.PIPE, check=True, timeout=60).stdout.strip()

    def commit(self, words, deliver="", environment="", image=None):
        """Source that builds to an image of these words."""
        pushed = image or f"{self.registry.name}/web@{self.registry.push('web', 'v1', words)}"
        return self.source.commit({
            "capstan.yaml": f"environments: {{prod: {{branch: main, path: ., timeout: 60s{environment}}}}}\n"
                            f"build: {{web: {{exec: [./build.sh]}}}}\ndeliver: {{config: '{self.url}'{deliver}}}\n",
            "build.sh": f"#!/bin/sh\necho {pushed}\n"}, message=words)

    def push(self, good=True):
        port, home = self.service
        user = pwd.getpwuid(os.getuid()).pw_name
        (self.source.directory / "build.sh").chmod(0o755)
        self.source.git("add", "-A")
        self.source.git("commit", "-q", "--amend", "--no-edit", "--allow-empty")
        env = dict(self.source.env, GIT_SSH_COMMAND=f"ssh -F none -i {home}/identity -o IdentitiesOnly=yes -o StrictHostKeyChecking=no "
                                                    "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR")
        done = subprocess.run(["git", "push", f"ssh://{user}@127.0.0.1:{port}/{self.namespace}/shop.git", "HEAD:main"],
                              cwd=self.source.directory, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180,
                              check=False)
        assert (done.returncode == 0) == good, done.stdout
        return done.stdout

    def image(self):
        deployment = self.world.get("deployment", "web", "-n", self.namespace)
        return deployment["spec"]["template"]["spec"]["containers"][0]["image"]

    def head(self):
        """Of the hosted repository; None before a push was accepted."""
        done = subprocess.run(["git", "-C", self.service[1] / "state" / "repos" / self.namespace / "shop.git", "rev-parse", "-q",
                               "--verify", "main"], text=True, stdout=subprocess.PIPE, check=False, timeout=60)
        return done.stdout.strip() or None


@pytest.fixture
def server(tmp_path):
    with GitServer(tmp_path) as server:
        yield server


@pytest.fixture
def shop(world, service, registry, namespace, tmp_path, server):
    return Shop(world, service, registry, namespace, tmp_path, server)


def test_a_push_is_written_to_the_configuration_and_rolled_out(shop):
    shop.follow()
    shop.commit("a new shop window")
    said = shop.push()
    assert "deploy/prod/web.yaml" in said and "healthy" in said, said
    assert shop.image().startswith(f"{shop.registry.name}/web@sha256:")
    text = shop.git("show", "main:deploy/prod/web.yaml")
    assert "   # built by pushes" in text and "   # ours" in text and shop.image() in text
    assert shop.git("log", "-1", "--format=%an: %s|%b", "main").startswith("Dev: deploy web to prod|a new shop window")
    assert f"Source-Commit: {shop.source.git('rev-parse', 'HEAD')}" in shop.git("log", "-1", "--format=%b", "main")
    # The same image again: accepted, with nothing to change.
    before = shop.git("rev-parse", "main")
    shop.source.commit({"README": "words\n"})
    assert "nothing to change" in shop.push() and shop.git("rev-parse", "main") == before


def test_a_failed_rollout_is_taken_back(shop, world):
    shop.follow()
    shop.commit("good")
    shop.push()
    good, before = shop.image(), shop.head()
    # Somebody's quota: the Deployment cannot be changed.
    world.apply(f"""\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {shop.namespace}}}
spec:
  matchConstraints:
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {shop.namespace}}}}}
    resourceRules: [{{apiGroups: [apps], apiVersions: [v1], resources: [deployments], operations: [UPDATE]}}]
  validations: [{{expression: "object.spec.template.spec.containers[0].image == '{good}'", message: "no other image today"}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {shop.namespace}}}
spec: {{policyName: {shop.namespace}, validationActions: [Deny]}}
""")
    try:
        wait_until(lambda: world.run("kubectl", "set", "image", "deployment/web", "-n", shop.namespace, "web=x:1", "--dry-run=server").returncode, 20,
                   "the policy counts")
        shop.commit("bad")
        said = shop.push(good=False)
    finally:
        world.run("kubectl", "delete", "validatingadmissionpolicy,validatingadmissionpolicybinding", shop.namespace)
    assert "no other image today" in said and "takes back" in said and f"App {shop.namespace}/web: " in said, said
    assert shop.head() == before and shop.image() == good
    assert shop.git("log", "-1", "--format=%s", "main").startswith("undo ") and good in shop.git("show", "main:deploy/prod/web.yaml")
    assert shop.git("diff", "--stat", "main~2", "main") == ""
    shop.commit("bad")
    assert "healthy" in shop.push() and shop.image() != good


def hooks_of(home):
    """Processes of pushes below that directory, by their environment."""
    for at in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if b"push-receive" in (at / "cmdline").read_bytes() and os.fsencode(home) in (at / "environ").read_bytes():
                yield int(at.name)
        except OSError:
            pass


def test_what_a_killed_push_left_is_taken_back(shop, world):
    shop.follow()
    shop.commit("good")
    shop.push()
    good, head, config = shop.image(), shop.head(), shop.git("rev-parse", "main")
    # No node runs its pods: it is waited for, and never there.
    text = shop.git("show", "main:deploy/prod/web.yaml") + "\n"
    shop.seed.git("pull", "-q", "origin", "main")
    shop.seed.commit({"deploy/prod/web.yaml": text.replace("replicas: 0", "replicas: 1")}, message="one replica")
    shop.seed.git("push", "-q", "origin", "main")
    before = shop.git("rev-parse", "main")
    shop.commit("never healthy")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        pushing = pool.submit(shop.push, good=False)
        wait_until(lambda: shop.git("rev-parse", "main") != before, 60, "the configuration is written")
        for pid in hooks_of(shop.service[1]):
            os.kill(pid, signal.SIGKILL)
        pushing.result(60)
    wait_until(lambda: shop.git("log", "-1", "--format=%s", "main").startswith("undo "), 60, "it is taken back")
    assert shop.git("diff", "--stat", before, "main") == "" and config != before
    assert shop.head() == head and good in shop.git("show", "main:deploy/prod/web.yaml")


def test_what_no_object_names_is_not_written_to(shop, server, tmp_path):
    other = tmp_path / "other.git"
    subprocess.run(["git", "clone", "-q", "--bare", shop.bare, other], check=True, timeout=60)
    shop.follow()
    shop.url = server.url("other.git")
    shop.commit("elsewhere")
    said = shop.push(good=False)
    assert "spec.hosted.deliver" in said and shop.head() is None
    assert shop.git("rev-parse", "main") == subprocess.run(["git", "-C", other, "rev-parse", "main"], text=True, stdout=subprocess.PIPE,
                                                           check=True, timeout=60).stdout.strip()


def test_a_review_is_a_branch_and_deploys_nothing(shop, world):
    world.kubectl("patch", "repo", "shop", "-n", shop.namespace, "--type=merge", "-p",
                  json.dumps({"spec": {"hosted": {"deliver": [{"url": shop.url}]}}}))
    before = shop.git("rev-parse", "main")
    shop.commit("to be looked at", deliver=", review: true")
    said = shop.push()
    branch = "capstan/prod-" + shop.source.git("rev-parse", "HEAD")[:12]
    assert branch in said and "open one by hand" in said and "waits for its review" in said, said
    assert shop.git("rev-parse", "main") == before == shop.git("rev-parse", f"{branch}~1")
    assert f"{shop.registry.name}/web@sha256:" in shop.git("show", f"{branch}:deploy/prod/web.yaml")
    assert shop.head() == shop.source.git("rev-parse", "HEAD")


def test_a_review_is_a_pull_request_of_the_forge(shop, world, gitea):
    """By the Secret that the hosted repository names: login, authority, and which type of host it is."""
    name = f"cfg-{shop.namespace}"
    shop.url = gitea.repository(name, private=True)
    shop.seed.env["GIT_SSL_CAINFO"] = str(gitea.ca)
    shop.seed.git("push", "-q", gitea.with_login(shop.url), "main")
    world.kubectl("create", "secret", "generic", "login", "-n", shop.namespace, f"--from-literal=username={USER}",
                  f"--from-literal=password={PASSWORD}", "--from-literal=forge=gitea", f"--from-file=ca.crt={gitea.ca}")
    world.kubectl("patch", "repo", "shop", "-n", shop.namespace, "--type=merge", "-p",
                  json.dumps({"spec": {"hosted": {"deliver": [{"url": shop.url, "secretRef": {"name": "login"}}]}}}))
    shop.commit("a new shop window", deliver=", review: true")
    said = shop.push()
    pull, = gitea.api("GET", f"repos/{USER}/{name}/pulls?state=open")
    assert pull["html_url"] in said and pull["title"] == "deploy web to prod" and "a new shop window" in pull["body"], said
    assert pull["head"]["ref"] == "capstan/prod-" + shop.source.git("rev-parse", "HEAD")[:12] and pull["base"]["ref"] == "main"
    assert PASSWORD not in said + (shop.service[1] / "log").read_text()
