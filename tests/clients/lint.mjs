// A linter for the GraphQL schema and one for the OpenAPI document, with the rules of `eslint.config.mjs` and
// `redocly.yaml`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildClientSchema, getIntrospectionQuery, printSchema } from 'graphql';
import { graphql, url } from './shop.mjs';

const bin = (name) => join(import.meta.dirname, 'node_modules', name);
const folder = mkdtempSync(join(tmpdir(), 'mercato-lint-'));

const introspection = await graphql(getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true }));
const schema = join(folder, 'schema.graphql');
writeFileSync(schema, printSchema(buildClientSchema(introspection)));
execFileSync(
  process.execPath,
  [bin('eslint/bin/eslint.js'), '--config', join(import.meta.dirname, 'eslint.config.mjs'), '--max-warnings', '0', schema],
  { cwd: folder, stdio: 'inherit', env: { ...process.env, SCHEMA: schema } },
);

const document = join(folder, 'openapi.json');
writeFileSync(document, await (await fetch(`${url}/openapi.json`)).text());
execFileSync(
  process.execPath,
  [bin('@redocly/cli/bin/cli.js'), 'lint', '--config', join(import.meta.dirname, 'redocly.yaml'), '--format', 'stylish', document],
  { stdio: 'inherit', env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' } },
);
process.exit(0);
