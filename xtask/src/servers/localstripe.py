"""localstripe on one port of this machine, with Stripe's idempotency keys, which it lacks.

Its own program listens on all addresses, and writes what it knows to a file that all who use the machine share.
"""

import sys

from aiohttp import web
from localstripe import resources, server

ANSWERS = {}


def refusal(status, kind, message):
    return web.json_response({"error": {"type": kind, "message": message}}, status=status)


@web.middleware
async def once(request, handler):
    """Answers a request that came before as it was answered then (Stripe's API reference, "Idempotent requests")."""
    key = request.headers.get("Idempotency-Key")
    if request.method != "POST" or key is None:
        return await handler(request)
    asked = (request.path, await request.read())
    if key not in ANSWERS:
        ANSWERS[key] = (asked, None)
        response = await handler(request)
        ANSWERS[key] = (asked, (response.status, response.body))
        return response
    before, answer = ANSWERS[key]
    if before != asked:
        return refusal(400, "idempotency_error", "The key was used with another request.")
    if answer is None:
        return refusal(409, "idempotency_error", "The request is under way.")
    status, body = answer
    headers = {"Idempotent-Replayed": "true"}
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


resources.Store.dump_to_disk = lambda self: None
server.app.middlewares.insert(0, once)
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), shutdown_timeout=1)
