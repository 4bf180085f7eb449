"""What a real node changes on this machine, and how each of these is undone: network, cgroups, mounts, sysctls.

The whole cluster lives in a network namespace, joined to this machine by a pair of interfaces:

    machine  10.213.N.1  ----  10.213.N.2  node (API server on 443)  ----  bridge 10.213.N.129, pods 10.213.N.130 ...

Everything is routed and nothing is translated, so the machine reaches pods by their addresses, and pods reach
servers that a test runs on 10.213.N.1. N is reserved per cluster.
"""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import pki, process
from .state import Failure, all_clusters, locked, shared_dir

SYSCTLS = ["vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"]
CNI_RESULTS = Path("/var/lib/cni/results")


def _run(*args, check=True):
    done = subprocess.run([str(arg) for arg in args], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise Failure(f"{' '.join(map(str, args))}: {done.stderr.strip()}")
    return done


def _interface(cluster):
    return f"cap-{cluster.id}"


def pod_subnet(cluster):
    return f"10.213.{cluster.state['subnet']}.128/25"


def make_network(cluster):
    here, there = (f"10.213.{cluster.state['subnet']}.{i}" for i in (1, 2))
    name, link = cluster.netns, _interface(cluster)
    _run("ip", "netns", "add", name)
    _run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
    _run("ip", "addr", "add", f"{here}/30", "dev", link)
    _run("ip", "link", "set", link, "up")
    _run("ip", "-n", name, "link", "set", "lo", "up")
    _run("ip", "-n", name, "addr", "add", f"{there}/30", "dev", "eth0")
    # The address of the service 'kubernetes': with the server on port 443, pods reach it without kube-proxy.
    _run("ip", "-n", name, "addr", "add", f"{pki.SERVICE_IP}/32", "dev", "lo")
    _run("ip", "-n", name, "link", "set", "eth0", "up")
    _run("ip", "-n", name, "route", "add", "default", "via", here)
    _run("nsenter", f"--net=/run/netns/{name}", "--", "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    _run("ip", "route", "add", pod_subnet(cluster), "via", there)


def remove_network(cluster):
    _run("ip", "link", "del", _interface(cluster), check=False)
    for result in CNI_RESULTS.glob(f"{cluster.netns}-*"):
        _remove_pod_network(result)
    _run("ip", "netns", "del", cluster.netns, check=False)


def _remove_pod_network(result):
    """Of a pod that was not ended in order: the bridge plugin's record of it tells what there is to remove."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        record = json.loads(result.read_text(encoding="utf-8"))
        for interface in record["result"]["interfaces"]:
            name = Path(interface.get("sandbox", "")).name
            if name.startswith("cni-"):
                _run("ip", "netns", "del", name, check=False)
        for other in CNI_RESULTS.glob(f"*-{record['containerId']}-*"):
            other.unlink(missing_ok=True)
    result.unlink(missing_ok=True)


def _hierarchies():
    """The mount point of each cgroup hierarchy: one for version 2, one for each controller of version 1."""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        if after.split()[0] in ("cgroup", "cgroup2"):
            yield Path(before.split()[4])


def make_cgroups(cluster):
    """A root of the cluster's own: with a shared one, each kubelet would end the pods of the others as orphans."""
    for mount in _hierarchies():
        ours = mount / cluster.netns
        ours.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):  # version 1 begins with none, and then refuses processes
            file = ours / name
            with contextlib.suppress(OSError):
                if file.exists() and (mount / name).exists() and not file.read_text(encoding="ascii").strip():
                    file.write_text((mount / name).read_text(encoding="ascii"), encoding="ascii")
        with contextlib.suppress(OSError):
            control = (mount / "cgroup.controllers").read_text(encoding="ascii").split()
            (mount / "cgroup.subtree_control").write_text(" ".join(f"+{c}" for c in control), encoding="ascii")


def _cgroup_dirs(cluster):
    for mount in _hierarchies():
        for path, _, _ in os.walk(mount / cluster.netns, topdown=False):
            yield Path(path)


def remove_cgroups(cluster, seconds=10.0):
    """Ends what still runs in them (containers do not carry the marker of the daemons), then removes them."""
    deadline = time.monotonic() + seconds
    while (left := list(_cgroup_dirs(cluster))) and time.monotonic() < deadline:
        for path in left:
            with contextlib.suppress(OSError):
                for pid in (path / "cgroup.procs").read_text(encoding="ascii").split():
                    os.kill(int(pid), signal.SIGKILL)
            with contextlib.suppress(OSError):
                path.rmdir()
        time.sleep(0.02)


def unmount_all(cluster):
    """Deepest first; lazily, because a mount that is busy would keep the data directory for ever."""
    ours = [f"{path}/" for path in (cluster.data, cluster.run)]
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()]
    for mount in reversed(mounts):
        if any(mount.startswith(path) for path in ours):
            _run("umount", "--lazy", mount.encode().decode("unicode_escape"), check=False)


def remove_files(cluster):
    # The sockets of shims lie outside of all directories that can be chosen; each shim's bundle names its own.
    for bundle in cluster.run.glob("containerd/io.containerd.runtime.v2.task/*/*/address"):
        address = bundle.read_text(encoding="utf-8").strip().removeprefix("unix://")
        if address.startswith("/run/containerd/s/"):
            Path(address).unlink(missing_ok=True)
    shutil.rmtree(cluster.run, ignore_errors=True)
    for link in Path("/var/log/containers").glob("*"):
        if link.is_symlink() and os.readlink(link).startswith(f"{cluster.data}/"):
            link.unlink()


def save_sysctls():
    """The kubelet changes these for the whole machine. The first real node keeps their values, the last restores."""
    with locked("sysctls"):
        kept = shared_dir() / "sysctls.json"
        if not kept.exists():
            values = {name: Path("/proc/sys", name).read_text(encoding="ascii").strip() for name in SYSCTLS}
            kept.write_text(json.dumps(values), encoding="ascii")


def restore_sysctls(cluster):
    with locked("sysctls"):
        kept = shared_dir() / "sysctls.json"
        if not kept.exists() or any(other.id != cluster.id and _has_kubelet(other) for other in all_clusters()):
            return
        for name, value in json.loads(kept.read_text(encoding="ascii")).items():
            with contextlib.suppress(OSError):
                Path("/proc/sys", name).write_text(value, encoding="ascii")
        kept.unlink()


def _has_kubelet(cluster):
    record = cluster.state["processes"].get("kubelet")
    return record is not None and process.alive(record)
