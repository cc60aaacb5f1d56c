# clients.py - clients of the tcp-device system, written from the description of its wire only, against our roles;
# and our device against what it prints.  Usage: python3 clients.py PATH/runner
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

RUNNER = sys.argv[1]
LIMIT = 60  # seconds that anything may take


class Role:
    """`runner role NAME …`, ready, with its exports; its output goes to files."""

    started = []

    def __init__(self, folder, name, *options, env=None, stdin=subprocess.DEVNULL, before=None):
        self.folder = tempfile.mkdtemp(dir=folder)
        self.ready_file = os.path.join(self.folder, "ready")
        self.out, self.err = os.path.join(self.folder, "out"), os.path.join(self.folder, "err")
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [RUNNER, "role", name, *options, "--ready-file", self.ready_file],
                stdin=stdin, stdout=out, stderr=err, env={**os.environ, **(env or {})}, preexec_fn=before)
        Role.started.append(self.process)

    def ready(self):
        wait_for(lambda: os.path.exists(self.ready_file) or self.process.poll() is not None, "a role gets ready")
        assert os.path.exists(self.ready_file), self.errors()
        with open(self.ready_file) as file:
            self.exports = json.load(file)
        return self

    def lines(self):
        with open(self.out, "rb") as file:
            return file.read().decode("utf-8").split("\n")[:-1]

    def errors(self):
        with open(self.err, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def wait_line(self, pattern, count=1):
        wait_for(lambda: sum(bool(re.fullmatch(pattern, line)) for line in self.lines()) >= count,
                 lambda: f"{count} lines {pattern!r} among {self.lines()}; {self.errors()}")

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT)


def wait_for(condition, what):
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, "not in time: " + (what if isinstance(what, str) else what())
        time.sleep(0.01)


class Web:
    def __init__(self, url):
        self.url = url

    def request(self, method, path, body=None):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=LIMIT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def create(self, device):
        assert self.request("POST", "/api/v1/device", {"id": device}) == (200, "OK")

    def post(self, device, report):
        return self.request("POST", f"/api/v1/device/{device}/reports", {"id": device, "report": report})

    def reports(self, device):
        status, text = self.request("GET", f"/api/v1/device/{device}/reports")
        assert status == 200
        return json.loads(text)["reports"]


class Device:
    """A client as the original's: writes `@ID,REPORT@`, reads what comes."""

    def __init__(self, address, device):
        host, port = address.rsplit(":", 1)
        self.device = device
        self.socket = socket.create_connection((host, int(port)), timeout=LIMIT)
        self.unread = b""

    def write(self, report):
        self.socket.sendall(f"@{self.device},{report}@".encode())

    def read(self):
        while True:
            found = re.search(rb"@[^@]+@", self.unread)
            if found:
                self.unread = self.unread[found.end():]
                return found.group()
            data = self.socket.recv(4096)
            assert data, "the server closed the connection"
            self.unread += data


def check_round_trip(stack):
    """The system's own check: create, report, look, send back."""
    web = Web(stack.exports["web"])
    devices = [Device(stack.exports["device"], device) for device in (123, 456)]
    devices[0].write("name")  # before it exists
    stack.wait_line(r"Server: connected device id @123,name@")
    stack.wait_line(r"web on_message_input UNKNOWN device_id \{'id': 123, 'report': 'name'\}")
    for device in devices:
        web.create(device.device)
        web.create(device.device)
        before = int(time.time())
        device.write("name")
        wait_for(lambda d=device: web.reports(d.device), "a report is stored")
        report = web.reports(device.device)[0]
        assert report["report"] == "name" and before - 2 <= report["timestamp"] <= time.time() + 2, report
        assert web.post(device.device, "name") == (200, "OK")
        assert device.read() == f"@{device.device},name@".encode()
        stack.wait_line(f"send to client {device.device}")
        stack.wait_line(rf"web on_message_input \{{'id': {device.device}, 'report': 'name'\}}")
    devices[0].write("two")
    wait_for(lambda: len(web.reports(123)) == 2, "the second report is stored")
    assert [report["report"] for report in web.reports(123)] == ["two", "name"]
    assert web.post(999, "name") == (200, "device is UNKNOWN")
    assert web.reports(999) == []
    for bad in (b"{", b"[]", b'{"id": "1"}', b'{"report": "x"}', b'{"id": 5, "report": "x"}'):
        assert web.request("POST", "/api/v1/device/123/reports", bad)[0] == 400, bad
    assert web.request("POST", "/api/v1/device", b" " * 70000)[0] == 413
    assert web.request("GET", "/api/v1/device")[0] == 404


def check_printed_values(stack):
    """Lines show values as Python's repr does."""
    web = Web(stack.exports["web"])
    web.create(7)
    device = Device(stack.exports["device"], 7)
    for report in ("it's", 'a "word"', "tab\tЖ\u200b", "back\\slash", "a,b", "'\""):
        device.write(report)
        stack.wait_line(re.escape("web on_message_input " + repr({"id": 7, "report": report})))
    assert [r["report"] for r in web.reports(7)][:2] == ["'\"", "a,b"]
    web.post(7, "Ж" * 40)
    assert device.read() == ("@7," + "Ж" * 40 + "@").encode()
    device.write("Ж" * 40)
    wait_for(lambda: web.reports(7)[0]["report"] == "Ж" * 36, "a report is cut to 36 characters")


def check_device(stack, folder):
    """Our device prints what the original's did; hosts come from the environment."""
    host, port = stack.exports["device"].rsplit(":", 1)
    web_port = stack.exports["web"].rsplit(":", 1)[1]
    env = {"OPEN_SOLUTION_TCP_SERVER_HOST": host, "OPEN_SOLUTION_WEB_HOST": host, "TZ": "UTC"}
    ports = ("--server-port", port, "--web-port", web_port)
    web = Web(stack.exports["web"])
    device = Role(folder, "tcp-device.device", "--id", "31", *ports, "--every", "20ms", env=env).ready()
    assert device.lines()[:2] == ["CREATE DEVICE  31", f"CLIENT 31 CONNECTED TO {port}"], device.lines()
    wait_for(lambda: len(web.reports(31)) >= 3, "the name is sent again and again")
    assert {report["report"] for report in web.reports(31)} == {"name"}
    web.post(31, "name")
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}"
    device.wait_line(moment + r": Data b'@31,name@', Success")
    sent = len(web.reports(31))
    web.post(31, "it's Ж")
    device.wait_line(moment + re.escape(": Data " + repr("@31,it's Ж@".encode()) + ", Error"))
    assert len(web.reports(31)) <= sent + 1, "it goes on sending its name after an answer"
    assert device.end() == 0, device.errors()
    stack_lines = stack.lines()
    assert stack_lines.count("Server: connected device id @31,name@") == 1, stack_lines

    device = Role(folder, "tcp-device.device", "--id", "32", *ports, "--interactive", env=env, stdin=subprocess.PIPE)
    device.ready()
    for line in (b"hello\n", b"not@sent\n", b"a,b\n"):
        device.process.stdin.write(line)
    device.process.stdin.flush()
    wait_for(lambda: len(web.reports(32)) == 2, "the lines are sent")
    assert [report["report"] for report in web.reports(32)] == ["a,b", "hello"]
    web.post(32, "a,b")
    device.wait_line(moment + r": Data b'@32,a,b@', Success")
    web.post(32, "hello")
    device.wait_line(moment + r": Data b'@32,hello@', Success")
    web.post(32, "not typed")
    device.wait_line(moment + r": Data b'@32,not typed@', Error")
    device.process.stdin.write(b"last, without a line end")
    device.process.stdin.close()
    assert device.process.wait(LIMIT) == 0, device.errors()
    wait_for(lambda: web.reports(32)[0]["report"] == "last, without a line end", "the last line is sent")

    nowhere = Role(folder, "tcp-device.device", "--id", "33", "--server-port", port, "--web-port", port, env=env)
    assert nowhere.process.wait(LIMIT) == 1 and nowhere.errors(), "a web that does not speak HTTP"
    for options in ((), ("--id", "x"), ("--id", "9223372036854775808")):
        wrong = Role(folder, "tcp-device.device", *options)
        assert wrong.process.wait(LIMIT) == 2, options
    return Role(folder, "tcp-device.device", "--id", "34", *ports, env=env).ready()


def check_store(folder):
    """A file keeps the reports; the ports can be given again; --clean forgets."""
    path = os.path.join(folder, "store.db")
    stack = Role(folder, "tcp-device.stack", "--store", path, "--delay", "0.05").ready()
    exports = stack.exports
    web = Web(exports["web"])
    web.create(1)
    device = Device(exports["device"], 1)
    device.write("kept")
    wait_for(lambda: web.reports(1), "the report is stored")
    stack.process.kill()
    stack.process.wait(LIMIT)
    again = ("--store", path, "--device-port", exports["device"].rsplit(":", 1)[1],
             "--web-port", exports["web"].rsplit(":", 1)[1])
    stack = Role(folder, "tcp-device.stack", *again).ready()
    assert stack.exports == exports
    assert [report["report"] for report in web.reports(1)] == ["kept"]
    assert stack.end() == 0, stack.errors()
    stack = Role(folder, "tcp-device.stack", *again, "--clean").ready()
    assert web.reports(1) == []
    assert stack.end() == 0
    with open(path, "wb") as file:
        file.write(b"no database" * 1000)
    stack = Role(folder, "tcp-device.stack", "--store", path)
    assert stack.process.wait(LIMIT) == 1 and "not a database" in stack.errors()


def check_crowd(folder):
    """More devices than the server may have descriptors: the web still answers, nobody is turned away."""
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    stack = Role(folder, "tcp-device.stack", before=few).ready()
    web = Web(stack.exports["web"])
    crowd = [Device(stack.exports["device"], i) for i in range(300)]
    wait_for(lambda: "connections are open" in stack.errors(), lambda: "the port is full: " + stack.errors())
    web.create(299)
    for device in crowd:
        device.socket.setblocking(False)
        try:
            assert False, f"device {device.device} was sent {device.socket.recv(1)}"
        except BlockingIOError:
            pass
    for device in crowd[:299]:
        device.socket.close()
    crowd[299].write("late")
    wait_for(lambda: web.reports(299), "the last one is served")
    crowd[299].socket.close()
    assert stack.end() == 0, stack.errors()


def main():
    folder = tempfile.mkdtemp()
    stack = Role(folder, "tcp-device.stack").ready()
    try:
        check_round_trip(stack)
        check_printed_values(stack)
        device = check_device(stack, folder)
        assert stack.end() == 0, stack.errors()
        assert device.process.wait(LIMIT) == 1 and "the connection to the server is lost" in device.errors()
        check_store(folder)
        check_crowd(folder)
    finally:
        for process in Role.started:
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(folder)


main()
