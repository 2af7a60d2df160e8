import { ObjectId } from 'mongodb';

import { badInput } from './errors.js';

const HEX = /^[0-9a-f]{24}$/i;

export const isId = (text) => typeof text === 'string' && HEX.test(text);

/** Parses the id of a document. `field` names it in the error. */
export function parseId(text, field) {
  if (!isId(text)) throw badInput(field, 'must be the `_id` of a document.');
  return ObjectId.createFromHexString(text);
}
