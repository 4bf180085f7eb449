"""Certificates and keys, made with openssl; elliptic curves, because an RSA key costs a tenth of a second and more."""
import subprocess

from .state import Failure

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
SERVICE_IP = "10.96.0.1"
NAMES = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
         "kubernetes.default.svc.cluster.local"]


def _openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"openssl {args[0]} failed: {done.stderr.strip()}")


def _issue(pki, name, subject, extensions):
    args = ["req", "-x509", "-config", pki / "openssl.cnf", *CURVE, "-subj", subject,
            "-CA", pki / "ca.crt", "-CAkey", pki / "ca.key",
            "-keyout", pki / f"{name}.key", "-out", pki / f"{name}.crt",
            "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "authorityKeyIdentifier=keyid"]
    for extension in extensions:
        args += ["-addext", extension]
    _openssl(*args)


def make_client(cluster, name, common_name, group):
    _issue(cluster.pki, name, f"/O={group}/CN={common_name}", ["extendedKeyUsage=clientAuth"])


def make_serving(cluster, addresses):
    names = [f"DNS:{name}" for name in NAMES] + [f"IP:{address}" for address in addresses]
    _issue(cluster.pki, "serving", "/CN=kube-apiserver",
           ["extendedKeyUsage=serverAuth", "subjectAltName=" + ",".join(names)])


def make_authority(cluster):
    """The authority, and the key pair that signs the tokens of service accounts."""
    pki = cluster.pki
    pki.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A configuration of our own: the system's adds extensions to certificates that would then be there twice.
    (pki / "openssl.cnf").write_text("[req]\ndistinguished_name = dn\n[dn]\n", encoding="ascii")
    _openssl("req", "-x509", "-config", pki / "openssl.cnf", *CURVE, "-subj", "/CN=test-cluster",
             "-keyout", pki / "ca.key", "-out", pki / "ca.crt", "-addext", "basicConstraints=critical,CA:TRUE",
             "-addext", "subjectKeyIdentifier=hash",
             "-addext", "keyUsage=critical,keyCertSign,cRLSign,digitalSignature")
    _openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", pki / "sa.key")
    _openssl("ec", "-in", pki / "sa.key", "-pubout", "-out", pki / "sa.pub")


KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: test
clusters:
- name: test
  cluster: {{server: "{url}", certificate-authority: "{pki}/ca.crt"}}
contexts:
- name: test
  context: {{cluster: test, user: {name}, namespace: default}}
users:
- name: {name}
  user: {{client-certificate: "{pki}/{name}.crt", client-key: "{pki}/{name}.key"}}
"""


def write_kubeconfig(cluster, name, path):
    path.write_text(KUBECONFIG.format(url=cluster.url, pki=cluster.pki, name=name), encoding="utf-8")
    path.chmod(0o600)
