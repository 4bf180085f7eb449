"""Bad input in git, and a server that refuses or never ends: each is told at its place, and holds up nobody else."""
import base64
import contextlib
import http.server
import json
import ssl
import threading

import pytest

from gitserver import Authority
from harness import config_map, wait_until

HOOK_SECONDS = 5  # after which the server gives up on a webhook
HANG_SECONDS = 15
RETRY = "retry: {backoff: 500ms, maxBackoff: 3s}"
LIMIT_OF_CONFIG_MAP = 1 << 20

GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n"
BOMB = ("a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi"))
        + "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bomb}\n")


def status(world, namespace, name="shop"):
    return (world.get("app", name, "-n", namespace) or {}).get("status", {})


def errors(world, namespace, name="shop"):
    return status(world, namespace, name).get("errors", [])


def value(world, namespace, name):
    return ((world.get("configmap", name, "-n", namespace) or {}).get("data") or {}).get("a")


def write(git, files, message="change"):
    """A commit of files whose contents may be bytes; None removes one."""
    texts = {path: content for path, content in files.items() if not isinstance(content, bytes)}
    for path, content in files.items():
        if isinstance(content, bytes):
            (git.directory / path).parent.mkdir(parents=True, exist_ok=True)
            (git.directory / path).write_bytes(content)
    return git.commit(texts, message)


def is_told(world, namespace, words, name="shop", seconds=30):
    """The App is not Ready, and an error of its has one of the words: that error."""
    def found():
        if world.condition(namespace, name).get("status") == "True":
            return None
        return next((e for e in errors(world, namespace, name) if any(word in e["message"] for word in words)), None)
    return wait_until(found, seconds,
                      lambda: f"the App says one of {words}: {json.dumps(status(world, namespace, name))}")


class Pair:
    """Two Apps of one Repo: `shop`, which gets the bad input, and `other`, which must not notice."""

    def __init__(self, world, operator, namespace, git, sync=""):
        self.world, self.operator, self.namespace, self.git = world, operator, namespace, git
        self.turn = 0
        sha = git.commit({"shop/one.yaml": config_map("one"), "shop/kept.yaml": config_map("kept"),
                          "other/other.yaml": config_map("other", "0")})
        world.repo(namespace, git.url)
        world.app(namespace, path="shop", sync=sync)
        world.app(namespace, "other", path="other")
        world.wait_ready(namespace, revision=sha)
        world.wait_ready(namespace, "other", sha)

    def commit(self, files):
        """Of shop, and one of `other` with it."""
        self.turn += 1
        sha = write(self.git, {**{f"shop/{path}": content for path, content in files.items()},
                               "other/other.yaml": config_map("other", str(self.turn))})
        self.operator.notify(self.namespace)
        return sha

    def other_goes_on(self, seconds=20):
        wait_until(lambda: value(self.world, self.namespace, "other") == str(self.turn), seconds,
                   "the other App goes on")
        self.world.wait_ready(self.namespace, "other")

    def is_mended(self, files=None, seconds=40):
        """Without the bad input all is well again, and what git no longer has goes."""
        sha = self.commit(files or {"bad.yaml": None})
        self.world.wait_ready(self.namespace, revision=sha, seconds=seconds)
        assert self.world.names(self.namespace) == {"one"}
        self.other_goes_on()


@pytest.fixture
def pair(world, operator, namespace, git):
    return Pair(world, operator, namespace, git, RETRY)


# --- bad files ---


BAD = {
    "bomb": (BOMB, ["alias"], None),
    "nesting": ("a: " + "[" * 10000 + "]" * 10000 + "\n", ["nest", "deep"], 1),
    "deep-mappings": (GOOD + "data:\n" + "".join(" " * n + "a:\n" for n in range(1, 4001)), ["nest", "deep"], None),
    "nul": (GOOD.encode() + b'data: {a: "x\0y"}\n', ["control", "NUL", "character"], 4),
    "invalid-utf-8": (GOOD.encode() + b"data: {a: \xff\xfe}\n", ["UTF-8"], 4),
    "no-name": (GOOD + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {labels: {a: b}}\n",
                ["metadata.name is missing"], 7),
    "no-kind": (GOOD + "---\napiVersion: v1\nmetadata: {name: bad}\n", ["kind is missing"], 5),
    "no-version": (GOOD + "---\nkind: ConfigMap\nmetadata: {name: bad}\n", ["apiVersion is missing"], 5),
    "unknown-kind": (GOOD + "---\napiVersion: v1\nkind: ConfigMop\nmetadata: {name: bad}\n", ["ConfigMop", "kind"], 5),
    "unknown-group": (GOOD + "---\napiVersion: nobody.test/v1\nkind: Thing\nmetadata: {name: bad}\n",
                      ["nobody.test", "Thing", "kind"], 5),
    "cluster-scope": (GOOD + "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: bad, namespace: elsewhere}\n",
                      ["cluster-scoped"], 5),
    "custom-cluster-scope": (GOOD + "---\napiVersion: apiregistration.k8s.io/v1\nkind: APIService\n"
                             "metadata: {name: v1.bad.test, namespace: elsewhere}\n", ["cluster-scoped"], 5),
    "missing-namespace": (GOOD + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad, namespace: nowhere}\n",
                          ["nowhere"], 5),
    "duplicate": (GOOD + "data: {a: first}\n---\n" + GOOD, ["is there twice: first at shop/bad.yaml:1"], 6),
    "duplicate-key": (GOOD + "data: {a: 1}\ndata: {a: 2}\n", ["twice", "duplicate", "again"], 5),
    "tab": (GOOD + "data:\n\ta: b\n", ["tab"], 5),
    "not-an-object": ("- just\n- a list\n", ["map"], 1),
    "wrong-type": (GOOD + "data: {a: {b: c}}\n", ["data"], None),
    "unknown-field": (GOOD + "---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
                      "spec: {ports: [{port: 80}], colour: blue}\n", ["colour: field not declared in schema"], 5),
    "bad-name": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_A_Name}\n", ["Not_A_Name"], 1),
    "path-in-name": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ../../secrets/x}\n", ["may not contain"], 3),
    "generate-name": ("apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: bad-}\n", ["generateName"], 3),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad(world, operator, pair, namespace, kind):
    content, words, line = BAD[kind]
    pair.commit({"bad.yaml": content, "kept.yaml": None})
    error = is_told(world, namespace, words)
    place = (error.get("file"), error.get("line"))
    assert place[0] == "shop/bad.yaml" and place[1] >= 1, error
    assert line is None or place[1] == line, error
    assert not [c for c in json.dumps(errors(world, namespace), ensure_ascii=False) if ord(c) < 0x20]
    pair.other_goes_on()
    assert {"one", "kept"} <= world.names(namespace), "nothing is pruned by a revision with errors"
    assert value(world, namespace, "one") == "1"
    assert operator.is_ready()
    pair.is_mended()


# --- sizes ---


def sized(name, size):
    return config_map(name, "x" * size)


def test_a_config_map_just_below_the_limit(world, pair, namespace):
    sha = pair.commit({"large.yaml": sized("large", LIMIT_OF_CONFIG_MAP)})
    world.wait_ready(namespace, revision=sha)
    assert len(value(world, namespace, "large")) == LIMIT_OF_CONFIG_MAP
    world.kubectl("delete", "configmap", "large", "-n", namespace)
    wait_until(lambda: value(world, namespace, "large"), 10, "it is healed")


@pytest.mark.parametrize("size", [LIMIT_OF_CONFIG_MAP + 1, 2 * LIMIT_OF_CONFIG_MAP, 20 * LIMIT_OF_CONFIG_MAP],
                         ids=["by-one-byte", "twice", "twenty-times"])
def test_too_large(world, operator, pair, namespace, size):
    pair.commit({"bad.yaml": sized("large", size), "kept.yaml": None})
    error = is_told(world, namespace, ["Too long", "too long", "large"])
    assert error["file"] == "shop/bad.yaml"
    assert len(error["message"]) < 1000
    pair.other_goes_on()
    assert {"one", "kept"} <= world.names(namespace)
    assert operator.is_ready()
    pair.is_mended()


# --- webhooks ---


class Webhook:
    """A validating webhook for ConfigMaps with the label `hook: NAME`; how(request) is (HTTP status, answer)."""

    def __init__(self, world, name, authority, certificate, how):
        owner, self.world, self.name = self, world, name
        self.ends = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_POST(self):  # pylint: disable=invalid-name
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                code, answer = how(owner, review)
                body = json.dumps(answer).encode()
                with contextlib.suppress(OSError):  # the server has given up
                    self.send_response(code)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*certificate)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        world.apply(json.dumps({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name}, "webhooks": [{
                "name": f"{name}.hostile.test", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "failurePolicy": "Fail", "timeoutSeconds": HOOK_SECONDS,
                "objectSelector": {"matchLabels": {"hook": name}},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"],
                           "operations": ["CREATE", "UPDATE", "DELETE"]}],
                "clientConfig": {"url": f"https://127.0.0.1:{self.server.server_address[1]}/",
                                 "caBundle": base64.b64encode(authority.certificate.read_bytes()).decode()}}]}))

    def remove(self):
        self.world.run("kubectl", "delete", "validatingwebhookconfiguration", self.name, "--ignore-not-found")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()
        self.ends.set()
        self.server.shutdown()
        self.server.server_close()


def crashes(_, __):
    return 500, {"message": "the webhook is broken"}


def denies(_, review):
    return 200, {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                 "response": {"uid": review["request"]["uid"], "allowed": False,
                              "status": {"code": 403, "message": "not on a Friday"}}}


def warns(_, review):
    return 200, {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
                 "response": {"uid": review["request"]["uid"], "allowed": True, "warnings": ["this goes away in May"]}}


def hangs(webhook, _):
    webhook.ends.wait(HANG_SECONDS)
    return 500, {}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("webhook")


def hooked(namespace):
    """An object that the webhook of that name is asked about."""
    return config_map("hooked").replace("{name: hooked}", f"{{name: hooked, labels: {{hook: {namespace}}}}}")


def wait_for_webhook(world, namespace, warning=False):
    """Until the API server calls it."""
    def is_called():
        done = world.run("kubectl", "create", "--dry-run=server", "-n", namespace, "-f", "-", stdin=hooked(namespace))
        return "goes away" in done.stderr if warning else done.returncode != 0
    wait_until(is_called, 30, "the API server knows the webhook")


@pytest.mark.parametrize("how, words", [(crashes, ["failed calling webhook"]), (denies, ["not on a Friday"]),
                                        (hangs, ["failed calling webhook", "deadline", "timeout"])],
                         ids=["crashes", "denies", "hangs"])
def test_a_webhook_that(world, operator, pair, namespace, authority, certificate, how, words):
    with Webhook(world, namespace, authority, certificate, how) as webhook:
        wait_for_webhook(world, namespace)
        pair.commit({"bad.yaml": hooked(namespace), "one.yaml": config_map("one", "2"), "kept.yaml": None})
        pair.other_goes_on(10)
        error = is_told(world, namespace, words, seconds=40)
        assert (error["file"], error["line"]) == ("shop/bad.yaml", 1)
        assert value(world, namespace, "one") == "2", "an object that is refused holds up no other"
        assert world.names(namespace) == {"one", "kept"}, "nothing is pruned by a revision with errors"
        pair.commit({})
        pair.other_goes_on(10)
        assert operator.is_ready()
        webhook.remove()
        world.wait_ready(namespace, seconds=60)
    wait_until(lambda: world.names(namespace) == {"one", "hooked"}, 5,
               lambda: f"all is as git says: {world.names(namespace)}")


def test_a_warning_is_told_on_the_command_line(world, namespace, tmp_path, authority, certificate):
    (tmp_path / "hooked.yaml").write_text(hooked(namespace))
    with Webhook(world, namespace, authority, certificate, warns):
        wait_for_webhook(world, namespace, warning=True)
        out = world.capstan("sync", tmp_path, "--name", "by-hand", "-n", namespace)
    assert "warning" in out and "this goes away in May" in out and "hooked.yaml:1" in out
    assert value(world, namespace, "hooked") == "1"


def test_a_warning_is_told_by_the_operator(world, operator, pair, namespace, authority, certificate):
    with Webhook(world, namespace, authority, certificate, warns):
        wait_for_webhook(world, namespace, warning=True)
        sha = pair.commit({"bad.yaml": hooked(namespace)})
        wait_until(lambda: value(world, namespace, "hooked"), 20, "it is applied")
        pair.other_goes_on()
        world.wait_ready(namespace, revision=sha)
    assert "this goes away in May" in json.dumps(status(world, namespace)) + operator.log()


# --- namespaces ---


STUCK = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: stuck, namespace: %s, finalizers: [hostile.test/never]}
"""


@contextlib.contextmanager
def stuck_namespace(world, pair, namespace, target):
    """The App `away` has its object in a namespace that is being deleted and never ends, until the block does."""
    world.kubectl("create", "namespace", target)
    pair.commit({"../away/away.yaml": config_map("away")})
    world.app(namespace, "away", path="away", target=target, sync=RETRY)
    world.wait_ready(namespace, "away")
    world.apply(STUCK % target)
    try:
        world.kubectl("delete", "namespace", target, "--wait=false")
        yield
    finally:
        world.kubectl("patch", "configmap", "stuck", "-n", target, "--type=merge", "-p",
                      '{"metadata":{"finalizers":null}}')


def test_a_namespace_that_never_ends(world, operator, pair, namespace):
    target = f"{namespace}-target"
    with stuck_namespace(world, pair, namespace, target):
        error = is_told(world, namespace, ["being terminated", "terminating"], "away")
        assert error["file"] == "away/away.yaml"
        pair.commit({"one.yaml": config_map("one", "2")})
        pair.other_goes_on(10)
        world.wait_ready(namespace, revision=pair.git.git("rev-parse", "HEAD"))
        assert world.get("namespace", target)["status"]["phase"] == "Terminating"
    world.kubectl("wait", "--for=delete", f"namespace/{target}", "--timeout=50s")
    is_told(world, namespace, ["not found", "there is no namespace"], "away")
    world.kubectl("create", "namespace", target)
    world.wait_ready(namespace, "away", seconds=40)
    assert value(world, target, "away") == "1"
    assert operator.is_ready()
    world.kubectl("delete", "namespace", target, "--wait=false")


def test_an_app_ends_though_its_namespace_never_does(world, operator, pair, namespace):
    """Deleted meanwhile, the App holds nobody up; it is gone when its objects are."""
    target = f"{namespace}-t"
    with stuck_namespace(world, pair, namespace, target):
        world.kubectl("delete", "app", "away", "-n", namespace, "--timeout=40s")
        assert world.get("configmap", "stuck", "-n", target), "what others made stays theirs"
        pair.commit({"one.yaml": config_map("one", "2")})
        pair.other_goes_on(10)
        assert operator.is_ready()
