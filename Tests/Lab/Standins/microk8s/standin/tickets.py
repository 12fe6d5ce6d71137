"""Stand-in for MicroK8s: join tickets and the tokens that follow from one."""

import fcntl
import time

from .paths import CREDENTIALS

CLUSTER = CREDENTIALS / "cluster-tokens.txt"
PERSISTENT = CREDENTIALS / "persistent-cluster-token"
CERTIFICATES = CREDENTIALS / "certs-request-tokens.txt"


def append(path, line):
    with open(path, "a", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.write(f"{line}\n")
    path.chmod(0o660)


def add(token, ttl):
    """A ticket: `T` alone is used up by its first use, `T|expiry` lasts until then."""
    append(CLUSTER, token if ttl == -1 else f"{token}|{round(time.time()) + ttl}")


def take(path, token):
    """Whether the token is good; one without an expiry is used up by this.
    The first line that holds the token decides, whatever later ones say."""
    if not path.exists():
        return False
    with open(path, "r+", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        lines = handle.read().splitlines()
        for number, line in enumerate(lines):
            held, _, expiry = line.partition("|")
            if held != token:
                continue
            if expiry:
                return time.time() < int(expiry)
            del lines[number]
            handle.seek(0)
            handle.truncate()
            handle.write("".join(f"{one}\n" for one in lines))
            return True
    return False


def is_persistent(token):
    return PERSISTENT.exists() and token in PERSISTENT.read_text().splitlines()
