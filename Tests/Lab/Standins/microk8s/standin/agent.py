"""Stand-in for MicroK8s' cluster agent: TLS on port 25000, and the launcher that scans a folder."""

import json
import logging
import secrets
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import datastore, launch, paths, pki, tickets
from .paths import AGENT_PORT, CERTS, NO_REISSUE_LOCK

BODY_BYTES_MAX = 1 << 20


class Refusal(Exception):
    """An error answer: HTTP status and sentence."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def join(body, peer):
    """`POST /cluster/api/v2.0/join`. The ticket is used up before anything else is judged."""
    token = str(body.get("token", ""))
    if not (tickets.is_persistent(token) or tickets.take(tickets.CLUSTER, token)):
        raise Refusal(500, "Invalid token")
    if str(body.get("port")) != str(AGENT_PORT):
        raise Refusal(502, "The port of the cluster agent port has to be set to 25000")
    if peer in paths.own_addresses():
        raise Refusal(503, f"The joining node has the same IP ({peer}) as the node we contact")
    answer = {
        "ca": (CERTS / "ca.crt").read_text(),
        "callback_token": secrets.token_hex(32),
        "apiport": str(paths.API_PORT),
        "api_authz_mode": authorization_mode(),
        "kubelet_args": (paths.ARGS / "kubelet").read_text(),
        "hostname_override": peer,
        "service_account_key": "",
        "ca_key": None,
        "control_plane_nodes": paths.own_addresses()[:1],
        "cluster_cidr": paths.CLUSTER_CIDR,
    }
    if body.get("worker") not in (True, "as-worker"):
        return answer | control_plane(str(body.get("hostname", "")).lower(), peer)
    for use in ["kubelet", "proxy"]:
        tickets.append(tickets.CERTIFICATES, f"{token}-{use}")
    return answer


def control_plane(name, address):
    """What only another controller is told: the cluster's keys, and its place in the datastore."""
    try:
        cluster = datastore.admit(name, address)
    except datastore.Refused as refused:
        raise Refusal(500, str(refused)) from refused
    return {
        "ca_key": (CERTS / "ca.key").read_text(),
        "service_account_key": (CERTS / "serviceaccount.key").read_text(),
        "front_proxy_ca": (CERTS / "front-proxy-ca.crt").read_text(),
        "front_proxy_ca_key": (CERTS / "front-proxy-ca.key").read_text(),
        "initial_cluster": cluster,
    }


def authorization_mode():
    for line in paths.read_args("kube-apiserver"):
        if line.startswith("--authorization-mode="):
            return line.split("=", 1)[1]
    return "AlwaysAllow"


def disturb():
    """What the first join does to a fresh controller: the datastore is bound to another address
    and restarted, so the API gives errors for some seconds."""
    if NO_REISSUE_LOCK.exists():
        return
    paths.write(NO_REISSUE_LOCK, "")
    paths.systemctl("restart", "k8s-dqlite")


def sign_certificate(body):
    """`POST /cluster/api/v1.0/sign-cert`: one certificate a token that the join left."""
    if not tickets.take(tickets.CERTIFICATES, str(body.get("token", ""))):
        raise Refusal(500, "Invalid token")
    try:
        return {"certificate": pki.sign(str(body.get("request", "")), 3650)}
    except RuntimeError as error:
        raise Refusal(500, str(error)) from error


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "microk8s-cluster-agent"
    sys_version = ""
    timeout = 240

    def log_message(self, format, *arguments):  # noqa: A002 - the parent's name
        logging.info("%s %s", self.client_address[0], format % arguments)

    def answer(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        if self.path in ("/health", "/health/"):
            self.answer(200, {"status": "OK"})
        else:
            self.answer(404, {"error": "not found"})

    def do_POST(self):
        routes = {
            "/cluster/api/v2.0/join": lambda body: join(body, self.client_address[0]),
            "/cluster/api/v1.0/sign-cert": sign_certificate,
        }
        route = routes.get(self.path.rstrip("/"))
        length = int(self.headers.get("Content-Length") or 0)
        if route is None or length > BODY_BYTES_MAX:
            self.close_connection = True
            self.answer(404 if route is None else 413, {"error": "not found"})
            return
        try:
            self.answer(200, route(json.loads(self.rfile.read(length))))
        except Refusal as refusal:
            self.answer(refusal.status, {"error": str(refusal)})
            return
        except (ValueError, AttributeError) as error:
            self.answer(400, {"error": f"invalid request: {error}"})
            return
        if route is not sign_certificate:
            disturb()


class Server(ThreadingHTTPServer):
    """Finishes the TLS handshake in the connection's own thread, so that one silent peer cannot
    hold the others up."""

    daemon_threads = True
    request_queue_size = 64

    def finish_request(self, request, client_address):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(CERTS / "server.crt", CERTS / "server.key")
        request.settimeout(30)
        try:
            secured = context.wrap_socket(request, server_side=True)
        except (OSError, ssl.SSLError):
            return
        try:
            super().finish_request(secured, client_address)
        finally:
            secured.close()


def scan():
    while True:
        launch.apply_pending()
        datastore.watch()
        time.sleep(5)


def serve():
    threading.Thread(target=scan, daemon=True).start()
    Server(("0.0.0.0", AGENT_PORT), Handler).serve_forever()
    return 0
