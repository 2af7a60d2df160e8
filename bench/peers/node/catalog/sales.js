/** The number of days for which the ids of events are kept. Kafka delivers an event again much sooner. */
const EVENT_DAYS = 7;

/** The units that orders bought, by product. */
export class Sales {
  #client;
  #sales;
  #events;

  static async open(client, database) {
    const sales = new Sales();
    sales.#client = client;
    sales.#sales = database.collection('sales');
    sales.#events = database.collection('processed_events');
    await sales.#events.createIndex({ at: 1 }, { expireAfterSeconds: EVENT_DAYS * 24 * 60 * 60 });
    return sales;
  }

  async sold(productId) {
    const found = await this.#sales.findOne({ _id: productId });
    return found?.sold ?? 0;
  }

  /** Confirms the stock of placed orders, once for each order: Kafka can deliver an event again. */
  async confirm(orders) {
    const byId = new Map(orders.map((order) => [order.orderId, order]));
    await this.#client.withSession((session) =>
      session.withTransaction(async () => {
        const known = await this.#events.find({ _id: { $in: [...byId.keys()] } }, { session }).toArray();
        const fresh = new Map(byId);
        for (const { _id } of known) fresh.delete(_id);
        if (fresh.size === 0) return;
        const at = new Date();
        await this.#events.insertMany(
          [...fresh.keys()].map((_id) => ({ _id, at })),
          { session },
        );
        const updates = [...unitsByProduct(fresh.values())].map(([_id, sold]) => ({
          updateOne: { filter: { _id }, update: { $inc: { sold } }, upsert: true },
        }));
        await this.#sales.bulkWrite(updates, { session, ordered: false });
      }),
    );
  }
}

function unitsByProduct(orders) {
  const units = new Map();
  for (const { products } of orders) {
    for (const { _id, quantity } of products) units.set(_id, (units.get(_id) ?? 0) + quantity);
  }
  return units;
}
