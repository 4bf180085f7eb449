"""Hosted repositories: `capstan serve` with the real sshd, git and API server, and those who may not get in."""
import base64
import concurrent.futures
import gzip
import http.client
import json
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import CAPSTAN, TROUBLE, Git, config_map, free_port, wait_until

SSH = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
       "-o", "LogLevel=ERROR", "-F", "/dev/null"]


class Serve:
    """`capstan serve` of this cluster; a context that kills it at its end."""

    def __init__(self, world, home, *arguments, program=CAPSTAN):
        self.world, self.home, self.arguments, self.program = world, pathlib.Path(home), arguments, program
        self.log_file = self.home.parent / f"{self.home.name}.log"
        self.ssh, self.http, self.child = free_port(), free_port(), None

    def start(self):
        with open(self.log_file, "ab") as out:
            self.child = subprocess.Popen(
                [self.program, "serve", "--state", self.home, "--ssh", f"127.0.0.1:{self.ssh}", "--http", f"127.0.0.1:{self.http}",
                 *map(str, self.arguments)], env=self.world.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        wait_until(self.is_ready, 20, lambda: f"the service is ready: {self.log()[-2000:]}")
        wait_until(lambda: connects(self.ssh), 10, lambda: f"sshd listens: {self.log()[-2000:]}")
        return self

    def is_ready(self):
        assert self.child.poll() is None, self.log()[-2000:]
        try:
            return self.request("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def kill(self):
        self.child.kill()
        self.child.wait(10)

    def bare(self, namespace, name):
        return self.home / "repos" / namespace / f"{name}.git"

    def fsck(self, namespace, name):
        done = subprocess.run(["git", "-c", "safe.directory=*", "--git-dir", self.bare(namespace, name), "fsck", "--strict", "--full"],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        assert done.returncode == 0 and "missing" not in done.stdout and "error" not in done.stdout, done.stdout

    def __enter__(self):
        return self.start()

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        wait_until(lambda: not connects(self.ssh), 10, "sshd ended with the service")

    def __exit__(self, *exc):
        self.stop()


def connects(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def serve(world, remotes, tmp_path_factory):
    with Serve(world, tmp_path_factory.mktemp("serve") / "home", "--operator") as serve:
        yield serve


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Makes keys by name; the path of the private one."""
    directory = tmp_path_factory.mktemp("keys")

    def key(name):
        path = directory / name
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name}@example.test", "-f", path], check=True)
        return path
    return key


class Pusher(Git):
    """Somebody's work tree; push() and the like answer with (exit status, all that was printed)."""

    def __init__(self, directory, key=None):
        super().__init__(directory)
        self.env["GIT_TERMINAL_PROMPT"] = "0"
        if key:
            self.env["GIT_SSH_COMMAND"] = " ".join(["ssh", "-i", str(key), *SSH])

    def run(self, *arguments, timeout=60):
        done = subprocess.run(["git", *map(str, arguments)], cwd=self.directory, env=self.env, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def good(self, *arguments, **more):
        code, out = self.run(*arguments, **more)
        assert code == 0, out
        return out

    def bad(self, *arguments, says="", **more):
        code, out = self.run(*arguments, **more)
        assert code != 0 and says in out, out
        return out


class Hosted:
    """A hosted repository of a test's own, `shop`, that key ann may push to."""

    def __init__(self, world, serve, namespace, keys, name="shop", *arguments):
        self.world, self.serve, self.namespace, self.name = world, serve, namespace, name
        world.capstan("repo", "create", name, "-n", namespace, "--key", f"{keys('ann')}.pub", *arguments)
        self.ssh = self.status()["hosted"]["ssh"]

    def status(self):
        return self.world.get("repo", self.name, "-n", self.namespace)["status"]

    def capstan(self, *arguments, **more):
        return self.world.capstan("repo", *arguments, "-n", self.namespace, **more)

    def token(self, who, *arguments):
        """Made, and taken up by the service."""
        text = self.capstan("token", "create", self.name, who, *arguments)
        token = re.search(r"capstan_[0-9a-f]{64}", text)[0]
        path = f"/git/{self.namespace}/{self.name}.git/info/refs?service=git-upload-pack"
        wait_until(lambda: self.serve.request("GET", path, headers={"Authorization": f"Bearer {token}"})[0] == 200, 10, "the token counts")
        return token

    def http(self, token):
        return f"http://x:{token}@127.0.0.1:{self.serve.http}/git/{self.namespace}/{self.name}.git"

    def tip(self, branch="main"):
        done = subprocess.run(["git", "-c", "safe.directory=*", "--git-dir", self.serve.bare(self.namespace, self.name), "rev-parse", "-q",
                               "--verify", f"refs/heads/{branch}"], text=True, stdout=subprocess.PIPE, check=False)
        return done.stdout.strip()


@pytest.fixture
def hosted(world, serve, namespace, keys):
    return Hosted(world, serve, namespace, keys)


@pytest.fixture
def ann(tmp_path, keys):
    work = Pusher(tmp_path / "ann", keys("ann"))
    work.commit({"f": "one\n"})
    return work


def ssh(serve, key, *arguments, timeout=20):
    return subprocess.run(["ssh", "-i", key, *SSH, "-p", str(serve.ssh), *arguments], text=True, timeout=timeout, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def user():
    return pwd.getpwuid(os.geteuid()).pw_name


# --- what works ---

def test_clone_and_push_over_ssh_and_http(hosted, ann, tmp_path, serve, namespace):
    sha = ann.git("rev-parse", "HEAD")
    out = ann.good("push", hosted.ssh, "main")
    assert "remote:" in out and hosted.tip() == sha
    url = hosted.http(hosted.token("ci"))
    ann.good("clone", "-q", url, tmp_path / "http")
    ann.good("clone", "-q", hosted.ssh, tmp_path / "ssh")
    assert (tmp_path / "http" / "f").read_text() == (tmp_path / "ssh" / "f").read_text() == "one\n"
    sha = ann.commit({"f": "two\n"})
    ann.good("push", url, "main", "HEAD:refs/heads/feature/x", "HEAD:refs/tags/v1")
    assert hosted.tip() == hosted.tip("feature/x") == sha
    wait_until(lambda: hosted.status().get("fetch", {}).get("pushed"), 10, "status tells of the push")
    serve.fsck(namespace, "shop")
    text = hosted.capstan("show", "shop")
    assert hosted.ssh in text and "ann@example.test (push)" in text and "ci (push)" in text and hosted.status()["hosted"]["hostKey"] in text
    assert hosted.ssh in hosted.capstan("list")
    token = url.split("@")[0]
    assert token.rsplit(":", 1)[1] not in serve.log(), "the token is in the log"


def test_large_pushes_and_fetches_are_streams(hosted, ann, tmp_path, serve):
    url = hosted.http(hosted.token("ci"))
    (ann.directory / "large").write_bytes(os.urandom(12 << 20))
    sha = ann.commit({"f": "large\n"})
    ann.good("-c", "http.postBuffer=65536", "push", "-q", url, "main")  # chunked
    assert hosted.tip() == sha
    ann.good("clone", "-q", url, tmp_path / "large-copy")
    assert (tmp_path / "large-copy" / "large").stat().st_size == 12 << 20
    # A request for many commits is compressed by git.
    stream = "".join(f"commit refs/heads/b{i}\ncommitter a <a@b> {i} +0000\ndata 1\nx\n" for i in range(60))
    subprocess.run(["git", "fast-import", "--quiet"], cwd=ann.directory, env=ann.env, input=stream, text=True, check=True)
    ann.good("push", "-q", url, "refs/heads/*:refs/heads/*")
    ann.good("-c", "protocol.version=0", "clone", "-q", "--mirror", url, tmp_path / "mirror")
    assert len(subprocess.run(["git", "-C", tmp_path / "mirror", "for-each-ref"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.splitlines()) == 61
    peak = int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{serve.child.pid}/status").read_text())[1])
    assert peak < 60 * 1024 or "ASAN_OPTIONS" in os.environ or "address" in os.environ.get("CAPSTAN_BUILD", ""), peak


def test_lines_of_hooks_come_when_they_are_printed(hosted, ann, serve):
    with hook(serve, "echo first >&2; sleep 1.2; echo second >&2"):
        for url in hosted.ssh, hosted.http(hosted.token("ci")):
            ann.commit({"f": url})
            child = subprocess.Popen(["git", "push", url, "main"], cwd=ann.directory, env=ann.env, text=True, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE)
            seen = {}
            for line in child.stderr:
                for word in "first", "second":
                    if word in line:
                        seen[word] = time.monotonic()
            assert child.wait(20) == 0
            assert seen["second"] - seen["first"] > 0.7, url


def test_an_app_follows_a_hosted_repository(world, hosted, ann, namespace):
    ann.commit({"one.yaml": config_map("one", "1"), "f": None})
    ann.good("push", "-q", hosted.ssh, "main")
    world.app(namespace, repo="shop")
    world.wait_ready(namespace, revision=ann.git("rev-parse", "HEAD"))
    for _ in range(2):
        sha = ann.commit({"one.yaml": config_map("one", str(time.monotonic()))})
        ann.good("push", "-q", hosted.ssh, "main")
        world.wait_ready(namespace, revision=sha, seconds=10)  # the interval is a minute
    assert world.condition(namespace, "shop", resource="repo")["status"] == "True"


def test_a_push_deploys(world, hosted, ann, namespace):
    ann.commit({"f": None, "deploy/one.yaml": config_map("one", "pushed"),
                "capstan.yaml": f"deliver: direct\nenvironments:\n  prod: {{branch: main, path: deploy, namespace: {namespace}}}\n"})
    for url in hosted.ssh, hosted.http(hosted.token("ci")):
        ann.commit({"deploy/one.yaml": config_map("one", url[:5])})
        out = ann.good("push", url, "main")
        assert "success" in out, out
        assert world.get("configmap", "one", "-n", namespace)["data"]["a"] == url[:5]


def test_a_mirror_gets_all_branches(world, serve, namespace, keys, ann, tmp_path):
    elsewhere = tmp_path / "elsewhere.git"
    subprocess.run(["git", "init", "-q", "--bare", elsewhere], check=True)
    hosted = Hosted(world, serve, namespace, keys, "shop", "--mirror", f"file://{elsewhere}")

    def refs():
        return subprocess.run(["git", "-C", elsewhere, "for-each-ref", "--format=%(refname)"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.split()
    ann.good("push", "-q", hosted.ssh, "main", "main:x", "main:refs/tags/v1")
    wait_until(lambda: refs() == ["refs/heads/main", "refs/heads/x", "refs/tags/v1"], 15, refs)
    ann.good("push", "-q", hosted.ssh, ":x")
    wait_until(lambda: refs() == ["refs/heads/main", "refs/tags/v1"], 15, refs)
    elsewhere.rename(tmp_path / "gone")
    ann.commit({"f": "three\n"})
    ann.good("push", "-q", hosted.ssh, "main")
    wait_until(lambda: "push" in hosted.status()["hosted"]["message"], 15, "the trouble is told")


# --- who may what ---

def test_keys_and_what_they_may(hosted, ann, keys, tmp_path):
    ann.good("push", "-q", hosted.ssh, "main")
    bob, cy, eve = (Pusher(tmp_path / name, keys(name)) for name in ("bob", "cy", "eve"))
    hosted.capstan("key", "add", "shop", "bob", f"{keys('bob')}.pub", "--right", "read")
    hosted.capstan("key", "add", "shop", f"{keys('cy')}.pub", "--branch", "release/*", "--branch", "refs/tags/v*")
    wait_until(lambda: bob.run("ls-remote", hosted.ssh)[0] == 0 and cy.run("ls-remote", hosted.ssh)[0] == 0, 10, "keys count")
    for who in bob, cy:
        who.commit({"f": "mine\n"})
    bob.bad("push", hosted.ssh, "HEAD:x", says="may only read")
    cy.bad("push", hosted.ssh, "HEAD:x", says="other branches")
    cy.bad("push", hosted.ssh, "HEAD:refs/heads/release/1", "HEAD:x", says="other branches")
    assert not hosted.tip("release/1"), "one ref that is refused refuses all"
    cy.good("push", "-q", hosted.ssh, "HEAD:refs/heads/release/1", "HEAD:refs/tags/v1")
    eve.bad("ls-remote", hosted.ssh, says="Permission denied")
    ann.bad("push", hosted.ssh, "main:refs/capstan/x", says="refs/capstan")
    hosted.capstan("key", "remove", "shop", "bob")
    wait_until(lambda: bob.run("ls-remote", hosted.ssh)[0] != 0, 10, "the key is revoked")
    bob.bad("ls-remote", hosted.ssh, says="Permission denied")
    assert "no key of bob" in hosted.capstan("key", "remove", "shop", "bob", expect=TROUBLE)
    assert "private key" in hosted.capstan("key", "add", "shop", keys("bob"), expect=TROUBLE)


def test_a_key_of_another_repository(world, serve, namespace, keys, hosted, ann, tmp_path):
    ann.good("push", "-q", hosted.ssh, "main")
    world.capstan("repo", "create", "other", "-n", namespace, "--key", f"{keys('dan')}.pub")
    dan = Pusher(tmp_path / "dan", keys("dan"))
    wait_until(lambda: dan.run("ls-remote", hosted.ssh.replace("shop", "other"))[0] == 0, 10, "the key counts")
    refused = dan.bad("ls-remote", hosted.ssh)
    missing = dan.bad("ls-remote", hosted.ssh.replace("shop", "none"))
    assert refused.replace("shop", "none") == missing and "no such repository" in missing


def test_tokens_and_what_they_may(hosted, ann, serve, namespace):
    ann.good("push", "-q", hosted.ssh, "main")
    reader, pusher = hosted.token("reader", "--right", "read"), hosted.token("pusher", "--branch", "ci/*")
    wait_until(lambda: ann.run("ls-remote", hosted.http(reader))[0] == 0 and ann.run("ls-remote", hosted.http(pusher))[0] == 0, 10,
               "tokens count")
    ann.bad("push", hosted.http(reader), "main:x", says="403")
    ann.bad("push", hosted.http(pusher), "main:x", says="other branches")
    ann.good("push", "-q", hosted.http(pusher), "main:ci/1")
    path = f"/git/{namespace}/shop.git/info/refs?service=git-upload-pack"
    assert serve.request("GET", path)[0] == 401
    assert serve.request("GET", path, headers={"Authorization": f"Bearer {reader}"})[0] == 200
    assert serve.request("GET", path.replace("shop", "none"), headers={"Authorization": f"Bearer {reader}"})[0] == 401
    assert serve.request("GET", path.replace("upload", "receive"), headers={"Authorization": f"Bearer {reader}"})[0] == 403
    hosted.capstan("token", "remove", "shop", "reader")
    wait_until(lambda: serve.request("GET", path, headers={"Authorization": f"Bearer {reader}"})[0] == 401, 10, "the token is revoked")
    assert reader not in json.dumps(hosted.world.get("repo", "shop", "-n", namespace))
    for token in reader, pusher:
        assert token not in serve.log()


def test_the_operator_pushes_only_where_it_may(world, hosted, ann, namespace):
    ann.good("push", "-q", hosted.ssh, "main")
    fetch = wait_until(lambda: hosted.status().get("fetch"), 10, "the operator's address")
    data = world.get("secret", fetch["secretRef"]["name"], "-n", namespace)["data"]
    url = hosted.http(base64.b64decode(data["password"]).decode())
    ann.good("ls-remote", url)
    ann.bad("push", url, "main:x", says="403")
    world.kubectl("patch", "repo", "shop", "-n", namespace, "--type=merge", "-p", '{"spec": {"hosted": {"operatorRight": "push"}}}')
    wait_until(lambda: ann.run("push", url, "main:x")[0] == 0, 10, "it may push")


def test_guessing_tokens_is_made_slow(serve, hosted, namespace):
    good = hosted.token("ci")
    path = f"/git/{namespace}/shop.git/info/refs?service=git-upload-pack"
    answers = [serve.request("GET", path, headers={"Authorization": f"Bearer guess-{i}"})[0] for i in range(30)]
    assert answers[0] == 401 and answers[-1] == 429 and answers.count(401) <= 12
    assert serve.request("GET", path, headers={"Authorization": f"Bearer {good}"})[0] == 429
    assert serve.log().count("a login failed") < 20


def test_protected_branches(hosted, ann):
    ann.good("push", "-q", hosted.ssh, "main", "main:free")
    ann.git("commit", "-q", "--amend", "-m", "another")
    ann.bad("push", "--force", hosted.ssh, "main", says="protected")
    ann.bad("push", hosted.ssh, ":main", says="protected")
    ann.good("push", "-q", "--force", hosted.ssh, "main:free")
    ann.good("push", "-q", hosted.ssh, ":free")


# --- what does not ---

def test_there_is_nothing_but_git(serve, hosted, ann, keys, namespace):
    ann.good("push", "-q", hosted.ssh, "main")
    at, key = f"{user()}@127.0.0.1", keys("ann")
    shop = f"{namespace}/shop.git"
    commands = ["", "sh", f"git-upload-pack '{shop}'; id", "git-upload-pack '../../etc'", f"git-upload-pack --upload-pack=id '{shop}'",
                "git-upload-pack '$(id)/x'", f"git-upload-archive '{shop}'", f"git-upload-pack '{shop}\n'id", "scp -t /tmp", "git-upload-pack 'a/b.git'"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for command, done in zip(commands, pool.map(lambda command: ssh(serve, key, at, command, timeout=60), commands)):
            assert done.returncode != 0 and "capstan:" in done.stdout and "uid=" not in done.stdout, (command, done.stdout)
    assert ssh(serve, key, "-tt", at).returncode != 0
    done = ssh(serve, key, "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1", "-N", at)
    assert done.returncode != 0 and "forward" in done.stdout, done.stdout
    done = ssh(serve, key, "-W", f"127.0.0.1:{serve.http}", at)
    assert done.returncode != 0 and "forwarding failed" in done.stdout, done.stdout
    done = ssh(serve, key, "-s", at, "sftp")
    assert done.returncode != 0, done.stdout
    done = ssh(serve, key, "-o", "SendEnv=LD_PRELOAD", "-o", "SetEnv=GIT_PROTOCOL=$(id)", at, f"git-upload-pack '{shop}'")
    assert "uid=" not in done.stdout
    done = ssh(serve, key, f"nobody@127.0.0.1", "git-upload-pack 'a/b.git'")
    assert "Permission denied" in done.stdout


def test_paths_and_requests_that_nobody_asked_for(serve, hosted, namespace):
    token = hosted.token("ci")
    headers = {"Authorization": f"Bearer {token}"}
    for method, path in (("GET", "/git/"), ("GET", f"/git/{namespace}/shop.git/config"), ("GET", f"/git/{namespace}/shop.git/HEAD"),
                         ("GET", f"/git/{namespace}/../{namespace}/shop.git/info/refs?service=git-upload-pack"),
                         ("GET", f"/git/%2e%2e/shop.git/info/refs?service=git-upload-pack"),
                         ("GET", f"/git/{namespace}/shop.git/../../../settings.json"),
                         ("GET", f"/git/{namespace}/shop.git/info/refs?service=git-upload-pack%20--help"),
                         ("PUT", f"/git/{namespace}/shop.git/git-receive-pack"), ("GET", f"/git/{namespace}/shop.json")):
        assert serve.request(method, path, headers=headers)[0] in (404, 405), path
    # Bodies that are no requests of git's: told apart by git, which stays alive for nobody.
    for body, more in ((b"0000", {}), (b"\0" * 70000, {}), (b"ffff" + b"x" * 10, {}), (gzip.compress(b"0" * (30 << 20)), {"Content-Encoding": "gzip"}),
                       (b"not gzip", {"Content-Encoding": "gzip"})):
        for service in "git-upload-pack", "git-receive-pack":
            serve.request("POST", f"/git/{namespace}/shop.git/{service}", body,
                          {**headers, "Content-Type": f"application/x-{service}-request", **more})
    # A length that is a lie, and a client that goes in the middle.
    with socket.create_connection(("127.0.0.1", serve.http)) as client:
        client.sendall(f"POST /git/{namespace}/shop.git/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                       "Content-Type: application/x-git-receive-pack-request\r\nContent-Length: 1000\r\n\r\n0000".encode())
        time.sleep(0.2)
    wait_until(lambda: b"capstan_git_http_requests 0" in serve.request("GET", "/metrics")[1], 15, "git ended")
    assert serve.request("GET", f"/git/{namespace}/shop.git/info/refs?service=git-upload-pack", headers=headers)[0] == 200


def test_a_repository_has_a_cap(world, serve, namespace, keys, ann):
    hosted = Hosted(world, serve, namespace, keys, "shop", "--max-size", "1Mi")
    ann.good("push", "-q", hosted.ssh, "main")
    (ann.directory / "large").write_bytes(os.urandom(2 << 20))
    ann.commit({"f": "large\n"})
    for url in hosted.ssh, hosted.http(hosted.token("ci")):
        ann.bad("push", url, "main", says="exceeds maximum allowed size")
    used = sum(f.stat().st_size for f in serve.bare(namespace, "shop").rglob("*") if f.is_file())
    assert used < 1 << 20, "nothing of it was kept"
    serve.fsck(namespace, "shop")


def test_hostile_objects_are_refused(hosted, ann, serve, namespace):
    blob = ann.git("hash-object", "-w", "f")
    tree = subprocess.run(["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"], cwd=ann.directory, env=ann.env, check=True,
                          input=b"100644 .git\0" + bytes.fromhex(blob), stdout=subprocess.PIPE).stdout.decode().strip()
    commit = ann.git("commit-tree", tree, "-m", "hostile")
    ann.bad("push", hosted.ssh, f"{commit}:refs/heads/hostile", says="hasDotgit")
    ann.commit({".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = --upload-pack=id\n'})
    ann.bad("push", hosted.ssh, "HEAD:refs/heads/hostile", says="gitmodulesUrl")
    assert not hosted.tip("hostile")
    serve.fsck(namespace, "shop")


def test_bombs_and_floods_are_refused(hosted, ann, serve, namespace):
    """A file that grows a thousandfold when it is unpacked where it would be read; and more refs than a push may have."""
    with open(ann.directory / "capstan.yaml", "wb") as bomb:
        bomb.truncate(40 << 20)
    sha = ann.commit({"f": "bomb\n"})
    out = ann.bad("push", hosted.ssh, "main:bomb", timeout=120)
    assert "capstan.yaml" in out, out
    subprocess.run(["git", "update-ref", "--stdin"], cwd=ann.directory, env=ann.env, text=True, check=True,
                   input="".join(f"create refs/tags/t{i} {sha}^\n" for i in range(1200)))
    ann.bad("push", hosted.ssh, "refs/tags/*:refs/tags/*", says="more than 1000 refs", timeout=120)
    assert subprocess.run(["git", "-c", "safe.directory=*", "--git-dir", serve.bare(namespace, "shop"), "for-each-ref"], text=True, check=True,
                          stdout=subprocess.PIPE).stdout == ""


# --- what goes wrong ---

class hook:
    """The hook before refs move says and does something more, first."""

    def __init__(self, serve, script):
        self.path, self.script = serve.home / "hooks" / "pre-receive", script

    def __enter__(self):
        self.before = self.path.read_text()
        self.path.write_text(self.before.replace("#!/bin/sh\n", f"#!/bin/sh\n{self.script}\n"))

    def __exit__(self, *exc):
        self.path.write_text(self.before)


@pytest.mark.parametrize("how", ["ssh", "http"])
def test_a_client_that_goes_changes_nothing(hosted, ann, serve, how, tmp_path):
    url = hosted.ssh if how == "ssh" else hosted.http(hosted.token("ci"))
    sign = tmp_path / "began"
    with hook(serve, f"touch {sign}; for i in 1 2 3 4 5 6; do echo line >&2; sleep 0.2; done"):
        child = subprocess.Popen(["git", "push", url, "main"], cwd=ann.directory, env=ann.env, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, start_new_session=True)
        wait_until(sign.exists, 20, "the hook runs", step=0.02)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(10)
        assert not hosted.tip()
        wait_until(lambda: hosted.tip() == ann.git("rev-parse", "HEAD"), 20, "the push came to its end")


def test_killed_and_started_again(serve, hosted, keys, namespace, tmp_path, ann):
    """Pushes of both roads while the service is killed again and again: what was accepted is there and whole."""
    urls = hosted.ssh, hosted.http(hosted.token("ci"))
    accepted, stop = [], threading.Event()

    def push(number):
        work = Pusher(tmp_path / f"w{number}", keys("ann"))
        i = 0
        while not stop.is_set():
            i += 1
            sha = work.commit({"f": f"{number} {i}\n"})
            if work.run("push", "-q", urls[number % 2], f"HEAD:refs/heads/w{number}")[0] == 0:
                accepted.append((number, sha))
    threads = [threading.Thread(target=push, args=[n]) for n in range(4)]
    for thread in threads:
        thread.start()
    for pause in 0.9, 0.4, 0.7, 0.2:
        time.sleep(pause)
        serve.kill()
        wait_until(lambda: not connects(serve.ssh), 10, "sshd ended with the service")
        serve.start()
    wait_until(lambda: accepted, 20, "a push is accepted")
    stop.set()
    for thread in threads:
        thread.join(60)
    serve.fsck(namespace, "shop")
    for number, sha in accepted:
        assert ann.run("--git-dir", serve.bare(namespace, "shop"), "merge-base", "--is-ancestor", sha, f"refs/heads/w{number}")[0] == 0
    ann.good("push", "-q", hosted.ssh, "main")


def test_deleted_repositories_are_kept_for_a_while(world, hosted, ann, serve, namespace):
    ann.good("push", "-q", hosted.ssh, "main")
    hosted.capstan("delete", "shop", "--yes")
    wait_until(lambda: ann.run("ls-remote", hosted.ssh)[0] != 0, 10, "it is served no more")
    kept = list((serve.home / "deleted").glob(f"{namespace}_shop.*.git"))
    assert len(kept) == 1 and (kept[0] / "HEAD").exists()
    assert not serve.bare(namespace, "shop").exists()


def test_as_an_account_of_its_own(world, serve, keys, namespace, ann):
    """Root gives its rights away; sshd, git and hooks run as that account."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another account")
    name = "capstan-e2e"
    subprocess.run(["userdel", name], stderr=subprocess.DEVNULL, check=False)
    subprocess.run(["useradd", "--system", "--shell", "/bin/sh", "--home-dir", "/nonexistent", "--password", "*", name], check=True)
    home = pathlib.Path(subprocess.run(["mktemp", "-d", "/tmp/capstan-e2e-XXXXXX"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip())
    try:
        program = home / "capstan"
        subprocess.run(["cp", CAPSTAN, program], check=True)
        (home / "kubeconfig").write_text(world.kubectl("config", "view", "--flatten", "--minify", "--raw"))
        subprocess.run(["chown", "-R", name, home], check=True)
        subprocess.run(["chmod", "-R", "u+rX,go-rwx", home], check=True)
        serve.stop()  # two of them would both serve the namespace
        own = Serve(world, home / "home", "--user", name, "--kubeconfig", home / "kubeconfig", "-n", namespace, program=program)
        with own:
            hosted = Hosted(world, own, namespace, keys)
            assert hosted.ssh.startswith(f"ssh://{name}@")
            ann.good("push", "-q", hosted.ssh, "main")
            ann.good("push", "-q", hosted.http(hosted.token("ci")), "main:x")
            owners = {path.stat().st_uid for path in (home / "home").rglob("*")}
            assert owners == {pwd.getpwnam(name).pw_uid}
    finally:
        serve.start()
        subprocess.run(["rm", "-rf", home], check=True)
        subprocess.run(["userdel", name], check=True, stderr=subprocess.DEVNULL)


# --- Gitkube's objects ---

REMOTE = """\
apiVersion: gitkube.sh/v1alpha1
kind: Remote
metadata: {name: sampleremote, namespace: %s}
spec:
  authorizedKeys: ["%s"]
  %s
"""


@pytest.fixture(scope="module")
def remotes(world):
    """Gitkube's kind, before the service starts: of one that comes later the service learns within half a minute."""
    world.kubectl("apply", "-f", str(pathlib.Path(__file__).resolve().parents[2] / "deploy" / "crds" / "remotes.yaml"))
    world.kubectl("wait", "--for=condition=Established", "crd/remotes.gitkube.sh", "--timeout=30s")


def test_a_remote_works(world, remotes, serve, namespace, keys, ann):
    key = pathlib.Path(f"{keys('ann')}.pub").read_text().strip()

    def status():
        return world.get("remote", "sampleremote", "-n", namespace).get("status", {})
    world.apply(REMOTE % (namespace, key, ""))
    url = wait_until(lambda: status().get("remoteUrl"), 30, status)
    assert url == f"ssh://{user()}@127.0.0.1:{serve.ssh}/{namespace}/sampleremote.git" and status()["remoteUrlDesc"] == ""
    wait_until(lambda: ann.run("ls-remote", url)[0] == 0, 10, "the key counts")
    ann.good("push", "-q", url, "main:master")
    ann.git("commit", "-q", "--amend", "-m", "another")
    ann.good("push", "-q", "--force", url, "main:master")  # as there: nothing is protected
    world.apply(REMOTE % (namespace, key, "manifests: {path: chart, helm: {release: x}}"))
    wait_until(lambda: "spec.manifests.helm" in status().get("remoteUrlDesc", ""), 10, status)
    world.apply(REMOTE % (namespace, "ssh-rsa nonsense", ""))
    wait_until(lambda: "spec.authorizedKeys[0]" in status().get("remoteUrlDesc", ""), 10, status)
    world.kubectl("delete", "remote", "sampleremote", "-n", namespace)
    # The garbage collector learns of a new kind within half a minute.
    wait_until(lambda: world.get("repo", "sampleremote", "-n", namespace) is None, 60, "its Repo goes with it")
    wait_until(lambda: ann.run("ls-remote", url)[0] != 0, 10, "it is served no more")


def test_a_remote_with_the_name_of_a_repo(world, remotes, hosted, namespace, keys, ann):
    ann.good("push", "-q", hosted.ssh, "main")
    world.apply((REMOTE % (namespace, pathlib.Path(f"{keys('eve')}.pub").read_text().strip(), "")).replace("sampleremote", "shop"))
    wait_until(lambda: "not for it" in world.get("remote", "shop", "-n", namespace).get("status", {}).get("remoteUrlDesc", ""), 20,
               "the conflict is told")
    world.kubectl("delete", "remote", "shop", "-n", namespace)
    ann.good("ls-remote", hosted.ssh)
