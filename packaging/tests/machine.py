"""A root folder in which dpkg installs packages and runs their scripts, real but for systemd."""

import os
import shutil
import subprocess
from pathlib import Path

# What the scripts start. deb-systemd-helper and deb-systemd-invoke are Debian's own.
PROGRAMS = ["sh", "rm", "readlink", "perl", "deb-systemd-helper", "deb-systemd-invoke"]
# systemd's place: it notes what it is asked, and calls every unit enabled.
NOTE = """#!/bin/sh
echo "${0##*/} $*" >>/calls
case "$*" in *is-enabled*) echo enabled ;; esac
"""


class Machine:
    def __init__(self, root: Path, systemd: bool = True):
        self.root = root
        for folder in ["bin", "sbin", "lib", "lib64"]:
            (root / "usr" / folder).mkdir(parents=True)
            (root / folder).symlink_to(f"usr/{folder}")
        for folder in ["dev", "etc", "tmp", "run/systemd/system" if systemd else "run",
                       "var/lib/dpkg/updates", "var/lib/dpkg/info"]:
            (root / folder).mkdir(parents=True)
        self.write("/var/lib/dpkg/status")
        self.write("/dev/null")
        for name in PROGRAMS:
            self._copy_program(shutil.which(name))
        # Without systemctl deb-systemd-helper makes and reads the links itself.
        for name in ["systemd-sysusers"] + ["systemctl"] * systemd:
            self.write(f"/usr/bin/{name}", NOTE).chmod(0o755)

    def _copy_program(self, program: str) -> None:
        files = [program]
        if Path(program).read_bytes().startswith(b"\x7fELF"):
            words = subprocess.run(["ldd", program], check=True, capture_output=True, text=True)
            files += [word for word in words.stdout.split() if word.startswith("/")]
        if program.endswith("/perl"):
            modules = next(Path("/usr/lib").glob("*-linux-gnu/perl-base"))
            shutil.copytree(modules, self.path(str(modules)), dirs_exist_ok=True)
        for file in files:
            self.path(file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, self.path(file))

    def path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def write(self, path: str, text: str = "") -> Path:
        self.path(path).parent.mkdir(parents=True, exist_ok=True)
        self.path(path).write_text(text)
        return self.path(path)

    def mask(self, unit: str) -> Path:
        link = self.path(f"/etc/systemd/system/{unit}")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("/dev/null")
        return link

    def dpkg(self, *words: str | Path) -> list[str]:
        """Runs dpkg here; the packages' dependencies are not. Returns what systemd was asked."""
        self.write("/calls")
        subprocess.run(
            ["dpkg", f"--root={self.root}", "--force-depends", *words],
            check=True, capture_output=True, env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
        return self.path("/calls").read_text().splitlines()

    def files(self) -> dict[str, str]:
        """Every file outside of /usr and dpkg's own, with its text or where it leads."""
        found = {}
        for folder in ["etc", "var"]:
            for path in sorted(self.path(folder).rglob("*")):
                name = "/" + str(path.relative_to(self.root))
                if name.startswith(("/var/lib/dpkg", "/var/lib/systemd")) or path.is_dir():
                    continue
                found[name] = str(path.readlink()) if path.is_symlink() else path.read_text()
        return found
