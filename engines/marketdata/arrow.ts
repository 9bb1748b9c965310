// Bars as an Arrow IPC stream, so that bulk numbers arrive as typed arrays.
import type { BarColumns } from './history/bars.ts';

/**
 * Returns the bars as one Arrow record batch: `ts_event_us` timestamp[us, UTC], `open`, `high`, `low`, `close`, `volume`
 * float64. The library is loaded on first use, since it costs start-up time.
 */
export async function barsToArrow(bars: BarColumns): Promise<Uint8Array<ArrayBuffer>> {
  const { Float64, makeData, makeVector, Table, TimestampMicrosecond, tableToIPC } = await import(
    'apache-arrow'
  );
  const times = BigInt64Array.from(bars.tsUs, (us) => BigInt(us));
  const float = (data: Float64Array) => makeVector(makeData({ type: new Float64(), data }));
  const table = new Table({
    ts_event_us: makeVector(makeData({ type: new TimestampMicrosecond('UTC'), data: times })),
    open: float(bars.open),
    high: float(bars.high),
    low: float(bars.low),
    close: float(bars.close),
    volume: float(bars.volume),
  });
  return tableToIPC(table, 'stream') as Uint8Array<ArrayBuffer>;
}
