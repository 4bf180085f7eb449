"""Environments on a real API server: an App of each type of render, values that change, promotion by a merge, and
branches that hold what is rendered."""
import json
import os
import time

import pytest

from harness import DIFFERS, OK, TROUBLE, Operator, config_map, wait_until

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.test/web:1"}]}
"""

BASE = {
    "base/kustomization.yaml": "resources: [web.yaml]\nconfigMapGenerator:\n- name: settings\n  literals: [color=green]\n",
    "base/web.yaml": DEPLOYMENT,
}


def overlay(path, more=""):
    return {f"{path}/kustomization.yaml": f"resources: [../../base]\n{more}"}


def app_status(world, namespace, name="shop"):
    return (world.get("app", name, "-n", namespace) or {}).get("status", {})


def told(world, namespace, words, name="shop", seconds=20):
    """The App says all of these words, wherever in its status."""
    def says():
        text = json.dumps(app_status(world, namespace, name))
        return all(word in text for word in words)
    wait_until(says, seconds, lambda: f"{words} in {json.dumps(app_status(world, namespace, name))}")


def image(world, namespace, name):
    deployment = world.get("deployment", name, "-n", namespace)
    return deployment and deployment["spec"]["template"]["spec"]["containers"][0]["image"]


def data(world, namespace, name):
    return (world.get("configmap", name, "-n", namespace) or {}).get("data")


def commit(operator, namespace, git, files):
    sha = git.commit(files)
    operator.notify(namespace)
    return sha


def test_a_kustomization_is_built_and_what_it_generates_is_pruned(world, operator, namespace, git):
    sha = git.commit({**BASE, **overlay("overlays/a", "namePrefix: a-\nimages: [{name: registry.test/web, newTag: '2'}]\n")})
    world.repo(namespace, git.url)
    world.app(namespace, path="overlays/a")
    world.wait_ready(namespace, revision=sha)
    assert image(world, namespace, "a-web") == "registry.test/web:2"
    before = world.names(namespace)
    assert len(before) == 1 and before.pop().startswith("a-settings-")
    sha = commit(operator, namespace, git, {"base/kustomization.yaml": BASE["base/kustomization.yaml"].replace("green", "red")})
    world.wait_ready(namespace, revision=sha)
    after = world.names(namespace)
    assert len(after) == 1 and data(world, namespace, after.pop()) == {"color": "red"}


def test_a_commit_touches_the_apps_that_read_it_also_through_a_base(world, operator, namespace, git):
    git.commit({**BASE, **overlay("overlays/a", "namePrefix: a-\n"), **overlay("overlays/b", "namePrefix: b-\n"),
                "other/one.yaml": config_map("one")})
    world.repo(namespace, git.url)
    for name, path in (("a", "overlays/a"), ("b", "overlays/b"), ("c", "other")):
        world.app(namespace, name, path=path)
        world.wait_ready(namespace, name)
    renders = operator.metric("capstan_renders_total")
    sha = commit(operator, namespace, git, overlay("overlays/a", "namePrefix: a-\nlabels: [{pairs: {x: z}}]\n"))
    world.wait_ready(namespace, "a", revision=sha)
    assert operator.metric("capstan_renders_total") == renders + 1
    sha = commit(operator, namespace, git, {"base/web.yaml": DEPLOYMENT.replace("web:1", "web:3")})
    for name in ("a", "b"):
        world.wait_ready(namespace, name, revision=sha)
        assert image(world, namespace, f"{name}-web") == "registry.test/web:3"
    assert operator.metric("capstan_renders_total") == renders + 3


def test_an_app_adds_to_a_kustomization(world, operator, namespace, git):
    git.commit({**BASE, **overlay("overlays/a")})
    world.repo(namespace, git.url)
    world.app(namespace, path="overlays/a", more="""\
  render:
    kustomize:
      nameSuffix: -extra
      images: [{name: registry.test/web, newTag: "9"}]
      commonAnnotations: {owner: team-a}
      patches:
      - target: {kind: Deployment}
        patch: |
          - {op: add, path: /spec/paused, value: true}
""")
    world.wait_ready(namespace, seconds=40)
    assert image(world, namespace, "web-extra") == "registry.test/web:9"
    deployment = world.get("deployment", "web-extra", "-n", namespace)
    assert deployment["spec"]["paused"] is True
    assert deployment["metadata"]["annotations"]["owner"] == "team-a"


def test_values_that_change_are_rendered_again(world, operator, namespace, git):
    git.commit({"app/one.yaml": config_map("one", "${COLOR} ${SIZE} ${KEY}")})
    world.repo(namespace, git.url)
    world.apply(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: values, namespace: {namespace}}}\ndata: {{COLOR: green, SIZE: small}}\n")
    world.apply(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: keys, namespace: {namespace}}}\nstringData: {{KEY: k1}}\n")
    world.app(namespace, path="app", more="""\
  render:
    substitute: {SIZE: large}
    substituteFrom:
    - {kind: ConfigMap, name: values}
    - {kind: Secret, name: keys}
    - {kind: ConfigMap, name: nowhere, optional: true}
""")
    world.wait_ready(namespace)
    assert data(world, namespace, "one") == {"a": "green large k1"}
    world.kubectl("patch", "configmap", "values", "-n", namespace, "--type=merge", "-p", '{"data":{"COLOR":"blue"}}')
    wait_until(lambda: data(world, namespace, "one") == {"a": "blue large k1"}, 10, "a changed ConfigMap is seen at once")
    world.kubectl("patch", "secret", "keys", "-n", namespace, "--type=merge", "-p", '{"stringData":{"KEY":"k2"}}')
    wait_until(lambda: data(world, namespace, "one") == {"a": "blue large k2"}, 10, "a changed Secret is seen at once")
    world.wait_ready(namespace)


def test_a_variable_without_a_value_is_told_with_its_place(world, operator, namespace, git):
    git.commit({"app/one.yaml": config_map("one", "${MISSING}"), "app/two.yaml": config_map("two", "${ALSO}")})
    world.repo(namespace, git.url)
    world.app(namespace, path="app", more="  render: {substitute: {SIZE: large}}\n")
    told(world, namespace, ["MISSING", "ALSO", "app/one.yaml", "app/two.yaml"])
    assert data(world, namespace, "one") is None


def test_values_that_are_missing_hold_up_their_app_only(world, operator, namespace, git):
    git.commit({"app/one.yaml": config_map("one", "${COLOR}"), "other/two.yaml": config_map("two")})
    world.repo(namespace, git.url)
    world.app(namespace, path="app", more="  render: {substituteFrom: [{kind: ConfigMap, name: values}]}\n")
    world.app(namespace, "other", path="other")
    world.wait_ready(namespace, "other")
    told(world, namespace, ["ConfigMap", "values", "is not there"])
    world.apply(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: values, namespace: {namespace}}}\ndata: {{COLOR: green}}\n")
    world.wait_ready(namespace)
    assert data(world, namespace, "one") == {"a": "green"}


def test_an_environment_is_promoted_by_a_merge(world, operator, namespace, git):
    prod = namespace[:30] + "-prod"
    world.kubectl("create", "namespace", prod)
    git.commit({**BASE, **overlay("deploy/staging"), **overlay("deploy/prod"),
                "base/one.yaml": config_map("one", "${REGION} v1"),
                "base/kustomization.yaml": "resources: [web.yaml, one.yaml]\n",
                "capstan.yaml": f"""\
environments:
  staging: {{branch: main, path: deploy/staging, namespace: {namespace}, substitute: {{REGION: eu}}}}
  prod: {{branch: release, path: deploy/prod, namespace: {prod}, substitute: {{REGION: us}}}}
"""})
    git.git("branch", "release")
    world.repo(namespace, git.url)
    world.app(namespace, "staging", more="  render: {type: environment, name: staging}\n")
    world.app(namespace, "prod", revision="release", target=prod, more="  render: {type: environment, name: prod}\n")
    for name in ("staging", "prod"):
        world.wait_ready(namespace, name)
    assert data(world, namespace, "one") == {"a": "eu v1"}
    assert data(world, prod, "one") == {"a": "us v1"}
    sha = commit(operator, namespace, git, {"base/one.yaml": config_map("one", "${REGION} v2")})
    world.wait_ready(namespace, "staging", revision=sha)
    assert (data(world, namespace, "one"), data(world, prod, "one")) == ({"a": "eu v2"}, {"a": "us v1"})
    git.git("branch", "-f", "release", "main")
    operator.notify(namespace)
    world.wait_ready(namespace, "prod", revision=sha)
    assert data(world, prod, "one") == {"a": "us v2"}
    world.run("kubectl", "delete", "namespace", prod, "--wait=false")


def test_an_environment_that_does_not_fit_is_refused(world, operator, namespace, git):
    git.commit({"deploy/one.yaml": config_map("one"),
                "capstan.yaml": "environments:\n  prod: {branch: main, path: deploy, namespace: elsewhere}\n"})
    world.repo(namespace, git.url)
    world.app(namespace, more="  render: {type: environment, name: prod}\n")
    told(world, namespace, ["elsewhere", "capstan.yaml:2"])
    world.app(namespace, "typo", more="  render: {type: environment, name: prodd}\n")
    told(world, namespace, ["prodd", "did you mean", "prod"], name="typo")


def test_an_environment_takes_values_from_the_cluster(world, operator, namespace, git):
    git.commit({"deploy/one.yaml": config_map("one", "${COLOR}"), "capstan.yaml": """\
environments:
  prod: {branch: main, path: deploy, substituteFrom: [{kind: ConfigMap, name: values}]}
"""})
    world.repo(namespace, git.url)
    world.app(namespace, more="  render: {type: environment, name: prod}\n")
    told(world, namespace, ["values", "is not there"])
    world.apply(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: values, namespace: {namespace}}}\ndata: {{COLOR: green}}\n")
    world.wait_ready(namespace)
    assert data(world, namespace, "one") == {"a": "green"}
    world.kubectl("patch", "configmap", "values", "-n", namespace, "--type=merge", "-p", '{"data":{"COLOR":"blue"}}')
    wait_until(lambda: data(world, namespace, "one") == {"a": "blue"}, 10, "a changed ConfigMap is seen at once")


def test_a_refused_field_names_the_patch_that_set_it(world, operator, namespace, git):
    git.commit({**BASE, **overlay("overlays/a", "patches: [{path: bad.yaml}]\n"),
                "overlays/a/bad.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: -1\n"})
    world.repo(namespace, git.url)
    world.app(namespace, path="overlays/a")
    told(world, namespace, ["422", "spec.replicas", "overlays/a/bad.yaml", "patch 1 of overlays/a/kustomization.yaml"])
    error = next(e for e in app_status(world, namespace)["errors"] if "spec.replicas" in e["message"])
    assert (error["file"], error["line"]) == ("overlays/a/bad.yaml", 5)


def test_a_kustomization_that_breaks_changes_nothing(world, operator, namespace, git):
    git.commit({**BASE, **overlay("overlays/a"), "other/one.yaml": config_map("one")})
    world.repo(namespace, git.url)
    world.app(namespace, path="overlays/a")
    world.app(namespace, "other", path="other")
    world.wait_ready(namespace)
    world.wait_ready(namespace, "other")
    sha = commit(operator, namespace, git, {**overlay("overlays/a", "nonsense: true\n"), "other/one.yaml": config_map("one", "2")})
    told(world, namespace, ["nonsense", "overlays/a/kustomization.yaml"])
    world.wait_ready(namespace, "other", revision=sha)
    assert image(world, namespace, "web") == "registry.test/web:1"
    sha = commit(operator, namespace, git, overlay("overlays/a"))
    world.wait_ready(namespace, revision=sha)


def test_a_base_outside_of_the_repository_is_refused(world, operator, namespace, git):
    git.commit({"overlays/a/kustomization.yaml": "resources: [../../../../etc]\n"})
    world.repo(namespace, git.url)
    world.app(namespace, path="overlays/a")
    told(world, namespace, ["overlays/a/kustomization.yaml", "etc"])


def test_remote_bases_only_where_the_installation_allows_them(world, namespace, git, tmp_path, tmp_path_factory):
    from harness import Git
    other = Git(tmp_path / "other")
    other.commit(BASE)
    git.commit({"app/kustomization.yaml": f"resources: ['{other.url}//base?ref=main']\nnamePrefix: far-\n"})
    world.repo(namespace, git.url)
    world.app(namespace, path="app")
    with Operator(world, tmp_path / "strict"):
        told(world, namespace, ["--allow-remote-base"])
    with Operator(world, tmp_path / "open", "--allow-remote-base", f"file://{tmp_path}/"):
        world.wait_ready(namespace, seconds=60)
        assert image(world, namespace, "far-web") == "registry.test/web:1"


def test_a_restart_renders_nothing(world, namespace, git, tmp_path):
    git.commit({**BASE, **overlay("overlays/a")})
    world.repo(namespace, git.url)
    world.app(namespace, path="overlays/a")
    with Operator(world, tmp_path / "first"):
        world.wait_ready(namespace)
        wait_until(lambda: app_status(world, namespace).get("reads"), 10, "what was read is in the status")
    with Operator(world, tmp_path / "first") as again:
        wait_until(lambda: again.metric("capstan_apps") >= 1, 10, "the App is known")
        time.sleep(3)
        assert again.metric("capstan_renders_total") == 0
    assert "base" in app_status(world, namespace)["reads"]


def test_a_hydrated_app_deploys_from_its_branch(world, operator, namespace, git):
    bare = git.directory.parent / "cfg.git"
    git.git("clone", "-q", "--bare", git.directory, bare)
    git.commit({**BASE, **overlay("overlays/a", "namePrefix: a-\n")})
    git.git("push", "-q", bare, "main")
    world.repo(namespace, f"file://{bare}")
    world.app(namespace, path="overlays/a", more="  hydrate: {branch: rendered/a}\n")
    world.wait_ready(namespace, seconds=60)
    assert image(world, namespace, "a-web") == "registry.test/web:1"
    files = git.git("--git-dir", bare, "ls-tree", "-r", "--name-only", "rendered/a").split("\n")
    assert f"{namespace}/Deployment-a-web.yaml" in files and len(files) == 2
    message = git.git("--git-dir", bare, "log", "-1", "--format=%B", "rendered/a")
    assert f"Source-Commit: {git.git('rev-parse', 'HEAD')}" in message
    commits = git.git("--git-dir", bare, "rev-list", "--count", "rendered/a")
    git.commit({"README": "nothing that is rendered"})
    git.git("push", "-q", bare, "main")
    operator.notify(namespace)
    time.sleep(3)
    assert git.git("--git-dir", bare, "rev-list", "--count", "rendered/a") == commits, "nothing changed, no commit"
    git.commit({"base/web.yaml": DEPLOYMENT.replace("web:1", "web:2")})
    git.git("push", "-q", bare, "main")
    operator.notify(namespace)
    wait_until(lambda: image(world, namespace, "a-web") == "registry.test/web:2", 30, "the commit is hydrated and deployed")
    assert git.git("--git-dir", bare, "rev-list", "--count", "rendered/a") == str(int(commits) + 1)


def test_a_reviewed_hydration_is_deployed_once_it_is_merged(world, operator, namespace, git):
    bare = git.directory.parent / "cfg.git"
    git.git("clone", "-q", "--bare", git.directory, bare)
    git.commit({"app/one.yaml": config_map("one", "${COLOR}")})
    git.git("push", "-q", bare, "main")
    world.repo(namespace, f"file://{bare}")
    world.app(namespace, path="app", more="  render: {substitute: {COLOR: green}}\n  hydrate: {branch: live, review: true}\n")
    next_commit = lambda: world.run("git", "--git-dir", bare, "rev-parse", "--verify", "-q", "live-next").stdout.strip()
    wait_until(next_commit, 30, "the rendered objects are there for review")
    time.sleep(1)
    assert data(world, namespace, "one") is None, "nothing is deployed before somebody merged it"
    git.git("--git-dir", bare, "branch", "live", "live-next")
    operator.notify(namespace)
    world.wait_ready(namespace, seconds=30)
    assert data(world, namespace, "one") == {"a": "green"}


def test_a_hydration_that_cannot_be_pushed_is_told(world, operator, namespace, git):
    bare = git.directory.parent / "cfg.git"
    git.git("clone", "-q", "--bare", git.directory, bare)
    git.commit({"app/one.yaml": config_map("one")})
    git.git("push", "-q", bare, "main")
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho this branch is closed >&2\nexit 1\n")
    hook.chmod(0o755)
    world.repo(namespace, f"file://{bare}")
    world.app(namespace, path="app", more="  hydrate: {branch: live}\n")
    told(world, namespace, ["this branch is closed"], seconds=40)
    hook.unlink()
    operator.notify(namespace)
    world.wait_ready(namespace, seconds=60)


def test_diff_of_a_kustomized_app(world, operator, namespace, git):
    git.commit({**BASE, **overlay("overlays/a")})
    world.repo(namespace, git.url)
    world.app(namespace, path="overlays/a", more="  suspend: true\n")
    text = world.capstan("diff", "shop", "-n", namespace, expect=DIFFERS)
    assert "registry.test/web:1" in text
    world.app(namespace, path="overlays/a", more="  suspend: false\n")
    world.wait_ready(namespace)
    world.capstan("diff", "shop", "-n", namespace)


def test_an_environment_of_a_checkout_is_synced_from_here(world, namespace, git):
    git.commit({**BASE, **overlay("deploy/prod", "namePrefix: p-\n"), "base/one.yaml": config_map("one", "${COLOR} ${SIZE}"),
                "base/kustomization.yaml": "resources: [web.yaml, one.yaml]\n", "capstan.yaml": f"""\
environments:
  prod:
    branch: main
    path: deploy/prod
    namespace: {namespace}
    substitute: {{SIZE: large}}
    substituteFrom: [{{kind: ConfigMap, name: values}}]
"""})
    here = git.directory / "deploy"
    world.capstan("diff", "--env", "prod", expect=TROUBLE, cwd=here)  # its values are not there
    world.apply(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: values, namespace: {namespace}}}\ndata: {{COLOR: green}}\n")
    assert "registry.test/web:1" in world.capstan("diff", "--env", "prod", expect=DIFFERS, cwd=here)
    world.capstan("sync", "--env", "prod", cwd=here)
    assert data(world, namespace, "p-one") == {"a": "green large"}
    world.capstan("diff", "--env", "prod", cwd=here)
    assert "COLOR" not in world.capstan("render", "--env", "prod", "--set", "COLOR=red", cwd=here)


SCRIPT = """\
#!/bin/sh
printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: made}\\ndata: {color: "%s", size: "%s", secret: "%s"}\\n' "$1" "$(cat size)" "$SECRET_OF_THE_OPERATOR"
echo "told on the side" >&2
"""


def test_a_program_renders_only_where_the_installation_allows_it(world, namespace, git, tmp_path):
    git.commit({"app/render.sh": SCRIPT, "app/size": "small"})
    world.repo(namespace, git.url)
    world.app(namespace, path="app", more="  render: {type: exec, exec: {command: [./render.sh, green]}}\n")
    with Operator(world, tmp_path / "strict"):
        told(world, namespace, ["--allow-exec", "render.sh"])
    world.env["SECRET_OF_THE_OPERATOR"] = "hidden"
    try:
        with Operator(world, tmp_path / "open", "--allow-exec", "./render.sh") as operator:
            world.wait_ready(namespace, seconds=60)
            assert data(world, namespace, "made") == {"color": "green", "size": "small", "secret": ""}
            told(world, namespace, ["told on the side"])
            sha = commit(operator, namespace, git, {"app/size": "large"})
            world.wait_ready(namespace, revision=sha)
            assert data(world, namespace, "made")["size"] == "large"
            sha = commit(operator, namespace, git, {"app/render.sh": "#!/bin/sh\necho this cannot be >&2\nexit 7\n"})
            told(world, namespace, ["this cannot be", "7"])
            assert data(world, namespace, "made")["size"] == "large", "a program that fails changes nothing"
    finally:
        del world.env["SECRET_OF_THE_OPERATOR"]


def test_a_program_of_an_environment_is_run_from_here(world, namespace, git):
    git.commit({"app/render.sh": SCRIPT, "app/size": "small", "capstan.yaml": """\
environments:
  prod: {branch: main, path: app, render: {type: exec, command: [./render.sh, red]}}
"""})
    assert "color: red" in world.capstan("render", "--env", "prod", cwd=git.directory)
    world.capstan("sync", "--env", "prod", "-n", namespace, cwd=git.directory)
    assert data(world, namespace, "made")["color"] == "red"


def test_a_program_has_inputs_and_limits(world, namespace, git, tmp_path):
    script = SCRIPT.replace("cat size", "cat ../lib/size")
    git.commit({"app/render.sh": script, "lib/size": "shared", "capstan.yaml": """\
environments:
  prod: {path: app, render: {type: exec, command: [./render.sh, red], inputs: [../lib], disk: 1Mi, pids: 8}}
  blind: {path: app, namespace: b, render: {type: exec, command: [./render.sh, blue]}}
  large: {path: app, namespace: l, render: {type: exec, command: [sh, -c, "head -c 4194304 /dev/zero >x && echo wrote"], disk: 1Mi}}
"""})
    assert "size: shared" in world.capstan("render", "--env", "prod", cwd=git.directory)
    assert "size: shared" not in world.capstan("render", "--env", "blind", cwd=git.directory)
    assert "wrote" not in world.capstan("render", "--env", "large", expect=TROUBLE, cwd=git.directory)
    world.repo(namespace, git.url)
    world.app(namespace, path="app", more="  render: {type: exec, exec: {command: [./render.sh, green], inputs: [../lib], "
                                          "memory: 64Mi, disk: 1Mi, output: 1Mi, pids: 16}}\n")
    with Operator(world, tmp_path / "open", "--allow-exec", "./render.sh") as operator:
        world.wait_ready(namespace, seconds=60)
        assert data(world, namespace, "made")["size"] == "shared"
        sha = commit(operator, namespace, git, {"lib/size": "new"})
        world.wait_ready(namespace, revision=sha)
        assert data(world, namespace, "made")["size"] == "new", "what it reads beside its path counts, too"
