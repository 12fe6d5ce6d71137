"""Stand-in for the VPC's router: 1:1 NAT of public addresses, and security groups as nftables.

Each machine hangs on an interface of its own and every packet between two of them passes here, as
in a VPC. Neighbours' ARP is answered by proxy. Packets of pods pass only inside
VXLAN.
"""

import subprocess

from machine import RUN_SECONDS, run

INTERNET = "198.51.100.0/24"
PUBLIC = "203.0.113.0/24"


def sources(entry, members):
    """Whom one entry of a group's rule is about."""
    for span in entry.get("IpRanges", []):
        yield f"ip saddr {span['CidrIp']}"
    for pair in entry.get("UserIdGroupPairs", []):
        addresses = sorted(one.address for one in members.get(pair.get("GroupId"), []))
        if addresses:
            yield f"ip saddr {{ {', '.join(addresses)} }}"


def match(entry):
    """What one entry says of protocol and ports; an empty text is everything."""
    protocol = entry["IpProtocol"]
    if protocol == "-1":
        return ""
    if protocol in ("icmp", "1"):
        return "ip protocol icmp"
    first, last = entry.get("FromPort", -1), entry.get("ToPort", -1)
    return f"{protocol} dport {first}-{last}" if first != last else f"{protocol} dport {first}"


def rules(instance, groups, members):
    """The lines of the chain that judges what may come to `instance`."""
    for identifier in sorted(instance.groups):
        for entry in groups.get(identifier, {}).get("IpPermissions", []):
            for source in sources(entry, members):
                yield f"ip daddr {instance.address} {source} {match(entry)} counter accept"
    yield "counter drop"


def mapping(name, pairs):
    elements = ", ".join(f"{key} : {value}" for key, value in sorted(pairs.items()))
    inner = f" elements = {{ {elements} }};" if elements else ""
    return f"  map {name} {{ type ipv4_addr : ipv4_addr;{inner} }}"


def table(running, groups, public, outward):
    """The whole ruleset: what is public, who has a way out, and a chain a machine."""
    members = {}
    for one in running:
        for identifier in one.groups:
            members.setdefault(identifier, []).append(one)
    inward = {public[one.id]: one.address for one in running if one.id in public}
    lines = [
        "table ip jeeves_lab {", mapping("inward", inward), mapping("outward", outward),
        "  chain from_here { type nat hook output priority -100;"
        " dnat to ip daddr map @inward; }",
        "  chain from_nodes { type nat hook prerouting priority -100;"
        " dnat to ip daddr map @inward; }",
        "  chain hairpin { type nat hook postrouting priority 100;"
        " ct status dnat snat to ip saddr map @outward; }",
        "  chain seen_as { type nat hook input priority 100;"
        f" ip daddr {INTERNET} snat to ip saddr map @outward; }}",
        "  chain way_out { type filter hook prerouting priority -300;"
        f" iifname \"jl-*\" ip daddr {{ {INTERNET}, {PUBLIC} }}"
        f" ip saddr != {{ {', '.join(['0.0.0.0', *sorted(outward)])} }} counter drop; }}",
        "  chain nobody { type filter hook output priority 0;"
        f" ip daddr {PUBLIC} counter reject; }}",
        "  chain nobody_through { type filter hook forward priority 0;"
        f" ip daddr {PUBLIC} counter reject; }}",
        "  chain groups { type filter hook postrouting priority 150; policy accept;",
        "    ct state established,related accept",
    ]
    lines += [f'    oifname "{one.short}" jump {one.short}' for one in running]
    lines.append("  }")
    chains = []
    for one in running:
        chains += [f"  chain {one.short} {{"]
        chains += ["    " + line for line in rules(one, groups, members)]
        chains += ["  }"]
    # A chain is named before it is used.
    return "\n".join(lines[:3] + chains + lines[3:] + ["}", ""])


class Router:
    """Keeps the cloud's nftables and routes as the account says they are."""

    def __init__(self):
        self.loaded = None
        self.gateways = set()

    def gateway(self, address):
        """Makes a subnet's router address ours."""
        if address not in self.gateways:
            run("ip", "address", "replace", f"{address}/32", "dev", "lo")
            self.gateways.add(address)

    def load(self, running, groups, public, outward):
        text = table(running, groups, public, outward)
        if text == self.loaded:
            return
        whole = "table ip jeeves_lab {}\ndelete table ip jeeves_lab\n" + text
        done = subprocess.run(
            ["nft", "-f", "-"], input=whole, capture_output=True, text=True, check=False,
            timeout=RUN_SECONDS)
        if done.returncode:
            raise RuntimeError(f"nft: {done.stderr.strip()}\n{text}")
        self.loaded = text
