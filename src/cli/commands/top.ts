// `nautilus top`: what the running engines do, once a second, or once for a pipe.
import { monotonicSeconds } from '../../core/clock.ts';
import { type Config, loadConfig } from '../../core/config.ts';
import { processUrl, request, STATUS_TIMEOUT_MS } from '../http-client.ts';
import { type RunFile, readRunFile } from '../run-file.ts';
import { type EngineStatus, figures, type Look, total } from '../top-figures.ts';
import { type Frame, render } from '../top-view.ts';

const INTERVAL_MS = 1000;
const PLAIN = { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY, colour: false };
// The second screen of the terminal without a cursor, so that what was there comes back at the end.
const ENTER = '\x1b[?1049h\x1b[?25l';
// Raw mode hands it over as a key.
const CTRL_C = '\x03';
const LEAVE = '\x1b[?25h\x1b[?1049l';

export interface TopOptions {
  readonly once?: boolean;
  readonly json?: boolean;
}

/**
 * Shows the engines until `q` or Ctrl-C. With `once` or `json`, or where the output is no terminal, prints the figures of
 * one second and ends. Exit code 1 when nothing runs, 2 when an engine did not answer a single look.
 */
export async function top(options: TopOptions): Promise<number> {
  const config = loadConfig();
  const state = readRunFile(config.dataDir);
  if (!state) {
    console.log(`No engines run on ${config.dataDir}. Start them with \`bun run engines\`.`);
    return 1;
  }
  if (options.once || options.json || !process.stdout.isTTY)
    return once(state, config, options.json ?? false);
  return live(config);
}

async function once(state: RunFile, config: Config, json: boolean): Promise<number> {
  const before = await look(state, config);
  await Bun.sleep(INTERVAL_MS);
  const now = await look(state, config);
  const engines = figures(before, now);
  if (json) {
    const interval_s = Math.round((now.atS - before.atS) * 1000) / 1000;
    const head = { supervisor_pid: state.pid, bus: state.bus, interval_s };
    console.log(JSON.stringify({ ...head, engines, total: total(engines) }, null, 2));
  } else {
    // The last line tells which key quits, which nobody can press here.
    console.log(
      render(frameOf(state, before, now), PLAIN)
        .slice(0, -1)
        .join('\n'),
    );
  }
  return now.engines.every(({ status }) => status !== null) ? 0 : 2;
}

async function live(config: Config): Promise<number> {
  const { stdin, stdout } = process;
  let frame: Frame | null = null;
  let wake = () => {};
  let running = true;
  const quit = () => {
    running = false;
    wake();
  };
  const draw = () => {
    if (!frame) return;
    const screen = { columns: stdout.columns, rows: stdout.rows, colour: !process.env.NO_COLOR };
    // Each line is drawn over the one before and the rest cleared, which does not flicker.
    stdout.write(`\x1b[H${render(frame, screen).join('\x1b[K\r\n')}\x1b[K\x1b[J`);
  };
  const onKey = (keys: Buffer) => {
    if (['q', 'Q', CTRL_C].some((key) => keys.includes(key))) quit();
  };
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on('data', onKey);
  stdout.on('resize', draw);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, quit);
  stdout.write(ENTER);
  try {
    let before: Look | null = null;
    while (running) {
      const state = readRunFile(config.dataDir);
      if (!state) break;
      const now: Look = await look(state, config);
      frame = frameOf(state, before, now);
      before = now;
      draw();
      if (!running) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, Math.max(0, INTERVAL_MS - (monotonicSeconds() - now.atS) * 1000));
      });
    }
  } finally {
    stdout.write(LEAVE);
    if (stdin.isTTY) stdin.setRawMode(false);
  }
  if (running) console.log('The engines have been stopped.');
  return 0;
}

function frameOf(state: RunFile, before: Look | null, now: Look): Frame {
  const lines = figures(before, now);
  const time = new Date().toISOString().slice(11, 19);
  return {
    title: `nautilus ${state.version}  bus ${state.bus}  supervisor ${state.pid}  since ${state.started_at}  ${time}`,
    lines,
    total: total(lines),
  };
}

async function look(state: RunFile, config: Config): Promise<Look> {
  const timeoutMs = Math.min(STATUS_TIMEOUT_MS, config.defaultTimeoutMs);
  const atS = monotonicSeconds();
  const engines = await Promise.all(
    state.engines.map(async (engine) => {
      const url = `${processUrl(config, engine)}/system/status`;
      const status = await request<EngineStatus>(url, {}, timeoutMs).catch(() => null);
      return { engine, status };
    }),
  );
  return { atS, engines };
}
