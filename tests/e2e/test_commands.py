"""The commands of capstan against a real API server.

    CAPSTAN=build/src/cmd/capstan python3 -m pytest tests/e2e/test_commands.py

Starts one cluster for the module (tests/cluster) and builds nothing but what that needs.
"""
import contextlib
import json
import re
import signal
import subprocess
import time

import pytest

from harness import CAPSTAN, DIFFERS, INTERRUPTED, TIMED_OUT, TROUBLE, World, wait_until

CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: %s}
data: {a: "%s"}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A cluster with nothing of ours: the first test installs it."""
    world = World(tmp_path_factory.mktemp("cluster"))
    yield world
    world.cluster("down")


@pytest.fixture
def shop(tmp_path):
    directory = tmp_path / "shop"
    directory.mkdir()
    (directory / "one.yaml").write_text(CONFIG % ("one", "1"))
    return directory


@pytest.fixture(scope="module")
def kinds(world):
    world.capstan("install", "--crds-only")


# --- install, uninstall ---


def test_install_and_uninstall(world):
    out = world.capstan("install", "--crds-only")
    assert "CustomResourceDefinition apps.capstan.dev" in out
    assert "unchanged" in world.capstan("install", "--crds-only")
    assert world.get("namespace", "capstan-system") is None
    out = world.capstan("install", "--no-wait", "--rights", "minimal", "--image", "example.test/capstan:1")
    assert "created     Deployment capstan-system/capstan" in out
    deployment = world.get("deployment", "-n", "capstan-system", "capstan")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "example.test/capstan:1"
    assert world.get("clusterrole", "capstan-deployer") is None
    world.capstan("install", "--timeout", "1s", expect=TIMED_OUT)  # no node: it never becomes available
    assert world.get("clusterrole", "capstan-deployer")
    world.capstan("uninstall", "--yes")
    assert world.get("crd", "apps.capstan.dev") is None
    assert world.get("clusterrole", "capstan") is None
    wait_until(lambda: world.get("namespace", "capstan-system") is None)
    assert "run `capstan install` first" in world.capstan("status", expect=TROUBLE)
    world.capstan("install", "--crds-only")


def test_install_print_needs_no_cluster(world):
    out = world.capstan("install", "--print", "--kubeconfig", "/nonexistent")
    assert "@IMAGE@" not in out and "kind: Deployment" in out
    listed = json.loads(world.capstan("install", "--print", "-o", "json", "--crds-only"))
    assert [o["kind"] for o in listed["items"]] == ["CustomResourceDefinition"] * 3
    listed = json.loads(world.capstan("install", "--print", "-o", "json", "--push", "-n", "sys", "--push-host", "push.test",
                                      "--push-port", "30022", "--push-expose", "NodePort", "--push-storage-class", "fast"))
    push = {(o["kind"], o["metadata"]["name"]): o for o in listed["items"]
            if "push" in o["metadata"].get("namespace", o["metadata"]["name"])}
    assert {o["metadata"]["namespace"] for o in push.values() if "namespace" in o["metadata"]} == {"sys-push"}
    assert "@" not in json.dumps(list(push.values())).replace("git@push.test", "")
    service = push["Service", "capstan-push-ssh"]["spec"]
    assert (service["type"], service["ports"][0]["port"], service["ports"][0]["nodePort"]) == ("NodePort", 22, 30022)
    assert push["PersistentVolumeClaim", "sys-push"]["spec"]["storageClassName"] == "fast"
    container = push["Deployment", "sys-push"]["spec"]["template"]["spec"]["containers"][0]
    assert {"--ssh-url=ssh://git@push.test:30022", "--http-url=http://sys-push.sys-push.svc/git",
            "--fetch-url=http://sys-push.sys-push.svc/git"} < set(container["args"])
    out = world.capstan("install", "--print", "--push-port", "2222", expect=TROUBLE)
    assert "but not --push" in out


PUSH_RIGHTS = {
    True: [("watch", "repos.capstan.dev"), ("create", "repos.capstan.dev"), ("patch", "repos.capstan.dev/status"),
           ("create", "apps.capstan.dev"), ("delete", "apps.capstan.dev"), ("patch", "remotes.gitkube.sh"), ("get", "secrets"),
           ("create", "secrets"), ("get", "pods/log"), ("list", "pods"), ("get", "deployments.apps"), ("get", "services")],
    False: [("list", "secrets"), ("delete", "secrets"), ("create", "pods"), ("create", "deployments.apps"),
            ("impersonate", "serviceaccounts"), ("patch", "repos.capstan.dev"), ("delete", "repos.capstan.dev"),
            ("create", "clusterrolebindings"), ("get", "nodes"), ("create", "pods/exec")],
}


def pod_of(world, name):
    """A Pod as the Deployment would make it, tried on the API server, whose admission has its word."""
    template = world.get("deployment", name, "-n", "capstan-push")["spec"]["template"]
    template["spec"].pop("serviceAccountName", None)
    template["spec"].pop("serviceAccount", None)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {**template["metadata"], "name": "tried"}, "spec": template["spec"]}
    return world.run("kubectl", "create", "--dry-run=server", "-n", "capstan-push", "-f", "-", stdin=json.dumps(pod))


def test_install_and_uninstall_the_push_service(world, kinds):
    out = world.capstan("install", "--push", "--no-wait", "--push-no-builds", "--push-image", "example.test/push:1",
                        "--push-registry", "registry.test/team")
    assert "created     Deployment capstan-push/capstan-push" in out and "CustomResourceDefinition remotes.gitkube.sh" in out
    assert "repo create shop -n NAMESPACE --key ~/.ssh/id_ed25519.pub --registry registry.test/team" in out
    assert "git remote add deploy ssh://git@capstan-push-ssh.capstan-push.svc/NAMESPACE/shop.git" in out
    assert "kubectl port-forward -n capstan-push service/capstan-push-ssh 2222:22" in out
    labels = world.get("namespace", "capstan-push")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    done = pod_of(world, "capstan-push")
    assert done.returncode == 0, done.stderr
    for granted, rights in PUSH_RIGHTS.items():
        for verb, resource in rights:
            wait_until(lambda v=verb, r=resource, g=granted: g == (world.run(
                "kubectl", "auth", "can-i", v, *r.replace("/", " --subresource=").split(), "-n", "default",
                "--as=system:serviceaccount:capstan-push:capstan-push").stdout.strip() == "yes"),
                10, f"{verb} {resource}: {granted}")
    world.capstan("install", "--push", "--no-wait")
    labels = world.get("namespace", "capstan-push")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"
    done = pod_of(world, "capstan-push")
    assert done.returncode == 0, done.stderr
    security = world.get("deployment", "capstan-push", "-n", "capstan-push")["spec"]["template"]["spec"]
    assert security["hostUsers"] is False and security["containers"][0]["securityContext"]["capabilities"]["add"]
    world.apply("apiVersion: gitkube.sh/v1alpha1\nkind: Remote\nmetadata: {name: old, namespace: default}\nspec: {}\n")
    out = world.capstan("uninstall", "--yes", "--orphan")
    assert "kept        PersistentVolumeClaim capstan-push/capstan-push" in out and "--delete-repositories" in out
    assert "kept        CustomResourceDefinition remotes.gitkube.sh" in out, out
    assert world.get("remote", "old", "-n", "default") and world.get("pvc", "capstan-push", "-n", "capstan-push")
    assert world.get("deployment", "capstan-push", "-n", "capstan-push") is None
    assert world.get("clusterrole", "capstan-push") is None and world.get("networkpolicy", "-n", "capstan-push")["items"] == []
    world.kubectl("delete", "remote", "old", "-n", "default")
    world.capstan("uninstall", "--yes", "--delete-repositories")
    assert world.get("crd", "remotes.gitkube.sh") is None
    wait_until(lambda: (world.get("namespace", "capstan-push") or {}).get("status", {}).get("phase") != "Active", 20,
               "the namespace goes")
    world.capstan("install", "--crds-only")


def test_uninstall_refuses_while_apps_exist(world, kinds, namespace):
    world.apply(APP % ("left", namespace, "cfg", namespace))
    world.kubectl("patch", "app", "left", "-n", namespace, "--type=merge", "-p",
                  '{"metadata":{"finalizers":["capstan.dev/finalizer"]}}')
    out = world.capstan("uninstall", "--yes", expect=DIFFERS)
    assert f"{namespace}/left" in out and "delete --all -A" in out and "--orphan" in out
    assert world.get("app", "left", "-n", namespace)
    world.capstan("uninstall", "--yes", "--orphan")  # with no operator: lets go of it after a while
    assert world.get("crd", "apps.capstan.dev") is None
    world.capstan("install", "--crds-only")


# --- sync DIR ---


def test_sync_creates_changes_prunes(world, namespace, shop):
    (shop / "two.yaml").write_text(CONFIG % ("two", "2"))
    out = world.capstan("sync", shop, "-n", namespace)
    assert "2 objects: 2 created" in out
    inventory = world.get("configmap", "capstan-inventory-shop", "-n", namespace)
    assert inventory["metadata"]["labels"]["capstan.dev/inventory"] == "shop"
    assert f"/ConfigMap/{namespace}/two" in inventory["data"]["inventory"]
    assert "2 unchanged" in world.capstan("sync", ".", "--name", "shop", "-n", namespace, cwd=shop)
    (shop / "one.yaml").write_text(CONFIG % ("one", "changed"))
    (shop / "two.yaml").unlink()
    world.capstan("sync", "--no-prune", shop, "-n", namespace)
    assert world.get("configmap", "two", "-n", namespace)
    out = world.capstan("sync", shop, "-n", namespace)
    assert f"pruned     ConfigMap {namespace}/two" in out
    assert world.get("configmap", "two", "-n", namespace) is None
    assert world.get("configmap", "one", "-n", namespace)["data"] == {"a": "changed"}


def test_an_empty_directory_prunes_only_when_allowed(world, namespace, shop):
    world.capstan("sync", shop, "-n", namespace)
    (shop / "one.yaml").unlink()
    world.capstan("sync", shop, "-n", namespace, expect=DIFFERS)
    assert world.get("configmap", "one", "-n", namespace)
    world.capstan("sync", shop, "-n", namespace, "--allow-empty")
    assert world.get("configmap", "one", "-n", namespace) is None


def test_every_error_has_its_place_and_nothing_is_pruned(world, namespace, shop):
    (shop / "two.yaml").write_text(CONFIG % ("two", "2"))
    world.capstan("sync", shop, "-n", namespace)
    (shop / "two.yaml").unlink()
    (shop / "bad.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: [}\n")
    (shop / "api.yaml").write_text(CONFIG % ("Not_A_Name", "1") + "---\napiVersion: nope.test/v1\nkind: None\n"
                                   "metadata: {name: thing}\n")
    out = world.capstan("sync", shop, "-n", namespace, expect=DIFFERS)
    assert "bad.yaml:4" in out and "api.yaml:1" in out and "api.yaml:6" in out
    assert world.get("configmap", "two", "-n", namespace)


def test_an_immutable_field_needs_force(world, namespace, shop):
    text = CONFIG % ("one", "1") + "immutable: true\n"
    (shop / "one.yaml").write_text(text)
    world.capstan("sync", shop, "-n", namespace)
    uid = world.get("configmap", "one", "-n", namespace)["metadata"]["uid"]
    (shop / "one.yaml").write_text(text.replace('"1"', '"2"'))
    assert "immutable" in world.capstan("sync", shop, "-n", namespace, expect=DIFFERS)
    world.capstan("sync", shop, "-n", namespace, "--force")
    one = world.get("configmap", "one", "-n", namespace)
    assert one["data"] == {"a": "2"} and one["metadata"]["uid"] != uid


def test_takes_over_from_kubectl(world, namespace, shop):
    world.apply(CONFIG % ("one", "old") + "  # gone from git:\n", "-n", namespace)
    world.apply('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: old, b: extra}\n', "-n", namespace)
    world.capstan("sync", shop, "-n", namespace)
    one = world.get("configmap", "one", "-n", namespace)
    assert one["data"] == {"a": "1"}
    assert "kubectl.kubernetes.io/last-applied-configuration" not in one["metadata"].get("annotations", {})


def test_sync_waits_for_health_until_the_timeout(world, namespace, shop):
    (shop / "pod.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
                                   "spec: {containers: [{name: c, image: example.test/x}]}\n")
    world.capstan("sync", shop, "-n", namespace, "--no-wait")
    done = world.run(CAPSTAN, "sync", shop, "-n", namespace, "--timeout", "2s")
    assert done.returncode in (DIFFERS, TIMED_OUT), done.stdout + done.stderr


def test_sync_says_which_namespace_is_missing(world, shop):
    assert "no namespace nowhere" in world.capstan("sync", shop, "-n", "nowhere", expect=TROUBLE)


def test_sync_output_for_programs(world, namespace, shop):
    done = world.run(CAPSTAN, "sync", shop, "-n", namespace, "-o", "json")
    answer = json.loads(done.stdout)
    assert answer["exitCode"] == 0
    assert [o["action"] for o in answer["objects"]] == ["created"]


def test_sync_with_rights_in_one_namespace(world, namespace, shop, tmp_path):
    world.kubectl("create", "serviceaccount", "dev", "-n", namespace)
    world.kubectl("create", "role", "dev", "-n", namespace, "--verb=*", "--resource=configmaps,deployments.apps")
    world.kubectl("create", "rolebinding", "dev", "-n", namespace, "--role=dev", f"--serviceaccount={namespace}:dev")
    token = world.kubectl("create", "token", "dev", "-n", namespace).strip()
    kubeconfig = tmp_path / "dev.kubeconfig"
    config = json.loads(world.kubectl("config", "view", "--raw", "-o", "json"))
    config["users"] = [{"name": u["name"], "user": {"token": token}} for u in config["users"]]
    kubeconfig.write_text(json.dumps(config))
    out = world.capstan("sync", shop, "-n", namespace, "--kubeconfig", kubeconfig, "--timeout", "30s")
    assert "1 created" in out
    (shop / "one.yaml").write_text(CONFIG % ("three", "3"))
    out = world.capstan("sync", shop, "-n", namespace, "--kubeconfig", kubeconfig, "--timeout", "30s")
    assert world.get("configmap", "one", "-n", namespace) is None


def test_ctrl_c_stops_cleanly(world, namespace, shop):
    (shop / "pod.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
                                   "spec: {schedulingGates: [{name: example.test/never}], containers: [{name: c, image: x}]}\n")
    sync = subprocess.Popen([CAPSTAN, "sync", shop, "-n", namespace], env=world.env, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    wait_until(lambda: world.get("pod", "p", "-n", namespace))
    time.sleep(0.5)
    sync.send_signal(signal.SIGINT)
    out, _ = sync.communicate(timeout=20)
    assert sync.returncode == INTERRUPTED, out
    inventory = world.get("configmap", "capstan-inventory-shop", "-n", namespace)["data"]["inventory"]
    assert f"/Pod/{namespace}/p" in inventory


# --- diff ---


def test_diff_exit_codes_and_authors(world, namespace, shop):
    out = world.capstan("diff", shop, "-n", namespace, expect=DIFFERS)
    assert "would be created" in out
    world.capstan("sync", shop, "-n", namespace)
    assert world.capstan("diff", shop, "-n", namespace) == ""
    world.kubectl("patch", "configmap", "one", "-n", namespace, "--type=merge", "-p", '{"data":{"a":"hand"}}')
    out = world.capstan("diff", shop, "-n", namespace, expect=DIFFERS)
    assert '-  a: hand' in out and '+  a: "1"' in out and "changed by kubectl" in out and "one.yaml:1" in out
    assert world.get("configmap", "one", "-n", namespace)["data"] == {"a": "hand"}  # nothing was changed
    (shop / "one.yaml").write_text(CONFIG % ("other", "1"))
    out = world.capstan("diff", shop, "-n", namespace, expect=DIFFERS)
    assert "would be removed" in out
    assert "would be removed" not in world.capstan("diff", shop, "-n", namespace, "--no-prune", expect=DIFFERS)
    (shop / "one.yaml").write_text("kind: [\n")
    world.capstan("diff", shop, "-n", namespace, expect=TROUBLE)


def test_diff_never_shows_a_secret(world, namespace, shop):
    secret = shop / "secret.yaml"
    secret.write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: hunter2}\n")
    shown = world.capstan("diff", shop, "-n", namespace, expect=DIFFERS)
    world.capstan("sync", shop, "-n", namespace)
    secret.write_text(secret.read_text().replace("hunter2", "swordfish"))
    shown += world.capstan("diff", shop, "-n", namespace, expect=DIFFERS)
    shown += world.capstan("diff", shop, "-n", namespace, "-o", "json", expect=DIFFERS)
    secret.unlink()
    shown += world.capstan("diff", shop, "-n", namespace, expect=DIFFERS)
    for text in ("hunter2", "swordfish", "aHVudGVyMg", "c3dvcmRmaXNo"):
        assert text not in shown


# --- Apps ---

APP = """\
apiVersion: capstan.dev/v1alpha1
kind: App
metadata: {name: %s, namespace: %s}
spec:
  source: {repo: %s, revision: main, path: .}
  target: {namespace: %s}
"""

REPO = """\
apiVersion: capstan.dev/v1alpha1
kind: Repo
metadata: {name: cfg, namespace: %s}
spec: {url: "file://%s", interval: 1h}
"""


class Git:
    def __init__(self, world, path):
        self.world, self.path = world, path
        path.mkdir()
        self("init", "-q", "-b", "main")

    def __call__(self, *args):
        done = self.world.run("git", "-c", "user.name=t", "-c", "user.email=t@example.test", *args, cwd=self.path)
        assert done.returncode == 0, done.stderr

    def commit(self, name, text):
        (self.path / name).write_text(text)
        self("add", "-A")
        self("commit", "-q", "-m", name)


@contextlib.contextmanager
def operator(world, namespace, tmp_path):
    with open(tmp_path / "operator.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen([CAPSTAN, "run", "--no-leader-election", "-n", namespace, "--cache", tmp_path / "cache"],
                                   env=world.env, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            assert process.wait(timeout=15) == 0, (tmp_path / "operator.log").read_text()


def test_apps_from_first_to_last(world, kinds, namespace, tmp_path):
    git = Git(world, tmp_path / "repo")
    git.commit("one.yaml", CONFIG % ("one", "1"))
    world.apply(REPO % (namespace, git.path) + "---\n" + APP % ("shop", namespace, "cfg", namespace))
    assert "no operator has looked" in world.capstan("status", "-n", namespace, expect=DIFFERS)
    with operator(world, namespace, tmp_path):
        world.kubectl("wait", "--for=condition=Ready", "app/shop", "-n", namespace, "--timeout=30s")
        out = world.capstan("status", "-n", namespace)
        assert re.search(r"^shop +True +main@[0-9a-f]{7} +Synced +Current", out, re.M), out
        assert "ConfigMap" in world.capstan("status", "shop", "--objects", "-n", namespace)
        listed = json.loads(world.capstan("status", "-n", namespace, "-o", "json"))
        assert listed["items"][0]["metadata"]["name"] == "shop" and "managedFields" not in listed["items"][0]["metadata"]

        git.commit("two.yaml", CONFIG % ("two", "2"))
        world.capstan("sync", "shop", "-n", namespace)
        wait_until(lambda: world.get("configmap", "two", "-n", namespace))

        world.capstan("suspend", "shop", "-n", namespace)
        wait_until(lambda: "Suspended" in world.run(CAPSTAN, "status", "-n", namespace).stdout)
        world.kubectl("delete", "configmap", "two", "-n", namespace)
        time.sleep(1)
        assert world.get("configmap", "two", "-n", namespace) is None
        world.capstan("resume", "shop", "-n", namespace)
        wait_until(lambda: world.get("configmap", "two", "-n", namespace))

        git.commit("bad.yaml", CONFIG % ("Bad_Name", "1"))
        world.run(CAPSTAN, "sync", "shop", "-n", namespace)
        wait_until(lambda: "bad.yaml:1" in world.run(CAPSTAN, "status", "shop", "-n", namespace).stdout)
        out = world.capstan("sync", "shop", "-n", namespace, expect=DIFFERS)
        assert "bad.yaml:1" in out

        assert "give --yes" in world.capstan("delete", "shop", "-n", namespace, expect=DIFFERS)
        world.capstan("delete", "shop", "--yes", "-n", namespace)
        assert world.get("app", "shop", "-n", namespace) is None
        assert world.get("configmap", "one", "-n", namespace) is None
    world.capstan("delete", "shop", "--yes", "-n", namespace, expect=TROUBLE)


def test_delete_orphan_keeps_what_was_made(world, kinds, namespace, tmp_path):
    git = Git(world, tmp_path / "repo")
    git.commit("one.yaml", CONFIG % ("one", "1"))
    world.apply(REPO % (namespace, git.path) + "---\n" + APP % ("shop", namespace, "cfg", namespace))
    with operator(world, namespace, tmp_path):
        world.kubectl("wait", "--for=condition=Ready", "app/shop", "-n", namespace, "--timeout=30s")
        world.capstan("delete", "--all", "--yes", "--orphan", "-n", namespace)
    one = world.get("configmap", "one", "-n", namespace)
    assert one and "capstan.dev/app" not in one["metadata"].get("labels", {})


def test_a_directory_does_not_share_a_name_with_an_app(world, kinds, namespace, shop):
    world.apply(APP % ("shop", namespace, "cfg", namespace))
    out = world.capstan("sync", "shop", "-n", namespace, cwd=shop.parent, expect=TROUBLE)
    assert "--app" in out and "--name" in out
    world.capstan("sync", "shop", "-n", namespace, "--name", "other", cwd=shop.parent)
    world.capstan("sync", "shop", "--app", "-n", namespace, "--timeout", "1s", cwd=shop.parent, expect=TIMED_OUT)


def test_unknown_apps_and_unreachable_clusters(world, kinds, namespace, tmp_path):
    for command in ("status", "suspend", "resume", "sync"):
        assert "there is no App nope" in world.capstan(command, "nope", "-n", namespace, expect=TROUBLE)
    config = json.loads(world.kubectl("config", "view", "--raw", "-o", "json"))
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "dead").write_text(json.dumps(config))
    for command in (["status"], ["sync", str(tmp_path)], ["diff", str(tmp_path)], ["install"]):
        assert "127.0.0.1" in world.capstan(*command, "--kubeconfig", tmp_path / "dead", expect=TROUBLE)
