"""What a cluster is on disk: its directory, its state file, and the ports and subnets it has reserved.

A cluster is named by a hash of its directory, so that it can be taken down even when somebody has removed that
directory: the state lives beside etcd's data, on /dev/shm, and not in the directory itself.
"""
import contextlib
import fcntl
import hashlib
import json
import os
import random
import shutil
import socket
from pathlib import Path

MARKER = "CAPSTAN_CLUSTER_ID"


class Failure(Exception):
    """Something a user can act upon; its text is all that is printed."""


def data_root():
    """Where data lives: memory, when there is some, since a test's etcd has no need of a disk."""
    chosen = os.environ.get("CAPSTAN_CLUSTER_DATA")
    if chosen:
        return Path(chosen)
    shm = Path("/dev/shm")
    return shm if shm.is_dir() and os.access(shm, os.W_OK) else Path("/tmp")


def shared_dir():
    """Reservations, shared by all clusters of a user and thus not moved by an environment variable."""
    path = Path(f"/tmp/capstan-cluster-{os.getuid()}")
    path.mkdir(mode=0o700, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(name):
    """Holds a lock over all clusters of this user. The holder removes the file; who has waited on it tries anew."""
    path = shared_dir() / f"{name}.lock"
    while True:
        with open(path, "w", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not path.exists() or path.stat().st_ino != os.fstat(file.fileno()).st_ino:
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


class Cluster:
    """The paths of one cluster and its saved state."""

    def __init__(self, directory):
        self.dir = Path(os.path.realpath(directory))
        self.id = hashlib.sha256(str(self.dir).encode()).hexdigest()[:8]
        self.data = data_root() / f"capstan-cluster-{self.id}"
        self.run = Path("/run") / f"capstan-{self.id}"
        self.pki = self.dir / "pki"
        self.logs = self.dir / "logs"
        self.kubeconfig = self.dir / "kubeconfig"
        self.netns = f"capstan-{self.id}"
        self.state = {"dir": str(self.dir), "nodes": "none", "processes": {}, "ports": {}}
        # Open files whose locks reserve ports; etcd inherits them, so that a reservation lives as long as it does.
        self.reservations = []

    @property
    def host(self):
        return self.state.get("host", "127.0.0.1")

    @property
    def real(self):
        return self.state["nodes"] == "real"

    def port(self, name):
        return self.state["ports"][name]

    @property
    def url(self):
        return f"https://{self.host}:{self.port('apiserver')}"

    def exists(self):
        return (self.data / "state.json").exists()

    def load(self):
        with contextlib.suppress(FileNotFoundError):
            self.state = json.loads((self.data / "state.json").read_text(encoding="utf-8"))
        return self

    def save(self):
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.data / "state.json.new"
        new.write_text(json.dumps(self.state, indent=1), encoding="utf-8")
        new.rename(self.data / "state.json")

    def forget(self):
        with locked("reservations"):
            for name in self.state["ports"].values():
                (shared_dir() / f"port-{name}").unlink(missing_ok=True)
            if "subnet" in self.state:
                (shared_dir() / f"subnet-{self.state['subnet']}").unlink(missing_ok=True)
        shutil.rmtree(self.data, ignore_errors=True)

    def reserve_ports(self, names):
        """Chooses a free port for each name, below the range the kernel hands out to outgoing connections."""
        candidates = list(range(20000, 32000))
        random.shuffle(candidates)
        with locked("reservations"):
            for name in names:
                self.state["ports"][name] = self._reserve("port", (p for p in candidates if port_is_free(p)))

    def reserve_subnet(self):
        """Chooses N of 10.213.N.0/24, for the network namespace of a real node."""
        with locked("reservations"):
            self.state["subnet"] = self._reserve("subnet", range(1, 255))

    def _reserve(self, kind, candidates):
        for number in candidates:
            file = open(shared_dir() / f"{kind}-{number}", "w", encoding="ascii")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                continue
            self.reservations.append(file)
            return number
        raise Failure(f"no {kind} is free")


def port_is_free(port):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def all_clusters():
    for path in sorted(data_root().glob("capstan-cluster-*/state.json")):
        with contextlib.suppress(OSError, ValueError):
            yield Cluster(json.loads(path.read_text(encoding="utf-8"))["dir"]).load()
