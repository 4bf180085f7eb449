"""Webhooks of git hosts on a real API server: a signed push is seen at once, and nothing else moves anything."""
import base64
import hashlib
import hmac
import json
import time

from harness import config_map, wait_until

TOKEN = "4f0c1e6a9b7d2835-webhook"


def webhook(kind="gitea", secret="cfg-webhook"):
    return f"  webhook: {{type: {kind}, secretRef: {{name: {secret}}}}}\n"


def secret(world, namespace, token=TOKEN, name="cfg-webhook"):
    data = base64.b64encode(token.encode()).decode()
    world.apply(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: {namespace}}}\ndata: {{token: {data}}}\n")


def push_body(ref, after="bffeb74224043ba2feb48d137756c8a9331c449a"):
    """As Gitea sends it, without what nobody reads."""
    return json.dumps({
        "ref": ref, "before": "28e1879d029cb852e4844d9c718537df08844e03", "after": after, "total_commits": 1,
        "commits": [{"id": after, "message": "change\n", "added": [], "removed": [], "modified": ["one.yaml"]}],
        "repository": {"full_name": "team/cfg", "html_url": "https://git.example.com/team/cfg",
                       "ssh_url": "ssh://git@git.example.com:2222/team/cfg.git",
                       "clone_url": "https://git.example.com/team/cfg.git", "default_branch": "main"},
        "pusher": {"login": "dev"}, "sender": {"login": "dev"},
    }, indent=2)


class Gitea:
    """Sends events to a Repo, each with a delivery of its own."""

    def __init__(self, operator, namespace, repo="cfg", token=TOKEN):
        self.operator, self.path, self.token, self.sent = operator, f"/webhook/{namespace}/{repo}", token, 0

    def send(self, body, event="push", delivery=None, signature=None):
        self.sent += 1
        digest = hmac.new(self.token.encode(), body.encode(), hashlib.sha256).hexdigest()
        return self.operator.http(self.path, "POST", body, {
            "Content-Type": "application/json", "X-Gitea-Event": event,
            "X-Gitea-Delivery": delivery or f"{self.path}-{self.sent}",
            "X-Gitea-Signature": digest if signature is None else signature})

    def push(self, ref="refs/heads/main", after=None, **more):
        return self.send(push_body(ref, after or f"{self.sent + 1:040x}"), **more)

    def known(self):
        """Once the operator knows the Repo and its Secret."""
        wait_until(lambda: self.send("{}", event="ping")[0] == 202, 10, lambda: self.send("{}", event="ping"))
        return self


def set_up(world, operator, namespace, git, **more):
    git.commit({"one.yaml": config_map("one", "1")})
    secret(world, namespace)
    world.repo(namespace, git.url, more=webhook())
    world.app(namespace, **more)
    world.wait_ready(namespace)
    return Gitea(operator, namespace).known()


def stays(world, namespace, sha, seconds=2):
    time.sleep(seconds)
    assert not world.is_ready(namespace, revision=sha)


def test_a_push_is_seen_at_once_and_only_once(world, operator, namespace, git):
    gitea = set_up(world, operator, namespace, git)
    sha = git.commit({"one.yaml": config_map("one", "2")})
    status, text = gitea.push(after=sha, delivery="first")
    assert status == 202 and "fetched now" in text
    world.wait_ready(namespace, revision=sha, seconds=10)

    later = git.commit({"one.yaml": config_map("one", "3")})
    assert gitea.push(after=sha, delivery="first")[0] == 409
    status, text = gitea.push(after=sha, delivery="another name for the same bytes")
    assert status == 409 and "already" in text
    stays(world, namespace, later)
    assert gitea.push(after=later)[0] == 202
    world.wait_ready(namespace, revision=later, seconds=10)
    assert TOKEN not in operator.log()


def test_what_is_forged_or_unreadable_moves_nothing(world, operator, namespace, git):
    gitea = set_up(world, operator, namespace, git)
    sha = git.commit({"one.yaml": config_map("one", "2")})
    refused = operator.metric("capstan_webhooks_total")
    forged = [gitea.push(signature=""), gitea.push(signature="0" * 64),
              Gitea(operator, namespace, token="guess").push(),
              operator.http(gitea.path, "POST", push_body("refs/heads/main"), {"X-Gitea-Event": "push"}),
              operator.http(gitea.path, "POST", push_body("refs/heads/main"), {"X-Gitlab-Token": TOKEN})]
    assert forged == [(401, "not authorized\n")] * len(forged)
    assert gitea.send(push_body("refs/heads/main")[:-5])[0] == 400
    assert gitea.send("{}")[0] == 400
    assert gitea.send("payload=%7B%7D")[0] == 400
    assert gitea.send(push_body("refs/heads/main") + " " * (1 << 20))[0] == 413
    assert gitea.send("{}", event="ping")[0] == 202
    assert gitea.send('{"action":"published"}', event="release")[0] == 202
    assert operator.http(gitea.path)[0] == 405
    for path in (f"/webhook/{namespace}/other", f"/webhook/{namespace}", "/webhook/", f"/webhook/{namespace}/cfg/x",
                 f"/webhook/{namespace}/%2e%2e"):
        assert operator.http(path, "POST", "{}")[0] == 404, path
    assert operator.metric("capstan_webhooks_total") > refused
    stays(world, namespace, sha)


def test_an_event_of_what_nobody_follows_fetches_nothing(world, operator, namespace, git):
    gitea = set_up(world, operator, namespace, git)
    sha = git.commit({"one.yaml": config_map("one", "2")})
    for ref in ("refs/heads/other", "refs/tags/v1.0.0"):
        status, text = gitea.push(ref)
        assert status == 202 and "nothing is fetched" in text
    stays(world, namespace, sha)
    world.kubectl("patch", "app", "shop", "-n", namespace, "--type=merge", "-p", '{"spec":{"source":{"revision":"1.x"}}}')
    wait_until(lambda: "1.x" in json.dumps(world.get("app", "shop", "-n", namespace)["status"].get("conditions")), 10,
               "there is no such tag yet")
    git.git("tag", "v1.0.0")
    assert "fetched now" in gitea.push("refs/tags/v1.0.0", after=sha)[1]
    world.wait_ready(namespace, revision=sha, seconds=10)


def test_many_apps_react_to_one_event_together(world, operator, namespace, git):
    names = [f"a{i}" for i in range(20)]
    git.commit({f"{name}/one.yaml": config_map(name, "1") for name in names})
    secret(world, namespace)
    world.repo(namespace, git.url, more=webhook())
    for name in names:
        world.app(namespace, name, path=name)
    for name in names:
        world.wait_ready(namespace, name, seconds=60)
    gitea = Gitea(operator, namespace).known()
    sha = git.commit({f"{name}/one.yaml": config_map(name, "2") for name in names})
    assert gitea.push(after=sha)[0] == 202
    for name in names:
        world.wait_ready(namespace, name, revision=sha, seconds=20)


def test_the_secret_may_come_late_and_change(world, operator, namespace, git):
    git.commit({"one.yaml": config_map("one", "1")})
    world.repo(namespace, git.url, more=webhook())
    world.app(namespace)
    world.wait_ready(namespace)
    gitea = Gitea(operator, namespace)
    assert gitea.push()[0] == 503
    wait_until(lambda: "is not there" in operator.log() and f"{namespace}/cfg-webhook" in operator.log(), 10, "it is told")

    def state():
        condition = world.condition(namespace, "cfg", "Webhook", "repo")
        return condition.get("status"), condition.get("reason")

    wait_until(lambda: state() == ("False", "SecretMissing"), 10, state)
    assert "cfg-webhook" in world.condition(namespace, "cfg", "Webhook", "repo")["message"]
    assert world.condition(namespace, "cfg", "Ready", "repo")["status"] == "True"
    secret(world, namespace, "")
    assert gitea.push()[0] == 503
    # A file that was made into a Secret ends with a new line; what people paste into the host does not.
    secret(world, namespace, TOKEN + "\n")
    gitea.known()
    wait_until(lambda: state() == ("True", "SecretRead"), 10, state)
    secret(world, namespace, "rotated")
    wait_until(lambda: gitea.send("{}", event="ping")[0] == 401, 10, "the old secret is worth nothing")
    wait_until(lambda: state() == ("True", "SecretShort"), 10, state)
    assert Gitea(operator, namespace, token="rotated").send("{}", event="ping")[0] == 202
    world.kubectl("patch", "repo", "cfg", "-n", namespace, "--type=json", "-p", '[{"op":"remove","path":"/spec/webhook"}]')
    wait_until(lambda: gitea.push()[0] == 404, 10, "there is no webhook any more")
    wait_until(lambda: state() == (None, None), 10, state)


def test_a_second_try_of_gitlab_is_no_replay(world, operator, namespace, git):
    """GitLab sends the secret itself, tries again by the same key, and ends webhooks that are refused often."""
    git.commit({"one.yaml": config_map("one", "1")})
    secret(world, namespace)
    world.repo(namespace, git.url, more=webhook("gitlab"))
    world.app(namespace)
    world.wait_ready(namespace)
    body = json.dumps({"object_kind": "push", "ref": "refs/heads/main", "project": {"git_http_url": "https://gitlab.example.com/t/cfg.git"}})

    def push(key):
        return operator.http(f"/webhook/{namespace}/cfg", "POST", body,
                             {"X-Gitlab-Token": TOKEN, "X-Gitlab-Event": "Push Hook", "Idempotency-Key": key})

    wait_until(lambda: push("first")[0] == 202, 10, "the webhook is known")
    status, text = push("first")
    assert status == 202 and "already" in text
    status, text = push("second")
    assert status == 202 and "fetched now" in text


def test_a_replay_is_taken_while_the_repo_fails(world, operator, namespace, git, tmp_path):
    gitea = set_up(world, operator, namespace, git)
    sha = git.commit({"one.yaml": config_map("one", "2")})
    git.directory.rename(tmp_path / "away")
    assert gitea.push(after=sha, delivery="again")[0] == 202
    wait_until(lambda: world.condition(namespace, "cfg", "Ready", "repo").get("status") == "False", 10, "the remote is away")
    (tmp_path / "away").rename(git.directory)
    assert gitea.send(push_body("refs/heads/main", sha), delivery="again")[0] == 202
    world.wait_ready(namespace, revision=sha, seconds=10)


def test_guessing_is_limited_for_one_repo_alone(world, operator, namespace, git):
    gitea = set_up(world, operator, namespace, git)
    world.repo(namespace, git.url, name="other", more=webhook("gitlab"))
    wait_until(lambda: operator.http(f"/webhook/{namespace}/other", "POST", "{}", {"X-Gitlab-Token": TOKEN})[0] == 202, 10,
               "the other Repo is known")
    answers = [gitea.push(signature="0" * 64)[0] for _ in range(60)]
    assert answers[:30] == [401] * 30 and answers[-1] == 429
    # Who floods a Repo with bad ones does not shut out its host, nor fill the log.
    assert gitea.send("{}", event="ping")[0] == 202
    assert operator.log().count("webhook: refused") <= 40
    assert operator.http(f"/webhook/{namespace}/other", "POST", "{}", {"X-Gitlab-Token": TOKEN})[0] == 202
    sha = git.commit({"one.yaml": config_map("one", "2")})
    assert gitea.push(signature="0" * 64)[0] == 429 and gitea.push(after=sha)[0] == 202
    world.wait_ready(namespace, revision=sha, seconds=10)
