"""WebSockets by hand, for peer.py: servers that behave, and some that do not.

A path /ws/NAME asks for the function `ws_NAME`; what the functions below send and expect are the frames of RFC 6455.
"""
import base64
import hashlib
import json
import select
import struct
import urllib.parse

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def accept_of(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


def frame_of(opcode, data, last=True):
    data = data.encode() if isinstance(data, str) else data
    size = len(data)
    length = bytes([size]) if size < 126 else struct.pack(">BH", 126, size) if size < 65536 else struct.pack(">BQ", 127, size)
    return bytes([(0x80 if last else 0) | opcode]) + length + data


class Gone(Exception):
    """The client has ended the connection."""


class Peer:
    def __init__(self, handler):
        self.handler, self.headers = handler, handler.headers
        url = urllib.parse.urlsplit(handler.path)
        self.name, _, self.rest = url.path.removeprefix("/ws/").partition("/")
        self.query = urllib.parse.parse_qs(url.query)

    def answer(self, status="101 Switching Protocols", **changes):
        """The head of the answer; a header that is None is left out."""
        headers = {"Upgrade": "websocket", "Connection": "Upgrade",
                   "Sec-WebSocket-Accept": accept_of(self.headers.get("Sec-WebSocket-Key", ""))}
        headers.update({name.replace("_", "-"): value for name, value in changes.items()})
        lines = [f"HTTP/1.1 {status}"] + [f"{name}: {value}" for name, value in headers.items() if value is not None]
        self.raw(("\r\n".join(lines) + "\r\n\r\n").encode())

    def raw(self, data):
        self.handler.wfile.write(data)
        self.handler.wfile.flush()

    def frame(self, opcode, data, last=True):
        self.raw(frame_of(opcode, data, last))

    def exactly(self, size):
        data = self.handler.rfile.read(size)
        if len(data) < size:
            raise Gone
        return data

    def next(self):
        """The next frame of the client: opcode and data; a message comes in one."""
        first, second = self.exactly(2)
        assert second & 0x80, "a client masks its frames"
        size = second & 0x7f
        if size == 126:
            size = struct.unpack(">H", self.exactly(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.exactly(8))[0]
        mask = self.exactly(4)
        data = self.exactly(size)
        whole = int.from_bytes(data, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        return first & 15, whole.to_bytes(size, "big")

    def until_closed(self):
        """Answers the client's close, and takes what comes before it."""
        while (frame := self.next())[0] != CLOSE:
            pass
        self.frame(CLOSE, frame[1])

    def until_gone(self, data):
        while True:
            self.raw(data)


# ---- those that behave ----

def ws_echo(peer):
    peer.answer()
    while (frame := peer.next())[0] != CLOSE:
        peer.frame(*frame)
    peer.frame(*frame)


def ws_request(peer):
    """Tells what was asked for."""
    peer.answer()
    headers = {name.lower(): value for name, value in peer.headers.items()}
    peer.frame(TEXT, json.dumps({"path": peer.handler.path, "headers": headers}))
    peer.until_closed()


def ws_push(peer):
    peer.answer()
    for i in range(int(peer.rest)):
        peer.frame(TEXT, json.dumps({"n": i}))
    peer.until_closed()


def ws_at_once(peer):
    """The answer and the first frames in one piece."""
    key = accept_of(peer.headers["Sec-WebSocket-Key"])
    peer.raw(b"HTTP/1.1 101 Switching\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n"
             + f"Sec-WebSocket-Accept: {key}\r\n\r\n".encode() + b"\x81\x03one\x81\x03two")
    peer.until_closed()


def ws_fragments(peer):
    """A text in three frames, a ping between them, whose answer is told."""
    peer.answer()
    peer.frame(TEXT, "gr", last=False)
    peer.frame(PING, "are you there?")
    peer.frame(0, "üß".encode()[:1], last=False)
    peer.frame(0, "üß".encode()[1:] + b"e")
    opcode, data = peer.next()
    peer.frame(TEXT, f"{opcode} {data.decode()}")
    peer.until_closed()


def ws_protocol(peer):
    peer.answer(Sec_WebSocket_Protocol=peer.headers["Sec-WebSocket-Protocol"].split(", ")[-1])
    peer.until_closed()


def ws_close(peer):
    peer.answer()
    reason = peer.query.get("reason", [""])[0].encode()
    peer.frame(CLOSE, struct.pack(">H", int(peer.rest)) + reason if peer.rest else b"")
    opcode, _ = peer.next()
    assert opcode == CLOSE


def ws_status(peer):
    peer.answer(status=peer.rest.replace("-", " "), Content_Length="0", Upgrade=None, Sec_WebSocket_Accept=None)


def ws_drip(peer):
    """The next message comes back byte by byte, and then a close frame likewise."""
    peer.answer()
    opcode, data = peer.next()
    for byte in frame_of(opcode, data) + frame_of(CLOSE, struct.pack(">H", 1000) + "tschüß".encode()):
        peer.raw(bytes([byte]))
    peer.next()


def ws_large(peer):
    peer.answer()
    peer.frame(BINARY, bytes(int(peer.rest)))
    peer.until_closed()


def ws_interim(peer):
    peer.raw(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
    ws_echo(peer)


# ---- those that do not ----

def ws_silent(peer):
    """Opens, and then does nothing, whatever comes; how many such clients are there is told to /waiting/NAME."""
    peer.answer()
    with peer.handler.lock:
        peer.handler.waiting[peer.rest] += 1
    try:
        while True:
            peer.next()
    finally:
        with peer.handler.lock:
            peer.handler.waiting[peer.rest] -= 1


def ws_deaf(peer):
    """Reads nothing; ends when the client goes."""
    peer.answer()
    gone = select.poll()
    gone.register(peer.handler.connection, select.POLLRDHUP)
    gone.poll()


def ws_full(peer):
    """Closes in the middle of a message, and reads no more of it."""
    peer.answer()
    peer.exactly(10000)
    peer.frame(CLOSE, struct.pack(">H", 1009) + b"too much")
    gone = select.poll()
    gone.register(peer.handler.connection, select.POLLRDHUP)
    gone.poll()


def ws_chatter(peer):
    """Says more than anybody wants to keep before it listens."""
    peer.answer()
    for _ in range(80):
        peer.frame(BINARY, bytes(1 << 20))
    ws_echo(peer)


def ws_version(peer):
    key = accept_of(peer.headers["Sec-WebSocket-Key"])
    peer.raw(f"HTTP/1.0 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {key}\r\n\r\n".encode())
    peer.until_closed()


def ws_endless_head(peer):
    peer.raw(b"HTTP/1.1 101 Switching Protocols\r\n")
    peer.until_gone(b"X-More: and more\r\n" * 100)


HANDSHAKES = {
    "bad-accept": {"Sec_WebSocket_Accept": "bm90IHRoaXMga2V5"},
    "no-accept": {"Sec_WebSocket_Accept": None},
    "no-upgrade": {"Upgrade": None},
    "no-connection": {"Connection": "close"},
    "extension": {"Sec_WebSocket_Extensions": "permessage-deflate"},
    "other-protocol": {"Sec_WebSocket_Protocol": "other"},
    "two-protocols": {"Sec_WebSocket_Protocol": "chat\r\nSec-WebSocket-Protocol: chat"},
    "two-accepts": {"Sec_WebSocket_Version": "13\r\nSec-WebSocket-Accept: bm90IHRoaXMga2V5"},
}

FRAMES = {
    "not-utf8": b"\x81\x02\xc3\x28",
    "masked": b"\x81\x83\0\0\0\0abc",
    "reserved-bit": b"\xc1\x03abc",
    "reserved-opcode": b"\x83\x03abc",
    "long-ping": b"\x89\x7e\x00\x7e" + bytes(126),
    "cut-ping": b"\x09\x00",
    "no-beginning": b"\x80\x03abc",
    "two-beginnings": b"\x01\x03abc\x81\x03abc",
    "huge": b"\x82\x7f\x00\x00\x01\x00\x00\x00\x00\x00abc",
    "negative": b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff",
    "short-close": b"\x88\x01\x03",
    "code-999": b"\x88\x02\x03\xe7",
    "code-1005": b"\x88\x02\x03\xed",
    "code-1015": b"\x88\x02\x03\xf7",
    "code-2999": b"\x88\x02\x0b\xb7",
    "code-5000": b"\x88\x02\x13\x88",
    "reason-not-utf8": b"\x88\x04\x03\xe8\xff\xfe",
}
CUT = {"nothing": b"", "half": b"\x81\x0aabc"}
ENDLESS = {"messages": b"\x81\x03abc" * 1000, "empty": b"\x81\x00" * 1000, "pings": b"\x89\x00" * 1000,
           "nothing": b"\x00\x00" * 1000, "fragments": b"\x00\x01a" * 1000}


def ws_handshake(peer):
    peer.answer(**HANDSHAKES[peer.rest])
    peer.until_closed()


def ws_frames(peer):
    """Something wrong; how the client closes is told to /waiting/NAME."""
    peer.answer()
    peer.raw(FRAMES[peer.rest])
    opcode, data = peer.next()
    if opcode == CLOSE:
        with peer.handler.lock:
            peer.handler.waiting["closed-" + peer.rest] = struct.unpack(">H", data[:2])[0] if data else 1005


def ws_cut(peer):
    peer.answer()
    peer.raw(CUT[peer.rest])


def ws_endless(peer):
    peer.answer()
    if ENDLESS[peer.rest][0] == 0:
        peer.frame(TEXT, "", last=False)
    peer.until_gone(ENDLESS[peer.rest])


def serve(handler):
    peer = Peer(handler)
    try:
        globals()["ws_" + peer.name.replace("-", "_")](peer)
    except (Gone, OSError):
        pass
    handler.close_connection = True
