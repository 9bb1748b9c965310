#!/usr/bin/env bun
// The `nautilus` command (installed as `nautilus-engines`).
import { Command, Option } from 'commander';
import { NautilusError } from '../core/errors.ts';
import { VERSION } from '../core/version.ts';

const program = new Command('nautilus')
  .description('Nine quantitative-trading engines: start them, look after them, feed them.')
  .version(VERSION)
  .showHelpAfterError('(see --help)');

// Each command loads its own code, so that `--help` and `ps` stay quick.
program
  .command('up')
  .description('start the engines and run until Ctrl-C')
  .option('--only <names>', 'engines to start, separated by commas')
  .option('--replicas <counts...>', 'processes of an engine behind its port: analytics=3')
  .option('--in-process', 'all engines in one process on the memory bus')
  .action(async (options) => exit(await (await import('./commands/up.ts')).up(options)));

program
  .command('ps')
  .description('list the running engines')
  .option('--json', 'print JSON')
  .action(async (options) => exit(await (await import('./commands/ps.ts')).ps(options)));

program
  .command('top')
  .description('show what the running engines do, each second')
  .option('--once', 'print the figures of one second and end')
  .option('--json', 'print them as JSON and end')
  .action(async (options) => exit(await (await import('./commands/top.ts')).top(options)));

program
  .command('down')
  .description('stop the running engines')
  .action(async () => exit(await (await import('./commands/ps.ts')).down()));

program
  .command('doctor')
  .description('check what the engines need, with a fix for each finding')
  .option('--json', 'print JSON')
  .action(async (options) => exit(await (await import('./commands/doctor.ts')).doctor(options)));

program
  .command('calibrate')
  .description('measure from which sizes on the GPU wins, and keep that for this machine')
  .option('--rows <ids>', 'kernels and indicators, separated by commas; all that the GPU has when absent')
  .option('--seconds <seconds>', 'time for all of them', '120')
  .option('--threads <threads>', 'threads of the CPU; default the share of one engine')
  .option('--background', 'only where nothing is known of this machine; as engines do at their first start')
  .option('--json', 'print JSON')
  .action(async (options) => exit(await (await import('./commands/calibrate.ts')).calibrate(options)));

program
  .command('import <file>')
  .description('import a file of bars, trades, quotes or capture lines: CSV, Parquet, Arrow, plain or gzip')
  .addOption(
    new Option('--format <format>', 'format of the file; told by its first bytes when absent').choices([
      'csv',
      'parquet',
      'arrow',
      'binance-capture',
    ]),
  )
  .addOption(
    new Option('--kind <kind>', 'what its rows are; told by its columns when absent').choices([
      'bar',
      'trade',
      'quote',
    ]),
  )
  .option('--symbol <symbol>', 'symbol of a file without a symbol column; with one, the only symbol taken')
  .option('--source <source>', 'source that the records are said to be of')
  .option('--interval-us <microseconds>', 'length of bars; the most frequent spacing when absent')
  .option('--time-zone <zone>', 'zone of times that name none: UTC, -05:00, America/New_York')
  .option('--price-decimals <n>', 'decimals that prices are written without: 4 for 973100 that is 97.31')
  .option('--calendar <id>', 'when the instruments trade: 24x7, fx, us-equities, us-equities-extended')
  .option('--dry-run', 'read and judge everything, store nothing')
  .option('--json', 'print one JSON object')
  .action(async (file, options) =>
    exit(await (await import('./commands/import.ts')).importCommand(file, options)),
  );

program
  .command('replay [file]')
  .description(
    'drive the bars of a file through all engines in lockstep, or (--speed) a capture or history onto the live topics',
  )
  .option('--symbol <symbol>', 'symbol of a file without a symbol column')
  .option('--strategy <name>', 'strategy that trades', 'ma-cross')
  .option('--option <name=value...>', 'options of the strategy')
  .option('--portfolio <id>', 'portfolio that trades', 'portfolio_001')
  .option('--cash <amount>', 'starting cash', '1000000')
  .option('--fee-bps <number>', 'fee of the paper venue in basis points', '5')
  .option('--reset', 'empty the history of the portfolio first')
  .option('--isolated', 'start own engines with a fresh data folder on free ports')
  .option('--in-process', 'like --isolated, with all engines in this process')
  .option('--keep', 'start own engines on the published ports and leave them up')
  .addOption(new Option('--barrier <bars>', 'bars in one barrier').default('64'))
  .addOption(new Option('--in-flight <barriers>', 'barriers under way at once').default('4'))
  .option(
    '--speed <speed>',
    'market seconds in one second, or max: onto the live topics of the running engines',
  )
  .option('--kinds <kinds>', 'with --speed: trades, quotes, book, ..., separated by commas; all when absent')
  .option('--source <id>', 'with --speed: source of stored records, where several have the symbol')
  .option('--from <time>', 'with --speed: where to begin')
  .option('--to <time>', 'with --speed: where to end')
  .option('--paused', 'with --speed: stand at the start until it is resumed')
  .option('--json', 'print one JSON object')
  .action(async (file, options) =>
    exit(await (await import('./commands/replay.ts')).replayCommand(file, options)),
  );

program
  .command('subscribe <symbol>')
  .description('print market records as they come, one JSON object a line, until Ctrl-C')
  .option('--kinds <kinds>', 'trades, quotes, book, bars, funding, ..., separated by commas', 'trades')
  .option('--source <ids>', 'sources, the best first; the engine chooses when absent')
  .option('--interval-us <microseconds>', 'length of bars; that which there is, else a minute, when absent')
  .option('--listen', 'make no subscription: print what comes anyway, as a replay')
  .option('--count <records>', 'end after so many')
  .action(async (symbol, options) =>
    exit(await (await import('./commands/subscribe.ts')).subscribeCommand(symbol, options)),
  );

const jobs = program
  .command('jobs')
  .description('long work of the running engines')
  .argument('[engine]', 'of this engine only')
  .option('--json', 'print JSON')
  .action(async (engine, options) => exit(await (await import('./commands/jobs.ts')).jobs(engine, options)));
jobs
  .command('cancel <engine> <id>')
  .description('end a job')
  .action(async (engine, id) => exit(await (await import('./commands/jobs.ts')).jobsCancel(engine, id)));

const keys = program.command('keys').description('API keys: who may use the engines');
keys
  .command('add')
  .description('make a key and show it once')
  .requiredOption('--name <name>', 'whose key it is, for lists and the audit log')
  .requiredOption('--role <role>', 'read, trade or admin')
  .option('--json', 'print JSON')
  .action(async (options) => exit((await import('./commands/keys.ts')).keysAdd(options)));
keys
  .command('list')
  .description('list the keys, without their secrets')
  .option('--json', 'print JSON')
  .action(async (options) => exit((await import('./commands/keys.ts')).keysList(options)));
keys
  .command('revoke <id>')
  .description('end a key; running engines notice within a second')
  .action(async (id) => exit((await import('./commands/keys.ts')).keysRevoke(id)));

function exit(code: number): void {
  // Servers and timers of a finished command must not keep it alive.
  process.exit(code);
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof NautilusError)) throw error;
  console.error(`${error.title}: ${error.message}`);
  process.exit(error.status === 404 || error.status === 422 ? 2 : 1);
}
