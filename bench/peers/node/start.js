import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { required } from './shared/environment.js';

const STOP_LIMIT_MS = 8_000;
const DEFAULT_PORT = '3000';

const children = new Set();
let stopping = false;

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => stop(0));
try {
  for (const name of ['MONGODB_URL', 'KAFKA_BROKERS', 'REDIS_URL', 'API_SECRET']) required(name);
  // A service takes any free port. Its process sends the port.
  const [users, catalog, orders] = await Promise.all(
    ['users', 'catalog', 'orders'].map((name) => start(name, '0')),
  );
  const gateway = await start('gateway', process.env.PORT || DEFAULT_PORT, {
    USERS_URL: users,
    CATALOG_URL: catalog,
    ORDERS_URL: orders,
  });
  if (!stopping) console.log(`ready ${gateway}`);
} catch (error) {
  console.error(error.message);
  await stop(1);
}

/** Starts a process of the shop. Returns its URL when it is ready. */
function start(name, port, environment = {}) {
  const file = fileURLToPath(new URL(`${name}/server.js`, import.meta.url));
  const child = fork(file, { env: { ...process.env, ...environment, NODE_ENV: 'production', PORT: port } });
  children.add(child);
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(`http://127.0.0.1:${message.port}`));
    child.once('exit', (code, signal) => {
      children.delete(child);
      if (stopping) return;
      console.error(`${name} ended with ${signal ?? `exit code ${code}`}, so the shop ends.`);
      stop(1);
    });
    child.once('error', reject);
  });
}

/** Ends all processes of the shop, then this one. */
async function stop(code) {
  if (stopping) return;
  stopping = true;
  const ended = [...children].map((child) => new Promise((resolve) => child.once('exit', resolve)));
  for (const child of children) child.kill('SIGTERM');
  const limit = setTimeout(() => children.forEach((child) => child.kill('SIGKILL')), STOP_LIMIT_MS);
  await Promise.all(ended);
  clearTimeout(limit);
  process.exit(code);
}
