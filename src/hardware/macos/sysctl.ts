// The output of sysctl: `name: value`, one a line.
import { type Told, untold } from '../facts.ts';

/** Values by name. */
export class Sysctl {
  readonly #values = new Map<string, string>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const colon = line.indexOf(': ');
      if (colon > 0) this.#values.set(line.slice(0, colon).trim(), line.slice(colon + 2).trim());
    }
  }

  text(name: string): Told<string> {
    return this.#values.get(name) || untold(`sysctl does not tell ${name}`);
  }

  /** A whole number from 0. */
  number(name: string): Told<number> {
    const value = this.#values.get(name);
    return value !== undefined && /^\d+$/.test(value)
      ? Number(value)
      : untold(`sysctl does not tell ${name}`);
  }

  /** Names that `pattern` finds and whose value is 1, by its first group. */
  switchedOn(pattern: RegExp): string[] {
    return [...this.#values].flatMap(([name, value]) => {
      const found = value === '1' ? pattern.exec(name)?.[1] : undefined;
      return found ? [found] : [];
    });
  }
}
