"""The pull road on a real API server: a commit, its objects, drift, a mistake, and the end of an App."""
import json
import time

from harness import DIFFERS, OK, config_map, wait_until

CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %(plural)s.e2e.test}
spec:
  group: e2e.test
  scope: Namespaced
  names: {kind: %(kind)s, plural: %(plural)s}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""


def start(world, namespace, git, files, **app):
    sha = git.commit(files)
    world.repo(namespace, git.url)
    world.app(namespace, **app)
    world.wait_ready(namespace, revision=sha)
    return sha


def commit(world, operator, namespace, git, files):
    sha = git.commit(files)
    operator.notify(namespace)
    return sha


def status(world, namespace, name="shop"):
    return json.dumps((world.get("app", name, "-n", namespace) or {}).get("status", {}))


def data(world, namespace, name):
    return (world.get("configmap", name, "-n", namespace) or {}).get("data")


def test_a_commit_creates_changes_and_prunes(world, operator, namespace, git):
    start(world, namespace, git, {"one.yaml": config_map("one"), "two.yaml": config_map("two")})
    assert world.names(namespace) == {"one", "two"}
    sha = commit(world, operator, namespace, git, {"one.yaml": config_map("one", "new"), "two.yaml": None})
    world.wait_ready(namespace, revision=sha)
    assert data(world, namespace, "one") == {"a": "new"}
    assert world.names(namespace) == {"one"}


def test_ready_is_never_true_for_an_older_revision(world, operator, namespace, git):
    """kubectl wait speaks of the generation that it sees: a changed App is not Ready by its old state."""
    git.commit({"a/one.yaml": config_map("one"), "b/two.yaml": config_map("two")})
    world.repo(namespace, git.url)
    world.app(namespace, path="a")
    world.kubectl("wait", "--for=condition=Ready", "app/shop", "-n", namespace, "--timeout=30s")
    world.app(namespace, path="b")
    world.kubectl("wait", "--for=condition=Ready", "app/shop", "-n", namespace, "--timeout=30s")
    assert world.names(namespace) == {"two"}


def test_a_hand_edit_is_healed_and_a_foreign_field_stays(world, operator, namespace, git):
    start(world, namespace, git, {"one.yaml": config_map("one")})
    world.kubectl("label", "configmap", "one", "-n", namespace, "mine=kept", "--field-manager=someone")
    world.kubectl("patch", "configmap", "one", "-n", namespace, "--type=merge", "-p", '{"data":{"a":"by hand"}}')
    wait_until(lambda: data(world, namespace, "one") == {"a": "1"}, 5, "the hand edit is healed")
    assert world.get("configmap", "one", "-n", namespace)["metadata"]["labels"]["mine"] == "kept"
    world.kubectl("delete", "configmap", "one", "-n", namespace)
    wait_until(lambda: data(world, namespace, "one") == {"a": "1"}, 5, "the deleted object is back")


def test_drift_is_told_and_left_without_self_heal(world, operator, namespace, git):
    start(world, namespace, git, {"one.yaml": config_map("one")}, sync="selfHeal: false")
    world.kubectl("patch", "configmap", "one", "-n", namespace, "--type=merge", "-p", '{"data":{"a":"by hand"}}')
    wait_until(lambda: world.condition(namespace).get("status") == "False", 10, "the drift is told")
    assert data(world, namespace, "one") == {"a": "by hand"}


def test_a_mistake_is_told_with_its_place_and_a_revert_mends_it(world, operator, namespace, git):
    start(world, namespace, git, {"one.yaml": config_map("one"), "web.yaml": config_map("web")})
    commit(world, operator, namespace, git,
           {"web.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  ports:\n  - port: 99999\n",
            "one.yaml": None})
    wait_until(lambda: "web.yaml" in status(world, namespace), 20, lambda: f"the mistake is told: {status(world, namespace)}")
    assert data(world, namespace, "one") == {"a": "1"}, "nothing is pruned by a revision that failed"
    git.git("revert", "--no-edit", "HEAD")
    operator.notify(namespace)
    world.wait_ready(namespace, revision=git.git("rev-parse", "HEAD"))


def test_a_definition_and_its_resource_in_one_commit(world, operator, namespace, git):
    crd = CRD % {"plural": "gears", "kind": "Gear"}
    start(world, namespace, git,
          {"a.yaml": "apiVersion: e2e.test/v1\nkind: Gear\nmetadata: {name: g}\nspec: {teeth: 9}\n", "b.yaml": crd})
    assert world.get("gear", "g", "-n", namespace)["spec"] == {"teeth": 9}
    world.kubectl("patch", "gear", "g", "-n", namespace, "--type=merge", "-p", '{"spec":{"teeth":1}}')
    wait_until(lambda: world.get("gear", "g", "-n", namespace)["spec"] == {"teeth": 9}, 10, "a custom resource is healed")


def test_an_app_makes_apps(world, operator, namespace, git):
    inner = (f"apiVersion: capstan.dev/v1alpha1\nkind: App\nmetadata: {{name: inner}}\nspec:\n"
             f"  source: {{repo: cfg, revision: main, path: inner}}\n  target: {{namespace: {namespace}}}\n")
    start(world, namespace, git, {"outer/app.yaml": inner, "inner/one.yaml": config_map("one")}, path="outer")
    world.wait_ready(namespace, "inner")
    assert data(world, namespace, "one") == {"a": "1"}
    world.kubectl("delete", "app", "shop", "-n", namespace, "--timeout=30s")
    wait_until(lambda: data(world, namespace, "one") is None, 20, "what the inner App made is gone")


def test_two_apps_claim_one_object(world, operator, namespace, git):
    start(world, namespace, git, {"one.yaml": config_map("one")})
    world.app(namespace, "second")
    text = wait_until(lambda: world.condition(namespace, "second").get("status") == "False" and
                      json.dumps(world.get("app", "second", "-n", namespace)["status"]), 20, "the second is refused")
    assert "shop" in text and "one" in text
    assert world.is_ready(namespace)
    world.kubectl("delete", "app", "second", "-n", namespace, "--timeout=30s")
    assert data(world, namespace, "one") == {"a": "1"}


def test_deleting_an_app_prunes_and_orphan_leaves(world, operator, namespace, git):
    start(world, namespace, git, {"a/one.yaml": config_map("one"), "b/two.yaml": config_map("two")}, path="a")
    world.app(namespace, "other", path="b", more="  deletionPolicy: orphan\n")
    world.wait_ready(namespace, "other")
    world.kubectl("delete", "app", "shop", "other", "-n", namespace, "--timeout=40s")
    assert data(world, namespace, "one") is None
    assert data(world, namespace, "two") == {"a": "1"}


def test_a_suspended_app_rests(world, operator, namespace, git):
    start(world, namespace, git, {"one.yaml": config_map("one")})
    world.capstan("suspend", "shop", "-n", namespace)
    commit(world, operator, namespace, git, {"one.yaml": config_map("one", "2")})
    world.kubectl("patch", "configmap", "one", "-n", namespace, "--type=merge", "-p", '{"data":{"b":"by hand"}}')
    time.sleep(2)
    assert data(world, namespace, "one") == {"a": "1", "b": "by hand"}
    world.capstan("resume", "shop", "-n", namespace)
    wait_until(lambda: data(world, namespace, "one").get("a") == "2", 10, "it goes on when resumed")


def test_an_app_may_do_only_what_its_account_may(world, operator, namespace, git):
    world.kubectl("create", "serviceaccount", "shop-deployer", "-n", namespace)
    git.commit({"one.yaml": config_map("one")})
    world.repo(namespace, git.url)
    world.app(namespace, more="  serviceAccountName: shop-deployer\n")
    wait_until(lambda: "cannot patch resource" in json.dumps(world.get("app", "shop", "-n", namespace).get("status", {})), 20,
               "the refusal is told")
    assert data(world, namespace, "one") is None
    world.kubectl("create", "role", "deploy", "-n", namespace, "--verb=*", "--resource=configmaps")
    world.kubectl("create", "rolebinding", "deploy", "-n", namespace, "--role=deploy",
                  f"--serviceaccount={namespace}:shop-deployer")
    world.wait_ready(namespace, seconds=60)


def test_a_broken_render_prunes_nothing(world, operator, namespace, git):
    start(world, namespace, git, {"one.yaml": config_map("one"), "two.yaml": config_map("two")})
    commit(world, operator, namespace, git, {"one.yaml": "a: [", "two.yaml": None})
    wait_until(lambda: "one.yaml" in status(world, namespace), 20, lambda: f"it is told: {status(world, namespace)}")
    assert world.names(namespace) == {"one", "two"}


def test_diff_of_an_app_is_against_its_newest_commit(world, operator, namespace, git):
    start(world, namespace, git, {"a/one.yaml": config_map("one"), "a/two.yaml": config_map("two")}, path="a")
    assert world.capstan("diff", "shop", "-n", namespace, expect=OK) == ""
    world.capstan("suspend", "shop", "-n", namespace)
    git.commit({"a/one.yaml": config_map("one", "2"), "a/two.yaml": None})
    out = world.capstan("diff", "shop", "-n", namespace, expect=DIFFERS)
    assert '+  a: "2"' in out and "a/one.yaml:1" in out and "would be removed" in out
    assert data(world, namespace, "one") == {"a": "1"}
    listed = json.loads(world.capstan("diff", "shop", "-n", namespace, "-o", "json", expect=DIFFERS))
    assert [d["action"] for d in listed["differences"]] == ["update", "prune"]


def test_sync_of_an_app_speaks_of_the_newest_commit(world, operator, namespace, git):
    start(world, namespace, git, {"one.yaml": config_map("one")})
    for value in ("2", "3", "4"):
        sha = git.commit({"one.yaml": config_map("one", value)})
        assert sha[:7] in world.capstan("sync", "shop", "-n", namespace)
        assert data(world, namespace, "one") == {"a": value}
    git.commit({"one.yaml": config_map("Not_A_Name")})
    assert "one.yaml:1" in world.capstan("sync", "shop", "-n", namespace, expect=DIFFERS)


DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: example.test/web}]}
"""


def test_a_commit_pre_empts_a_wait_that_would_never_end(world, operator, namespace, git):
    git.commit({"web.yaml": DEPLOYMENT % 1})  # there is no node: it never becomes available
    world.repo(namespace, git.url)
    world.app(namespace, sync="timeout: 10m")
    wait_until(lambda: world.condition(namespace).get("reason") == "Progressing", 20, "it waits")
    sha = commit(world, operator, namespace, git, {"web.yaml": DEPLOYMENT % 0})
    world.wait_ready(namespace, revision=sha, seconds=10)


def test_what_was_missing_is_waited_for_by_retries(world, operator, namespace, git):
    git.commit({"one.yaml": config_map("one")})
    world.repo(namespace, git.url)
    world.app(namespace, target=f"{namespace}-later")
    wait_until(lambda: f"{namespace}-later" in world.condition(namespace).get("message", ""), 20, "the lack is told")
    world.kubectl("create", "namespace", f"{namespace}-later")
    world.wait_ready(namespace, seconds=60)
    world.kubectl("delete", "namespace", f"{namespace}-later", "--wait=false")


def test_immutable_fields_need_force(world, operator, namespace, git):
    text = config_map("one", "1", "immutable: true\n")
    start(world, namespace, git, {"one.yaml": text})
    commit(world, operator, namespace, git, {"one.yaml": text.replace('"1"', '"2"')})
    wait_until(lambda: "immutable" in status(world, namespace), 20, lambda: status(world, namespace))
    assert data(world, namespace, "one") == {"a": "1"}
    world.app(namespace, sync="force: true")
    wait_until(lambda: data(world, namespace, "one") == {"a": "2"}, 20, "it was made anew")


def test_nothing_is_rendered_for_a_commit_elsewhere(world, operator, namespace, git):
    start(world, namespace, git, {"a/one.yaml": config_map("one"), "b/two.yaml": config_map("two")}, path="a")
    world.app(namespace, "other", path="b")
    world.wait_ready(namespace, "other")
    before = world.get("app", "shop", "-n", namespace)["metadata"]["resourceVersion"]
    sha = commit(world, operator, namespace, git, {"b/two.yaml": config_map("two", "2")})
    world.wait_ready(namespace, "other", revision=sha)
    assert world.get("app", "shop", "-n", namespace)["metadata"]["resourceVersion"] == before
