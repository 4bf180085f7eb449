"""`capstan hook`: what a push is checked for before it leaves. No cluster but for the summary of what it changes.

    CAPSTAN=build/src/cmd/capstan python3 -m pytest -q -p no:cacheprovider tests/e2e/test_hook.py
"""
import re
import socket
import stat
import subprocess
import time

import pytest
import yaml

from harness import CAPSTAN, DIFFERS, OK, ROOT, TROUBLE, Git, config_map

TOKEN = "ghp" + "_k3Jd8sQ1xZv7Tn5Wb2Lr9Yc4Fm6Hp0GaEuVi"  # made up
ENVIRONMENTS = """\
environments:
  prod: {branch: release, path: deploy/prod, namespace: shop}
  staging: {branch: main, path: deploy/staging, namespace: shop-staging}
"""
GOOD = {
    "capstan.yaml": ENVIRONMENTS,
    "deploy/base/kustomization.yaml": "resources: [a.yaml]\n",
    "deploy/base/a.yaml": config_map("a"),
    "deploy/prod/kustomization.yaml": "resources: [../base]\n",
    "deploy/staging/kustomization.yaml": "resources: [../base]\nnameSuffix: -staging\n",
}
BAD = config_map("a").replace("\ndata:", "\ndate:")


class Clone(Git):
    """A working tree with the hook, and the bare repository that it pushes to."""

    def __init__(self, tmp_path):
        super().__init__(tmp_path / "work")
        self.far = tmp_path / "far.git"
        self.env |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "KUBECONFIG": "/nonexistent", "NO_COLOR": "1",
                     "GIT_ALLOW_PROTOCOL": "file"}
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(self.far)], env=self.env, check=True)
        self.git("remote", "add", "origin", self.far)

    def run(self, *argv, cwd=None, stdin=None, env=None):
        return subprocess.run([str(a) for a in argv], cwd=cwd or self.directory, env=self.env | (env or {}), input=stdin,
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)

    def hook(self, *arguments, expect=OK, **more):
        done = self.run(CAPSTAN, "hook", *arguments, **more)
        assert done.returncode == expect, done.stdout
        return done.stdout

    def push(self, *arguments, good=True, **more):
        done = self.run("git", "push", "origin", *(arguments or ["main"]), **more)
        assert (done.returncode == 0) == good, done.stdout
        return done.stdout

    def far_has(self, ref="refs/heads/main"):
        return self.run("git", "--git-dir", self.far, "rev-parse", "--verify", "-q", ref).stdout.strip()


@pytest.fixture
def clone(tmp_path):
    clone = Clone(tmp_path)
    clone.commit(GOOD)
    clone.hook("install")
    return clone


# --- environments ---


def test_only_what_is_pushed_is_checked(clone):
    sha = clone.commit({"deploy/prod/kustomization.yaml": "resources: [nowhere.yaml]\n"})
    (clone.directory / "deploy/base/a.yaml").write_text("[ what lies about does not count")
    out = clone.push("main")
    assert "checked staging: 1 object" in out and clone.far_has() == sha
    out = clone.push("HEAD:release", good=False)
    assert "deploy/prod/kustomization.yaml:1" in out and "nowhere.yaml" in out and "refused: 1 error" in out
    assert not clone.far_has("refs/heads/release")
    assert "checked" not in clone.push("HEAD:refs/heads/feature")


def test_findings_have_their_place(clone):
    clone.commit({"deploy/base/a.yaml": BAD})
    out = clone.push(good=False)
    assert "deploy/base/a.yaml:4:1: error: ConfigMap a-staging: there is no field `date`" in out, out
    assert "[unknown-field] (staging)" in out and "refused: 1 error" in out
    out = clone.push("main", "main:release", good=False)
    assert out.count("there is no field `date`") <= 2 and "prod" in out and "staging" in out
    clone.commit({"deploy/base/a.yaml": config_map("a")})
    assert "checked prod: 1 object, staging: 1 object" in clone.push("main", "main:release")


def test_a_broken_file_of_environments_is_refused(clone):
    clone.commit({"capstan.yaml": ENVIRONMENTS.replace("path:", "pth:", 1)})
    out = clone.push(good=False)
    assert "capstan.yaml:2" in out and "`pth`" in out


def test_standard_output_stays_gits_own(clone):
    clone.commit({"deploy/base/a.yaml": config_map("a", "2")})
    done = subprocess.run(["git", "push", "--porcelain", "origin", "main"], cwd=clone.directory, env=clone.env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=True)
    assert "checked" in done.stderr and "checked" not in done.stdout


def test_a_base_that_is_not_here_is_told_and_no_fault(clone):
    other = clone.directory.parent / "absent.git"
    clone.commit({"deploy/staging/kustomization.yaml": f"resources: ['file://{other}//x?ref=main']\n"})
    out = clone.push()
    assert "warning: environment staging is not checked" in out


def test_programs_render_the_pushed_commit(clone):
    clone.commit({"capstan.yaml": "environments:\n  p: {branch: main, path: gen, render: {type: exec, command: "
                                  "[./make.sh]}}\n",
                  "gen/make.sh": "#!/bin/sh\ncat in.yaml\n", "gen/in.yaml": BAD})
    (clone.directory / "gen/make.sh").chmod(0o755)
    clone.commit({})
    (clone.directory / "gen/in.yaml").write_text(config_map("a"))
    out = clone.push(good=False)
    assert "there is no field `date`" in out, out


# --- refs ---


def test_deleted_refs_tags_and_many_refs(clone):
    clone.push("main:release", "main")
    assert "error" not in clone.push(":release")
    assert not clone.far_has("refs/heads/release")
    clone.git("tag", "-a", "-m", "one", "v1")
    clone.push("v1")
    clone.commit({"x.txt": TOKEN + "\n"})
    clone.git("tag", "v2")
    clone.git("reset", "-q", "--hard", "HEAD~1")
    out = clone.push("v2", good=False)
    assert "x.txt:1:1: error: this is a GitHub access token [token]" in out
    head, zeros = clone.git("rev-parse", "HEAD"), "0" * 40
    lines = "".join(f"refs/heads/b{i} {head} refs/heads/b{i} {zeros}\n" for i in range(10000))
    out = clone.hook("run", "pre-push", "origin", clone.far, stdin=lines + f"HEAD^{{/a b}} {head} refs/heads/main {zeros}\n")
    assert "checked staging" in out
    out = clone.hook("run", "pre-push", "origin", clone.far, stdin="refs/heads/main nonsense\n", expect=TROUBLE)
    assert "line 1 of the input is none of git's" in out
    assert clone.hook("run", "pre-push", "origin", clone.far, stdin="") == ""


def test_ten_thousand_branches_of_their_own(clone):
    stream = "".join(f"commit refs/heads/b{i}\ncommitter a <a@b> {1700000000 + i} +0000\ndata 1\nx\nfrom refs/heads/main\n"
                     f"M 100644 inline n{i}\ndata 2\n{i % 10}\n\n" for i in range(10000))
    clone.run("git", "fast-import", "--quiet", stdin=stream)
    refs = clone.git("for-each-ref", "--format=%(refname) %(objectname) %(refname) " + "0" * 40, "refs/heads")
    clone.hook("run", "pre-push", "origin", clone.far, stdin=refs + "\n")


def test_worktrees_and_shallow_clones(clone, tmp_path):
    clone.git("worktree", "add", "-q", tmp_path / "tree", "-b", "other")
    (tmp_path / "tree/deploy/base/a.yaml").write_text(BAD)
    clone.git("-C", tmp_path / "tree", "commit", "-qam", "bad")
    assert "there is no field" in clone.push("other:main", good=False, cwd=tmp_path / "tree")
    clone.push("main")
    clone.commit({"deploy/base/b.txt": "b"})
    clone.push("main")
    clone.git("clone", "-q", "--depth", "1", f"file://{clone.far}", tmp_path / "shallow")
    clone.hook("install", cwd=tmp_path / "shallow")
    (tmp_path / "shallow/new.txt").write_text(TOKEN)
    clone.git("-C", tmp_path / "shallow", "add", ".")
    clone.git("-C", tmp_path / "shallow", "commit", "-qm", "new")
    out = clone.push("HEAD:main", good=False, cwd=tmp_path / "shallow")
    assert "new.txt:1:1" in out and "refused: 1 error" in out
    clone.git("-C", tmp_path / "shallow", "config", "extensions.worktreeConfig", "true")
    clone.git("-C", tmp_path / "shallow", "config", "core.repositoryFormatVersion", "1")
    assert "new.txt:1:1" in clone.push("HEAD:main", good=False, cwd=tmp_path / "shallow")


# --- secrets ---


def test_secrets_are_refused_wherever_they_lie(clone):
    clone.push()
    clone.commit({"charts/values.yaml": f"token: {TOKEN}\n", "other/secret.yaml":
                  "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: hello}\n"})
    out = clone.push(good=False)
    assert "charts/values.yaml:1:8: error" in out and "[token]" in out
    assert re.search(r"^other/secret.yaml:4:\d+: error: Secret s: 1 value is not encrypted: k \[plaintext-secret\]$", out,
                     re.M), out
    assert TOKEN not in out and "hello" not in out


def test_a_secret_that_is_taken_out_again_is_still_refused(clone):
    clone.push()
    sha = clone.commit({"values.yaml": f"token: {TOKEN}\n"}, "with")
    clone.commit({"values.yaml": "token: none\n"}, "without")
    out = clone.push("main:refs/heads/feature", good=False)  # no environment deploys it
    assert f"values.yaml:1:8: error: this is a GitHub access token [token] (commit {sha[:12]})" in out
    assert f"git rebase -i {sha[:12]}^" in out and not clone.far_has("refs/heads/feature")
    clone.git("reset", "-q", "--hard", "HEAD~2")
    clone.commit({"values.yaml": "token: none\n"}, "anew")
    clone.push("main:refs/heads/feature")


def test_what_is_allowed_has_a_reason(clone):
    clone.commit({"tests/values.yaml": f"token: {TOKEN}\n"})
    clone.push(good=False)
    clone.commit({"capstan.yaml": ENVIRONMENTS + "allowSecrets: [{path: 'tests/**'}]\n"})
    assert "reason" in clone.push(good=False)
    clone.commit({"capstan.yaml": ENVIRONMENTS + "allowSecrets: [{path: 'tests/**', reason: made up}]\n"})
    clone.push()


# --- rendered manifests ---


def test_rendered_manifests_are_written_and_the_push_stops(clone):
    keeps = ENVIRONMENTS.replace("shop-staging}", "shop-staging, rendered: rendered/staging}")
    clone.commit({"capstan.yaml": keeps, "rendered/staging/README.md": "ours\n",
                  "rendered/staging/shop-staging/ConfigMap-gone.yaml": config_map("gone")})
    out = clone.push(good=False)
    assert "rendered/staging is not what environment staging renders to: 2 files differ" in out
    assert "added    rendered/staging/shop-staging/ConfigMap-a-staging.yaml" in out
    assert "removed  rendered/staging/shop-staging/ConfigMap-gone.yaml" in out
    assert "git add -A -- 'rendered/staging' && git commit" in out
    made = clone.directory / "rendered/staging/shop-staging/ConfigMap-a-staging.yaml"
    assert yaml.safe_load(made.read_text())["data"] == {"a": "1"}
    assert not (made.parent / "ConfigMap-gone.yaml").exists() and (made.parents[1] / "README.md").exists()
    assert "2 files differ" in clone.push(good=False)  # until it is committed
    clone.commit({})
    clone.push()
    clone.commit({"deploy/base/a.yaml": config_map("a", "2")})
    made.write_text("somebody works on it\n")
    out = clone.push(good=False)
    assert "has changes of your own: not touched" in out and made.read_text() == "somebody works on it\n"
    clone.git("checkout", "-q", "--", "rendered")
    clone.git("checkout", "-q", "-b", "elsewhere")
    clone.commit({"x": "y"})
    out = clone.push("main", good=False)
    assert "Nothing was written" in out and '"1"' in made.read_text()


def test_rendered_manifests_stay_inside_of_the_working_tree(clone, tmp_path):
    keeps = ENVIRONMENTS.replace("shop-staging}", "shop-staging, rendered: out/staging}")
    clone.commit({"capstan.yaml": keeps})
    (tmp_path / "outside").mkdir()
    (clone.directory / "out").symlink_to(tmp_path / "outside")
    out = clone.push(good=False)
    assert "a link or a file is in the way" in out and not list((tmp_path / "outside").iterdir())


# --- installing ---


def test_a_hook_that_is_there_runs_first(tmp_path):
    clone = Clone(tmp_path)
    clone.commit(GOOD)
    hook = clone.directory / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\necho "before $1"; cat >seen; test ! -e refuse\n')
    hook.chmod(0o755)
    out = clone.hook("install")
    assert "pre-push.before-capstan, which runs first" in out and "installed" in out
    assert "unchanged" in clone.hook("install")
    out = clone.push()
    assert out.index("before origin") < out.index("checked staging")
    assert (clone.directory / "seen").read_text().split()[2] == "refs/heads/main"
    clone.commit({"deploy/base/a.yaml": BAD, "refuse": ""})
    assert "there is no field" not in clone.push(good=False)  # the one before refuses already
    (clone.directory / "refuse").unlink()
    assert "there is no field" in clone.push(good=False)
    assert "restored" in clone.hook("install", "--uninstall")
    assert "before" in hook.read_text() and not hook.with_name("pre-push.before-capstan").exists()
    assert "which is not Capstan's" in clone.hook("install", "--uninstall")
    clone.push()


def test_hooks_path_and_uninstall(clone, tmp_path):
    hook = clone.directory / ".git/hooks/pre-push"
    assert hook.stat().st_mode & stat.S_IXUSR
    assert "removed" in clone.hook("install", "--uninstall") and not hook.exists()
    assert "there is none" in clone.hook("install", "--uninstall")
    clone.git("config", "core.hooksPath", ".my hooks")
    (clone.directory / "deploy/prod").mkdir(exist_ok=True)
    clone.hook("install", cwd=clone.directory / "deploy/prod")
    assert (clone.directory / ".my hooks/pre-push").exists() and not hook.exists()
    assert "checked staging" in clone.push()
    clone.hook("install", cwd=tmp_path, expect=TROUBLE)


def test_programs_that_manage_hooks_keep_their_files(clone):
    hook = clone.directory / ".git/hooks/pre-push"
    hook.write_text('#!/bin/sh\n# lefthook\nlefthook run pre-push "$@"\n')
    before = hook.read_text()
    out = clone.hook("install", expect=DIFFERS)
    assert "lefthook.yml" in out and "use_stdin: true" in out and hook.read_text() == before
    clone.git("config", "core.hooksPath", ".husky/_")
    out = clone.hook("install", expect=DIFFERS)
    assert 'capstan hook run pre-push "$@"' in out and not (clone.directory / ".husky").exists()
    clone.git("config", "--unset", "core.hooksPath")
    clone.hook("install", "--uninstall")
    hook.unlink()
    clone.hook("install")
    ours = hook.read_text()
    hook.with_name("pre-push.legacy").write_text(ours)  # as pre-commit does it
    hook.with_name("pre-push.legacy").chmod(0o755)
    hook.write_text("#!/bin/sh\n# File generated by pre-commit: https://pre-commit.com\n")
    assert "unchanged" in clone.hook("install")


def test_a_program_that_is_gone_is_told(clone):
    hook = clone.directory / ".git/hooks/pre-push"
    hook.write_text(hook.read_text().replace(str(CAPSTAN), "/nonexistent/capstan"))
    assert "there is no program capstan" in clone.push(good=False, env={"PATH": "/usr/bin:/bin"})
    (clone.directory.parent / "bin").mkdir()
    (clone.directory.parent / "bin/capstan").symlink_to(CAPSTAN)
    clone.push(env={"PATH": f"{clone.directory.parent / 'bin'}:/usr/bin:/bin"})


def test_the_program_pre_commit_hands_over_one_ref(clone):
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [h["id"] for h in hooks] == ["capstan"] and hooks[0]["entry"] == "capstan hook run pre-push"
    clone.push()
    old = clone.git("rev-parse", "HEAD")
    new = clone.commit({"deploy/base/a.yaml": BAD})
    env = {"PRE_COMMIT_REMOTE_BRANCH": "refs/heads/main", "PRE_COMMIT_LOCAL_BRANCH": "refs/heads/main",
           "PRE_COMMIT_REMOTE_NAME": "origin", "PRE_COMMIT_REMOTE_URL": str(clone.far)}
    arguments = hooks[0]["entry"].split()[2:]
    out = clone.hook(*arguments, stdin="", expect=DIFFERS, env=env | {"PRE_COMMIT_FROM_REF": old, "PRE_COMMIT_TO_REF": new})
    assert "there is no field `date`" in out
    assert "there is no field `date`" in clone.hook(*arguments, stdin="", expect=DIFFERS, env=env)
    clone.hook(*arguments, stdin="", env=env | {"PRE_COMMIT_FROM_REF": old, "PRE_COMMIT_TO_REF": old})


# --- what it will change ---


KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}, {name: b, context: {cluster: a, user: a}}]
clusters: [{name: a, cluster: {server: "%s"}}]
users: [{name: a, user: {token: x}}]
"""


def test_a_cluster_that_does_not_answer_costs_a_second_at_most(clone, tmp_path):
    clone.commit({"capstan.yaml": ENVIRONMENTS.replace("branch: release", "branch: main, context: b")})
    config = tmp_path / "kubeconfig"
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)  # and never accepts
        for server in ("http://127.0.0.1:1", f"http://127.0.0.1:{silent.getsockname()[1]}"):
            config.write_text(KUBECONFIG % server)
            began = time.monotonic()
            out = clone.hook("run", "pre-push", "origin", clone.far, env={"KUBECONFIG": str(config)},
                             stdin=f"refs/heads/main {clone.git('rev-parse', 'HEAD')} refs/heads/main {'0' * 40}\n")
            assert time.monotonic() - began < 2.5 and len(out.splitlines()) == 1 and "checked prod" in out, out


def test_what_a_push_will_change_is_shown(world, operator, namespace, clone):
    keep = {"KUBECONFIG": world.env["KUBECONFIG"]}
    clone.commit({"capstan.yaml": f"environments:\n  prod: {{branch: main, path: app, namespace: {namespace}}}\n",
                  "app/a.yaml": config_map("a"), "app/b.yaml": config_map("b"), "app/c.yaml": config_map("c")})
    out = clone.push(env=keep)
    assert "  prod: 3 added, 0 changed, 0 removed" in out and f"    + ConfigMap {namespace}/a" in out
    world.repo(namespace, f"file://{clone.far}", interval="1s")
    world.app(namespace, more="  render: {type: environment, name: prod}\n")
    world.wait_ready(namespace, revision=clone.git("rev-parse", "HEAD"))
    assert f"  prod ({namespace}/shop): nothing changes in the cluster" in clone.hook(
        "run", "pre-push", "origin", clone.far, env=keep,
        stdin=f"refs/heads/main {clone.git('rev-parse', 'HEAD')} refs/heads/main {'0' * 40}\n")
    clone.commit({"app/a.yaml": config_map("a", "2"), "app/b.yaml": None, "app/new.yaml": config_map("new")})
    out = clone.push(env=keep)
    assert f"  prod ({namespace}/shop): 1 added, 1 changed, 1 removed" in out, out
    for line in (f"~ ConfigMap {namespace}/a", f"- ConfigMap {namespace}/b", f"+ ConfigMap {namespace}/new"):
        assert f"    {line}\n" in out, out
    clone.commit({"README": "words"})
    assert f"  prod ({namespace}/shop): " in clone.push(env=keep)
