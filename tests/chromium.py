"""A real browser for tests: Chromium's DevTools protocol over a pipe, with no dependency."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1800,1300",
    "--remote-debugging-pipe",
)


# Chromium reads from descriptor 3 and writes to 4.
WIRE = """import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for end, place in zip(ends, (3, 4)):
    os.dup2(end, place)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Page:
    """One tab; messages are JSON that ends in a zero byte."""

    def __init__(self, to_browser, from_browser):
        self._to, self._from, self._number, self._session = to_browser, from_browser, 0, {}
        self.events = []  # what the browser says unasked, of domains that were enabled
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        self.call("Page.enable")

    def open(self, url):
        # A change after the # alone would not load the page again.
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    def wait_for(self, expression, seconds=60):
        """Return the value of the expression as soon as it is true."""
        give_up = time.monotonic() + seconds
        while not (value := self.evaluate(expression)):
            if time.monotonic() > give_up:
                text = self.evaluate("document.body.innerText")
                raise AssertionError(f"not true in {seconds} s: {expression}\n{text}")
            time.sleep(0.2)
        return value

    def wait_for_text(self, *texts):
        for text in texts:
            self.wait_for(f"document.body.innerText.includes({json.dumps(text)})")

    def screenshot(self, path):
        answer = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))

    def call(self, method, **params):
        """Send a message of the protocol; returns its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params, **self._session}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._read())
            if answer.get("id") == self._number:
                assert "result" in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _read(self):
        text = bytearray()
        while (byte := self._from.read(1)) != b"\0":
            assert byte, "the browser has ended"
            text += byte
        return text


@contextmanager
def browser(profile):
    """Start Chromium with an empty profile; yield a page."""
    read_end, to_browser = os.pipe()
    from_browser, write_end = os.pipe()
    command = [shutil.which("chromium"), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(
        [sys.executable, "-c", WIRE, str(read_end), str(write_end), *command],
        pass_fds=(read_end, write_end),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(read_end)
    os.close(write_end)
    try:
        with open(from_browser, "rb") as answers:
            yield Page(to_browser, answers)
    finally:
        os.close(to_browser)
        process.terminate()
        process.wait(20)
