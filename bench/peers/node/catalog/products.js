import { badInput } from '../shared/errors.js';

const LIST_LIMIT = 1_000;
const FIELDS = { name: 1, price: 1, quantity: 1, description: 1 };

/** Creates the indexes of products. */
export async function createProductIndexes(products) {
  await products.createIndex(
    { name: 'text', description: 'text' },
    { name: 'search', weights: { name: 10, description: 1 }, default_language: 'english' },
  );
}

/** Reads the first 1,000 products, oldest first. */
export async function readAll(products) {
  return products.find({}, { projection: FIELDS }).sort({ _id: 1 }).limit(LIST_LIMIT).toArray();
}

export async function readMany(products, ids) {
  return products.find({ _id: { $in: ids } }, { projection: FIELDS }).toArray();
}

/** Reads a page of products, oldest first. It begins after the product with the id `after`. */
export async function readPage(products, first, after) {
  const filter = after ? { _id: { $gt: after } } : {};
  const found = await products
    .find(filter, { projection: FIELDS })
    .sort({ _id: 1 })
    .limit(first + 1)
    .toArray();
  return { products: found.slice(0, first), hasNextPage: found.length > first };
}

/** Reads a page of the products that have all words, the most relevant first. It skips `offset` products. */
export async function search(products, words, first, offset) {
  const score = { $meta: 'textScore' };
  const found = await products
    .find(textFilter(words), { projection: FIELDS })
    .sort({ score, _id: 1 })
    .skip(offset)
    .limit(first + 1)
    .toArray();
  return { products: found.slice(0, first), hasNextPage: found.length > first };
}

export async function count(products, words) {
  return words ? products.countDocuments(textFilter(words)) : products.estimatedDocumentCount();
}

/**
 * Finds one word by its stem. Several words are sent as phrases: MongoDB requires all phrases of a search,
 * but only one of its words.
 */
function textFilter(text) {
  const words = text.match(/[\p{L}\p{N}]+/gu);
  if (!words) throw badInput('search', 'must have a letter or a digit.');
  return { $text: { $search: words.length === 1 ? words[0] : words.map((word) => `"${word}"`).join(' ') } };
}
