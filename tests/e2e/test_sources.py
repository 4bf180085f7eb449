"""Where revisions come from: real git, sshd and TLS; what a repository may hold, and what a remote may do to others."""
import json
import os
import re
import socket
import subprocess
import time

import pytest

from gitserver import Authority, HttpsServer, SshServer, make_key
from harness import APP, Git, Operator, config_map, wait_until

MISSING = "deadbeef" * 5  # a commit that no repository has
POLLS = 4  # of an unchanged remote, that are looked at
APPS_OF_MONOREPO = 50


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("server")


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    with SshServer(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture
def serve(git):
    """serve(...) is an HttpsServer of the git fixture's repository; it ends with the test."""
    servers = []

    def start(**how):
        servers.append(HttpsServer(git.directory.parent, **how))
        return servers[-1], servers[-1].url(f"{git.directory.name}/.git")

    yield start
    for server in servers:
        server.close()


def secret(world, namespace, **data):
    """The Secret `cred`; keys with `_` for `.` as in ca_crt, but known_hosts is itself."""
    data = {key if key == "known_hosts" else key.replace("_", "."): str(text) for key, text in data.items()}
    world.apply(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cred", "namespace": namespace},
                            "stringData": data}))


def secret_anew(world, namespace, **data):
    world.run("kubectl", "delete", "secret", "cred", "-n", namespace)
    secret(world, namespace, **data)


def repo_with_secret(world, namespace, url, more=""):
    world.repo(namespace, url, interval="2s", more="  secretRef: {name: cred}\n" + more)


def is_told(world, namespace, *words, resource="repo", name="cfg", seconds=30):
    """Its Ready is False, and the message has one of the words; the message."""
    def message():
        ready = world.condition(namespace, name, resource=resource)
        said = ready.get("message", "") + json.dumps((world.get(resource, name, "-n", namespace) or {}).get(
            "status", {}).get("errors", []), ensure_ascii=False)
        return ready.get("status") == "False" and any(word in said for word in words) and said
    return wait_until(message, seconds, lambda: f"{resource} {name} says {words}: "
                      f"{json.dumps((world.get(resource, name, '-n', namespace) or {}).get('status'))}")


def change(world, operator, namespace, git, files, seconds=30, **names):
    sha = git.commit(files)
    operator.notify(namespace)
    world.wait_ready(namespace, revision=sha, seconds=seconds, **names)
    return sha


def value(world, namespace, name="one"):
    return ((world.get("configmap", name, "-n", namespace) or {}).get("data") or {}).get("a")


def follows(world, operator, namespace, git):
    """A commit reaches the cluster."""
    change(world, operator, namespace, git, {"one.yaml": config_map("one", "followed")})
    assert value(world, namespace) == "followed"


# --- https ---


def test_https_with_a_password(world, operator, namespace, git, serve, authority, certificate):
    _, url = serve(certificate=certificate, password=("dev", "right-password"))
    git.commit({"one.yaml": config_map("one")})
    trust = authority.certificate.read_text()
    secret(world, namespace, username="dev", password="wrong-password", ca_crt=trust)
    repo_with_secret(world, namespace, url)
    world.app(namespace)
    is_told(world, namespace, "401")
    is_told(world, namespace, "401", resource="app", name="shop")
    secret(world, namespace, username="dev", password="right-password", ca_crt=trust)
    world.wait_ready(namespace)
    follows(world, operator, namespace, git)
    secret(world, namespace, username="dev", password="rotated-away", ca_crt=trust)
    is_told(world, namespace, "401")
    assert value(world, namespace) == "followed", "an App keeps what it has while its remote refuses"
    everything = operator.log() + json.dumps(world.get("app,repo", "-n", namespace))
    assert not [word for word in ("right-password", "wrong-password", "rotated-away") if word in everything]


def test_a_private_base_by_the_installations_login(world, namespace, git, serve, authority, certificate, tmp_path):
    """The App's own repository needs no login, the base that it is laid over does."""
    _, url = serve(certificate=certificate, password=("dev", "right-password"))
    git.commit({"base/kustomization.yaml": "resources: [one.yaml]\n", "base/one.yaml": config_map("one")})
    own = Git(tmp_path / "own")
    own.commit({"kustomization.yaml": f"resources: ['{url}//base?ref=main']\nnamePrefix: far-\n"})
    login = tmp_path / "login"
    login.mkdir()
    (login / "username").write_text("dev")
    (login / "password").write_text("wrong-password")
    (login / "ca.crt").write_text(authority.certificate.read_text())
    world.repo(namespace, own.url)
    world.app(namespace)
    host = url.split("/", 3)[2]
    arguments = ["--allow-remote-base", f"https://{host}/", "--remote-base-login", f"https://{host}/={login}"]
    with Operator(world, tmp_path / "operator", *arguments) as operator:
        is_told(world, namespace, "401", resource="app", name="shop")
        is_told(world, namespace, "--remote-base-login", resource="app", name="shop")
        (login / "password").write_text("right-password\n")
    with Operator(world, tmp_path / "operator", *arguments) as again:
        world.wait_ready(namespace, seconds=60)
        everything = operator.log() + again.log() + json.dumps(world.get("app,repo", "-n", namespace))
    assert not [word for word in ("right-password", "wrong-password") if word in everything]
    assert world.get("configmap", "far-one", "-n", namespace)


def test_https_with_a_bearer_token(world, operator, namespace, git, serve, authority, certificate):
    _, url = serve(certificate=certificate, token="t0ken-of-the-test")
    git.commit({"one.yaml": config_map("one")})
    secret(world, namespace, bearerToken="t0ken-of-the-test", ca_crt=authority.certificate.read_text())
    repo_with_secret(world, namespace, url)
    world.app(namespace)
    world.wait_ready(namespace)
    follows(world, operator, namespace, git)
    assert "t0ken-of-the-test" not in operator.log() + json.dumps(world.get("app,repo", "-n", namespace))


def test_an_authority_that_is_not_trusted_is_refused(world, operator, namespace, git, serve, authority, certificate,
                                                     tmp_path):
    _, url = serve(certificate=certificate)
    git.commit({"one.yaml": config_map("one")})
    world.repo(namespace, url, interval="2s")
    world.app(namespace)
    is_told(world, namespace, "certificate")
    secret(world, namespace, ca_crt=Authority(tmp_path / "stranger", "Stranger").certificate.read_text())
    repo_with_secret(world, namespace, url)
    is_told(world, namespace, "certificate")
    secret(world, namespace, ca_crt=authority.certificate.read_text())
    world.wait_ready(namespace)
    follows(world, operator, namespace, git)


def test_https_with_a_client_certificate(world, operator, namespace, git, serve, authority, certificate):
    _, url = serve(certificate=certificate, clients=authority.certificate)
    git.commit({"one.yaml": config_map("one")})
    trust = authority.certificate.read_text()
    secret(world, namespace, ca_crt=trust)
    repo_with_secret(world, namespace, url)
    world.app(namespace)
    is_told(world, namespace, "certificate", "SSL", "TLS")
    cert, key = authority.issue("capstan")
    secret(world, namespace, ca_crt=trust, tls_crt=cert.read_text(), tls_key=key.read_text())
    world.wait_ready(namespace)
    follows(world, operator, namespace, git)


def test_a_secret_that_is_not_there_is_told(world, operator, namespace, git, serve, authority, certificate):
    _, url = serve(certificate=certificate)
    git.commit({"one.yaml": config_map("one")})
    repo_with_secret(world, namespace, url)
    world.app(namespace)
    is_told(world, namespace, "Secret cred")
    secret(world, namespace, ca_crt=authority.certificate.read_text())
    world.wait_ready(namespace)
    operator.is_ready()


def test_credentials_do_not_follow_a_redirect_to_another_host(world, operator, namespace, git, serve, authority,
                                                              certificate):
    server, url = serve(certificate=certificate, password=("dev", "right-password"))
    stranger, strangers_url = serve(address="127.0.0.2")
    server.moved_to = strangers_url.removesuffix(f"/{git.directory.name}/.git")
    git.commit({"one.yaml": config_map("one")})
    secret(world, namespace, username="dev", password="right-password", ca_crt=authority.certificate.read_text())
    repo_with_secret(world, namespace, url)
    world.app(namespace)
    is_told(world, namespace, "credentials do not follow")
    assert not any(stranger.authorizations)
    server.moved_to = None
    world.wait_ready(namespace)
    follows(world, operator, namespace, git)


def test_a_redirect_is_followed_when_there_are_no_credentials(world, operator, namespace, git, serve):
    server, url = serve()
    server.moved_to = serve(address="127.0.0.2")[1].removesuffix(f"/{git.directory.name}/.git")
    git.commit({"one.yaml": config_map("one")})
    world.repo(namespace, url)
    world.app(namespace)
    world.wait_ready(namespace)
    follows(world, operator, namespace, git)


# --- ssh ---


def test_ssh_with_a_key_and_a_known_host(world, operator, namespace, git, sshd):
    git.commit({"one.yaml": config_map("one")})
    secret(world, namespace, identity=sshd.identity, known_hosts=sshd.known_hosts)
    repo_with_secret(world, namespace, sshd.url(git.directory))
    world.app(namespace)
    world.wait_ready(namespace)
    follows(world, operator, namespace, git)
    assert sshd.identity.splitlines()[1] not in operator.log()


def test_ssh_refuses_what_it_cannot_trust(world, namespace, operator, git, sshd, tmp_path):
    git.commit({"one.yaml": config_map("one")})
    stranger, strangers_host = make_key(tmp_path / "stranger")
    secret(world, namespace, identity=sshd.identity)
    repo_with_secret(world, namespace, sshd.url(git.directory))
    world.app(namespace)
    is_told(world, namespace, "known_hosts")
    secret(world, namespace, identity=sshd.identity, known_hosts=sshd.known_as(strangers_host))
    is_told(world, namespace, "REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key verification failed")
    secret(world, namespace, identity=sshd.identity, known_hosts="example.test ssh-ed25519 AAAA\n")
    is_told(world, namespace, "Host key verification failed", "No ED25519 host key is known")
    secret_anew(world, namespace, known_hosts=sshd.known_hosts)
    is_told(world, namespace, "identity")
    secret(world, namespace, identity=stranger, known_hosts=sshd.known_hosts)
    is_told(world, namespace, "Permission denied")
    assert value(world, namespace) is None
    secret(world, namespace, identity=sshd.identity, known_hosts=sshd.known_hosts)
    world.wait_ready(namespace)
    operator.is_ready()


# --- revisions ---


def test_a_branch_a_tag_a_commit_and_a_range(world, operator, namespace, git):
    first = git.commit({"one.yaml": config_map("one", "1.0.0")})
    git.git("tag", "v1.0.0")
    git.commit({"one.yaml": config_map("one", "1.4.2")})
    git.git("tag", "-a", "-m", "annotated", "v1.4.2")
    git.commit({"one.yaml": config_map("one", "2.0.0")})
    git.git("tag", "v2.0.0")
    git.git("branch", "stable", "v1.4.2")
    git.commit({"one.yaml": config_map("one", "main")})
    world.repo(namespace, git.url)
    for revision, wanted in (("main", "main"), ("stable", "1.4.2"), ("v1.0.0", "1.0.0"), ("v2.0.0", "2.0.0"),
                             ("v1.4.2", "1.4.2"), (f'"{first}"', "1.0.0"), ('"1.x"', "1.4.2"), ('">=1.0.0"', "2.0.0"),
                             ('"semver:<1.4.0"', "1.0.0")):
        world.app(namespace, revision=revision)
        world.wait_ready(namespace)
        assert value(world, namespace) == wanted, revision
    operator.is_ready()


def test_a_new_tag_moves_a_range(world, operator, namespace, git):
    git.commit({"one.yaml": config_map("one", "1.9.0")})
    git.git("tag", "v1.9.0")
    world.repo(namespace, git.url)
    world.app(namespace, revision='"1.x"')
    world.wait_ready(namespace)
    for tag, wanted in (("v1.10.0", "v1.10.0"), ("v2.0.0", "v1.10.0"), ("v1.11.0-rc.1", "v1.10.0"), ("v1.11.0", "v1.11.0")):
        git.commit({"one.yaml": config_map("one", tag)})
        git.git("tag", tag)
        operator.notify(namespace)
        if tag == wanted:
            wait_until(lambda tag=tag: value(world, namespace) == tag, 15, f"the range moves to {tag}")
    assert value(world, namespace) == "v1.11.0"
    git.git("tag", "-d", "v1.11.0")
    operator.notify(namespace)
    wait_until(lambda: value(world, namespace) == "v1.10.0", 15, "a range goes back when its tag is gone")


def test_a_force_push_is_followed(world, operator, namespace, git):
    git.commit({"one.yaml": config_map("one", "kept")})
    git.commit({"one.yaml": config_map("one", "rewritten"), "two.yaml": config_map("two")})
    world.repo(namespace, git.url)
    world.app(namespace)
    world.wait_ready(namespace)
    git.git("reset", "-q", "--hard", "HEAD~1")
    git.git("reflog", "expire", "--expire=now", "--all")
    git.git("gc", "-q", "--prune=now")
    change(world, operator, namespace, git, {"three.yaml": config_map("three")})
    assert value(world, namespace) == "kept"
    assert world.names(namespace) == {"one", "three"}


def test_a_deleted_branch_is_told_and_prunes_nothing(world, operator, namespace, git):
    git.commit({"README": "nothing to deploy\n"})
    git.git("checkout", "-q", "-b", "feature")
    git.commit({"one.yaml": config_map("one")})
    git.git("checkout", "-q", "main")
    world.repo(namespace, git.url)
    world.app(namespace, revision="feature")
    world.wait_ready(namespace)
    git.git("branch", "-m", "feature", "renamed")
    operator.notify(namespace)
    is_told(world, namespace, "feature", resource="app", name="shop")
    assert value(world, namespace) == "1"
    assert world.condition(namespace, "cfg", resource="repo")["status"] == "True", "the Repo itself is fine"
    git.git("branch", "-m", "renamed", "feature")
    operator.notify(namespace)
    world.wait_ready(namespace)
    git.git("checkout", "-q", "feature")
    follows(world, operator, namespace, git)


def test_a_commit_that_cannot_be_fetched_holds_up_no_other_app(world, operator, namespace, git):
    git.commit({"a/one.yaml": config_map("one"), "b/two.yaml": config_map("two")})
    world.repo(namespace, git.url, interval="2s")
    world.app(namespace, "stray", path="b", revision=MISSING)
    world.app(namespace, path="a")
    world.wait_ready(namespace)
    is_told(world, namespace, MISSING[:12], resource="app", name="stray")
    change(world, operator, namespace, git, {"a/one.yaml": config_map("one", "followed")})
    assert value(world, namespace) == "followed"
    world.app(namespace, "stray", path="b", revision="main")
    world.wait_ready(namespace, "stray")


# --- remotes that misbehave ---


def test_a_remote_that_hangs_in_the_middle_of_a_pack(world, operator, namespace, git, serve, tmp_path):
    server, url = serve()
    git.commit({"one.yaml": config_map("one")})
    world.repo(namespace, url, interval="1s", more="  timeout: 3s\n")
    world.app(namespace)
    other = Git(tmp_path / "other")
    other.commit({"other.yaml": config_map("other")})
    world.repo(namespace, other.url, "healthy")
    world.app(namespace, "other", repo="healthy")
    world.wait_ready(namespace)
    world.wait_ready(namespace, "other")
    server.stall()
    sha = git.commit({"one.yaml": config_map("one", "late")})
    wait_until(lambda: server.stalls, 15, "git waits for the rest of a pack")
    newest = other.commit({"other.yaml": config_map("other", "2")})
    operator.notify(namespace, "healthy")
    world.wait_ready(namespace, "other", newest, seconds=15)
    is_told(world, namespace, "timeout")
    assert world.condition(namespace, "healthy", resource="repo")["status"] == "True"
    world.kubectl("delete", "configmap", "one", "-n", namespace)
    wait_until(lambda: value(world, namespace) == "1", 10, "the App heals from what it has")
    server.go_on()
    world.wait_ready(namespace, revision=sha)
    assert value(world, namespace) == "late"


def limited(world, namespace, git):
    """An App of a Repo of at most 1 MiB; heavy(KiB) makes its next commit that much larger than the last."""
    def heavy(kib, number):
        (git.directory / "heavy.bin").write_bytes(os.urandom(kib << 10))
        return git.commit({"one.yaml": config_map("one", number)})

    git.commit({"one.yaml": config_map("one", "first")})
    world.repo(namespace, git.url, interval="2s", more="  maxSize: 1Mi\n")
    world.app(namespace)
    world.wait_ready(namespace)
    return heavy


def test_a_remote_that_takes_calls_and_says_nothing(world, operator, namespace, git):
    git.commit({"one.yaml": config_map("one")})
    world.repo(namespace, git.url, "healthy")
    world.app(namespace, repo="healthy")
    world.wait_ready(namespace)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        world.repo(namespace, f"http://127.0.0.1:{silent.getsockname()[1]}/git", interval="2s")
        world.app(namespace, "mute")
        sha = git.commit({"one.yaml": config_map("one", "2")})
        operator.notify(namespace, "healthy")
        world.wait_ready(namespace, revision=sha, seconds=10)
        is_told(world, namespace, "timeout", seconds=40)
        is_told(world, namespace, "timeout", resource="app", name="mute")
    is_told(world, namespace, "refused", "unable to connect", "Failed to connect", seconds=40)


def test_a_repository_over_its_size_is_told(world, operator, namespace, git):
    sha = limited(world, namespace, git)(6 << 10, "heavy")
    operator.notify(namespace)
    assert "1 MiB" in wait_until(lambda: re.search(f"larger than .*maxSize.*{namespace}|{namespace}.*larger than .*maxSize",
                                                   operator.log()), 20, "the size is told")[0]
    world.repo(namespace, git.url, interval="2s", more="  maxSize: 64Mi\n")
    world.wait_ready(namespace, revision=sha)


def test_a_repository_over_its_size_is_not_used(world, operator, namespace, git):
    limited(world, namespace, git)(1200, "heavy")
    operator.notify(namespace)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        assert value(world, namespace) == "first"
        time.sleep(0.5)


def test_the_size_counts_what_one_fetch_brings(world, operator, namespace, git):
    heavy = limited(world, namespace, git)
    for number in range(5):
        sha = heavy(400, str(number))
        operator.notify(namespace)
        world.wait_ready(namespace, revision=sha)
    assert not re.search(f"{namespace}.*larger than|larger than.*{namespace}", operator.log())


def test_a_remote_that_is_away_is_told_and_comes_back(world, operator, namespace, git):
    git.commit({"one.yaml": config_map("one")})
    world.repo(namespace, git.url, interval="2s")
    world.app(namespace)
    world.wait_ready(namespace)
    away = git.directory.with_name("away")
    git.directory.rename(away)
    operator.notify(namespace)
    is_told(world, namespace, "does not appear to be a git repository", "No such file", "cannot")
    world.kubectl("delete", "configmap", "one", "-n", namespace)
    wait_until(lambda: value(world, namespace) == "1", 10, "the App heals from what it has")
    away.rename(git.directory)
    follows(world, operator, namespace, git)


# --- what a repository may hold ---


def plumb(git, *arguments, stdin=b""):
    """A command of git with bytes in, and a SHA out."""
    return subprocess.run(["git", *arguments], cwd=git.directory, env=git.env, input=stdin, stdout=subprocess.PIPE,
                          check=True, timeout=60).stdout.decode().strip()


def commit_tree(git, entries):
    """A commit on main of just these entries, whatever their names are: {name as bytes: text}."""
    raw = b""
    for name, text in sorted(entries.items()):
        blob = plumb(git, "hash-object", "-w", "--stdin", stdin=text.encode())
        raw += b"100644 " + name + b"\0" + bytes.fromhex(blob)
    tree = plumb(git, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
    sha = plumb(git, "commit-tree", "-p", "HEAD", "-m", "raw", tree)
    git.git("update-ref", "refs/heads/main", sha)
    return sha


@pytest.mark.parametrize("where", ["/etc/hostname", "../outside.yaml", "../../../../../../../../etc/hostname"],
                         ids=["absolute", "upwards", "far-upwards"])
def test_a_symlink_out_of_the_tree(world, operator, namespace, git, where):
    (git.directory.parent / "outside.yaml").write_text(config_map("outside"))
    git.commit({"one.yaml": config_map("one"), "two.yaml": config_map("two")})
    world.repo(namespace, git.url)
    world.app(namespace)
    world.wait_ready(namespace)
    (git.directory / "link.yaml").symlink_to(where)
    git.commit({"two.yaml": None})
    operator.notify(namespace)
    assert "link.yaml" in is_told(world, namespace, "leaves the repository", resource="app", name="shop")
    assert world.names(namespace) == {"one", "two"}
    (git.directory / "link.yaml").unlink()
    change(world, operator, namespace, git, {})
    assert world.names(namespace) == {"one"}


@pytest.mark.parametrize("name", [b".git", b".GIT", b"git~1", b".git ", b"..", b"a/b.yaml", b".g\xe2\x80\x8cit"],
                         ids=["dot-git", "capitals", "short-name", "space", "dot-dot", "slash", "zero-width"])
def test_a_name_like_git_s_own(world, operator, namespace, git, name):
    good = git.commit({"one.yaml": config_map("one"), "two.yaml": config_map("two")})
    world.repo(namespace, git.url, interval="2s")
    world.app(namespace)
    world.wait_ready(namespace)
    sha = commit_tree(git, {b"one.yaml": config_map("one", "evil"), name: config_map("evil")})
    operator.notify(namespace)
    is_told(world, namespace, sha[:7], "name that is not allowed", "fsck", "hasDot", "fullPathname", "error in",
            resource="app", name="shop")
    assert value(world, namespace) == "1"
    assert world.names(namespace) == {"one", "two"}
    git.git("update-ref", "refs/heads/main", good)
    follows(world, operator, namespace, git)


@pytest.mark.parametrize("name", [b"line\nbreak.yaml", b"\x1b[31mred.yaml", b"l" * 300 + b".yaml", b"\xff\xfe.yaml",
                                  b"back\\slash.yaml"],
                         ids=["newline", "escape", "long", "not-utf-8", "backslash"])
def test_a_hostile_file_name(world, operator, namespace, git, name):
    git.commit({"one.yaml": config_map("one"), "two.yaml": config_map("two")})
    world.repo(namespace, git.url)
    world.app(namespace)
    world.wait_ready(namespace)
    before = len(operator.log())
    commit_tree(git, {b"one.yaml": config_map("one"), name: config_map("evil")})
    operator.notify(namespace)
    said = is_told(world, namespace, "name that is not allowed", resource="app", name="shop")
    assert not [c for c in said if ord(c) < 0x20], said
    assert "\x1b" not in operator.log()[before:]
    assert world.names(namespace) == {"one", "two"}


def test_a_pointer_of_lfs_is_said_to_be_one(world, operator, namespace, git):
    git.commit({"one.yaml": config_map("one"), "two.yaml": config_map("two")})
    world.repo(namespace, git.url)
    world.app(namespace)
    world.wait_ready(namespace)
    git.commit({"two.yaml": None, "one.yaml": "version https://git-lfs.github.com/spec/v1\n"
                f"oid sha256:{'a' * 64}\nsize 12345\n"})
    operator.notify(namespace)
    is_told(world, namespace, "Git LFS pointer", resource="app", name="shop")
    error = world.get("app", "shop", "-n", namespace)["status"]["errors"][0]
    assert (error["file"], error["line"]) == ("one.yaml", 1)
    assert world.names(namespace) == {"one", "two"}


# --- no more work than needed ---


def test_a_poll_of_an_unchanged_remote_is_one_list_of_refs(world, operator, namespace, git, serve):
    server, url = serve()
    git.commit({"one.yaml": config_map("one")})
    world.repo(namespace, url, interval="1s")
    world.app(namespace)
    world.wait_ready(namespace)
    wait_until(lambda: server.commands[-2:] == ["ls-refs", "ls-refs"], 15, "it rests")
    commands, requests = len(server.commands), server.requests
    version = world.get("repo", "cfg", "-n", namespace)["metadata"]["resourceVersion"]
    wait_until(lambda: len(server.commands) >= commands + POLLS, 20, "polls go on")
    asked, requests = server.commands[commands:], server.requests - requests
    assert set(asked) == {"ls-refs"}
    assert requests <= 2 * len(asked) + 1, "what the server can do, and its refs: no more"
    assert world.get("repo", "cfg", "-n", namespace)["metadata"]["resourceVersion"] == version, "nothing is written"
    operator.is_ready()


def test_one_fetch_serves_all_apps(world, operator, namespace, git, serve):
    server, url = serve()
    paths = [f"p{n}" for n in range(6)]
    git.commit({f"{path}/one.yaml": config_map(path) for path in paths})
    git.git("branch", "second")
    for number, path in enumerate(paths):
        world.app(namespace, path, path=path, revision="second" if number % 2 else "main")
    world.repo(namespace, url)
    for path in paths:
        world.wait_ready(namespace, path)
    assert server.commands.count("fetch") == 1
    sha = git.commit({f"{path}/one.yaml": config_map(path, "2") for path in paths})
    git.git("branch", "-f", "second")
    operator.notify(namespace)
    for path in paths:
        world.wait_ready(namespace, path, sha)
    assert server.commands.count("fetch") == 2


def test_a_commit_touches_only_the_app_that_reads_it(world, operator, namespace, git):
    names = [f"team-{number:02}" for number in range(APPS_OF_MONOREPO)]
    git.commit({f"{name}/one.yaml": config_map(name) for name in names})
    world.repo(namespace, git.url)
    world.apply("---\n".join(APP % {"name": name, "namespace": namespace, "path": name, "revision": "main",
                                    "repo": "cfg", "target": namespace, "sync": "", "more": ""} for name in names))

    def apps():
        return {app["metadata"]["name"]: app for app in world.get("apps", "-n", namespace)["items"]}

    def settled():
        return all(any(c["type"] == "Ready" and c["status"] == "True" for c in app.get("status", {}).get("conditions", []))
                   for app in apps().values())

    def versions(kind):
        return {item["metadata"]["name"]: item["metadata"]["resourceVersion"]
                for item in world.get(kind, "-n", namespace)["items"]}

    wait_until(settled, 90, "all apps are Ready", step=0.5)
    before, objects = versions("apps"), versions("configmaps")
    times = {name: app["status"]["lastAttemptTime"] for name, app in apps().items()}
    touched = names[7]
    sha = git.commit({f"{touched}/one.yaml": config_map(touched, "2")})
    operator.notify(namespace)
    world.wait_ready(namespace, touched, sha)
    assert {n for n, version in versions("configmaps").items() if objects.get(n) != version} == {touched}
    assert {n for n, version in versions("apps").items() if before[n] != version} == {touched}
    assert {n for n, app in apps().items() if app["status"]["lastAttemptTime"] != times[n]} <= {touched}
