"""Stand-in for the `microk8s` command: what each verb prints and how it exits."""

import argparse
import getpass
import os
import subprocess
import sys
import time

from . import addons, api, datastore, joining, launch, layout, paths, pki
from .paths import CERTS, CREDENTIALS, STOPPED_LOCK

NOT_RUNNING = "microk8s is not running. Use microk8s inspect for a deeper inspection."
WORKER = ("This MicroK8s deployment is acting as a node in a cluster.\n"
          "Please use the control plane node.")
# Verbs that say a sentence on a worker and still exit 0.
LIE_ON_WORKER = ["status", "kubectl", "config", "start", "stop", "helm", "helm3", "refresh-certs",
                 "enable", "disable"]
FAIL_ON_WORKER = ["add-node", "remove-node"]


def status(arguments):
    parser = argparse.ArgumentParser(prog="microk8s status")
    parser.add_argument("--format", default="pretty", choices=["pretty", "yaml", "short"])
    parser.add_argument("-w", "--wait-ready", action="store_true")
    parser.add_argument("-t", "--timeout", type=int, default=0)
    parser.add_argument("-a", "--addon", default="all")
    given = parser.parse_args(arguments)
    end = time.monotonic() + given.timeout if given.timeout else None
    ready = api.is_ready()
    while given.wait_ready and not ready and (end is None or time.monotonic() <= end):
        time.sleep(2)
        ready = api.is_ready()
    if given.addon != "all":
        print("enabled" if ready and addons.is_enabled(given.addon) else "disabled")
        return 0
    if given.format == "yaml":
        print_yaml(ready)
    elif not ready:
        print(NOT_RUNNING)
    elif given.format == "short":
        print("microk8s is running\naddons:")
        for name in sorted(addons.KNOWN, key=lambda one: (not addons.is_enabled(one), one)):
            print(f"core/{name}: {'enabled' if addons.is_enabled(name) else 'disabled'}")
    else:
        print_pretty()
    return 0 if ready else 1


def print_yaml(ready):
    print(f"microk8s:\n  running: {ready}")
    if not ready:
        print(f"  message: {NOT_RUNNING}")
        return
    voters = datastore.members()
    print(f"high-availability:\n  enabled: {len(voters) > 2}\n  nodes:")
    for voter in voters:
        print(f"    - address: {datastore.address_of(voter)}:{datastore.PEER_PORT}")
        print("      role: voter")
    print("addons:")
    for name in sorted(addons.KNOWN, key=lambda one: (not addons.is_enabled(one), one)):
        print(f"  - name: {name}\n    repository: core")
        print(f"    description: {addons.KNOWN[name]}\n    version: ")
        print(f"    status: {'enabled' if addons.is_enabled(name) else 'disabled'}")


def print_pretty():
    print("microk8s is running\nhigh-availability: no")
    print(f"  datastore master nodes: {paths.own_addresses()[0]}:19001")
    print("  datastore standby nodes: none\naddons:")
    for word, wanted in [("enabled", True), ("disabled", False)]:
        print(f"  {word}:")
        for name in sorted(addons.KNOWN):
            if addons.is_enabled(name) == wanted:
                print(f"    {name:<20} # {addons.KNOWN[name]}")


def config(arguments):
    text = (CREDENTIALS / "client.config").read_text()
    if not set(arguments) & {"-l", "--use-loopback"}:
        text = text.replace("127.0.0.1", paths.own_addresses()[0])
    print(text, end="")
    return 0


def helm(arguments):
    program = paths.PAYLOAD / "clients" / "helm"
    environment = {**os.environ, "KUBECONFIG": str(CREDENTIALS / "client.config")}
    return subprocess.run([str(program), *arguments], env=environment, check=False).returncode


def start(_):
    STOPPED_LOCK.unlink(missing_ok=True)
    paths.systemctl("start", *paths.SERVICES)
    return 0


def stop(_):
    paths.write(STOPPED_LOCK, "")
    paths.systemctl("stop", *reversed(paths.SERVICES))
    return 0


def refresh_certs(arguments):
    parser = argparse.ArgumentParser(prog="microk8s refresh-certs")
    parser.add_argument("-c", "--check", action="store_true")
    parser.add_argument("-u", "--undo", action="store_true")
    parser.add_argument("-e", "--cert", choices=["ca.crt", "server.crt", "front-proxy-client.crt"])
    given = parser.parse_args(arguments)
    if given.check:
        names = [("CA", "ca"), ("server", "server"), ("front proxy client", "front-proxy-client")]
        for title, name in names:
            text = pki.openssl("x509", "-noout", "-enddate", "-in", CERTS / f"{name}.crt")
            end = time.mktime(time.strptime(text.strip()[9:], "%b %d %H:%M:%S %Y %Z"))
            days = int((end - time.time()) // 86400)
            print(f"The {title} certificate will expire in {days} days.")
        return 0
    if given.cert == "server.crt":
        pki.make_server()
    elif given.cert == "front-proxy-client.crt":
        pki.make_client("front-proxy-client", "/CN=front-proxy-client", "front-proxy-ca")
    else:
        print("The lab's stand-in refreshes server.crt and front-proxy-client.crt only.")
        return 1
    paths.systemctl("restart", "cluster-agent", "kubelite")
    return 0


def version(_):
    print("MicroK8s v1.20.2 revision 7890 (stand-in of the lab)")
    return 0


def run(verb, arguments):
    if os.geteuid() != 0:
        print("Insufficient permissions to access MicroK8s.")
        print("You can either try again with sudo or add the user"
              f" {getpass.getuser()} to the 'microk8s' group:")
        return 1
    if paths.is_worker() and verb in LIE_ON_WORKER + FAIL_ON_WORKER:
        print(WORKER)
        return 0 if verb in LIE_ON_WORKER else 1
    if STOPPED_LOCK.exists() and verb in ["status", "kubectl", "config", "enable", "disable"]:
        print("microk8s is not running, try microk8s start")
        return 0
    verbs = {
        "status": status, "config": config, "start": start, "stop": stop, "version": version,
        "kubectl": joining.kubectl, "helm": helm, "helm3": helm, "refresh-certs": refresh_certs,
        "add-node": joining.add_node, "join": joining.join, "leave": joining.leave,
        "remove-node": joining.remove_node,
        "enable": lambda given: addons.switch("enable", given),
        "disable": lambda given: addons.switch("disable", given),
    }
    if verb not in verbs:
        print(f"'{verb}' is not a valid MicroK8s subcommand.", file=sys.stderr)
        return 1
    try:
        return verbs[verb](arguments)
    except (api.Unreachable, datastore.Refused) as error:
        print(f"The connection to the server 127.0.0.1:16443 was refused: {error}", file=sys.stderr)
        return 1


def hook(name):
    """A hook of the snap, run by snapd."""
    if name == "install":
        layout.install()
    elif name == "configure":
        text = sys.stdin.read()
        if text.strip():
            launch.configure(text)
    elif name == "remove":
        layout.remove()
