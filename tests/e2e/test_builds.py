"""Builds of images by a push, without the push: real buildah, Debian's docker-registry, `capstan push-build`.

Skipped where buildah, docker-registry or user namespaces are missing.
"""
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socketserver
import subprocess
import tarfile
import threading
import time

import pytest

from harness import CAPSTAN, free_port, wait_until
from pushes import Service

BUSYBOX = pathlib.Path("/bin/busybox")
DIGEST = r"sha256:[0-9a-f]{64}"


def missing():
    for program in ("buildah", "docker-registry", "skopeo", "git"):
        if not shutil.which(program):
            return f"{program} is not installed"
    if subprocess.run(["unshare", "-Urpf", "--mount-proc", "true"], stderr=subprocess.DEVNULL).returncode != 0:
        return "this machine has no user namespaces, and builds need them"
    return None


pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")


class Registry:
    """docker-registry on a port of this machine; with a password when it has a user."""

    def __init__(self, directory, user=None, password=None):
        self.port, self.directory = free_port(), pathlib.Path(directory)
        self.host = f"127.0.0.1:{self.port}"
        self.directory.mkdir()
        config = {"version": "0.1", "http": {"addr": self.host},
                  "storage": {"filesystem": {"rootdirectory": str(self.directory / "data")},
                              "delete": {"enabled": True}}}
        if user:
            hashed = subprocess.run(["perl", "-e", f"print crypt('{password}', '$2b$04$abcdefghijklmnopqrstuu')"],
                                    stdout=subprocess.PIPE, text=True, check=True).stdout
            (self.directory / "htpasswd").write_text(f"{user}:{hashed}\n")
            config["auth"] = {"htpasswd": {"realm": "test", "path": str(self.directory / "htpasswd")}}
        (self.directory / "config.yml").write_text(json.dumps(config))
        self.process = None
        self.start()

    def start(self):
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", self.directory / "config.yml"],
                                            stdout=log, stderr=log)
        wait_until(self.answers, 20, "the registry")

    def answers(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            connection.request("GET", "/v2/")
            return connection.getresponse().status in (200, 401)
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None


class Gate(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Stands before a registry, counts requests, and can be slow, full, or lie."""
    daemon_threads = True

    def __init__(self, registry):
        super().__init__(("127.0.0.1", 0), GateHandler)
        self.registry, self.mode, self.requests = registry, "", []
        self.host = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class GateHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def forward(self):
        gate = self.server
        gate.requests.append(f"{self.command} {self.path}")
        body = self.body()
        if gate.mode == "slow":
            time.sleep(30)
        if gate.mode == "full" and self.command in ("PATCH", "PUT"):
            self.reply(507, [], b'{"errors":[{"code":"UNKNOWN","message":"no space left on device"}]}')
            return
        upstream = http.client.HTTPConnection("127.0.0.1", gate.registry.port, timeout=30)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("transfer-encoding", "content-length")}
        upstream.request(self.command, self.path, body or None, headers)
        answer = upstream.getresponse()
        data = answer.read()
        if gate.mode == "lies" and self.command == "GET" and "/manifests/" in self.path and answer.status == 200:
            data = data.replace(b"schemaVersion", b"schemaversion", 1)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        kept = [(k, v) for k, v in answer.getheaders()
                if k.lower() not in ("content-length", "transfer-encoding", "connection")]
        self.reply(answer.status, kept + [("Content-Length", length or "0")], data)

    def reply(self, status, headers, data):
        self.send_response_only(status)
        for key, value in headers:
            self.send_header(key, value)
        if not any(k == "Content-Length" for k, _ in headers):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = forward


class Shop:
    """A hosted repository default/shop, and the directory of a push service."""

    def __init__(self, directory, host, **registry):
        self.directory, self.home = pathlib.Path(directory), pathlib.Path(directory) / "home"
        self.tree, self.host = self.directory / "src", host
        (self.home / "repos" / "default").mkdir(parents=True)
        record = {"namespace": "default", "name": "shop", "maxBytes": 1 << 30, "keys": [],
                  "registry": dict(url=f"{host}/team", insecure=True, **registry)}
        (self.home / "repos" / "default" / "shop.json").write_text(json.dumps(record))
        self.tree.mkdir()
        self.git("init", "-q", "-b", "main", ".")
        self.write("web/busybox", BUSYBOX.read_bytes())
        self.builds("web: {context: web}")

    def git(self, *args):
        env = dict(os.environ, GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@example.com", GIT_COMMITTER_NAME="a",
                   GIT_COMMITTER_EMAIL="a@example.com", GIT_CONFIG_NOSYSTEM="1")
        done = subprocess.run(["git", *args], cwd=self.tree, env=env, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout.strip()

    def write(self, path, data):
        path = self.tree / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        if data[:2] in (b"#!", "#!") or path.name == "busybox":
            path.chmod(0o755)

    def builds(self, *lines):
        self.write("capstan.yaml", "environments: {prod: {path: .}}\nbuild:\n" + "".join(f"  {x}\n" for x in lines))

    def dockerfile(self, *lines, base="FROM scratch\nCOPY busybox /bin/busybox", where="web/Dockerfile"):
        self.write(where, base + "\n" + "\n".join(lines) + "\n")

    def command(self, *options):
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return [CAPSTAN, "push-build", "--state", self.home, *options, "default/shop", self.tree / ".git",
                self.git("rev-parse", "HEAD")]

    def start(self, *options):
        return subprocess.Popen(self.command(*options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def build(self, *options, expect=0):
        """{name: (image, "built" or "cached")}, and what was told."""
        done = subprocess.run(self.command(*options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=120)
        assert done.returncode == expect, done.stdout + done.stderr
        images = dict(re.findall(rf"^(\S+) (\S+@{DIGEST} \w+) ", done.stdout, re.M))
        return {name: tuple(text.split()) for name, text in images.items()}, done.stderr

    def refuse(self, *options):
        return self.build(*options, expect=2)[1]

    def left(self):
        """What working directories are there."""
        return [p.name for p in (self.home / "builds").glob("*/*/*/work-*")]


def run_line(script):
    return "RUN " + json.dumps(["/bin/busybox", "sh", "-c", script])


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    registry = Registry(tmp_path_factory.mktemp("registry") / "r")
    yield registry
    registry.stop()


@pytest.fixture(scope="module")
def one_shop(tmp_path_factory, registry):
    return Shop(tmp_path_factory.mktemp("shop"), registry.host)


@pytest.fixture
def shop(one_shop):
    one_shop.builds("web: {context: web}")
    return one_shop


def skopeo(*args):
    return subprocess.run(["skopeo", *args], check=True, stdout=subprocess.PIPE, timeout=60).stdout


def layers_of(image, directory):
    """Every file of every layer: {name: bytes}."""
    skopeo("copy", "--src-tls-verify=false", f"docker://{image}", f"dir:{directory}")
    files = {}
    for blob in pathlib.Path(directory).iterdir():
        files[blob.name] = blob.read_bytes()
        if tarfile.is_tarfile(blob):
            with tarfile.open(blob) as tar:
                files.update({m.name: tar.extractfile(m).read() for m in tar if m.isfile()})
    return files


# --- what is built, and what is not ---

def test_an_image_is_built_once_for_its_content(shop, registry, tmp_path):
    shop.builds("web: {context: web, args: {V: one}}")
    # The pause: what a RUN printed as its last was once missing in a log, when the machine was busy.
    shop.dockerfile("ARG V", run_line("echo $V >/v; echo built $V; /bin/busybox sleep 0.3"), 'CMD ["/bin/busybox", "httpd", "-f"]')
    built, told = shop.build()
    image, how = built["web"]
    assert how == "built" and image.startswith(f"{registry.host}/team/shop-web@") and "built one" in told
    assert image.endswith(skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}",
                                 f"docker://{image}").decode().strip())
    assert layers_of(image, tmp_path / "i")["v"] == b"one\n"
    config = json.loads(skopeo("inspect", "--config", "--tls-verify=false", f"docker://{image}"))
    assert not re.search("proxy", json.dumps(config), re.I)

    again, told = shop.build()
    assert again["web"] == (image, "cached") and "STEP" not in told
    shop.write("other/file", "not of the context")
    assert shop.build()[0]["web"] == (image, "cached")

    shop.builds("web: {context: web, args: {V: two}}")
    other = shop.build()[0]["web"]
    assert other[1] == "built" and other[0] != image
    shop.write("web/page", "new")
    assert shop.build()[0]["web"][1] == "built"
    shop.write("web/.dockerignore", "*.md\npage\n")
    assert shop.build()[0]["web"][1] == "built"
    shop.write("web/page", "newer")
    shop.write("web/README.md", "words")
    assert shop.build()[0]["web"][1] == "cached"
    for extra in (".dockerignore", "page", "README.md"):
        (shop.tree / "web" / extra).unlink()
    assert shop.left() == []


def test_a_changed_base_is_a_changed_image(shop, registry):
    shop.builds("web: {context: web}")
    shop.dockerfile("LABEL base=1")
    first = shop.build()[0]["web"][0]
    shop.dockerfile("LABEL base=2")
    second = shop.build()[0]["web"][0]
    tag = f"{registry.host}/team/base:v1"
    for base in (first, second):
        skopeo("copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", f"docker://{base}",
               f"docker://{tag}")
        shop.dockerfile("LABEL x=y", base=f"FROM {tag}")
        image, how = shop.build()[0]["web"]
        assert how == "built"
        label = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{image}"))["Labels"]["base"]
        assert label == ("1" if base == first else "2")
        assert shop.build()[0]["web"] == (image, "cached")


def test_images_are_built_side_by_side_and_kept_layers_are_used(shop):
    now = "busybox cut -d ' ' -f 1 /proc/uptime"
    script = f"{now}; busybox sleep 2; {now}"
    for name in ("a", "b"):
        shop.write(f"{name}/busybox", BUSYBOX.read_bytes())
        shop.dockerfile(run_line(f"echo {name}; {script}"), "COPY page /page", where=f"{name}/Dockerfile")
        shop.write(f"{name}/page", "1")
    shop.builds("a: {context: a}", "b: {context: b}")
    built, told = shop.build()
    assert built["a"][1] == built["b"][1] == "built"
    times = {n: [float(t) for t in re.findall(rf"^{n}: (\d+\.?\d*)$", told, re.M)] for n in "ab"}
    assert times["a"][0] < times["b"][1] and times["b"][0] < times["a"][1], told
    shop.write("a/page", "2")
    began = time.monotonic()
    built, told = shop.build()
    assert built["a"][1] == "built" and built["b"][1] == "cached"
    assert "Using cache" in told and time.monotonic() - began < 10
    assert not re.search(r"^a: \d+\.\d", told, re.M)


def test_nothing_to_build_costs_few_requests(tmp_path, registry):
    gate = Gate(registry)
    shop = Shop(tmp_path, gate.host)
    shop.dockerfile("LABEL few=1")
    shop.build()
    gate.requests.clear()
    assert shop.build()[0]["web"][1] == "cached"
    assert len(gate.requests) <= 2, gate.requests
    gate.shutdown()


# --- programs ---

def test_a_program_prints_an_image(shop):
    shop.builds("web: {context: web}")
    shop.dockerfile("LABEL program=1")
    image = shop.build()[0]["web"][0]
    shop.builds("job: {context: job, exec: [./build.sh, one]}")
    shop.write("job/ref", image)
    shop.write("job/build.sh", "#!/bin/sh\necho building $1 >&2\ncat ref\n")
    built, told = shop.build()
    assert built["job"][0] == image and "job: building one" in told
    for script, why in (
            ("echo hello", r"printed `hello`, which has no digest"),
            ("echo 'no image at all'", r"which is no image"),
            (f"echo {image[:-64]}{'0' * 64}", r"its registry does not have it"),
            ("echo one >&2; echo two >&2; exit 3", r"exit.* 3.*\n  one\n  two"),
            ("cat /etc/shadow ../../home/*", r"Permission denied|No such file"),
            ("echo x >/dev/tcp/127.0.0.1/80 || kill -9 $$", r"signal 9|SIGKILL|killed"),
    ):
        shop.write("job/build.sh", f"#!/bin/bash\n{script}\n")
        assert re.search(why, shop.refuse()), script
    shop.write("job/build.sh", "#!/bin/sh\nexec sleep 1000\n")
    shop.builds("job: {context: job, exec: [./build.sh], timeout: 1s}")
    assert "did not end within 1000 ms" in shop.refuse()


# --- what goes wrong ---

def test_a_failing_build_is_refused_with_its_last_lines(shop):
    shop.builds("web: {context: web}")
    shop.dockerfile(run_line("for i in 1 2 3; do echo line $i; done; printf '\\033[31mred\\033[0m\\n'; exit 7"))
    said = shop.refuse()
    assert re.search(r"build\.web \(capstan\.yaml:3\): the build failed; it said last:\n", said)
    assert "\n  line 3\n  red\n" in said and "\033" not in said
    shop.dockerfile("RUN", base="FRM scratch")
    assert "has no FROM" in shop.refuse()
    shop.builds("web: {context: web, dockerfile: None}")
    assert "web/None: there is no such file in the commit" in shop.refuse()
    shop.builds("web: {context: nowhere}")
    assert "context nowhere: there is no such directory" in shop.refuse()
    shop.builds("web: {context: web, image: elsewhere.example.com/x/web}")
    assert "is not below the repository's registry" in shop.refuse()
    assert shop.left() == []


@pytest.mark.parametrize("limit, script, why", [
    ("timeout: 2s", "busybox sleep 1000", r"its time was over \(`timeout`\)"),
    ("disk: 64Mi", "for i in 1 2 3 4 5 6; do busybox dd if=/dev/zero of=/x$i bs=1M count=30; done; busybox sleep 9",
     r"wrote more than 64 MiB \(`disk`\)"),
    ("disk: 64Mi", "busybox dd if=/dev/zero of=/x bs=1M count=100", r"the build failed|wrote more than 64 MiB"),
    ("memory: 128Mi", "busybox yes | busybox tr '\\n' x | busybox head -c 300000000 | busybox sort; busybox sleep 9",
     r"more than 128 MiB of memory"),
    ("timeout: 20s", "f() { f | f & }; f; f; busybox sleep 3; exit 1",
     r"can't fork|processes and threads, which is the limit"),
], ids=["never-ends", "fills-the-disk", "large-file", "memory", "forks"])
def test_limits_end_a_build(shop, limit, script, why):
    shop.builds(f"web: {{context: web, {limit}}}")
    shop.dockerfile(run_line(script))
    began = time.monotonic()
    assert re.search(why, shop.refuse())
    assert time.monotonic() - began < 30
    assert shop.left() == []


def test_a_build_sees_nothing_of_the_machine(shop, tmp_path):
    shop.builds("web: {context: web}")
    canary = tmp_path / "canary"
    canary.write_text("canary-of-the-host")
    (shop.home / "canary").write_text("canary-of-home")
    (shop.home / "canary").chmod(0o644)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    shop.dockerfile(run_line(
        f"m=MARK; busybox cat {canary} {shop.home}/canary /etc/shadow /proc/1/environ; busybox ls /home /var/run/secrets;"
        f"busybox ps; busybox ls -a /store /auth.json /context {shop.home}; busybox chroot / busybox true && echo $m-CHROOT;"
        f"busybox mount -t tmpfs x /bin && echo $m-MOUNTED; busybox mknod /d b 254 0 && echo $m-DEVICE;"
        "unset http_proxy HTTP_PROXY;"
        "for a in 169.254.169.254:80 127.0.0.1:%d; do busybox wget -q -O - http://$a/ && echo $m-REACHED $a; done;"
        "export http_proxy=http://127.0.0.1:3128;"
        "for a in 169.254.169.254:80 127.0.0.1:%d; do busybox wget -q -O - http://$a/ && echo $m-REACHED $a; done;"
        "echo $m-END; exit 1" % (port, port)))
    said = shop.refuse()
    server.shutdown()
    assert "web: MARK-END" in said
    for bad in ("canary-of", "root:[x*]", "MARK-[^E]", "capstan push-build", "docker-registry",
                "<html", "CAPSTAN"):
        assert not re.search(rf"^web: .*{bad}", re.sub(r"^web: (STEP|Error).*$", "", said, flags=re.M), re.M), (bad, said)
    assert "169.254.169.254:80 is refused" in said and f"127.0.0.1:{port} is refused" in said, said


def test_the_installation_allows_hosts(shop):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    (shop.home / "build-hosts").write_text(f"# a mirror\n127.0.0.1:{port}\n")
    shop.dockerfile(run_line(f"busybox wget -q -O /index http://127.0.0.1:{port}/ && echo fetched"))
    assert "web: fetched" in shop.build()[1]
    (shop.home / "build-hosts").unlink()
    server.shutdown()


def test_secrets_are_mounted_and_nowhere_else(shop, tmp_path):
    secrets = shop.home / "repos" / "default" / "shop.secrets"
    secrets.mkdir()
    (secrets / "token").write_text("hunter2-very-secret\n")
    shop.builds("web: {context: web, secrets: [token]}")
    # A secret is of the machine until it is mounted: of the first step it is not.
    shop.dockerfile(run_line("busybox cat /run/secrets/* /secrets/* /proc/*/root/secrets/* /proc/*/environ; true"),
                    'RUN --mount=type=secret,id=token ["/bin/busybox", "sh", "-c", "busybox wc -c </run/secrets/token; '
                    'busybox cat /run/secrets/token; echo have $(busybox cat /run/secrets/token)"]')
    built, told = shop.build()
    assert "web: 20" in told and "web: have ***" in told and "hunter2" not in told
    for name, data in layers_of(built["web"][0], tmp_path / "i").items():
        assert b"hunter2" not in data, name
    kept = subprocess.run(["grep", "-rl", "hunter2-very-secret", shop.home / "builds"], stdout=subprocess.PIPE)
    assert kept.stdout == b""
    shop.builds("web: {context: web, secrets: [other]}")
    assert "secret other: the repository has no build secrets" in shop.refuse()
    shop.builds("web: {context: web}")


def test_links_stay_in_the_context(shop):
    shop.dockerfile("COPY . /all")
    for target in ("/etc/shadow", "../../../../../../etc/shadow", "a/../../x"):
        (shop.tree / "web" / "link").symlink_to(target)
        assert "web/link: is a link that leads out of the context" in shop.refuse()
        (shop.tree / "web" / "link").unlink()
    (shop.tree / "web" / "link").symlink_to("busybox")
    assert shop.build()[0]["web"][1] == "built"
    (shop.tree / "web" / "link").unlink()


def test_bases_of_this_machine_are_not_asked_for(shop):
    for host in ("169.254.169.254", "localhost:1", "[::1]:5000"):
        shop.dockerfile(base=f"FROM {host}/latest/meta-data")
        assert re.search("on this machine or its link|is no image", shop.refuse())
    shop.dockerfile(base=f"FROM {shop.host}/team/nothing:v1")
    assert "there is no such image" in shop.refuse()


# --- registries ---

def test_a_registry_that_is_down_slow_full_or_lies(tmp_path, registry):
    gate = Gate(registry)
    shop = Shop(tmp_path, gate.host)
    shop.dockerfile(f"LABEL gate={gate.host}")
    gate.mode = "full"
    assert re.search("pushing .* failed; it said last:", shop.refuse())
    gate.mode = "lies"
    assert re.search(r"nothing of it is used", shop.refuse())
    gate.mode = "slow"
    began = time.monotonic()
    shop.dockerfile(f"LABEL slow={gate.host}")
    shop.builds("web: {context: web, timeout: 2s}")
    process = shop.start()
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 2 and time.monotonic() - began < 40
    gate.shutdown()
    gate.server_close()
    assert "it cannot be reached" in shop.refuse()
    assert shop.left() == []


def test_the_password_of_a_registry_is_not_for_builds(tmp_path):
    registry = Registry(tmp_path / "r", "builder", "open-sesame")
    shop = Shop(tmp_path / "shop", registry.host, username="builder", password="open-sesame")
    shop.dockerfile(run_line("busybox cat /auth.json /proc/*/cmdline /proc/*/environ; true"))
    built, told = shop.build()
    assert built["web"][1] == "built"
    assert "open-sesame" not in told and "YnVpbGRlcjpvcGVuLXNlc2FtZQ" not in told
    shop.dockerfile("LABEL a=b", base=f"FROM {built['web'][0]}")
    assert shop.build()[0]["web"][1] == "built"
    registry.stop()


# --- ends ---

def sleepers(seconds):
    """Processes of a build that sleeps for so long; no other has the number."""
    found = subprocess.run(["pgrep", "-f", f"busybox sleep {seconds}$"], stdout=subprocess.PIPE, text=True)
    return found.stdout.split()


def test_a_cancelled_build_ends_at_once(shop):
    seconds = 100000 + free_port()
    shop.dockerfile(run_line(f"echo sleeping; busybox sleep {seconds} & busybox sleep {seconds}"))
    process = shop.start()
    for line in process.stderr:
        if line.startswith("web: sleeping"):
            break
    assert len(sleepers(seconds)) >= 2
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert process.wait(20) == 2 and time.monotonic() - began < 5
    assert "cancelled" in process.stderr.read()
    assert sleepers(seconds) == [] and shop.left() == []


def test_a_killed_builder_leaves_nothing(shop):
    seconds = 200000 + free_port()
    shop.dockerfile(run_line(f"echo sleeping; busybox sleep {seconds} & busybox sleep {seconds}"))
    process = shop.start()
    for line in process.stderr:
        if line.startswith("web: sleeping"):
            break
    process.kill()
    process.wait()
    wait_until(lambda: sleepers(seconds) == [], 10, lambda: f"the end of {sleepers(seconds)}")
    assert len(shop.left()) == 1
    shop.dockerfile("LABEL after=kill")
    assert shop.build()[0]["web"][1] == "built"
    assert shop.left() == []
    containers = shop.home / "builds" / "default" / "shop" / "web" / "store" / "root" / "overlay-containers" / "containers.json"
    assert not containers.exists() or json.loads(containers.read_text()) == []


def test_caches_have_a_cap(shop):
    store = shop.home / "builds" / "default" / "shop" / "web" / "store"
    shop.dockerfile("LABEL before=clean")
    shop.build()
    assert store.exists()
    done = subprocess.run([CAPSTAN, "push-clean", "--state", shop.home, "--keep", "100000"], stdout=subprocess.PIPE)
    assert done.returncode == 0 and store.exists()
    done = subprocess.run([CAPSTAN, "push-clean", "--state", shop.home, "--keep", "1"], stdout=subprocess.PIPE)
    assert done.returncode == 0 and not store.exists()
    assert list((shop.home / "builds").glob("trash-*")) == []
    shop.dockerfile("LABEL after=clean")
    assert shop.build()[0]["web"][1] == "built"


def test_old_images_go_when_nothing_names_them(world, tmp_path):
    registry = Registry(tmp_path / "r")  # of its own: other tests' images are of the same name
    shop, namespace = Shop(tmp_path / "shop", registry.host), "builds-clean"
    images = []
    for i in range(5):
        shop.dockerfile(f"LABEL clean={i}")
        images.append(shop.build()[0]["web"][0])
    world.kubectl("create", "namespace", namespace)
    world.apply(f"""
apiVersion: v1
kind: Pod
metadata: {{name: old, namespace: {namespace}}}
spec: {{containers: [{{name: web, image: "{images[0]}"}}]}}
""")
    shop.write("deploy/web.yaml", f"image: {images[1]}\n")
    shop.command()
    hosted = shop.home / "repos" / "default" / "shop.git"
    subprocess.run(["git", "clone", "-q", "--bare", shop.tree, hosted], check=True)
    clean = ["push-clean", "--state", shop.home, "--images", "--keep-images", "1", "--keep-age", "1ms"]

    def there():
        found = [subprocess.run(["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{image}"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE).returncode == 0 for image in images]
        return [i for i, yes in enumerate(found) if yes]

    assert f"would remove {images[2]}" in world.capstan(*clean, "--dry-run")
    assert there() == [0, 1, 2, 3, 4]
    # A configuration repository that cannot be looked at may name any of them.
    shop.write("capstan.yaml", (shop.tree / "capstan.yaml").read_text() + "deliver: {config: 'https://127.0.0.1:1/c.git'}\n")
    shop.command()
    shop.git("push", "-q", str(hosted), "main")
    assert "may name stay" in world.capstan(*clean)
    assert there() == [0, 1, 2, 3, 4]
    shop.builds("web: {context: web}")
    shop.command()
    shop.git("push", "-q", str(hosted), "main")
    assert "removed 2 images" in world.capstan(*clean)
    assert there() == [0, 1, 4]
    assert "removed 0 images" in world.capstan(*clean)
    world.kubectl("delete", "namespace", namespace, "--wait=false")
    registry.stop()


WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
"""


def test_a_push_builds_and_deploys_by_digest(world, registry, namespace, tmp_path):
    world.kubectl("create", "secret", "generic", "builds", "-n", namespace, "--from-literal=token=hunter3-secret")

    def image():
        found = world.get("deployment", "web", "-n", namespace)
        return found and found["spec"]["template"]["spec"]["containers"][0]["image"]

    with Service(world, tmp_path / "home") as service:
        hosted = service.host(namespace, more=f"    registry: {{url: '{registry.host}/pushed', insecure: true}}\n"
                                              "    buildSecretRef: {name: builds}\n")
        read = ('RUN --mount=type=secret,id=token ["/bin/busybox", "sh", "-c", '
                '"busybox cat /run/secrets/token; busybox wc -c </run/secrets/token"]')
        dockerfile = f"FROM scratch\nCOPY busybox /bin/busybox\n{read}\n"
        (hosted.git.directory / "web").mkdir(parents=True)
        shutil.copy(BUSYBOX, hosted.git.directory / "web" / "busybox")
        hosted.git.commit({
            "capstan.yaml": "environments: {prod: {branch: main, path: deploy, timeout: 60s}}\n"
                            "build: {web: {context: web, secrets: [token]}}\n",
            "web/Dockerfile": dockerfile, "deploy/web.yaml": WEB})
        said = hosted.push()
        first = image()
        assert re.fullmatch(rf"{registry.host}/pushed/web-web@{DIGEST}", first), said
        assert "hunter3" not in said and first in said
        hosted.git.commit({"deploy/more.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n"})
        said = hosted.push()
        assert image() == first and "as before" in said and "STEP" not in said
        hosted.git.commit({"web/Dockerfile": dockerfile + run_line("echo no such thing; exit 3") + "\n"})
        said = hosted.push(accepted=False)
        assert "no such thing" in said and "capstan.yaml:2" in said and image() == first
        hosted.git.commit({"web/Dockerfile": dockerfile + "LABEL second=1\n"})
        hosted.push()
        assert image() != first
    assert b"hunter3" not in b"".join(f.read_bytes() for f in tmp_path.rglob("*") if f.is_file() and not f.is_symlink())
