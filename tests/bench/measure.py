"""What the benchmark needs to look at a cluster and a process without disturbing them: Python's standard library only.

Cluster     a test cluster of its own (tests/cluster/cluster), taken down when the `with` ends
Api         requests on a kept connection, as the current context of the kubeconfig
Watch       a watch read by a thread; waits for a condition over its lines, timed on arrival
Process     a program with its CPU, memory and log; it dies with the harness, whatever happens to that
"""
import base64
import http.client
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import ssl
import subprocess
import threading
import time

REPO = pathlib.Path(__file__).resolve().parent.parent.parent
TICK = os.sysconf("SC_CLK_TCK")
WRITES = {"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"}
# Reviews are questions, and Leases are allowed.
NO_WRITES = {"leases", "tokenreviews", "subjectaccessreviews", "selfsubjectaccessreviews"}


class Failed(Exception):
    """A row could not be measured; the text says why."""


class Cluster:
    def __init__(self, directory, *options):
        self.directory = pathlib.Path(directory)
        self.options = options  # of `cluster up`
        self.tool = [str(REPO / "tests" / "cluster" / "cluster")]
        self.env = dict(os.environ)

    def __enter__(self):
        try:
            up = subprocess.run(self.tool + ["up", str(self.directory), "--owner", str(os.getpid()), *self.options], check=True,
                                stdout=subprocess.PIPE, text=True, timeout=1800)
        except BaseException:
            self.down()
            raise
        for name, value in re.findall(r"^export (\w+)=(.*)$", up.stdout, re.M):
            expanded = shlex.split(value.rstrip(";"))[0] if value else ""
            self.env[name] = expanded.replace("$PATH", os.environ["PATH"]).replace("${PATH}", os.environ["PATH"])
        return self

    def __exit__(self, *exc):
        self.down()

    def down(self):
        subprocess.run(self.tool + ["down", str(self.directory)], stdout=subprocess.DEVNULL, timeout=120)

    def kubectl(self, *args):
        done = subprocess.run(["kubectl", *args], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=600)
        if done.returncode:
            raise Failed(f"kubectl {args[0]}: {done.stdout.strip()[-500:]}")
        return done.stdout


class Api:
    def __init__(self, cluster):
        view = json.loads(cluster.kubectl("config", "view", "--raw", "--flatten", "--minify", "-o", "json"))
        server = view["clusters"][0]["cluster"]
        user = view["users"][0]["user"]
        self.headers = {"Accept": "application/json"}
        self.host = server["server"].removeprefix("https://").rstrip("/")
        self.tls = ssl.create_default_context(
            cadata=base64.b64decode(server["certificate-authority-data"]).decode())
        if "token" in user:
            self.headers["Authorization"] = "Bearer " + user["token"]
        if "client-certificate-data" in user:
            pem = cluster.directory / "bench-client.pem"
            pem.touch(mode=0o600)
            pem.write_bytes(base64.b64decode(user["client-certificate-data"]) + b"\n" +
                            base64.b64decode(user["client-key-data"]))
            self.tls.load_cert_chain(pem)
        self.connection = self.connect()

    def connect(self, timeout=60):
        connection = http.client.HTTPSConnection(self.host, context=self.tls, timeout=timeout)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def request(self, method, path, body=None, kind="application/json"):
        headers = dict(self.headers)
        data = None
        if body is not None:
            headers["Content-Type"] = kind
            data = json.dumps(body).encode()
        try:
            self.connection.request(method, path, body=data, headers=headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            # An idle connection that the server closed, or an answer that broke off: the next request starts anew.
            self.connection.close()
            self.connection = self.connect()
            if method != "GET" and not (method == "PATCH" and "merge" in kind):
                raise
            self.connection.request(method, path, body=data, headers=headers)
            answer = self.connection.getresponse()
            text = answer.read()
        if answer.status >= 300:
            raise Failed(f"{method} {path}: {answer.status} {text[:300].decode(errors='replace')}")
        return text

    def get(self, path):
        return json.loads(self.request("GET", path))

    def merge_patch(self, path, body):
        return json.loads(self.request("PATCH", path, body, "application/merge-patch+json"))

    def writes(self):
        """{"VERB resource": count} of all writes that the server has seen, Leases and reviews aside."""
        counts = {}
        for line in self.request("GET", "/metrics").decode().splitlines():
            if not line.startswith("apiserver_request_total{"):
                continue
            labels = dict(re.findall(r'(\w+)="([^"]*)"', line))
            if labels.get("verb") in WRITES and labels.get("resource") not in NO_WRITES:
                key = "%s %s%s" % (labels["verb"], labels.get("resource"),
                                   "/" + labels["subresource"] if labels.get("subresource") else "")
                counts[key] = counts.get(key, 0) + int(float(line.rsplit(" ", 1)[1]))
        return counts


class Watch:
    """Calls see(when, line) for every event, from a thread, until closed. see() returns True when what was waited for is there.

    A watch that the server ends (it does when a reader is slow) goes on at the last resourceVersion that was seen.
    """

    def __init__(self, api, path, see):
        self.api, self.path, self.see = api, path, see
        self.done = threading.Event()
        self.when = None
        self.error = None
        self.version = None
        self.closed = False
        self.open()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def open(self):
        query = "watch=true&timeoutSeconds=7200" + (f"&resourceVersion={self.version}" if self.version else "")
        self.connection = self.api.connect(timeout=None)
        self.connection.request("GET", self.path + ("&" if "?" in self.path else "?") + query, headers=self.api.headers)
        self.answer = self.connection.getresponse()
        if self.answer.status != 200:
            raise Failed(f"watch {self.path}: {self.answer.status} {self.answer.read(300)!r}")
        self.socket = self.connection.sock or self.answer.fp.raw._sock

    def lines(self):
        while not self.closed:
            while line := self.answer.readline():
                yield line
                found = re.search(rb'"resourceVersion":"(\d+)"', line)
                # An ERROR event: what was missed is not known, so all is seen anew.
                self.version = found.group(1).decode() if found and b'"type":"ERROR"' not in line[:20] else None
            if not self.closed:
                self.connection.close()
                self.open()

    def read(self):
        try:
            for line in self.lines():
                now = time.monotonic()
                if self.see(now, line):
                    self.when = now
                    self.done.set()
        except (OSError, ValueError, AttributeError, http.client.HTTPException, Failed) as error:
            self.error = error
        self.done.set()

    def wait(self, timeout, what):
        if not self.done.wait(timeout):
            raise Failed(f"{what}: not within {timeout} s")
        if self.when is None:
            raise Failed(f"{what}: the watch ended ({self.error})")
        return self.when

    def close(self):
        self.closed = True
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(5)
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Process:
    def __init__(self, argv, env, log):
        self.log = pathlib.Path(log)
        self.started = time.monotonic()
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *argv], env=env, stdin=subprocess.DEVNULL,
                                          stdout=out, stderr=out, start_new_session=True)

    def alive(self):
        if self.child.poll() is not None:
            raise Failed(f"it ended with {self.child.returncode}: {self.tail()}")

    def tail(self):
        return self.log.read_text(errors="replace")[-600:].strip()

    def cpu(self):
        """CPU seconds of the process and of the children that it has waited for."""
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return sum(int(f) for f in fields[11:15]) / TICK

    def fine_cpu(self):
        """CPU seconds of the threads alone, in nanoseconds' steps."""
        total = 0
        for task in pathlib.Path(f"/proc/{self.child.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except OSError:
                pass  # a thread that ended meanwhile
        return total / 1e9

    def memory(self, key):
        """MiB; key is VmRSS or VmHWM."""
        text = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+) kB", text, re.M).group(1)) / 1024

    def settle(self, quiet=1.0, budget=0.01, timeout=120):
        """When the last busy moment was before `quiet` seconds with less than `budget` CPU seconds."""
        deadline = time.monotonic() + timeout
        samples = [(time.monotonic(), self.cpu_now())]
        while time.monotonic() < deadline:
            time.sleep(0.02)
            now, cpu = time.monotonic(), self.cpu_now()
            samples.append((now, cpu))
            if now - samples[0][0] >= quiet:
                if cpu - samples[0][1] < budget:
                    return samples[0][0]
                samples = [s for s in samples if now - s[0] < quiet]
        raise Failed(f"it is still busy after {timeout} s")

    def cpu_now(self):
        self.alive()
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return self.fine_cpu() + sum(int(f) for f in fields[13:15]) / TICK

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.child.pid, signal.SIGKILL)  # its session: nothing that it started stays behind
        except ProcessLookupError:
            pass
        self.child.wait()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def http_local(port, method, path, timeout=30):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
