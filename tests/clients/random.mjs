// Random documents and values against GraphQL and REST. The schema and the OpenAPI document say what is possible; the
// values are often wrong. These are faults:
// - an answer that is not JSON, or a refusal without a code of docs/api/errors.md
// - a status of 500 or more, except BUSY; UNAVAILABLE only for a feature that is not configured
// - BAD_USER_INPUT without the name of the field
//
// SEED repeats a run. REQUESTS is the number of requests of each API. ERRORS is the file with the documented codes.
import { readFileSync } from 'node:fs';
import { buildClientSchema, getIntrospectionQuery } from 'graphql';
import { request } from './grammar.mjs';
import { createProduct, graphql, placeOrder, register, url } from './shop.mjs';
import { chance, damage, ids, numbers, pick, seed, texts, times, wrong } from './values.mjs';

const requests = Number(process.env.REQUESTS ?? 2_000);
const concurrency = 8;

// Features that need another server.
const UNCONFIGURED = /TWILIO_ACCOUNT_SID is not set|need STRIPE_WEBHOOK_SECRET|is not configured/;

const table = readFileSync(process.env.ERRORS, 'utf8').matchAll(/^\| (`[^|]*`) \|/gm);
const documented = new Set([...table].flatMap(([, cell]) => cell.match(/[A-Z_]+/g)));

let owner = await register();
const products = [await createProduct(), await createProduct('Ärmel 👕', 0)];
const order = await placeOrder(owner, products[0], 1);
ids.push(...products, ...products, order, order, `${order}.0`);

const faults = [];
const statuses = new Map();
const codes = new Map();
const accepted = { GraphQL: 0, REST: 0 };
let sent = 0;

/** Returns the refusals of an answer, each with its code and field. */
function refusals(api, status, body) {
  if (api === 'REST') return status >= 400 ? [{ code: body?.code, field: body?.errors?.[0]?.field, message: body?.detail }] : [];
  const answers = Array.isArray(body) ? body : [body];
  return answers.flatMap((answer) => answer?.errors ?? []).map(({ message, extensions }) => ({ message, ...extensions }));
}

/** Returns what is wrong with an answer, if anything. */
function fault(api, response, text) {
  const body = text === '' ? undefined : JSON.parse(text);
  const found = refusals(api, response.status, body);
  for (const { code } of found) codes.set(code, (codes.get(code) ?? 0) + 1);
  const isUnconfigured = UNCONFIGURED.test(text);
  const bad = found.find(({ code, field, message }) => {
    const isExpected = documented.has(code) && code !== 'INTERNAL' && (code !== 'UNAVAILABLE' || isUnconfigured);
    return !isExpected || !message || (code === 'BAD_USER_INPUT' && !field);
  });
  if (bad) return `a refusal: ${JSON.stringify(bad)}`;
  const isBusy = found.some(({ code }) => code === 'BUSY');
  if (response.status >= 500 && !isBusy && !isUnconfigured) return `the status ${response.status}`;
  if (response.status >= 400 && found.length === 0) return 'a refusal without an error';
  if (api === 'GraphQL' ? [body].flat().some((answer) => answer?.data) : response.ok) accepted[api] += 1;
  return undefined;
}

async function send(path, options, description) {
  const key = { 'x-api-key': process.env.API_SECRET };
  const headers = { 'content-type': 'application/json', ...pick([{}, owner, owner, key, key, key]) };
  let response;
  let text;
  try {
    response = await fetch(url + path, { ...options, headers: { ...headers, ...options.headers } });
    text = await response.text();
    const found = fault(description.api, response, text);
    if (found) faults.push({ fault: found, description, text: text.slice(0, 500) });
  } catch (error) {
    faults.push({ fault: String(error), status: response?.status, description, text: text?.slice(0, 500) });
  }
  sent += 1;
  // A request may erase its user.
  if (sent % 100 === 0) owner = await register();
  const outcome = `${description.api} ${response?.status}`;
  statuses.set(outcome, (statuses.get(outcome) ?? 0) + 1);
}

const schema = buildClientSchema(await graphql(getIntrospectionQuery()));

function parameters() {
  const made = request(schema);
  if (chance(0.08)) made.query = damage(made.query);
  if (chance(0.02)) made[pick(['query', 'variables', 'operationName', 'extensions'])] = wrong();
  return made;
}

async function graphqlRequest() {
  const headers = chance(0.1) ? { 'idempotency-key': pick(['a', '"b"', 'x'.repeat(256), '']) } : {};
  if (chance(0.1)) headers.accept = pick(['application/graphql-response+json', 'application/json', '*/*']);
  if (chance(0.05)) {
    const { query, variables, operationName } = parameters();
    const values = new URLSearchParams({ query, variables: JSON.stringify(variables ?? {}), operationName: operationName ?? '' });
    const path = `/graphql?${values}`.slice(0, 15_000);
    return send(path, { headers: { 'apollo-require-preflight': '1', ...headers } }, { api: 'GraphQL', path });
  }
  const batch = chance(0.06) ? times(pick([1, 2, 10, 11]), parameters) : parameters();
  let body = JSON.stringify(chance(0.02) ? wrong() : batch);
  if (chance(0.02)) body = damage(body);
  return send('/graphql', { method: 'POST', body, headers }, { api: 'GraphQL', body });
}

// REST.
const openapi = await (await fetch(`${url}/openapi.json`)).json();
const operations = Object.entries(openapi.paths).flatMap(([path, item]) =>
  Object.entries(item)
    .filter(([method]) => ['get', 'post', 'put', 'patch', 'delete'].includes(method))
    .map(([method, operation]) => ({ path, method, operation, shared: item.parameters ?? [] })),
);
const resolve = (value) =>
  value?.$ref ? value.$ref.slice(2).split('/').reduce((found, part) => found[part.replaceAll('~1', '/')], openapi) : value;

function jsonValue(schema, depth = 0) {
  const resolved = resolve(schema) ?? {};
  if (depth > 5 || chance(0.05)) return wrong();
  const option = resolved.anyOf ?? resolved.oneOf;
  if (option) return jsonValue(pick(option), depth + 1);
  if (resolved.const !== undefined) return resolved.const;
  if (resolved.enum) return pick(resolved.enum);
  switch ([resolved.type].flat()[0]) {
    case 'object': {
      const required = new Set(resolved.required);
      const members = Object.entries(resolved.properties ?? {});
      const chosen = members.filter(([name]) => (required.has(name) ? chance(0.97) : chance(0.5)));
      return Object.fromEntries(chosen.map(([name, value]) => [name, jsonValue(value, depth + 1)]));
    }
    case 'array':
      return times(pick([0, 1, 2]), () => jsonValue(resolved.items, depth + 1));
    case 'integer':
    case 'number':
      return pick(numbers);
    case 'boolean':
      return chance(0.5);
    default:
      return chance(0.3) ? pick(ids) : pick(texts);
  }
}

const encode = (value) => encodeURIComponent(String(value).toWellFormed());

const headerValues = {
  'if-match': ['*', '"1"', 'W/"2"', 'x', '"', ''],
  'if-none-match': ['*', '"1"', 'W/"2-gzip", "x"', '"'],
  'idempotency-key': ['a', '"b"', 'x'.repeat(256), ''],
  'accept-encoding': ['br;q=1.5', 'gzip;q=0, *;q=0', 'zstd', 'identity;q=0', ';;,q='],
  'content-type': ['application/json; charset=utf-8', 'application/json;charset=latin1', 'text/plain', 'x', ''],
  accept: ['*/*', 'application/json', 'text/html;q=0.1', 'x'],
};

async function restRequest() {
  const { path, method, operation, shared } = pick(operations);
  const parameters = [...shared, ...(operation.parameters ?? [])].map(resolve);
  const target = path.replaceAll(/\{(\w+)\}/g, () => encode(pick(ids)) || '-');
  const query = parameters
    .filter((parameter) => parameter.in === 'query' && chance(0.4))
    .map((parameter) => `${parameter.name}=${encode(chance(0.5) ? jsonValue(parameter.schema) : pick([...texts, ...numbers])).slice(0, 900)}`);
  const media = resolve(operation.requestBody)?.content?.['application/json'];
  let body = media && JSON.stringify(jsonValue(media.schema));
  if (body && chance(0.05)) body = damage(body);
  const headers = {};
  if (chance(0.2)) {
    const name = pick(Object.keys(headerValues));
    headers[name] = pick(headerValues[name]);
  }
  const options = { method: method.toUpperCase(), body, headers };
  const full = `${target}${query.length === 0 ? '' : `?${query.join('&')}`}`;
  await send(full, options, { api: 'REST', method, path: full, body });
}

async function run(make) {
  let left = requests;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await make();
    }
  };
  await Promise.all(times(concurrency, worker));
}

await run(graphqlRequest);
await run(restRequest);
const sorted = (map) => Object.fromEntries([...map].sort());
console.log(JSON.stringify({ seed, sent, accepted, statuses: sorted(statuses), codes: sorted(codes), faults: faults.length }));
for (const found of faults.slice(0, 20)) console.error(JSON.stringify(found).slice(0, 3_000));
process.exit(faults.length === 0 ? 0 : 1);
