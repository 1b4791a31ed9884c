"""A receiver of webhooks, with the published Python libraries.

    python receive.py LIBRARY SECRET [UPLOADCARE_SECRET]

verifies with LIBRARY, `standardwebhooks` or `svix`. It listens on a free port of 127.0.0.1, or on that of
INTAKE_RECEIVER_PORT, and prints it. Then it prints a line of JSON for each delivery: `id`, `body`, and `error` where a
signature does not fit, which is answered with 401 and the error, as the others are with 204. Without UPLOADCARE_SECRET,
X-Uc-Signature is not looked at. It ends with its input.
"""

import hashlib
import hmac
import importlib
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LIBRARY = sys.argv[1]

try:
    Webhook = importlib.import_module(f"{LIBRARY}.webhooks").Webhook
except ModuleNotFoundError:
    print(f"the Python library {LIBRARY} is not installed: run ./check setup, and use its webhooks-python", file=sys.stderr)
    sys.exit(2)

# More than any event has.
LONGEST = 1 << 20


def verify(headers, body, secret, uploadcare_secret):
    """The error of the library, or of Uploadcare's signature."""
    try:
        Webhook(secret).verify(body, headers)
    # The library raises others than its own, too.
    except Exception as error:
        return str(error)
    if uploadcare_secret is not None:
        mac = hmac.new(uploadcare_secret.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(headers.get("x-uc-signature", ""), f"v1={mac}"):
            return "X-Uc-Signature does not fit"
    return None


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        if length > LONGEST:
            self.send_error(413)
            return
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        error = verify(headers, body, self.server.secret, self.server.uploadcare_secret)
        line = {"id": headers.get("webhook-id"), "body": body.decode(errors="replace"), "error": error}
        # What was received is on record before it is acknowledged.
        with self.server.lock:
            print(json.dumps(line), flush=True)
        said = (error or "").encode()
        self.send_response(401 if error else 204)
        if error:
            self.send_header("content-length", str(len(said)))
        self.end_headers()
        if error:
            self.wfile.write(said)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    # Connections that wait to be accepted.
    request_queue_size = 128


def main():
    server = Server(("127.0.0.1", int(os.environ.get("INTAKE_RECEIVER_PORT", "0"))), Receiver)
    server.secret = sys.argv[2]
    server.uploadcare_secret = sys.argv[3] if len(sys.argv) > 3 else None
    server.lock = threading.Lock()
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


main()
