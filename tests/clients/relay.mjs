// relay-compiler with a fragment that is refetched by its node and paged in both directions; its runtime runs the
// query.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildClientSchema, getIntrospectionQuery, printSchema } from 'graphql';
import { createProduct, graphql } from './shop.mjs';

const require = createRequire(import.meta.url);
const folder = mkdtempSync(join(tmpdir(), 'mercato-relay-'));
const schema = buildClientSchema(await graphql(getIntrospectionQuery()));
writeFileSync(join(folder, 'schema.graphql'), printSchema(schema));
mkdirSync(join(folder, 'src'));
writeFileSync(
  join(folder, 'src/shop.js'),
  `import { graphql } from 'relay-runtime';

export const product = graphql\`
  fragment shop_product on Product @refetchable(queryName: "shopProductQuery") {
    id
    name
    quantity
  }
\`;

export const products = graphql\`
  fragment shop_products on Query
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
  )
  @refetchable(queryName: "shopProductsQuery") {
    productConnection(first: $first, after: $after, last: $last, before: $before) @connection(key: "shop_productConnection") {
      totalCount
      edges {
        node {
          id
          ...shop_product
        }
      }
    }
  }
\`;

export const query = graphql\`
  query shopQuery {
    ...shop_products @arguments(first: 5)
  }
\`;
`,
);
writeFileSync(
  join(folder, 'relay.config.json'),
  JSON.stringify({ src: './src', schema: './schema.graphql', language: 'javascript', eagerEsModules: false }),
);
const compiler = join(import.meta.dirname, 'node_modules/relay-compiler/cli.js');
execFileSync(process.execPath, [compiler], {
  cwd: folder,
  stdio: ['ignore', 'ignore', 'inherit'],
});
const generated = readFileSync(join(folder, 'src/__generated__/shopProductQuery.graphql.js'), 'utf8');
assert.match(generated, /node\(\s*id: \$id/, 'the fragment is refetched by node(id:)');

// The runtime refetches a product by its id.
const { Environment, Network, RecordSource, Store, fetchQuery } = require('relay-runtime');
const environment = new Environment({
  network: Network.create(async ({ text }, variables) => ({ data: await graphql(text, variables) })),
  store: new Store(new RecordSource()),
});
const id = await createProduct();
const refetch = require(join(folder, 'src/__generated__/shopProductQuery.graphql.js'));
await fetchQuery(environment, refetch, { id }).toPromise();
assert.equal(environment.getStore().getSource().get(id).name, 'Sock');
process.exit(0);
