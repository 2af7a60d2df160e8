// GraphQL Code Generator's client preset: the generated types fit a program that uses them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from '@graphql-codegen/cli';
import { url } from './shop.mjs';

const folder = mkdtempSync(join(tmpdir(), 'mercato-codegen-'));
symlinkSync(join(import.meta.dirname, 'node_modules'), join(folder, 'node_modules'));
const program = join(folder, 'program.ts');
writeFileSync(
  program,
  `import { graphql } from './gql/gql';
import type { OrdersQuery } from './gql/graphql';

export const orders = graphql(\`
  query Orders($after: String) {
    orderConnection(first: 10, after: $after) {
      totalCount
      nodes { id status totalAmount lines { id quantity product { id name priceAmount } } }
      pageInfo { hasNextPage endCursor }
    }
  }
\`);

export function total(query: OrdersQuery): number {
  return query.orderConnection?.nodes.reduce((sum, order) => sum + order.totalAmount, 0) ?? 0;
}

export function quantities(query: OrdersQuery): number[] {
  return query.orderConnection?.nodes.flatMap((order) => order.lines.map((line) => line.quantity)) ?? [];
}
`,
);
const files = await generate(
  {
    schema: `${url}/graphql`,
    documents: program,
    silent: true,
    generates: {
      [`${folder}/gql/`]: {
        preset: 'client',
        config: { strictScalars: true, scalars: { Amount: 'number', DateTime: 'string', JSON: 'unknown' } },
      },
    },
  },
  true,
);
assert.ok(files.length >= 3, 'the preset writes its files');
const tsc = join(import.meta.dirname, 'node_modules/typescript/bin/tsc');
execFileSync(
  process.execPath,
  [tsc, '--strict', '--noEmit', '--skipLibCheck', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler', program],
  { stdio: 'inherit' },
);
process.exit(0);
