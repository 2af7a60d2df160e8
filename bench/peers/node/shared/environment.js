/** Returns an environment variable. Throws if it is unset. */
export function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set. Set it to ${EXAMPLES[name] ?? 'a value'}.`);
  return value;
}

/** The database of the shop. Names in Kafka and Redis begin with its name. */
export const DATABASE = process.env.MONGODB_DATABASE ?? 'peer';

const EXAMPLES = {
  MONGODB_URL: 'a connection string of a replica set, such as mongodb://127.0.0.1:27017/?replicaSet=rs0',
  KAFKA_BROKERS: 'a list of HOST:PORT, separated by commas, such as 127.0.0.1:9092',
  REDIS_URL: 'a URL, such as redis://127.0.0.1:6379',
  API_SECRET: 'a secret of at least 32 characters',
};
