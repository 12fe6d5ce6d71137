"""Stand-in for MicroK8s: where things lie, as in the snap, and who this node is."""

import json
import os
import re
import socket
import subprocess
from pathlib import Path

SNAP = Path(os.environ.get("SNAP", "/snap/microk8s/current"))
DATA = Path(os.environ.get("SNAP_DATA", "/var/snap/microk8s/current"))
COMMON = Path(os.environ.get("SNAP_COMMON", "/var/snap/microk8s/common"))
PAYLOAD = Path(os.environ.get("JEEVES_LAB_PAYLOAD", "/opt/jeeves-lab/payload"))
FAULTS = Path("/etc/jeeves-lab/faults.json")

ARGS = DATA / "args"
CERTS = DATA / "certs"
CREDENTIALS = DATA / "credentials"
LOCKS = DATA / "var" / "lock"
BACKEND = DATA / "var" / "kubernetes" / "backend"
LAUNCHER = COMMON / "etc" / "launcher"
SOCKET = COMMON / "run" / "containerd.sock"

WORKER_LOCK = LOCKS / "clustered.lock"
JOIN_LOCK = LOCKS / "join-in-progress"
NO_REISSUE_LOCK = LOCKS / "no-cert-reissue"
STOPPED_LOCK = LOCKS / "stopped.lock"

API_PORT = 16443
AGENT_PORT = 25000
DNS_IP = "10.152.183.10"
CLUSTER_CIDR = "10.1.0.0/16"

SERVICES = ["containerd", "k8s-dqlite", "kubelite", "apiserver-proxy", "cluster-agent"]


def unit(service):
    return f"snap.microk8s.daemon-{service}.service"


def systemctl(verb, *services):
    """Runs one systemctl verb on services of the snap; says nothing if it fails."""
    subprocess.run(
        ["systemctl", verb, *[unit(service) for service in services]],
        check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )


def node_name():
    return socket.gethostname().lower()


def is_worker():
    return WORKER_LOCK.exists()


def fault(name):
    """The value of one named fault that a test has set for this node, or None."""
    try:
        return json.loads(FAULTS.read_text()).get(name)
    except (OSError, ValueError):
        return None


def own_addresses():
    """IPv4 addresses of the machine, those of pod networks left out, default route's first."""
    listed = json.loads(
        subprocess.run(["ip", "-j", "-4", "addr"], capture_output=True, check=True).stdout)
    found = [
        entry["local"]
        for link in listed
        if not re.match(r"lo$|cni|veth|vxlan|cali|flannel", link["ifname"])
        for entry in link.get("addr_info", [])
    ]
    route = subprocess.run(
        ["ip", "-4", "route", "get", "192.0.2.1"], capture_output=True, text=True, check=False)
    match = re.search(r"\bsrc (\S+)", route.stdout)
    if match and match[1] in found:
        found.remove(match[1])
        found.insert(0, match[1])
    return found


def write(path, text, mode=0o660):
    """Replaces a file whole."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
    os.replace(temporary, path)


def read_args(program):
    """The arguments of a Kubernetes program, one a line in its file, variables filled in."""
    variables = {"SNAP_DATA": str(DATA), "SNAP_COMMON": str(COMMON), "SNAP": str(SNAP)}
    lines = (ARGS / program).read_text().splitlines()
    wanted = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return [re.sub(r"\$\{(\w+)\}", lambda m: variables.get(m[1], m[0]), one) for one in wanted]


def set_args(program, changes):
    """Sets arguments in a program's file; None removes one."""
    path = ARGS / program
    lines = path.read_text().splitlines() if path.exists() else []
    for key, value in changes.items():
        lines = [line for line in lines if line.split("=", 1)[0].strip() != key]
        if value is not None:
            lines.append(f"{key}={value}")
    write(path, "\n".join(lines) + "\n")
