"""The image of the push service, run as its pod runs it: one account that is not root, nothing but what is in the image.

It is unpacked and made the root of a mount namespace (a chroot would do for all but builds, whose user namespaces the
kernel refuses to chrooted processes). Needs root, and what `scripts/setup image-push` installs; else it is skipped.
"""
import json
import os
import shutil
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest

from harness import ROOT, World, free_port, wait_until

BUILD = os.environ.get("CAPSTAN_BUILD", str(ROOT / "build"))
SERVE = """\
set -eu
mount --make-rprivate /
mount --bind {root} {root}
cd {root}
mkdir -p .old dev proc tmp
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 tmpfs tmp
pivot_root . .old
exec /.old/usr/sbin/chroot --userspec=65532:65532 / /usr/bin/env -i HOME=/tmp PATH=/usr/bin:/usr/sbin LANG=C.UTF-8 \\
    /usr/bin/capstan serve --kubeconfig=/etc/kubeconfig --ssh=127.0.0.1:{ssh} --http=127.0.0.1:{http} --operator
"""
FILES = {
    "capstan.yaml": "environments:\n  prod: {branch: main, path: deploy, timeout: 60s}\nbuild:\n  report: {context: image}\n",
    "deploy/report.yaml": """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: report, image: report}]}}}}
""",
    "image/Dockerfile": "FROM scratch\nCOPY --chown=7:7 hello /hello\n",
    "image/hello": "hello\n",
}

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="root makes images and namespaces"),
    pytest.mark.skipif(not all(map(shutil.which, ("buildah", "newuidmap", "docker-registry", "pivot_root"))),
                       reason="scripts/setup image-push and test install what the image is made of, and a registry"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The file system of the image."""
    work = tmp_path_factory.mktemp("image")
    subprocess.run([str(ROOT / "scripts/image"), "--push", BUILD], check=True, timeout=300, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, ARCHIVE=str(work / "image.tar")))
    with tarfile.open(work / "image.tar") as archive:
        manifest = json.load(archive.extractfile("manifest.json"))[0]
        config = json.load(archive.extractfile(manifest["Config"]))["config"]
        assert config["User"] == "65532:65532" and config["Entrypoint"] == ["/usr/bin/capstan"]
        archive.extract(manifest["Layers"][0], work)
    (work / "root").mkdir()
    subprocess.run(["tar", "-C", str(work / "root"), "-xf", str(work / manifest["Layers"][0])], check=True)
    yield work / "root"
    shutil.rmtree(work)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("cluster"))
    world.capstan("install", "--crds-only", "--push")
    yield world
    world.cluster("down")


@pytest.fixture
def registry(tmp_path):
    port = free_port()
    (tmp_path / "registry.yml").write_text(json.dumps({
        "version": "0.1", "storage": {"filesystem": {"rootdirectory": str(tmp_path / "registry")}},
        "http": {"addr": f"127.0.0.1:{port}"}}))
    child = subprocess.Popen(["docker-registry", "serve", str(tmp_path / "registry.yml")], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    yield f"127.0.0.1:{port}"
    child.kill()
    child.wait()


@pytest.fixture
def serve(world, root, tmp_path):
    """The port of ssh; the service is there as long as the test."""
    kubeconfig = world.kubectl("config", "view", "--raw", "--flatten")
    (root / "etc/kubeconfig").write_text(kubeconfig)
    os.chown(root / "etc/kubeconfig", 65532, 65532)
    ports = {"ssh": free_port(), "http": free_port()}
    (tmp_path / "serve.sh").write_text(SERVE.format(root=root, **ports))
    with open(tmp_path / "serve.log", "wb") as log:
        child = subprocess.Popen(["unshare", "-m", "-p", "-f", "sh", str(tmp_path / "serve.sh")],
                                 stdout=log, stderr=log)
    yield ports["ssh"], tmp_path / "serve.log"
    # The first process of the namespace, with which all of it goes. (--kill-child ends where the account changes.)
    for pid in Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split():
        os.kill(int(pid), signal.SIGKILL)
    child.wait(20)


def test_the_image_serves_and_builds_with_no_root(world, serve, registry, tmp_path):
    port, log = serve
    wait_until(lambda: "Server listening" in log.read_text(), 20, log.read_text)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    world.kubectl("create", "namespace", "shop")
    out = world.capstan("repo", "create", "report", "-n", "shop", "--key", tmp_path / "key.pub", "--registry",
                        f"{registry}/team", "--registry-insecure", "--timeout", "30s")
    assert f"ssh://git@127.0.0.1:{port}/shop/report.git" in out, out
    for path, text in FILES.items():
        (tmp_path / "src" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / path).write_text(text)
    env = dict(world.env, GIT_SSH_COMMAND=f"ssh -i {tmp_path / 'key'} -o IdentitiesOnly=yes -o StrictHostKeyChecking=no "
               "-o UserKnownHostsFile=/dev/null", GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a",
               GIT_COMMITTER_EMAIL="a@b")

    def git(*words):
        return subprocess.run(["git", *words], cwd=tmp_path / "src", env=env, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=120)

    for words in (("init", "-q", "-b", "main"), ("add", "."), ("commit", "-qm", "all")):
        assert git(*words).returncode == 0
    pushed = git("push", f"ssh://git@127.0.0.1:{port}/shop/report.git", "main")
    assert pushed.returncode == 0 and "success: prod runs" in pushed.stdout, pushed.stdout + log.read_text()
    job = world.get("cronjob", "report", "-n", "shop")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert job["containers"][0]["image"].startswith(f"{registry}/team/report-report@sha256:")
