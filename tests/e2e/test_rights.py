"""An operator that may not do everything: what it lacks is said, and the rest goes on."""
import json

from harness import Operator, config_map, wait_until


def test_a_kind_that_may_not_be_watched_is_told(world, namespace, git, tmp_path):
    world.kubectl("create", "serviceaccount", "narrow", "-n", namespace)
    world.apply(f"""
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: narrow}}
rules:
- {{apiGroups: [capstan.dev], resources: ["*"], verbs: ["*"]}}
- {{apiGroups: [""], resources: [configmaps], verbs: ["*"]}}
- {{apiGroups: [""], resources: [services], verbs: [get, create, patch]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: narrow}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: narrow}}
subjects: [{{kind: ServiceAccount, name: narrow, namespace: {namespace}}}]
""")
    token = world.kubectl("create", "token", "narrow", "-n", namespace).strip()
    config = json.loads(world.kubectl("config", "view", "--raw", "-o", "json"))
    config["users"] = [{"name": u["name"], "user": {"token": token}} for u in config["users"]]
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    git.commit({"a/web.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n",
                "b/one.yaml": config_map("one")})

    def told():
        return json.dumps((world.get("app", "shop", "-n", namespace) or {}).get("status", {}))

    with Operator(world, tmp_path / "narrow", "--kubeconfig", tmp_path / "kubeconfig", "-n", namespace):
        world.repo(namespace, git.url)
        world.app(namespace, path="a", more="  suspend: false\n")
        world.app(namespace, "other", path="b")
        world.wait_ready(namespace, "other")
        wait_until(lambda: "Service cannot be watched" in told(), 60, told)
