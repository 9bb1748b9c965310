// Identifiers: unique without coordination, sortable by time.

/** Returns a UUID version 7 (RFC 9562). */
export function newId(): string {
  return Bun.randomUUIDv7();
}

/**
 * Returns a function that makes cheap ids, unique across processes: a time-ordered prefix drawn once, then a counter.
 * For messages, where a UUID each would cost more than the message.
 */
export function idSequence(): () => string {
  const prefix = Bun.randomUUIDv7('base64url');
  let next = 0;
  return () => `${prefix}-${(next++).toString(36)}`;
}
