"""Tests of the MicroK8s stand-in's contract: one a row of what the product relies on. They need
root, openssl and a loopback, no node:
`python3 -m unittest discover -s Tests/Lab/Standins/microk8s`."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
STORE = tempfile.TemporaryDirectory()
ROOT = Path(STORE.name)
os.environ.update(SNAP_DATA=str(ROOT / "controller"), SNAP_COMMON=str(ROOT / "common"))
sys.path.insert(0, str(HERE))
sys.dont_write_bytecode = True

from standin import agent, datastore, layout, paths, pki, proxy, tickets  # noqa: E402 - the environment comes first

T = "0123456789abcdef0123456789abcdef"


def make_node(data):
    """A node's folders as the install hook leaves them, without units."""
    for folder in ["args", "certs", "credentials", "var/lock"]:
        (data / folder).mkdir(parents=True, exist_ok=True)


class Contract(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        make_node(paths.DATA)
        layout.write_args()
        pki.make_all()
        pki.make_server()
        pki.write_kubeconfigs()
        # No test may touch the machine's own services.
        fake = ROOT / "bin"
        fake.mkdir()
        (fake / "systemctl").write_text("#!/bin/sh\nexit 0\n")
        (fake / "systemctl").chmod(0o755)
        os.environ["PATH"] = f"{fake}:{os.environ['PATH']}"
        cls.server = agent.Server(("127.0.0.1", 0), agent.Handler)
        cls.port = cls.server.server_address[1]
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()
        STORE.cleanup()

    def setUp(self):
        self.worker = ROOT / f"worker-{self.id().rsplit('.', 1)[1]}"
        make_node(self.worker)

    def run_on(self, data, *arguments):
        environment = {**os.environ, "SNAP_DATA": str(data)}
        return subprocess.run([sys.executable, str(HERE / "microk8s"), *arguments], text=True,
                              capture_output=True, env=environment, check=False, timeout=60)

    def join(self, url, *flags):
        return self.run_on(self.worker, "join", url, *flags)

    def ticket(self, *flags):
        answer = self.run_on(paths.DATA, "add-node", "--format", "json", *flags)
        return json.loads(answer.stdout)["token"]

    def test_a_ticket_is_token_and_twelve_digits_of_the_fingerprint(self):
        token, digits = self.ticket().split("/")
        self.assertEqual(len(token), 32)
        self.assertEqual(digits, pki.fingerprint())

    def test_a_short_token_is_refused(self):
        answer = self.run_on(paths.DATA, "add-node", "--token", "short")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("Invalid token size.  It must be 32 characters long.", answer.stdout)

    def test_a_join_needs_a_literal_address(self):
        answer = self.join("controller.example:25000/x", "--worker")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("Invalid connection: Invalid master IP", answer.stdout)

    def test_a_wrong_fingerprint_ends_with_4_and_leaves_the_ticket(self):
        token = self.ticket().split("/")[0]
        answer = self.join(f"127.0.0.1:{self.port}/{token}/{'f' * 12}", "--worker")
        self.assertEqual(answer.returncode, 4)
        self.assertTrue(tickets.take(tickets.CLUSTER, token))

    def test_a_wrong_token_ends_with_6(self):
        answer = self.join(f"127.0.0.1:{self.port}/{'a' * 32}/{pki.fingerprint()}", "--worker")
        self.assertEqual(answer.returncode, 6)
        self.assertIn("Connection failed. Invalid token (500).", answer.stdout)

    def test_a_refused_join_uses_the_ticket_up(self):
        url = f"127.0.0.1:{self.port}/{self.ticket()}"
        refused = self.join(url)
        self.assertEqual(refused.returncode, 6)
        self.assertIn("member list", refused.stdout, "there is no datastore here to join")
        self.assertIn("Invalid token (500)", self.join(url, "--worker").stdout)

    def test_an_unreachable_controller_ends_with_1(self):
        answer = self.join(f"127.0.0.1:1/{T}/{pki.fingerprint()}", "--worker")
        self.assertEqual(answer.returncode, 1)

    def test_a_joined_worker_has_the_cluster_s_certificates_and_lies_with_0(self):
        answer = self.join(f"127.0.0.1:{self.port}/{self.ticket()}", "--worker")
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)
        self.assertIn("Successfully joined the cluster.", answer.stdout)
        self.assertTrue((self.worker / "var/lock/clustered.lock").exists())
        self.assertFalse((self.worker / "var/lock/join-in-progress").exists())
        pki.openssl("verify", "-CAfile", paths.CERTS / "ca.crt", self.worker / "certs/kubelet.crt")
        for verb, status in [("status", 0), ("config", 0), ("kubectl", 0), ("add-node", 1)]:
            lie = self.run_on(self.worker, verb)
            self.assertEqual(lie.returncode, status, verb)
            self.assertIn("Please use the control plane node.", lie.stdout)

    def test_a_controller_that_joins_takes_the_keys_and_its_place_in_the_datastore(self):
        cluster = "a=http://127.0.0.1:19001,b=http://127.0.0.2:19001"
        with mock.patch.object(datastore, "admit", return_value=cluster):
            answer = self.join(f"127.0.0.1:{self.port}/{self.ticket()}")
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)
        self.assertFalse((self.worker / "var/lock/clustered.lock").exists())
        for name in ["ca.key", "serviceaccount.key", "front-proxy-ca.key"]:
            self.assertEqual((self.worker / "certs" / name).read_text(),
                             (paths.CERTS / name).read_text())
        for name in ["server", "kubelet", "client"]:
            pki.openssl(
                "verify", "-CAfile", paths.CERTS / "ca.crt", self.worker / f"certs/{name}.crt")
        members = (self.worker / "var/kubernetes/backend/cluster.yaml").read_text()
        self.assertIn("- Address: 127.0.0.1:19001\n", members)
        self.assertIn("- Address: 127.0.0.2:19001\n", members)

    def test_a_node_alone_has_a_datastore_that_listens_to_nobody(self):
        command = datastore.arguments()
        self.assertIn("http://127.0.0.1:19001", command)
        self.assertIn("new", command)

    def test_a_worker_leads_to_every_api_server(self):
        proxy.write_endpoints(["10.42.0.10:16443", "10.42.0.11:16443"])
        self.assertEqual(proxy.endpoints(), [("10.42.0.10", 16443), ("10.42.0.11", 16443)])

    def test_status_of_a_stopped_node_is_0(self):
        (self.worker / "var/lock/stopped.lock").touch()
        answer = self.run_on(self.worker, "status")
        self.assertEqual((answer.returncode, answer.stdout.strip()),
                         (0, "microk8s is not running, try microk8s start"))

    def test_status_that_is_not_ready_ends_with_1_at_its_timeout(self):
        answer = self.run_on(self.worker, "status", "--wait-ready", "--timeout", "1")
        self.assertEqual(answer.returncode, 1)
        self.assertIn("microk8s is not running. Use microk8s inspect", answer.stdout)

    def test_the_first_line_of_a_token_decides(self):
        tickets.append(tickets.CLUSTER, f"{T}|1")
        tickets.append(tickets.CLUSTER, T)
        self.assertFalse(tickets.take(tickets.CLUSTER, T))

    def test_config_names_the_address_or_the_loopback(self):
        self.assertIn("server: https://127.0.0.1:16443",
                      self.run_on(paths.DATA, "config", "--use-loopback").stdout)
        own = paths.own_addresses()
        if own:
            self.assertIn(f"server: https://{own[0]}:16443",
                          self.run_on(paths.DATA, "config").stdout)

    def test_the_tunnel_keeps_an_address_that_is_right(self):
        # A lifetime marks the address: one that is taken away and given anew has none.
        script = """
from standin import network
device = ["dev", network.TUNNEL]
network.ip("link", "add", *device, "type", "bridge")
for address in ["10.1.8.0/32", "10.1.9.0/32"]:
    network.ip("addr", "add", address, *device)
network.address_tunnel("10.1.0.0")
network.ip("addr", "change", "10.1.0.0/32", *device, "valid_lft", "900", "preferred_lft", "900")
network.address_tunnel("10.1.0.0")
print(network.ip("-4", "-o", "addr", "show", *device).stdout)
"""
        shown = subprocess.run(["unshare", "--net", sys.executable, "-c", script], cwd=HERE,
                               check=True, text=True, capture_output=True).stdout.strip()
        self.assertEqual(len(shown.splitlines()), 1, shown)
        self.assertIn("10.1.0.0/32", shown)
        self.assertIn("dynamic", shown)

    def test_an_unknown_addon_fails_but_not_with_its_repository(self):
        self.assertEqual(self.run_on(paths.DATA, "enable", "nosuch").returncode, 1)
        self.assertEqual(self.run_on(paths.DATA, "enable", "core/nosuch").returncode, 0)


if __name__ == "__main__":
    unittest.main()
