# roles.py - what the tests in Python share: roles as processes, and waiting for things.
import json
import os
import signal
import subprocess
import tempfile
import time

LIMIT = 60  # seconds that anything may take


def wait_for(condition, what):
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, "not in time: " + what
        time.sleep(0.005)


class Role:
    """`runner role NAME …`, ready, with its exports; its output goes to files, unless descriptors are given."""

    started = []

    def __init__(self, runner, folder, name, *options, cwd=None, before=None, stdout=None, stderr=None):
        self.folder = tempfile.mkdtemp(dir=folder)
        self.ready_file = os.path.join(self.folder, "ready")
        self.out, self.err = os.path.join(self.folder, "out"), os.path.join(self.folder, "err")
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen([runner, "role", name, *options, "--ready-file", self.ready_file],
                                            stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=stderr or err,
                                            cwd=cwd, preexec_fn=before)
        Role.started.append(self.process)

    def ready(self):
        wait_for(lambda: os.path.exists(self.ready_file) or self.process.poll() is not None, "a role gets ready")
        assert os.path.exists(self.ready_file), self.errors()
        with open(self.ready_file, encoding="utf-8") as file:
            self.exports = json.load(file)
        return self

    def text(self):
        with open(self.out, encoding="utf-8") as file:
            return file.read()

    def errors(self):
        with open(self.err, encoding="utf-8", errors="replace") as file:
            return file.read()

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(LIMIT)


def end_all():
    for process in Role.started:
        if process.poll() is None:
            process.kill()
            process.wait()
