// Random documents and values against GraphQL and REST. The schema and the OpenAPI document say what is possible; the
// values are often wrong. A fault is an answer that is not JSON, has a status of 500 or more, or has the code INTERNAL or UNAVAILABLE.
//
// SEED repeats a run. REQUESTS is the number of requests of each API.
import {
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql';
import { createProduct, graphql, placeOrder, register, url } from './shop.mjs';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const requests = Number(process.env.REQUESTS ?? 2_000);
const concurrency = 8;

// mulberry32, a generator with a seed of 32 bits.
let state = seed;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const chance = (probability) => random() < probability;
const pick = (items) => items[Math.floor(random() * items.length)];

// Features that need another server.
const UNCONFIGURED = /TWILIO_ACCOUNT_SID is not set|need STRIPE_WEBHOOK_SECRET|is not configured/;

let owner = await register();
const products = [await createProduct(), await createProduct('Ärmel 👕', 0)];
const order = await placeOrder(owner, products[0], 1);
const ids = [...products, order, `${order}.0`, 'me', '', '0', '00000000-0000-0000-0000-000000000000', '../..', '%00', '⁂'];
const texts = [
  '', ' ', 'Sock', 'a@example.com', '+4915112345678', 'USD', 'JPY', 'ZZZ', 'DE', 'GB', '\u0000', '\n', '👕', '\u202eabc', 'e\u0301',
  'x'.repeat(300), 'ü'.repeat(70_000), '\ud800', 'null', '{}', '[]', '<script>', "' OR 1=1 --", '2026-11-21T03:29:07Z',
  '9999-12-31T23:59:59Z', '%', '_', '-', '"', 'https://example.com/a.jpg', 'http://127.0.0.1:1/', 'İ', '烤鸭', 'correct horse battery',
];
const numbers = [0, 1, -1, 2, 20, 100, 101, 500, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 1e308, 0.5, -0, 1e21];
const wrong = () => pick([null, true, [], {}, [[]], { a: 1 }, pick(texts), pick(numbers), [pick(numbers)]]);

const faults = [];
const statuses = new Map();
const accepted = { GraphQL: 0, REST: 0 };
let sent = 0;

async function send(path, options, description) {
  const key = { 'x-api-key': process.env.API_SECRET };
  const headers = { 'content-type': 'application/json', ...pick([{}, owner, owner, key, key, key]) };
  let response;
  try {
    response = await fetch(url + path, { ...options, headers: { ...headers, ...options.headers } });
    const text = await response.text();
    const body = text === '' ? undefined : JSON.parse(text);
    const codes = body?.errors?.map?.((error) => error.extensions?.code) ?? [];
    if (description.api === 'GraphQL' ? body?.data : response.ok) accepted[description.api] += 1;
    const isFault = response.status >= 500 || codes.includes('INTERNAL') || codes.includes('UNAVAILABLE');
    if (isFault && !UNCONFIGURED.test(text)) {
      faults.push({ status: response.status, description, text: text.slice(0, 500) });
    }
  } catch (error) {
    faults.push({ status: response?.status, description, text: String(error) });
  }
  sent += 1;
  // A request may erase its user.
  if (sent % 100 === 0) owner = await register();
  const outcome = `${description.api} ${response?.status}`;
  statuses.set(outcome, (statuses.get(outcome) ?? 0) + 1);
}

// GraphQL.
const schema = buildClientSchema(await graphql(getIntrospectionQuery()));

function inputValue(type, depth = 0) {
  if (chance(0.04)) return wrong();
  if (!isNonNullType(type) && chance(depth === 0 ? 0.3 : 0.6)) return chance(0.5) ? null : undefined;
  const nullable = getNullableType(type);
  if (isListType(nullable)) {
    return Array.from({ length: pick([0, 1, 1, 2, 3]) }, () => inputValue(nullable.ofType, depth + 1));
  }
  if (isEnumType(nullable)) return pick(nullable.getValues()).name;
  if (isInputObjectType(nullable)) {
    const fields = Object.values(nullable.getFields()).map((field) => [field.name, inputValue(field.type, depth + 1)]);
    return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
  }
  switch (nullable.name) {
    case 'ID':
      return pick(ids);
    case 'Int':
    case 'Amount':
    case 'Float':
      return pick(numbers);
    case 'Boolean':
      return chance(0.5);
    default:
      return pick(texts);
  }
}

function selection(type, depth, variables) {
  if (isLeafType(type)) return '';
  const fields = Object.values(type.getFields?.() ?? {});
  const chosen = fields.filter(() => chance(depth === 0 ? 0.3 : 0.5)).slice(0, 8);
  const parts = chosen
    .filter((field) => depth < 5 || isLeafType(getNamedType(field.type)))
    .map((field) => call(field, depth + 1, variables));
  return `{ __typename ${parts.join(' ')} }`;
}

function call(field, depth, variables) {
  const given = field.args.filter((argument) => isNonNullType(argument.type) || chance(0.5));
  const list = given.map((argument) => {
    const name = `v${variables.length}`;
    variables.push({ name, type: String(argument.type), value: inputValue(argument.type) });
    return `${argument.name}: $${name}`;
  });
  const alias = chance(0.1) ? `a${variables.length}: ` : '';
  const given_list = list.length === 0 ? '' : `(${list.join(', ')})`;
  return `${alias}${field.name}${given_list} ${selection(getNamedType(field.type), depth, variables)}`;
}

/** Removes a character or repeats a part, so that the document may be malformed. */
function damage(document) {
  const at = Math.floor(random() * document.length);
  return chance(0.5)
    ? document.slice(0, at) + document.slice(at + 1)
    : document.slice(0, at) + pick(['{', '}', '(', '"', '...', '@skip', '$v0', '\u0000', '"""', '👕', '#']) + document.slice(at);
}

async function graphqlRequest() {
  const [kind, type] = pick([
    ['query', schema.getQueryType()],
    ['query', schema.getQueryType()],
    ['mutation', schema.getMutationType()],
  ]);
  const variables = [];
  const fields = Object.values(type.getFields());
  const calls = Array.from({ length: pick([1, 1, 2]) }, (_, n) => `f${n}: ${call(pick(fields), 0, variables)}`);
  const declared = variables.map(({ name, type }) => `$${name}: ${type}`).join(', ');
  let query = `${kind} ${declared && `(${declared})`} { ${calls.join(' ')} }`;
  if (chance(0.1)) query = damage(query);
  const values = Object.fromEntries(variables.map(({ name, value }) => [name, value]));
  const body = JSON.stringify(chance(0.02) ? wrong() : { query, variables: values });
  await send('/graphql', { method: 'POST', body }, { api: 'GraphQL', body });
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
      return Array.from({ length: pick([0, 1, 2]) }, () => jsonValue(resolved.items, depth + 1));
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
  const headers = chance(0.1) ? { 'if-match': pick(['*', '"1"', 'W/"2"', 'x', '"', '']) } : {};
  const options = { method: method.toUpperCase(), body, headers };
  const full = `${target}${query.length === 0 ? '' : `?${query.join('&')}`}`;
  await send(full, options, { api: 'REST', method, path: full, body });
}

async function run(request) {
  let left = requests;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await request();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

await run(graphqlRequest);
await run(restRequest);
console.log(JSON.stringify({ seed, sent, accepted, statuses: Object.fromEntries([...statuses].sort()), faults: faults.length }));
for (const fault of faults.slice(0, 20)) console.error(JSON.stringify(fault).slice(0, 3_000));
process.exit(faults.length === 0 ? 0 : 1);
