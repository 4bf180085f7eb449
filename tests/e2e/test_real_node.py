"""Real pods: Ready means that they are, and the operator runs in one as it is installed, from the image that is made here.

Starts a kubelet with containerd (tests/cluster), which needs root; where none can run the tests are skipped. The tests
of the plugin need kubectl alone.
"""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest

from git_http import GitServer
from harness import CAPSTAN, CLUSTER, DIFFERS, ROOT, TIMED_OUT, Operator, World, config_map, wait_until

sys.path.insert(0, str(ROOT / "tests" / "cluster"))

from testcluster import packages  # noqa: E402
from testcluster.state import Failure  # noqa: E402

slow = pytest.mark.slow  # starts a real node, which may install packages first

IMAGE = "localhost/capstan:test"
SYSTEM = "capstan-system"

# It is ready when somebody says so.
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {release: "%(release)s"}}
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 0
      containers:
      - name: web
        image: %(image)s
        imagePullPolicy: Never
        command: [sh, -c, "%(before)s; exec httpd -f -p 8080 -h /www"]
        readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1}
"""


def web(release=1, image="capstan.test/busybox:1", ready=False):
    return WEB % {"release": release, "image": image, "before": "touch /tmp/ready" if ready else "true"}


# What an App of its own ServiceAccount may do in its namespace.
DEPLOYER = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: deployer}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [get, list, watch, create, patch, update, delete]}
- {apiGroups: [apps], resources: [deployments], verbs: [get, list, watch, create, patch, update, delete]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer}
subjects: [{kind: ServiceAccount, name: deployer}]
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A cluster with a node that runs what it is told."""
    try:
        packages.need_root_and_network()
        world = World(tmp_path_factory.mktemp("node"), "--nodes", "real")
    except Failure as failure:
        pytest.skip(str(failure))
    except subprocess.CalledProcessError:
        pytest.skip("a real node does not start on this machine; the reason is in the output above")
    world.capstan("install", "--crds-only")
    yield world
    world.cluster("down")


@pytest.fixture
def operator(world, tmp_path):
    """One that ends with its test: the others have theirs in a pod."""
    with Operator(world, tmp_path / "operator") as operator:
        yield operator


@pytest.fixture(scope="module")
def image(world, tmp_path_factory):
    """The operator's image, known to the node."""
    setup = subprocess.run([ROOT / "scripts" / "setup", "image"], text=True, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=600, check=False)
    if setup.returncode:
        pytest.skip(f"there is no buildah on this machine: {setup.stdout.strip()[-300:]}")
    archive = tmp_path_factory.mktemp("image") / "capstan.tar"
    env = dict(os.environ, IMAGE=IMAGE, ARCHIVE=str(archive))
    done = subprocess.run([ROOT / "scripts" / "image", CAPSTAN.parents[2]], env=env, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    subprocess.run([CLUSTER, "load-image", world.directory, archive], timeout=120, check=True)
    return IMAGE


def gateway(world):
    """This machine, as pods reach it."""
    server = json.loads(world.kubectl("config", "view", "--raw", "-o", "json"))["clusters"][0]["cluster"]["server"]
    return re.match(r"https://(10\.213\.\d+\.)", server).group(1) + "1"


def pods(world, namespace, app="web"):
    """Those that are not about to go."""
    return [pod for pod in world.get("pods", "-n", namespace)["items"]
            if not pod["metadata"].get("deletionTimestamp") and pod["metadata"]["name"].startswith(app)]


def is_pod_ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", []))


def wait_running(world, namespace):
    """The name of the one pod, whose container runs."""
    def running():
        found = pods(world, namespace)
        return len(found) == 1 and found[0]["status"].get("phase") == "Running" and found[0]["metadata"]["name"]
    return wait_until(running, 60, lambda: f"a pod runs: {json.dumps([p.get('status') for p in pods(world, namespace)])}")


def make_ready(world, namespace, pod):
    world.kubectl("exec", "-n", namespace, pod, "--", "touch", "/tmp/ready")


# --- what a pod says is what an app says ---


@slow
def test_sync_of_a_directory_ends_when_the_pod_is_ready(world, namespace, tmp_path):
    (tmp_path / "web.yaml").write_text(web())
    sync = ("sync", tmp_path, "--name", "shop", "-n", namespace)
    world.capstan(*sync, "--no-wait")
    pod = wait_running(world, namespace)
    said = world.capstan(*sync, "--timeout", "3s", expect=TIMED_OUT)
    assert "Deployment" in said and "web" in said
    make_ready(world, namespace, pod)
    world.capstan(*sync, "--timeout", "60s")
    assert is_pod_ready(world.get("pod", pod, "-n", namespace))


@slow
def test_an_app_is_ready_only_once_its_pod_is(world, operator, namespace, git):
    sha = git.commit({"web.yaml": web()})
    world.repo(namespace, git.url)
    world.app(namespace)
    pod = wait_running(world, namespace)
    for _ in range(20):  # it runs, and is not ready
        assert world.condition(namespace).get("status") != "True"
        time.sleep(0.1)
    said = world.capstan("status", "-n", namespace, expect=DIFFERS)
    assert re.search(r"^shop .*(progress|waiting|0 of 1|not ready)", said, re.M | re.I), said
    make_ready(world, namespace, pod)
    world.wait_ready(namespace, revision=sha, seconds=60)
    assert is_pod_ready(world.get("pod", pod, "-n", namespace))
    world.capstan("status", "-n", namespace)


@slow
def test_an_image_that_is_not_there_is_told_and_a_revert_cures_it(world, operator, namespace, git):
    sha = git.commit({"web.yaml": web(ready=True)})
    world.repo(namespace, git.url)
    world.app(namespace)
    world.wait_ready(namespace, revision=sha, seconds=60)
    bad = git.commit({"web.yaml": web(2, "capstan.test/nothing:1")})
    operator.notify(namespace)

    def stuck():
        applied = (world.get("app", "shop", "-n", namespace)["status"].get("revision") or {}).get("applied", "")
        waiting = [s["state"].get("waiting", {}).get("reason") for p in pods(world, namespace)
                   for s in p["status"].get("containerStatuses", [])]
        return bad in applied and "ErrImageNeverPull" in waiting
    wait_until(stuck, 60, "the new pod has no image")
    assert world.condition(namespace).get("status") != "True"
    sha = git.commit({"web.yaml": web(1, ready=True)}, "revert")
    operator.notify(namespace)
    world.wait_ready(namespace, revision=sha, seconds=60)
    wait_until(lambda: [is_pod_ready(p) for p in pods(world, namespace)] == [True], 30, "one pod is left, and ready")


# --- the operator in a pod ---


def openssl(directory, *args):
    subprocess.run(["openssl", *args], cwd=directory, check=True, timeout=60, stdout=subprocess.PIPE,
                   stderr=subprocess.STDOUT)


@pytest.fixture
def certificate(world, tmp_path):
    """An authority that only this test knows, and a certificate of this machine; a directory with ca.crt, tls.crt, tls.key."""
    directory = tmp_path / "tls"
    directory.mkdir()
    (directory / "empty.cnf").write_text("[req]\ndistinguished_name = dn\n[dn]\n")
    new = ["req", "-x509", "-config", "empty.cnf", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
           "-days", "2"]
    openssl(directory, *new, "-subj", "/CN=git-authority", "-keyout", "ca.key", "-out", "ca.crt",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl(directory, *new, "-subj", "/CN=git", "-CA", "ca.crt", "-CAkey", "ca.key", "-keyout", "tls.key",
            "-out", "tls.crt", "-addext", "basicConstraints=critical,CA:FALSE",
            "-addext", f"subjectAltName=IP:{gateway(world)}")
    return directory


@pytest.fixture
def installed(world, image):
    """The operator as `capstan install` puts it there, with no right to deploy anything by itself."""
    out = world.capstan("install", "--rights", "minimal", "--image", image, "--timeout", "90s", timeout=120)
    assert f"Deployment {SYSTEM}/capstan" in out
    yield
    world.run("kubectl", "delete", "deployment", "capstan", "-n", SYSTEM, "--wait=false")


def operator_pod(world):
    """The name of the one operator, when it is ready."""
    found = pods(world, SYSTEM, "capstan")
    return found[0]["metadata"]["name"] if len(found) == 1 and is_pod_ready(found[0]) else None


def written_by_capstan(world, namespace):
    """When and what it last wrote to the Deployment."""
    thing = world.get("deployment", "web", "-n", namespace, "--show-managed-fields")
    return [f for f in thing["metadata"]["managedFields"] if f["manager"].startswith("capstan")]


def operator_log(world):
    return world.run("kubectl", "logs", "-n", SYSTEM, "deployment/capstan", "--tail=-1").stdout


@slow
def test_the_installed_operator_converges_by_https_with_minimal_rights(world, installed, namespace, git, certificate):
    first = wait_until(lambda: operator_pod(world), 30, "install ends when the operator is ready")
    pod = world.get("pod", first, "-n", SYSTEM)
    assert pod["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert world.get("clusterrole", "capstan-deployer") is None

    world.apply(DEPLOYER, "-n", namespace)
    world.kubectl("create", "secret", "generic", "git", "-n", namespace, f"--from-file=ca.crt={certificate}/ca.crt",
                  "--from-literal=username=reader", "--from-literal=password=of-git")
    sha = git.commit({"web.yaml": web(ready=True), "one.yaml": config_map("one")})
    server = GitServer(git.directory, gateway(world), (certificate / "tls.crt", certificate / "tls.key"),
                       ("reader", "of-git"))
    with server:
        world.repo(namespace, server.url(".git"), more="  secretRef: {name: git}\n")
        world.app(namespace, more="  serviceAccountName: deployer\n")
        world.wait_ready(namespace, revision=sha, seconds=60)
        assert [is_pod_ready(p) for p in pods(world, namespace)] == [True]

        sha = git.commit({"one.yaml": config_map("one", "2")})
        world.capstan("sync", "--app", "shop", "-n", namespace, "--timeout", "60s", timeout=90)
        world.wait_ready(namespace, revision=sha)
        assert world.get("configmap", "one", "-n", namespace)["data"] == {"a": "2"}

        # Another pod goes on where this one was: the Lease is taken, a hand edit is healed, nothing else is touched.
        before = written_by_capstan(world, namespace)
        assert before
        world.kubectl("delete", "pod", first, "-n", SYSTEM, "--wait=false")
        world.kubectl("patch", "configmap", "one", "-n", namespace, "--type=merge", "-p", '{"data":{"a":"by hand"}}')
        wait_until(lambda: operator_pod(world) not in (None, first), 60, "another operator is ready")
        wait_until(lambda: world.get("configmap", "one", "-n", namespace)["data"] == {"a": "2"}, 60,
                   lambda: f"the edit is healed: {operator_log(world)[-2000:]}")
        assert written_by_capstan(world, namespace) == before
        log = operator_log(world)
        assert "forbidden" not in log.lower(), log
        assert "of-git" not in log

        # What the ServiceAccount may not do is refused, and said.
        git.commit({"secret.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: denied}\n"})
        world.run(CAPSTAN, "sync", "--app", "shop", "-n", namespace, "--no-wait", "--timeout", "20s")
        wait_until(lambda: "forbidden" in world.condition(namespace).get("message", "").lower(), 30,
                   lambda: f"the refusal is told: {world.condition(namespace)}")
        assert world.condition(namespace)["status"] != "True"
        assert world.get("secret", "denied", "-n", namespace) is None


@pytest.fixture
def sshd(world, tmp_path):
    """An ssh server on this machine for one key; (port, directory with identity and known_hosts)."""
    program, shadow = shutil.which("sshd", path="/usr/sbin:/usr/bin"), pathlib.Path("/etc/shadow").read_text()
    if not program or re.search(r"^root:!", shadow, re.M):
        pytest.skip("there is no sshd here, or it would not let root in")
    home, address = tmp_path / "sshd", gateway(world)
    home.mkdir(mode=0o700)
    for name in ("host", "identity"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", home / name], timeout=60, check=True)
    with socket.socket() as s:
        s.bind((address, 0))
        port = s.getsockname()[1]
    (home / "known_hosts").write_text(f"[{address}]:{port} {(home / 'host.pub').read_text()}")
    (home / "config").write_text(f"ListenAddress {address}:{port}\nHostKey {home}/host\nAuthorizedKeysFile {home}/identity.pub\n"
                                 "PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n")
    pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it insists on it, and changes into it
    with open(home / "log", "wb") as log:
        child = subprocess.Popen([program, "-D", "-e", "-f", home / "config"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def answers():
        assert child.poll() is None, (home / "log").read_text()
        with socket.socket() as s:
            return s.connect_ex((address, port)) == 0
    try:
        wait_until(answers, 20, "sshd answers")
        yield port, home
    finally:
        child.terminate()
        child.wait(10)


@slow
def test_the_installed_operator_fetches_by_ssh(world, installed, namespace, git, sshd):
    """The image has what git needs for it: ssh, a shell, and a user that ssh knows by name."""
    port, home = sshd
    world.apply(DEPLOYER, "-n", namespace)
    world.kubectl("create", "secret", "generic", "git", "-n", namespace, f"--from-file=identity={home}/identity",
                  f"--from-file=known_hosts={home}/known_hosts")
    sha = git.commit({"one.yaml": config_map("one")})
    world.repo(namespace, f"ssh://root@{gateway(world)}:{port}{git.directory}", more="  secretRef: {name: git}\n")
    world.app(namespace, more="  serviceAccountName: deployer\n")
    world.wait_ready(namespace, revision=sha, seconds=60)
    assert world.names(namespace) == {"one"}


# --- kubectl capstan ---


@pytest.fixture(scope="module")
def plugin(tmp_path_factory):
    """An environment with kubectl and what `meson install` puts beside it."""
    kubectl = subprocess.run([ROOT / "tests" / "cluster" / "build", "kubernetes"], text=True, stdout=subprocess.PIPE,
                             timeout=1800, check=True).stdout.strip()
    home = tmp_path_factory.mktemp("installed")
    done = subprocess.run(["meson", "install", "-C", CAPSTAN.parents[2], "--no-rebuild", "--quiet"], timeout=120, text=True,
                          env=dict(os.environ, DESTDIR=str(home)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    assert done.returncode == 0, done.stdout
    programs = next(home.rglob("kubectl-capstan")).parent
    return dict(os.environ, PATH=f"{programs}:{kubectl}:{os.environ['PATH']}", HOME=str(home), KUBECONFIG="/nonexistent")


def kubectl(env, *args):
    done = subprocess.run(["kubectl", *args], env=env, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_a_plugin_of_kubectl(plugin):
    own = subprocess.run([CAPSTAN, "version"], text=True, stdout=subprocess.PIPE, timeout=60, check=True).stdout
    assert kubectl(plugin, "capstan", "version") == own
    assert "kubectl-capstan" in kubectl(plugin, "plugin", "list")


def test_kubectl_completes_it(plugin):
    assert kubectl(plugin, "__complete", "capstan", "sy") == "sync\n:4\n"
    assert kubectl(plugin, "__complete", "capstan", "render", "--output", "j") == "json\n:4\n"
