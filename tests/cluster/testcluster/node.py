"""A real node: Debian's containerd and runc, and a kubelet, in the cluster's network namespace (see host.py)."""
import contextlib
import json
import os
import socket
import subprocess
import time
from pathlib import Path

from . import api, fake, host, images, pki, process
from .state import Failure

NAME = "node-1"
CONTAINERD = """\
version = 2
root = "{data}/containerd"
state = "{run}/containerd"
oom_score = 0
[grpc]
  address = "{run}/containerd.sock"
[ttrpc]
  address = "{run}/containerd.sock.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "{data}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{snapshotter}"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
        Root = "{run}/runc"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{dir}/cni"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{dir}/registries"
"""


def snapshotter():
    chosen = os.environ.get("CAPSTAN_CLUSTER_SNAPSHOTTER")
    known = "\toverlay\n" in Path("/proc/filesystems").read_text(encoding="ascii")
    return chosen or ("overlayfs" if known else "native")


def prepare(cluster):
    """The network must be there before the first daemon, which is started in it."""
    cluster.reserve_subnet()
    cluster.state["host"] = f"10.213.{cluster.state['subnet']}.2"
    cluster.state["ports"]["apiserver"] = 443
    cluster.save()
    host.save_sysctls()
    host.make_network(cluster)
    host.make_cgroups(cluster)


def start(cluster, programs):
    _start_containerd(cluster)
    pki.make_client(cluster, "kubelet", f"system:node:{NAME}", "system:nodes")
    pki.write_kubeconfig(cluster, "kubelet", cluster.dir / "kubelet.kubeconfig")
    process.wait_until(cluster, "containerd", lambda: _answers(cluster.run / "containerd.sock"), "containerd")
    archive = cluster.data / "images.tar"
    images.write(archive)
    load_image(cluster, archive)
    archive.unlink()
    _start_kubelet(cluster, programs["kubelet"])


def wait(cluster):
    fake.wait_for_node(cluster, NAME, "kubelet")


def load_image(cluster, archive):
    done = subprocess.run(["ctr", "--address", cluster.run / "containerd.sock", "--namespace", "k8s.io", "images",
                           "import", "--snapshotter", snapshotter(), archive],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"the image {archive} could not be loaded: {done.stderr.strip()}")


def _answers(path):
    with socket.socket(socket.AF_UNIX) as sock:
        return sock.connect_ex(str(path)) == 0


def _start_containerd(cluster):
    cluster.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("cni", "registries"):
        (cluster.dir / name).mkdir(exist_ok=True)
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True,
              "ipam": {"type": "host-local", "dataDir": f"{cluster.data}/cni",
                       "ranges": [[{"subnet": host.pod_subnet(cluster)}]], "routes": [{"dst": "0.0.0.0/0"}]}}
    network = {"cniVersion": "0.4.0", "name": cluster.netns, "plugins": [bridge]}
    (cluster.dir / "cni" / "10-bridge.conflist").write_text(json.dumps(network), encoding="ascii")
    config = cluster.dir / "containerd.toml"
    config.write_text(CONTAINERD.format(data=cluster.data, run=cluster.run, dir=cluster.dir, pause=images.PAUSE,
                                        snapshotter=snapshotter()), encoding="utf-8")
    process.start(cluster, "containerd", ["containerd", "--config", config])


def _kubelet_config(cluster):
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": f"unix://{cluster.run}/containerd.sock",
        "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{cluster.netns}", "failCgroupV1": False,
        "enforceNodeAllocatable": [], "failSwapOn": False, "oomScoreAdj": 0,
        "makeIPTablesUtilChains": False, "resolvConf": "",
        "podLogsDir": f"{cluster.data}/pod-logs", "volumePluginDir": f"{cluster.data}/volume-plugins",
        # The disk of a test machine may well be nearly full; that is not what is tested.
        "evictionHard": {"memory.available": "1Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
        "tlsCertFile": f"{cluster.pki}/serving.crt", "tlsPrivateKeyFile": f"{cluster.pki}/serving.key",
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                           "x509": {"clientCAFile": f"{cluster.pki}/ca.crt"}},
        "authorization": {"mode": "Webhook"},
    }


def _start_kubelet(cluster, program):
    config = cluster.dir / "kubelet.json"
    config.write_text(json.dumps(_kubelet_config(cluster), indent=1), encoding="ascii")
    process.start(cluster, "kubelet", [
        program, f"--config={config}", f"--kubeconfig={cluster.dir}/kubelet.kubeconfig",
        f"--root-dir={cluster.data}/kubelet", f"--hostname-override={NAME}", f"--node-ip={cluster.host}"])


def down(cluster):
    """Lets the kubelet end its pods in order; whatever this leaves, clean() removes by force."""
    process.end(cluster, ["kube-controller-manager", "kube-scheduler"])  # or they would make new pods
    record = cluster.state["processes"].get("kubelet")
    if record and process.alive(record):
        with contextlib.suppress(Failure, KeyError):
            _delete_pods(cluster, seconds=15.0)
    process.end(cluster, ["kubelet"])
    process.end(cluster, ["containerd"], gently=3.0)


def _delete_pods(cluster, seconds):
    deadline = time.monotonic() + seconds
    asked = set()
    while (pods := api.get(cluster, "/api/v1/pods")["items"]) and time.monotonic() < deadline:
        for pod in pods:
            meta = pod["metadata"]
            path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
            if meta.get("finalizers"):  # those who would remove them are gone
                api.request(cluster, "PATCH", path, {"metadata": {"finalizers": None}})
            if path not in asked:
                api.request(cluster, "DELETE", f"{path}?gracePeriodSeconds=1")
                asked.add(path)
        time.sleep(0.1)


def clean(cluster):
    """When all daemons have ended."""
    host.remove_cgroups(cluster)
    host.unmount_all(cluster)
    host.remove_network(cluster)
    host.remove_files(cluster)
    host.restore_sysctls(cluster)
