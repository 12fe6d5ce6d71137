"""Stand-in for MicroK8s' core add-ons: dns, hostpath-storage and rbac."""

import fcntl
import re
import subprocess
import sys
import time

from . import api, paths
from .paths import CREDENTIALS

KNOWN = {
    "cert-manager": "(core) Cloud native certificate management",
    "dashboard": "(core) The Kubernetes dashboard",
    "dns": "(core) CoreDNS",
    "ha-cluster": "(core) Configure high availability on the current node",
    "helm": "(core) Helm - the package manager for Kubernetes",
    "helm3": "(core) Helm 3 - the package manager for Kubernetes",
    "hostpath-storage": "(core) Storage class; allocates storage from host directory",
    "ingress": "(core) Ingress controller for external access",
    "metrics-server": "(core) K8s Metrics Server for API access to service metrics",
    "rbac": "(core) Role-Based Access Control for authorisation",
}
# What `kubectl get all` and the cluster roles must hold for an add-on to count as enabled.
SIGNS = {
    "dns": "/apis/apps/v1/namespaces/kube-system/deployments/coredns",
    "hostpath-storage": "/apis/apps/v1/namespaces/kube-system/deployments/hostpath-provisioner",
}
ALWAYS = ["ha-cluster", "helm", "helm3"]

POD = """      containers:
      - name: {name}
        image: jeeves-lab/addons:1
        imagePullPolicy: Never
        args: [{arguments}]
        readinessProbe: {{httpGet: {{path: /ready, port: 8181}}, periodSeconds: 2}}
        resources: {{requests: {{cpu: 5m, memory: 16Mi}}}}
      serviceAccountName: {name}
      priorityClassName: system-cluster-critical
      tolerations: [{{key: CriticalAddonsOnly, operator: Exists}}]
"""

ACCOUNT = """apiVersion: v1
kind: ServiceAccount
metadata: {{name: {name}, namespace: kube-system}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {name}}}
rules:
{rules}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name}}}
subjects: [{{kind: ServiceAccount, name: {name}, namespace: kube-system}}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: kube-system, labels: {{k8s-app: {app}}}}}
spec:
  replicas: 1
  selector: {{matchLabels: {{k8s-app: {app}}}}}
  template:
    metadata: {{labels: {{k8s-app: {app}}}}}
    spec:
{pod}"""

DNS = ACCOUNT.format(
    name="coredns", app="kube-dns",
    rules="- {apiGroups: [''], resources: [services, endpoints], verbs: [list, watch]}",
    pod=POD.format(name="coredns", arguments="dns") + "      dnsPolicy: Default\n",
) + f"""---
apiVersion: v1
kind: Service
metadata:
  name: kube-dns
  namespace: kube-system
  labels: {{k8s-app: kube-dns, kubernetes.io/cluster-service: "true"}}
spec:
  clusterIP: {paths.DNS_IP}
  selector: {{k8s-app: kube-dns}}
  ports:
  - {{name: dns, port: 53, protocol: UDP}}
  - {{name: dns-tcp, port: 53, protocol: TCP}}
"""

STORAGE = ACCOUNT.format(
    name="hostpath-provisioner", app="hostpath-provisioner",
    rules="""- {apiGroups: [''], resources: [persistentvolumeclaims], verbs: [get, list, watch]}
- {apiGroups: [''], resources: [persistentvolumes], verbs: [get, list, create, delete]}
- {apiGroups: [''], resources: [pods], verbs: [get, create, delete]}""",
    pod=POD.format(name="hostpath-provisioner", arguments="provisioner, {root}"),
).replace("{root}", str(paths.COMMON / "default-storage")) + """---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: microk8s-hostpath
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: microk8s.io/hostpath
reclaimPolicy: Delete
volumeBindingMode: WaitForFirstConsumer
"""


def is_enabled(name):
    if name in ALWAYS:
        return True
    if name == "rbac":
        return any("RBAC" in one for one in paths.read_args("kube-apiserver")
                   if one.startswith("--authorization-mode="))
    return name in SIGNS and api.get(SIGNS[name]) is not None


def apply(manifest, verb="apply"):
    command = [str(paths.PAYLOAD / "clients" / "kubectl"),
               f"--kubeconfig={CREDENTIALS / 'client.config'}", verb, "-f", "-"]
    if verb == "delete":
        command.append("--ignore-not-found=true")
    return subprocess.run(command, input=manifest, text=True, check=False).returncode


def set_rbac(mode):
    paths.set_args("kube-apiserver", {"--authorization-mode": mode})
    paths.systemctl("restart", "kubelite")


def enable_one(name):
    if name == "dns":
        print("Enabling DNS", flush=True)
        status = apply(DNS)
        print("DNS is enabled")
        return status
    if name == "hostpath-storage":
        print("Enabling default storage class.", flush=True)
        status = apply(STORAGE)
        print("Storage will be available soon.")
        return status
    if name == "rbac":
        print("Enabling RBAC\nReconfiguring apiserver", flush=True)
        set_rbac("RBAC,Node")
        print("RBAC is enabled")
        return 0
    print(f"The lab's stand-in cannot enable {name}.", file=sys.stderr)
    return 1


def disable_one(name):
    if name == "dns":
        status = apply(DNS, "delete")
        print("DNS is disabled")
        return status
    if name == "hostpath-storage":
        status = apply(STORAGE, "delete")
        print("Storage will be disabled.")
        return status
    if name == "rbac":
        set_rbac("AlwaysAllow")
        print("RBAC is disabled")
        return 0
    print(f"The lab's stand-in cannot disable {name}.", file=sys.stderr)
    return 1


def wait_ready(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if api.is_ready():
            return True
        time.sleep(1)
    return False


def switch(verb, arguments):
    """`enable` and `disable`: one add-on, its flags ignored, or several (deprecated)."""
    if not arguments:
        print(f"usage: microk8s {verb} ADDON")
        return 1
    names = [one.split(":")[0] for one in arguments]
    if len(arguments) > 1 and all(re.sub("^core/", "", name) in KNOWN for name in names):
        print("WARNING: Do not enable or disable multiple addons in one command.\n"
              "         This form of chained operations on addons will be DEPRECATED in the"
              " future.")
    else:
        names = names[:1]
    with open(paths.LOCKS / ".addons", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in names:
            if status := switch_one(verb, name):
                return status
    return 0


def switch_one(verb, name):
    plain = re.sub("^core/", "", name)
    if plain not in KNOWN:
        if "/" in name:
            print(f"Addon {name} not found")
            return 0
        print(f"Addon {name} was not found in any repository", file=sys.stderr)
        return 1
    if "/" not in name:
        print(f"Infer repository core for addon {name}", file=sys.stderr, flush=True)
    wait_ready(30)
    try:
        already = is_enabled(plain) == (verb == "enable")
    except api.Unreachable:
        already = False
    if already:
        print(f"Addon core/{plain} is already {verb}d")
        return 0
    status = (enable_one if verb == "enable" else disable_one)(plain)
    if status == 0:
        wait_ready(30)
    return status
