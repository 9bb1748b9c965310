// `make chaos`: random faults for a given time and seed, over one or all combinations of bus and store; prints the table of faults.
import { Command, Option } from 'commander';
import { type RunOutcome, runChaos } from './run.ts';
import { broken } from './verify.ts';
import type { WorldOptions } from './world.ts';

const COMBINATIONS: readonly Pick<WorldOptions, 'bus' | 'store'>[] = [
  { bus: 'hub', store: 'sqlite' },
  { bus: 'redis', store: 'sqlite' },
  { bus: 'redis', store: 'postgres' },
  { bus: 'sentinel', store: 'postgres' },
];

const { seconds, seed, bus, store } = new Command('chaos')
  .option('--seconds <n>', 'seconds of faults for each combination', '60')
  .option('--seed <n>', 'of the random choices; printed at the start', String(Date.now() % 2 ** 32))
  .addOption(new Option('--bus <kind>', 'this bus only').choices(['hub', 'redis', 'sentinel']))
  .addOption(new Option('--store <kind>', 'this store only').choices(['sqlite', 'postgres']))
  .parse()
  .opts<{ seconds: string; seed: string; bus?: string; store?: string }>();

const chosen = COMBINATIONS.filter((c) => (bus ?? c.bus) === c.bus && (store ?? c.store) === c.store);
let failed = chosen.length === 0;
if (failed) console.error(`Expected a combination among ${COMBINATIONS.map((c) => `${c.bus}+${c.store}`)}`);
for (const combination of chosen) {
  console.log(`\n## ${combination.bus} + ${combination.store}, seed ${seed}, ${seconds} s`);
  try {
    const outcome = await runChaos({
      ...combination,
      seed: Number(seed),
      seconds: Number(seconds),
      diskMb: 96,
    });
    report(outcome);
    const wrong = broken(outcome.verdict);
    if (wrong.length > 0) {
      failed = true;
      console.error(`BROKEN: ${wrong.join(', ')}`);
    }
  } catch (error) {
    failed = true;
    console.error(`BROKEN: ${(error as Error).message}`);
  }
}
process.exit(failed ? 1 : 0);

function report({ verdict, faults, unanswered, refused }: RunOutcome): void {
  console.log('| fault | times | whole again after, median | longest |');
  console.log('|---|---:|---:|---:|');
  for (const { name, recoveryMs } of [...faults].sort((a, b) => a.name.localeCompare(b.name))) {
    const sorted = [...recoveryMs].sort((a, b) => a - b);
    const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
    const median = seconds(sorted[Math.floor(sorted.length / 2)]!);
    console.log(`| ${name} | ${sorted.length} | ${median} | ${seconds(sorted.at(-1)!)} |`);
  }
  const { acknowledged, orders, fills, events } = verdict;
  console.log(
    `\n${orders} orders (${acknowledged} acknowledged, ${unanswered} unanswered, ${refused} refused), ${fills} fills, ${events} durable events.`,
  );
  const { lost_orders, lost_fills, lost_events, doubled_fills } = verdict;
  console.log(`Lost: ${lost_orders + lost_fills + lost_events}. Doubled: ${doubled_fills}.`);
}
