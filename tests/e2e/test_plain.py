"""Capstan on a machine with no cluster: `run --apps FILE` and `sync --apps FILE`. The program is named by CAPSTAN."""
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CAPSTAN = os.environ.get("CAPSTAN", str(ROOT / "build/src/cmd/capstan"))
SLOW = float(os.environ.get("CAPSTAN_SLOW", "1"))  # valgrind and sanitizers: every deadline is so many times longer
DEADLINE = 15 * SLOW

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")


def wait(condition, what, seconds=DEADLINE):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {what}")


def text(path):
    try:
        return path.read_text()
    except (FileNotFoundError, NotADirectoryError):
        return None


class Machine:
    """A directory that holds all of it: repository, file of Apps, state, cache, targets."""

    def __init__(self, home):
        self.home = home
        self.repo = home / "repo"
        self.file = home / "apps.yaml"
        self.log_file = home / "log"
        self.process = None
        self.port = None
        self.repo.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")

    def git(self, *arguments):
        done = subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments], cwd=self.repo,
                              check=True, capture_output=True, text=True, timeout=DEADLINE, env=self.env())
        return done.stdout.strip()

    def commit(self, files):
        """None removes; (text, mode) sets the mode."""
        for name, content in files.items():
            path = self.repo / name
            if content is None:
                path.unlink()
                continue
            body, mode = content if isinstance(content, tuple) else (content, 0o644)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body)
            path.chmod(mode)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    def env(self):
        keep = ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
        return {**{k: os.environ[k] for k in keep if k in os.environ}, "HOME": str(self.home),
                "XDG_CACHE_HOME": str(self.home / "cache"), "XDG_STATE_HOME": str(self.home / "xdg")}

    def app(self, name, path=".", revision="main", repo="cfg", target=None, sync="", more=""):
        target = target or self.home / "out" / name
        return (f"---\napiVersion: capstan.dev/v1alpha1\nkind: App\nmetadata: {{name: {name}}}\nspec:\n"
                f"  source: {{repo: {repo}, revision: '{revision}', path: '{path}'}}\n"
                f"  target: {{directory: {target}{more}}}\n"
                f"  sync: {{retry: {{backoff: 200ms, maxBackoff: 500ms}}{sync}}}\n")

    def source(self, name="cfg", url=None, interval="1s"):
        return (f"---\napiVersion: capstan.dev/v1alpha1\nkind: Repo\nmetadata: {{name: {name}}}\n"
                f"spec: {{url: '{url or self.repo.as_uri()}', interval: {interval}}}\n")

    def write(self, *documents):
        self.file.write_text("".join(documents))

    def out(self, *parts):
        return self.home.joinpath("out", *parts)

    def log(self):
        return text(self.log_file) or ""

    def start(self, *arguments):
        command = [CAPSTAN, "run", "--apps", str(self.file), "--state", str(self.home / "state"), "--web",
                   "127.0.0.1:0", *arguments]
        mark = len(self.log())
        with open(self.log_file, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env())
        wait(lambda: "msg=read" in self.log()[mark:] or self.process.poll() is not None, "start")
        assert self.process.poll() is None, self.log()
        self.port = self.log()[mark:].split("port=")[1].split()[0]

    def stop(self, seconds=5 * SLOW):
        if not self.process:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(DEADLINE)
            self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait(DEADLINE)
        self.process = None

    def http(self, path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name):
        for line in self.http("/metrics")[1].splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        return None

    def sync(self, *arguments, timeout=60 * SLOW):
        return subprocess.run([CAPSTAN, "sync", "--apps", str(self.file), "--state", str(self.home / "state"), *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, env=self.env(),
                              check=False)


@pytest.fixture
def machine(tmp_path):
    m = Machine(tmp_path)
    yield m
    try:
        assert m.stop() == 0, m.log()
    finally:
        for sanitizer in ("AddressSanitizer", "LeakSanitizer", "runtime error:"):
            assert sanitizer not in m.log(), m.log()


# --- what git says ---

def test_creates_updates_modes_and_prunes(machine):
    machine.commit({"a/x.conf": "one\n", "a/sub/run": ("#!/bin/sh\n", 0o755), "b/other": "not ours\n"})
    machine.write(machine.source(), machine.app("a", path="a"))
    machine.start()
    wait(lambda: text(machine.out("a", "x.conf")) == "one\n", "created")
    wait(lambda: machine.out("a", "sub", "run").exists(), "created below")
    assert stat.S_IMODE(machine.out("a", "sub", "run").stat().st_mode) == 0o755
    assert stat.S_IMODE(machine.out("a", "x.conf").stat().st_mode) == 0o644
    assert not machine.out("a", "other").exists()
    machine.commit({"a/x.conf": ("two\n", 0o755), "a/sub/run": None})
    wait(lambda: text(machine.out("a", "x.conf")) == "two\n", "updated")
    wait(lambda: not machine.out("a", "sub").exists(), "pruned, with its directory")
    assert stat.S_IMODE(machine.out("a", "x.conf").stat().st_mode) == 0o755
    assert "msg=applied app=default/a" in machine.log()
    machine.git("revert", "--no-edit", "HEAD")
    wait(lambda: text(machine.out("a", "x.conf")) == "one\n", "rolled back")
    wait(lambda: text(machine.out("a", "sub", "run")) == "#!/bin/sh\n", "rolled back below")


def test_a_commit_elsewhere_renders_nothing(machine):
    machine.commit({"a/x": "1\n", "b/y": "1\n"})
    machine.write(machine.source(), machine.app("a", path="a"), machine.app("b", path="b"))
    machine.start()
    wait(lambda: text(machine.out("a", "x")) == "1\n" and text(machine.out("b", "y")) == "1\n", "created")
    renders = machine.metric("capstan_renders_total")
    machine.commit({"b/y": "2\n"})
    wait(lambda: text(machine.out("b", "y")) == "2\n", "updated")
    assert machine.metric("capstan_renders_total") == renders + 1


def test_drift_is_healed_within_a_second(machine):
    spoils = {"written": lambda p: p.write_text("bad\n"), "removed": lambda p: p.unlink(), "mode": lambda p: p.chmod(0o600)}
    machine.commit({"x": "good\n", "d/y": "good\n"})
    # An App each: heals of one App that follow each other too often are a fight, and spaced out.
    machine.write(machine.source(interval="1h"), *(machine.app(name) for name in spoils))
    machine.start()
    wait(lambda: 'capstan_apps{ready="true"} 3' in machine.http("/metrics")[1], "ready")
    for app, spoil in spoils.items():
        for name in ("x", "d/y"):
            path = machine.out(app, name)
            spoil(path)
            wait(lambda: text(path) == "good\n" and stat.S_IMODE(path.stat().st_mode) == 0o644, f"{app} {name}", 1 * SLOW)
    assert "msg=healed" in machine.log()


def test_drift_is_left_when_asked(machine):
    machine.commit({"x": "good\n"})
    machine.write(machine.source(), machine.app("a", sync=", selfHeal: false"))
    machine.start()
    wait(lambda: text(machine.out("a", "x")) == "good\n", "created")
    wait(lambda: 'capstan_apps{ready="true"} 1' in machine.http("/metrics")[1], "ready")
    machine.out("a", "x").write_text("bad\n")
    wait(lambda: "may not be healed" in machine.log(), "said")
    assert text(machine.out("a", "x")) == "bad\n"


def test_a_foreign_file_is_refused_by_name_and_the_rest_goes_on(machine):
    machine.commit({"mine": "1\n", "theirs": "1\n"})
    machine.out("a").mkdir(parents=True)
    machine.out("a", "theirs").write_text("precious\n")
    machine.write(machine.source(), machine.app("a"), machine.app("b"))
    machine.start()
    wait(lambda: text(machine.out("a", "mine")) == "1\n" and text(machine.out("b", "theirs")) == "1\n", "the rest")
    wait(lambda: "path=theirs" in machine.log(), "named")
    assert text(machine.out("a", "theirs")) == "precious\n"
    machine.out("a", "theirs").unlink()
    wait(lambda: text(machine.out("a", "theirs")) == "1\n", "retried once the way is free")
    assert machine.log().count("path=theirs") == 1, "the same failure is said once"


def test_an_empty_directory_prunes_nothing(machine):
    machine.commit({"a/x": "1\n"})
    machine.write(machine.source(), machine.app("a", path="a"))
    machine.start()
    wait(lambda: text(machine.out("a", "x")) == "1\n", "created")
    machine.commit({"a/x": None, "a/.capstan-only": "no content\n"})
    wait(lambda: "git has no files" in machine.log(), "said")
    assert text(machine.out("a", "x")) == "1\n"
    machine.commit({"a/.capstan-only": None, "b": "1\n"})
    wait(lambda: "there is no path a" in machine.log(), "said")
    assert text(machine.out("a", "x")) == "1\n"


# --- revisions and isolation ---

def test_a_bad_revision_is_said_and_holds_up_nobody(machine):
    machine.commit({"x": "1\n"})
    missing = "0123456789012345678901234567890123456789"
    machine.write(machine.source(), machine.app("bad", revision="nope"), machine.app("sha", revision=missing),
                  machine.app("gone", repo="none"), machine.app("path", path="no/such"),
                  machine.app("good"))
    machine.start()
    wait(lambda: text(machine.out("good", "x")) == "1\n", "the good one")
    for app in ("bad", "sha", "gone", "path"):
        wait(lambda: f'msg="no revision" app=default/{app}' in machine.log(), f"{app} said")
        assert not machine.out(app).exists()
    machine.git("branch", "nope")
    wait(lambda: text(machine.out("bad", "x")) == "1\n", "the branch is there now")


def test_a_repo_that_cannot_be_read_holds_up_nobody(machine):
    machine.commit({"x": "1\n"})
    machine.write(machine.source(), machine.source("none", url=(machine.home / "nowhere").as_uri()), machine.app("a"),
                  machine.app("b", repo="none"))
    machine.start()
    wait(lambda: text(machine.out("a", "x")) == "1\n", "the good one")
    wait(lambda: "msg=repo repo=default/none" in machine.log(), "said")
    machine.commit({"x": "2\n"})
    wait(lambda: text(machine.out("a", "x")) == "2\n", "and it goes on")


def test_a_lost_repository_leaves_all_and_comes_back(machine):
    machine.commit({"x": "1\n"})
    machine.write(machine.source(), machine.app("a"))
    machine.start()
    wait(lambda: text(machine.out("a", "x")) == "1\n", "created")
    away = machine.home / "away"
    machine.repo.rename(away)
    wait(lambda: "msg=repo " in machine.log(), "said")
    machine.out("a", "x").write_text("bad\n")
    wait(lambda: text(machine.out("a", "x")) == "1\n", "healed without the remote", 2 * SLOW)
    away.rename(machine.repo)
    machine.commit({"x": "2\n"})
    wait(lambda: text(machine.out("a", "x")) == "2\n", "came back", 30 * SLOW)


# --- the command ---

def test_the_command_runs_after_a_change_only(machine):
    ran = machine.home / "ran"
    machine.commit({"x": "1\n"})
    more = f', command: [sh, -c, "pwd >> {ran}"]'
    machine.write(machine.source(), machine.app("a", more=more))
    machine.start()
    wait(lambda: text(ran) == f"{machine.out('a')}\n", "ran once, in the directory")
    wait(lambda: "msg=applied" in machine.log(), "its end is known")
    machine.stop()
    machine.start()
    wait(lambda: machine.log().count("msg=applied") == 2, "applied after a restart")
    assert text(ran).count("\n") == 1, "nothing changed: not again"
    machine.commit({"x": "2\n"})
    wait(lambda: text(ran).count("\n") == 2, "ran after the change")


def test_a_command_that_fails_is_said_and_retried(machine):
    machine.commit({"x": "1\n"})
    may = machine.home / "may"
    more = f', command: [sh, -c, "test -e {may} || {{ echo no service >&2; exit 7; }}"]'
    machine.write(machine.source(), machine.app("a", more=more), machine.app("b"))
    machine.start()
    wait(lambda: "ended with 7: no service" in machine.log(), "said")
    assert text(machine.out("a", "x")) == "1\n"
    wait(lambda: text(machine.out("b", "x")) == "1\n", "the other app goes on")
    assert "msg=applied app=default/a" not in machine.log()
    may.touch()
    wait(lambda: "msg=applied app=default/a" in machine.log(), "succeeded later")


# --- crashes ---

def kill_often(machine, rounds, commit_each):
    """Kills Capstan about when it writes, and lets it through the last time. Files say the round of their commit."""
    last = rounds - 1 if commit_each else 0
    ran = machine.home / "ran"
    machine.write(machine.source(), machine.app("a", more=f', command: [sh, -c, "cat n > {ran}"]'))
    for n in range(rounds):
        if n == 0 or commit_each:
            files = {f"f{i}": f"{n}\n" for i in range(200)}
            machine.commit({**files, **({f"old{n - 1}": None} if n else {}), f"old{n}": "1\n", "n": f"{n}\n"})
        machine.start()
        if n + 1 < rounds:
            time.sleep((0.06 + 0.01 * n) * SLOW)
            machine.kill()
    wait(lambda: all(text(machine.out("a", f"f{i}")) == f"{last}\n" for i in range(200)), "all files")
    wait(lambda: text(ran) == f"{last}\n", "the command")
    wait(lambda: sorted(p.name for p in machine.out("a").glob("old*")) == [f"old{last}"], "pruned")
    wait(lambda: not list(machine.out("a").glob(".capstan*")), "no leftovers")


def test_killed_while_it_writes_it_goes_on_where_it_was(machine):
    kill_often(machine, 10, commit_each=False)


def test_killed_while_it_writes_commit_after_commit(machine):
    kill_often(machine, 12, commit_each=True)


def test_one_process_a_state_directory(machine):
    machine.commit({"x": "1\n"})
    machine.write(machine.source(), machine.app("a"))
    machine.start()
    done = subprocess.run([CAPSTAN, "run", "--apps", str(machine.file), "--state", str(machine.home / "state")],
                          capture_output=True, text=True, timeout=DEADLINE, env=machine.env(), check=False)
    assert done.returncode == 2
    assert f"process {machine.process.pid}" in done.stderr


# --- the file ---

def test_the_file_is_read_again_when_it_changes(machine):
    machine.commit({"a/x": "1\n", "b/y": "1\n"})
    machine.write(machine.source(), machine.app("a", path="a"))
    machine.start()
    wait(lambda: text(machine.out("a", "x")) == "1\n", "created")
    machine.write(machine.source(), machine.app("a", path="a"), machine.app("b", path="b"))
    wait(lambda: text(machine.out("b", "y")) == "1\n", "a new App")
    machine.write(machine.source(), machine.app("a", path="b"), machine.app("b", path="b"))
    wait(lambda: text(machine.out("a", "y")) == "1\n" and not machine.out("a", "x").exists(), "another path")
    replacement = machine.home / "new.yaml"
    replacement.write_text(machine.source() + machine.app("b", path="b", more=", command: ['true']"))
    replacement.rename(machine.file)
    wait(lambda: "no longer in the file" in machine.log(), "an App is let go of")
    machine.out("a", "y").write_text("mine now\n")
    machine.commit({"b/y": "2\n"})
    wait(lambda: text(machine.out("b", "y")) == "2\n", "the other goes on")
    assert text(machine.out("a", "y")) == "mine now\n"


def test_another_directory_leaves_the_old_one(machine):
    machine.commit({"x": "1\n"})
    machine.write(machine.source(), machine.app("a"))
    machine.start()
    wait(lambda: text(machine.out("a", "x")) == "1\n", "created")
    machine.write(machine.source(), machine.app("a", target=machine.out("new")))
    wait(lambda: text(machine.out("new", "x")) == "1\n", "created there")
    assert text(machine.out("a", "x")) == "1\n"


def test_bad_entries_are_named_with_their_lines_and_the_rest_goes_on(machine):
    machine.commit({"x": "1\n"})
    wrong = [
        ("kind: ConfigMap\napiVersion: v1\nmetadata: {name: c}\n", 1, "ConfigMap of v1 is not known here"),
        (machine.app("cluster")[4:].replace(f"directory: {machine.out('cluster')}", "namespace: shop"), 6, "there is no cluster here"),
        (machine.app("typo", sync=", prnue: false")[4:], 7, "spec.sync.prnue: there is no such field"),
        (machine.app("type", sync=", prune: 'no'")[4:], 7, "spec.sync.prune: must be true or false"),
        (machine.app("relative", target="etc/x")[4:], 6, "must be an absolute path"),
        (machine.app("up", target="/etc/../x")[4:], 6, "must be an absolute path"),
        (machine.app("Name")[4:], 3, "is no name"),
        (machine.app("good")[4:], 1, "is there already, in line"),
        (machine.source("secret")[4:].replace("interval", "secretRef: {name: s}, interval"), 4, "there are no Secrets"),
        (machine.source("hook")[4:].replace("interval", "webhook: {type: gitea, secretRef: {name: s}}, interval"), 4,
         "is for the operator of a cluster"),
        (machine.source("hook-type")[4:].replace("interval", "webhook: {type: sourcehut}, interval"), 4, "must be github"),
        ("kind: App\n  bad: [\n", 2, ""),
    ]
    whole, places = machine.source() + machine.app("good"), []
    for body, line, words in wrong:
        places.append((whole.count("\n") + 1 + line, words))
        whole += "---\n" + body
    machine.write(whole)
    machine.start()
    wait(lambda: text(machine.out("good", "x")) == "1\n", "the good one")
    for line, words in places[:-1]:
        assert any(f"{machine.file}:{line} " in entry and words in entry for entry in machine.log().splitlines()), (line, words)
    assert machine.log().count("msg=refused") == len(wrong)


def test_a_file_that_breaks_changes_nothing(machine):
    machine.commit({"x": "1\n"})
    good = machine.source() + machine.app("a")
    machine.write(good)
    machine.start()
    wait(lambda: text(machine.out("a", "x")) == "1\n", "created")
    machine.write("kind: [\n")
    wait(lambda: "msg=refused" in machine.log(), "said")
    machine.commit({"x": "2\n"})
    wait(lambda: text(machine.out("a", "x")) == "2\n", "it goes on as before")
    machine.file.unlink()
    wait(lambda: "cannot be read" in machine.log(), "said, too")
    machine.commit({"x": "3\n"})
    wait(lambda: text(machine.out("a", "x")) == "3\n", "it goes on as before")
    assert "no longer in the file" not in machine.log()


def test_a_useless_file_is_an_error(machine):
    machine.write("kind: Pod\napiVersion: v1\n")
    done = subprocess.run([CAPSTAN, "run", "--apps", str(machine.file), "--state", str(machine.home / "state")],
                          capture_output=True, text=True, timeout=DEADLINE, env=machine.env(), check=False)
    assert done.returncode == 2
    assert f"{machine.file}:1: kind: Pod of v1 is not known here" in done.stderr


# --- web and signals ---

def test_notify_and_hangup_wait_for_no_poll(machine):
    machine.commit({"x": "1\n"})
    machine.write(machine.source(interval="1h"), machine.app("a"))
    machine.start()
    wait(lambda: text(machine.out("a", "x")) == "1\n", "created")
    assert machine.http("/healthz") == (200, "ok\n")
    assert machine.http("/readyz") == (200, "ok\n")
    machine.commit({"x": "2\n"})
    assert machine.http("/notify?repo=cfg", "POST")[0] == 202
    wait(lambda: text(machine.out("a", "x")) == "2\n", "notified", 3 * SLOW)
    machine.commit({"x": "3\n"})
    machine.process.send_signal(signal.SIGHUP)
    wait(lambda: text(machine.out("a", "x")) == "3\n", "at SIGHUP", 3 * SLOW)
    assert machine.http("/notify?repo=other", "POST")[0] == 404
    assert machine.http("/notify?repo=cfg")[0] == 405
    assert machine.metric("capstan_files") == 1


def test_stops_within_five_seconds_whatever_runs(machine):
    machine.commit({"x": "1\n"})
    started = machine.home / "started"
    machine.write(machine.source(), machine.app("a", more=f', command: [sh, -c, "touch {started}; trap : TERM; sleep 60"]'))
    machine.start()
    wait(started.exists, "the command runs")
    begun = time.monotonic()
    assert machine.stop() == 0
    assert time.monotonic() - begun < 5 * SLOW


def test_a_quiet_machine_is_free(machine):
    machine.commit({"x": "1\n"})
    machine.write(machine.source(interval="1h"), machine.app("a"))
    machine.start()
    wait(lambda: 'capstan_apps{ready="true"} 1' in machine.http("/metrics")[1], "ready")
    inventory = next((machine.home / "state").glob("*.inventory")).stat().st_mtime_ns
    before = machine.metric("process_cpu_seconds_total"), machine.metric("capstan_renders_total")
    time.sleep(2)
    assert machine.metric("process_cpu_seconds_total") - before[0] < 0.02 * SLOW
    assert machine.metric("capstan_renders_total") == before[1]
    assert next((machine.home / "state").glob("*.inventory")).stat().st_mtime_ns == inventory


# --- sync ---

def test_sync_makes_one_attempt_of_each(machine):
    machine.commit({"a/x": "1\n", "b/y": "1\n"})
    machine.write(machine.source(), machine.app("a", path="a"), machine.app("b", path="b"))
    done = machine.sync()
    assert done.returncode == 0, done.stdout + done.stderr
    assert text(machine.out("a", "x")) == "1\n" and text(machine.out("b", "y")) == "1\n"
    assert "App a: main@sha1:" in done.stdout
    machine.commit({"a/x": "2\n", "b/y": "2\n"})
    done = machine.sync("b")
    assert done.returncode == 0, done.stdout + done.stderr
    assert text(machine.out("a", "x")) == "1\n" and text(machine.out("b", "y")) == "2\n"
    machine.commit({"a/x": None, "a/z": "3\n"})
    assert machine.sync("default/a").returncode == 0
    assert sorted(p.name for p in machine.out("a").iterdir()) == ["z"]


def test_sync_says_what_failed_and_does_the_rest(machine):
    machine.commit({"x": "1\n"})
    machine.out("foreign").mkdir(parents=True)
    machine.out("foreign", "x").write_text("precious\n")
    machine.write(machine.source(), machine.app("bad", revision="nope"), machine.app("foreign"), machine.app("good"),
                  machine.app("command", more=", command: [sh, -c, 'exit 3']"))
    begun = time.monotonic()
    done = machine.sync()
    assert time.monotonic() - begun < 10 * SLOW
    assert done.returncode == 1
    assert text(machine.out("good", "x")) == "1\n"
    assert text(machine.out("foreign", "x")) == "precious\n"
    for words in ("App bad: Repo cfg: no branch or tag is named nope", "App foreign (x): is there already",
                  "the command `sh`: ended with 3"):
        assert words in done.stdout, done.stdout
    assert machine.sync("good").returncode == 0
    done = machine.sync("nobody")
    assert done.returncode == 2
    assert "there is no App nobody in" in done.stderr


def test_sync_names_bad_entries(machine):
    machine.commit({"x": "1\n"})
    good = machine.source() + machine.app("good")
    machine.write(good, "---\nkind: Pod\napiVersion: v1\n")
    done = machine.sync()
    assert done.returncode == 1
    line = good.count("\n") + 2
    assert f"{machine.file}:{line}" in done.stdout and "Pod of v1 is not known here" in done.stdout
    assert text(machine.out("good", "x")) == "1\n"
    assert machine.sync("good").returncode == 0


def test_sync_times_out(machine):
    machine.commit({"x": "1\n"})
    machine.write(machine.source(), machine.app("a", more=", command: [sleep, '30']"))
    begun = time.monotonic()
    done = machine.sync("--timeout", "2s")
    assert done.returncode == 3, done.stdout + done.stderr
    assert time.monotonic() - begun < 10 * SLOW
    machine.write(machine.source(), machine.app("a", more=", command: ['true']"))
    assert machine.sync().returncode == 0


def test_sync_beside_a_daemon_is_refused(machine):
    machine.commit({"x": "1\n"})
    machine.write(machine.source(), machine.app("a"))
    machine.start()
    done = machine.sync()
    assert done.returncode == 2
    assert "in use by another capstan" in done.stderr
