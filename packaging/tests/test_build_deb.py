"""What packaging/build-deb puts into a package, and that it does so twice."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import stub
from script import load

build = load("build-deb")


def lines(*argv: str | Path) -> list[str]:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()


class BuildDebTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.binaries = stub.programs(cls.folder / "binaries")
        stub.packages(cls.binaries, cls.folder / "packages")

    def package(self, name: str) -> Path:
        return stub.package(self.folder / "packages", name)

    def files(self, name: str) -> list[str]:
        """Every path of a package that is no folder."""
        rows = [line.split() for line in lines("dpkg-deb", "--contents", self.package(name))]
        return [row[5].removeprefix(".") for row in rows if not row[0].startswith("d")]

    def test_every_file_below_etc_is_a_configuration_file_and_there_is_none(self):
        for name in ["jeeves-agent", "jeeves"]:
            self.assertEqual([file for file in self.files(name) if file.startswith("/etc")], [])
            self.assertNotIn("conffiles", "\n".join(lines("dpkg-deb", "-I", self.package(name))))

    def test_the_packages_have_no_file_in_common(self):
        self.assertEqual(set(self.files("jeeves-agent")) & set(self.files("jeeves")), set())

    def test_the_architecture_is_the_programs(self):
        [known] = lines("dpkg-deb", "--field", self.package("jeeves"), "Architecture")
        self.assertEqual(known, build.architecture_of(self.binaries / "jeeves"))
        program = bytearray((self.binaries / "jeeves").read_bytes()[:64])
        for machine, architecture in [(62, "amd64"), (183, "arm64")]:
            program[18:20] = machine.to_bytes(2, "little")
            (self.folder / "program").write_bytes(program)
            self.assertEqual(build.architecture_of(self.folder / "program"), architecture)

    def test_what_is_no_program_of_a_supported_machine_is_refused(self):
        riscv = bytearray((self.binaries / "jeeves").read_bytes()[:64])
        riscv[18:20] = (243).to_bytes(2, "little")
        for content in [b"", b"#!/bin/sh\necho\n", bytes(riscv)]:
            (self.folder / "program").write_bytes(content)
            with self.assertRaisesRegex(ValueError, "no program for amd64 or arm64"):
                build.architecture_of(self.folder / "program")

    def test_the_same_programs_give_the_same_packages(self):
        printed = lines(stub.PACKAGING / "check-reproducible", "1.0", self.binaries)
        self.assertEqual(len(printed), 2)

    def test_another_time_stamp_gives_another_package(self):
        other = self.folder / "other"
        stub.packages(self.binaries, other, SOURCE_DATE_EPOCH="1700000000")
        self.assertNotEqual(
            stub.package(other, "jeeves").read_bytes(), self.package("jeeves").read_bytes())


if __name__ == "__main__":
    unittest.main()
