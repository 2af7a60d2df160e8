import { createSecretKey } from 'node:crypto';

import jwt from 'jsonwebtoken';
import { ObjectId } from 'mongodb';

import { required } from '../shared/environment.js';
import { conflict, notFound, unauthenticated } from '../shared/errors.js';
import { parseId } from '../shared/ids.js';
import { connectMongo } from '../shared/mongo.js';
import { createApp, listen, run } from '../shared/service.js';
import { hashPassword, verifyPassword } from './passwords.js';

const TOKEN_SECONDS = 15 * 60;
const DUPLICATE_KEY = 11_000;
const LIST_LIMIT = 1_000;

const REGISTRATION = {
  type: 'object',
  required: ['username', 'password'],
  properties: {
    username: { type: 'string', minLength: 3, maxLength: 64, pattern: '^[!-~]+$' },
    password: { type: 'string', minLength: 8, maxLength: 128 },
  },
};
const SIGN_IN = {
  type: 'object',
  required: ['username', 'password'],
  properties: {
    username: { type: 'string', maxLength: 64 },
    password: { type: 'string', maxLength: 128 },
  },
};

run('users', async (host, port) => {
  const key = createSecretKey(Buffer.from(required('API_SECRET')));
  const { client, database } = await connectMongo();
  const users = database.collection('users');
  await users.createIndex({ usernameKey: 1 }, { unique: true });

  const signedIn = (user) => ({
    access_token: jwt.sign({ userId: user._id.toHexString(), role: user.role }, key, {
      algorithm: 'HS256',
      expiresIn: TOKEN_SECONDS,
    }),
    user: view(user),
  });

  const app = createApp();
  app.post('/users/register', { schema: { body: REGISTRATION } }, async (request, reply) => {
    const { username, password } = request.body;
    const user = {
      _id: new ObjectId(),
      username,
      usernameKey: username.toLowerCase(),
      password: await hashPassword(password),
      role: 'CUSTOMER',
      createdAt: new Date(),
    };
    try {
      await users.insertOne(user);
    } catch (error) {
      if (error.code === DUPLICATE_KEY) throw conflict('The user name is taken. Choose another one.');
      throw error;
    }
    return reply.code(201).send(signedIn(user));
  });
  app.post('/users/login', { schema: { body: SIGN_IN } }, async (request) => {
    const { username, password } = request.body;
    const user = await users.findOne({ usernameKey: username.toLowerCase() });
    if (!(await verifyPassword(user?.password, password))) {
      throw unauthenticated('The user name or the password is wrong.');
    }
    return signedIn(user);
  });
  app.get('/users', async () => {
    const list = await users.find().sort({ _id: 1 }).limit(LIST_LIMIT).toArray();
    return list.map(view);
  });
  app.get('/users/:id', async (request) => {
    const user = await users.findOne({ _id: parseId(request.params.id, 'id') });
    if (!user) throw notFound(`There is no user ${request.params.id}.`);
    return view(user);
  });

  return {
    port: await listen(app, host, port),
    close: async () => {
      await app.close();
      await client.close();
    },
  };
});

const view = ({ _id, username, role, createdAt }) => ({ _id, username, role, createdAt });
