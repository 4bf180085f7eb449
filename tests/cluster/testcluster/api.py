"""Requests to the API server as the administrator, as few as the start of a cluster needs."""
import http.client
import json
import ssl

from .state import Failure


def _context(cluster):
    context = ssl.create_default_context(cafile=cluster.pki / "ca.crt")
    context.load_cert_chain(cluster.pki / "admin.crt", cluster.pki / "admin.key")
    return context


def request(cluster, method, path, body=None, timeout=5.0):
    """Returns the status code (0: no answer) and the body as text."""
    connection = None
    try:
        connection = http.client.HTTPSConnection(cluster.host, cluster.port("apiserver"), timeout=timeout,
                                                 context=_context(cluster))
        content = json.dumps(body) if body is not None else None
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        connection.request(method, path, content, {"Content-Type": kind} if content else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)
    finally:
        if connection:
            connection.close()


def ok(cluster, path):
    return request(cluster, "GET", path)[0] == 200


def get(cluster, path):
    status, text = request(cluster, "GET", path)
    if status != 200:
        raise Failure(f"GET {path}: {status} {text.strip()[:300]}")
    return json.loads(text)


def create(cluster, path, body):
    status, text = request(cluster, "POST", path, body)
    if status not in (201, 409):
        raise Failure(f"POST {path}: {status} {text.strip()[:300]}")
