/** An error that the caller of a service receives, with a stable code. */
export class ServiceError extends Error {
  constructor(status, code, message, details = {}) {
    super(message);
    Object.assign(this, { status, code, details });
  }
}

export const badInput = (field, message) =>
  new ServiceError(400, 'BAD_USER_INPUT', `\`${field}\` ${message}`, { field });
export const notFound = (message) => new ServiceError(404, 'NOT_FOUND', message);
export const conflict = (message) => new ServiceError(409, 'CONFLICT', message);
export const unauthenticated = (message) => new ServiceError(401, 'UNAUTHENTICATED', message);
