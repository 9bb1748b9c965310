// The table at the end of a soak: minutes, slopes with their errors, what was done by then and in all.
import { expect, test } from 'bun:test';
import { type Sample, soakTable } from './soak-report.ts';

const progress = (replays: number) => ({
  replays,
  different: 0,
  published: replays * 1000,
  read: replays * 1000,
  lost: 0,
  lagMs: 3.4,
});

test('memory and progress at the first and each fifth minute, in all, and how memory grows', () => {
  // Each second for ten minutes: one process grows by 1 MiB a minute, one goes up and down.
  const samples: Sample[] = Array.from({ length: 601 }, (_, s) => ({
    s,
    mib: new Map([
      ['grows', 100 + Math.floor(s / 60)],
      ['stays', 50 + (s % 2)],
    ]),
    progress: progress(Math.floor(s / 100)),
  }));
  const rows = soakTable(samples, progress(7), 2)
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
  expect(new Set(rows.map((cells) => cells.length)).size).toBe(1);
  expect(rows[0]).toEqual([
    '',
    'minute 1',
    'minute 5',
    'minute 10',
    'at most, or in all',
    expect.any(String),
  ]);
  expect(rows[2]).toEqual(['grows, MiB', '100', '104', '109', '110', '60.0 ± 0.0']);
  expect(rows[3]!.slice(0, 5)).toEqual(['stays, MiB', '51', '51', '51', '51']);
  expect(rows[4]).toEqual(['whole replays', '0', '3', '6', '7', '']);
  expect(rows[6]).toEqual(['records published', '0', '3,000', '6,000', '7,000', '']);
  expect(rows.slice(-2).map((cells) => cells.slice(1, 5))).toEqual([
    ['3', '3', '3', '3'],
    ['-', '-', '-', '2'],
  ]);
});
