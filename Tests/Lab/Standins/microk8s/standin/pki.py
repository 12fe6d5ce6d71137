"""Stand-in for MicroK8s: its certificates and kubeconfigs, made by the openssl program."""

import base64
import hashlib
import os
import ssl
import subprocess

from . import paths
from .paths import API_PORT, CERTS, CREDENTIALS

TEMPLATE = """[ req ]
default_bits = 2048
prompt = no
default_md = sha256
req_extensions = req_ext
distinguished_name = dn

[ dn ]
CN = 127.0.0.1

[ req_ext ]
subjectAltName = @alt_names

[ alt_names ]
DNS.1 = kubernetes
DNS.2 = kubernetes.default
DNS.3 = kubernetes.default.svc
DNS.4 = kubernetes.default.svc.cluster
DNS.5 = kubernetes.default.svc.cluster.local
IP.1 = 127.0.0.1
IP.2 = 10.152.183.1
#MOREIPS

[ v3_ext ]
authorityKeyIdentifier = keyid,issuer:always
basicConstraints = CA:FALSE
keyUsage = keyEncipherment,dataEncipherment,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectAltName = @alt_names
"""

# File name, then the subject that Kubernetes' authorizers know.
CLIENTS = {
    "client": "/O=system:masters/CN=admin",
    "controller": "/CN=system:kube-controller-manager",
    "scheduler": "/CN=system:kube-scheduler",
    "proxy": "/CN=system:kube-proxy",
    "apiserver-kubelet-client": "/O=system:masters/CN=kube-apiserver-kubelet-client",
}


def openssl(*arguments, given=None):
    done = subprocess.run(
        ["openssl", *map(str, arguments)], input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def make_key(path):
    openssl("genrsa", "-out", path, "2048")
    os.chmod(path, 0o660)


def make_authority(name, subject):
    """A certificate authority of ten years, unless it is there."""
    if (CERTS / f"{name}.crt").exists():
        return
    make_key(CERTS / f"{name}.key")
    openssl("req", "-x509", "-new", "-sha256", "-nodes", "-days", "3650", "-subj", subject,
            "-key", CERTS / f"{name}.key", "-out", CERTS / f"{name}.crt")


def sign(request, days, authority="ca", extensions=None):
    """Signs a request (PEM text) and returns the certificate (PEM text)."""
    arguments = ["x509", "-req", "-sha256", "-days", days, "-CAcreateserial",
                 "-CA", CERTS / f"{authority}.crt", "-CAkey", CERTS / f"{authority}.key"]
    if extensions:
        arguments += ["-extensions", "v3_ext", "-extfile", extensions]
    return openssl(*arguments, given=request)


def make_client(name, subject, authority="ca"):
    """A key and a client certificate of ten years."""
    make_key(CERTS / f"{name}.key")
    request = openssl("req", "-new", "-sha256", "-key", CERTS / f"{name}.key", "-subj", subject)
    paths.write(CERTS / f"{name}.crt", sign(request, 3650, authority))


def make_server():
    """The API server's certificate (365 days), with every address of the machine in it."""
    template = CERTS / "csr.conf.template"
    addresses = "\n".join(f"IP.{i + 3} = {ip}" for i, ip in enumerate(paths.own_addresses()))
    paths.write(CERTS / "csr.conf", template.read_text().replace("#MOREIPS", addresses))
    if not (CERTS / "server.key").exists():
        make_key(CERTS / "server.key")
    request = openssl("req", "-new", "-sha256", "-key", CERTS / "server.key",
                      "-config", CERTS / "csr.conf")
    paths.write(CERTS / "server.crt", sign(request, 365, extensions=CERTS / "csr.conf"))


def add_names(names):
    """Adds subject alternative names to the template: extraSANs of a launch configuration."""
    lines = []
    for number, name in enumerate(names, start=100):
        kind = "IP" if all(part.isdigit() for part in str(name).split(".")) else "DNS"
        lines.append(f"{kind}.{number} = {name}")
    template = CERTS / "csr.conf.template"
    text = template.read_text()
    paths.write(template, text.replace("#MOREIPS", "\n".join(lines) + "\n#MOREIPS"))


def make_all():
    """Everything a node that is its own cluster needs; makes nothing anew that is there."""
    CERTS.mkdir(parents=True, exist_ok=True)
    if not (CERTS / "csr.conf.template").exists():
        paths.write(CERTS / "csr.conf.template", TEMPLATE)
    make_authority("ca", "/CN=10.152.183.1")
    make_authority("front-proxy-ca", "/CN=front-proxy-ca")
    if not (CERTS / "serviceaccount.key").exists():
        make_key(CERTS / "serviceaccount.key")
    clients = dict(CLIENTS)
    clients["kubelet"] = f"/O=system:nodes/CN=system:node:{paths.node_name()}"
    for name, subject in clients.items():
        if not (CERTS / f"{name}.crt").exists():
            make_client(name, subject)
    if not (CERTS / "front-proxy-client.crt").exists():
        make_client("front-proxy-client", "/CN=front-proxy-client", "front-proxy-ca")


def fingerprint():
    """The first 12 hex digits of SHA-256 over the server certificate's DER, as in a ticket."""
    der = ssl.PEM_cert_to_DER_cert((CERTS / "server.crt").read_text())
    return hashlib.sha256(der).hexdigest()[:12]


def encode(path):
    return base64.b64encode(path.read_bytes()).decode()


def kubeconfig(user, certificate, authority="ca"):
    """A kubeconfig with everything inside, for the API on this node's loopback."""
    return f"""apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: {encode(CERTS / f"{authority}.crt")}
    server: https://127.0.0.1:{API_PORT}
  name: microk8s-cluster
contexts:
- context:
    cluster: microk8s-cluster
    user: {user}
  name: microk8s
current-context: microk8s
kind: Config
preferences: {{}}
users:
- name: {user}
  user:
    client-certificate-data: {encode(CERTS / f"{certificate}.crt")}
    client-key-data: {encode(CERTS / f"{certificate}.key")}
"""


def write_kubeconfigs():
    for name, user, certificate in [
        ("client", "admin", "client"), ("kubelet", "kubelet", "kubelet"),
        ("proxy", "kubeproxy", "proxy"), ("controller", "controller", "controller"),
        ("scheduler", "scheduler", "scheduler"),
    ]:
        paths.write(CREDENTIALS / f"{name}.config", kubeconfig(user, certificate))
