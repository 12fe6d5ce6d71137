"""Stand-in for the internet between a person's browser and the edge: a port of this machine.

It listens on the machine's loopback and connects inside the cloud's namespace to the public
address of a node that has an elastic one.

Usage: edge.py NAMESPACE NODES LISTEN:PORT...
"""

import ctypes
import ipaddress
import json
import select
import socket
import socketserver
import sys
import threading
from pathlib import Path

CLONE_NEWNET = 0x40000000
CONNECT_SECONDS = 5


def enter(namespace):
    """setns(2), which Python has from 3.12 on only; sockets opened before stay where they are."""
    with open(namespace, "rb") as handle:
        if ctypes.CDLL(None, use_errno=True).setns(handle.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"entering {namespace}")


def edge(nodes):
    """The public address of the first controller: of those that have an elastic one, the node with
    the lowest address."""
    found = []
    for path in Path(nodes).glob("*.json"):
        try:
            node = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        if node["isEdge"]:
            found.append((ipaddress.ip_address(node["address"]), node["publicAddress"]))
    if not found:
        raise OSError("no node has an elastic address yet")
    return min(found)[1]


class Relay(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            target = (edge(self.server.nodes), self.server.target)
            upstream = socket.create_connection(target, timeout=CONNECT_SECONDS)
        except OSError as error:
            print(error, flush=True)
            return
        with upstream:
            upstream.settimeout(None)
            copy(self.request, upstream)


def copy(one, other):
    """Copies both ways until either side has ended and the rest is through."""
    ways = {one: other, other: one}
    while ways:
        for source in select.select(list(ways), [], [])[0]:
            try:
                data = source.recv(65536)
                if data:
                    ways[source].sendall(data)
                    continue
                ways[source].shutdown(socket.SHUT_WR)
            except OSError:
                return
            del ways[source]


def main():
    namespace, nodes, *pairs = sys.argv[1:]
    socketserver.TCPServer.allow_reuse_address = True
    servers = []
    for pair in pairs:
        listen, target = pair.split(":")
        server = socketserver.ThreadingTCPServer(("127.0.0.1", int(listen)), Relay)
        server.daemon_threads = True
        server.nodes, server.target = nodes, int(target)
        servers.append(server)
    enter(namespace)
    for server in servers:
        threading.Thread(target=server.serve_forever).start()


if __name__ == "__main__":
    main()
