"""What the documentation says is so: examples run, links lead somewhere, and lists are complete.

    CAPSTAN=build/src/cmd/capstan python3 -m pytest -q -p no:cacheprovider tests/e2e/test_docs.py

An example is tested when an HTML comment stands in the line before its fence:

    <!-- test: cluster -->   shell: the blocks of a page run in order in one bash with `set -e`, in an empty directory,
                             with capstan on the PATH and the KUBECONFIG of a cluster that has the custom resources
    <!-- test: apply -->     YAML: `kubectl apply --dry-run=server` accepts it
"""
import contextlib
import os
import re
import signal
import subprocess

import pytest
import yaml

from harness import CAPSTAN, ROOT

DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md"), *ROOT.glob("tests/*/README.md"),
                *ROOT.glob("deploy/*/README.md")])
EXAMPLE = re.compile(r"^<!-- test: (\w+) -->\n```(\w+)\n(.*?)^```$", re.M | re.S)


def page_id(path):
    return str(path.relative_to(ROOT))


def examples(page, kind):
    return [text for mark, _, text in EXAMPLE.findall(page.read_text()) if mark == kind]


def with_examples(kind):
    return pytest.mark.parametrize("page", [p for p in PAGES if examples(p, kind)], ids=page_id)


def sources(*patterns):
    return "\n".join(path.read_text() for pattern in patterns for path in sorted((ROOT / "src").glob(pattern)))


def prose(page):
    """The page without its code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^(?: {4}.*\n)+", "", text, flags=re.M))


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S), re.M):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = 1
        while anchor in found:
            anchor = re.sub(r"(-\d+)?$", f"-{number}", anchor, count=1)
            number += 1
        found.add(anchor)
    return found


# --- examples ---


def test_marks_are_well_formed():
    for page in PAGES:
        text = page.read_text()
        marks = len(re.findall(r"^<!-- test:", text, re.M))
        assert marks == len(EXAMPLE.findall(text)), f"{page_id(page)}: a mark without a fence after it"
        assert {mark for mark, _, _ in EXAMPLE.findall(text)} <= {"cluster", "apply"}, page_id(page)


@with_examples("cluster")
def test_shell_examples_run(page, world, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "capstan").symlink_to(CAPSTAN)
    (tmp_path / "work").mkdir()
    env = dict(world.env, PATH=f"{tmp_path / 'bin'}:{world.env['PATH']}", XDG_CACHE_HOME=str(tmp_path / "cache"),
               HOME=str(tmp_path))
    with open(tmp_path / "log", "wb") as log:
        shell = subprocess.Popen(["bash", "-e", "-x", "-c", "\n".join(examples(page, "cluster"))], env=env,
                                 cwd=tmp_path / "work", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                 start_new_session=True)
        try:
            status = shell.wait(120)
        finally:
            with contextlib.suppress(ProcessLookupError):  # what it left in the background, when it failed
                os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
    assert status == 0, (tmp_path / "log").read_text()


@with_examples("apply")
def test_manifests_are_accepted(page, world):
    for text in examples(page, "apply"):
        for thing in yaml.safe_load_all(text):
            namespace = thing["metadata"].get("namespace")
            if namespace and not world.get("namespace", namespace):
                world.kubectl("create", "namespace", namespace)
        out = world.kubectl("apply", "--dry-run=server", "-f", "-", stdin=text)
        assert "created" in out, out


# --- links and names ---


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target}: there is no such file"
        if anchor:
            assert anchor in anchors(file), f"{target}: there is no such heading"


@pytest.mark.parametrize("page", [p for p in PAGES if DOCS in p.parents or p.parent == ROOT], ids=page_id)
def test_files_that_are_named_exist(page):
    """Beneath the root or beneath src; ROOM and NAME stand for any."""
    rooms = "|".join(path.name for path in (ROOT / "src").iterdir() if path.is_dir())
    for name in re.findall(rf"`((?:src|tests|scripts|docs|{rooms})/[\w./*-]+)`", page.read_text()):
        pattern = re.sub(r"\b[A-Z]+\b", "*", name.rstrip("/"))
        assert list(ROOT.glob(pattern)) or list(ROOT.glob(f"src/{pattern}")), f"{name}: there is no such file"


def test_every_reference_page_is_linked_from_the_readme():
    readme = (ROOT / "README.md").read_text()
    for page in DOCS.rglob("*.md"):
        assert f"({page_id(page)})" in readme, page_id(page)


# --- generated pages ---


def test_generated_pages_are_as_generated(tmp_path):
    subprocess.run([ROOT / "scripts" / "gen-reference", tmp_path], env=dict(os.environ, CAPSTAN=str(CAPSTAN)),
                   check=True, timeout=60)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["commands.md", "custom-resources.md"]
    for name in made:
        same = (tmp_path / name).read_text() == (REFERENCE / name).read_text()
        assert same, f"docs/reference/{name} is old: run scripts/gen-reference"


# --- lists are complete ---


def test_every_command_is_told():
    help_text = subprocess.run([CAPSTAN, "help"], capture_output=True, text=True, check=True, timeout=10).stdout
    commands = re.findall(r"^  ([\w-]+)  ", help_text, re.M)
    assert "sync" in commands
    page = (REFERENCE / "commands.md").read_text()
    for command in commands:
        assert command == "help" or f"## capstan {command}\n" in page, command


def test_every_exit_code_is_told():
    codes = re.findall(r"^\t(EXIT_\w+) = (\d+)", sources("cmd/exit.h"), re.M)
    assert len(codes) >= 5
    page = (REFERENCE / "exit-codes.md").read_text()
    for name, code in codes:
        assert f"| {code} | `{name}` |" in page, name
    assert len(re.findall(r"^\| \d+ \|", page, re.M)) == len(codes)


def test_every_metric_is_told_and_exists():
    code = sources("operator/*serve.c", "operator/web.c", "push/serve.c")
    metrics = set(re.findall(r'metric\(out,\s*"(\w+)"', code)) | set(re.findall(r"# TYPE (\w+) ", code))
    assert "capstan_apps" in metrics and "capstan_files" in metrics
    for name in re.findall(r"# TYPE \w+", sources("**/*.c")):
        assert name.split()[-1] in metrics, f"{name}: declared elsewhere than in *serve.c"
    told = set(re.findall(r"^\| `(\w+)", (REFERENCE / "metrics.md").read_text(), re.M))
    assert told == metrics


def test_every_rule_of_check_is_told():
    rules = re.findall(r'\[RULE_\w+\] = \{ "([a-z-]+)"', sources("check/rules.c"))
    assert len(rules) > 20
    told = re.findall(r"^### (.*)$", (REFERENCE / "check.md").read_text(), re.M)
    assert told == rules


def test_every_annotation_label_and_finalizer_is_told():
    names = set(re.findall(r'"(capstan\.dev/[a-z-]+)"', sources("**/*.[ch]")))
    assert "capstan.dev/prune" in names and "capstan.dev/finalizer" in names
    page = (REFERENCE / "annotations.md").read_text()
    assert [name for name in sorted(names) if f"`{name}`" not in page] == []


def test_every_field_manager_is_told():
    code = sources("**/*.[ch]")
    managers = set(re.findall(r'(?:field_manager =|define \w*MANAGER)\s*"(capstan[a-z-]*)"', code))
    assert "capstan" in managers
    page = (REFERENCE / "annotations.md").read_text()
    assert [name for name in sorted(managers) if f"| `{name}` |" not in page] == []


def test_every_key_of_a_secret_is_told():
    keys = re.findall(r'credentials_key\(a, data, "([^"]+)"\)', sources("operator/credentials.c"))
    keys += re.findall(r'define KEY_\w+ "([^"]+)"', sources("operator/hooks.c"))
    assert "password" in keys and "token" in keys
    page = (REFERENCE / "secrets.md").read_text()
    assert [key for key in keys if f"`{key}`" not in page] == []


def test_every_reason_of_ready_is_told():
    code = sources("deploy/app_verdict.c")
    reasons = set(re.findall(r'"([A-Z][a-z]+[A-Za-z]*)"', code)) | {"InvalidSpec"}
    assert "Succeeded" in reasons
    page = (DOCS / "concepts.md").read_text()
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in page] == []


def test_every_suite_and_target_is_told():
    suites = re.findall(r'^    "(\w+)": suite_', (ROOT / "scripts" / "test").read_text(), re.M)
    page = (DOCS / "development.md").read_text()
    assert "e2e" in suites
    assert re.findall(r"^\| `(\w+)` \|", page, re.M) == suites
    targets = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.M))
    for named in PAGES:
        code = re.findall(r"^ {4}make (\S+)|`make ([a-z-]+)", named.read_text(), re.M)
        assert {one or other for one, other in code} <= targets, page_id(named)


def test_every_rule_of_rbac_is_told():
    page = (REFERENCE / "rbac.md").read_text()
    for path in sorted((ROOT / "deploy" / "install").glob("rbac*.yaml")):
        for thing in yaml.safe_load_all(path.read_text()):
            name = thing["metadata"]["name"]
            assert thing["kind"].endswith("Binding") or f"`{name}`" in page, name
            if name != "capstan" or thing["kind"] != "ClusterRole":
                continue
            for rule in thing["rules"]:
                resources = ", ".join(f"`{r}`" for r in rule["resources"])
                assert f"| {resources} | {', '.join(rule['verbs'])} |" in page, rule
