import { Kafka, logLevel, Partitioners } from 'kafkajs';

import { DATABASE, required } from './environment.js';

/** The topic of the events that orders publish. */
export const ORDER_PLACED = `${DATABASE}.order-placed`;

/** Connects to Kafka and creates the topic if it is missing. */
export async function connectKafka(clientId) {
  const brokers = required('KAFKA_BROKERS').split(',');
  const connection = { clientId, brokers, connectionTimeout: 3_000 };
  const admin = new Kafka({ ...connection, logLevel: logLevel.NOTHING }).admin({ retry: { retries: 2 } });
  try {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: ORDER_PLACED, numPartitions: 4 }], waitForLeaders: true });
  } catch (error) {
    throw new Error(`can't reach Kafka (KAFKA_BROKERS): ${error.message}`);
  } finally {
    await admin.disconnect();
  }
  return new Kafka({ ...connection, logLevel: logLevel.ERROR });
}

/** Sends messages in batches: those that arrive while one batch is sent are the next batch. */
export class Publisher {
  #producer;
  #waiting = [];
  #sending = null;

  static async connect(kafka) {
    const publisher = new Publisher();
    publisher.#producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await publisher.#producer.connect();
    return publisher;
  }

  publish(key, value) {
    this.#waiting.push({ key, value: JSON.stringify(value) });
    this.#sending ??= this.#send();
  }

  async #send() {
    while (this.#waiting.length > 0) {
      const messages = this.#waiting.splice(0);
      try {
        // All in-sync replicas must have the messages (acks -1, the default).
        await this.#producer.send({ topic: ORDER_PLACED, messages });
      } catch (error) {
        console.error(`can't publish ${messages.length} events: ${error.message}`);
      }
    }
    this.#sending = null;
  }

  /** Sends the messages that wait, then disconnects. */
  async close() {
    await this.#sending;
    await this.#producer.disconnect();
  }
}
