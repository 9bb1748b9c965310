// Topic patterns: the two signs of Redis globs that every transport has to support.

/** Returns a test for `pattern`: `*` is any run of characters (dots too), `?` is one character, the rest is literal. */
export function compilePattern(pattern: string): (topic: string) => boolean {
  if (!/[*?]/.test(pattern)) return (topic) => topic === pattern;
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  const regex = new RegExp(`^${source}$`, 's');
  return (topic) => regex.test(topic);
}
