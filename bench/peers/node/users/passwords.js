import argon2 from 'argon2';

/** The parameters that OWASP's Password Storage Cheat Sheet recommends. Mercato has the same. */
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

export const hashPassword = (password) => argon2.hash(password, PARAMETERS);

/** A hash for unknown users, so that their sign-in takes as long as a wrong password. */
const UNKNOWN_USER = await hashPassword('no user has this password');

/** Checks a password. Without a hash, it takes as long and fails. */
export async function verifyPassword(hash, password) {
  const isRight = await argon2.verify(hash ?? UNKNOWN_USER, password);
  return isRight && hash !== undefined;
}
