# flood.py - a peer that never pauses, for flood.sh:
#   flood.py lines|frames    says its port, and sends whoever connects that for ever
#   flood.py datagrams PORT [SIZE]  sends to it for ever
import socket
import sys

what = sys.argv[1]
if what == "datagrams":
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    noise = b"noise" if len(sys.argv) < 4 else b"n" * int(sys.argv[3])
    while True:
        try:
            peer.sendto(noise, ("127.0.0.1", int(sys.argv[2])))
        except OSError:
            pass
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
data = {"frames": b"@1,x@" * 13000, "lines": b"abcdefgh\n" * 7000}[what]
client, _ = server.accept()
try:
    while True:
        client.sendall(data)
except OSError:
    pass
