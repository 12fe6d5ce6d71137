"""Stand-in for Route 53 and a VPC's resolver: answers what the zones of the account say.

Every name outside the account's zones is NXDOMAIN: nothing is asked of the real internet.

Usage: dns.py PORT ADDRESS...
"""

import ipaddress
import re
import socketserver
import struct
import sys
import threading
import time

import account

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "TXT": 16, "AAAA": 28, "CAA": 257}
NUMBERS = {number: name for name, number in TYPES.items()}
NXDOMAIN, SERVFAIL = 3, 2
KEPT_SECONDS = 0.5
CNAMES_MAX = 8
UDP_BYTES_MAX = 1232


class Zones:
    """The account's records by name and type, asked again when older than half a second."""

    def __init__(self, server):
        self.server = server
        self.lock = threading.Lock()
        self.read_at = float("-inf")
        self.records = {}
        self.apexes = []

    def refresh(self):
        with self.lock:
            if time.monotonic() - self.read_at < KEPT_SECONDS:
                return
            records, apexes = {}, []
            for page in account.route53.get_paginator("list_hosted_zones").paginate():
                for zone in page["HostedZones"]:
                    apexes.append(plain(zone["Name"]))
                    self.read_zone(zone["Id"], records)
            self.records, self.apexes = records, apexes
            self.read_at = time.monotonic()

    @staticmethod
    def read_zone(identifier, records):
        pages = account.route53.get_paginator("list_resource_record_sets")
        for page in pages.paginate(HostedZoneId=identifier):
            for one in page["ResourceRecordSets"]:
                values = [value["Value"] for value in one.get("ResourceRecords", [])]
                key = (plain(one["Name"]), one["Type"])
                records[key] = (one.get("TTL", 60), values)

    def apex(self, name):
        """The longest zone that holds `name`, or None."""
        fit = [one for one in self.apexes if name == one or name.endswith("." + one)]
        return max(fit, key=len, default=None)

    def exists(self, name):
        return any(known == name or known.endswith("." + name) for known, _ in self.records)

    def fixed(self, name, kind):
        """Names that AWS itself answers for: its name servers, and addresses inside a VPC."""
        if ".awsdns-" in name:
            return [(60, self.server)] if kind == "A" else []
        if name.startswith("ip-") and name.endswith((".ec2.internal", ".compute.internal")):
            text = name.split(".")[0][3:].replace("-", ".")
            try:
                return [(60, str(ipaddress.IPv4Address(text)))] if kind == "A" else []
            except ValueError:
                return None
        return None


def plain(name):
    return name.replace("\\052", "*").rstrip(".").lower()


def lookup(zones, name, kind):
    """(status, authoritative, answers, authority): each record is (name, type, ttl, value)."""
    fixed = zones.fixed(name, kind)
    if fixed is not None:
        return 0, True, [(name, kind, ttl, value) for ttl, value in fixed], []
    zones.refresh()
    answers = []
    for _ in range(CNAMES_MAX):
        apex = zones.apex(name)
        if apex is None:
            return (0 if answers else NXDOMAIN), bool(answers), answers, []
        star = "*." + name.partition(".")[2]
        owner = name if zones.exists(name) else star
        ttl, values = zones.records.get((owner, kind), (0, []))
        if values:
            answers += [(name, kind, ttl, value) for value in values]
            return 0, True, answers, []
        ttl, values = zones.records.get((owner, "CNAME"), (0, []))
        if not values:
            break
        answers.append((name, "CNAME", ttl, values[0]))
        name = plain(values[0])
    ttl, soa = zones.records.get((apex, "SOA"), (60, []))
    known = zones.exists(name) or zones.exists("*." + name.partition(".")[2])
    authority = [(apex, "SOA", ttl, value) for value in soa]
    return (0 if known or answers else NXDOMAIN), True, answers, authority


def encode_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def encode_data(kind, value):
    if kind == "A":
        return ipaddress.IPv4Address(value).packed
    if kind == "AAAA":
        return ipaddress.IPv6Address(value).packed
    if kind in ("NS", "CNAME"):
        return encode_name(value)
    if kind == "SOA":
        words = re.findall(r"[\w.-]+", value)  # moto's own record is wrapped in punctuation
        names = encode_name(words[-7]) + encode_name(words[-6])
        return names + struct.pack("!5I", *map(int, words[-5:]))
    if kind == "TXT":
        return b"".join(
            bytes([len(part)]) + part for part in (one.encode() for one in quoted(value)))
    flags, tag, text = value.split(None, 2)  # CAA, RFC 8659
    return bytes([int(flags), len(tag)]) + tag.encode() + text.strip('"').encode()


def quoted(value):
    """The strings of a TXT value as Route 53 keeps it: "one" "two"."""
    return value.strip().strip('"').split('" "')


def encode_record(record):
    name, kind, ttl, value = record
    data = encode_data(kind, value)
    return encode_name(name) + struct.pack("!HHIH", TYPES[kind], 1, ttl, len(data)) + data


def parse_question(packet):
    """(name, type, end of the question); raises on anything that is not one plain question."""
    labels, at = [], 12
    while packet[at]:
        length = packet[at]
        if length > 63:
            raise ValueError("compressed question")
        labels.append(packet[at + 1:at + 1 + length].decode("ascii"))
        at += 1 + length
    number, _ = struct.unpack_from("!HH", packet, at + 1)
    return ".".join(labels).lower(), number, at + 5


def respond(zones, packet, bytes_max):
    identifier, flags, questions = struct.unpack_from("!HHH", packet)
    if flags & 0x8000 or questions != 1:
        return None
    name, number, end = parse_question(packet)
    status, authoritative, answers, authority, body = SERVFAIL, False, [], [], b""
    try:
        kind = NUMBERS.get(number, "")
        status, authoritative, answers, authority = lookup(zones, name, kind)
        body = b"".join(encode_record(one) for one in answers + authority)
    except Exception as error:  # the account's API failed: the asker hears it and asks again
        print(f"{name}: {error!r}", file=sys.stderr, flush=True)
        status, answers, authority = SERVFAIL, [], []
    # QR, AA, RD as asked, RA: it plays the resolver of the nodes too.
    out = 0x8080 | (flags & 0x0100) | (0x0400 if authoritative else 0) | status
    header = struct.pack("!HHHHHH", identifier, out, 1, len(answers), len(authority), 0)
    whole = header + packet[12:end] + body
    if len(whole) <= bytes_max:
        return whole
    return struct.pack("!HHHHHH", identifier, out | 0x0200, 1, 0, 0, 0) + packet[12:end]


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        packet, connection = self.request
        reply = respond(self.server.zones, packet, UDP_BYTES_MAX)
        if reply:
            connection.sendto(reply, self.client_address)


class Stream(socketserver.StreamRequestHandler):
    timeout = 5

    def handle(self):
        while len(head := self.rfile.read(2)) == 2:
            packet = self.rfile.read(struct.unpack("!H", head)[0])
            reply = respond(self.server.zones, packet, 65535)
            if not reply:
                return
            self.wfile.write(struct.pack("!H", len(reply)) + reply)


def main():
    port, addresses = int(sys.argv[1]), sys.argv[2:]
    zones = Zones(addresses[0])
    socketserver.TCPServer.allow_reuse_address = True
    threads = []
    for address in addresses:
        for kind, handler in [
            (socketserver.ThreadingUDPServer, Datagram),
            (socketserver.ThreadingTCPServer, Stream),
        ]:
            server = kind((address, port), handler)
            server.zones = zones
            server.daemon_threads = True
            threads.append(threading.Thread(target=server.serve_forever))
    for thread in threads:
        thread.start()


if __name__ == "__main__":
    main()
