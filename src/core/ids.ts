// Identifiers: unique without coordination, sortable by time.

/** Returns a UUID version 7 (RFC 9562). */
export function newId(): string {
  return Bun.randomUUIDv7();
}

// Every text of two digits, so that an id costs one concatenation: writing a number to a base costs five times as much.
const BASE = 36;
const ENDS = Array.from({ length: BASE ** 2 }, (_, n) => n.toString(BASE).padStart(2, '0'));

/**
 * Returns a function that makes cheap ids, unique across processes: a time-ordered prefix drawn once, then a counter.
 * For messages, where a UUID each would cost more than the message.
 */
export function idSequence(): () => string {
  const prefix = Bun.randomUUIDv7('base64url');
  let head = `${prefix}-`;
  let next = 0;
  let block = 0;
  return () => {
    if (next === ENDS.length) {
      next = 0;
      head = `${prefix}-${(++block).toString(BASE)}`;
    }
    return head + ENDS[next++]!;
  };
}
