import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { Redis } from 'ioredis';
import { ObjectId } from 'mongodb';

import { createProductIndexes } from './catalog/products.js';
import { DATABASE } from './shared/environment.js';
import { connectMongo } from './shared/mongo.js';

const BATCH = 5_000;
/** The description of a product has one word of each list. So all descriptions have the same length. */
const WORDS = [
  ['red', 'blue', 'green', 'black', 'white', 'yellow', 'purple'],
  ['wool', 'cotton', 'leather', 'oak', 'steel', 'glass', 'bamboo', 'ceramic', 'linen', 'copper', 'silk'],
  [
    'chair',
    'table',
    'lamp',
    'jacket',
    'kettle',
    'bottle',
    'blanket',
    'basket',
    'clock',
    'mirror',
    'shelf',
    'pillow',
    'vase',
  ],
  [
    'nordic',
    'rustic',
    'modern',
    'vintage',
    'compact',
    'foldable',
    'durable',
    'elegant',
    'portable',
    'classic',
    'handmade',
    'minimal',
    'outdoor',
    'premium',
    'recycled',
    'robust',
    'soft',
    'waterproof',
    'lightweight',
  ],
];

/** Returns the product with this number, from 1. The same number always gives the same product. */
export function productOf(number, quantity) {
  const description = WORDS.map((words) => words[number % words.length]).join(' ');
  return {
    _id: ObjectId.createFromHexString(number.toString(16).padStart(24, '0')),
    name: `Product ${String(number).padStart(6, '0')}`,
    price: 100 + ((number * 37) % 9_900),
    quantity,
    description,
    ordered: 0,
    createdAt: new Date(number * 1_000),
  };
}

/** Replaces all products by this number of products, with these units in stock. */
export async function seed(database, { products: total, quantity = 1_000 }) {
  await Promise.all(
    ['products', 'sales', 'processed_events'].map((name) => database.collection(name).deleteMany({})),
  );
  const products = database.collection('products');
  for (let first = 1; first <= total; first += BATCH) {
    const length = Math.min(BATCH, total - first + 1);
    const batch = Array.from({ length }, (_, index) => productOf(first + index, quantity));
    await products.insertMany(batch, { ordered: false });
  }
  await createProductIndexes(products);
}

/** Removes the cached products, if REDIS_URL is set. */
export async function clearCache() {
  if (!process.env.REDIS_URL) return;
  const redis = new Redis(process.env.REDIS_URL);
  const keys = await redis.keys(`${DATABASE}:product*`);
  if (keys.length > 0) await redis.unlink(keys);
  await redis.quit();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const number = (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 0) return value;
    throw new Error('--products and --quantity must be whole numbers.');
  };
  const options = {
    products: { type: 'string', default: '20' },
    quantity: { type: 'string', default: '1000' },
  };
  try {
    const { values } = parseArgs({ options });
    const total = number(values.products);
    const { client, database } = await connectMongo();
    await seed(database, { products: total, quantity: number(values.quantity) });
    await clearCache();
    await client.close();
    console.log(`${total} products`);
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
