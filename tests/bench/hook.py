"""The hook before a push: 5 environments of 50 objects over one base, as git runs it; no cluster and no network."""
import os
import statistics
import subprocess
import time

ENVIRONMENTS, UNITS = 5, 12  # a unit is four objects; two ConfigMaps make 50

UNIT = """---
apiVersion: apps/v1
kind: Deployment
metadata: {name: %(name)s}
spec:
  replicas: 1
  selector: {matchLabels: {app: %(name)s}}
  template:
    metadata: {labels: {app: %(name)s}}
    spec:
      serviceAccountName: %(name)s
      containers:
      - name: main
        image: registry.example.com/shop/server:1.4.2
        args: ["--listen", ":8080"]
        ports: [{name: http, containerPort: 8080}]
        env: [{name: LOG_LEVEL, valueFrom: {configMapKeyRef: {name: settings, key: LOG_LEVEL}}}]
        resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 128Mi}}
        readinessProbe: {httpGet: {path: /healthz, port: http}}
---
apiVersion: v1
kind: Service
metadata: {name: %(name)s}
spec: {selector: {app: %(name)s}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: %(name)s}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: %(name)s}
spec:
  rules:
  - host: %(name)s.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: %(name)s, port: {name: http}}}}]}
"""


def fixture(directory):
    """A clone of an empty repository, with one commit that is not pushed yet."""
    files = {"base/kustomization.yaml": "resources: [all.yaml]\n",
             "base/all.yaml": "".join(UNIT % {"name": f"app-{i}"} for i in range(UNITS)) + "".join(
                 f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{LOG_LEVEL: info}}\n"
                 for name in ("settings", "more")),
             "capstan.yaml": "environments:\n"}
    for i in range(ENVIRONMENTS):
        files[f"deploy/e{i}/kustomization.yaml"] = (f"resources: [../../base]\nnamespace: shop-{i}\n"
                                                    f"replicas: [{{name: app-0, count: {i + 2}}}]\n")
        files["capstan.yaml"] += f"  e{i}: {{branch: main, path: deploy/e{i}, namespace: shop-{i}}}\n"
    for path, text in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)


def measure(capstan, work, runs):
    """Median seconds of the installed hook; what it must say is held against what it says."""
    directory = work / "hook"
    env = {"PATH": os.environ["PATH"], "HOME": str(work), "XDG_CACHE_HOME": str(work / "cache"), "KUBECONFIG": "/nonexistent",
           "GIT_AUTHOR_NAME": "b", "GIT_AUTHOR_EMAIL": "b@b", "GIT_COMMITTER_NAME": "b", "GIT_COMMITTER_EMAIL": "b@b",
           "GIT_CONFIG_NOSYSTEM": "1"}

    def run(*argv, **more):
        return subprocess.run([str(a) for a in argv], cwd=directory, env=env, text=True, check=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more).stdout

    fixture(directory)
    run("git", "init", "-q", "-b", "main")
    run("git", "add", ".")
    run("git", "commit", "-qm", "all")
    run(capstan, "hook", "install")
    line = f"refs/heads/main {run('git', 'rev-parse', 'HEAD').strip()} refs/heads/main {'0' * 40}\n"
    times = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        said = run(directory / ".git/hooks/pre-push", "origin", "nowhere", input=line)
        times.append(time.perf_counter() - began)
        if said.count("50 objects") != ENVIRONMENTS or "warning" in said:
            raise RuntimeError(f"the hook says {said!r}")
    return statistics.median(times[1:])
