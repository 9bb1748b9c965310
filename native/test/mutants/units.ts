// The parts of a Metal source, who names whom, and what is left of it when only some kernels are wanted.

/** A function, type, constant or kernel at the outermost level, or what holds them together (`names` is empty then). */
export interface Unit {
  readonly from: number;
  readonly to: number;
  /** The namespace around it; empty outside of any. */
  readonly space: string;
  readonly names: readonly string[];
  readonly isKernel: boolean;
  readonly text: string;
}

const blank = (match: string): string => match.replaceAll(/[^\n]/g, ' ');

/** Returns the source with spaces instead of comments and lines of the preprocessor; places stay. */
export const codeOf = (text: string): string => text.replaceAll(/\/\/[^\n]*|^#[^\n]*/gm, blank);

const HEADS =
  /^(?:template <[^;{]*?>\s*)?(?:inline\s+|static\s+|constant\s+|constexpr\s+)*(?:struct\s+(\w+)|using\s+(\w+)\s*=|kernel\s+void\s+(\w+)|[\w:<>,\s*&]*?[\s*&](\w+)\s*[([={;])/;

/** Splits a source into its units, in their order. All of the text belongs to one of them. */
export function unitsOf(text: string): readonly Unit[] {
  const code = codeOf(text);
  const units: Unit[] = [];
  const spaces: string[] = [];
  const add = (from: number, to: number, names: readonly string[], isKernel = false): void => {
    units.push({ from, to, space: spaces.join('::'), names, isKernel, text: code.slice(from, to) });
  };
  let from = 0;
  while (from < code.length) {
    const rest = code.slice(from);
    const space = /^\s*namespace (\w+) \{/.exec(rest);
    const end = /^\s*(?:\}|using namespace \w+;)|^\s+$/.exec(rest);
    if (space) {
      add(from, from + space[0].length, []);
      spaces.push(space[1]!);
      from += space[0].length;
    } else if (end) {
      add(from, from + end[0].length, []);
      if (end[0].endsWith('}')) spaces.pop();
      from += end[0].length;
    } else {
      const to = endOfDeclaration(code, from);
      const head = HEADS.exec(code.slice(from, to).trimStart());
      const name = head?.slice(1).find(Boolean);
      add(from, to, name ? [name] : [], head?.[3] !== undefined);
      from = to;
    }
  }
  return units;
}

// A declaration ends with a semicolon outside of brackets, or with the brace of a function.
function endOfDeclaration(code: string, from: number): number {
  let depth = 0;
  for (let at = from; at < code.length; at++) {
    const sign = code[at]!;
    if ('([{'.includes(sign)) depth++;
    if (')]}'.includes(sign)) depth--;
    if (depth > 0) continue;
    if (sign === ';') return at + 1;
    if (sign === '}' && !/^\s*;/.test(code.slice(at + 1, at + 20))) return at + 1;
  }
  return code.length;
}

/** For each unit the units that it names. */
export function graphOf(units: readonly Unit[]): ReadonlyMap<Unit, ReadonlySet<Unit>> {
  const known = new Map<string, Unit[]>();
  for (const unit of units) {
    for (const name of unit.names) {
      const key = `${unit.space}::${name}`;
      known.set(key, [...(known.get(key) ?? []), unit]);
    }
  }
  const spaces = new Set(units.map(({ space }) => space));
  const graph = new Map<Unit, ReadonlySet<Unit>>();
  for (const unit of units) {
    const named = new Set<Unit>();
    // A name after a dot is a member; one after `space::` is of that space, any other of the unit's own or of none.
    for (const [, qualifier, name] of unit.text.matchAll(/(?<![\w.])(?:(\w+)::)?(?:template )?(\w+)/g)) {
      const own = qualifier && spaces.has(qualifier) ? [qualifier] : [unit.space, ''];
      for (const space of own) for (const one of known.get(`${space}::${name}`) ?? []) named.add(one);
      if (qualifier && !spaces.has(qualifier)) {
        for (const space of own) for (const one of known.get(`${space}::${qualifier}`) ?? []) named.add(one);
      }
    }
    named.delete(unit);
    graph.set(unit, named);
  }
  return graph;
}

/** Returns what `start` reaches in the graph, itself included, nearest first. */
export function reach<T>(graph: ReadonlyMap<T, ReadonlySet<T>>, start: readonly T[]): ReadonlySet<T> {
  const reached = new Set(start);
  for (const one of reached) for (const next of graph.get(one) ?? []) reached.add(next);
  return reached;
}

/** Returns the graph with its arrows turned round. */
export function reversed<T>(graph: ReadonlyMap<T, ReadonlySet<T>>): ReadonlyMap<T, ReadonlySet<T>> {
  const back = new Map<T, Set<T>>([...graph.keys()].map((one) => [one, new Set<T>()]));
  for (const [one, named] of graph) for (const next of named) back.get(next)!.add(one);
  return back;
}
