// Files of models while the disk is full, while the process dies at any call, and while a sweep runs.
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import * as disk from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StorageUnavailableError } from '../../../src/core/errors.ts';
import { sha256 } from '../../../src/onnx/registry.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { type Artefact, Artefacts, type Disk, SWEEP_AGE_MS } from './artefacts.ts';
import { aModel, aVersion, openStore, type TestStore } from './test-store.ts';

let folder: string;
let opened: TestStore;
beforeEach(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'artefacts-')), 'models');
  opened = await openStore({ DATABASE_URL: '' });
  await opened.store.createModel(aModel('a'));
});
afterEach(async () => {
  await opened.close();
  rmSync(join(folder, '..'), { recursive: true });
});

const bytesOf = (n: number) => new TextEncoder().encode(`model ${n}`);
const files = () =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
    : [];
const old = (hash: string) => utimesSync(join(folder, hash.slice(0, 2), hash), 1, 1);
const sweep = (artefacts: Artefacts) =>
  artefacts.sweep((hashes) => opened.store.queries.withVersions(hashes), Date.now());

/** A disk whose calls fail from the `first` one on: once, or for good as in a process that has died. */
function failing(first: number, code: string, forGood: boolean): { disk: Disk; calls: () => number } {
  let calls = 0;
  const count = () => {
    calls++;
    if (calls === first || (forGood && calls > first)) throw Object.assign(new Error(code), { code });
  };
  const counted = <F extends (...args: never[]) => unknown>(call: F): F =>
    ((...args: never[]) => {
      count();
      return call(...args);
    }) as F;
  const open = async (...args: Parameters<typeof disk.open>) => {
    count();
    const file = await disk.open(...args);
    for (const name of ['writeFile', 'sync'] as const) {
      const call = file[name].bind(file) as (...given: unknown[]) => Promise<void>;
      Object.assign(file, {
        [name]: async (...given: unknown[]) => {
          // A full disk takes a part of what is written.
          if (name === 'writeFile' && calls + 1 >= first) await call((given[0] as Uint8Array).subarray(0, 3));
          count();
          return call(...given);
        },
      });
    }
    return file;
  };
  const { mkdir, rename, rm, utimes } = disk;
  const wrapped = {
    mkdir: counted(mkdir),
    rename: counted(rename),
    rm: counted(rm),
    utimes: counted(utimes),
  };
  return { disk: { ...wrapped, open: open as typeof disk.open }, calls: () => calls };
}

/** Stores a file and its version, as an upload does. */
const add = (artefacts: Artefacts, bytes: Uint8Array) =>
  artefacts.keep(bytes, (artefact) => opened.store.createVersion('a', { ...aVersion(), artefact }));

/** A file is whole as soon as it has its name. */
async function checkNames(): Promise<void> {
  for (const name of files().filter((file) => !file.startsWith('tmp-'))) {
    expect(sha256(await Bun.file(join(folder, name.slice(0, 2), name)).bytes())).toBe(name);
  }
}

/** Every version there is has its file. */
async function checkWhole(): Promise<number> {
  await checkNames();
  const artefacts = new Artefacts(folder);
  const rows = await opened.store.queries.versions('a', 1000);
  for (const { artefact_sha256, artefact_bytes } of rows) {
    const bytes = await artefacts.read({ sha256: artefact_sha256, bytes: artefact_bytes });
    expect(sha256(bytes)).toBe(artefact_sha256);
  }
  return rows.length;
}

describe('an artefact', () => {
  test('is one file for equal bytes, by their hash', async () => {
    const artefacts = new Artefacts(folder);
    expect([await add(artefacts, bytesOf(1)), await add(artefacts, bytesOf(1))]).toEqual([1, 2]);
    expect(files()).toEqual([sha256(bytesOf(1))]);
    expect(await checkWhole()).toBe(2);
  });

  test('that was damaged is refused, and mended by the same bytes', async () => {
    const artefacts = new Artefacts(folder);
    await add(artefacts, bytesOf(1));
    const hash = sha256(bytesOf(1));
    const [row] = await opened.store.queries.versions('a', 1);
    const stored: Artefact = { sha256: row!.artefact_sha256, bytes: row!.artefact_bytes };
    writeFileSync(join(folder, hash.slice(0, 2), hash), 'other 1');
    await expect(artefacts.read(stored)).rejects.toMatchObject({ slug: 'model-integrity', status: 503 });
    await add(artefacts, bytesOf(1));
    expect(await artefacts.read(stored)).toEqual(bytesOf(1));
    rmSync(folder, { recursive: true });
    await expect(artefacts.read(stored)).rejects.toMatchObject({ slug: 'model-integrity' });
  });

  for (const code of ['ENOSPC', 'EIO']) {
    test(`is there as a whole with its version, or neither is, whichever call fails with ${code}`, async () => {
      let failures = 0;
      let versions = 0;
      for (let first = 1; ; first++) {
        const broken = failing(first, code, false);
        const error = await add(new Artefacts(folder, broken.disk), bytesOf(first)).then(
          () => null,
          (caught) => caught,
        );
        expect(await checkWhole()).toBe(error ? versions : ++versions);
        if (!error) break;
        failures++;
        expect(error).toBeInstanceOf(StorageUnavailableError);
        expect(error.message).toContain(code);
        expect(files().filter((name) => name.startsWith('tmp-'))).toEqual([]);
      }
      // Folder, open, write, force to the disk, rename, and the two folders at least.
      expect(failures).toBeGreaterThanOrEqual(8);
    });
  }

  test('is there as a whole with its version, or neither is, whenever the process dies', async () => {
    let deaths = 0;
    for (let first = 1; ; first++) {
      const dying = failing(first, 'EDEAD', true);
      const ended = await add(new Artefacts(folder, dying.disk), bytesOf(first)).then(
        () => false,
        () => true,
      );
      if (!ended) break;
      deaths++;
      expect(await checkWhole()).toBe(0);
    }
    expect(deaths).toBeGreaterThanOrEqual(8);
    // What the dead have left goes once it is old; what is needed stays.
    const left = files().length;
    expect(left).toBeGreaterThan(1);
    const after = new Artefacts(folder);
    expect(await sweep(after)).toBe(0);
    const inAnHour = Date.now() + SWEEP_AGE_MS + 1000;
    expect(await after.sweep((hashes) => opened.store.queries.withVersions(hashes), inAnHour)).toBe(left - 1);
    expect(await checkWhole()).toBe(1);
  });

  test('survives kill -9 of the process that writes versions', async () => {
    const script = join(import.meta.dir, 'test-writer.ts');
    for (let round = 0; round < 3; round++) {
      const child = Bun.spawn([process.execPath, script, folder], { stdout: 'pipe', stderr: 'inherit' });
      await eventually(() => files().length > 5 * (round + 1), 'some files', 60_000);
      child.kill('SIGKILL');
      await child.exited;
      await checkNames();
    }
  }, 120_000);
});

describe('a quota', () => {
  const nothing = async () => undefined;
  const bytes = new Uint8Array(400);
  const file = (n: number) => bytes.fill(n).slice();

  test('refuses a file beyond it before anything is written, counts equal bytes once, and what was there before', async () => {
    const artefacts = new Artefacts(folder, undefined, 1000);
    await Promise.all([1, 1, 1, 2].map((n) => artefacts.keep(file(n), nothing)));
    let used = false;
    const refused = artefacts.keep(file(3), async () => {
      used = true;
    });
    await expect(refused).rejects.toMatchObject({
      slug: 'quota-exceeded',
      status: 413,
      extras: { limit_bytes: 1000, needed_bytes: 400 },
    });
    expect([used, files().length]).toEqual([false, 2]);
    // What is there already needs no room.
    await artefacts.keep(file(1), nothing);
    const again = new Artefacts(folder, undefined, 1000);
    await expect(again.keep(file(3), nothing)).rejects.toMatchObject({ slug: 'quota-exceeded' });
    await again.keep(file(3).subarray(0, 200), nothing);
  });

  test('has room again after a sweep, and after a file that could not be written', async () => {
    const artefacts = new Artefacts(folder, undefined, 1000);
    for (const n of [1, 2]) await artefacts.keep(file(n), nothing);
    old(sha256(file(1)));
    expect(await sweep(artefacts)).toBe(1);
    await artefacts.keep(file(3), nothing);
    const broken = new Artefacts(folder, failing(1, 'ENOSPC', false).disk, 1300);
    await expect(broken.keep(file(4), nothing)).rejects.toBeInstanceOf(StorageUnavailableError);
    await broken.keep(file(4), nothing);
    await expect(broken.keep(file(5), nothing)).rejects.toMatchObject({ slug: 'quota-exceeded' });
  });
});

describe('a sweep', () => {
  test('removes old files that no version has, and no others', async () => {
    const artefacts = new Artefacts(folder);
    await add(artefacts, bytesOf(1));
    for (const n of [2, 3]) await artefacts.keep(bytesOf(n), async () => undefined);
    for (const n of [1, 2]) old(sha256(bytesOf(n)));
    writeFileSync(join(folder, 'tmp-left'), 'x');
    utimesSync(join(folder, 'tmp-left'), 1, 1);
    expect(await sweep(artefacts)).toBe(2);
    expect(files().sort()).toEqual([1, 3].map((n) => sha256(bytesOf(n))).sort());
    // Deleting the model frees its file.
    await opened.store.delete('a', { force: true, revision: null });
    old(sha256(bytesOf(1)));
    expect(await sweep(artefacts)).toBe(1);
    expect(await sweep(new Artefacts(join(folder, 'absent')))).toBe(0);
  });

  test('leaves a file alone that is about to get a version', async () => {
    const artefacts = new Artefacts(folder);
    await artefacts.keep(bytesOf(1), async () => undefined);
    const hash = sha256(bytesOf(1));
    old(hash);
    let swept = -1;
    await artefacts.keep(bytesOf(1), async (artefact) => {
      expect(Date.now() - statSync(join(folder, hash.slice(0, 2), hash)).mtimeMs).toBeLessThan(SWEEP_AGE_MS);
      // Also when its time is wrong, as on a disk with another clock.
      old(hash);
      swept = await sweep(artefacts);
      await opened.store.createVersion('a', { ...aVersion(), artefact });
    });
    expect(swept).toBe(0);
    expect(await checkWhole()).toBe(1);
  });

  test('and uploads at once never lose a file', async () => {
    const artefacts = new Artefacts(folder);
    for (let n = 0; n < 20; n++) {
      await artefacts.keep(bytesOf(n), async () => undefined);
      old(sha256(bytesOf(n)));
    }
    const adding = Array.from({ length: 20 }, (_, n) => add(artefacts, bytesOf(n)));
    await Promise.all([...adding, sweep(artefacts), sweep(artefacts)]);
    expect(await checkWhole()).toBe(20);
  });
});
