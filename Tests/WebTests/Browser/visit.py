#!/usr/bin/env python3
"""Visits the status page as people do and prints what it found there, as JSON.

usage: visit.py ADDRESS TIME [FOLDER]

TIME is what `?at=` is tried with, FOLDER takes pictures of the page. Once somebody listens, the page
has to tell of an event and of another headline.
"""

import json
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from chromium import Browser, Tab

SECONDS_MAX = 57
NARROW, WIDE = (360, 740), (1280, 800)
LOOKS = {"light": (*WIDE, "light"), "dark": (*WIDE, "dark"), "narrow": (*NARROW, "dark")}
LANDMARKS = {"banner", "contentinfo", "main", "navigation", "region", "search"}
# Roles that say nothing without a name.
NAMED = LANDMARKS - {"banner", "contentinfo", "main"} | {
    "button",
    "heading",
    "image",
    "link",
    "meter",
    "table",
    "textbox",
}
MEASURES = Path(__file__).with_name("measures.js").read_text()


def measure(tab, expression):
    """The value of an expression that may use the functions of measures.js."""
    return tab.evaluate(f"(() => {{ {MEASURES}\nreturn {expression}; }})()")


def outline(tab):
    """What a screen reader is told: headings, landmarks, tables, and what has no name."""
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    heard = [
        (node["role"]["value"], node.get("name", {}).get("value", ""), node)
        for node in nodes
        if not node["ignored"]
    ]
    return {
        "headings": [f"{level(node)} {name}" for role, name, node in heard if role == "heading"],
        "landmarks": [f"{role} {name}".strip() for role, name, _ in heard if role in LANDMARKS],
        "tables": [name for role, name, _ in heard if role == "table"],
        "columns": [name for role, name, _ in heard if role == "columnheader"],
        "nameless": [role for role, name, _ in heard if role in NAMED and not name.strip()],
    }


def level(heading):
    return next(p["value"]["value"] for p in heading["properties"] if p["name"] == "level")


def keyboard(tab):
    """Where the Tab key leads from the top of the page to its end."""
    controls = measure(tab, "controls()")
    stops = []
    for _ in range(len(controls) + 1):
        tab.press("Tab", 9)
        stop = measure(tab, "focused()")
        if not stop:
            break
        stops.append(stop)
    return {
        "controls": controls,
        "reached": [stop["name"] for stop in stops],
        "unseen": [stop["name"] for stop in stops if not stop["isSeen"]],
    }


def looks(tab, name, folder):
    """How the page looks; the last window, the narrowest, stays."""
    found = {}
    for look, choice in LOOKS.items():
        tab.look(*choice)
        found[look] = measure(tab, "look()")
        if folder:
            tab.photograph(folder / f"{name}-{look}.png")
    return found


def sight(tab, name, folder):
    """Everything about one page."""
    tab.call("Page.bringToFront")
    return {
        "language": tab.evaluate("document.documentElement.lang"),
        "panes": measure(tab, "panes()"),
        "active": measure(tab, "active()"),
        "looks": looks(tab, name, folder),
        **outline(tab),
        **keyboard(tab),
    }


def trouble(tabs, host):
    """What went wrong on the way, and who else was asked."""
    strangers = [
        url
        for tab in tabs
        for _, url in tab.requests
        if urlsplit(url).scheme != "data" and urlsplit(url).netloc != host
    ]
    return [error for tab in tabs for error in tab.errors] + strangers


def news(tab):
    return measure(tab, "news()")


def visit(browser, address, then, folder):
    plain = Tab(browser, address, scripts=False)
    found = {"plain": measure(plain, "panes()"), "before": news(plain)}
    now = Tab(browser, address)
    measure(now, f"until(() => differs({json.dumps(found['before'])}))")
    found["heard"] = news(now)
    found["loads"] = [kind for kind, _ in now.requests].count("Document")
    fresh = Tab(browser, address, scripts=False)
    found["fresh"] = news(fresh)
    found["now"] = sight(now, "now", folder)
    at = Tab(browser, f"{address}?at={then}")
    found["then"] = sight(at, "then", folder)
    found["trouble"] = trouble([plain, now, fresh, at], urlsplit(address).netloc)
    return found


def stop(*_):
    raise TimeoutError(f"the visit did not end within {SECONDS_MAX} s, or was told to stop")


def main():
    address, then, *folder = sys.argv[1:]
    signal.signal(signal.SIGALRM, stop)
    signal.signal(signal.SIGTERM, stop)
    signal.alarm(SECONDS_MAX)
    folder = Path(folder[0]) if folder else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    with Browser() as browser:
        found = visit(browser, address, then, folder)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
