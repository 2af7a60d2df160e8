"""Receives webhooks of a shop, and prints each event once.

    SIGNING_SECRET=whsec_… python3 receiver.py [PORT]

PORT is 4000 by default; 0 takes a free one. Python 3.9 or newer; no packages.
"""

import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ["SIGNING_SECRET"].encode()
MAX_AGE_SECONDS = 300
MAX_BODY_BYTES = 1 << 20

# A real receiver keeps these ids in its database, in the transaction of their effect.
seen = set()


def is_authentic(header: str, body: bytes) -> bool:
    """Returns whether one of the signatures in the header belongs to the body, and is recent."""
    parts = [part.partition("=") for part in header.split(",")]
    seconds = next((value for name, _, value in parts if name == "t"), "")
    if not seconds.isdigit() or abs(time.time() - int(seconds)) > MAX_AGE_SECONDS:
        return False
    expected = hmac.new(SECRET, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(expected, value) for name, _, value in parts if name == "v1")


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        if length > MAX_BODY_BYTES:
            return self.answer(413)
        body = self.rfile.read(length)
        if not is_authentic(self.headers.get("mercato-signature", ""), body):
            return self.answer(401)
        event = json.loads(body)
        if event["id"] not in seen:
            seen.add(event["id"])
            print(event["type"], json.dumps(event["data"], sort_keys=True), flush=True)
        # Any answer from 200 to 299 within ten seconds ends the delivery.
        self.answer(204)

    def answer(self, status: int):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 4000), Receiver)
print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
