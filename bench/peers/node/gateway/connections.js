import { GraphQLError } from 'graphql';

const encode = (text) => Buffer.from(text).toString('base64url');
const decode = (cursor) => Buffer.from(cursor, 'base64url').toString();

const MOST_ITEMS = 100;

/** Checks the size of a page. */
export function checkFirst(first) {
  if (first >= 1 && first <= MOST_ITEMS) return first;
  throw badInput('first', `must be from 1 to ${MOST_ITEMS}.`);
}

/** Lists that are sorted by id: the cursor of an item is its id. */
export const byId = {
  parse: (after) => ({ after: after && decode(after) }),
  cursor: (item) => encode(item._id),
};

/** Search results: the cursor of an item is the number of items up to it. */
export const byOffset = {
  parse: (after) => {
    const offset = after ? Number(decode(after)) : 0;
    if (Number.isSafeInteger(offset) && offset >= 0) return { offset };
    throw badInput('after', 'must be a cursor of this list.');
  },
  cursor: (item, index, { offset }) => encode(String(offset + index + 1)),
};

/** Returns a connection. `position` is the parsed cursor that the page begins after. */
export function connection({ nodes, hasNextPage, hasPreviousPage, cursors, position, totalCount }) {
  const cursor = (index) => cursors.cursor(nodes[index], index, position);
  return {
    nodes,
    edges: () => nodes.map((node, index) => ({ node, cursor: () => cursor(index) })),
    pageInfo: () => ({
      hasNextPage,
      hasPreviousPage,
      startCursor: nodes.length > 0 ? cursor(0) : null,
      endCursor: nodes.length > 0 ? cursor(nodes.length - 1) : null,
    }),
    totalCount,
  };
}

const badInput = (field, message) =>
  new GraphQLError(`\`${field}\` ${message}`, { extensions: { code: 'BAD_USER_INPUT', field } });
