// Contracts of Interactive Brokers as instruments: one by its name, looked up with its steps.
import type { ContractDetails } from '@stoqey/ib';
import type { InstrumentRecord } from '../../../../src/market/records.ts';
import { decimalsOf } from '../../../../src/market/scale.ts';
import { decimalOf } from '../net/json.ts';
import type { HistoryRequest, SourceContext } from '../port.ts';
import type { Scales } from '../scales.ts';
import { contractOf, nativeSymbol } from './contracts.ts';
import type { Gateway } from './gateway.ts';
import { answerOf } from './request.ts';

const CLASSES = {
  STK: 'equity',
  FUT: 'future',
  CONTFUT: 'future',
  IND: 'index',
  CASH: 'fx',
  CRYPTO: 'spot',
} as const;

/** Yields what IB says of a contract now, whatever the range: its venue, currency and steps. Throws as {@link answerOf} does. */
export async function* instruments(
  context: SourceContext,
  gateway: Gateway,
  scales: Scales,
  request: HistoryRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly InstrumentRecord[]> {
  const native = request.nativeSymbol ?? nativeSymbol(request.symbol);
  const { contract } = contractOf(native);
  const found = await answerOf<ContractDetails>(context, gateway, signal, {
    hear: (api, { EventName }, id, take, end) => {
      const details = (number: number, row: ContractDetails) => number === id && take(row);
      const ended = (number: number) => number === id && end();
      api.on(EventName.contractDetails, details as never);
      api.on(EventName.contractDetailsEnd, ended as never);
      return () => {
        api.removeListener(EventName.contractDetails, details as never);
        api.removeListener(EventName.contractDetailsEnd, ended as never);
      };
    },
    ask: (api, _sdk, id) => void api.reqContractDetails(id, contract),
  });
  const records = found.map((details) => instrumentOf(context, scales, request.symbol, native, details));
  if (records.length > 0) yield records;
}

function instrumentOf(
  context: SourceContext,
  scales: Scales,
  symbol: string,
  native: string,
  { contract, minTick, sizeIncrement, stockType }: ContractDetails,
): InstrumentRecord {
  const type = contract.secType as keyof typeof CLASSES;
  const tickSize = decimalOf(minTick);
  const lotSize = decimalOf(sizeIncrement);
  const paired = type === 'CASH' || type === 'CRYPTO';
  const nowUs = context.clock.nowUs();
  return {
    kind: 'instrument',
    symbol,
    source: 'ib',
    tsEventUs: nowUs,
    tsReceiveUs: nowUs,
    sequence: null,
    flags: 0,
    nativeSymbol: native,
    venue: contract.primaryExch || contract.exchange || 'ib',
    assetClass: stockType === 'ETF' ? 'etf' : (CLASSES[type] ?? 'other'),
    base: paired ? (contract.symbol ?? null) : null,
    quote: contract.currency ?? null,
    scale: scales.atLeast(symbol, decimalsOf(tickSize ?? '0'), decimalsOf(lotSize ?? '0')),
    tickSize,
    lotSize,
    status: 'unknown',
  };
}
