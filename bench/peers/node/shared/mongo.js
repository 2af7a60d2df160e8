import { MongoClient } from 'mongodb';

import { DATABASE, required } from './environment.js';

const OPTIONS = {
  // A process runs at most this number of commands at a time. More connections cost memory on both sides.
  maxPoolSize: 32,
  minPoolSize: 4,
  serverSelectionTimeoutMS: 5_000,
  writeConcern: { w: 'majority' },
  ignoreUndefined: true,
};

/** Connects to MongoDB. Returns the client and the database of the shop. */
export async function connectMongo() {
  const url = required('MONGODB_URL');
  try {
    const client = new MongoClient(url, OPTIONS);
    await client.connect();
    return { client, database: client.db(DATABASE) };
  } catch (error) {
    throw new Error(`can't reach MongoDB (MONGODB_URL): ${error.message}`);
  }
}
