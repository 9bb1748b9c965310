// Names of instruments as contracts of Interactive Brokers: `STK:AAPL:SMART:USD`.
import type { Contract, SecType, WhatToShow } from '@stoqey/ib';
import { InvalidOptionError } from '../../../../src/core/errors.ts';
import type { Calendar } from '../../../../src/market/sessions/calendar.ts';
import { calendarById } from '../../../../src/market/sessions/calendars.ts';

/** Currencies that IB trades for each other; a pair of one of them with anything else is one of coins. */
const CURRENCIES = new Set(
  'AUD CAD CHF CNH CZK DKK EUR GBP HKD HUF ILS JPY MXN NOK NZD PLN SEK SGD TRY USD ZAR'.split(' '),
);

/** Types of contracts, and what their bars are made of. */
const SHOWN: Readonly<Record<string, keyof typeof WhatToShow>> = {
  STK: 'TRADES',
  FUT: 'TRADES',
  CONTFUT: 'TRADES',
  IND: 'TRADES',
  CASH: 'MIDPOINT',
  CRYPTO: 'AGGTRADES',
};

/** Returns the name of a contract: `AAPL` is a stock in dollars, `EUR-USD` a pair of currencies, `BTC-USD` one of coins; others keep their name. */
export function nativeSymbol(symbol: string): string {
  if (symbol.includes(':')) return symbol;
  const [base, quote, more] = symbol.toUpperCase().split('-');
  if (quote === undefined || more !== undefined)
    return `STK:${symbol.toUpperCase().replace('.', ' ')}:SMART:USD`;
  if (CURRENCIES.has(base!) && CURRENCIES.has(quote)) return `CASH:${base}:IDEALPRO:${quote}`;
  // A class of shares: `BRK-B`, with a space at IB.
  if (quote.length === 1) return `STK:${base} ${quote}:SMART:USD`;
  return `CRYPTO:${base}:PAXOS:${quote}`;
}

/** Places of US stocks; SMART takes the best of them for one in dollars. */
const US_STOCK = /^STK:[^:]+:(SMART|NYSE|NASDAQ|ISLAND|ARCA|AMEX|BATS|IEX):USD$/;

/** Returns when a stock of the US trades: live ticks come in the hours before and after as well. IB's hours of other contracts are not known. */
export function calendarOf(native: string): Calendar | null {
  return US_STOCK.test(native) ? calendarById('us-equities-extended') : null;
}

/** A contract and what its bars are made of. */
export interface Named {
  readonly contract: Contract;
  readonly shown: keyof typeof WhatToShow;
}

/** Returns the contract of `TYPE:SYMBOL:EXCHANGE:CURRENCY`, futures with `:YYYYMM` or `:YYYYMMDD` behind it. Throws {@link InvalidOptionError}. */
export function contractOf(native: string): Named {
  const [type, symbol, exchange, currency, expiry, more] = native.split(':');
  const shown = SHOWN[type ?? ''];
  const dated = expiry === undefined ? type !== 'FUT' : type === 'FUT' && /^\d{6}(\d{2})?$/.test(expiry);
  if (!shown || !symbol || !exchange || !currency || !dated || more !== undefined) {
    const types = Object.keys(SHOWN).join(', ');
    const expected = `TYPE:SYMBOL:EXCHANGE:CURRENCY with one of ${types}, and :YYYYMM for FUT`;
    throw new InvalidOptionError(`Expected ${expected} for native_symbol of Interactive Brokers`, [
      { pointer: '/native_symbol', expected, received: 'string' },
    ]);
  }
  const contract: Contract = { secType: type as SecType, symbol, exchange, currency };
  if (expiry !== undefined) contract.lastTradeDateOrContractMonth = expiry;
  return { contract, shown };
}
