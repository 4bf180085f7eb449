"""The custom resource definitions and install manifests on a real API server.

    eval "$(tests/cluster/cluster up DIR)"; python3 -m pytest deploy/test_crds.py

Skipped when KUBECONFIG is unset or kubectl is missing: these tests never touch the cluster of ~/.kube/config.
"""
import copy
import json
import os
import pathlib
import shutil
import subprocess
import time
import uuid

import pytest

HERE = pathlib.Path(__file__).resolve().parent

if not os.environ.get("KUBECONFIG"):
    pytest.skip("KUBECONFIG is not set: start a cluster with tests/cluster/cluster up DIR", allow_module_level=True)
if not shutil.which("kubectl"):
    pytest.skip("kubectl is not on the PATH", allow_module_level=True)


def kubectl(*args, stdin=None):
    """(exit code, stdout + stderr)"""
    done = subprocess.run(["kubectl", *args], input=stdin, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60)
    return done.returncode, done.stdout


def ok(*args, stdin=None):
    code, out = kubectl(*args, stdin=stdin)
    assert code == 0, out
    return out


@pytest.fixture(scope="module")
def namespace():
    name = "crds-" + uuid.uuid4().hex[:8]
    ok("apply", "--server-side", "-f", str(HERE / "crds"))
    ok("wait", "--for=condition=Established", "crd/apps.capstan.dev", "crd/imagerules.capstan.dev", "crd/repos.capstan.dev",
       "--timeout=30s")
    ok("create", "namespace", name)
    for kind in ("apps.capstan.dev", "imagerules.capstan.dev", "repos.capstan.dev"):
        # Established is a moment before served everywhere.
        for _ in range(50):
            if kubectl("get", kind, "-n", name)[0] == 0:
                break
            time.sleep(0.1)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def app(**spec):
    base = {"source": {"repo": "cfg"}, "target": {"namespace": "shop"}}
    return {"apiVersion": "capstan.dev/v1alpha1", "kind": "App", "metadata": {"name": "shop"}, "spec": {**base, **spec}}


def repo(**spec):
    return {"apiVersion": "capstan.dev/v1alpha1", "kind": "Repo", "metadata": {"name": "cfg"},
            "spec": {"url": "https://git.example.org/cfg.git", **spec}}


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKqnL9WAcF7+ASlMrIETUcWpSVTaD/1I7x/uvoeNhG6A"


def hosted(**more):
    obj = repo(hosted=more)
    del obj["spec"]["url"]
    return obj


def hosted_key(**more):
    return hosted(keys=[{"name": "ann", "key": KEY, **more}])


def named(obj, name):
    obj = copy.deepcopy(obj)
    obj["metadata"]["name"] = name
    return obj


def dry_run(namespace, obj):
    return kubectl("create", "--dry-run=server", "-n", namespace, "-o", "json", "-f", "-", stdin=json.dumps(obj))


def test_definitions_are_established_without_complaint(namespace):
    for crd in ("apps.capstan.dev", "imagerules.capstan.dev", "repos.capstan.dev"):
        conditions = {c["type"]: c for c in json.loads(ok("get", "crd", crd, "-o", "json"))["status"]["conditions"]}
        assert conditions["Established"]["status"] == "True"
        assert conditions.get("NonStructuralSchema", {"status": "False"})["status"] == "False", conditions


def test_app_defaults(namespace):
    code, out = dry_run(namespace, app())
    assert code == 0, out
    assert json.loads(out)["spec"] == {
        "source": {"repo": "cfg", "revision": "HEAD", "path": "."},
        "render": {"type": "auto", "substituteStrict": True},
        "target": {"namespace": "shop"},
        "sync": {"auto": True, "selfHeal": True, "prune": True, "wait": True, "force": False, "allowEmpty": False,
                 "timeout": "5m", "retry": {"backoff": "1s", "maxBackoff": "3m"}},
        "suspend": False,
        "deletionPolicy": "Delete",
    }


def test_repo_defaults(namespace):
    code, out = dry_run(namespace, repo())
    assert code == 0, out
    assert json.loads(out)["spec"] == {"url": "https://git.example.org/cfg.git", "interval": "60s", "timeout": "60s",
                                       "submodules": False, "maxSize": "1Gi", "suspend": False}


ACCEPTED = [
    app(source={"repo": "cfg", "revision": ">=1.2.0 <2.0.0", "path": "deploy/a..b/.github"}),
    app(source={"repo": "cfg", "revision": "feature/x@y", "path": "shop/"}),
    app(target={"directory": "/etc/shop", "command": ["systemctl", "reload", "shop"]}),
    app(sync={"auto": False, "timeout": "1h30m", "retry": {"backoff": "500ms"}}, serviceAccountName="shop-deployer"),
    app(deletionPolicy="Orphan"),
    app(deletionPolicy="orphan"),
    named(app(), "a" * 63),
    repo(url="ssh://git@git.example.org:2222/cfg.git", secretRef={"name": "key"}),
    repo(url="file:///srv/git/cfg.git", interval="1s", timeout="5m"),
    repo(url="http://git.cluster.local/cfg.git"),
    repo(url="https://[2001:db8::1]:8443/cfg.git", maxSize="500000000"),
    *(repo(webhook={"type": t, "secretRef": {"name": "cfg-webhook"}})
      for t in ("github", "gitlab", "gitea", "bitbucket", "azure", "generic")),
    hosted(),
    hosted_key(),
    hosted_key(key=KEY + " ann@laptop", right="push", branches=["release/*", "refs/tags/v*"]),
    hosted(tokens=[{"name": "ci", "sha256": "0" * 64, "right": "read"}], protectedBranches=[], maxSize="20Mi"),
    hosted(mirror={"url": "https://git.example.org/x.git", "secretRef": {"name": "up"}}, serviceAccountName="deployer",
           registry={"url": "r.example.org:5000/team", "secretRef": {"name": "reg"}, "insecure": True}),
]


@pytest.mark.parametrize("obj", ACCEPTED, ids=lambda o: json.dumps(o["spec"])[:60])
def test_accepted(namespace, obj):
    code, out = dry_run(namespace, obj)
    assert code == 0, out


REFUSED = [  # object, words that the message must have
    (named(app(), "a" * 64), "at most 63 characters"),
    (app(target={}), "exactly one of namespace and directory"),
    (app(target={"namespace": "shop", "directory": "/etc/shop"}), "exactly one of namespace and directory"),
    (app(target={"namespace": "shop", "command": ["true"]}), "target.command needs target.directory"),
    (app(target={"directory": "etc/shop"}), "absolute path"),
    (app(target={"directory": "/etc/../shop"}), "absolute path"),
    (app(target={"namespace": "Shop"}), "spec.target.namespace"),
    (app(source={"repo": "cfg", "revision": "--upload-pack=x"}), "must not start with '-'"),
    (app(source={"repo": "cfg", "revision": "a\nb"}), "control characters"),
    (app(source={"repo": "cfg", "revision": ""}), "spec.source.revision"),
    (app(source={"repo": "cfg", "path": "/shop"}), "relative to the root"),
    (app(source={"repo": "cfg", "path": "../shop"}), "'..' segments"),
    (app(source={"repo": "cfg", "path": "shop/.."}), "'..' segments"),
    (app(source={"repo": "cfg", "path": "shop/.GIT/hooks"}), "'.git' segments"),
    (app(source={"repo": "../cfg"}), "spec.source.repo"),
    (app(source={}), "spec.source.repo"),
    (app(render={"type": "helm"}), "supported values"),
    (app(sync={"timeout": "5 minutes"}), "spec.sync.timeout"),
    (app(sync={"timeout": "10ms"}), "timeout must be between 1s and 24h"),
    (app(sync={"retry": {"backoff": "5m"}}), "maxBackoff must not be less than backoff"),
    (app(sync={"retry": {"backoff": "1ms"}}), "backoff must be between"),
    (app(deletionPolicy="Keep"), "supported values"),
    (repo(url="git@git.example.org:cfg.git"), "ssh://git@HOST/PATH"),
    (repo(url="ftp://git.example.org/cfg.git"), "url must be https://"),
    (repo(url="ext::sh -c touch% /tmp/x"), "url must be https://"),
    (repo(url="ssh://-oProxyCommand=x/cfg"), "url must be https://"),
    (repo(url="file://host/cfg.git"), "url must be https://"),
    (repo(url="https://git.example.org/cfg.git\n"), "url must be https://"),
    (repo(url="https://me:secret@git.example.org/cfg.git"), "must not hold credentials"),
    (repo(url="https://token@git.example.org/cfg.git"), "must not hold credentials"),
    (repo(url="ssh://git:secret@git.example.org/cfg.git"), "must not hold credentials"),
    (repo(url="http://git.example.org/cfg.git", secretRef={"name": "x"}), "credentials in clear"),
    (repo(hosted={}), "exactly one of url and hosted"),
    ({**repo(), "spec": {}}, "exactly one of url and hosted"),
    ({**hosted(), "spec": {"hosted": {}, "secretRef": {"name": "x"}}}, "neither secretRef nor webhook"),
    (hosted_key(key="ssh-dss AAAA"), "spec.hosted.keys[0].key"),
    (hosted_key(key='command="sh" ' + KEY), "spec.hosted.keys[0].key"),
    (hosted_key(key=KEY + "\n" + KEY), "spec.hosted.keys[0].key"),
    (hosted_key(name="a b"), "spec.hosted.keys[0].name"),
    (hosted_key(right="admin"), "spec.hosted.keys[0].right"),
    (hosted_key(branches=["a b"]), "spec.hosted.keys[0].branches[0]"),
    (hosted(keys=[{"name": "ann", "key": KEY}] * 2), "Duplicate value"),
    (hosted(tokens=[{"name": "ci", "sha256": "secret"}]), "spec.hosted.tokens[0].sha256"),
    (hosted(mirror={"url": "ext::sh"}), "spec.hosted.mirror.url"),
    (hosted(registry={"url": "https://r.example.org"}), "spec.hosted.registry.url"),
    (hosted(maxSize="much"), "spec.hosted.maxSize"),
    (repo(interval="0s"), "interval must be between 1s and 720h"),
    (repo(interval="1d"), "spec.interval"),
    (repo(timeout="0.5s"), "timeout must be between 1s and 24h"),
    (repo(maxSize="-1"), "spec.maxSize"),
    (repo(maxSize="lots"), "spec.maxSize"),
    (repo(secretRef={}), "spec.secretRef.name"),
    (repo(webhook={"secretRef": {"name": "x"}}), "spec.webhook.type"),
    (repo(webhook={"type": "github"}), "spec.webhook.secretRef"),
    (repo(webhook={"type": "github", "secretRef": {}}), "spec.webhook.secretRef.name"),
    (repo(webhook={"type": "github", "secretRef": {"name": "../x"}}), "spec.webhook.secretRef.name"),
    (repo(webhook={"type": "sourcehut", "secretRef": {"name": "x"}}), "supported values"),
]


@pytest.mark.parametrize("obj,words", REFUSED, ids=lambda x: x if isinstance(x, str) else json.dumps(x["spec"])[:60])
def test_refused(namespace, obj, words):
    code, out = dry_run(namespace, obj)
    assert code != 0, "was accepted"
    assert words in out


def test_unknown_fields_are_named(namespace):
    code, out = dry_run(namespace, app(sync={"selfheal": True}))
    assert code != 0 and "selfheal" in out


def test_status_is_apart_and_shown_in_columns(namespace):
    obj = named(app(source={"repo": "cfg", "path": "shop"}), "columns")
    ok("apply", "--server-side", "-n", namespace, "-f", "-", stdin=json.dumps(obj))
    status = {
        "observedGeneration": 1,
        "conditions": [{"type": t, "status": s, "reason": "Succeeded", "message": "4 objects applied, all healthy",
                        "observedGeneration": 1, "lastTransitionTime": "2026-01-02T03:04:05Z"}
                       for t, s in (("Ready", "True"), ("Reconciling", "False"), ("Stalled", "False"))],
        "revision": dict.fromkeys(("wanted", "attempted", "applied", "healthy"), "main@sha1:0123abcd"),
        "input": "0" * 32,
        "counts": {"total": 1, "synced": 1, "current": 1, "progressing": 0, "failed": 0, "outOfSync": 0},
        "objects": [{"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": "api",
                     "sync": "Synced", "health": "Current", "message": ""}],
        "errors": [{"object": "Deployment shop/api", "file": "shop/api.yaml", "line": 14, "message": "spec.replicas: no"}],
        "errorCount": 1, "failures": 0,
        "timings": {"lastAttempt": "2026-01-02T03:04:05Z", "renderMs": 1, "applyMs": 2, "healthyMs": 3},
        "lastAttemptTime": "2026-01-02T03:04:05Z", "lastAppliedTime": "2026-01-02T03:04:05Z",
        "lastHandledSync": "now", "inventory": "capstan-inventory/1\n",
    }
    ok("patch", "apps.capstan.dev", "columns", "-n", namespace, "--subresource=status", "--type=merge", "-p",
       json.dumps({"status": status}))
    stored = json.loads(ok("get", "capp", "columns", "-n", namespace, "-o", "json"))
    assert stored["status"] == status  # nothing of it is unknown to the schema
    assert stored["metadata"]["generation"] == 1
    ok("wait", "--for=condition=Ready", "app/columns", "-n", namespace, "--timeout=5s")
    head, row = ok("get", "app", "columns", "-n", namespace).splitlines()
    assert head.split() == ["NAME", "READY", "STATUS", "REVISION", "AGE"]
    assert row.split()[:4] == ["columns", "True", "Succeeded", "main@sha1:0123abcd"]
    head = ok("get", "app", "columns", "-n", namespace, "-o", "wide").splitlines()[0]
    assert head.split()[5:] == ["REPO", "PATH", "HEALTHY", "MESSAGE"]
    assert "columns" in ok("get", "capstan", "-n", namespace)
    assert "columns" in ok("get", "app", "-n", namespace, "--field-selector", "spec.source.repo=cfg")


def test_repo_columns(namespace):
    ok("apply", "--server-side", "-n", namespace, "-f", "-", stdin=json.dumps(repo()))
    status = {"observedGeneration": 1, "head": "0123", "refs": 7, "lastFetched": "2026-01-02T03:04:05Z", "message": ""}
    ok("patch", "crepo", "cfg", "-n", namespace, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
    head, row = ok("get", "repo", "cfg", "-n", namespace).splitlines()
    assert head.split() == ["NAME", "READY", "URL", "REFS", "AGE"]
    assert row.split()[1:4] == ["Unknown", "https://git.example.org/cfg.git", "7"]


@pytest.mark.parametrize("make,kind", [(repo, "crepo"), (app, "apps.capstan.dev")])
def test_what_nobody_has_looked_at_is_in_progress(namespace, make, kind):
    """kstatus and `kubectl wait` take an object without a status for a finished one."""
    ok("apply", "--server-side", "-n", namespace, "-f", "-", stdin=json.dumps(named(make(), "new")))
    status = json.loads(ok("get", kind, "new", "-n", namespace, "-o", "json"))["status"]
    assert status["observedGeneration"] == -1
    assert [(c["type"], c["status"], c["reason"]) for c in status["conditions"]] == [("Ready", "Unknown", "Pending")]


@pytest.mark.parametrize("path,word", [
    ("app.spec.sync", "selfHeal"), ("app.spec.sync.retry", "maxBackoff"), ("app.spec.target", "directory"),
    ("app.status.counts", "outOfSync"), ("app.status.errors", "line"), ("repo.spec", "secretRef"), ("repo.status", "lastFetched"),
])
def test_explain(namespace, path, word):
    deadline = time.monotonic() + 30  # the server's OpenAPI follows the definitions within seconds
    while True:
        code, out = kubectl("explain", path)
        if (code == 0 and word in out) or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    assert code == 0 and word in out, out
    assert "<no description>" not in out.lower()


def test_every_field_has_a_description():
    yaml = pytest.importorskip("yaml")

    def check(schema, path):
        for name, sub in schema.get("properties", {}).items():
            if path.count(".") == 1 and name == "metadata":
                continue
            assert sub.get("description"), f"{path}.{name}"
            check(sub, f"{path}.{name}")
            check(sub.get("items", {}), f"{path}.{name}[]")

    for file in sorted((HERE / "crds").glob("*.yaml")):
        crd = yaml.safe_load(file.read_text())
        check(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], "." + crd["spec"]["names"]["kind"])


def test_install_manifests_are_valid(namespace):
    """Really applied: a role that grants rights is refused by a dry run too, but aggregation happens only for real."""
    ok("apply", "--server-side", "-f", str(HERE / "install" / "namespace.yaml"))
    try:
        for file in ("rbac.yaml", "rbac-deployer.yaml", "service.yaml", "deployment.yaml"):
            text = (HERE / "install" / file).read_text().replace("@IMAGE@", "registry.invalid/capstan:test")
            out = ok("apply", "--server-side", "--validate=strict", "-f", "-", stdin=text)
            assert "Warning" not in out, out  # Pod Security would warn here
        as_capstan = ["--as=system:serviceaccount:capstan-system:capstan"]
        ok("delete", "clusterrolebinding", "capstan-deployer")  # what `install --rights minimal` leaves
        may = [("list", "apps.capstan.dev"), ("patch", "apps.capstan.dev/status"), ("get", "secrets"),
               ("impersonate", "serviceaccounts"), ("watch", "deployments.apps"),
               ("watch", "clusterroles"), ("watch", "customresourcedefinitions")]
        may_not = [("list", "secrets"), ("create", "deployments.apps"), ("delete", "namespaces"), ("delete", "apps.capstan.dev"),
                   ("create", "clusterrolebindings"), ("impersonate", "users")]
        deadline = time.monotonic() + 15  # caches of the authorizer, and the aggregation
        for wanted, rights in (("yes", may), ("no", may_not)):
            for verb, resource in rights:
                while True:
                    out = kubectl("auth", "can-i", verb, resource, "-A", *as_capstan)[1].split()
                    if wanted in out or time.monotonic() > deadline:
                        break
                    time.sleep(0.3)
                assert wanted in out, f"{verb} {resource}: {out}"
    finally:
        for kind, names in (("clusterrole", ["capstan", "capstan-observer", "capstan-observe-base", "capstan-deployer"]),
                            ("clusterrolebinding", ["capstan", "capstan-observer", "capstan-deployer"])):
            kubectl("delete", kind, "--ignore-not-found", *names)
        kubectl("delete", "namespace", "capstan-system", "--wait=false")


def test_push_manifests_are_valid():
    """Those of `install --push`; what they grant is tried in tests/e2e/test_commands.py."""
    try:
        for file in ("push-namespace.yaml", "push-rbac.yaml", "push-network.yaml", "push.yaml"):
            text = (HERE / "install" / file).read_text().replace("@PUSH_IMAGE@", "registry.invalid/push:test")
            out = ok("apply", "--server-side", "--validate=strict", "-f", "-", stdin=text)
            assert "Warning" not in out, out
    finally:
        ok("delete", "namespace", "capstan-push", "--wait=false")
        ok("delete", "clusterrole,clusterrolebinding", "capstan-push")
