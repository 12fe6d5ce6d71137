"""Stand-in for MicroK8s: launch configurations, at install time and later by the cluster agent."""

import logging
import subprocess
from pathlib import Path

from . import paths, pki
from .paths import COMMON, CREDENTIALS, LAUNCHER

# The first one found is read; the snap's default is used if there is none.
SEARCHED = [
    Path("/etc/microk8s.yaml"),
    Path("/root/snap/microk8s/common/.microk8s.yaml"),
    COMMON / ".microk8s.yaml",
]
DEFAULT = "version: 0.1.0\naddons:\n  - name: dns\n"
VERSIONS = ["0.1.0", "0.1.1", "0.1.2", "0.2.0"]
ARGUMENTS = {
    "extraKubeAPIServerArgs": "kube-apiserver",
    "extraKubeletArgs": "kubelet",
    "extraKubeProxyArgs": "kube-proxy",
    "extraKubeControllerManagerArgs": "kube-controller-manager",
    "extraKubeSchedulerArgs": "kube-scheduler",
}
KNOWN = set(ARGUMENTS) | {
    "version", "extraSANs", "addons", "addonRepositories", "persistentClusterToken", "join",
    "extraKubeliteEnv", "containerdRegistryConfigs", "extraContainerdArgs", "extraContainerdEnv",
    "extraDqliteArgs", "extraDqliteEnv", "extraMicroK8sClusterAgentArgs",
    "extraMicroK8sClusterAgentEnv", "extraMicroK8sAPIServerProxyArgs",
    "extraMicroK8sAPIServerProxyEnv", "extraEtcdArgs", "extraEtcdEnv", "extraFlanneldArgs",
    "extraFlanneldEnv", "extraConfigFiles", "extraCNIEnv", "extraFIPSEnv",
}


def documents(text):
    """The documents of a configuration. Throws ValueError as the real parser refuses one."""
    import yaml
    try:
        parts = [part for part in yaml.safe_load_all(text) if part is not None]
    except yaml.YAMLError as error:
        raise ValueError(f"failed to parse launch configuration: {error}") from error
    for part in parts:
        if not isinstance(part, dict):
            raise ValueError("failed to parse launch configuration: not a mapping")
        if str(part.get("version")) not in VERSIONS:
            raise ValueError(
                f"failed to parse launch configuration: unknown version {part.get('version')!r}")
        for key in set(part) - KNOWN:
            logging.warning("launch configuration: unknown key %s is ignored", key)
    return parts


def apply_static(part, first_start):
    """Arguments, names and token: what takes effect when the services are started."""
    for key, program in ARGUMENTS.items():
        if part.get(key):
            paths.set_args(program, part[key])
    if part.get("extraSANs") and first_start:
        pki.add_names(part["extraSANs"])
    if token := part.get("persistentClusterToken"):
        if len(token) < 32:
            raise ValueError("persistentClusterToken is shorter than 32 characters")
        with open(CREDENTIALS / "persistent-cluster-token", "a", encoding="ascii") as handle:
            handle.write(f"{token}\n")


def install():
    """Reads the configuration that the install hook finds first and keeps it for the agent."""
    found = next((path for path in SEARCHED if path.exists()), None)
    text = found.read_text() if found else DEFAULT
    for part in documents(text):
        apply_static(part, first_start=True)
    paths.write(LAUNCHER / "install.yaml", text)


def configure(text):
    """`snap set microk8s config=…`: the configure hook puts the file where the agent looks."""
    documents(text)
    paths.write(LAUNCHER / "snap-config.yaml", text)


def apply_pending():
    """Applies what lies in the launcher's folder; each file that is done is renamed."""
    for path in sorted(LAUNCHER.glob("*.yaml")):
        try:
            for part in documents(path.read_text()):
                apply_live(part, first_start=path.name == "install.yaml")
        except (ValueError, subprocess.CalledProcessError) as error:
            logging.error("Failed to apply configuration file %s: %s", path, error)
            continue
        path.rename(path.with_name(f"{path.name}.applied"))
        logging.info("Applied configuration file %s", path)


def apply_live(part, first_start):
    """Add-ons and join, by the snap's own commands; arguments too if it is not the first start."""
    command = ["/usr/bin/python3", str(paths.SNAP / "microk8s")]
    if not first_start:
        apply_static(part, first_start)
        if any(part.get(key) for key in ARGUMENTS):
            paths.systemctl("restart", "kubelite")
    for addon in part.get("addons") or []:
        verb = "disable" if addon.get("disable") else "enable"
        subprocess.run([*command, verb, addon["name"], *addon.get("args", [])], check=True)
    if join := part.get("join"):
        flags = ["--worker"] if join.get("worker") else []
        subprocess.run([*command, "join", join["url"], *flags], check=True)
