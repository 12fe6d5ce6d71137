"""Stand-in for MicroK8s' Calico: bridge CNI on each node, VXLAN between the nodes."""

import json
import logging
import shutil
import subprocess
import threading

from . import api, paths

CONFIG = paths.ARGS / "cni-network" / "10-microk8s.conflist"
LEASES = "/var/lib/cni/networks/microk8s"
TUNNEL = "vxlan.calico"
PROTOCOL = "177"  # marks our routes, so that only these are ever removed


def config(subnet):
    return json.dumps({
        "cniVersion": "0.4.0", "name": "microk8s", "plugins": [
            {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": False,
             "hairpinMode": True, "promiscMode": False, "mtu": 1450,
             "ipam": {"type": "host-local", "ranges": [[{"subnet": subnet}]],
                      "routes": [{"dst": "0.0.0.0/0"}]}},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ]}, indent=2)


def ip(*arguments):
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)


def lay_bridge(subnet):
    """Writes the CNI configuration; a bridge with an older subnet is taken away first."""
    wanted = config(subnet)
    if CONFIG.exists() and CONFIG.read_text() == wanted:
        return
    ip("link", "delete", "cni0")
    shutil.rmtree(LEASES, ignore_errors=True)
    paths.write(CONFIG, wanted, 0o644)
    # What pods send out of the cluster leaves with the node's address.
    subprocess.run(["iptables", "-w", "-t", "nat", "-N", "MICROK8S-POSTROUTING"],
                   capture_output=True, check=False)
    rule = ["-s", paths.CLUSTER_CIDR, "!", "-d", paths.CLUSTER_CIDR, "-j", "MASQUERADE"]
    jump = ["-j", "MICROK8S-POSTROUTING"]
    for chain, one in [("MICROK8S-POSTROUTING", rule), ("POSTROUTING", jump)]:
        known = subprocess.run(["iptables", "-w", "-t", "nat", "-C", chain, *one],
                               capture_output=True, check=False)
        if known.returncode:
            subprocess.run(["iptables", "-w", "-t", "nat", "-A", chain, *one], check=False)
    logging.info("pod network of this node is %s", subnet)


def hardware_address(address):
    """The tunnel's Ethernet address on the node with this address: all nodes can work it out."""
    return "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))


def lay_tunnel(subnet, address):
    """The VXLAN device, as Calico's: what pods say to pods elsewhere goes as UDP between nodes."""
    known = json.loads(ip("-j", "-d", "link", "show", "dev", TUNNEL).stdout or "[]")
    if known and known[0]["linkinfo"]["info_data"].get("local") != address:
        ip("link", "delete", TUNNEL)
        known = []
    if not known:
        device = json.loads(ip("-j", "-4", "route", "get", "192.0.2.1").stdout)[0]["dev"]
        made = ip("link", "add", TUNNEL, "address", hardware_address(address), "type", "vxlan",
                  "id", "4096", "dstport", "4789", "local", address, "dev", device, "nolearning")
        if made.returncode:
            logging.error("making %s: %s", TUNNEL, made.stderr.strip())
        ip("link", "set", TUNNEL, "up")
    address_tunnel(end_point(subnet))


def address_tunnel(wanted):
    """Gives the tunnel this address only: one of an earlier cluster would make another node's pods
    look like this node. One that is right stays: the kernel ends every masqueraded connection
    whose address goes away (nf_nat_masquerade), so those of the edge to pods elsewhere."""
    listed = json.loads(ip("-j", "-4", "addr", "show", "dev", TUNNEL).stdout or "[]")
    have = [f"{one['local']}/{one['prefixlen']}"
            for link in listed for one in link["addr_info"]]
    if have != [f"{wanted}/32"]:
        ip("-4", "addr", "flush", "dev", TUNNEL)
        ip("-4", "addr", "add", f"{wanted}/32", "dev", TUNNEL)


def end_point(subnet):
    return subnet.split("/")[0]


def lay_routes(wanted):
    """Makes the routes to the other nodes' pods exactly `wanted`: subnet to node address."""
    listed = json.loads(ip("-j", "-4", "route", "show", "proto", PROTOCOL).stdout or "[]")
    for route in listed:
        if route["dst"] not in wanted:
            ip("-4", "route", "delete", route["dst"], "proto", PROTOCOL)
    for subnet, address in wanted.items():
        hardware = hardware_address(address)
        ip("neigh", "replace", end_point(subnet), "lladdr", hardware, "dev", TUNNEL,
           "nud", "permanent")
        subprocess.run(["bridge", "fdb", "replace", hardware, "dev", TUNNEL, "dst", address],
                       check=False, capture_output=True)
        done = ip("-4", "route", "replace", subnet, "via", end_point(subnet), "dev", TUNNEL,
                  "onlink", "proto", PROTOCOL)
        if done.returncode:
            logging.warning("route to %s: %s", subnet, done.stderr.strip())


def converge(laid):
    """One look at the nodes, with the kubelet's own credentials, and what follows from it.
    Returns what is laid now; the same as before needs no work."""
    own, routes = None, {}
    for node in api.get("/api/v1/nodes", "kubelet")["items"]:
        subnet, address = node["spec"].get("podCIDR"), api.node_address(node)
        if not subnet or not address:
            continue
        if node["metadata"]["name"] == paths.node_name():
            own = (subnet, address)
        else:
            routes[subnet] = address
    if own and (own, routes) != laid:
        lay_bridge(own[0])
        lay_tunnel(*own)
        lay_routes(routes)
    return (own, routes)


def run(stopped: threading.Event):
    """Converges until told to stop: often while the node is new, then every five seconds."""
    with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as handle:
        handle.write("1")
    laid = None
    while not stopped.is_set():
        try:
            laid = converge(laid)
        except api.Unreachable:
            pass
        stopped.wait(5 if laid and laid[0] else 1)
