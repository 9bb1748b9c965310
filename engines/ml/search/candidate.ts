// Points of a search and what they mean: names of dimensions, and the family, options and features of a point.
import type { TrialCandidate } from '../../../src/learning/search/evaluate.ts';
import { optionsOf } from '../../../src/learning/search/mappings.ts';
import type { Choice, Dimension, Point, Space } from '../../../src/learning/search/types.ts';
import type { Member, Settings } from './records.ts';

/** Dimension of the family, where a search has several. */
export const FAMILY = 'family';
const FEATURES = 'features.';

/** Name of the dimension of a group of features. */
export const groupDimension = (name: string) => `${FEATURES}${name}`;

/**
 * Returns the space of several families: the family first, then each one's own dimensions as `<family>.<name>` while it is the family, then
 * each group of features on and off, where there are several. With one family its dimensions keep their names.
 */
export function spaceOf(
  members: readonly { readonly family: string; readonly space: Space }[],
  groups: readonly { readonly name: string }[],
): Space {
  const space: Dimension[] = [];
  const several = members.length > 1;
  if (several) space.push({ kind: 'choice', name: FAMILY, values: members.map(({ family }) => family) });
  for (const member of members) {
    for (const dimension of member.space) space.push(several ? ownOf(dimension, member.family) : dimension);
  }
  if (groups.length > 1) {
    for (const { name } of groups)
      space.push({ kind: 'choice', name: groupDimension(name), values: [true, false] });
  }
  return space;
}

// A condition of its own implies the family already: what it names counts only there.
function ownOf(dimension: Dimension, family: string): Dimension {
  const { when } = dimension;
  return {
    ...dimension,
    name: `${family}.${dimension.name}`,
    when: when
      ? { ...when, dimension: `${family}.${when.dimension}` }
      : { dimension: FAMILY, values: [family] },
  };
}

/** Returns the family of a point. */
export function memberOf(point: Point, members: readonly Member[]): Member {
  return members.find(({ family }) => family === point[FAMILY]) ?? members[0]!;
}

/** Returns the names of the groups that are on at a point; where it has none on, all are: a model needs inputs. */
export function groupsOf(point: Point, groups: readonly { readonly name: string }[]): string[] {
  const names = groups.map(({ name }) => name);
  const on = names.filter((name) => point[groupDimension(name)] !== false);
  return on.length > 0 ? on : names;
}

/** Returns what a trial of a point tries. */
export function candidateOf(
  point: Point,
  { members, groups }: Pick<Settings, 'members' | 'groups'>,
): TrialCandidate {
  const { family, options } = memberOf(point, members);
  const prefix = members.length > 1 ? `${family}.` : '';
  const own: Record<string, Choice> = {};
  for (const [name, value] of Object.entries(point)) {
    if (name === FAMILY || name.startsWith(FEATURES) || !name.startsWith(prefix)) continue;
    own[name.slice(prefix.length)] = value;
  }
  return {
    family,
    options: { ...options, ...optionsOf(family, own) },
    groups: groupsOf(point, groups),
  };
}
