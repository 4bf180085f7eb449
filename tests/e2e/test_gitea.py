"""A real forge: Gitea sends its own webhooks to the operator, is pushed to by `capstan deploy`, and takes pull requests."""
import base64
import json
import time

import pytest

from gitea import PASSWORD, USER
from harness import OK, TROUBLE, Git, config_map, wait_until

SECRET = "3f8e-of-the-webhook"

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: registry.test/web:v1   # built by CI
"""
CAPSTAN_YAML = "environments:\n  prod: {branch: main, path: deploy/prod}\n"


def secret(world, namespace, name, **data):
    lines = "".join(f"  {key}: {base64.b64encode(value.encode()).decode()}\n" for key, value in data.items())
    world.apply(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata:\n{lines}")


class Hosted:
    """A private repository of Gitea with files, the Repo that follows it, and its webhook."""

    def __init__(self, gitea, world, operator, namespace, tmp_path, files):
        self.gitea, self.world, self.namespace = gitea, world, namespace
        self.name = f"cfg-{namespace}"
        self.url = gitea.repository(self.name, private=True)
        self.git = Git(tmp_path / "clone")
        self.git.env["GIT_SSL_CAINFO"] = str(gitea.ca)
        self.git.git("remote", "add", "origin", gitea.with_login(self.url))
        self.commit(files)
        # Gitea notes a first push a little later.
        wait_until(lambda: not gitea.api("GET", f"repos/{USER}/{self.name}")["empty"], 10, "the repository has commits")
        secret(world, namespace, "hook", token=SECRET)
        secret(world, namespace, "login", username=USER, password=PASSWORD, **{"ca.crt": gitea.ca.read_text()})
        world.repo(namespace, self.url, more="  secretRef: {name: login}\n  webhook: {type: gitea, secretRef: {name: hook}}\n")
        self.hook = gitea.webhook(self.name, f"http://127.0.0.1:{operator.port}/webhook/{namespace}/cfg", SECRET)

    def commit(self, files):
        sha = self.git.commit(files)
        self.git.git("push", "-q", "origin", "HEAD:main")
        return sha

    def pulls(self, state="open"):
        return self.gitea.api("GET", f"repos/{USER}/{self.name}/pulls?state={state}")

    def head(self, branch="main"):
        return self.gitea.api("GET", f"repos/{USER}/{self.name}/branches/{branch.replace('/', '%2F')}")["commit"]["id"]

    def file(self, path, ref):
        content = self.gitea.api("GET", f"repos/{USER}/{self.name}/contents/{path}?ref={ref.replace('/', '%2F')}")
        return base64.b64decode(content["content"]).decode()


@pytest.fixture
def hosted(gitea, world, operator, namespace, tmp_path):
    def make(files):
        return Hosted(gitea, world, operator, namespace, tmp_path, files)
    return make


def configuration(hosted):
    return hosted({"capstan.yaml": CAPSTAN_YAML, "deploy/prod/web.yaml": DEPLOYMENT})


def deploy(world, hosted, *arguments, expect=OK, url=None, env=None, image="web=registry.test/web:v2"):
    where = hosted.git.directory.parent
    before = dict(world.env)
    world.env.update({"GIT_AUTHOR_NAME": "ci", "GIT_AUTHOR_EMAIL": "ci@example.test",
                      "GIT_SSL_CAINFO": str(hosted.gitea.ca), **(env or {})})
    try:
        out = world.capstan("deploy", "--env", "prod", "--image", image, "--repo", url or hosted.gitea.with_login(hosted.url),
                            *arguments, expect=expect, cwd=where)
    finally:
        world.env.clear()
        world.env.update(before)
    assert PASSWORD not in out
    return out


def test_a_push_to_the_forge_is_followed_at_once(world, operator, namespace, hosted):
    config = hosted({"one.yaml": config_map("one", "1")})
    world.app(namespace)
    world.wait_ready(namespace)
    taken = operator.metric("capstan_webhooks_total")
    begun = time.monotonic()
    sha = config.commit({"one.yaml": config_map("one", "2")})
    world.wait_ready(namespace, revision=sha, seconds=10)
    assert time.monotonic() - begun < 8 and operator.metric("capstan_webhooks_total") > taken
    # A branch that nobody follows, and a tag: events that fetch nothing.
    for name in ("heads/other", "tags/v1"):
        config.git.git("push", "-q", "origin", f"HEAD:refs/{name}")
    wait_until(lambda: operator.metric("capstan_webhooks_total") >= taken + 3, 10, "all events arrived")
    assert '"unauthorized"} 0' in operator.http("/metrics")[1] and '"unreadable"} 0' in operator.http("/metrics")[1]
    assert SECRET not in operator.log() and PASSWORD not in operator.log()


def test_the_forges_own_test_of_a_webhook_works_again_and_again(operator, world, namespace, hosted):
    config = hosted({"one.yaml": config_map("one", "1")})
    world.app(namespace)
    world.wait_ready(namespace)
    before = operator.metric("capstan_webhooks_total")
    for n in (1, 2):
        config.gitea.api("POST", f"repos/{USER}/{config.name}/hooks/{config.hook}/tests")
        wait_until(lambda n=n: operator.metric("capstan_webhooks_total") >= before + n, 10, "it arrived")
    answers = operator.http("/metrics")[1]
    assert '"unauthorized"} 0' in answers and '"unreadable"} 0' in answers


def test_a_wrong_secret_moves_nothing(world, operator, namespace, hosted):
    config = hosted({"one.yaml": config_map("one", "1")})
    world.app(namespace)
    world.wait_ready(namespace)
    config.gitea.api("DELETE", f"repos/{USER}/{config.name}/hooks/{config.hook}")
    config.gitea.webhook(config.name, f"http://127.0.0.1:{operator.port}/webhook/{namespace}/cfg", "a guess")
    sha = config.commit({"one.yaml": config_map("one", "2")})
    wait_until(lambda: "refused" in operator.log() and f"{namespace}/cfg" in operator.log(), 10, "it is refused")
    time.sleep(1)
    assert not world.is_ready(namespace, revision=sha)


def test_a_deployment_is_pushed_and_waited_for(world, namespace, hosted):
    config = configuration(hosted)
    world.app(namespace, path="deploy/prod")
    world.wait_ready(namespace)
    out = deploy(world, config, "--wait", "--timeout", "30s")
    assert "pushed" in out and "healthy" in out
    assert "image: registry.test/web:v2   # built by CI" in config.file("deploy/prod/web.yaml", "main")
    assert world.is_ready(namespace, revision=config.head())
    # By a credential helper, as a CI job has it; and a wrong login is said, with no word of it.
    settings = config.git.directory.parent / "gitconfig"
    settings.write_text(f'[credential]\n\thelper = "!f() {{ echo username={USER}; echo \\"password=$CONFIG_TOKEN\\"; }}; f"\n')
    helper = {"GIT_CONFIG_GLOBAL": str(settings), "CONFIG_TOKEN": PASSWORD}
    deploy(world, config, url=config.url, env=helper, image="web=registry.test/web:v3")
    assert "web:v3" in config.file("deploy/prod/web.yaml", "main")
    wrong = config.url.replace("://", f"://{USER}:not-the-password@")
    out = deploy(world, config, url=wrong, expect=TROUBLE, image="web=registry.test/web:v4")
    assert "Authentication failed" in out and "not-the-password" not in out


def test_a_review_is_a_branch_and_one_pull_request(world, namespace, hosted):
    config = configuration(hosted)
    world.app(namespace, path="deploy/prod")
    world.wait_ready(namespace)
    before = config.head()
    forge = f"gitea={config.gitea.url}"
    out = deploy(world, config, "--review", "--forge", "gitea")
    assert "opened a pull request" in out
    pull, = config.pulls()
    assert pull["html_url"] in out and pull["head"]["ref"].startswith("capstan/prod-") and pull["base"]["ref"] == "main"
    assert pull["title"] == "deploy registry.test/web:v2 to prod" and "registry.test/web:v2" in pull["body"]
    assert config.head() == before and "web:v1 " in config.file("deploy/prod/web.yaml", "main")
    assert "web:v2 " in config.file("deploy/prod/web.yaml", pull["head"]["ref"])
    # The same again: nothing new. By a token alone, too, where git has a login of its own.
    out = deploy(world, config, "--review", "--forge", forge, env={"CAPSTAN_FORGE_TOKEN": config.gitea.token(namespace)})
    assert "was open" in out and pull["html_url"] in out and len(config.pulls()) == 1
    out = deploy(world, config, "--review", "--forge", "gitea", "-o", "json")
    answer, _ = json.JSONDecoder().raw_decode(out)
    assert answer["review"] == pull["html_url"] and answer["reviewBranch"] == pull["head"]["ref"]
    # Merged, it is deployed; after that there is nothing to review.
    config.gitea.api("POST", f"repos/{USER}/{config.name}/pulls/{pull['number']}/merge", {"Do": "merge", "delete_branch_after_merge": True})
    world.wait_ready(namespace, revision=config.head(), seconds=10)
    assert "nothing to change" in deploy(world, config, "--review", "--forge", "gitea") and not config.pulls()


def test_a_review_that_cannot_be_opened_says_why(world, hosted):
    config = configuration(hosted)
    out = deploy(world, config, "--review", expect=TROUBLE)
    assert "--forge" in out and "is pushed" in out and config.head("capstan/prod-" + out.split("capstan/prod-")[1][:12])
    out = deploy(world, config, "--review", "--forge", "gitea", expect=TROUBLE, env={"CAPSTAN_FORGE_TOKEN": "0" * 40})
    assert "401" in out and "0" * 40 not in out
    # Without its authority the host's certificate is worth nothing, to git's road and to ours.
    out = deploy(world, config, "--review", "--forge", f"gitea={config.gitea.url.replace('https', 'http')}", expect=TROUBLE)
    assert "not sent by http" in out
    out = deploy(world, config, "--review", "--forge", "github", expect=TROUBLE)
    assert "404" in out and "github" in out
    out = deploy(world, config, "--review", "--forge", "gitea=https://elsewhere.example", expect=TROUBLE)
    assert "own host" in out
    assert not config.pulls()
    assert "opened a pull request" in deploy(world, config, "--review", "--forge", "gitea")
