// The process that reads one Parquet file, a block of rows for each order.
import { answerOrders } from '../../../src/core/child-work.ts';
import { parquetRows } from './parquet.ts';
import type { ParquetAnswer, ParquetOrder } from './parquet-messages.ts';
import type { TableRows } from './tables.ts';

let blocks: AsyncGenerator<TableRows> | undefined;

answerOrders<ParquetOrder, ParquetAnswer>(async ({ path = '', maxBytes = 0 }) => {
  blocks ??= parquetRows(path, maxBytes);
  const { value, done } = await blocks.next();
  return { type: 'rows', rows: done ? null : (value as NonNullable<ParquetAnswer['rows']>) };
});
