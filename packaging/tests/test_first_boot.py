"""What a machine's first boot fetches and installs, from a server in whatever hands."""

import hashlib
import os
import subprocess
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "coordinator/Terraform/cloud-init/install"
CACHE = "/var/cache/jeeves"
PACKAGE = b"a package"
BYTES_MAX = 256 << 20
# In the place of what changes the machine: notes how it was called.
NOTE = """#!/bin/sh
echo "${0##*/} $*" >>"$CALLS"
"""


class Server(BaseHTTPRequestHandler):
    """Without a Content-Length, as one does that wants to fill a disk."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        if self.path == "/package":
            self.wfile.write(PACKAGE)
            return
        try:
            for _ in range(2 * BYTES_MAX >> 20):
                self.wfile.write(bytes(1 << 20))
        except ConnectionError:
            pass

    def log_message(self, *_):
        pass


class FirstBootTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
        threading.Thread(target=self.server.serve_forever).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        for name in ["apt-get", "dpkg", "systemctl"]:
            (self.folder / name).write_text(NOTE)
            (self.folder / name).chmod(0o755)

    def boot(self, path: str) -> tuple[int, list[str]]:
        """Its exit status, and what it called."""
        script, calls = self.folder / "install", self.folder / "calls"
        script.write_text(SCRIPT.read_text().replace(CACHE, str(self.folder)))
        calls.touch()
        environment = {
            "PATH": f"{self.folder}:{os.environ['PATH']}", "CALLS": str(calls),
            "PACKAGE": "jeeves-agent", "SHA256": hashlib.sha256(PACKAGE).hexdigest(),
            "URL": f"http://127.0.0.1:{self.server.server_port}/{path}"}
        ended = subprocess.run(["sh", script], env=environment, capture_output=True)
        return ended.returncode, [line.split()[0] for line in calls.read_text().splitlines()]

    def test_the_package_is_installed_and_the_unit_disabled(self):
        self.assertEqual(self.boot("package"), (0, ["dpkg", "apt-get", "systemctl"]))
        self.assertFalse((self.folder / "jeeves-agent.deb").exists())

    def test_a_stream_without_end_fills_no_disk_and_is_not_installed(self):
        status, calls = self.boot("endless")
        self.assertNotEqual(status, 0)
        self.assertEqual(calls, [])
        self.assertLessEqual((self.folder / "jeeves-agent.deb").stat().st_size, BYTES_MAX)


if __name__ == "__main__":
    unittest.main()
