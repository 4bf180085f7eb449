"""ImageRules on a real API server, with Debian's docker-registry: a new tag becomes a commit, and the commit rolls out."""
import base64
import itertools
import json
import shutil
import subprocess
import time

import pytest

import registry as registries
from harness import Git, config_map, wait_until

INTERVALS = itertools.count(4000)
TOKEN = "4f0c1e6a9b7d2835-registry"

pytestmark = pytest.mark.skipif(not registries.installed(), reason="docker-registry is not installed (scripts/setup)")

RULE = """apiVersion: capstan.dev/v1alpha1
kind: ImageRule
metadata: {name: %(name)s, namespace: %(namespace)s}
spec:
  image: %(image)s
  insecure: true
  interval: %(interval)s
  policy: %(policy)s
%(more)s"""

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}  # of the shop
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: "%s"  # {"$imagepolicy": "%s"}
"""


@pytest.fixture(scope="module")
def registry(operator, tmp_path_factory):
    """It tells the operator what is pushed."""
    url = f"http://127.0.0.1:{operator.port}/webhook/hooks/web"
    with registries.Registry(tmp_path_factory.mktemp("registry"), registries.NOTIFICATIONS % (url, TOKEN)) as registry:
        yield registry


class Config:
    """A bare repository with a branch main; pushed to by a clone."""

    def __init__(self, directory, files):
        self.seed = Git(directory / "seed")
        self.seed.commit(files)
        self.bare = directory / "config.git"
        subprocess.run(["git", "clone", "-q", "--bare", str(self.seed.directory), str(self.bare)], check=True)
        self.url = f"file://{self.bare}"
        self.seed.git("remote", "add", "origin", self.url)

    def git(self, *arguments):
        return subprocess.run(["git", "-C", str(self.bare), *arguments], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()

    def file(self, path):
        return self.git("show", f"main:{path}")

    def head(self):
        return self.git("rev-parse", "main")

    def count(self):
        return int(self.git("rev-list", "--count", "main"))

    def push(self, files, message="by hand"):
        self.seed.git("pull", "-q", "--rebase", "origin", "main")
        sha = self.seed.commit(files, message)
        self.seed.git("push", "-q", "origin", "HEAD:main")
        return sha


def rule(world, namespace, image, name="web", interval="1h", policy='{semver: {range: ">=1.0.0"}}', update="", more=""):
    """update: fields beyond repo and branch; None: there is no update."""
    if update is not None:
        more += f"  update: {{repo: cfg, branch: main{', ' + update if update else ''}}}\n"
    world.apply(RULE % {"name": name, "namespace": namespace, "image": image, "interval": interval, "policy": policy,
                        "more": more})


def status(world, namespace, name="web"):
    return (world.get("imagerule", name, "-n", namespace) or {}).get("status", {})


def condition(world, namespace, name="web"):
    return world.condition(namespace, name, resource="imagerule")


def wait_rule(world, namespace, name="web", tag=None, reason="Succeeded", seconds=20):
    wait_until(lambda: condition(world, namespace, name).get("reason") == reason and
               (tag is None or status(world, namespace, name).get("latest", {}).get("tag") == tag), seconds,
               lambda: json.dumps(status(world, namespace, name)))


def secret(world, namespace, name="hook", token=TOKEN):
    data = base64.b64encode(token.encode()).decode()
    world.apply(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata: {{token: {data}}}\n")


def scan_again(world, namespace, name="web"):
    """A changed spec is looked at at once."""
    world.kubectl("patch", "imagerule", name, "-n", namespace, "--type=merge", "-p",
                  json.dumps({"spec": {"interval": f"{next(INTERVALS)}s"}}))


def test_a_new_tag_becomes_a_commit_and_rolls_out(world, operator, registry, namespace, tmp_path):
    image = f"{registry.name}/{namespace}/web"
    first = registry.push(f"{namespace}/web", "v1.0.0")
    registry.push(f"{namespace}/web", "latest", "v9")
    config = Config(tmp_path, {
        "base/web.yaml": DEPLOYMENT % (f"{image}:v0.9.0", f"{namespace}:web"),
        "base/kustomization.yaml": "resources: [web.yaml]\n",
        "prod/kustomization.yaml": f"# kept\nresources: [../base]\nimages:\n- name: {image}  # this one\n  newTag: v0.9.0\n",
        "other.txt": "x\n"})
    world.repo(namespace, config.url)
    world.app(namespace, path="prod", sync="wait: false")
    rule(world, namespace, image, more="  digest: pin\n", update="author: {name: Robot, email: robot@example.test}")
    wait_rule(world, namespace, tag="v1.0.0")
    latest = status(world, namespace)["latest"]
    assert latest == {"image": f"{image}:v1.0.0@{first}", "tag": "v1.0.0", "digest": first}
    assert config.file("base/web.yaml") + "\n" == DEPLOYMENT % (latest["image"], f"{namespace}:web")
    assert config.file("prod/kustomization.yaml").startswith(
        f"# kept\nresources: [../base]\nimages:\n- name: {image}  # this one\n  newTag: v1.0.0\n")
    assert f"digest: {first}" in config.file("prod/kustomization.yaml")
    assert config.git("log", "-1", "--format=%an <%ae>|%s|%(trailers:key=Capstan-Image,valueonly)", "main").strip() == \
        f"Robot <robot@example.test>|update {image} to v1.0.0|{namespace}/web={latest['image']}"
    assert status(world, namespace)["lastCommit"] == config.head()
    wait_until(lambda: rolled_out(world, namespace) == latest["image"], 30, lambda: rolled_out(world, namespace))

    second = registry.push(f"{namespace}/web", "v1.1.0")
    scan_again(world, namespace)
    wait_until(lambda: rolled_out(world, namespace) == f"{image}:v1.1.0@{second}", 30,
               lambda: json.dumps(status(world, namespace)))
    assert config.count() == 3


def rolled_out(world, namespace):
    thing = world.get("deployment", "web", "-n", namespace)
    return thing and thing["spec"]["template"]["spec"]["containers"][0]["image"]


def test_a_notification_makes_it_immediate(world, operator, registry, tmp_path):
    world.kubectl("create", "namespace", "hooks")
    secret(world, "hooks")
    image = f"{registry.name}/hooks/web"
    registry.push("hooks/web", "v1.0.0")
    config = Config(tmp_path, {"web.yaml": DEPLOYMENT % (f"{image}:v0.9.0", "hooks:web")})
    world.repo("hooks", config.url)
    rule(world, "hooks", image, more="  webhook: {type: distribution, secretRef: {name: hook}}\n")
    rule(world, "hooks", f"{registry.name}/hooks/job", name="job", update=None)
    wait_rule(world, "hooks", tag="v1.0.0")
    wait_rule(world, "hooks", name="job", reason="ScanFailed")
    subprocess.run(["skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", f"docker://{image}:v1.0.0",
                    f"docker://{image}:v1.2.0"], check=True, timeout=60) if shutil.which("skopeo") else \
        registry.push("hooks/web", "v1.2.0", "v1.0.0")
    wait_rule(world, "hooks", tag="v1.2.0", seconds=10)
    assert f"{image}:v1.2.0" in config.file("web.yaml")
    # One hook serves all rules of the namespace.
    registry.push("hooks/job", "v3.0.0")
    wait_rule(world, "hooks", name="job", tag="v3.0.0", seconds=10)
    # Who does not know the secret moves nothing.
    body = json.dumps({"events": [{"id": "forged", "action": "push", "target": {"repository": "hooks/web", "tag": "v9.0.0"}}]})
    scans = operator.metric("capstan_image_scans_total")
    assert operator.http("/webhook/hooks/web", "POST", body, {"Authorization": "Bearer guess"})[0] == 401
    assert operator.http("/webhook/hooks/web", "POST", body)[0] == 401
    assert operator.metric("capstan_image_scans_total") == scans
    assert operator.http("/webhook/hooks/web", "POST", body, {"Authorization": f"Bearer {TOKEN}"})[0] == 202
    assert operator.http("/webhook/hooks/web", "POST", body, {"Authorization": f"Bearer {TOKEN}"}) == \
        (202, "this event was taken already\n")
    assert operator.http("/webhook/hooks/job", "POST", body, {"Authorization": f"Bearer {TOKEN}"})[0] == 404


def test_an_unchanged_image_is_one_conditional_request(world, operator, namespace, tmp_path):
    config = Config(tmp_path, {"kustomization.yaml": "images: [{name: app, newTag: v0}]\n"})
    with registries.Fake() as fake:
        image = f"{fake.name}/app"
        config.push({"kustomization.yaml": f"images:\n- {{name: {image}, newTag: v0}}\n"})
        world.repo(namespace, config.url)
        rule(world, namespace, image, interval="5s", more="  digest: pin\n")
        wait_rule(world, namespace, tag="v1.0.0")
        assert "newTag: v1.0.0" in config.file("kustomization.yaml")
        writes, seen = operator.metric("capstan_api_writes_total"), len(fake.log)
        wait_until(lambda: len(fake.log) > seen, 20, lambda: fake.log)
        assert all(command == "GET" and "/tags/list" in path and etag for command, path, etag in fake.log[seen:]), fake.log
        assert operator.metric("capstan_api_writes_total") == writes
        fake.tags.append("v1.5.0")
        wait_rule(world, namespace, tag="v1.5.0")


def test_what_cannot_be_known_changes_nothing(world, operator, registry, namespace, tmp_path):
    files = {"kustomization.yaml": "images: []\n"}
    with registries.Fake() as fake:
        image = f"{fake.name}/app"
        files["kustomization.yaml"] = f"images:\n- name: {image}\n  newTag: v1.0.0\n"
        config = Config(tmp_path, files)
        before = config.head()
        world.repo(namespace, config.url)
        # A registry that lies about a digest.
        fake.tags, fake.lie = ["v1.0.0", "v2.0.0"], "sha256:" + "1" * 64
        rule(world, namespace, image, more="  digest: pin\n")
        wait_rule(world, namespace, reason="ScanFailed")
        assert "sends bytes of" in condition(world, namespace)["message"]
        # An ambiguous policy, and one that takes nothing.
        fake.lie, fake.tags = None, ["1.0.0", "v1.0.0"]
        scan_again(world, namespace)
        wait_rule(world, namespace, reason="PolicyFailed")
        assert "ambiguous" in condition(world, namespace)["message"]
        rule(world, namespace, image, policy='{semver: {range: ">=7"}}')
        wait_rule(world, namespace, reason="PolicyFailed")
        assert "none of the 2 tags" in condition(world, namespace)["message"]
        # Credentials that are wrong.
        fake.wants = "Basic secret"
        scan_again(world, namespace)
        wait_rule(world, namespace, reason="ScanFailed")
        assert "name a Secret" in condition(world, namespace)["message"]
        assert config.head() == before
    # A registry that is gone.
    scan_again(world, namespace)
    wait_until(lambda: "cannot be reached" in condition(world, namespace).get("message", ""), 20,
               lambda: condition(world, namespace))
    assert config.head() == before


def test_credentials_of_an_image_pull_secret(world, operator, namespace):
    with registries.Fake() as fake:
        fake.wants = "Basic " + base64.b64encode(b"robot:s3cret").decode()
        world.kubectl("create", "secret", "docker-registry", "pull", "-n", namespace, "--docker-server", fake.name,
                      "--docker-username", "robot", "--docker-password", "s3cret")
        rule(world, namespace, f"{fake.name}/app", update=None, more="  secretRef: {name: pull}\n")
        wait_rule(world, namespace, tag="v1.0.0")
        assert "s3cret" not in operator.log()


def test_two_rules_are_one_commit(world, operator, registry, namespace, tmp_path):
    names = ("web", "job")
    files = {f"{name}.yaml": DEPLOYMENT % (f"{registry.name}/{namespace}/{name}:v0", f"{namespace}:{name}") for name in names}
    config = Config(tmp_path, files)
    world.repo(namespace, config.url)
    for name in names:
        registry.push(f"{namespace}/{name}", "v1.0.0", name)
    world.apply("---\n".join(RULE % {"name": name, "namespace": namespace, "image": f"{registry.name}/{namespace}/{name}",
                                     "interval": "1h", "policy": '{semver: {range: "*"}}',
                                     "more": "  update: {repo: cfg, branch: main}\n"} for name in names))
    for name in names:
        wait_rule(world, namespace, name, tag="v1.0.0")
        assert f"{name}:v1.0.0" in config.file(f"{name}.yaml")
    assert config.count() == 2
    assert config.git("log", "-1", "--format=%s", "main") == "update 2 images"
    # One that cannot be written holds up no other, and is written when a commit lets it.
    registry.push(f"{namespace}/web", "v1.1.0", "more")
    registry.push(f"{namespace}/job", "v1.1.0", "more")
    config.push({"job.yaml": "kind: ConfigMap\napiVersion: v1\nmetadata: {name: job}\n"})
    for name in names:
        scan_again(world, namespace, name)
    wait_rule(world, namespace, "web", tag="v1.1.0")
    wait_rule(world, namespace, "job", reason="UpdateFailed")
    assert f"{namespace}:job" in condition(world, namespace, "job")["message"]
    config.push({"job.yaml": files["job.yaml"]})
    operator.notify(namespace)
    wait_rule(world, namespace, "job", tag="v1.1.0")
    assert "job:v1.1.0" in config.file("job.yaml")


def test_others_who_push_first(world, operator, registry, namespace, tmp_path):
    image = f"{registry.name}/{namespace}/web"
    registry.push(f"{namespace}/web", "v1.0.0")
    config = Config(tmp_path, {"web.yaml": DEPLOYMENT % (f"{image}:v0", f"{namespace}:web")})
    # Whoever pushes while the marker is there finds that somebody was a moment faster.
    marker = tmp_path / "first"
    marker.write_text("")
    hook = config.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\n[ -e %s ] || exit 0\nrm %s\nunset GIT_QUARANTINE_PATH\n"
                    "new=$(git commit-tree -p main -m first main^{tree}) && git update-ref refs/heads/main $new\n" % (marker, marker))
    hook.chmod(0o755)
    config.git("config", "user.name", "x")
    config.git("config", "user.email", "x@example.test")
    world.repo(namespace, config.url)
    rule(world, namespace, image)
    wait_rule(world, namespace, tag="v1.0.0", seconds=30)
    assert not marker.exists()
    assert config.git("log", "--format=%s", "main").splitlines()[:2] == [f"update {image} to v1.0.0", "first"]


def test_refused_by_the_api_server(world, namespace):
    for spec, words in (
            ("image: UPPER\n  policy: {time: {}}", "image must be"),
            ("image: web:v1\n  policy: {time: {}}", "image must be"),
            ("image: web\n  policy: {time: {}, numerical: {}}", "must have at most 1"),
            ("image: web\n  policy: {}", "should have at least 1"),
            ("image: web\n  policy: {time: {}}\n  filter: {extract: $1}", "write a pattern"),
            ("image: web\n  policy: {time: {}}\n  interval: 1s", "interval must be"),
            ("image: web\n  policy: {time: {}}\n  update: {repo: a, branch: b, path: ../x}", "without '..'"),
            ("image: web\n  policy: {time: {}}\n  update: {repo: a, branch: b, path: x, environment: prod}", "write one of them")):
        done = world.run("kubectl", "apply", "-f", "-", stdin="apiVersion: capstan.dev/v1alpha1\nkind: ImageRule\n"
                         f"metadata: {{name: web, namespace: {namespace}}}\nspec:\n  {spec}\n")
        assert done.returncode != 0 and words in done.stderr, (spec, done.stderr)


def test_lines_of_capstan_yaml(world, operator, registry, namespace, tmp_path):
    image = f"{registry.name}/{namespace}/web"
    registry.push(f"{namespace}/web", "v1.0.0")
    lines = "images:\n  web: {image: %s, insecure: true, interval: 1h, policy: {semver: {range: 1.x}}}\n" % image
    environments = "environments:\n  prod: {path: prod, branch: main}\n  next: {path: next, branch: next}\n"
    config = Config(tmp_path, {"capstan.yaml": environments + lines, "prod/kustomization.yaml": "resources: [web.yaml]\n",
                               "next/one.yaml": config_map("one"), "prod/web.yaml": DEPLOYMENT % (f"{image}:v0", f"{namespace}:web")})
    world.repo(namespace, config.url)
    world.app(namespace, sync="wait: false", more="  render: {type: environment, name: prod}\n")
    world.app(namespace, name="other", sync="wait: false", more="  render: {type: environment, name: next}\n")
    wait_rule(world, namespace, "shop-web", tag="v1.0.0", seconds=30)
    assert f"{image}:v1.0.0" in config.file("prod/web.yaml")
    wait_until(lambda: rolled_out(world, namespace) == f"{image}:v1.0.0", 20, lambda: rolled_out(world, namespace))
    # Who does not follow the environment's branch has no rule, and a line that goes takes its rule along.
    assert [item["metadata"]["name"] for item in world.get("imagerules", "-n", namespace)["items"]] == ["shop-web"]
    assert "ImageRule" not in world.capstan("diff", "shop", "-n", namespace)
    config.push({"capstan.yaml": environments})
    operator.notify(namespace)
    wait_until(lambda: not world.get("imagerules", "-n", namespace)["items"], 20, "the rule is gone")


def test_an_environment_and_a_restart(world, operator, registry, namespace, tmp_path):
    image = f"{registry.name}/{namespace}/web"
    config = Config(tmp_path, {
        "capstan.yaml": "environments:\n  prod: {path: deploy/prod}\n",
        "deploy/prod/kustomization.yaml": "resources: [web.yaml]\n",
        "deploy/prod/web.yaml": DEPLOYMENT % (f"{image}:v0", "no:body")})
    for day, tag in enumerate(("red", "green", "blue"), 1):
        registry.push(f"{namespace}/web", tag, created=f"2026-02-0{4 - day}T00:00:00Z")
    world.repo(namespace, config.url)
    rule(world, namespace, image, policy="{time: {}}", update="environment: prod")
    wait_rule(world, namespace, tag="red")
    assert "newTag: red" in config.file("deploy/prod/kustomization.yaml")
    head, before = config.head(), status(world, namespace)
    operator.kill()  # from here on it has another port: the last test
    operator.start()
    wait_until(lambda: operator.metric("capstan_image_scans_total") >= 1, 20, "a scan")
    time.sleep(2)
    assert config.head() == head and status(world, namespace) == before
    # The rule ends: nothing is asked or written any more.
    rules = operator.metric("capstan_image_rules")
    world.kubectl("delete", "imagerule", "web", "-n", namespace)
    wait_until(lambda: operator.metric("capstan_image_rules") < rules, 10, "the rule is gone")
    assert operator.stop(10) == 0
