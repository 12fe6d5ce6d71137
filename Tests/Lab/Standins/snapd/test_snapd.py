"""Tests of the snapd stand-in's refusals. What changes a machine (install, remove) is proven in the
lab's nodes only: `python3 -m unittest discover -s Tests/Lab/Standins/snapd`."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Refusals(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        root = Path(folder.name)
        self.socket, self.faults = root / "snapd.socket", root / "faults.json"
        daemon = subprocess.Popen(
            [sys.executable, str(HERE / "snapd")], stderr=subprocess.DEVNULL,
            env={**os.environ, "JEEVES_LAB_SNAPD_SOCKET": str(self.socket),
                 "JEEVES_LAB_SNAPD_STATE": str(root / "state.json"),
                 "JEEVES_LAB_PAYLOAD": str(root / "none"),
                 "JEEVES_LAB_FAULTS": str(self.faults)})
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.terminate)
        end = time.monotonic() + 10
        while not self.listens():
            self.assertLess(time.monotonic(), end, "the stand-in does not listen")
            time.sleep(0.02)

    def listens(self):
        """The socket's file is there a moment before anybody listens."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def send(self, method, path, text=None):
        connection = http.client.HTTPConnection("localhost", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.socket))
        connection.request(method, path, text)
        answer = connection.getresponse()
        value = json.loads(answer.read())
        connection.close()
        self.assertEqual(answer.status, value["status-code"])
        return answer.status, value["result"]

    def ask(self, method, path, body=None):
        return self.send(method, path, json.dumps(body) if body is not None else None)

    def refusal(self, body, name="microk8s"):
        status, result = self.ask("POST", f"/v2/snaps/{name}", body)
        return status, result["kind"]

    def test_system_info_answers_before_anything_is_installed(self):
        self.assertEqual(self.ask("GET", "/v2/system-info")[0], 200)
        self.assertEqual(self.ask("GET", "/v2/snaps"), (200, []))

    def test_nothing_is_refreshed_that_is_not_there(self):
        body = {"action": "refresh", "channel": "1.35/stable"}
        self.assertEqual(self.refusal(body), (404, "snap-not-found"))

    def test_a_snap_that_is_not_there_is_404(self):
        status, result = self.ask("GET", "/v2/snaps/microk8s")
        self.assertEqual((status, result["kind"]), (404, "snap-not-found"))

    def test_classic_confinement_must_be_asked_for(self):
        wanted = {"action": "install", "channel": "1.34/stable"}
        self.assertEqual(self.refusal(wanted), (400, "snap-needs-classic"))

    def test_an_unknown_channel_lists_the_known_ones(self):
        wanted = {"action": "install", "channel": "9.9/stable", "classic": True}
        status, result = self.ask("POST", "/v2/snaps/microk8s", wanted)
        self.assertEqual((status, result["kind"]), (404, "snap-channel-not-available"))
        self.assertIn("1.34/stable", [one["channel"] for one in result["value"]["releases"]])

    def test_an_unknown_snap_is_not_found(self):
        self.assertEqual(self.refusal({"action": "install"}, "nosuch"), (404, "snap-not-found"))

    def test_a_fault_that_a_test_set_is_answered(self):
        self.faults.write_text(json.dumps(
            {"snapd.install": {"status": 400, "kind": "network-timeout", "message": "slow"}}))
        wanted = {"action": "install", "channel": "1.34/stable", "classic": True}
        self.assertEqual(self.refusal(wanted), (400, "network-timeout"))

    def test_changes_are_those_in_progress(self):
        self.assertEqual(self.ask("GET", "/v2/changes?select=in-progress&for=microk8s"), (200, []))
        self.assertEqual(self.ask("GET", "/v2/changes?select=none")[0], 400)

    def test_an_unknown_change_is_404(self):
        self.assertEqual(self.ask("GET", "/v2/changes/77")[0], 404)

    def test_a_body_that_is_no_json_is_400(self):
        self.assertEqual(self.send("POST", "/v2/snaps/microk8s", "{")[0], 400)


if __name__ == "__main__":
    unittest.main()
