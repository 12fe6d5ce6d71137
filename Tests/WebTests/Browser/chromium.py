"""A headless Chromium, driven by the DevTools protocol over two pipes.

It ends when the pipes do, so also when this program is killed.
"""

import base64
import json
import os
import subprocess
import tempfile

# Chromium takes commands from descriptor 3 and answers on 4.
LAUNCH = 'exec chromium "$@" 3<&0 4>&1 </dev/null >&2'
FLAGS = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-sandbox",  # root has none
    "--disable-dev-shm-usage",  # small in containers
    "--disable-gpu",
    "--disable-breakpad",
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-first-run",
    "--hide-scrollbars",
]


class Browser:
    """One Chromium with an empty profile, from `with` to its end."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        self.log = open(os.path.join(self.folder.name, "log"), "w+b")
        self.process = subprocess.Popen(
            ["sh", "-c", LAUNCH, "sh", *FLAGS, f"--user-data-dir={self.folder.name}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env={**os.environ, "HOME": self.folder.name},
        )
        self.rest = b""
        self.calls = 0
        self.tabs = {}
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def call(self, method, session=None, **params):
        """Asks for something and waits for the answer; events meanwhile go to their tabs."""
        self.calls += 1
        message = {"id": self.calls, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self.process.stdin.write(json.dumps(message).encode() + b"\0")
        self.process.stdin.flush()
        while True:
            answer = self.read()
            if answer.get("id") == self.calls:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def read(self):
        """The next message; an event is given to its tab on the way."""
        while b"\0" not in self.rest:
            chunk = os.read(self.process.stdout.fileno(), 1 << 16)
            if not chunk:
                self.log.seek(0)
                raise EOFError("Chromium ended: " + self.log.read().decode(errors="replace")[-400:])
            self.rest += chunk
        text, _, self.rest = self.rest.partition(b"\0")
        message = json.loads(text)
        tab = self.tabs.get(message.get("sessionId"))
        if tab and "method" in message:
            tab.hear(message["method"], message["params"])
        return message


class Tab:
    """One page, and what went wrong on it."""

    def __init__(self, browser, address, scripts=True):
        self.browser = browser
        self.is_loaded = False
        self.errors = []
        self.requests = []
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        browser.tabs[self.session] = self
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call("Page.navigate", url=address)
        while not self.is_loaded:
            browser.read()

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def hear(self, method, params):
        if method == "Page.loadEventFired":
            self.is_loaded = True
        elif method == "Network.requestWillBeSent":
            self.requests.append((params["type"], params["request"]["url"]))
        elif method == "Network.loadingFailed" and not params.get("canceled"):
            self.errors.append(params["errorText"])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.errors.append(params["entry"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.errors.append(f"console: {params['args']}")
        elif method == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"]["exception"]["description"])
        elif method == "Page.javascriptDialogOpening":
            raise RuntimeError(f"the page opened a dialog: {params['message']}")

    def evaluate(self, expression):
        """The value of an expression, or of what it promises."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def press(self, key, code):
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code
            )

    def look(self, width, height, scheme):
        """Takes on a window's size and a person's choice of colours."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def photograph(self, path):
        """The whole page, down to its end."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
