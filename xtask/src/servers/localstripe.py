"""localstripe on one port of this machine, with Stripe's idempotency keys, which it lacks.

localstripe's program is not used: it listens on all addresses, and saves its data to a file that all users share.
"""

import sys

from aiohttp import web
from localstripe import resources, server

ANSWERS = {}


def error(status, kind, message):
    return web.json_response({"error": {"type": kind, "message": message}}, status=status)


@web.middleware
async def replay(request, handler):
    """Repeats the answer of an earlier request with the same key (Stripe's API reference, "Idempotent requests")."""
    key = request.headers.get("Idempotency-Key")
    if request.method != "POST" or key is None:
        return await handler(request)
    content = (request.path, await request.read())
    if key not in ANSWERS:
        ANSWERS[key] = (content, None)
        response = await handler(request)
        ANSWERS[key] = (content, (response.status, response.body))
        return response
    before, answer = ANSWERS[key]
    if before != content:
        return error(400, "idempotency_error", "The key was used with another request.")
    if answer is None:
        return error(409, "idempotency_error", "A request with this key is still running.")
    status, body = answer
    headers = {"Idempotent-Replayed": "true"}
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


resources.Store.dump_to_disk = lambda self: None
server.app.middlewares.insert(0, replay)
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), shutdown_timeout=1)
