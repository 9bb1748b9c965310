// The pipeline of the Market Data engine around one source that says what a capture holds, on a bus within the process.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaptureRecord } from '../../engines/marketdata/files/binance-lines.ts';
import { PipelineService } from '../../engines/marketdata/pipeline/service.ts';
import { PIPELINE_TABLES } from '../../engines/marketdata/pipeline/tables.ts';
import { ScriptedSource } from '../../engines/marketdata/pipeline/test-source.ts';
import { Bus } from '../../src/bus/client.ts';
import { MemoryHub } from '../../src/bus/memory.ts';
import { ManualClock } from '../../src/core/clock.ts';
import { createLog } from '../../src/core/log.ts';
import type { EngineContext } from '../../src/http/engine.ts';
import { EngineMetrics } from '../../src/http/metrics.ts';
import { openSqlite } from '../../src/store/sqlite-database.ts';

const SOURCE = 'binance-usdm';
const SYMBOL = 'BTCUSDT';

/** Takes captures through a pipeline; nothing of them is stored. */
export class CapturePipeline {
  readonly #folder = mkdtempSync(join(tmpdir(), 'capture-'));
  readonly #database = openSqlite(join(this.#folder, 'state.sqlite'), { engine: PIPELINE_TABLES });

  static async open(): Promise<CapturePipeline> {
    return new CapturePipeline();
  }

  /** Takes one capture through a new pipeline, its clock being the receive time of the records. Returns how many records a subscriber got. */
  async run(batches: AsyncIterable<readonly CaptureRecord[]>): Promise<number> {
    const clock = new ManualClock(0);
    const hub = new MemoryHub();
    const [bus, reader] = [new Bus('marketdata', hub.connect(), { clock }), new Bus('reader', hub.connect())];
    let received = 0;
    await reader.subscribe('market.*', (envelopes) => {
      for (const { body } of envelopes) {
        const { trades, quotes, deltas } = body as Record<string, readonly unknown[] | undefined>;
        received += (trades ?? quotes ?? deltas ?? []).length;
      }
    });
    const source = new ScriptedSource(SOURCE);
    const context = {
      bus,
      clock,
      log: createLog('marketdata', 'silent'),
      metrics: new EngineMetrics('marketdata', bus),
      database: this.#database,
    };
    const service = new PipelineService(context as unknown as EngineContext, {
      known: [{ id: SOURCE, factory: source.factory }],
      own: [],
      tickMs: 2 ** 30,
    });
    await service.start();
    const { subscription_id: id } = await service.subscribe({
      symbol: SYMBOL,
      kinds: ['trades', 'quotes', 'book'],
      native_symbols: {},
      interval_us: 60_000_000,
      store: false,
    });
    for await (const batch of batches) {
      clock.advanceTo(batch.at(-1)!.tsReceiveUs);
      source.say(...batch);
      // The end of the turn: what was said goes out.
      await null;
    }
    service.publisher.flush();
    bus.flush();
    await null;
    await service.unsubscribe(id);
    await service.stop();
    await Promise.all([bus.close(), reader.close()]);
    return received;
  }

  async close(): Promise<void> {
    await this.#database.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
