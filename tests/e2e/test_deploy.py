"""Deployments from CI: a commit with new images, pushed to the environment's branch, and awaited in the cluster."""
import json
import subprocess
import threading

import pytest

from harness import CAPSTAN, DIFFERS, OK, TIMED_OUT, TROUBLE, Git, config_map, wait_until

SUPERSEDED = 4

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: %(name)s}
spec:
  replicas: 0
  selector: {matchLabels: {app: %(name)s}}
  template:
    metadata: {labels: {app: %(name)s}}
    spec:
      containers:
      - name: %(name)s
        image: registry.test/%(name)s:v1   # built by CI
"""

FILES = {
    "base/kustomization.yaml": "resources:\n- web.yaml\n- job.yaml\n",
    "base/web.yaml": DEPLOYMENT % {"name": "web"},
    "base/job.yaml": DEPLOYMENT % {"name": "job"},
    "deploy/prod/kustomization.yaml": "# production\nresources:\n- ../../base\n\nimages:\n- name: registry.test/web  # ours\n  newTag: v1\n",
    "deploy/plain/web.yaml": DEPLOYMENT % {"name": "web"},
    "deploy/flux/web.yaml": (DEPLOYMENT % {"name": "web"}).replace("# built by CI", '# {"$imagepolicy": "apps:web"}'),
}

DIGEST = "sha256:" + "0123456789abcdef" * 4


def capstan_yaml(namespace, branch="main"):
    return f"""\
environments:
  prod: {{branch: {branch}, path: deploy/prod, namespace: {namespace}}} # the real one
  plain: {{branch: {branch}, path: deploy/plain}}
  flux: {{branch: {branch}, path: deploy/flux}}
"""


class Config:
    """A bare configuration repository, and clones of it."""

    def __init__(self, directory, namespace):
        self.directory = directory
        self.seed = Git(directory / "seed")
        self.seed.commit({**FILES, "capstan.yaml": capstan_yaml(namespace)})
        self.bare = directory / "config.git"
        subprocess.run(["git", "clone", "-q", "--bare", str(self.seed.directory), str(self.bare)], check=True)
        self.url = f"file://{self.bare}"

    def clone(self, name="clone"):
        at = self.directory / name
        subprocess.run(["git", "clone", "-q", self.url, str(at)], check=True)
        for key, value in (("user.name", "Ada"), ("user.email", "ada@example.test")):
            subprocess.run(["git", "-C", str(at), "config", key, value], check=True)
        return at

    def git(self, *arguments):
        return subprocess.run(["git", "-C", str(self.bare), *arguments], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()

    def head(self):
        return self.git("rev-parse", "main")

    def show(self, path):
        return self.git("show", f"main:{path}") + "\n"


@pytest.fixture
def config(tmp_path, namespace):
    return Config(tmp_path, namespace)


@pytest.fixture(autouse=True)
def cache(world, tmp_path, monkeypatch):
    monkeypatch.setitem(world.env, "XDG_CACHE_HOME", str(tmp_path / "cache"))


def deploy(world, config, *arguments, env="prod", expect=OK, cwd=None, timeout=90):
    return world.capstan("deploy", "--env", env, *arguments, expect=expect, cwd=cwd or config.directory, timeout=timeout)


def image(world, namespace, name="web"):
    deployment = world.get("deployment", name, "-n", namespace)
    return deployment and deployment["spec"]["template"]["spec"]["containers"][0]["image"]


@pytest.fixture
def running(world, operator, namespace, config):
    """The App of prod, ready at the first commit."""
    world.repo(namespace, config.url, interval="1s")
    world.app(namespace, more="  render: {type: environment, name: prod}\n")
    world.wait_ready(namespace, revision=config.head())
    return config


def test_a_deployment_is_committed_and_awaited(world, running, namespace):
    clone = running.clone()
    out = deploy(world, running, "--image", "web=registry.test/web:v2", "--wait", "-n", namespace, cwd=clone)
    assert f"pushed {running.head()[:12]} to main" in out and "healthy" in out, out
    assert image(world, namespace) == "registry.test/web:v2"
    assert running.show("deploy/prod/kustomization.yaml") == FILES["deploy/prod/kustomization.yaml"].replace("v1", "v2")
    assert running.git("log", "-1", "--format=%an <%ae>%n%s") == "Ada <ada@example.test>\ndeploy registry.test/web:v2 to prod"
    assert running.git("log", "-1", "--format=%(trailers)").splitlines()[:2] == [
        "Capstan-Environment: prod", "Capstan-Image: web=registry.test/web:v2"]
    status = subprocess.run(["git", "-C", str(clone), "status", "--porcelain"], text=True, stdout=subprocess.PIPE, check=True)
    assert status.stdout == "", "the working tree is left alone"


def test_nothing_to_change_is_said(world, config):
    before = config.head()
    out = deploy(world, config, "--repo", config.url, "--image", "registry.test/web:v1")
    assert "nothing to change" in out and config.head() == before


def test_an_image_that_only_a_base_names_gets_an_entry(world, config):
    deploy(world, config, "--repo", config.url, "--image", f"job=mirror.test/job@{DIGEST}", "-m", "the new job")
    assert config.show("deploy/prod/kustomization.yaml") == FILES["deploy/prod/kustomization.yaml"] + \
        f"- name: registry.test/job\n  newName: mirror.test/job\n  digest: {DIGEST}\n"
    assert config.git("log", "-1", "--format=%s") == "the new job"


def test_manifests_and_setter_comments_are_written(world, config):
    for env in ("plain", "flux"):
        path = f"deploy/{env}/web.yaml"
        deploy(world, config, "--repo", config.url, "--image", f"web=registry.test/web:v3@{DIGEST}", env=env)
        assert config.show(path) == FILES[path].replace("web:v1", f"web:v3@{DIGEST}")


def test_variables_are_set(world, config, namespace):
    deploy(world, config, "--repo", config.url, "--set", "REGION=eu west", "--set", "SIZE=1")
    want = capstan_yaml(namespace).replace(f"namespace: {namespace}}}",
                                           f'namespace: {namespace}, substitute: {{REGION: "eu west", SIZE: "1"}}}}')
    assert config.show("capstan.yaml") == want


REFUSED = [
    (["--image", "wep=registry.test/web:v2"], ["wep", "no object of environment prod", "registry.test/web"]),
    (["--image", "web=registry.test/Web:v2"], ["registry.test/Web:v2", "is no image reference"]),
    (["--image", "web=registry.test/web"], ["neither a tag nor a digest"]),
    (["--image", "web=registry.test/web@sha256:12"], ["the digest"]),
    (["--image", "web=a:1", "--image", "web=b:1"], ["given twice"]),
    (["--set", "=x"], ["NAME=VALUE"]),
    ([], ["--image or --set is missing"]),
]


def test_what_cannot_be_deployed_is_refused_and_nothing_committed(world, config):
    before = config.head()
    for given, words in REFUSED:
        out = deploy(world, config, "--repo", config.url, *given, expect=TROUBLE)
        assert all(word in out for word in words), out
    assert config.head() == before


def test_an_image_that_something_else_sets_too_is_refused(world, config):
    """The short name fits two images; in full it fits one."""
    config.seed.commit({"deploy/prod/kustomization.yaml": FILES["deploy/prod/kustomization.yaml"] +
                        "patches:\n- patch: |\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: job}\n"
                        "    spec: {template: {spec: {containers: [{name: side, image: 'other.test/web:v1'}]}}}\n"})
    config.seed.git("push", "-q", config.url, "main")
    before = config.head()
    out = deploy(world, config, "--repo", config.url, "--image", "web=registry.test/web:v2", expect=TROUBLE)
    assert "something else sets it" in out and "other.test/web:v1" in out, out
    assert config.head() == before
    deploy(world, config, "--repo", config.url, "--image", "registry.test/web=registry.test/web:v2")


def test_an_entry_of_the_environment_itself_is_set(world, config, namespace):
    own = "environments:\n  prod:\n    branch: main\n    path: deploy/prod\n    kustomize:\n      images: # over all\n      - {name: registry.test/job, newTag: v1}\n"
    config.seed.commit({"capstan.yaml": own})
    config.seed.git("push", "-q", config.url, "main")
    deploy(world, config, "--repo", config.url, "--image", "job=registry.test/job:v2")
    assert config.show("capstan.yaml") == own.replace("v1", "v2")


def test_an_environment_that_is_not_there_is_refused(world, config):
    out = deploy(world, config, "--repo", config.url, "--image", "web=registry.test/web:v2", env="prodd", expect=TROUBLE)
    assert "prodd" in out and "did you mean" in out, out


def test_nobody_deploys_it_and_nothing_is_committed(world, config, namespace):
    before = config.head()
    out = deploy(world, config, "--repo", config.url, "--image", "web=registry.test/web:v2", "--wait", "-n", namespace,
                 expect=TROUBLE)
    assert "no App" in out and config.head() == before


def test_a_refused_push_is_told(world, config):
    hook = config.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n")
    hook.chmod(0o755)
    out = deploy(world, config, "--repo", config.url, "--image", "web=registry.test/web:v2", expect=TROUBLE)
    assert "refuses" in out and "pre-receive hook declined" in out, out


def test_deployments_that_race_all_arrive(world, config, tmp_path):
    """Some have a cache of their own, as jobs on machines of their own have; some share one."""
    names, failures = ["web", "job"], []

    def run(i):
        env = dict(world.env, XDG_CACHE_HOME=str(tmp_path / f"cache-{i // 2}"))
        done = subprocess.run([str(CAPSTAN), "deploy", "--env", "prod", "--repo", config.url, "--image",
                               f"{names[i % 2]}=registry.test/{names[i % 2]}:race-{i}"], env=env, cwd=tmp_path, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        if done.returncode != OK:
            failures.append(done.stdout)

    before = int(config.git("rev-list", "--count", "main"))
    threads = [threading.Thread(target=run, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    assert int(config.git("rev-list", "--count", "main")) == before + 6
    text = config.show("deploy/prod/kustomization.yaml")
    assert text.count("race-") == 2 and text.startswith("# production\n") and "# ours" in text, text


def test_a_failed_deployment_is_told_with_its_place(world, running, namespace):
    """The commit after it breaks: another one on the branch makes what is deployed invalid."""
    clone = running.clone()
    (clone / "base" / "web.yaml").write_text(FILES["base/web.yaml"].replace("replicas: 0", "replicas: -1"))
    subprocess.run(["git", "-C", str(clone), "commit", "-qam", "a mistake"], check=True)
    subprocess.run(["git", "-C", str(clone), "push", "-q"], check=True)
    out = deploy(world, running, "--image", "web=registry.test/web:v4", "--wait", "-n", namespace, cwd=clone, expect=DIFFERS)
    assert "failed: ApplyFailed" in out and "base/web.yaml" in out and "spec.replicas" in out, out


def test_a_deployment_that_is_not_taken_times_out(world, running, namespace):
    world.kubectl("patch", "repo", "cfg", "-n", namespace, "--type=merge", "-p", '{"spec":{"suspend":true}}')
    out = deploy(world, running, "--repo", running.url, "--image", "web=registry.test/web:v5", "--wait", "-n", namespace,
                 "--timeout", "3s", expect=TIMED_OUT)
    assert "waiting for the commit" in out and "not healthy in time" in out, out


def test_a_newer_commit_supersedes(world, running, namespace):
    world.kubectl("patch", "repo", "cfg", "-n", namespace, "--type=merge", "-p", '{"spec":{"suspend":true}}')
    first = subprocess.Popen([str(CAPSTAN), "deploy", "--env", "prod", "--repo", running.url, "--image",
                              "web=registry.test/web:v6", "--wait", "-n", namespace], env=world.env, text=True,
                             cwd=running.directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    before = running.head()
    wait_until(lambda: running.head() != before, 20, "the first is pushed")
    second = subprocess.Popen([str(CAPSTAN), "deploy", "--env", "prod", "--repo", running.url, "--image",
                               "web=registry.test/web:v7", "--wait", "-n", namespace], env=world.env, text=True,
                              cwd=running.directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_until(lambda: running.git("rev-list", "--count", "main") == "3", 20, "the second is pushed")
    world.kubectl("patch", "repo", "cfg", "-n", namespace, "--type=merge", "-p", '{"spec":{"suspend":false}}')
    told = first.communicate(timeout=60)[0]
    assert first.returncode == SUPERSEDED and "superseded" in told, told
    told = second.communicate(timeout=60)[0]
    assert second.returncode == OK and "healthy" in told, told
    assert image(world, namespace) == "registry.test/web:v7"


def test_the_result_is_json(world, running, namespace):
    done = world.run(CAPSTAN, "deploy", "--env", "prod", "--repo", running.url, "--image", "web=registry.test/web:v8",
                     "--wait", "-n", namespace, "-o", "json", cwd=running.directory)
    assert done.returncode == OK, done.stderr
    told = json.loads(done.stdout)
    assert told["commit"] == running.head() and told["changed"] is True and told["result"] == "healthy"
    assert told["files"] == ["deploy/prod/kustomization.yaml"]
    assert [(app["namespace"], app["name"], app["result"]) for app in told["apps"]] == [(namespace, "shop", "healthy")]


def test_wait_is_for_a_commit(world, running, namespace):
    first = running.head()
    out = world.capstan("wait", "shop", "-n", namespace, "--revision", first[:10])
    assert "healthy" in out, out
    out = world.capstan("wait", "-n", namespace, "--revision", first)
    assert "healthy" in out, out
    deploy(world, running, "--repo", running.url, "--image", "web=registry.test/web:v9")
    world.capstan("wait", "shop", "-n", namespace, "--revision", running.head())
    clone = running.clone()
    out = world.capstan("wait", "shop", "-n", namespace, "--revision", first, cwd=clone, expect=SUPERSEDED)
    assert "superseded" in out, out
    out = world.capstan("wait", "shop", "-n", namespace, "--revision", "0" * 40, "--timeout", "2s", expect=TIMED_OUT)
    assert "not healthy in time" in out, out
    out = world.capstan("wait", "nobody", "-n", namespace, "--revision", first, expect=TROUBLE)
    assert "there is no App nobody" in out, out
    out = world.capstan("wait", "--revision", "main", expect=TROUBLE)
    assert "is no commit" in out, out


def test_nothing_to_change_waits_for_what_is_there(world, running, namespace):
    """Also when the branch has moved on with a commit that the App does not take."""
    clone = running.clone()
    (clone / "README").write_text("nothing that is rendered\n")
    subprocess.run(["git", "-C", str(clone), "add", "."], check=True)
    subprocess.run(["git", "-C", str(clone), "commit", "-qm", "words"], check=True)
    subprocess.run(["git", "-C", str(clone), "push", "-q"], check=True)
    out = deploy(world, running, "--image", "web=registry.test/web:v1", "--wait", "-n", namespace, cwd=clone)
    assert "nothing to change" in out and "shop: healthy" in out, out
    world.kubectl("patch", "repo", "cfg", "-n", namespace, "--type=merge", "-p", '{"spec":{"suspend":true}}')
    deploy(world, running, "--image", "web=registry.test/web:v2", cwd=clone)
    out = deploy(world, running, "--image", "web=registry.test/web:v2", "--wait", "-n", namespace, "--timeout", "3s", cwd=clone,
                 expect=TIMED_OUT)
    assert "nothing to change" in out and "waiting for the commit" in out, out
    world.kubectl("patch", "repo", "cfg", "-n", namespace, "--type=merge", "-p", '{"spec":{"suspend":false}}')
    out = deploy(world, running, "--image", "web=registry.test/web:v2", "--wait", "-n", namespace, cwd=clone)
    assert "healthy" in out and image(world, namespace) == "registry.test/web:v2", out


def test_wait_follows_a_commit_through_hydration(world, operator, namespace, config):
    """Two Apps write to one branch: each waits for its own commit of it."""
    clone = config.clone()
    world.repo(namespace, config.url, interval="1s")
    for name in ("one", "two"):
        (clone / name).mkdir()
        (clone / name / "map.yaml").write_text(config_map(name))
    subprocess.run(["git", "-C", str(clone), "add", "."], check=True)
    subprocess.run(["git", "-C", str(clone), "commit", "-qm", "two more"], check=True)
    subprocess.run(["git", "-C", str(clone), "push", "-q"], check=True)
    for name in ("one", "two"):
        world.app(namespace, name=name, path=name, more=f"  hydrate: {{branch: live, path: {name}}}\n")
    out = world.capstan("wait", "one", "two", "-n", namespace, "--revision", config.head(), cwd=clone)
    assert "one: healthy" in out and "two: healthy" in out, out
    for change, name in ((config_map("two", "2"), "two"), (config_map("one") + "# nothing new\n", "one")):
        (clone / name / "map.yaml").write_text(change)
        subprocess.run(["git", "-C", str(clone), "commit", "-qam", "a change"], check=True)
        subprocess.run(["git", "-C", str(clone), "push", "-q"], check=True)
        out = world.capstan("wait", name, "-n", namespace, "--revision", config.head(), "--timeout", "40s", cwd=clone)
        assert f"{name}: healthy" in out, out
