"""Stand-in for MicroK8s: what its services run."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from . import api, datastore, layout, network, paths
from .paths import COMMON, PAYLOAD

# cgroup v1 hierarchies that the kubelet and runc write to; systemd's is a named one.
CONTROLLERS = ["cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids",
               "systemd"]


def open_cgroups():
    """Makes the control groups writable inside the machine (cgroup v1 hosts mount them
    read-only) and makes the node's own folder in each."""
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        (root / layout.cgroup_root().lstrip("/")).mkdir(parents=True, exist_ok=True)
        return
    for name in CONTROLLERS:
        folder = root / name
        if not folder.exists():
            continue
        if not os.access(folder, os.W_OK):
            real = folder.resolve()
            done = subprocess.run(["mount", "-o", "remount,rw,bind", str(real)], check=False,
                                  capture_output=True)
            if done.returncode or not os.access(real, os.W_OK):
                subprocess.run(["umount", str(real)], check=False)
                subprocess.run(["mount", "-t", "cgroup", "-o", name, "cgroup", str(real)],
                               check=True)
        own = folder / layout.cgroup_root().lstrip("/")
        own.mkdir(parents=True, exist_ok=True)
        if name == "cpuset":
            # A new cpuset is empty and takes no process until it is given its parent's.
            for level in [own.parent, own]:
                for file in ["cpuset.cpus", "cpuset.mems"]:
                    if not (level / file).read_text().strip():
                        (level / file).write_text((level.parent / file).read_text())


def containerd():
    """containerd itself, once the control groups are writable; images follow when it answers."""
    open_cgroups()
    threading.Thread(target=import_images, daemon=True).start()
    arguments = ["containerd", "--config", str(paths.ARGS / "containerd.toml"),
                 "--root", str(COMMON / "var/lib/containerd"),
                 "--state", "/run/microk8s/containerd", "--address", str(paths.SOCKET)]
    return supervise([("containerd", arguments, None)], on_stop=None)


def import_images():
    """Side-loads every image of the payload that this node's containerd has not yet seen."""
    seen = COMMON / "var/lib/jeeves-lab-images"
    seen.mkdir(parents=True, exist_ok=True)
    ctr = ["ctr", "--address", str(paths.SOCKET), "--namespace", "k8s.io"]
    for _ in range(120):
        if subprocess.run([*ctr, "version"], check=False, capture_output=True).returncode == 0:
            break
        time.sleep(0.5)
    # The pause image first: nothing starts without it.
    files = sorted((PAYLOAD / "images").glob("*.tar"), key=lambda one: one.stat().st_size)
    for file in files:
        mark = seen / f"{file.name}-{file.stat().st_size}-{int(file.stat().st_mtime)}"
        if mark.exists():
            continue
        done = subprocess.run([*ctr, "images", "import", str(file)], check=False,
                              capture_output=True, text=True)
        if done.returncode == 0:
            mark.touch()
            logging.info("image %s side-loaded", file.name)
        else:
            logging.error("image %s: %s", file.name, done.stderr.strip())


def k8s_dqlite():
    """etcd in dqlite's place; a worker has no datastore."""
    if paths.is_worker():
        return idle()
    return supervise([("etcd", datastore.arguments(), None)], on_stop=None)


def kubelite():
    """All Kubernetes services of a node as one: if one ends, all end and are started again."""
    if paths.fault("microk8s.neverReady"):
        logging.error("kubelite: a test asked for a node that never becomes ready")
        return idle()
    open_cgroups()
    layout.write_node_config()

    def program(name, condition=None):
        return (name, [str(PAYLOAD / "kubernetes" / name), *paths.read_args(name)], condition)

    if paths.is_worker():
        children = [program("kubelet"), program("kube-proxy")]
    else:
        others = ["kube-controller-manager", "kube-scheduler", "kubelet"]
        children = [
            program("kube-apiserver"), *(program(name, api.is_serving) for name in others),
            program("kube-proxy")]
    stopped = threading.Event()
    threading.Thread(target=network.run, args=(stopped,), daemon=True).start()
    return supervise(children, on_stop=stopped.set)


def idle():
    """Does nothing until stopped: a service that has no work on this kind of node."""
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())
    done.wait()
    return 0


def supervise(programs, on_stop):
    """Starts programs in order, each once its condition holds, and waits until one ends."""
    running = []
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    environment = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/cni"}
    waiting = list(programs)
    ended = None
    while not stopping.is_set() and ended is None:
        while waiting and (waiting[0][2] is None or waiting[0][2]()):
            name, arguments, _ = waiting.pop(0)
            logging.info("starting %s", name)
            running.append((name, subprocess.Popen(arguments, env=environment)))
        ended = next((one for one in running if one[1].poll() is not None), None)
        stopping.wait(0.25 if waiting else 1)
    if on_stop:
        on_stop()
    if ended:
        logging.error("%s ended with status %s", ended[0], ended[1].returncode)
    for _, child in reversed(running):
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + 15
    for _, child in running:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
    return 1 if ended else 0


def run(service):
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    if service == "cluster-agent":
        from . import agent
        return idle() if paths.is_worker() else agent.serve()
    if service == "apiserver-proxy":
        from . import proxy
        return proxy.serve() if paths.is_worker() else idle()
    return {"containerd": containerd, "k8s-dqlite": k8s_dqlite, "kubelite": kubelite}[service]()
