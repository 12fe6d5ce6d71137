"""Stand-in for the machine of a person who operates the cluster: a node's disk with a systemd of its
own, in the network namespace in which `lab run` is too.

Usage: desk.py boot RUN STATE IMAGE NAMESPACE [SOURCE:TARGET...]
       desk.py kill RUN STATE
       desk.py remove RUN STATE
"""

import dataclasses
import json
import os
import sys
import time

from machine import ControlGroup, Machine, identity

LEADER_SECONDS = 10
HOSTS = "127.0.0.1 localhost\n127.0.1.1 desk\n"


@dataclasses.dataclass
class Person:
    """What stands in an instance's place."""
    id: str = "desk"
    short: str = "jl-desk"
    hostname: str = "desk"


@dataclasses.dataclass
class Settings:
    run: str
    state: str
    image: str = ""
    binds: list = dataclasses.field(default_factory=list)


class Desk(Machine):
    def __init__(self, settings, namespace=""):
        super().__init__(Person(), settings)
        self.namespace = namespace
        self.place = f"{settings.run}/desk.json"

    def lay_cable(self, prefix, gateway):
        """There is a network already."""

    def cut_cable(self):
        """It stays."""

    def insert_disk(self):
        super().insert_disk()
        # No instance of the cloud, of which cloud-init could ask anything.
        for path, text in [("cloud/cloud-init.disabled", ""), ("hosts", HOSTS)]:
            with open(f"{self.root}/etc/{path}", "w", encoding="ascii") as handle:
                handle.write(text)

    def boot(self):
        """Returns when there is a process 1, and says which it is."""
        super().boot()
        deadline = time.monotonic() + LEADER_SECONDS
        while not self.leader and time.monotonic() < deadline:
            time.sleep(0.1)
            self.find_leader()
        if not self.leader:
            raise RuntimeError(f"booting desk: no process 1 after {LEADER_SECONDS} s; read "
                               f"{self.settings.run}/log/{self.short}.console")
        with open(self.place, "w", encoding="ascii") as handle:
            json.dump(identity(self.leader), handle)

    def destroy(self):
        super().destroy()
        if os.path.exists(self.place):
            os.remove(self.place)


def main():
    verb, run_folder, state, *rest = sys.argv[1:]
    if verb == "boot":
        image, namespace, *binds = rest
        Desk(Settings(run_folder, state, image, binds), namespace).start(None, None)
        return
    desk = Desk(Settings(run_folder, state))
    ControlGroup(desk.short).kill()
    if verb == "remove":
        desk.destroy()


if __name__ == "__main__":
    main()
