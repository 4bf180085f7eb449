"""A fake node: kwok reports it ready, and every pod scheduled on it as running and ready."""
from pathlib import Path

from . import api, process

STAGES = Path(__file__).resolve().parent.parent / "fake-stages.yaml"

NODE = {
    "apiVersion": "v1", "kind": "Node",
    "metadata": {"name": "fake-1", "annotations": {"kwok.x-k8s.io/node": "fake", "node.alpha.kubernetes.io/ttl": "0"},
                 "labels": {"kubernetes.io/hostname": "fake-1", "kubernetes.io/os": "linux",
                            "kubernetes.io/arch": "amd64", "type": "kwok"}},
    "status": {"capacity": {"cpu": "1k", "memory": "4Ti", "pods": "100k"},
               "allocatable": {"cpu": "1k", "memory": "4Ti", "pods": "100k"}},
}


def start(cluster, programs):
    api.create(cluster, "/api/v1/nodes", NODE)
    process.start(cluster, "kwok", [
        programs["kwok"], f"--config={STAGES}", f"--kubeconfig={cluster.kubeconfig}",
        "--manage-all-nodes=true", f"--server-address={cluster.host}:{cluster.port('kwok')}"])


def wait(cluster):
    wait_for_node(cluster, "fake-1", "kwok")


def wait_for_node(cluster, node, daemon):
    process.wait_until(cluster, f"ready node {node}", lambda: _usable(cluster, node), daemon)


def _usable(cluster, node):
    """Ready, and without the taint that keeps pods away until the controllers have seen that it is."""
    if not api.ok(cluster, f"/api/v1/nodes/{node}"):
        return False
    found = api.get(cluster, f"/api/v1/nodes/{node}")
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in found["status"].get("conditions", []))
    return ready and not found["spec"].get("taints")
