// What is judged by when an instrument trades: gaps, times outside of sessions, silence of a stream, at night and over a weekend.
import { afterEach, expect, test } from 'bun:test';
import type { BarRecord } from '../../../src/market/records.ts';
import { calendarById } from '../../../src/market/sessions/calendars.ts';
import { Rig, SYMBOL } from './test-rig.ts';
import { ScriptedSource } from './test-source.ts';

const at = (text: string) => Date.parse(text) * 1000;

let rig: Rig;
let source: ScriptedSource;
afterEach(() => rig.stop());

/** A stream of stocks, connected at a time; the symbol is listened to by its name at the venue. */
async function listen(from: string, calendar?: string): Promise<void> {
  source = new ScriptedSource('stocks');
  if (calendar !== undefined) source.calendars = { 'STK:X': calendarById(calendar) };
  rig = await Rig.start([source]);
  rig.clock.advance(at(from) - rig.nowUs);
  await rig.subscribe({ kinds: ['trades', 'bars'], native_symbols: { stocks: 'STK:X' } });
}

async function quality(kind: string) {
  const { series } = await rig.service.qualityOf(SYMBOL);
  return series.find((one) => one.kind === kind)!;
}

function health(): string {
  rig.service.tick();
  return rig.service.source('stocks').health;
}

test('minutes that are missing are those of sessions, and each series says by which calendar', async () => {
  await listen('2024-01-05T20:58:00Z', 'us-equities');
  const bars: BarRecord[] = [];
  // 15:58 on a Friday, 09:31 on the Monday behind it: 15:59 and 09:30 are missing.
  for (const time of ['2024-01-05T20:58:00Z', '2024-01-08T14:31:00Z', '2024-01-08T14:32:00Z'])
    bars.push(source.bar(at(time), 100));
  rig.clock.advance(3 * 86_400e6);
  source.say(...bars);
  expect(await quality('bar')).toMatchObject({ calendar: 'us-equities', missing: 2, flags: { gap: 1 } });
});

test('trades before and after the session are outside of it, but where the source tells of extended hours', async () => {
  const flagsBy = async (calendar?: string) => {
    await listen('2024-01-05T12:59:00Z', calendar);
    rig.clock.advance(86_400e6);
    // 08:00, 10:00, 19:59:59 and 20:00 of New York.
    for (const time of ['13:00:00', '15:00:00']
      .map((t) => `2024-01-05T${t}Z`)
      .concat('2024-01-06T00:59:59Z', '2024-01-06T01:00:00Z'))
      source.say(source.trade(at(time), 100));
    const { flags } = await quality('trade');
    return flags.outside_session ?? 0;
  };
  expect(await flagsBy('us-equities')).toBe(3);
  await rig.stop();
  expect(await flagsBy('us-equities-extended')).toBe(1);
  await rig.stop();
  expect(await flagsBy()).toBe(0);
});

test('a series goes on by the calendar of its name after a restart', async () => {
  await listen('2024-01-05T20:58:00Z', 'us-equities');
  source.say(source.bar(rig.nowUs - 60e6, 100));
  await rig.restart();
  expect(await quality('bar')).toMatchObject({ calendar: 'us-equities', records: 1 });
});

test('a stream is not silent while its market is closed, and is a minute into the next session', async () => {
  await listen('2024-01-05T20:59:30Z', 'us-equities');
  source.say(source.trade(at('2024-01-05T20:59:30Z'), 100));
  rig.clock.advance(at('2024-01-08T14:30:00Z') - rig.nowUs);
  expect(health()).toBe('connected');
  // Half of the minute was before the weekend.
  rig.clock.advance(30e6);
  expect(health()).toBe('connected');
  rig.clock.advance(1);
  expect(health()).toBe('silent');
});

test('one instrument that is open, or that nobody knows about, makes silence one', async () => {
  await listen('2024-01-05T21:00:00Z', 'us-equities');
  await rig.subscribe({ symbol: 'OTHER' });
  source.say(source.trade(at('2024-01-05T21:00:00Z'), 100));
  rig.clock.advance(60e6 + 1);
  expect(health()).toBe('silent');
});
