// What a symbol may be made of: the names that venues and providers use, safe in addresses, folders and tables of others.
import { z } from 'zod';

/** `BTC-USD`, `BTC/USDT:USDT`, `^GSPC`, `EURUSD=X`, `M&M.NS`. The first is no sign by which a spreadsheet takes a cell for a formula, but for the dash. */
export const SYMBOL = /^[\w.:/^-][\w.:/^=&-]{0,63}$/;

/** A symbol in a request. */
export const symbolSchema = z
  .string()
  .regex(SYMBOL, 'expected 1 to 64 letters, digits or any of . _ : / - ^ = & (the last two not first)');
