"""Stand-in for snapd in the lab: its changes, their tasks, and what each task does."""

import json
import os
import shutil
import subprocess
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

STATE = Path(os.environ.get("JEEVES_LAB_SNAPD_STATE", "/var/lib/snapd/state.json"))
PAYLOAD = Path(os.environ.get("JEEVES_LAB_PAYLOAD", "/opt/jeeves-lab/payload"))
FAULTS = Path(os.environ.get("JEEVES_LAB_FAULTS", "/etc/jeeves-lab/faults.json"))

REVISION = "7890"
SIZE = 171_000_000
HOOK_SECONDS = 600
FOREVER = "2315-08-21T00:00:00Z"

DATA = Path(f"/var/snap/microk8s/{REVISION}")
COMMON = Path("/var/snap/microk8s/common")
MOUNT = Path(f"/snap/microk8s/{REVISION}")
SERVICES = ["containerd", "k8s-dqlite", "kubelite", "apiserver-proxy", "cluster-agent"]
UNITS = [f"snap.microk8s.daemon-{name}.service" for name in SERVICES]

INSTALL = [
    ("prerequisites", 'Ensure prerequisites for "microk8s" are available'),
    ("download-snap", 'Download snap "microk8s" (7890) from channel "{channel}"'),
    ("validate-snap", 'Fetch and check assertions for snap "microk8s" (7890)'),
    ("mount-snap", 'Mount snap "microk8s" (7890)'),
    ("copy-snap-data", 'Copy snap "microk8s" data'),
    ("setup-profiles", 'Setup snap "microk8s" (7890) security profiles'),
    ("link-snap", 'Make snap "microk8s" (7890) available to the system'),
    ("auto-connect", 'Automatically connect eligible plugs and slots of snap "microk8s"'),
    ("set-auto-aliases", 'Set automatic aliases for snap "microk8s"'),
    ("setup-aliases", 'Setup snap "microk8s" aliases'),
    ("run-hook", 'Run install hook of "microk8s" snap if present'),
    ("start-snap-services", 'Start snap "microk8s" (7890) services'),
    ("run-hook", 'Run configure hook of "microk8s" snap if present'),
    ("run-hook", 'Run health check of "microk8s" snap'),
]
REFRESH = [
    ("download-snap", 'Download snap "microk8s" from channel "{channel}"'),
    ("validate-snap", 'Fetch and check assertions for snap "microk8s"'),
    ("stop-snap-services", 'Stop snap "microk8s" services'),
    ("link-snap", 'Make snap "microk8s" available to the system'),
    ("start-snap-services", 'Start snap "microk8s" services'),
    ("run-hook", 'Run health check of "microk8s" snap'),
]
CONFIGURE = [("run-hook", 'Run configure hook of "microk8s" snap')]
REMOVE = [
    ("stop-snap-services", 'Stop snap "microk8s" services'),
    ("run-hook", 'Run remove hook of "microk8s" snap if present'),
    ("unlink-snap", 'Make snap "microk8s" (7890) unavailable to the system'),
]


def now():
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")


def fault(name):
    """The value of one named fault that a test has set for this node, or None."""
    try:
        return json.loads(FAULTS.read_text()).get(name)
    except (OSError, ValueError):
        return None


class Refusal(Exception):
    """A synchronous error answer with snapd's kind."""

    def __init__(self, status, message, kind=None, value=None):
        super().__init__(message)
        self.status, self.kind, self.value = status, kind, value

    def body(self):
        result = {"message": str(self)}
        if self.kind:
            result["kind"] = self.kind
        if self.value is not None:
            result["value"] = self.value
        return {"type": "error", "status-code": self.status, "result": result}


class TaskFailed(Exception):
    """A task of a change has failed; what was done before it is undone."""


class State:
    """snapd's memory: changes and the one snap. Written after every step, so that a daemon that
    was killed goes on where it was."""

    def __init__(self):
        self.lock = threading.RLock()
        self.value = {"next": 1, "changes": {}, "snap": None}
        if STATE.exists():
            self.value = json.loads(STATE.read_text())

    def save(self):
        with self.lock:
            STATE.parent.mkdir(parents=True, exist_ok=True)
            temporary = STATE.with_suffix(".new")
            temporary.write_text(json.dumps(self.value))
            os.replace(temporary, STATE)

    def new_change(self, kind, summary, tasks, facts):
        with self.lock:
            for other in self.value["changes"].values():
                if not other["ready"]:
                    raise Refusal(409, f'snap "microk8s" has "{other["kind"]}" change in progress',
                                  "snap-change-conflict",
                                  {"snap-name": "microk8s", "change-kind": other["kind"]})
            number = str(self.value["next"])
            self.value["next"] += 1
            change = {
                "id": number, "kind": kind, "summary": summary, "status": "Do", "ready": False,
                "spawn-time": now(), "facts": facts,
                "tasks": [{
                    "id": f"{number}{index:02}", "kind": kind_, "summary": summary_.format(**facts),
                    "status": "Do", "log": [], "spawn-time": now(),
                    "progress": {"label": "", "done": 0, "total": 1},
                } for index, (kind_, summary_) in enumerate(tasks)],
            }
            self.value["changes"][number] = change
            self.save()
            return change


class Engine:
    """Carries changes out, one at a time, in a thread of their own."""

    def __init__(self, state):
        self.state = state

    def start(self, change):
        threading.Thread(target=self.run, args=(change,), daemon=True).start()

    def resume(self):
        for change in self.state.value["changes"].values():
            if not change["ready"]:
                self.start(change)

    def run(self, change):
        change["status"] = "Doing"
        for task in change["tasks"]:
            if task["status"] == "Done":
                continue
            if change.get("aborted"):
                self.undo(change, task, None)
                return
            task["status"] = "Doing"
            self.state.save()
            try:
                self.perform(change, task)
            except (TaskFailed, OSError, subprocess.SubprocessError) as error:
                self.undo(change, task, str(error))
                return
            task["status"] = "Done"
            task["progress"] = {**task["progress"], "done": task["progress"]["total"]}
            task["ready-time"] = now()
            self.state.save()
        self.finish(change, "Done")

    def finish(self, change, status, error=None):
        with self.state.lock:
            change.update({"status": status, "ready": True, "ready-time": now()})
            if error:
                change["err"] = error
            self.state.save()

    def undo(self, change, failed, error):
        """Undoes what an install has done so far, as snapd does."""
        position = change["tasks"].index(failed)
        failed["status"] = "Error" if error else "Hold"
        if error:
            failed["log"].append(f"{now()} ERROR {error}")
        for later in change["tasks"][position + 1:]:
            later["status"] = "Hold"
        if change["kind"] == "install-snap":
            for done in change["tasks"][:position]:
                done["status"] = "Undone"
            remove_everything()
            self.state.value["snap"] = None
        text = None
        if error:
            text = ("cannot perform the following tasks:\n"
                    f"- {failed['summary']} ({error})")
        self.finish(change, "Error" if error else "Undone", text)

    def perform(self, change, task):
        if change["kind"] == "hold-snap":
            return
        asked = fault("snapd.task")
        if asked and asked.get("kind") == task["kind"]:
            raise TaskFailed(asked.get("message", "asked for by a test"))
        kind, summary, facts = task["kind"], task["summary"], change["facts"]
        if kind == "download-snap":
            self.download(change, task)
        elif change["kind"] == "refresh-snap":
            self.refresh(kind, facts)
        elif kind == "mount-snap":
            mount()
        elif kind == "copy-snap-data":
            make_data()
        elif kind == "link-snap":
            link()
            self.state.value["snap"] = {"channel": facts["channel"], "installed": now()}
        elif kind == "start-snap-services":
            systemctl("daemon-reload")
            systemctl("enable", *UNITS)
            systemctl("start", "--no-block", *UNITS)
        elif kind == "stop-snap-services":
            systemctl("disable", "--now", *UNITS)
        elif kind == "unlink-snap":
            remove_everything()
            self.state.value["snap"] = None
        elif kind == "run-hook":
            name = next((one for one in ["install", "configure", "remove"] if one in summary), None)
            if name:
                run_hook(name, facts.get("config", ""))

    def refresh(self, kind, facts):
        """There is one payload for all channels: what runs is restarted, and the number of the
        revision goes up."""
        if kind == "link-snap":
            snap = self.state.value["snap"]
            if snap["channel"] != facts["channel"]:
                snap.update({"channel": facts["channel"],
                             "refreshes": snap.get("refreshes", 0) + 1})
        elif kind == "start-snap-services":
            # A worker runs fewer services than a controller.
            systemctl("try-restart", *UNITS)

    def download(self, change, task):
        """There is nothing to download: the bytes are counted as if there were."""
        task["progress"] = {"label": f"microk8s ({REVISION})", "done": 0, "total": SIZE}
        for step in range(1, 11):
            if change.get("aborted"):
                return
            time.sleep(0.1)
            task["progress"]["done"] = SIZE * step // 10


def systemctl(*arguments):
    done = subprocess.run(["systemctl", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise TaskFailed(f"systemctl {arguments[0]}: {done.stderr.strip()}")


def mount():
    if not (PAYLOAD / "microk8s" / "microk8s").exists():
        raise TaskFailed(f"cannot mount: the lab's payload is not at {PAYLOAD}")
    replace_link(MOUNT, PAYLOAD / "microk8s")


def replace_link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    os.replace(temporary, path)


def make_data():
    for folder in [DATA, COMMON]:
        folder.mkdir(parents=True, exist_ok=True)
    replace_link(DATA.parent / "current", REVISION)


def link():
    replace_link(MOUNT.parent / "current", REVISION)
    command = Path("/snap/bin/microk8s")
    command.parent.mkdir(parents=True, exist_ok=True)
    command.write_text('#!/bin/sh\nexec /usr/bin/python3 /snap/microk8s/current/microk8s "$@"\n')
    command.chmod(0o755)


def run_hook(name, given):
    done = subprocess.run(
        ["/usr/bin/python3", str(MOUNT / "microk8s"), "hook", name], input=given,
        capture_output=True, text=True, timeout=HOOK_SECONDS, check=False)
    if done.returncode:
        raise TaskFailed(f'run hook "{name}": {done.stderr.strip()[-1000:]}')


def remove_everything():
    subprocess.run(["systemctl", "disable", "--now", *UNITS], capture_output=True, check=False)
    for unit in UNITS:
        Path("/etc/systemd/system", unit).unlink(missing_ok=True)
    subprocess.run(["systemctl", "daemon-reload"], capture_output=True, check=False)
    for path in [Path("/snap/bin/microk8s"), MOUNT.parent / "current", MOUNT]:
        path.unlink(missing_ok=True)
    for path in [DATA, COMMON]:
        shutil.rmtree(path, ignore_errors=True)
    (DATA.parent / "current").unlink(missing_ok=True)
