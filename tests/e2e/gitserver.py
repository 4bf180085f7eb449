"""Servers of git for the tests of sources: https with what a company asks for, and ssh by a real sshd.

Authority    a certificate authority: certificates of servers and clients
HttpsServer  http-backend behind TLS; counts what is asked, and can stop answering in the middle of a pack
SshServer    Debian's sshd on a port of its own
"""
import getpass
import gzip
import pathlib
import re
import ssl
import subprocess
import threading

from git_http import GitServer
from harness import free_port, wait_until

STALL_SECONDS = 60  # a stalled answer ends by itself, should the test not end it


def _run(*argv):
    return subprocess.run([str(a) for a in argv], check=True, timeout=60, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True).stdout


class Authority:
    """A certificate authority in a directory; `certificate` is its PEM file."""

    def __init__(self, directory, name="Test Authority"):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.certificate, self.key = self.directory / "ca.crt", self.directory / "ca.key"
        _run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
             "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.certificate)

    def issue(self, name):
        """(certificate file, key file) for 127.0.0.1 as a server, and for `name` as a client."""
        key, request, certificate = (self.directory / f"{name}.{end}" for end in ("key", "csr", "crt"))
        extensions = self.directory / f"{name}.ext"
        extensions.write_text("subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n")
        _run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
             "-keyout", key, "-out", request)
        _run("openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
             "-days", "2", "-extfile", extensions, "-out", certificate)
        return certificate, key


class _Watched:
    """What HttpsServer adds to the handler of GitServer."""

    asked = ""

    def do_GET(self):  # pylint: disable=invalid-name
        if not self.owner.moved_to:
            super().do_GET()
            return
        self.asked = ""
        self.answer(302, [("Location", self.owner.moved_to + self.path)], b"")

    def body(self):
        self.owner.authorizations.append(self.headers.get("Authorization", ""))
        body = super().body()
        text = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
        command = re.search(rb"command=([a-z-]+)", text)
        self.asked = command[1].decode() if command else ""
        if command:
            self.owner.commands.append(self.asked)
        return body

    def answer(self, status, headers, body):
        if self.asked != "fetch" or not self.owner.stalled:
            super().answer(status, headers, body)
            return
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:len(body) // 2])
        self.wfile.flush()
        self.owner.stalls += 1
        self.owner.goes_on.wait(STALL_SECONDS)
        self.close_connection = True


class HttpsServer(GitServer):
    """GitServer with a bearer token or client certificates, too.

    commands        what git asked for, in order: "ls-refs" is a poll, "fetch" brings a pack
    authorizations  what requests had as Authorization, "" for nothing
    moved_to        the server that clients are sent to, as http://HOST:PORT
    stall()         from now on a pack stops in its middle; go_on() ends that
    """

    def __init__(self, root, certificate=None, password=None, token=None, clients=None, address="127.0.0.1"):
        """clients: PEM file of the authority of the certificates that clients must have."""
        self.commands, self.authorizations, self.moved_to = [], [], None
        self.stalled, self.stalls, self.goes_on = False, 0, threading.Event()
        super().__init__(root, address, certificate, password)
        if token:
            self.wanted = f"Bearer {token}"
        if clients:
            self.server.socket.context.verify_mode = ssl.CERT_REQUIRED
            self.server.socket.context.load_verify_locations(clients)
        self.server.RequestHandlerClass = type("Handler", (_Watched, self.server.RequestHandlerClass), {})
        self.server.handle_error = lambda *_: None  # clients that are refused, or killed, are part of the tests

    def stall(self):
        self.goes_on.clear()
        self.stalled = True

    def go_on(self):
        self.stalled = False
        self.goes_on.set()

    def close(self):
        self.go_on()
        super().close()


def make_key(path):
    """(private key, public key) as text."""
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", path)
    return path.read_text(), path.with_suffix(".pub").read_text()


class SshServer:
    """sshd for the user of the tests, who logs in with `identity`; known_hosts is the line that its host key needs."""

    def __init__(self, directory):
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)  # sshd of root insists on it
        self.log_file = directory / "sshd.log"
        self.port = free_port()
        host_key = make_key(directory / "host")[1]
        self.known_hosts = self.known_as(host_key)
        self.identity, user_key = make_key(directory / "user")
        (directory / "authorized_keys").write_text(user_key)
        configuration = directory / "sshd_config"
        configuration.write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {directory}/host\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {directory}/authorized_keys\nStrictModes no\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nAcceptEnv GIT_PROTOCOL\n")
        self.child = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(configuration), "-E", str(self.log_file)],
                                      stdin=subprocess.DEVNULL)
        wait_until(lambda: self.log_file.exists() and "Server listening" in self.log_file.read_text(), 10, "sshd listens")

    def known_as(self, public_key):
        """The line of known_hosts that says that this server has that key."""
        return f"[127.0.0.1]:{self.port} {' '.join(public_key.split()[:2])}\n"

    def url(self, path):
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"

    def close(self):
        self.child.terminate()
        self.child.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
