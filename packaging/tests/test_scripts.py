"""What installing, upgrading, removing and purging the packages does to a machine."""

import os
import tempfile
import unittest
from pathlib import Path

import stub
from machine import Machine

PRESET = "systemctl --root=/ --system --preset-mode=enable-only preset {}.service"
ENABLED = "/etc/systemd/system/multi-user.target.wants/{}.service"
RESTART = "systemctl --quiet --system restart {}.service"
STOP = "systemctl stop {}.service"
TIMER = "/etc/systemd/system/certbot.timer"
START_TIMER = "systemctl --quiet --system start certbot.timer"
# What serves on a controller, and what the agent and the coordinator keep.
SERVING = {
    "/etc/letsencrypt/live/chat/fullchain.pem": "chain",
    "/etc/haproxy/haproxy.cfg": "config",
    "/etc/haproxy/certs/haproxy.pem": "bundle",
    "/var/snap/microk8s/common/.microk8s.yaml": "launch",
}
AGENT = {"/etc/jeeves/agent.json": "{}", "/var/lib/jeeves/identity.json": "key"}
COORDINATOR = {
    "/etc/jeeves/jeeves.yaml": "cluster: chat",
    "/var/lib/jeeves-coordinator/ca/root.pem": "root",
}


@unittest.skipUnless(os.geteuid() == 0, "dpkg's chroot needs root")
class ScriptTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.output = Path(folder.name) / "packages"
        binaries = stub.programs(Path(folder.name) / "binaries")
        stub.packages(binaries, cls.output, "1.0", "1.1")

    def machine(self, *files: dict[str, str], systemd: bool = True) -> Machine:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        machine = Machine(Path(folder.name), systemd)
        for path, text in [item for some in files for item in some.items()]:
            machine.write(path, text)
        return machine

    def install(self, machine: Machine, name: str, version: str = "1.0") -> list[str]:
        return machine.dpkg("--install", stub.package(self.output, name, version))

    def test_without_settings_nothing_is_enabled_or_started(self):
        machine = self.machine()
        for name in ["jeeves-agent", "jeeves"]:
            calls = self.install(machine, name)
            self.assertNotIn(RESTART.format(name), calls)
        self.assertEqual(machine.files(), {})

    def test_with_settings_the_service_is_enabled_and_started(self):
        machine = self.machine(AGENT, COORDINATOR)
        for name in ["jeeves-agent", "jeeves"]:
            calls = self.install(machine, name)
            self.assertIn(PRESET.format(name), calls)
            self.assertEqual(calls[-1], RESTART.format(name))
        self.assertTrue(machine.path("/usr/share/jeeves/jeeves-agent.deb").is_file())

    def test_in_an_image_that_has_no_systemd_running_it_is_enabled_only(self):
        machine = self.machine(AGENT, systemd=False)
        self.assertEqual(self.install(machine, "jeeves-agent"), [])
        self.assertIn(ENABLED.format("jeeves-agent"), machine.files())

    def test_the_coordinators_user_is_made(self):
        self.assertIn("systemd-sysusers jeeves.conf", self.install(self.machine(), "jeeves"))

    def test_an_upgrade_keeps_everything_and_only_restarts(self):
        machine = self.machine(SERVING, AGENT, COORDINATOR)
        machine.mask("certbot.timer")
        for name in ["jeeves-agent", "jeeves"]:
            self.install(machine, name)
        before = machine.files()
        for name in ["jeeves-agent", "jeeves"]:
            calls = self.install(machine, name, "1.1")
            self.assertIn(RESTART.format(name), calls)
            self.assertNotIn(STOP.format(name), calls)
        self.assertEqual(machine.files(), before)

    def test_a_downgrade_keeps_everything_too(self):
        machine = self.machine(SERVING, AGENT)
        self.install(machine, "jeeves-agent", "1.1")
        before = machine.files()
        self.assertIn(RESTART.format("jeeves-agent"), self.install(machine, "jeeves-agent"))
        self.assertEqual(machine.files(), before)

    def test_a_service_that_a_person_disabled_stays_so(self):
        machine = self.machine(AGENT, systemd=False)
        self.install(machine, "jeeves-agent")
        machine.path(ENABLED.format("jeeves-agent")).unlink()
        self.install(machine, "jeeves-agent", "1.1")
        self.assertNotIn(ENABLED.format("jeeves-agent"), machine.files())

    def test_a_removal_stops_the_service_and_keeps_its_state(self):
        machine = self.machine(SERVING, AGENT, COORDINATOR)
        machine.mask("certbot.timer")
        for name in ["jeeves-agent", "jeeves"]:
            self.install(machine, name)
        before = machine.files()
        for name in ["jeeves-agent", "jeeves"]:
            self.assertIn(STOP.format(name), machine.dpkg("--remove", name))
        self.assertEqual(machine.files(), before)
        self.assertFalse(machine.path("/usr/bin/jeeves-agent").exists())

    def test_a_purged_agent_leaves_what_serves_and_gives_certbot_its_timer_back(self):
        machine = self.machine(SERVING, AGENT, COORDINATOR)
        machine.mask("certbot.timer")
        machine.write("/run/jeeves/status.json")
        self.install(machine, "jeeves-agent")
        calls = machine.dpkg("--purge", "jeeves-agent")
        self.assertEqual(machine.files(), {**SERVING, **COORDINATOR})
        self.assertFalse(machine.path("/run/jeeves").exists())
        self.assertIn(START_TIMER, calls)
        self.assertEqual([call for call in calls if "haproxy" in call or "snap" in call], [])

    def test_a_purge_in_an_image_asks_nothing_of_systemd(self):
        machine = self.machine(AGENT, systemd=False)
        machine.mask("certbot.timer")
        self.install(machine, "jeeves-agent")
        self.assertEqual(machine.dpkg("--purge", "jeeves-agent"), [])
        self.assertEqual(machine.files(), {})

    def test_a_timer_that_no_agent_masked_is_left_alone(self):
        never_ran = self.machine()
        never_ran.mask("certbot.timer")
        self.install(never_ran, "jeeves-agent")
        self.assertNotIn(START_TIMER, never_ran.dpkg("--purge", "jeeves-agent"))
        self.assertEqual(never_ran.files(), {TIMER: "/dev/null"})

        overridden = self.machine(AGENT, {TIMER: "[Timer]"})
        self.install(overridden, "jeeves-agent")
        self.assertNotIn(START_TIMER, overridden.dpkg("--purge", "jeeves-agent"))
        self.assertEqual(overridden.files(), {TIMER: "[Timer]"})

    def test_a_purged_coordinator_leaves_the_cluster_and_its_identity(self):
        machine = self.machine(COORDINATOR, AGENT)
        self.install(machine, "jeeves")
        machine.dpkg("--purge", "jeeves")
        self.assertEqual(machine.files(), {**COORDINATOR, **AGENT})


if __name__ == "__main__":
    unittest.main()
