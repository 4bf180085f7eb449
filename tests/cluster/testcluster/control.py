"""The control plane: etcd, the API server, the controllers, and the scheduler when there are nodes."""
import http.client
import signal
import ssl
import threading

from . import api, pki, process
from .state import Failure

PORTS = ["etcd", "etcd-peer", "apiserver", "controller-manager", "scheduler", "kwok"]


def start(cluster, programs):
    """Starts everything, and returns when it is ready for use."""
    _start_etcd(cluster, programs["etcd"])
    authority = threading.Thread(target=_make_clients, args=(cluster,))
    pki.make_authority(cluster)
    authority.start()  # while the serving certificate is made and etcd comes up
    pki.make_serving(cluster, ["127.0.0.1", pki.SERVICE_IP, cluster.host])
    authority.join()
    pki.write_kubeconfig(cluster, "admin", cluster.kubeconfig)
    process.wait_until(cluster, "healthy etcd", lambda: _healthy(cluster, "etcd", "/health", plain=True), "etcd")
    _start_apiserver(cluster, programs["kube-apiserver"])
    wait_for_apiserver(cluster)
    # Only now: started earlier it finds no server, and sleeps a second or more before it asks again.
    _start_controllers(cluster, programs["kube-controller-manager"])
    if cluster.state["nodes"] != "none":
        _start_scheduler(cluster, programs["kube-scheduler"])


def wait(cluster):
    process.wait_until(cluster, "healthy controllers",
                       lambda: _healthy(cluster, "controller-manager", "/healthz"), "kube-controller-manager")
    # No pod can be created before this account is there, and it shows that the controllers work.
    process.wait_until(cluster, "service account 'default'",
                       lambda: api.ok(cluster, "/api/v1/namespaces/default/serviceaccounts/default"),
                       "kube-controller-manager")
    if cluster.state["nodes"] != "none":
        process.wait_until(cluster, "healthy scheduler", lambda: _healthy(cluster, "scheduler", "/healthz"),
                           "kube-scheduler")


def wait_for_apiserver(cluster):
    for path in ("/readyz", "/apis/apps/v1", "/api/v1/namespaces/kube-system", "/api/v1/namespaces/default"):
        process.wait_until(cluster, f"API server ({path})", lambda p=path: api.ok(cluster, p), "kube-apiserver")


def kill_apiserver(cluster):
    """SIGKILL: asked to stop, it would hold the port for some seconds more."""
    process.send(cluster, "kube-apiserver", signal.SIGKILL)
    process.end(cluster, ["kube-apiserver"])


def start_apiserver(cluster):
    if process.alive(cluster.state["processes"]["kube-apiserver"]):
        raise Failure("kube-apiserver is running already")
    process.restart(cluster, "kube-apiserver")
    wait_for_apiserver(cluster)


def _healthy(cluster, name, path, plain=False):
    """These ports are asked without a client certificate: health is open to all."""
    if plain:
        connection = http.client.HTTPConnection(cluster.host, cluster.port(name), timeout=2)
    else:
        context = ssl.create_default_context(cafile=cluster.pki / "ca.crt")
        connection = http.client.HTTPSConnection(cluster.host, cluster.port(name), timeout=2, context=context)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _make_clients(cluster):
    pki.make_client(cluster, "admin", "test-admin", "system:masters")


def _start_etcd(cluster, program):
    client = f"http://{cluster.host}:{cluster.port('etcd')}"
    peer = f"http://{cluster.host}:{cluster.port('etcd-peer')}"
    process.start(cluster, "etcd", [
        program, "--name=test", f"--data-dir={cluster.data}/etcd", "--unsafe-no-fsync", "--log-level=warn",
        f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=test={peer}"])


def _start_apiserver(cluster, program):
    keys = cluster.pki
    process.start(cluster, "kube-apiserver", [
        program, f"--etcd-servers=http://{cluster.host}:{cluster.port('etcd')}",
        f"--bind-address={'0.0.0.0' if cluster.real else cluster.host}", f"--advertise-address={cluster.host}",
        f"--secure-port={cluster.port('apiserver')}",
        # Endpoints of a loopback address are refused, and nothing asks for them where there is no real pod.
        f"--endpoint-reconciler-type={'lease' if cluster.real else 'none'}",
        f"--tls-cert-file={keys}/serving.crt", f"--tls-private-key-file={keys}/serving.key",
        f"--client-ca-file={keys}/ca.crt", "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={keys}/sa.pub", f"--service-account-signing-key-file={keys}/sa.key",
        "--service-cluster-ip-range=10.96.0.0/16", "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={keys}/admin.crt", f"--kubelet-client-key={keys}/admin.key",
        "--profiling=false"])


def _serving_flags(cluster, name):
    return [f"--kubeconfig={cluster.kubeconfig}", "--leader-elect=false", f"--bind-address={cluster.host}",
            f"--secure-port={cluster.port(name)}", "--profiling=false",
            f"--tls-cert-file={cluster.pki}/serving.crt", f"--tls-private-key-file={cluster.pki}/serving.key"]


def _start_controllers(cluster, program):
    keys = cluster.pki
    process.start(cluster, "kube-controller-manager", [
        program, *_serving_flags(cluster, "controller-manager"),
        # The default of 20 requests a second makes a fleet of Deployments take minutes.
        "--kube-api-qps=5000", "--kube-api-burst=10000", "--use-service-account-credentials=false",
        f"--root-ca-file={keys}/ca.crt", f"--service-account-private-key-file={keys}/sa.key",
        f"--cluster-signing-cert-file={keys}/ca.crt", f"--cluster-signing-key-file={keys}/ca.key"])


def _start_scheduler(cluster, program):
    process.start(cluster, "kube-scheduler", [
        program, *_serving_flags(cluster, "scheduler"), "--kube-api-qps=5000", "--kube-api-burst=10000"])
