// `clock_offset`: the clocks of venue and receiver disagree by more than the way between them can take.
import { defineCheck, type Running } from '../definition.ts';

export default defineCheck({
  flag: 'clock_offset',
  kinds: ['trade', 'quote', 'book_delta', 'book_snapshot'],
  rule: 'The shortest way from venue to receiver, the least difference of the two times over the last `window` to twice `window` records, is below `-behind_us` (nothing arrives before it is sent) or above `ahead_us` (no way is that long). Judged from `warmup` records on; records without a time of receipt of their own are not judged.',
  unless: ['malformed', 'bad_timestamp', 'duplicate'],
  weight: 0.1,
  parameters: {
    window: {
      unit: 'records',
      min: 1,
      max: 1_000_000,
      integer: true,
      default: 256,
      meaning: 'over how many records the shortest way is looked for',
    },
    warmup: {
      unit: 'records',
      min: 1,
      max: 1_000_000,
      integer: true,
      default: 16,
      meaning: 'how many records it wants before it judges',
    },
    behind_us: {
      unit: 'us',
      min: 0,
      max: 3_600_000_000,
      integer: true,
      default: 100_000,
      meaning: 'how far the receiver may seem to be behind the venue',
    },
    ahead_us: {
      unit: 'us',
      min: 0,
      max: 3_600_000_000,
      integer: true,
      default: 5_000_000,
      meaning: 'how long even the shortest way may seem to take',
    },
  },
  start({ window, warmup, behind_us, ahead_us }, saved) {
    // The least of the block before and of the one that fills: a moving minimum with two numbers.
    type Saved = readonly [before: number | null, least: number | null, inBlock: number, seen: number];
    const [savedBefore, savedLeast, savedIn, savedSeen] = (saved as Saved | null) ?? [null, null, 0, 0];
    let before = savedBefore ?? Number.POSITIVE_INFINITY;
    let least = savedLeast ?? Number.POSITIVE_INFINITY;
    let inBlock = savedIn;
    let seen = savedSeen;
    const orNull = (value: number) => (Number.isFinite(value) ? value : null);
    const running: Running = {
      step(record) {
        if (record.tsReceiveUs === record.tsEventUs) return false;
        const way = record.tsReceiveUs - record.tsEventUs;
        if (inBlock === window) {
          before = least;
          least = Number.POSITIVE_INFINITY;
          inBlock = 0;
        }
        inBlock++;
        if (seen < warmup) seen++;
        if (way < least) least = way;
        if (seen < warmup) return false;
        const shortest = Math.min(before, least);
        return shortest < -behind_us || shortest > ahead_us;
      },
      save: () => [orNull(before), orNull(least), inBlock, seen] satisfies Saved,
    };
    return running;
  },
});
