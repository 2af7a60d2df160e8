// Runs the official audits of GraphQL over HTTP, and prints those that fail, one JSON object a line.
import { serverAudits } from 'graphql-http';
import { url } from './shop.mjs';

const audits = serverAudits({ url: `${url}/graphql` });
let ran = 0;
for (const { id, name, fn } of audits) {
  const result = await fn();
  ran += 1;
  if (result.status !== 'ok') {
    const body = await result.response?.text().catch(() => '');
    console.log(JSON.stringify({ id, name, status: result.status, reason: result.reason, http: result.response?.status, body }));
  }
}
console.log(JSON.stringify({ ran }));
