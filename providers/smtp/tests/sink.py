"""A mail server that stores messages in a Maildir: sink.py PORT FOLDER. It stops when its standard input is closed."""

import sys

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox


class Sink(Mailbox):
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        if address.startswith("busy@"):
            return "451 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def login(server, session, envelope, mechanism, data):
    from aiosmtpd.smtp import AuthResult

    return AuthResult(success=data.password == b"right", handled=False)


controller = Controller(
    Sink(sys.argv[2]),
    hostname="127.0.0.1",
    port=int(sys.argv[1]),
    authenticator=login,
    auth_require_tls=False,
)
controller.start()
print("ready", flush=True)
sys.stdin.read()
controller.stop()
