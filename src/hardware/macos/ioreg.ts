// The text of `ioreg -r -d 1`: entries with properties, of which these are read: numbers, texts, little-endian data, flat dictionaries.

/** One entry of the I/O registry. */
export interface RegistryEntry {
  readonly name: string;
  readonly className: string;
  /** Values as they are written. */
  readonly properties: ReadonlyMap<string, string>;
}

/** Returns the entries in the text of ioreg, in its order. */
export function parseRegistry(text: string): RegistryEntry[] {
  return text
    .split(/^[\s|]*\+-o /m)
    .slice(1)
    .map((block) => {
      const head = /^(.*?)\s*<class ([^,>]+)/.exec(block);
      const lines = [...block.matchAll(/^[\s|]*"([^"]+)" = (.+)$/gm)];
      return {
        name: head?.[1] ?? '',
        className: head?.[2] ?? '',
        properties: new Map(lines.map(([, name, value]) => [name!, value!.trim()])),
      };
    });
}

/** Returns a whole number: `14`, or data of up to 4 bytes as `<0e000000>`. */
export function integerOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  const data = /^<((?:[0-9a-f]{2}){1,4})>$/i.exec(value)?.[1];
  if (!data) return undefined;
  return Number.parseInt(data.match(/../g)!.reverse().join(''), 16);
}

/** Returns a text: `"Apple M4"`, or `<"E">` and the first of `<"apple,icestorm","ARM,v8">`. */
export function textOf(value: string | undefined): string | undefined {
  return value === undefined ? undefined : /^<?"([^"]*)"/.exec(value)?.[1];
}

/** Returns the numbers of a dictionary, `{"Device Utilization %"=2,"recoveryCount"=0}`, by their exact names. */
export function numbersOf(value: string | undefined): ReadonlyMap<string, number> {
  const pairs = [...(value ?? '').matchAll(/"([^"]+)"=(\d+)(?=[,}])/g)];
  return new Map(pairs.map(([, name, number]) => [name!, Number(number)]));
}
