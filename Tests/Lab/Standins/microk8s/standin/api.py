"""Stand-in for MicroK8s: a small client of the Kubernetes API with a node's own certificate."""

import base64
import http.client
import json
import re
import ssl
import tempfile

from .paths import API_PORT, CREDENTIALS


class Unreachable(Exception):
    """The API does not answer, or not as it should."""


def context(name):
    """The TLS context of one of our kubeconfigs."""
    text = (CREDENTIALS / f"{name}.config").read_text()

    def inline(key):
        return base64.b64decode(re.search(rf"{key}: (\S+)", text)[1])

    made = ssl.create_default_context(cadata=inline("certificate-authority-data").decode())
    with tempfile.NamedTemporaryFile() as pair:
        pair.write(inline("client-certificate-data") + inline("client-key-data"))
        pair.flush()
        made.load_cert_chain(pair.name)
    return made


def request(path, name="client", timeout=5):
    """GETs a path from the API at this node's loopback. Returns (status, body)."""
    try:
        connection = http.client.HTTPSConnection(
            "127.0.0.1", API_PORT, timeout=timeout, context=context(name))
        try:
            connection.request("GET", path, headers={"Accept": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()
    except (OSError, ValueError, TypeError, http.client.HTTPException) as error:
        raise Unreachable(str(error)) from error


def get(path, name="client"):
    """The object at a path, or None if there is none."""
    status, body = request(path, name)
    if status == 404:
        return None
    if status != 200:
        raise Unreachable(f"GET {path}: HTTP {status}")
    return json.loads(body)


def is_serving():
    try:
        return request("/readyz", timeout=2)[0] == 200
    except Unreachable:
        return False


def is_ready():
    """Ready as `microk8s status` means it: the service `kubernetes` and one node that is Ready."""
    try:
        if get("/api/v1/namespaces/default/services/kubernetes") is None:
            return False
        return any(node_is_ready(node) for node in get("/api/v1/nodes")["items"])
    except Unreachable:
        return False


def node_is_ready(node):
    conditions = node.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def node_address(node):
    """The node's InternalIP, or None."""
    for address in node.get("status", {}).get("addresses", []):
        if address["type"] == "InternalIP":
            return address["address"]
    return None
