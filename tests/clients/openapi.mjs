// openapi-typescript generates types that a program with openapi-fetch fits, and openapi-fetch runs it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import createClient from 'openapi-fetch';
import openapiTS, { astToString } from 'openapi-typescript';
import { createProduct, register, url } from './shop.mjs';

const folder = mkdtempSync(join(tmpdir(), 'mercato-openapi-'));
symlinkSync(join(import.meta.dirname, 'node_modules'), join(folder, 'node_modules'));
writeFileSync(join(folder, 'shop.d.ts'), astToString(await openapiTS(new URL(`${url}/openapi.json`))));
const program = join(folder, 'program.ts');
writeFileSync(
  program,
  `import createClient from 'openapi-fetch';
import type { paths } from './shop';

export async function order(baseUrl: string, product: string, authorization: string): Promise<string> {
  const client = createClient<paths>({ baseUrl, headers: { authorization } });
  const found = await client.GET('/api/products/{id}', { params: { path: { id: product } } });
  if (!found.data) throw new Error(found.error.code);
  const placed = await client.POST('/api/orders', { body: { products: [{ _id: found.data._id, quantity: 1 }] } });
  if (!placed.data) throw new Error(placed.error.code);
  return placed.data.status;
}
`,
);
const tsc = join(import.meta.dirname, 'node_modules/typescript/bin/tsc');
execFileSync(
  process.execPath,
  [tsc, '--strict', '--noEmit', '--skipLibCheck', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', program],
  { stdio: 'inherit' },
);

const client = createClient({ baseUrl: url, headers: await register() });
const id = await createProduct();
const found = await client.GET('/api/products/{id}', { params: { path: { id } } });
assert.equal(found.data.name, 'Sock');
assert.equal(found.data.id, found.data._id);
const placed = await client.POST('/api/orders', { body: { products: [{ _id: id, quantity: 1 }] } });
assert.equal(placed.response.status, 201);
const missing = await client.GET('/api/products/{id}', { params: { path: { id: crypto.randomUUID() } } });
assert.equal(missing.error.code, 'NOT_FOUND');
process.exit(0);
