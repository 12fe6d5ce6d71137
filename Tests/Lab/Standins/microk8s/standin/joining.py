"""Stand-in for MicroK8s: add-node, join, leave and remove-node, their lies included."""

import argparse
import hashlib
import http.client
import ipaddress
import json
import secrets
import socket
import ssl
import subprocess
import sys

from . import api, datastore, layout, paths, pki, proxy, tickets
from .paths import AGENT_PORT, CERTS, CREDENTIALS, JOIN_LOCK, NO_REISSUE_LOCK, WORKER_LOCK

TOKEN_MIN = 32


def add_node(arguments):
    parser = argparse.ArgumentParser(prog="microk8s add-node")
    parser.add_argument("--token-ttl", "-l", type=int, default=-1)
    parser.add_argument("--token", "-t")
    parser.add_argument("--format", default="pretty",
                        choices=["pretty", "short", "token", "token-check", "json", "yaml"])
    given = parser.parse_args(arguments)
    token = given.token if given.token is not None else secrets.token_hex(16)
    if len(token) < TOKEN_MIN:
        print("Invalid token size.  It must be 32 characters long.")
        return 1
    tickets.add(token, given.token_ttl)
    ticket = f"{token}/{pki.fingerprint()}"
    urls = [f"{ip}:{AGENT_PORT}/{ticket}" for ip in paths.own_addresses()]
    value = {"token": ticket, "urls": urls}
    if given.format == "json":
        print(json.dumps(value, indent=2))
    elif given.format == "yaml":
        import yaml
        print(yaml.dump(value, indent=2))
    elif given.format == "token-check":
        print(ticket)
    elif given.format == "token":
        print(token)
    elif given.format == "short":
        for url in urls:
            print(f"microk8s join {url}")
    else:
        print("From the node you wish to join to this cluster, run the following:")
        print(f"microk8s join {urls[0]}\n")
        print("Use the '--worker' flag to join a node as a worker not running the control plane:")
        print(f"microk8s join {urls[0]} --worker\n")
        print("If the node you are adding is not reachable through the default interface you can"
              " use one of the following:")
        for url in urls:
            print(f"microk8s join {url}")
    return 0


class Contact:
    """One TLS connection to a cluster agent."""

    def __init__(self, host, port):
        context = ssl._create_unverified_context()
        self.connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=240)
        self.connection.connect()

    def fingerprint(self):
        return hashlib.sha256(self.connection.sock.getpeercert(True)).hexdigest()

    def post(self, path, value):
        """Returns (HTTP status, answer)."""
        self.connection.request(
            "POST", path, json.dumps(value), {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, {}


class Refused(Exception):
    """The join ends with this status after this sentence."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def parse_url(url):
    """Returns (host, port, token, fingerprint or None)."""
    parts = url.split("/")
    host, _, port = parts[0].partition(":")
    if len(parts) < 2 or not port.isdigit() or not parts[1]:
        raise Refused(1, f"Invalid connection: {url}")
    try:
        ipaddress.IPv4Address(host)
    except ValueError as error:
        raise Refused(1, "Invalid connection: Invalid master IP") from error
    return host, port, parts[1], parts[2] if len(parts) > 2 else None


def ask_to_join(contact, host, token, fingerprint, worker):
    if fingerprint is not None:
        if len(fingerprint) < 12:
            raise Refused(4, "Joining cluster failed. Fingerprint too short. Use '--skip-verify'"
                             " to skip server certificate check.")
        if not contact.fingerprint().startswith(fingerprint):
            raise Refused(4, f"Joining cluster failed. Could not verify the identity of {host}."
                             " Use '--skip-verify' to skip server certificate check.")
    status, answer = contact.post("/cluster/api/v2.0/join", {
        "token": token, "hostname": paths.node_name(), "port": str(AGENT_PORT),
        "worker": "as-worker" if worker else False,
        "can_handle_x509_auth": True, "can_handle_custom_etcd": True,
    })
    if status != 200:
        raise Refused(6, f"Connection failed. {answer.get('error', '')} ({status}).")
    return answer


def fetch_certificate(host, port, name, token, subject):
    pki.make_key(CERTS / f"{name}.key")
    request = pki.openssl(
        "req", "-new", "-sha256", "-key", CERTS / f"{name}.key", "-subj", subject)
    status, answer = Contact(host, port).post(
        "/cluster/api/v1.0/sign-cert", {"token": token, "request": request})
    if status != 200:
        raise Refused(1, f"Failed to sign {name} certificate ({status}). {answer.get('error')}")
    paths.write(CERTS / f"{name}.crt", answer["certificate"])


def become_worker(info, host, port, token):
    """Takes the cluster's authority, gets certificates of it and starts as its worker."""
    paths.write(CERTS / "ca.remote.crt", info["ca"])
    paths.write(CERTS / "ca.crt", info["ca"])
    name = paths.node_name()
    fetch_certificate(host, port, "proxy", f"{token}-proxy", "/CN=system:kube-proxy")
    fetch_certificate(host, port, "kubelet", f"{token}-kubelet",
                      f"/O=system:nodes/CN=system:node:{name}")
    paths.write(paths.ARGS / "kubelet", info["kubelet_args"])
    paths.set_args("kubelet", {"--node-labels": "microk8s.io/cluster=true,"
                               "node.kubernetes.io/microk8s-worker=microk8s-worker"})
    paths.write(CREDENTIALS / "kubelet.config", pki.kubeconfig("kubelet", "kubelet"))
    paths.write(CREDENTIALS / "proxy.config", pki.kubeconfig("kubeproxy", "proxy"))
    paths.write(CREDENTIALS / "callback-token.txt", info["callback_token"])
    proxy.write_endpoints([f"{host}:{info['apiport']}"])
    paths.write(WORKER_LOCK, "")
    paths.write(NO_REISSUE_LOCK, "")


def become_controller(info):
    """Takes the cluster's authority with its keys, and starts as one more of its controllers."""
    for path in CERTS.glob("*"):
        if path.name != "csr.conf.template":
            path.unlink()
    for name, key in [("ca.crt", "ca"), ("ca.key", "ca_key"),
                      ("serviceaccount.key", "service_account_key"),
                      ("front-proxy-ca.crt", "front_proxy_ca"),
                      ("front-proxy-ca.key", "front_proxy_ca_key")]:
        paths.write(CERTS / name, info[key])
    pki.make_all()
    pki.make_server()
    pki.write_kubeconfigs()
    paths.set_args("kube-apiserver", {"--authorization-mode": info["api_authz_mode"]})
    paths.write(paths.ARGS / "kubelet", info["kubelet_args"])
    paths.write(CREDENTIALS / "callback-token.txt", info["callback_token"])
    paths.write(NO_REISSUE_LOCK, "")
    datastore.join(info["initial_cluster"], info["hostname_override"])


def join(arguments):
    parser = argparse.ArgumentParser(prog="microk8s join")
    parser.add_argument("connection")
    parser.add_argument("--worker", action="store_true")
    parser.add_argument("--controlplane", action="store_true")
    parser.add_argument("--skip-verify", action="store_true")
    parser.add_argument("--disable-low-memory-guard", action="store_true")
    given = parser.parse_args(arguments)
    if paths.is_worker():
        print("This MicroK8s deployment is acting as a node in a cluster.", file=sys.stderr)
        return 1
    paths.write(JOIN_LOCK, "")
    try:
        host, port, token, fingerprint = parse_url(given.connection)
        print(f"Contacting cluster at {host}", flush=True)
        info = ask_to_join(Contact(host, port), host, token,
                           None if given.skip_verify else fingerprint, given.worker)
        if given.worker:
            become_worker(info, host, port, token)
        else:
            become_controller(info)
    except Refused as refused:
        print(refused)
        return refused.status
    except ssl.SSLError as error:
        print(f"Peer node verification failed ({error}).")
        return 4
    except http.client.HTTPException as error:
        print(f"Connecting to cluster failed with {error}.")
        return 5
    except OSError as error:
        print(f"Please ensure the master node is reachable. {error}")
        return 1
    finally:
        JOIN_LOCK.unlink(missing_ok=True)
    # A test may ask for the lie that is worst: success said, membership never reached.
    if not paths.fault("microk8s.joinWithoutMembership"):
        paths.systemctl("restart", "k8s-dqlite", "apiserver-proxy", "cluster-agent", "kubelite")
    print("\nThe node has joined the cluster and will appear in the nodes list in a few seconds.\n")
    if given.worker:
        print("This worker node gets automatically configured with the API server endpoints.")
    print("Successfully joined the cluster.")
    return 0


def leave(_):
    """A worker becomes a cluster of its own again."""
    if not paths.is_worker():
        print("This MicroK8s deployment is not acting as a node in a cluster.")
        return 1
    print("Configuring services.", flush=True)
    paths.systemctl("stop", "kubelite", "apiserver-proxy")
    for lock in [WORKER_LOCK, NO_REISSUE_LOCK]:
        lock.unlink(missing_ok=True)
    for path in CERTS.glob("*"):
        if path.name != "csr.conf.template":
            path.unlink()
    subprocess.run(["rm", "-rf", str(paths.BACKEND / "etcd")], check=True)
    layout.write_args()
    pki.make_all()
    pki.make_server()
    pki.write_kubeconfigs()
    paths.systemctl("restart", "k8s-dqlite", "apiserver-proxy", "cluster-agent", "kubelite")
    print("Node left the cluster.")
    return 0


def remove_node(arguments):
    parser = argparse.ArgumentParser(prog="microk8s remove-node")
    parser.add_argument("node")
    parser.add_argument("--force", action="store_true")
    given = parser.parse_args(arguments)
    if paths.is_worker():
        print("This MicroK8s deployment is acting as a node in a cluster.")
        return 1
    listed = (api.get("/api/v1/nodes") or {}).get("items", [])
    names = {one["metadata"]["name"]: api.node_address(one) for one in listed}
    name = next((n for n, ip in names.items() if given.node in (n, ip)), None)
    if name is None:
        print(f"Node {given.node} does not exist in Kubernetes.")
        return 1
    try:
        voters = [datastore.address_of(one) for one in datastore.members()]
        is_voter = name == socket.gethostname().lower() or names[name] in voters
        if is_voter and not given.force:
            print(f"Removal failed. Node {name} is registered with dqlite. Please, run first"
                  " 'microk8s leave' on the departing node.")
            return 1
        datastore.remove(names[name])
    except datastore.Refused as refused:
        print(refused)
        return 2
    return kubectl(["delete", "node", name, "--wait=false"], quiet=True)


def kubectl(arguments, quiet=False):
    """kubectl as the cluster's administrator."""
    command = [str(paths.PAYLOAD / "clients" / "kubectl"),
               f"--kubeconfig={CREDENTIALS / 'client.config'}", *arguments]
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, check=False, stdout=output).returncode
