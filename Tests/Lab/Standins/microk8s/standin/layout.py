"""Stand-in for MicroK8s: the install hook, which lays out arguments, certificates and units."""

import shutil
from pathlib import Path

from . import launch, paths, pki
from .paths import ARGS, CERTS, COMMON, CREDENTIALS, DATA, LOCKS, PAYLOAD

API_SERVER = """--secure-port=16443
--service-cluster-ip-range=10.152.183.0/24
--authorization-mode=AlwaysAllow
--allow-privileged=true
--etcd-servers=http://127.0.0.1:12379
--client-ca-file=${SNAP_DATA}/certs/ca.crt
--tls-cert-file=${SNAP_DATA}/certs/server.crt
--tls-private-key-file=${SNAP_DATA}/certs/server.key
--kubelet-client-certificate=${SNAP_DATA}/certs/apiserver-kubelet-client.crt
--kubelet-client-key=${SNAP_DATA}/certs/apiserver-kubelet-client.key
--kubelet-preferred-address-types=InternalIP,Hostname,InternalDNS,ExternalDNS,ExternalIP
--requestheader-client-ca-file=${SNAP_DATA}/certs/front-proxy-ca.crt
--requestheader-allowed-names=front-proxy-client
--requestheader-extra-headers-prefix=X-Remote-Extra-
--requestheader-group-headers=X-Remote-Group
--requestheader-username-headers=X-Remote-User
--proxy-client-cert-file=${SNAP_DATA}/certs/front-proxy-client.crt
--proxy-client-key-file=${SNAP_DATA}/certs/front-proxy-client.key
--service-account-key-file=${SNAP_DATA}/certs/serviceaccount.key
--service-account-signing-key-file=${SNAP_DATA}/certs/serviceaccount.key
--service-account-issuer=https://kubernetes.default.svc
--enable-admission-plugins=NodeRestriction
--logtostderr=false
--log-file=/dev/null
--stderrthreshold=WARNING
"""

CONTROLLER_MANAGER = """--kubeconfig=${SNAP_DATA}/credentials/controller.config
--service-account-private-key-file=${SNAP_DATA}/certs/serviceaccount.key
--root-ca-file=${SNAP_DATA}/certs/ca.crt
--cluster-signing-cert-file=${SNAP_DATA}/certs/ca.crt
--cluster-signing-key-file=${SNAP_DATA}/certs/ca.key
--use-service-account-credentials
--allocate-node-cidrs=true
--cluster-cidr=10.1.0.0/16
--leader-elect=false
--logtostderr=false
--log-file=/dev/null
--stderrthreshold=WARNING
"""

SCHEDULER = """--kubeconfig=${SNAP_DATA}/credentials/scheduler.config
--leader-elect=false
--logtostderr=false
--log-file=/dev/null
--stderrthreshold=WARNING
"""

KUBELET = """--kubeconfig=${SNAP_DATA}/credentials/kubelet.config
--config=${SNAP_DATA}/args/kubelet.yaml
--cert-dir=${SNAP_DATA}/certs
--root-dir=${SNAP_COMMON}/var/lib/kubelet
--container-runtime=remote
--container-runtime-endpoint=unix://${SNAP_COMMON}/run/containerd.sock
--node-labels=microk8s.io/cluster=true,node.kubernetes.io/microk8s-controlplane=microk8s-controlplane
--cluster-domain=cluster.local
--cluster-dns=10.152.183.10
"""

KUBE_PROXY = """--config=${SNAP_DATA}/args/kube-proxy.yaml
--logtostderr=false
--log-file=/dev/null
--stderrthreshold=WARNING
"""

KUBELET_YAML = """apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {{enabled: false}}
  webhook: {{enabled: true}}
  x509: {{clientCAFile: {data}/certs/ca.crt}}
authorization: {{mode: Webhook}}
cgroupDriver: cgroupfs
cgroupRoot: {root}
enforceNodeAllocatable: []
failSwapOn: false
resolvConf: {resolv}
evictionHard:
  memory.available: 100Mi
  nodefs.available: 1Gi
  imagefs.available: 1Gi
imageGCHighThresholdPercent: 100
"""

KUBE_PROXY_YAML = """apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {{kubeconfig: {data}/credentials/proxy.config}}
clusterCIDR: 10.1.0.0/16
hostnameOverride: {node}
mode: iptables
conntrack: {{maxPerCore: 0, min: 0}}
"""

CONTAINERD = """version = 2
oom_score = 0

[grpc]
  address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "jeeves-lab/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{args}/cni-network"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
"""

UNIT = """[Unit]
Description=Service for snap application microk8s.daemon-{service} (stand-in of the lab)
After=network-online.target {after}
StartLimitIntervalSec=0

[Service]
Environment=SNAP=/snap/microk8s/current SNAP_DATA=/var/snap/microk8s/current
Environment=SNAP_COMMON=/var/snap/microk8s/common
ExecStart=/usr/bin/python3 /snap/microk8s/current/microk8s daemon-{service}
Restart=always
RestartSec=1
TimeoutStopSec=30
KillMode={kill}
Delegate=yes
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
"""


def cgroup_root():
    """Each node of the lab has its own folder in the machine's control groups."""
    return f"/jeeves-lab/{paths.node_name()}"


def write_node_config():
    """The files that name this very node or its addresses."""
    resolv = Path("/run/systemd/resolve/resolv.conf")
    if not resolv.exists():
        resolv = "/etc/resolv.conf"
    paths.write(ARGS / "kubelet.yaml", KUBELET_YAML.format(
        data=DATA, root=cgroup_root(), resolv=resolv))
    paths.write(ARGS / "kube-proxy.yaml", KUBE_PROXY_YAML.format(
        data=DATA, node=paths.node_name()))
    paths.write(ARGS / "containerd.toml", CONTAINERD.format(socket=paths.SOCKET, args=ARGS))


def write_args():
    for program, text in [
        ("kube-apiserver", API_SERVER), ("kube-controller-manager", CONTROLLER_MANAGER),
        ("kube-scheduler", SCHEDULER), ("kubelet", KUBELET), ("kube-proxy", KUBE_PROXY),
    ]:
        paths.write(ARGS / program, text)
    write_node_config()


def write_units():
    after = {
        "kubelite": f"{paths.unit('containerd')} {paths.unit('k8s-dqlite')}",
        "cluster-agent": paths.unit("kubelite"),
    }
    for service in paths.SERVICES:
        # Containers outlive a restart of containerd, as in the snap.
        kill = "process" if service == "containerd" else "mixed"
        text = UNIT.format(service=service, after=after.get(service, ""), kill=kill)
        paths.write(f"/etc/systemd/system/{paths.unit(service)}", text, 0o644)


def install():
    """The install hook. A bad launch configuration makes it, and so the whole install, fail."""
    for folder in [ARGS / "cni-network", CERTS, CREDENTIALS, LOCKS, paths.BACKEND,
                   paths.LAUNCHER, COMMON / "run", COMMON / "var" / "lib"]:
        folder.mkdir(parents=True, exist_ok=True)
    for needed in ["kubernetes", "clients", "images"]:
        if not (PAYLOAD / needed).is_dir():
            raise RuntimeError(f"the lab's payload is not there: {PAYLOAD / needed}")
    write_args()
    paths.write(CERTS / "csr.conf.template", pki.TEMPLATE)
    launch.install()
    pki.make_all()
    pki.make_server()
    pki.write_kubeconfigs()
    paths.write(LOCKS / "ha-cluster", "")
    write_units()


def remove():
    """What `snap remove --purge` leaves nothing of."""
    for service in paths.SERVICES:
        Path("/etc/systemd/system", paths.unit(service)).unlink(missing_ok=True)
    for folder in [DATA.resolve(), COMMON]:
        shutil.rmtree(folder, ignore_errors=True)
