"""A push becomes a running program: source in C and a Dockerfile, pushed over ssh; the pod answers HTTP requests.

Starts a kubelet with containerd (tests/cluster), which needs root, a registry and buildah; where they cannot run the tests
are skipped.
"""
import json
import os
import pwd
import re
import subprocess
import sys
import urllib.request

import pytest

from harness import CAPSTAN, ROOT, World, free_port, wait_until

sys.path.insert(0, str(ROOT / "tests" / "cluster"))

from testcluster import packages  # noqa: E402
from testcluster.state import Failure  # noqa: E402

pytestmark = pytest.mark.slow  # starts a real node, which may install packages first

EXAMPLE = ROOT / "examples" / "web"
FILES = {str(path.relative_to(EXAMPLE)): path.read_text() for path in EXAMPLE.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
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


@pytest.fixture(scope="module")
def registry(world, tmp_path_factory):
    """HOST:PORT of a registry that the node pulls from, with the image of a compiler."""
    setup = subprocess.run([ROOT / "scripts" / "setup", "test"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=600, check=False)
    if setup.returncode:
        pytest.skip(f"buildah and a registry cannot be installed: {setup.stdout.strip()[-300:]}")
    home = tmp_path_factory.mktemp("registry")
    server = json.loads(world.kubectl("config", "view", "--raw", "-o", "json"))["clusters"][0]["cluster"]["server"]
    host = re.match(r"https://(10\.213\.\d+\.)", server).group(1) + f"1:{free_port()}"
    (home / "config.yml").write_text(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {home}/data}}, delete: {{enabled: true}}}}\n"
                                     f"http: {{addr: '{host}'}}\nlog: {{level: error}}\n")
    child = subprocess.Popen(["docker-registry", "serve", home / "config.yml"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    trusted = world.directory / "registries" / host
    trusted.mkdir(parents=True)
    (trusted / "hosts.toml").write_text(f'server = "http://{host}"\n[host."http://{host}"]\ncapabilities = ["pull", "resolve"]\n')

    def answers():
        try:
            return urllib.request.urlopen(f"http://{host}/v2/", timeout=2).status == 200
        except OSError:
            return False
    try:
        wait_until(answers, 20, "the registry answers")
        subprocess.run([ROOT / "tests" / "services" / "cc-image", f"{host}/cc:1", "--root", home / "buildah", "--runroot",
                        home / "run", "--storage-driver", "overlay"], check=True, timeout=120)
        yield host
    finally:
        child.terminate()
        child.wait(10)


@pytest.fixture(scope="module")
def service(world, tmp_path_factory):
    """`capstan serve` with its operator; its ssh port and the file of the identity that may push."""
    home = tmp_path_factory.mktemp("service")
    port = free_port()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / "identity"], check=True, timeout=60)
    with open(home / "log", "wb") as log:
        child = subprocess.Popen([CAPSTAN, "serve", "--state", home / "state", "--ssh", f"127.0.0.1:{port}", "--http",
                                  f"127.0.0.1:{free_port()}", "--operator"], env=world.env, stdin=subprocess.DEVNULL,
                                 stdout=log, stderr=log)
    try:
        yield port, home
        assert child.poll() is None, (home / "log").read_text()[-3000:]
    finally:
        child.terminate()
        child.wait(20)


def push(git, service, namespace):
    port, home = service
    user = pwd.getpwuid(os.getuid()).pw_name
    env = dict(git.env, GIT_SSH_COMMAND=f"ssh -F none -i {home}/identity -o IdentitiesOnly=yes -o StrictHostKeyChecking=no "
                                        "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR")
    done = subprocess.run(["git", "push", f"ssh://{user}@127.0.0.1:{port}/{namespace}/shop.git", "main"], cwd=git.directory,
                          env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=180, check=False)
    return done.returncode, done.stdout


def page(world, namespace):
    """What the one pod answers."""
    items = [p for p in world.get("pods", "-n", namespace, "-l", "app=web")["items"] if not p["metadata"].get("deletionTimestamp")]
    address = items[0]["status"]["podIP"]
    return urllib.request.urlopen(f"http://{address}:8080/", timeout=5).read().decode()


@pytest.fixture
def hosted(world, service, registry, namespace):
    """A hosted repository `shop` whose images go to the registry."""
    key = (service[1] / "identity.pub").read_text().strip()
    world.apply(json.dumps({"apiVersion": "capstan.dev/v1alpha1", "kind": "Repo", "metadata": {"name": "shop", "namespace": namespace},
                            "spec": {"hosted": {"keys": [{"name": "dev", "key": key, "right": "push"}],
                                                "registry": {"url": registry, "insecure": True}}}}))
    wait_until(lambda: world.condition(namespace, "shop", resource="repo").get("status") == "True", 20, "the repository is there")
    return namespace


def test_a_pushed_program_answers(world, service, registry, hosted, git):
    git.commit({path: text.replace("registry.example.com", registry) for path, text in FILES.items()})
    status, said = push(git, service, hosted)
    assert status == 0, said
    assert page(world, hosted) == "hello\n"

    # One line of the source.
    git.commit({"web/web.c": FILES["web/web.c"].replace("hello", "good day")})
    status, said = push(git, service, hosted)
    assert status == 0, said
    assert page(world, hosted) == "good day\n"

    # A program that ends at once: its own last words are told, and the one before runs on.
    before = git.git("rev-parse", "HEAD")
    git.commit({"web/web.c": '#include <stdio.h>\nint main(void) { puts("no configuration"); return 3; }\n',
                "capstan.yaml": FILES["capstan.yaml"].replace("60s", "15s")})
    status, said = push(git, service, hosted)
    assert status != 0, said
    assert "no configuration" in said, said
    assert page(world, hosted) == "good day\n"
    hosted_head = subprocess.run(["git", "-C", service[1] / "state" / "repos" / hosted / "shop.git", "rev-parse", "main"],
                                 text=True, stdout=subprocess.PIPE, check=True, timeout=60).stdout.strip()
    assert hosted_head == before
