"""Stand-in for EC2's hypervisor: makes machines what the account's instances should be.

It asks the account once a second, boots a machine for each running instance, powers off those of
stopped and terminated ones, and tells the account when a machine has powered itself off.

Usage: hypervisor.py RUN STATE IMAGE OPERATOR [BIND...]
"""

import dataclasses
import ipaddress
import json
import os
import signal
import sys
import time

import account
from machine import RESTART, Machine, identity, run
from router import Router

EVERY_SECONDS = 1


@dataclasses.dataclass
class Settings:
    run: str
    state: str
    image: str
    operator: str
    binds: list


def write(path, text):
    """Replaces a file whole."""
    with open(path + ".new", "w", encoding="utf-8") as handle:
        handle.write(text)
    os.replace(path + ".new", path)


class Hypervisor:
    def __init__(self, settings):
        self.settings = settings
        self.router = Router()
        self.machines = {}
        self.subnets = {}
        self.recorded = {}

    def tick(self):
        instances = account.instances()
        elastic = account.elastic_addresses(instances)
        public = account.public_addresses(instances)
        for instance in instances:
            self.converge(instance)
        running = [one for one in instances if one.id in self.machines]
        routes = account.Routes() if running else None
        outward = {}
        for one in running:
            if seen := routes.way_out(one, public.get(one.id)):
                outward[one.address] = seen
        groups = {
            group["GroupId"]: group
            for group in account.pages("describe_security_groups", "SecurityGroups")
        } if running else {}
        self.router.load(running, groups, public, outward)
        for one in running:
            self.record(one, public.get(one.id), one.id in elastic)
        self.forget(instances)

    def converge(self, instance):
        machine = self.machines.get(instance.id)
        if instance.state == "running":
            if machine is None:
                machine = Machine(instance, self.settings)
                print(f"starting {instance.id} ({instance.name})", flush=True)
                machine.start(*self.subnet(instance.subnet))
                self.machines[instance.id] = machine
                return
            machine.find_leader()
            status = machine.ended()
            if status == RESTART:
                print(f"{instance.id} reboots", flush=True)
                machine.boot()
            elif status is not None:
                print(f"{instance.id} ended by itself, status {status}", flush=True)
                account.ec2.stop_instances(InstanceIds=[instance.id])
                del self.machines[instance.id]
        elif machine and instance.state in ("stopping", "stopped", "shutting-down", "terminated"):
            machine.find_leader()
            machine.power_off()
            if machine.ended() is not None:
                del self.machines[instance.id]
        if instance.state == "terminated" and instance.id not in self.machines:
            leftover = Machine(instance, self.settings)
            if os.path.exists(leftover.folder):
                print(f"{instance.id} is gone", flush=True)
                leftover.destroy()

    def subnet(self, identifier):
        """(prefix length, the router's address) of a subnet."""
        if identifier not in self.subnets:
            found = account.ec2.describe_subnets(SubnetIds=[identifier])["Subnets"][0]
            span = ipaddress.IPv4Network(found["CidrBlock"])
            self.subnets[identifier] = (span.prefixlen, str(span.network_address + 1))
            self.router.gateway(self.subnets[identifier][1])
        return self.subnets[identifier]

    def record(self, instance, public, is_edge):
        """What the driver needs to reach a machine or, after a crash, to end it."""
        machine = self.machines[instance.id]
        process = machine.process
        entry = {
            "id": instance.id, "name": instance.name, "short": instance.short,
            "member": instance.tags.get("jeeves:node", instance.name),
            "address": instance.address, "publicAddress": public, "isEdge": is_edge,
            "process": identity(process.pid if process else None),
            "leader": identity(machine.leader),
        }
        if self.recorded.get(instance.id) != entry:
            write(f"{self.settings.run}/nodes/{instance.id}.json", json.dumps(entry, indent=2))
            self.recorded[instance.id] = entry

    def forget(self, instances):
        for identifier in set(self.recorded) - set(self.machines):
            os.remove(f"{self.settings.run}/nodes/{identifier}.json")
            del self.recorded[identifier]


def main():
    settings = Settings(*sys.argv[1:5], binds=sys.argv[5:])
    hypervisor = Hypervisor(settings)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    run("ip", "route", "replace", "203.0.113.0/24", "dev", "lo", "src", settings.operator)
    said = None
    while True:
        try:
            hypervisor.tick()
            write(f"{settings.run}/hypervisor.ready", "")
            said = None
        except Exception as error:  # the account may be busy; the next look shows it anew
            if repr(error) != said:
                print(f"will look again: {error!r}", flush=True)
            said = repr(error)
        time.sleep(EVERY_SECONDS)


if __name__ == "__main__":
    main()
