"""Stand-in for dqlite: etcd, whose members are told and changed through its HTTP gateway.

A new member begins as a learner, which counts for no majority, and becomes a voter once it has all
that the others have, as dqlite's do.
"""

import json
import logging
import shutil
import time
import urllib.request

from . import paths
from .paths import BACKEND, NO_REISSUE_LOCK

PEER_PORT = 19001
CLIENT = "http://127.0.0.1:12379"
LOOPBACK = "127.0.0.1"
# What MicroK8s calls the same file, in the same words.
MEMBERS = BACKEND / "cluster.yaml"
# Where other members reach this one; not there while it listens to nobody.
ADDRESS = BACKEND / "address"
# The members that this one joined.
INITIAL = BACKEND / "initial-cluster"


class Refused(Exception):
    """etcd does not answer, or not as it should."""


def call(verb, value):
    """One call of etcd's cluster service."""
    request = urllib.request.Request(
        f"{CLIENT}/v3/cluster/member/{verb}", json.dumps(value).encode(),
        {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise Refused(f"member {verb}: {error}") from error


def members():
    return call("list", {}).get("members", [])


def peer(address):
    return f"http://{address}:{PEER_PORT}"


def address_of(member):
    return member["peerURLs"][0].split("//")[1].rsplit(":", 1)[0]


def read(path, otherwise):
    return path.read_text().strip() if path.exists() else otherwise


def arguments():
    """etcd's command line: alone at first, later one of several."""
    name, own = paths.node_name(), peer(read(ADDRESS, LOOPBACK))
    return ["etcd", "--name", name, "--data-dir", str(BACKEND / "etcd"), "--logger", "zap",
            "--log-level", "warn", "--snapshot-count", "5000",
            "--listen-client-urls", CLIENT, "--advertise-client-urls", CLIENT,
            "--listen-peer-urls", own, "--initial-advertise-peer-urls", own,
            "--initial-cluster", read(INITIAL, f"{name}={own}"),
            "--initial-cluster-state", "existing" if INITIAL.exists() else "new"]


def elect_leaders():
    """Of several controller managers and schedulers one works."""
    for program in ["kube-controller-manager", "kube-scheduler"]:
        paths.set_args(program, {"--leader-elect": "true"})


def open_up():
    """What the first controller that joins does to the one that it joins: the datastore is bound
    to the node's address, and everything is restarted."""
    if ADDRESS.exists():
        return
    address = paths.own_addresses()[0]
    call("update", {"ID": members()[0]["ID"], "peerURLs": [peer(address)]})
    paths.write(ADDRESS, address)
    paths.write(NO_REISSUE_LOCK, "")
    elect_leaders()
    paths.systemctl("restart", "k8s-dqlite", "kubelite")
    for _ in range(30):
        try:
            members()
            return
        except Refused:
            time.sleep(1)
    raise Refused("member list: not there again after 30 s")


def admit(name, address):
    """Makes a place for a new member; returns what it has to know of all. One that never started
    has left its place behind."""
    open_up()
    for member in members():
        if address_of(member) == address:
            if member.get("name"):
                raise Refused(f"{address} is already known to dqlite")
            call("remove", {"ID": member["ID"]})
    call("add", {"peerURLs": [peer(address)], "isLearner": True})
    known = [f"{one['name']}={one['peerURLs'][0]}" for one in members() if one.get("name")]
    return ",".join([*known, f"{name}={peer(address)}"])


def join(cluster, address):
    """Forgets the node's own datastore, and joins another one at its next start."""
    paths.systemctl("stop", "kubelite", "k8s-dqlite")
    shutil.rmtree(BACKEND / "etcd", ignore_errors=True)
    paths.write(INITIAL, cluster)
    paths.write(ADDRESS, address)
    elect_leaders()
    note([one.split("//")[1].rsplit(":", 1)[0] for one in cluster.split(",")])


def remove(address):
    """Takes a member out; true if there was one."""
    for member in members():
        if address_of(member) == address:
            call("remove", {"ID": member["ID"]})
            return True
    return False


def note(addresses):
    text = "".join(f"- Address: {one}:{PEER_PORT}\n  Role: 0\n" for one in addresses)
    if read(MEMBERS, "") != text.strip():
        paths.write(MEMBERS, text)


def watch():
    """One look: writes down who is a member, and makes voters of learners that have caught up."""
    try:
        known = members()
        note(map(address_of, known))
        for member in known:
            if member.get("isLearner") and member.get("name"):
                call("promote", {"ID": member["ID"]})
    except Refused as refused:
        logging.debug("%s", refused)
