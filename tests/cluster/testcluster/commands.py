"""What each command of `cluster` does."""
import contextlib
import os
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import api, control, fake, node, packages, process
from .state import MARKER, Cluster, Failure, all_clusters, locked

HERE = Path(__file__).resolve().parent.parent
SETS = {"none": ["etcd", "kubernetes"], "fake": ["etcd", "kubernetes", "scheduler", "kwok"],
        "real": ["etcd", "kubernetes", "scheduler", "node"]}


def say(text):
    print(f"cluster: {text}", file=sys.stderr, flush=True)


def up(cluster, nodes, owner):
    packages.need(HERE / "packages.txt")
    if nodes == "real":
        packages.need_root_and_network()
        packages.need(HERE / "packages-node.txt")
    bins = build(SETS[nodes])
    with locked(f"cluster-{cluster.id}"):
        if cluster.exists() and _usable(cluster.load(), nodes):
            say("is up already")
        else:
            _up_anew(cluster, nodes, owner, bins)
    print(f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}")
    print(f'export PATH={shlex.quote(str(bins["kubectl"].parent))}:"$PATH"')
    return 0


def build(sets):
    """Builds what is missing; returns the path of each program by its name."""
    done = subprocess.run([HERE / "build", *sets], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Failure("the programs of the cluster could not be built")
    return {program.name: program for line in done.stdout.split() for program in Path(line).iterdir()
            if not program.name.startswith(".")}


def _usable(cluster, nodes):
    if not _healthy(cluster):
        return False
    if cluster.state["nodes"] != nodes:
        raise Failure(f"is up already, with nodes: {cluster.state['nodes']}; take it down first")
    return True


def _healthy(cluster):
    records = cluster.state["processes"].values()
    return all(process.state_word(r) == "running" for r in records) and "apiserver" in cluster.state["ports"] \
        and api.ok(cluster, "/readyz")


def _up_anew(cluster, nodes, owner, programs):
    began = time.monotonic()
    _down(cluster)  # what an aborted start or a crash has left behind
    cluster.state = Cluster(cluster.dir).state | {"nodes": nodes}
    try:
        _prepare(cluster, owner)
        if nodes == "real":
            node.prepare(cluster)
        control.start(cluster, programs)
        part = {"fake": fake, "real": node}.get(nodes)
        if part:
            part.start(cluster, programs)
        control.wait(cluster)
        if part:
            part.wait(cluster)
    except BaseException:
        with contextlib.suppress(Failure):
            _down(cluster)
        raise
    say(f"up in {time.monotonic() - began:.1f} s: {cluster.url}, logs in {cluster.logs}")


def _prepare(cluster, owner):
    cluster.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    for log in cluster.logs.glob("*.log"):
        log.unlink()
    cluster.save()
    if owner:
        _start_watch(cluster, owner)  # first, so that it covers all that follows
    # A real node's server has port 443 of its own network namespace.
    cluster.reserve_ports(name for name in control.PORTS if not (cluster.real and name == "apiserver"))
    cluster.save()


def _start_watch(cluster, owner):
    if process.start_time(owner) is None:
        raise Failure(f"the owner, process {owner}, is not there")
    with open(process.log_path(cluster, "watch"), "ab") as log:
        # Without the marker: it must not end itself while it takes the cluster down.
        environment = {k: v for k, v in process.environment(cluster).items() if k != MARKER}
        child = subprocess.Popen([HERE / "cluster", "watch", cluster.dir, "--owner", str(owner)], cwd="/",
                                 stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                 env=environment)
    cluster.state["watch"] = {"pid": child.pid, "start": process.start_time(child.pid)}
    cluster.save()


def watch(cluster, owner):
    """Waits for the owner's end, then takes the cluster down. Ended by `down` itself in the ordinary case."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(owner)
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll()
    say(f"process {owner}, the owner, has ended: taking the cluster down")
    return down(cluster)


def down(cluster):
    # A start that is still at work (its owner has ended, say) holds the lock until it is done or has failed.
    with locked(f"cluster-{cluster.id}"):
        _down(cluster)
    return 0


def _down(cluster):
    if not cluster.exists():
        return
    cluster.load()
    guard = cluster.state.get("watch")
    if guard and guard["pid"] != os.getpid():
        process.kill([guard])
    if cluster.real:
        node.down(cluster)
    # The data is thrown away, so there is nothing to wait for.
    process.end(cluster, list(cluster.state["processes"]))
    process.kill(process.marked(cluster))  # started but not recorded, or started by a daemon
    if cluster.real:
        node.clean(cluster)
    cluster.kubeconfig.unlink(missing_ok=True)
    cluster.forget()


def status(cluster):
    if not cluster.exists():
        print("not up")
        return 3
    cluster.load()
    for name, record in cluster.state["processes"].items():
        print(f"{name:24} {record['pid']:>8} {process.state_word(record)}")
    healthy = _healthy(cluster)
    print(f"{cluster.url} {'ready' if healthy else 'not ready'}")
    return 0 if healthy else 3


def list_all():
    for cluster in all_clusters():
        print(f"{cluster.dir} nodes={cluster.state['nodes']} {'ready' if _healthy(cluster) else 'not ready'}")
    return 0


def _loaded(cluster):
    if not cluster.exists():
        raise Failure(f"no cluster is up in {cluster.dir}")
    return cluster.load()


def kill_apiserver(cluster):
    with locked(f"cluster-{cluster.id}"):
        control.kill_apiserver(_loaded(cluster))
    return 0


def start_apiserver(cluster):
    with locked(f"cluster-{cluster.id}"):
        control.start_apiserver(_loaded(cluster))
    return 0


def pause_etcd(cluster):
    process.send(_loaded(cluster), "etcd", signal.SIGSTOP)
    return 0


def resume_etcd(cluster):
    process.send(_loaded(cluster), "etcd", signal.SIGCONT)
    return 0


def load_image(cluster, image):
    if not _loaded(cluster).real:
        raise Failure("only a cluster with --nodes real has use for an image")
    node.load_image(cluster, image)
    return 0
