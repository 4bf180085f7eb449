"""Crashes and faults on a real API server: each ends converged, with no orphan, nothing lost and the neighbour served.

A test that draws at random prints its seed; CAPSTAN_SEED=N draws the same again.
"""
import base64
import contextlib
import copy
import datetime
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from harness import APP, CLUSTER, Git, Operator, config_map, wait_until

FOREIGN = "by-hand"  # an object of nobody: it must survive everything
NEIGHBOUR_SECONDS = 15  # within which a commit of the neighbour is served: a poll, a fetch and a busy machine
PEAK_MEMORY_MIB = 200  # of the operator with one App of 20,000 objects
TAKEOVER_SECONDS = 15  # after the leader's sudden end
LEASE_SECONDS = 10  # what a Lease is good for when it is not renewed
WRITES = {"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"}
NO_WRITES = {"leases", "tokenreviews", "subjectaccessreviews", "selfsubjectaccessreviews"}  # reviews are questions
# The controller manager puts kube-root-ca.crt into every namespace, when it comes to that, and again after a refusal.
# Capstan applies ConfigMaps and never posts one.
NOT_OURS = {"POST configmaps/"}
FAKETIME = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


class Shop:
    """An App of ConfigMaps in a namespace of its own, and what git wants of it.

    Objects whose names begin with the same `group` characters share a file.
    """

    def __init__(self, world, namespace, directory, name="shop", group=None):
        self.world = world
        self.namespace = namespace
        self.name = name
        self.group = group
        self.git = Git(directory)
        self.wanted = {}
        self.sha = None

    def commit(self, changes):
        """changes: {name: value, or None to remove it}."""
        self.wanted.update(changes)
        self.wanted = {name: value for name, value in self.wanted.items() if value is not None}
        files = {f"{self.name}/{name[:self.group]}.yaml": [] for name in changes}
        for name, value in self.wanted.items():
            documents = files.get(f"{self.name}/{name[:self.group]}.yaml")
            if documents is not None:
                documents.append(config_map(name, value))
        self.sha = self.git.commit({path: "---\n".join(texts) or None for path, texts in files.items()})
        return self.sha

    def install(self, interval="1s", **app):
        self.world.run("kubectl", "create", "configmap", FOREIGN, "-n", self.namespace, "--from-literal=a=1")
        self.world.repo(self.namespace, self.git.url, interval=interval)
        self.world.app(self.namespace, self.name, path=self.name, **app)
        return self

    def live(self):
        """{name: value} of what carries the App's label."""
        lines = self.world.kubectl("get", "configmaps", "-n", self.namespace, "-l", f"capstan.dev/app={self.name}",
                                   "--no-headers", "-o", "custom-columns=N:.metadata.name,A:.data.a")
        return dict(line.split(None, 1) for line in lines.replace("<none>", "-").splitlines())

    def converged(self, seconds=40):
        """Ready for the newest commit; what is there is exactly what git has, and what others made is there too."""
        self.world.wait_ready(self.namespace, self.name, self.sha, seconds)
        live = {name: value.strip() for name, value in self.live().items()}
        lost, orphans = self.wanted.keys() - live.keys(), live.keys() - self.wanted.keys()
        assert not lost and not orphans, f"lost {sorted(lost)[:9]}, orphans {sorted(orphans)[:9]}"
        assert live == self.wanted
        assert self.world.get("configmap", FOREIGN, "-n", self.namespace), "what nobody gave to Capstan is gone"

    def healed(self, seconds=20):
        """What is there is again what git has; for a state that Ready alone cannot tell from the one before."""
        wait_until(lambda: self.live() == self.wanted, seconds, "what was done by hand is healed")
        self.converged()

    def edit(self, name, value="by-hand"):
        self.world.kubectl("patch", "configmap", name, "-n", self.namespace, "--type=merge", "-p",
                           json.dumps({"data": {"a": value}}))

    def status(self, resource="apps,repos"):
        return json.dumps([item.get("status") for item in self.world.get(resource, "-n", self.namespace)["items"]])


def numbered(count, value="1", first=0):
    return {f"c{number:05}": value for number in range(first, first + count)}


@pytest.fixture
def generator():
    seed = int(os.environ.get("CAPSTAN_SEED", time.time_ns() % 1000000))
    print(f"CAPSTAN_SEED={seed}")
    return random.Random(seed)


@contextlib.contextmanager
def fresh_namespace(world, name):
    """A namespace that leaves nothing to the operator of the next test."""
    world.kubectl("create", "namespace", name)
    try:
        yield name
    finally:
        for app in (world.get("apps", "-n", name) or {"items": []})["items"]:
            world.run("kubectl", "patch", "app", app["metadata"]["name"], "-n", name, "--type=merge", "-p",
                      '{"metadata":{"finalizers":null}}')
        world.run("kubectl", "delete", "app,repo", "--all", "-n", name, "--timeout=30s")
        world.run("kubectl", "delete", "namespace", name, "--wait=false")


@pytest.fixture
def namespace(world, request):
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:40].strip("-")
    with fresh_namespace(world, name) as name:
        yield name


@pytest.fixture
def shop(world, namespace, tmp_path):
    return Shop(world, namespace, tmp_path / "git")


@pytest.fixture
def neighbour(world, namespace, tmp_path):
    """Another App in another namespace; serves() says that the trouble of the first is not its own."""
    with fresh_namespace(world, namespace + "-b") as name:
        neighbour = Shop(world, name, tmp_path / "neighbour", "neighbour")
        neighbour.commit(numbered(3))
        yield neighbour.install()


def serves(neighbour, seconds=NEIGHBOUR_SECONDS):
    neighbour.commit({"c00000": str(time.time_ns()), f"n{time.time_ns()}": "1"})
    neighbour.converged(seconds)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "operator"


def writes_of(operator):
    return operator.metric("capstan_api_writes_total")


def commit_and_catch(shop, operator):
    """Commits 300 objects and returns while the operator writes the first of them."""
    before = writes_of(operator)
    shop.commit(numbered(300))
    wait_until(lambda: writes_of(operator) > before + 60, 30, "the sync runs", step=0.003)
    sent = writes_of(operator) - before
    assert sent < 300, f"the sync was over before the fault: {sent}"


def daemon(world, name):
    """The process id of one of the cluster's daemons."""
    text = world.run(CLUSTER, "status", world.directory).stdout
    return int(re.search(rf"^{name}\s+(\d+)", text, re.M).group(1))


def api_is_up(world):
    return world.run("kubectl", "get", "--raw", "/readyz").returncode == 0


@contextlib.contextmanager
def server_is_whole(world):
    """The cluster is shared by the module: whatever a test did to it ends with the test."""
    try:
        yield
    finally:
        world.run(CLUSTER, "resume-etcd", world.directory)
        if not api_is_up(world):
            world.run(CLUSTER, "start-apiserver", world.directory, timeout=120)


def etcd(world, method, body):
    """A call of etcd's own JSON interface."""
    command = pathlib.Path(f"/proc/{daemon(world, 'etcd')}/cmdline").read_text()
    host = re.search(r"--listen-client-urls=http://([^\0,]+)", command).group(1)
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request("POST", f"/v3/kv/{method}", json.dumps(body))
        answer = connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, text
        return json.loads(text)
    finally:
        connection.close()


def etcd_delete(world, path):
    """Takes an object away behind the API server's back, as a restored backup of etcd may."""
    gone = etcd(world, "deleterange", {"key": base64.b64encode(f"/registry/{path}".encode()).decode()})
    assert gone.get("deleted") == "1", gone


def etcd_compact(world):
    """No watch can go on from before now."""
    revision = etcd(world, "range", {"key": base64.b64encode(b"/").decode()})["header"]["revision"]
    etcd(world, "compaction", {"revision": revision, "physical": True})


def api_writes(world):
    """{"VERB resource": count} of the writes that the API server has seen, Leases and reviews aside."""
    counts = {}
    for line in world.kubectl("get", "--raw", "/metrics").splitlines():
        if not line.startswith("apiserver_request_total{"):
            continue
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
        key = f"{labels['verb']} {labels['resource']}/{labels['subresource']}"
        if labels["verb"] in WRITES and labels["resource"] not in NO_WRITES and key not in NOT_OURS:
            counts[key] = counts.get(key, 0) + int(float(line.rsplit(" ", 1)[1]))
    return counts


def wait_quiet(world, seconds=3, limit=60):
    """The counts, when nobody has written for so long and the namespaces of earlier tests are gone, whose end is written
    for a while."""
    state = {"counts": None, "since": 0}
    phases = "jsonpath={.items[*].status.phase}"

    def quiet():
        counts = api_writes(world)
        if counts != state["counts"] or "Terminating" in world.kubectl("get", "namespaces", "-o", phases):
            state.update(counts=counts, since=time.monotonic())
        return time.monotonic() - state["since"] >= seconds

    wait_until(quiet, limit, "nobody writes", step=0.5)
    return state["counts"]


# --- the operator's end ---


def test_killed_fifty_times_in_a_sync(world, shop, neighbour, home, generator):
    """What was written just before the end is known to the next start, whatever git says by then."""
    shop.commit(numbered(300))
    shop.install()
    operator = Operator(world, home)
    fresh, killed_between_writes = 1000, 0
    for kill in range(50):
        if kill % 2:
            names = generator.sample(sorted(shop.wanted), 60)
            shop.commit(dict.fromkeys(names[:30]) | dict.fromkeys(names[30:], str(kill)) | numbered(30, first=fresh))
            fresh += 30
        operator.start(wait=False)
        time.sleep(generator.uniform(0.02, 0.6))
        with contextlib.suppress(OSError):  # it may not listen yet
            killed_between_writes += 0 < writes_of(operator)
        assert operator.child.poll() is None, f"it ended by itself: {operator.log()[-2000:]}"
        operator.kill()
    assert killed_between_writes
    print(f"{killed_between_writes} of 50 had begun to write")
    with operator:
        shop.converged()
        serves(neighbour)


def test_sigterm_in_a_sync_leaves_at_once(world, shop, neighbour, home):
    shop.commit(numbered(3, first=900))
    shop.install()
    with Operator(world, home) as operator:
        shop.converged()
        neighbour.converged()
        commit_and_catch(shop, operator)
        assert operator.stop(5) == 0, operator.log()[-2000:]
        shop.commit({"c00000": None, "c00299": None, "c00001": "2"})
        operator.start()
        shop.converged()
        serves(neighbour)


def test_sigterm_while_a_fetch_hangs_leaves_at_once(world, shop, neighbour, home):
    with socket.create_server(("127.0.0.1", 0)) as silent, Operator(world, home) as operator:
        silent.settimeout(20)
        shop.commit(numbered(3))
        shop.install()
        shop.converged()
        world.repo(shop.namespace, f"http://127.0.0.1:{silent.getsockname()[1]}/x.git", "hanging")
        world.app(shop.namespace, "waits", repo="hanging")
        connection, _ = silent.accept()
        with connection:
            serves(neighbour)
            began = time.monotonic()
            assert operator.stop(5) == 0, operator.log()[-2000:]
            assert time.monotonic() - began < 5
        shop.commit({"c00000": None, "c00001": "2"})
        operator.start()
        shop.converged()
        serves(neighbour)


def all_ready(operator, count):
    return f'capstan_apps{{ready="true"}} {count}\n' in operator.http("/metrics")[1]


def test_a_restart_of_a_converged_system_writes_nothing(world, shop, neighbour, home):
    apps = [f"app{number:02}" for number in range(30)]
    shop.git.commit({f"{app}/{name}.yaml": config_map(f"{app}-{name}") for app in apps for name in ("one", "two", "three")})
    world.repo(shop.namespace, shop.git.url)
    world.apply("---\n".join(APP % {"name": app, "namespace": shop.namespace, "path": app, "revision": "main", "repo": "cfg",
                                    "target": shop.namespace, "sync": "", "more": ""} for app in apps))
    with Operator(world, home) as operator:
        wait_until(lambda: all_ready(operator, 31), 40, "all Apps are Ready")
        for end in (operator.stop, operator.kill):
            before = wait_quiet(world)
            end()
            operator.start()
            wait_until(lambda: all_ready(operator, 31), 30, "all Apps are Ready")
            after = wait_quiet(world, 5)
            assert after == before, {key: (before.get(key), after[key]) for key in after if before.get(key) != after[key]}
            assert writes_of(operator) == 0
        for app in apps:
            assert world.is_ready(shop.namespace, app)
            assert world.names(shop.namespace, app=app) == {f"{app}-one", f"{app}-two", f"{app}-three"}
        serves(neighbour)


# --- the server's faults ---


def test_the_api_server_is_killed_in_a_sync(world, shop, neighbour, home):
    shop.commit(numbered(3, first=900))
    shop.install()
    with server_is_whole(world), Operator(world, home) as operator:
        shop.converged()
        neighbour.converged()
        server = daemon(world, "kube-apiserver")
        commit_and_catch(shop, operator)
        os.kill(server, signal.SIGKILL)
        wait_until(lambda: not api_is_up(world), 10, "the API server is away")
        world.cluster("start-apiserver")
        shop.converged()
        serves(neighbour)
        assert operator.is_ready()


def test_a_commit_and_a_loss_while_the_api_server_is_away(world, shop, neighbour, home):
    shop.commit(numbered(20))
    shop.install()
    with server_is_whole(world), Operator(world, home) as operator:
        shop.converged()
        neighbour.converged()
        world.cluster("kill-apiserver")
        end = time.monotonic() + 20
        shop.commit({"c00000": None, "c00001": "2"} | numbered(5, first=100))
        etcd_delete(world, f"configmaps/{shop.namespace}/c00002")
        while time.monotonic() < end:
            assert operator.is_ready()
            time.sleep(1)
        world.cluster("start-apiserver")
        shop.edit("c00003")
        shop.healed()
        serves(neighbour)


def test_etcd_pauses_in_a_sync(world, shop, neighbour, home):
    shop.commit(numbered(3, first=900))
    shop.install()
    with server_is_whole(world), Operator(world, home) as operator:
        shop.converged()
        neighbour.converged()
        store = daemon(world, "etcd")
        commit_and_catch(shop, operator)
        os.kill(store, signal.SIGSTOP)
        shop.commit({"c00000": None, "c00001": "2"} | numbered(5, first=500))
        time.sleep(10)
        os.kill(store, signal.SIGCONT)
        shop.converged()
        serves(neighbour)


def test_a_hand_edit_that_no_watch_can_tell_of_is_healed(world, shop, neighbour, home):
    """The operator sleeps, the history of what happened meanwhile is compacted: its watches end with 410."""
    shop.commit(numbered(50))
    shop.install()
    with server_is_whole(world), Operator(world, home) as operator:
        shop.converged()
        neighbour.converged()
        operator.child.send_signal(signal.SIGSTOP)
        try:
            text = world.kubectl("get", "--raw", "/api/v1/configmaps?limit=1")
            seen = json.loads(text)["metadata"]["resourceVersion"]  # the operator has seen no more
            shop.edit("c00000")
            shop.edit("c00001")
            world.kubectl("delete", "configmap", "c00002", "-n", shop.namespace)
            crowd = "---\n".join(config_map(f"{name}-crowd") for name in numbered(200))
            world.apply(crowd, "-n", neighbour.namespace)
            shop.commit({"c00003": None, "c00004": "2"})
            world.cluster("kill-apiserver")
            etcd_compact(world)
            world.cluster("start-apiserver")
            etcd_compact(world)
            answer = world.run("kubectl", "get", "--raw", f"/api/v1/configmaps?watch=1&timeoutSeconds=3&resourceVersion={seen}")
            assert "too old resource version" in answer.stdout + answer.stderr
        finally:
            operator.child.send_signal(signal.SIGCONT)
        shop.healed()
        shop.edit("c00005")
        shop.healed()
        serves(neighbour)


# --- leader election ---


@contextlib.contextmanager
def two_operators(world, home, namespace):
    with contextlib.ExitStack() as stack:
        pair = []
        for name in ("first", "second"):
            operator = Operator(world, home / name, "--lease-namespace", namespace, "--identity", name, leader=True)
            pair.append(stack.enter_context(operator))
            wait_until(lambda: leads(pair[0]), 20, "the first leads")
        yield pair


def leads(operator):
    return operator.metric("capstan_leader") == 1


def test_the_second_takes_over_when_the_leader_dies(world, shop, neighbour, home):
    shop.commit(numbered(3, first=900))
    shop.install()
    with two_operators(world, home, shop.namespace) as (first, second):
        shop.converged()
        neighbour.converged()
        commit_and_catch(shop, first)
        assert not leads(second) and writes_of(second) == 0
        first.kill()
        shop.commit({"c00000": None, "c00001": "2"})
        wait_until(lambda: leads(second), TAKEOVER_SECONDS, "the second leads")
        shop.converged()
        serves(neighbour)
        first.start()
        serves(neighbour)
        assert leads(second) and not leads(first) and writes_of(first) == 0


def test_a_leader_that_is_asked_to_stop_hands_over_at_once(world, shop, neighbour, home):
    shop.commit(numbered(20))
    shop.install()
    with two_operators(world, home, shop.namespace) as (first, second):
        shop.converged()
        assert writes_of(second) == 0
        assert first.stop(5) == 0
        shop.commit({"c00000": None, "c00001": "2"})
        wait_until(lambda: leads(second), 5, "the second leads")
        shop.converged()
        serves(neighbour)


def test_a_leader_that_slept_past_its_lease_writes_no_more(world, shop, neighbour, home):
    shop.commit(numbered(20))
    shop.install()
    with two_operators(world, home, shop.namespace) as (first, second):
        shop.converged()
        neighbour.converged()
        first.child.send_signal(signal.SIGSTOP)
        try:
            wait_until(lambda: leads(second), TAKEOVER_SECONDS, "the second leads")
            shop.commit({"c00000": None, "c00001": "2"})
            shop.converged()
            before = wait_quiet(world)
        finally:
            first.child.send_signal(signal.SIGCONT)
        first.child.wait(5)
        assert wait_quiet(world) == before, f"it wrote by what it knew before it slept: {first.log()[-2000:]}"
        assert leads(second)
        shop.converged()
        serves(neighbour)


def test_a_leader_that_cannot_renew_ends_before_another_may_lead(world, shop, neighbour, home):
    shop.commit(numbered(20))
    shop.install()
    with server_is_whole(world), two_operators(world, home, shop.namespace) as (first, second):
        shop.converged()
        os.kill(daemon(world, "etcd"), signal.SIGSTOP)
        first.child.wait(LEASE_SECONDS)
        shop.commit({"c00000": None, "c00001": "2"})
        world.cluster("resume-etcd")
        wait_until(lambda: leads(second), TAKEOVER_SECONDS, "the second leads")
        shop.converged()
        serves(neighbour)


# --- the machine's faults ---


@pytest.fixture
def tiny_disk(home):
    """A file system of 1 MiB where the operator keeps its mirrors."""
    mirrors = home / "mirrors"
    mirrors.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", mirrors]
    if subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    yield mirrors
    subprocess.run(["umount", "-l", mirrors], check=True)


def test_a_full_disk_is_told_and_overcome(world, shop, neighbour, home, tiny_disk):
    shop.commit(numbered(20))
    shop.install()
    with Operator(world, home) as operator:
        shop.converged()
        neighbour.converged()
        filler = tiny_disk / "filler"
        with open(filler, "wb", buffering=0) as out, contextlib.suppress(OSError):
            while out.write(b"x" * 4096):
                pass
        shop.commit({"c00000": None, "c00001": "2"} | numbered(50, "x" * 200, first=100))
        wait_until(lambda: "space" in shop.status().lower(), 20, lambda: f"it is told: {shop.status()}")
        shop.edit("c00005")
        wait_until(lambda: shop.live()["c00005"] == "1", 20, "what is known is kept")
        operator.kill()
        operator.start()
        shop.edit("c00006")
        time.sleep(3)
        assert operator.is_ready()
        assert {"c00000", "c00002"} <= shop.live().keys(), "nothing is pruned by a revision that cannot be read"
        filler.unlink()
        shop.converged(60)
        serves(neighbour)


def set_clock(file, seconds):
    file.with_suffix(".new").write_text(f"{seconds:+d}\n")
    file.with_suffix(".new").rename(file)


def renewed_ahead(world, namespace):
    """By how many seconds the last renewal's time is ahead of the real one."""
    text = world.get("lease", "capstan", "-n", namespace)["spec"]["renewTime"]
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() - time.time()


def test_the_clock_jumps_an_hour(world, shop, neighbour, home, tmp_path):
    """Forth and back while it syncs; the Lease, the deadlines and the polls go by a clock that does not jump."""
    if not FAKETIME or not shutil.which("faketime"):
        pytest.skip("libfaketime is not installed (Debian package faketime)")
    clock = tmp_path / "clock"
    set_clock(clock, 7200)  # ahead, so that an hour back is not before the certificates
    jumping = copy.copy(world)
    jumping.env = dict(world.env, LD_PRELOAD=str(FAKETIME), FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1",
                       FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1")
    arguments = ("--lease-namespace", shop.namespace, "--identity", "jumper")
    with Operator(jumping, home, *arguments, leader=True) as operator:
        neighbour.converged()
        shop.install(sync="timeout: 60s")
        for step, offset in enumerate((10800, 3600, 7200, 3600, 10800)):
            shop.commit(numbered(100, str(step), first=50 * step))
            time.sleep(1.2)
            set_clock(clock, offset)
            wait_until(lambda: abs(renewed_ahead(world, shop.namespace) - offset) < 600, 10, "the Lease tells the new time")
            shop.converged()
            serves(neighbour)
            assert leads(operator)
            assert "deadline" not in shop.status().lower(), shop.status()
        time.sleep(12)  # longer than a Lease lives
        assert leads(operator)
        shop.edit("c00000")
        shop.healed()


# --- size ---


def peak_memory_mib(operator):
    text = pathlib.Path(f"/proc/{operator.child.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", text).group(1)) / 1024


def test_twenty_thousand_objects_in_one_app(world, namespace, neighbour, home, tmp_path):
    shop = Shop(world, namespace, tmp_path / "git", group=3)
    shop.commit(numbered(20000))
    with Operator(world, home) as operator:
        neighbour.converged()
        shop.install()
        wait_until(lambda: writes_of(operator) > 1000, 60, "the sync runs")
        serves(neighbour)
        shop.converged(300)
        shop.commit({"c00007": "2", "c19999": None})
        shop.converged(60)
        peak = peak_memory_mib(operator)
        print(f"peak {peak:.0f} MiB")
        assert peak < PEAK_MEMORY_MIB
        serves(neighbour)
