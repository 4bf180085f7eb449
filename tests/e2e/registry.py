"""Registries for tests: Debian's docker-registry, and one made up that can lie; images that are pushed to them."""
import hashlib
import http.client
import http.server
import json
import shutil
import subprocess
import threading

from harness import free_port, wait_until

CONFIG = """version: 0.1
log: {level: info, accesslog: {disabled: false}}
storage:
  filesystem: {rootdirectory: %(root)s}
  delete: {enabled: true}
http:
  addr: 127.0.0.1:%(port)d
%(more)s"""

NOTIFICATIONS = """notifications:
  endpoints:
    - name: capstan
      url: %s
      headers: {Authorization: [Bearer %s]}
      timeout: 2s
      threshold: 3
      backoff: 200ms
"""

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


def installed():
    return shutil.which("docker-registry") is not None


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def image(words, created="2026-01-02T03:04:05Z"):
    """The configuration and the manifest of an image with one empty layer; words make it another one."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "created": created, "config": {"Labels": {"is": words}},
                         "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "config": {
        "mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config),
        "digest": digest(config)}}).encode()
    return config, manifest


class Registry:
    """docker-registry on a port of its own. Use as a context."""

    def __init__(self, directory, more=""):
        self.directory, self.port, self.more, self.child = directory, free_port(), more, None
        self.name = f"127.0.0.1:{self.port}"
        directory.mkdir(parents=True, exist_ok=True)

    def start(self):
        config = self.directory / "config.yml"
        config.write_text(CONFIG % {"root": self.directory / "data", "port": self.port, "more": self.more})
        with open(self.directory / "log", "ab") as log:
            self.child = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
        wait_until(self.answers, 20, lambda: (self.directory / "log").read_text()[-2000:])
        return self

    def answers(self):
        assert self.child.poll() is None, (self.directory / "log").read_text()[-2000:]
        try:
            return self.request("GET", "/v2/")[0] == 200
        except OSError:
            return False

    def stop(self):
        self.child.terminate()
        self.child.wait(10)

    __enter__ = start

    def __exit__(self, *exc):
        if self.child and self.child.poll() is None:
            self.child.kill()
            self.child.wait(10)

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def push(self, path, tag, words=None, created="2026-01-02T03:04:05Z"):
        """Its digest."""
        config, manifest = image(words or tag, created)
        status, headers, text = self.request("POST", f"/v2/{path}/blobs/uploads/")
        assert status == 202, text
        place = headers["Location"].split(self.name, 1)[1]
        status, _, text = self.request("PUT", f"{place}&digest={digest(config)}", config,
                                       {"Content-Type": "application/octet-stream"})
        assert status == 201, text
        status, _, text = self.request("PUT", f"/v2/{path}/manifests/{tag}", manifest, {"Content-Type": MANIFEST})
        assert status == 201, text
        return digest(manifest)

    def requests(self, words):
        """How often a line of the access log has these words."""
        return sum(words in line for line in (self.directory / "log").read_text().splitlines() if '" 200 ' in line)


class Fake:
    """A registry of one repository whose answers are ours: ETags, digests that lie, pages. Use as a context."""

    def __init__(self):
        self.tags, self.lie, self.log, self.wants = ["v1.0.0"], None, [], None
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *words):
                pass

            def answer(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_GET(self):
                fake.log.append((self.command, self.path, self.headers.get("If-None-Match")))
                if fake.wants and self.headers.get("Authorization") != fake.wants:
                    self.answer(401, WWW_Authenticate='Basic realm="fake"')
                elif "/tags/list" in self.path:
                    etag = '"%s"' % digest(json.dumps(fake.tags).encode())[7:23]
                    if self.headers.get("If-None-Match") == etag:
                        self.answer(304, ETag=etag)
                    else:
                        self.answer(200, json.dumps({"name": "app", "tags": fake.tags}).encode(), ETag=etag)
                elif "/manifests/" in self.path:
                    _, manifest = image(self.path)
                    self.answer(200, manifest, Docker_Content_Digest=fake.lie or digest(manifest))
                else:
                    self.answer(404)

            do_HEAD = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.name = f"127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()
