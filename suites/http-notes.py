#!/usr/bin/env python3
"""The server that suites/http.yaml tests: it keeps notes, for those who have logged in.

Says `listening on PORT` when it is ready, and ends with its standard input.
"""
import http.server
import json
import sys
import threading
import urllib.parse


class Notes(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    notes = {}
    lock = threading.Lock()

    def log_message(self, *arguments):
        pass

    def answer(self, status, value, headers=()):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, content in headers:
            self.send_header(name, content)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        if path == "/login":
            user = urllib.parse.parse_qs(body.decode()).get("user", ["nobody"])[0]
            return self.answer(303, None, [("Set-Cookie", f"user={user}; Path=/"), ("Location", "/notes")])
        if "user=" not in self.headers.get("Cookie", ""):
            return self.answer(401, {"error": "log in first"})
        with self.lock:
            self.answer(*self.note(path, urllib.parse.parse_qs(query), body))

    def note(self, path, query, body):
        if path == "/notes" and self.command == "POST":
            number = len(self.notes) + 1
            self.notes[number] = json.loads(body) | {"id": number}
            return 201, self.notes[number]
        if path == "/notes":
            wanted = query.get("about", [""])[0]
            return 200, {"notes": [note for note in self.notes.values() if wanted in note["text"]]}
        number = path.removeprefix("/notes/")
        found = self.notes.get(int(number)) if number.isdigit() else None
        if found and self.command == "DELETE":
            found["deleted"] = True
        return (200, found) if found else (404, {"error": "no such note"})

    do_GET = do_HEAD = do_POST = do_DELETE = do_any


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Notes)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"listening on {server.server_address[1]}", flush=True)
sys.stdin.read()
