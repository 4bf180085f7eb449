"""Pushes to hosted repositories: checked, rolled out, told; refused with nothing left; and killed at any point."""
import json
import os
import random
import re
import time

import pytest

from harness import DIFFERS, config_map, wait_until
from pushes import Service, kill_pid

CAPSTAN_YAML = "environments:\n  prod: {branch: main, path: deploy, timeout: 20s%s}\n"

# No node runs its pods: with a replica it is never available, and says so after two seconds.
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: %(replicas)d
  progressDeadlineSeconds: %(deadline)d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.test/web:v%(replicas)d", resources: {limits: {memory: 1Mi}}}]}
"""

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


def deployment(replicas=0, deadline=2):
    return DEPLOYMENT % {"replicas": replicas, "deadline": deadline}


def files(value="1", replicas=0, more="", deadline=2):
    return {"capstan.yaml": CAPSTAN_YAML % more, "deploy/a.yaml": config_map("a", value),
            "deploy/web.yaml": deployment(replicas, deadline), "deploy/service.yaml": SERVICE}


@pytest.fixture(scope="module")
def service(world, tmp_path_factory):
    with Service(world, tmp_path_factory.mktemp("push") / "home") as service:
        yield service


@pytest.fixture
def hosted(service, namespace):
    return service.host(namespace)


def finish(service):
    """Nothing is under way any more: what was killed the service has taken up."""
    wait_until(lambda: not service.open(), 60, lambda: f"pushes are finished: {service.log()[-2000:]}")


def lines_with(text, word):
    return [line for line in text.splitlines() if word in line]


def test_a_push_is_checked_rolled_out_and_told(hosted, namespace):
    first = hosted.git.commit(files("1"))
    said = hosted.push()
    assert hosted.tip() == first and hosted.revision() == first and hosted.data() == "1"
    assert "3 objects" in lines_with(said, "  check ")[0]
    assert f"App {namespace}/web" in lines_with(said, "  deliver ")[0]
    success = lines_with(said, "success: ")
    assert len(success) == 1 and first[:12] in success[0] and f"web.{namespace}:80" in success[0]
    assert len(lines_with(said, "s  ")) < 20, "more than one screen"
    second = hosted.git.commit({"deploy/a.yaml": config_map("a", "2")})
    hosted.push()
    assert hosted.tip() == second and hosted.data() == "2"
    app = hosted.app()
    assert app["metadata"]["labels"]["capstan.dev/pushed-by"] == "web"
    assert (app["spec"]["render"]["type"], app["spec"]["render"]["name"]) == ("environment", "prod")
    assert hosted.service.open() == []
    assert not list(hosted.service.home.glob("pushes/*/tree.git"))


def test_what_the_check_finds_refuses_and_leaves_nothing(hosted):
    hosted.git.commit(files())
    hosted.git.commit({"deploy/web.yaml": deployment().replace("replicas:", "replica:")})
    said = hosted.push(accepted=False)
    assert "deploy/web.yaml:5:3: error:" in said and "did you mean `replicas`?" in said
    assert lines_with(said, "error: the check found 1 error")
    assert hosted.tip() == "" and hosted.app() is None and hosted.data() is None
    assert not list(hosted.service.home.glob("pushes/*/tree.git"))
    assert not list(hosted.path.glob("objects/??/*")), "objects of a refused push stayed"


def test_a_bad_capstan_yaml_is_told_with_its_line(hosted):
    hosted.git.commit({**files(), "capstan.yaml": "environments:\n  prod: {branch: main, pat: deploy}\n"})
    assert "capstan.yaml:2" in hosted.push(accepted=False)


def test_a_secret_is_refused_also_when_a_later_commit_takes_it_away(hosted):
    hosted.git.commit({**files(), "key.pem": "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/"
                       "ygWyF8PbnGy0AHB7MhgHcTz6sE2I2yPB\n" * 8 + "-----END RSA PRIVATE KEY-----\n"})
    hosted.git.commit({"key.pem": None})
    assert "key.pem" in hosted.push(accepted=False)
    assert hosted.tip() == ""


def test_a_failed_rollout_is_put_back(hosted, world, namespace):
    good = hosted.git.commit(files("1"))
    hosted.push()
    bad = hosted.git.commit(files("2", replicas=1))
    said = hosted.push(accepted=False)
    assert hosted.tip() == good and hosted.revision() == good
    assert "ProgressDeadlineExceeded" in said and bad[:12] in lines_with(said, "error: ")[0]
    assert lines_with(said, f"runs {good[:12]} again")
    world.wait_ready(namespace, "web", good)
    assert hosted.data() == "1"
    assert world.get("deployment", "web", "-n", namespace)["spec"]["replicas"] == 0
    # The next good one is not held up.
    hosted.git.commit(files("3"))
    hosted.push()
    assert hosted.data() == "3"


def test_a_failed_rollout_tells_the_pods_own_reason(hosted, world, namespace):
    hosted.git.commit(files("1", replicas=1, deadline=6))
    child = hosted.start()
    pod = wait_until(lambda: world.get("pods", "-n", namespace)["items"], 20, "the pod is there")[0]["metadata"]["name"]
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image registry.test/web:v1"}}
    status = {"name": "web", "image": "", "imageID": "", "ready": False, "restartCount": 0, "state": state}
    world.kubectl("patch", "pod", pod, "-n", namespace, "--subresource=status", "-p",
                  json.dumps({"status": {"containerStatuses": [status]}}))
    said, _ = child.communicate(timeout=60)
    assert child.returncode != 0
    assert f"Pod {pod}, container web: ImagePullBackOff: Back-off pulling image registry.test/web:v1" in said


def test_a_push_over_http(hosted, world, namespace):
    text = world.capstan("repo", "token", "create", hosted.name, "ci", "-n", namespace)
    token = re.search(r"capstan_[0-9a-f]{64}", text)[0]
    hosted.url = f"http://ci:{token}@127.0.0.1:{hosted.service.http}/git/{hosted.key}.git"
    commit = hosted.git.commit(files("1"))
    wait_until(lambda: hosted.git.run("ls-remote", hosted.url), 20, "the token counts")
    assert lines_with(hosted.push(), "success: ") and hosted.tip() == hosted.revision() == commit


def test_a_first_push_that_fails_leaves_no_app_and_no_objects(hosted, world, namespace):
    hosted.git.commit(files("1", replicas=1))
    said = hosted.push(accepted=False)
    assert lines_with(said, "nothing runs, as before")
    assert hosted.tip() == "" and hosted.app() is None and hosted.data() is None
    assert world.get("deployment", "web", "-n", namespace) is None


def test_keep_keeps_what_failed(hosted):
    good = hosted.git.commit(files("1"))
    hosted.push()
    bad = hosted.git.commit(files("2", replicas=1, more=", onFailure: keep"))
    said = hosted.push()
    assert hosted.tip() == bad != good and hosted.revision() == bad and hosted.data() == "2"
    assert "ProgressDeadlineExceeded" in said and lines_with(said, "onFailure: keep")


def test_a_branch_of_no_environment_is_accepted_at_once(hosted):
    commit = hosted.git.commit(files())
    said = hosted.push("HEAD:refs/heads/feature", "HEAD:refs/heads/other", "HEAD:refs/tags/v1")
    assert hosted.tip("feature") == commit and hosted.app() is None
    assert "nothing is deployed" in said
    said = hosted.push(":refs/heads/feature")
    assert hosted.tip("feature") == "" and "what is deleted deploys nothing" in said


def test_the_default_branch_is_not_deleted(hosted, service):
    commit = hosted.git.commit(files())
    hosted.push("HEAD:refs/heads/dev")
    assert hosted.bare("symbolic-ref", "HEAD") == "refs/heads/dev"
    assert "default branch" in hosted.push(":refs/heads/dev", accepted=False)
    finish(service)
    assert hosted.tip("dev") == commit


def test_an_open_push_of_a_deleted_repository_comes_to_an_end(hosted, service, world):
    hosted.git.commit(files("1"))
    hosted.push()
    hosted.git.commit(files("2", replicas=1, deadline=600))
    child = hosted.start()
    wait_until(lambda: hosted.data() == "2", 20, "the push is rolled out")
    world.kubectl("delete", "repo", hosted.name, "-n", hosted.namespace, "--wait=false")
    wait_until(lambda: not hosted.path.exists(), 20, "the repository is deleted")
    for pid in hosted.processes():
        kill_pid(pid)
    child.communicate(timeout=30)
    finish(service)
    assert service.pushes(hosted.key)[0]["result"] in ("refused", "unclean")


def test_an_app_of_somebody_else_is_left_alone(hosted, world, namespace):
    world.app(namespace, "web", path="deploy", repo="web")
    hosted.git.commit(files())
    assert "was not made by pushes" in hosted.push(accepted=False)
    assert hosted.revision() == "main" and hosted.tip() == ""


def test_rights_by_branch_and_protected_branches(service, namespace):
    hosted = service.host(namespace, more="    protectedBranches: [main]\n", branches=["main", "dev/*"])
    first = hosted.git.commit(files("1"))
    second = hosted.git.commit(files("2"))
    hosted.push("HEAD:refs/heads/main")
    hosted.push("HEAD:refs/heads/dev/x")
    hosted.push(f"+{first}:refs/heads/dev/x")
    for refspec in "HEAD:refs/heads/other", f"+{first}:refs/heads/main", ":refs/heads/main":
        hosted.push(refspec, accepted=False)
    assert hosted.tip() == second and hosted.tip("other") == ""


def test_a_newer_push_takes_the_place_of_an_older_one(hosted):
    hosted.git.commit(files("1"))
    hosted.push()
    stuck = hosted.git.commit(files("2", replicas=1, deadline=600))
    older = hosted.start()
    wait_until(lambda: hosted.revision() == stuck, 20, "the older push is delivered")
    hosted.git.git("reset", "-q", "--hard", "HEAD~1")
    newer = hosted.git.commit(files("3"))
    said = hosted.push()
    told, _ = older.communicate(timeout=60)
    assert older.returncode != 0 and "a newer push took the place of this one" in told
    assert "is asked to give way" in said and "success: " in said
    assert hosted.tip() == newer and hosted.revision() == newer and hosted.data() == "3"
    assert "a newer push took its place" in hosted.service.pushes(hosted.key)[1]["reason"]


def test_a_pusher_who_goes_changes_nothing(hosted, service):
    hosted.git.commit(files("1"))
    hosted.push()
    commit = hosted.git.commit(files("2"))
    child = hosted.start()
    hosted.wait_hook()
    child.kill()
    child.communicate()
    finish(service)
    assert hosted.tip() == commit and hosted.data() == "2"
    push = service.pushes(hosted.key)[0]
    assert push["result"] == "accepted" and push["refs"][0]["new"] == commit
    assert "all 3 objects are current" in service.status(push["id"])


def test_status_tells_of_pushes(hosted, service):
    hosted.git.commit(files("1"))
    hosted.push()
    hosted.git.commit({"deploy/web.yaml": "kind: ["})
    hosted.push(accepted=False)
    newest, oldest = service.pushes(hosted.key)
    assert newest["result"] == "refused" and "check found" in newest["reason"]
    assert oldest["result"] == "accepted" and oldest["who"] == "ada" and oldest["environments"] == ["prod"]
    assert newest["id"] in service.status() and newest["id"] in service.status(hosted.key)
    assert "error: " in service.status(newest["id"], expect=DIFFERS)
    shown = json.loads(service.status("-o", "json", oldest["id"]))
    assert shown == oldest

    # The pusher asks from afar.
    done = hosted.ssh("push-status", hosted.key)
    assert done.returncode == 0 and newest["id"] in done.stdout and oldest["id"] in done.stdout, done.stderr
    assert "success: " in hosted.ssh("push-status", hosted.key, oldest["id"]).stdout
    assert hosted.ssh("push-status", hosted.key, newest["id"]).returncode == DIFFERS
    assert hosted.ssh("push-status", "other/repo").returncode == 2
    service.status("20000101-000000000-000000-0000", expect=2)


def pause_before_kill(chance, took):
    """Mostly while the push is under way, which takes about `took`."""
    return chance.random() * took * 1.1


def kill_the_hook(hosted, seconds):
    child = hosted.start()
    hook = hosted.wait_hook()
    time.sleep(seconds)
    kill_pid(hook)
    child.communicate(timeout=60)


def kill_everything(hosted, seconds):
    """The machine's end, as far as the push service is concerned; and its next start."""
    child = hosted.start()
    time.sleep(seconds)
    hosted.service.kill()
    for pid in hosted.processes():
        kill_pid(pid)
    # One whose git had not begun yet goes on with the next service.
    hosted.service.start()
    child.communicate(timeout=60)


def one_kill(hosted, service, world, before, kill, value, seconds):
    """One of the two allowed ends; the commit that it is at."""
    commit = hosted.git.commit(files(value))
    kill(hosted, seconds)
    finish(service)
    tip, revision = hosted.tip(), hosted.revision()
    assert tip in (before, commit) and revision == tip, f"{before}..{commit}, {seconds} s: {tip}, {revision}"
    world.wait_ready(hosted.namespace, hosted.name, tip)
    assert f'"{hosted.data()}"' in hosted.bare("show", f"{tip}:deploy/a.yaml")
    if tip == before:
        hosted.git.git("reset", "-q", "--hard", before)
    return tip


def kills(hosted, service, world, kill, seed):
    """CAPSTAN_KILLS: how many times, in both tests together (100 is what is promised; 8 when nothing is said)."""
    chance = random.Random(int(os.environ.get("CAPSTAN_SEED", "6")) * 2 + seed)
    hosted.git.commit(files("0"))
    hosted.push()
    tip = hosted.git.commit(files("1"))
    began = time.monotonic()
    hosted.push()
    took = time.monotonic() - began
    for i in range(int(os.environ.get("CAPSTAN_KILLS", "8")) // 2):
        tip = one_kill(hosted, service, world, tip, kill, str(i + 2), chance.random() * took * 1.2)
    hosted.fsck()
    commit = hosted.git.commit(files("last"))
    hosted.push()
    assert hosted.tip() == commit and hosted.data() == "last"


def test_a_killed_hook_leaves_one_of_two_ends(hosted, service, world):
    kills(hosted, service, world, kill_the_hook, 0)


def test_when_all_is_killed_one_of_two_ends_is_left(hosted, service, world):
    kills(hosted, service, world, kill_everything, 1)
