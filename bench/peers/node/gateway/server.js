import { createServer } from 'node:http';

import { ApolloServer } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { ApolloServerPluginDrainHttpServer } from '@apollo/server/plugin/drainHttpServer';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';

import { required } from '../shared/environment.js';
import { run } from '../shared/service.js';
import { contextFactory } from './context.js';
import { resolvers } from './resolvers.js';
import { typeDefs } from './schema.js';
import { ServiceClient } from './service_client.js';

run('gateway', async (host, port) => {
  const services = {
    users: new ServiceClient('users', required('USERS_URL')),
    catalog: new ServiceClient('catalog', required('CATALOG_URL')),
    orders: new ServiceClient('orders', required('ORDERS_URL')),
  };
  const app = express();
  const httpServer = createServer(app);
  const server = new ApolloServer({
    typeDefs,
    resolvers,
    stopOnTerminationSignals: false,
    plugins: [
      // By default, Apollo Server collects cache hints for each field. The schema has none.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginDrainHttpServer({ httpServer }),
    ],
  });
  await server.start();

  app.disable('x-powered-by');
  // Answers to POST are not cached, so a hash of each answer is of no use.
  app.disable('etag');
  app.get('/readyz', (_, response) => response.send('ready'));
  const context = contextFactory(required('API_SECRET'), services);
  app.use('/graphql', express.json({ limit: '1mb' }), expressMiddleware(server, { context }));

  await new Promise((resolve, reject) => {
    httpServer.once('error', reject);
    httpServer.listen(port, host, 1024, resolve);
  });
  return {
    port: httpServer.address().port,
    close: async () => {
      await server.stop();
      await Promise.all(Object.values(services).map((service) => service.close()));
    },
  };
});
