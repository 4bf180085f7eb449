"""A git server of smart HTTP: git's own http-backend behind Python's server, with TLS and a password when asked for."""
import base64
import http.server
import os
import pathlib
import ssl
import subprocess
import threading
import urllib.parse

BACKEND = "/usr/lib/git-core/git-http-backend"


class GitServer:
    """Serves the repositories below `root` for reading until closed; url("repo.git") is where one is."""

    def __init__(self, root, address="127.0.0.1", certificate=None, password=None):
        """certificate: (certificate file, key file). password: (user, password), asked of everybody."""
        self.root = pathlib.Path(root)
        self.wanted = "Basic " + base64.b64encode(":".join(password).encode()).decode() if password else None
        self.scheme = "https" if certificate else "http"
        self.requests = 0
        handler = type("Handler", (_Handler,), {"owner": self})
        self.server = http.server.ThreadingHTTPServer((address, 0), handler)
        self.server.daemon_threads = True
        if certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*certificate)
            # The handshake is the connection's own thread's: one that never ends must not hold up the others.
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def url(self, path):
        address, port = self.server.server_address[:2]
        return f"{self.scheme}://{address}:{port}/{path}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *args):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_GET(self):  # pylint: disable=invalid-name
        self.owner.requests += 1
        body = self.body()
        if self.owner.wanted and self.headers.get("Authorization") != self.owner.wanted:
            return self.answer(401, [("WWW-Authenticate", 'Basic realm="git"')], b"")
        where = urllib.parse.urlsplit(self.path)
        env = {
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.owner.root), "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
            "GIT_CONFIG_KEY_1": "uploadpack.allowAnySHA1InWant", "GIT_CONFIG_VALUE_1": "true",
            "PATH_INFO": urllib.parse.unquote(where.path), "QUERY_STRING": where.query,
            "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)), "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""), "REMOTE_ADDR": self.client_address[0],
        }
        done = subprocess.run([BACKEND], env=env, input=body, stdout=subprocess.PIPE, timeout=60, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = [tuple(line.split(": ", 1)) for line in head.decode("latin-1").split("\r\n") if line]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        return self.answer(status, [pair for pair in headers if pair[0] != "Status"], content)

    do_POST = do_GET  # pylint: disable=invalid-name
