"""Daemons: started in sessions of their own, recorded by pid and start time, and ended for certain.

A pid alone is not enough to end a process later: it may have been reused. Each record has the start time from
/proc too. Every daemon also carries the cluster's id in its environment, so that one which was started but not
yet recorded when `up` was killed is found all the same.
"""
import os
import signal
import subprocess
import time
from pathlib import Path

from .state import MARKER, Failure

TAIL_LINES = 25


def _stat(pid):
    """The state letter and start time of a process, or None when there is none (or only a zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (fields[0], int(fields[19]))


def start_time(pid):
    stat = _stat(pid)
    return stat[1] if stat else None


def alive(record):
    stat = _stat(record["pid"])
    return stat is not None and stat[1] == record["start"]


def state_word(record):
    if not alive(record):
        return "dead"
    return "stopped" if (_stat(record["pid"]) or "?")[0] == "T" else "running"


def environment(cluster):
    """The daemons' environment: no proxies (they talk to this machine alone), and the marker."""
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and k != "KUBECONFIG"}
    return kept | {MARKER: cluster.id}


def log_path(cluster, name):
    return cluster.logs / f"{name}.log"


def start(cluster, name, argv):
    """Starts a daemon and records it at once."""
    command = [str(arg) for arg in argv]
    cluster.state.setdefault("argv", {})[name] = command
    if cluster.real:
        command = ["nsenter", f"--net=/run/netns/{cluster.netns}", "--"] + command
    with open(log_path(cluster, name), "ab") as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cluster.data,
                                 env=environment(cluster), start_new_session=True,
                                 pass_fds=[file.fileno() for file in cluster.reservations])
    cluster.state["processes"][name] = {"pid": child.pid, "start": start_time(child.pid)}
    cluster.save()
    return child


def restart(cluster, name):
    return start(cluster, name, cluster.state["argv"][name])


def tail(cluster, name):
    try:
        lines = log_path(cluster, name).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return "\n".join(f"  {line[:300]}" for line in lines[-TAIL_LINES:]) or "  (nothing)"


def wait_until(cluster, what, check, name, seconds=60.0):
    """Waits until check() is true; fails with the daemon's log when it ends or the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        if check():
            return
        if not alive(cluster.state["processes"][name]):
            raise Failure(f"{name} ended while waiting for {what}; the end of its log:\n{tail(cluster, name)}")
        if time.monotonic() > deadline:
            raise Failure(f"no {what} after {seconds:.0f} s; the end of the log of {name}:\n{tail(cluster, name)}")
        time.sleep(0.03)


def _signal(record, number):
    if alive(record):
        try:
            os.kill(record["pid"], number)
        except ProcessLookupError:
            pass


def send(cluster, name, number):
    record = cluster.state["processes"].get(name)
    if not record or not alive(record):
        raise Failure(f"{name} is not running")
    _signal(record, number)


def _wait_gone(records, seconds):
    deadline = time.monotonic() + seconds
    left = [record for record in records if alive(record)]
    while left and time.monotonic() < deadline:
        time.sleep(0.01)
        for record in left:
            _reap(record["pid"])
        left = [record for record in left if alive(record)]
    return left


def _reap(pid):
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


def end(cluster, names, gently=0.0):
    """Ends the named daemons: SIGKILL at once, or after SIGTERM and so many seconds."""
    records = [cluster.state["processes"][name] for name in names if name in cluster.state["processes"]]
    if gently:
        for record in records:
            _signal(record, signal.SIGTERM)
        _wait_gone(records, gently)
    kill(records)


def kill(records, seconds=10.0):
    for record in records:
        _signal(record, signal.SIGKILL)
    left = _wait_gone(records, seconds)
    if left:
        raise Failure("still there after SIGKILL: " + " ".join(str(record["pid"]) for record in left))


def all_processes():
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            yield int(entry)


def marked(cluster):
    """Every process of this cluster that is alive, recorded or not, but for the caller."""
    wanted = f"{MARKER}={cluster.id}".encode()
    found = []
    for pid in all_processes():
        try:
            ours = wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if ours and pid != os.getpid() and (begun := start_time(pid)) is not None:
            found.append({"pid": pid, "start": begun})
    return found
