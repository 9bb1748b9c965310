// Maps by three texts against a map whose key is all three.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { Keyed } from './keyed.ts';

test('holds what a map by one joined key would hold', () => {
  const text = fc.constantFrom('a', 'b', 'c');
  const step = fc.tuple(fc.constantFrom('set', 'delete', 'deleteAll'), text, text, text, fc.nat());
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const keyed = new Keyed<number>();
      const joined = new Map<string, number>();
      for (const [what, first, second, third, value] of steps) {
        if (what === 'set') {
          keyed.set(first, second, third, value);
          joined.set(`${first}${second}${third}`, value);
        } else if (what === 'delete') {
          keyed.delete(first, second, third);
          joined.delete(`${first}${second}${third}`);
        } else {
          keyed.delete(first, second);
          for (const key of joined.keys()) if (key.startsWith(first + second)) joined.delete(key);
        }
        expect(keyed.get(first, second, third)).toBe(joined.get(`${first}${second}${third}`));
      }
      expect([...keyed.values()].sort()).toEqual([...joined.values()].sort());
      expect(keyed.size).toBe(joined.size);
    }),
  );
});
