"""Packages of both programs, made by packaging/build-deb from a small program in their place."""

import os
import subprocess
from pathlib import Path

PACKAGING = Path(__file__).resolve().parent.parent

# What build-deb asks of a program: its description of itself, and completions.
PROGRAM = r"""
#include <stdio.h>
#include <string.h>

int main(int count, char **words) {
    if (count > 1 && strcmp(words[1], "--experimental-dump-help") == 0)
        puts("{\"command\": {\"commandName\": \"p\", \"abstract\": \"P.\", \"arguments\": []}}");
    else
        puts("# completion");
    return 0;
}
"""


def programs(folder: Path) -> Path:
    """Compiles both into a new folder."""
    folder.mkdir()
    (folder / "program.c").write_text(PROGRAM)
    for name in ["jeeves-agent", "jeeves"]:
        subprocess.run(["gcc", "-o", folder / name, folder / "program.c"], check=True)
    return folder


def packages(binaries: Path, output: Path, *versions: str, **environment: str) -> None:
    """Both packages of each version; the agent's first, because the other carries it."""
    for version in versions or ["1.0"]:
        for name in ["jeeves-agent", "jeeves"]:
            subprocess.run([PACKAGING / "build-deb", name, version, binaries, output], check=True,
                           stdout=subprocess.DEVNULL, env={**os.environ, **environment})


def package(output: Path, name: str, version: str = "1.0") -> Path:
    [found] = output.glob(f"{name}_{version}_*.deb")
    return found
