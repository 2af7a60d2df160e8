// Random values with a seed, most of them valid and some near a limit.

export const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);

// mulberry32, a generator with a seed of 32 bits.
let state = seed;
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

/** Returns true with this probability. */
export const chance = (probability) => random() < probability;

/** Returns one of the items. */
export const pick = (items) => items[Math.floor(random() * items.length)];

/** Returns a list of `count` results. */
export const times = (count, make) => Array.from({ length: count }, (_, index) => make(index));

/** Ids, to which the caller adds those of the shop. */
export const ids = ['me', '', '0', '00000000-0000-0000-0000-000000000000', '../..', '%00', '⁂'];

// The limits of texts, and one more.
const lengths = [8, 128, 129, 200, 201, 255, 256, 500, 501, 2_000, 2_001, 10_000, 10_001, 70_000];

export const texts = [
  '', ' ', 'Sock', 'a@example.com', '+4915112345678', 'USD', 'JPY', 'ZZZ', 'DE', 'GB', '\u0000', '\n', '👕', '\u202eabc', 'e\u0301',
  '\ud800', 'null', '{}', '[]', '<script>', "' OR 1=1 --", '2026-11-21T03:29:07Z', '9999-12-31T23:59:59Z', '%', '_', '-', '"', '\\',
  '"""', 'https://example.com/a.jpg', 'https://a:b@example.com/', 'http://127.0.0.1:1/', 'İ', '烤鸭', 'correct horse battery', 'tok_ok',
  '=?utf-8?q?=0D=0ABcc:_b@example.com?=', 'eyJzIjoicHJpY2UiLCJ2IjoxLCJpIjoiYSJ9', ...lengths.map((length) => 'x'.repeat(length)),
];

export const numbers = [
  0, 1, -1, 2, 20, 99, 100, 101, 500, 501, 1_000, 1_001, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, 2 ** 53, -(2 ** 53),
  1e308, 0.5, -0, 1e21,
];

/** Returns a value of any type. */
export const wrong = () =>
  pick([null, true, [], {}, [[]], { a: 1 }, pick(texts), pick(numbers), [pick(numbers)], [[[[[[[[{ a: [null] }]]]]]]]]]);

/** Removes a character or inserts one, so that the text may be malformed. */
export function damage(text) {
  const at = Math.floor(random() * text.length);
  const inserted = ['{', '}', '(', '"', '...', '@skip', '$v0', '\u0000', '"""', '👕', '#', ',', '\ud800'];
  return chance(0.5) ? text.slice(0, at) + text.slice(at + 1) : text.slice(0, at) + pick(inserted) + text.slice(at);
}
