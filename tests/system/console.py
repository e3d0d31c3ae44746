# SPDX-License-Identifier: Apache-2.0
"""A running emulator and its serial line, driven by script: every wait has a time limit."""
import os
import re
import select
import subprocess
import time


class Failed(Exception):
    """What was expected and what came instead."""


class Console:
    """Starts `command` and keeps everything it prints in `text` and in the file `log`."""

    def __init__(self, command, log, lifetime):
        self.text = ""
        self.seen = 0           # what `expect` has consumed of `text`
        self.status = None
        os.makedirs(os.path.dirname(log), exist_ok=True)
        self.log_path = log
        self.log = open(log, "w", encoding="utf-8")
        # timeout(1) ends the emulator even if this program is killed.
        guard = ["timeout", "--kill-after=5", str(lifetime)]
        # No monitor on this line: Ctrl-A is meant for the hypervisor.
        line = ["-serial", "stdio", "-monitor", "none"]
        self.process = subprocess.Popen(guard + command + line,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.log):
            try:
                stream.close()
            except BrokenPipeError:
                pass

    def pump(self, seconds):
        """Reads what comes within the time; False when the emulator has closed its output."""
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        if not ready:
            return True
        data = os.read(self.process.stdout.fileno(), 65536)
        text = data.decode(errors="replace").replace("\r", "")
        self.text += text
        self.log.write(text)
        self.log.flush()
        return bool(data)

    def expect(self, pattern, seconds):
        """Waits for the pattern in what was not consumed yet and consumes up to its end."""
        wanted = re.compile(pattern, re.MULTILINE)
        end = time.monotonic() + seconds
        running = True
        while True:
            found = wanted.search(self.text, self.seen)
            if found:
                self.seen = found.end()
                return found
            left = end - time.monotonic()
            if left <= 0 or not running:
                why = f"within {seconds} s" if running else "before the emulator ended"
                raise Failed(f"/{pattern}/ did not appear {why}; {self.tail()}")
            running = self.pump(min(left, 1.0))

    def settle(self, quiet, limit=20):
        """Reads until nothing came for `quiet` seconds; returns what was not consumed yet."""
        end = time.monotonic() + limit
        size = -1
        while size != len(self.text) and time.monotonic() < end:
            size = len(self.text)
            self.pump(quiet)
        text, self.seen = self.text[self.seen:], len(self.text)
        return text

    def send(self, text):
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except BrokenPipeError as error:
            raise Failed(f"the emulator ended before it got {text!r}; {self.tail()}") from error

    def wait_end(self, seconds):
        """Waits until the emulator ends by itself, returns its exit status."""
        end = time.monotonic() + seconds
        while self.pump(0.5):
            if time.monotonic() > end:
                raise Failed(f"the machine did not stop within {seconds} s; {self.tail()}")
        return self.process.wait(10)

    def tail(self):
        """The last line printed, for messages."""
        lines = [line.strip() for line in self.text.splitlines() if line.strip()]
        last = lines[-1] if lines else "nothing at all"
        return f"last line: {last!r} (all of it in {self.log_path})"
