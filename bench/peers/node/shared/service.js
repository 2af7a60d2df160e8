import Fastify from 'fastify';

import { ServiceError } from './errors.js';

const HOST = '127.0.0.1';
const CLOSE_LIMIT_MS = 5_000;

/** Returns a Fastify server that answers errors as JSON: `code`, `message` and details. */
export function createApp() {
  const app = Fastify({ logger: false });
  app.setErrorHandler((error, request, reply) => {
    if (error instanceof ServiceError) {
      const { code, message, details } = error;
      return reply.code(error.status).send({ code, message, ...details });
    }
    if (error.validation) {
      const field = fieldName(error.validation[0]);
      const message = `\`${field}\` ${error.validation[0].message}.`;
      return reply.code(400).send({ code: 'BAD_USER_INPUT', message, field });
    }
    console.error(`${request.method} ${request.url}: ${error.stack}`);
    return reply.code(500).send({ code: 'INTERNAL', message: 'The service failed. Its log has the cause.' });
  });
  return app;
}

/**
 * Runs a process of the shop. `start` gets the host and the port, and returns the port and a function that
 * ends the process cleanly. Port 0 is any free port.
 */
export async function run(name, start) {
  let close = async () => {};
  let closing = false;
  const stop = async () => {
    if (closing) return;
    closing = true;
    setTimeout(() => process.exit(1), CLOSE_LIMIT_MS).unref();
    await close();
    process.exit(0);
  };
  // The parent disconnects when it ends, however it ends.
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect']) process.on(event, stop);
  try {
    const started = await start(HOST, Number(process.env.PORT ?? 0));
    close = started.close;
    if (process.send) process.send({ port: started.port });
    else console.log(`ready http://${HOST}:${started.port}`);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    process.exit(1);
  }
}

/** Starts a Fastify server, and returns its port. */
export async function listen(app, host, port) {
  await app.listen({ host, port });
  return app.server.address().port;
}

/** Names the field of a validation error, such as products[1].quantity. */
function fieldName({ instancePath, params }) {
  const path = instancePath
    .slice(1)
    .replace(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.');
  return [path, params.missingProperty].filter(Boolean).join('.');
}
