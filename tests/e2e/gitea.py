"""A real Gitea on loopback, with one user; see tests/services/README.md."""
import base64
import json
import os
import pathlib
import pwd
import shutil
import signal
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request

from harness import free_port, wait_until

SERVICES = pathlib.Path(__file__).resolve().parents[1] / "services" / "build"
USER, PASSWORD = "dev", "a-password-for-tests"

APP_INI = """\
RUN_MODE = prod
RUN_USER = %(account)s
WORK_PATH = %(home)s
[server]
PROTOCOL = https
CERT_FILE = %(home)s/cert.pem
KEY_FILE = %(home)s/key.pem
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %(port)s
ROOT_URL = https://127.0.0.1:%(port)s/
STATIC_ROOT_PATH = %(home)s/share
DISABLE_SSH = true
OFFLINE_MODE = true
LFS_START_SERVER = false
[database]
DB_TYPE = sqlite3
PATH = %(home)s/gitea.db
[security]
INSTALL_LOCK = true
SECRET_KEY = of-no-worth
PASSWORD_HASH_ALGO = pbkdf2$1000$50
[oauth2]
ENABLED = false
[webhook]
ALLOWED_HOST_LIST = loopback
[repository]
ROOT = %(home)s/repositories
DEFAULT_BRANCH = main
[indexer]
ISSUE_INDEXER_TYPE = db
[actions]
ENABLED = false
[packages]
ENABLED = false
[cron]
ENABLED = false
[log]
MODE = console
LEVEL = Warn
"""


class Gitea:
    """Use as a context: it is started, and ends with all it has at the end."""

    def __init__(self, directory):
        """directory: made; where another account may go, so not below a home directory that is closed."""
        self.home = pathlib.Path(directory)
        self.account = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.ca = self.home / "cert.pem"  # of its own making
        self.child = None

    def __enter__(self):
        built = subprocess.run([SERVICES, "gitea"], stdout=subprocess.PIPE, text=True, timeout=1800, check=True).stdout.strip()
        self.home.mkdir(parents=True)
        self.home.chmod(0o755)
        self.put(f"{built}/bin/gitea", "gitea")
        shutil.copytree(f"{built}/share", self.home / "share")
        (self.home / "app.ini").write_text(APP_INI % vars(self))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.home / "key.pem",
                        "-out", self.ca], check=True, timeout=60, stderr=subprocess.DEVNULL)
        if os.geteuid() == 0:
            # Not the program: it is the cache's own file.
            for path in (self.home, self.home / "app.ini", self.home / "key.pem"):
                shutil.chown(path, self.account)
        try:
            self.gitea("migrate")
            self.gitea("admin", "user", "create", "--username", USER, "--password", PASSWORD, "--email", "dev@example.test",
                       "--admin", "--must-change-password=false")
            with open(self.home / "log", "ab") as log:
                self.child = subprocess.Popen(self.argv("web"), env=self.env(), cwd=self.home, stdin=subprocess.DEVNULL,
                                              stdout=log, stderr=log)
            wait_until(self.is_up, 30, lambda: f"Gitea is up: {self.log()[-2000:]}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc):
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGKILL)
            self.child.wait(10)
        shutil.rmtree(self.home, ignore_errors=True)

    def put(self, source, name):
        """A link where it can be: the program is large."""
        try:
            os.link(source, self.home / name)
        except OSError:
            shutil.copy(source, self.home / name)
        (self.home / name).chmod(0o755)

    def argv(self, *arguments):
        drop = ["setpriv", f"--reuid={self.account}", "--clear-groups", "--no-new-privs"] if os.geteuid() == 0 else []
        return [*drop, str(self.home / "gitea"), "--config", str(self.home / "app.ini"), *arguments]

    def env(self):
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "USER": self.account, "TMPDIR": str(self.home)}

    def gitea(self, *arguments):
        done = subprocess.run(self.argv(*arguments), env=self.env(), cwd=self.home, text=True, timeout=120, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    def is_up(self):
        assert self.child.poll() is None, self.log()[-3000:]
        try:
            return self.api("GET", "version")["version"]
        except OSError:
            return None

    def log(self):
        return (self.home / "log").read_text(errors="replace")

    def api(self, method, path, body=None, token=None):
        """What /api/v1/PATH answers, as a value; None when there is nothing."""
        plain = token or "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", method=method,
                                         data=json.dumps(body).encode() if body is not None else None,
                                         headers={"Authorization": plain, "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30, context=ssl.create_default_context(cafile=self.ca)) as answer:
                text = answer.read()
        except urllib.error.HTTPError as e:
            raise AssertionError(f"{method} {path}: {e.code} {e.read().decode()}") from e
        return json.loads(text) if text else None

    def repository(self, name, private=False):
        """Makes USER/name; its url for git, with no password in it."""
        self.api("POST", "user/repos", {"name": name, "private": private, "default_branch": "main"})
        return f"{self.url}/{USER}/{name}.git"

    def with_login(self, url):
        return url.replace("://", f"://{USER}:{PASSWORD}@")

    def token(self, name, scopes=("write:repository",)):
        return self.api("POST", f"users/{USER}/tokens", {"name": name, "scopes": list(scopes)})["sha1"]

    def webhook(self, name, url, secret, kind="gitea"):
        return self.api("POST", f"repos/{USER}/{name}/hooks", {
            "type": kind, "active": True, "events": ["push"], "branch_filter": "*",
            "config": {"url": url, "content_type": "json", "secret": secret, "http_method": "post"}})["id"]


def scratch():
    """A directory for one, where another account may go; its maker removes it."""
    parent = tempfile.mkdtemp(prefix="capstan-gitea-")
    os.chmod(parent, 0o755)
    return parent
