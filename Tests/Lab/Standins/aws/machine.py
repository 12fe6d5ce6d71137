"""Stand-in for an EC2 instance: a systemd-nspawn machine in a network namespace of its own."""

import contextlib
import glob
import hashlib
import os
import shutil
import signal
import subprocess
import time

RUN_SECONDS = 30
OFF_SECONDS = 60
KILL_SECONDS = 10
RESTART = 133  # systemd-nspawn's exit status when the machine asked for a reboot
# Data that cannot lie on an overlay: container images, etcd and the kubelet's volumes.
REAL_FOLDERS = ["/var/snap"]


def run(*command, check=True):
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=RUN_SECONDS)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done


def start_ticks(pid):
    """When a process began (proc(5), field 22 of `stat`), or None if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as handle:
            return int(handle.read().rpartition(")")[2].split()[19])
    except (OSError, IndexError):
        return None


def identity(pid):
    """A process as the driver's records name it, or None if it is gone."""
    ticks = start_ticks(pid) if pid else None
    return {"pid": pid, "startTicks": ticks} if ticks else None


class ControlGroup:
    """The machine's own branch of every hierarchy, so that all of it can be found and ended."""

    def __init__(self, name):
        roots = [path for path in glob.glob("/sys/fs/cgroup/*") if os.path.exists(
            f"{path}/cgroup.procs")]
        if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            roots = ["/sys/fs/cgroup"]
        self.folders = [f"{root}/jeeves-lab-nodes/{name}" for root in roots]

    def make(self):
        for folder in self.folders:
            os.makedirs(folder, exist_ok=True)
            for here in (os.path.dirname(folder), folder):
                self.copy_cpuset(here)

    @staticmethod
    def copy_cpuset(folder):
        """cgroup v1 lets nobody into a cpuset without processors and memory."""
        for name in ("cpuset.cpus", "cpuset.mems"):
            path = f"{folder}/{name}"
            above = f"{os.path.dirname(folder)}/{name}"
            if os.path.exists(path) and os.path.exists(above):
                with open(above, encoding="ascii") as source:
                    with open(path, "w", encoding="ascii") as target:
                        target.write(source.read())

    def enter(self):
        for folder in self.folders:
            with open(f"{folder}/cgroup.procs", "w", encoding="ascii") as handle:
                handle.write(str(os.getpid()))

    def kill(self):
        """Ends all that is in it, whoever started it."""
        deadline = time.monotonic() + KILL_SECONDS
        while (pids := self.processes()) and time.monotonic() < deadline:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.1)

    def processes(self):
        found = set()
        for top in self.folders:
            for folder, _, _ in os.walk(top):
                with contextlib.suppress(OSError), open(
                        f"{folder}/cgroup.procs", encoding="ascii") as handle:
                    found.update(int(pid) for pid in handle.read().split())
        return found


class Machine:
    """One node: its namespace, disk and processes. Never decides when it runs."""

    def __init__(self, instance, settings):
        self.instance = instance
        self.settings = settings
        self.short = instance.short
        self.namespace = instance.short
        self.folder = f"{settings.state}/nodes/{instance.id}"
        self.root = f"{self.folder}/root"
        self.process = None
        self.leader = None
        self.off_by = None
        self.deadline = None

    def start(self, prefix, gateway):
        """Builds what is missing and boots; what a stopped machine left is used again."""
        try:
            self.lay_cable(prefix, gateway)
        except Exception:
            self.cut_cable()  # the next try would take half of one for all of it
            raise
        self.insert_disk()
        self.boot()

    def lay_cable(self, prefix, gateway):
        if os.path.exists(f"/run/netns/{self.namespace}"):
            return
        address = self.instance.address
        run("ip", "netns", "add", self.namespace)
        run("ip", "link", "add", self.short, "type", "veth", "peer", "name", "eth0",
            "netns", self.namespace)
        run("ip", "link", "set", self.short, "up")
        inside = ("ip", "-n", self.namespace)
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "link", "set", "eth0", "address", self.instance.mac, "up")
        run(*inside, "address", "add", f"{address}/{prefix}", "dev", "eth0")
        run(*inside, "route", "add", "default", "via", gateway)
        run("ip", "route", "replace", f"{address}/32", "dev", self.short,
            "src", self.settings.operator)

    def insert_disk(self):
        if os.path.ismount(self.root):
            return
        for name in ("upper", "work", "root"):
            os.makedirs(f"{self.folder}/{name}", exist_ok=True)
        run("mount", "-t", "overlay", self.short, "-o",
            f"lowerdir={self.settings.image},upperdir={self.folder}/upper,"
            f"workdir={self.folder}/work", self.root)
        for path in REAL_FOLDERS:
            os.makedirs(self.folder + "/data" + path, exist_ok=True)
        for name, text in [
            ("machine-id", self.machine_id()),
            ("hostname", self.instance.hostname.split(".")[0]),
        ]:
            with open(f"{self.root}/etc/{name}", "w", encoding="ascii") as handle:
                handle.write(text + "\n")

    def machine_id(self):
        return hashlib.sha256(self.instance.id.encode()).hexdigest()[:32]

    def boot(self):
        group = ControlGroup(self.short)
        group.make()
        binds = [f"--bind={self.folder}/data{path}:{path}" for path in REAL_FOLDERS]
        binds += [f"--bind-ro={one}" for one in self.settings.binds]
        command = [
            "systemd-nspawn", "--quiet", f"--directory={self.root}", f"--machine={self.short}",
            f"--uuid={self.machine_id()}", "--register=no", "--keep-unit", "--boot",
            "--capability=all", f"--network-namespace-path=/run/netns/{self.namespace}",
            "--resolv-conf=off", "--timezone=off", "--link-journal=no", "--bind=/dev/kmsg",
            "--system-call-filter=add_key keyctl bpf mount", "--console=pipe", *binds]
        with open(f"{self.settings.run}/log/{self.short}.console", "ab") as console:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                env={"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1"},
                start_new_session=True, preexec_fn=group.enter)
        self.leader = self.off_by = self.deadline = None

    def find_leader(self):
        """Process 1 of the machine, once it is there; its control groups are then writable."""
        if self.leader or not self.process:
            return
        for path in glob.glob("/proc/[0-9]*/status"):
            try:
                with open(path, encoding="utf-8", errors="replace") as handle:
                    fields = dict(line.split(":", 1) for line in handle if ":" in line)
            except OSError:
                continue
            ours = fields.get("PPid", "").strip() == str(self.process.pid)
            if ours and fields.get("NSpid", "").split()[1:] == ["1"]:
                self.leader = int(path.split("/")[2])
                self.open_control_groups()

    def open_control_groups(self):
        """On cgroup v1 nspawn leaves the controllers read-only; a kubelet writes to them."""
        for path in glob.glob("/sys/fs/cgroup/*"):
            if os.path.exists(f"{path}/cgroup.procs") and not path.endswith(("unified", "systemd")):
                run("nsenter", f"--target={self.leader}", "--mount", "mount", "-o",
                    "remount,rw,bind", path, check=False)

    def power_off(self):
        """Asks systemd for an orderly end; after a minute the power is cut."""
        now = time.monotonic()
        if self.deadline is None:
            self.deadline = now + OFF_SECONDS
        if self.off_by is None and self.leader:
            self.off_by = self.leader
            os.kill(self.leader, signal.SIGRTMIN + 4)
        if now > self.deadline and self.process:
            self.process.kill()
            if self.leader and start_ticks(self.leader):
                os.kill(self.leader, signal.SIGKILL)

    def ended(self):
        """The exit status of the machine's process, or None while it runs."""
        status = self.process.poll() if self.process else 0
        if status is not None:
            self.process = self.leader = None
        return status

    def destroy(self):
        """What a terminated instance leaves: nothing."""
        run("umount", "--lazy", self.root, check=False)
        self.cut_cable()
        for folder in ControlGroup(self.short).folders:
            for here, _, _ in os.walk(folder, topdown=False):
                try:
                    os.rmdir(here)
                except OSError:
                    pass
        shutil.rmtree(self.folder, ignore_errors=True)

    def cut_cable(self):
        run("ip", "netns", "delete", self.namespace, check=False)
        run("ip", "link", "delete", self.short, check=False)
