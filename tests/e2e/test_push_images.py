"""Pushes with images: what was built is deployed by digest, by an App or, as Gitkube has it, on containers that are there.

Skipped where buildah, docker-registry or user namespaces are missing.
"""
import re
import shutil
import subprocess

import pytest

from harness import ROOT, wait_until
from pushes import Hosted, Service
from registry import Registry, installed
from test_push import files


def missing():
    if not shutil.which("buildah") or not installed():
        return "buildah or docker-registry is not installed"
    if subprocess.run(["unshare", "-Urpf", "--mount-proc", "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return "this machine has no user namespaces, and builds need them"
    return None


pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

DOCKERFILE = "FROM scratch\nCOPY page /page\n"

REMOTE = """\
apiVersion: gitkube.sh/v1alpha1
kind: Remote
metadata: {name: web, namespace: %(namespace)s}
spec:
  authorizedKeys: ["%(key)s"]
  registry: {url: "%(registry)s/team"}
  %(more)s
  deployments:
  - name: web
    containers: [{name: web, path: src, dockerfile: src/Dockerfile}]
"""

CLUSTER_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: %s}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: side, image: "side:v1"}, {name: web, image: "web:v1"}]}
"""


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    with Registry(tmp_path_factory.mktemp("registry") / "r") as registry:
        yield registry


@pytest.fixture(scope="module")
def service(world, tmp_path_factory):
    world.kubectl("apply", "-f", str(ROOT / "deploy" / "crds" / "remotes.yaml"))
    world.kubectl("wait", "--for=condition=Established", "crd/remotes.gitkube.sh", "--timeout=30s")
    with Service(world, tmp_path_factory.mktemp("push") / "home") as service:
        yield service


def images(world, namespace):
    deployment = world.get("deployment", "web", "-n", namespace)
    return {c["name"]: c["image"] for c in deployment["spec"]["template"]["spec"]["containers"]}


def is_built(image, registry):
    return re.fullmatch(rf"{registry.name}/[a-z0-9/-]*web[a-z0-9-]*@sha256:[0-9a-f]{{64}}", image)


def test_what_is_built_is_deployed_by_digest(service, world, namespace, registry):
    more = f"    registry: {{url: \"{registry.name}/team\", insecure: true}}\n"
    hosted = service.host(namespace, more=more)
    capstan_yaml = files()["capstan.yaml"] + "build:\n  web: {context: src}\n"
    hosted.git.commit({**files("1"), "capstan.yaml": capstan_yaml, "src/Dockerfile": DOCKERFILE, "src/page": "one\n"})
    hosted.push(timeout=240)
    first = images(world, namespace)["web"]
    assert is_built(first, registry)
    hosted.git.commit(files("2") | {"capstan.yaml": capstan_yaml})
    assert "(as before)" in hosted.push()
    assert images(world, namespace)["web"] == first and hosted.data() == "2"
    hosted.git.commit({"src/Dockerfile": "FROM scratch\nCOPY nothing /\n"})
    hosted.push(accepted=False, timeout=240)
    assert images(world, namespace)["web"] == first
    hosted.git.git("reset", "-q", "--hard", "HEAD~1")
    hosted.git.commit({"src/page": "two\n"})
    hosted.push(timeout=240)
    assert is_built(images(world, namespace)["web"], registry) and images(world, namespace)["web"] != first


def remote(service, namespace, registry, more=""):
    """A Remote that is served."""
    key = service.key.with_suffix(".key.pub").read_text().strip()
    service.world.apply(REMOTE % {"namespace": namespace, "key": key, "registry": registry.name, "more": more})
    hosted = Hosted(service, namespace, "web")
    wait_until(hosted.path.with_suffix(".json").exists, 30, "the Remote is served")
    return hosted


def test_a_remote_sets_images_on_containers_that_are_there(service, world, namespace, registry):
    hosted = remote(service, namespace, registry)
    hosted.git.commit({"src/Dockerfile": DOCKERFILE, "src/page": "one\n"})
    said = hosted.push("HEAD:refs/heads/master", accepted=False, timeout=240)
    assert "there is no Deployment" in said and hosted.tip("master") == ""
    world.apply(CLUSTER_DEPLOYMENT % namespace)
    hosted.push("HEAD:refs/heads/master", timeout=240)
    first = images(world, namespace)
    assert first["side"] == "side:v1" and is_built(first["web"], registry)
    # One that does not come up is put back.
    world.kubectl("patch", "deployment", "web", "-n", namespace, "-p", '{"spec":{"replicas":1,"progressDeadlineSeconds":2}}')
    hosted.git.commit({"src/page": "two\n"})
    said = hosted.push("HEAD:refs/heads/master", accepted=False, timeout=240)
    assert "ProgressDeadlineExceeded" in said and images(world, namespace) == first


def test_a_remote_applies_its_manifests(service, world, namespace, registry):
    hosted = remote(service, namespace, registry, "manifests: {path: k8s}")
    deploy = {path.replace("deploy/", "k8s/"): text for path, text in files("1").items() if path != "capstan.yaml"}
    commit = hosted.git.commit({**deploy, "src/Dockerfile": DOCKERFILE, "src/page": "one\n"})
    hosted.push("HEAD:refs/heads/master", timeout=240)
    assert hosted.revision() == commit and hosted.data() == "1"
    assert is_built(images(world, namespace)["web"], registry)
    # What a push no longer has goes.
    hosted.git.commit({"k8s/a.yaml": None})
    hosted.push("HEAD:refs/heads/master")
    wait_until(lambda: hosted.data() is None, 10, "what is no longer pushed is pruned")
