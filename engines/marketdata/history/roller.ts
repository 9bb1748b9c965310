// Moves closed days from the tables to Parquet, merges small files by month, and forgets what is too old.
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { InvariantError } from '../../../src/core/errors.ts';
import { newId } from '../../../src/core/ids.ts';
import type { MarketKind } from '../../../src/market/records.ts';
import { type HistoryDatabase, storageError } from './database.ts';
import { Integrity } from './integrity.ts';
import { partitionPath, publishFile, removeUnknown, sha256Of } from './partition-files.ts';
import { PARTITION_LAYOUT, TABLES, tableOf } from './tables.ts';
import { type Partition, parquetSql, partitions, quoted, spanSql, tableSql } from './view.ts';
import type { Faults, HistoryWriter } from './writer.ts';

/** What one round of maintenance did. */
export interface Maintenance {
  rolled: number;
  rolledRows: number;
  merged: number;
  expiredRows: number;
}

export interface RollerOptions {
  /** Days that records of a kind stay; for good where a kind is absent. */
  readonly keepDays: Readonly<Partial<Record<MarketKind, number>>>;
  readonly faults: Faults;
}

const DAY_US = 86_400e6;
/** A day is closed this long after its end: what comes late finds the table. */
const GRACE_US = 3600e6;
/** Files of a month are merged up to this many rows. */
const MERGED_ROWS = 5_000_000;

/** Kinds whose closed days go to Parquet. */
const ROLLED = (Object.keys(TABLES) as MarketKind[]).filter((kind) => tableOf(kind).rolled);

/** Keeps the partitions of one history. */
export class Roller {
  readonly integrity: Integrity;
  #running: Promise<unknown> = Promise.resolve();
  #stopping = false;

  constructor(
    readonly database: HistoryDatabase,
    readonly writer: HistoryWriter,
    readonly options: RollerOptions,
  ) {
    this.integrity = new Integrity(database);
  }

  /** Removes files that a killed process left, and looks at those of the manifest. Returns how many were removed. */
  async recover(): Promise<number> {
    const known = await this.integrity.look();
    return removeUnknown(this.database.folder, new Set(known.map((p) => p.path)));
  }

  /** Rolls closed days, merges closed months, forgets what is too old. Throws StorageUnavailableError; what was done until then stays done. */
  maintain(nowUs: number): Promise<Maintenance> {
    const result = this.#running.then(() => this.#maintain(nowUs));
    this.#running = result.catch(() => {});
    return result;
  }

  /** Ends the maintenance under way after the partition that it is at. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.integrity.stop();
    await this.#running;
  }

  async #maintain(nowUs: number): Promise<Maintenance> {
    const done: Maintenance = { rolled: 0, rolledRows: 0, merged: 0, expiredRows: 0 };
    try {
      done.expiredRows = await this.#expire(nowUs);
      for (const kind of ROLLED) {
        for (const day of await this.#closedDays(kind, nowUs)) {
          if (this.#stopping) return done;
          done.rolledRows += await this.#roll(kind, day);
          done.rolled++;
        }
        done.merged += await this.#merge(kind, nowUs);
      }
      // Space of the rows that went becomes free; not while a reader holds an older state, then the next time.
      if (done.rolled + done.expiredRows > 0)
        await this.writer.exclusive(() => this.database.writer.run('CHECKPOINT').catch(() => {}));
    } catch (error) {
      throw storageError(error);
    }
    return done;
  }

  async #closedDays(kind: MarketKind, nowUs: number) {
    const closedUs = Math.floor((nowUs - GRACE_US) / DAY_US) * DAY_US;
    const rows = await this.database.reading((connection) =>
      this.database.rows(
        `SELECT s.symbol, s.source, ${spanSql(DAY_US)} AS day FROM ${tableOf(kind).name} t JOIN series s ON s.id = t.series
          WHERE t.ts_event_us < ${closedUs} GROUP BY ALL ORDER BY ALL`,
        [],
        connection,
      ),
    );
    return rows as unknown as { symbol: string; source: string; day: number }[];
  }

  async #roll(
    kind: MarketKind,
    { symbol, source, day }: { symbol: string; source: string; day: number },
  ): Promise<number> {
    const ids = this.writer.series.find(kind, symbol, source).map((s) => s.id);
    const where = `t.series IN (${ids.join(', ')}) AND t.ts_event_us BETWEEN ${day * DAY_US} AND ${(day + 1) * DAY_US - 1}`;
    const period = new Date(day * 86_400e3).toISOString().slice(0, 10);
    let rows = 0;
    await this.#replace(
      { kind, symbol, source, period, from: tableSql(kind, where) },
      async (connection, written) => {
        // The snapshot of this transaction: a record that comes meanwhile is neither in the file nor deleted.
        const deleted = await connection.run(`DELETE FROM ${tableOf(kind).name} t WHERE ${where}`);
        if (deleted.rowsChanged !== written)
          throw new InvariantError(
            `${written} rows of ${period} were written and ${deleted.rowsChanged} deleted`,
          );
        rows = written;
      },
    );
    return rows;
  }

  async #merge(kind: MarketKind, nowUs: number): Promise<number> {
    const month = new Date((nowUs - GRACE_US) / 1000).toISOString().slice(0, 7);
    const files = await partitions(this.database, `kind = '${kind}' AND period[1:7] < '${month}'`);
    const groups = new Map<string, Partition[]>();
    for (const file of files) {
      const key = JSON.stringify([file.symbol, file.source, file.period.slice(0, 7)]);
      groups.set(key, [...(groups.get(key) ?? []), file]);
    }
    let merged = 0;
    for (const group of groups.values()) {
      const rows = group.reduce((sum, file) => sum + file.rows, 0);
      if (group.length < 2 || rows > MERGED_ROWS || this.#stopping) continue;
      if (!(await this.#intact(group))) continue;
      const [{ symbol, source, period }] = group as [Partition];
      const target = {
        kind,
        symbol,
        source,
        period: period.slice(0, 7),
        from: parquetSql(this.database, kind, group),
      };
      await this.#replace(target, async (connection, written) => {
        if (written !== rows) throw new InvariantError(`${rows} rows were merged into ${written}`);
        await connection.run(
          `DELETE FROM partitions WHERE id IN (${group.map((file) => quoted(file.id)).join(', ')})`,
        );
      });
      await this.#retire(group);
      merged += group.length;
    }
    return merged;
  }

  /** Writes the rows of `from` to a new partition and runs `rest` in the transaction that puts it into the manifest. */
  async #replace(
    to: { kind: MarketKind; symbol: string; source: string; period: string; from: string },
    rest: (connection: DuckDBConnection, rows: number) => Promise<void>,
  ): Promise<void> {
    const { faults } = this.options;
    const id = newId();
    const path = partitionPath(tableOf(to.kind).name, to.symbol, to.source, to.period, id);
    const file = join(this.database.folder, path);
    const temporary = `${file}.tmp`;
    mkdirSync(dirname(file), { recursive: true });
    await this.database.reading(async (connection) => {
      await connection.run('BEGIN');
      try {
        await connection.run(
          `COPY (FROM (${to.from}) ORDER BY ts_event_us, ordinal) TO ${quoted(temporary)} (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd)`,
        );
        faults('partition written');
        const id_number = to.kind === 'trade' ? 'max(id_number)' : 'NULL';
        const [found] = await this.database.rows(
          `SELECT count(*)::DOUBLE AS rows, min(ts_event_us)::DOUBLE AS first, max(ts_event_us)::DOUBLE AS last,
             max(ordinal)::DOUBLE AS ordinal, ${id_number}::DOUBLE AS id FROM read_parquet(${quoted(temporary)})`,
          [],
          connection,
        );
        const sha256 = await sha256Of(temporary);
        const { size } = statSync(temporary);
        publishFile(temporary, file);
        faults('partition renamed');
        const { rows, first, last, ordinal, id: lastId } = found as unknown as Record<string, number>;
        await connection.run(
          'INSERT INTO partitions VALUES ($1, $2, $3, $4, $5, $6, $7::BIGINT, $8::BIGINT, $9, $10::BIGINT, $11::BIGINT, $12::BIGINT, $13::BIGINT, $14)',
          [
            id,
            to.kind,
            to.symbol,
            to.source,
            to.period,
            path,
            rows!,
            size,
            sha256,
            first!,
            last!,
            ordinal!,
            lastId!,
            PARTITION_LAYOUT,
          ],
        );
        await rest(connection, rows!);
        faults('manifest written');
        await connection.run('COMMIT');
      } catch (error) {
        await connection.run('ROLLBACK').catch(() => {});
        for (const left of [temporary, file]) rmSync(left, { force: true });
        throw error;
      }
    });
    faults('partition committed');
  }

  async #expire(nowUs: number): Promise<number> {
    let expired = 0;
    for (const [kind, days] of Object.entries(this.options.keepDays) as [MarketKind, number][]) {
      const beforeUs = Math.floor(nowUs - days * DAY_US);
      const old = await partitions(this.database, `kind = '${kind}' AND last_ts_us < ${beforeUs}`);
      await this.writer.exclusive(async () => {
        const { writer } = this.database;
        const rows = await writer.run(`DELETE FROM ${tableOf(kind).name} WHERE ts_event_us < ${beforeUs}`);
        expired += rows.rowsChanged;
        await writer.run('DELETE FROM quarantine WHERE kind = $1 AND ts_receive_us < $2::BIGINT', [
          kind,
          beforeUs,
        ]);
        if (old.length > 0)
          await writer.run(
            `DELETE FROM partitions WHERE id IN (${old.map((file) => quoted(file.id)).join(', ')})`,
          );
      });
      expired += old.reduce((sum, file) => sum + file.rows, 0);
      await this.#retire(old);
    }
    return expired;
  }

  /** Removes files that the manifest no longer has, once nobody reads them any more. */
  async #retire(files: readonly Partition[]): Promise<void> {
    if (files.length === 0) return;
    // Between transactions of the writer, which looks into partitions too.
    await this.writer.exclusive(async () => {
      this.database.afterReaders(() => {
        for (const file of files) rmSync(join(this.database.folder, file.path), { force: true });
      });
    });
  }

  async #intact(files: readonly Partition[]): Promise<boolean> {
    for (const partition of files) if ((await this.integrity.check(partition)) !== null) return false;
    return true;
  }
}
