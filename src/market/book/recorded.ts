// Books of recordings: files and stored history, whose changes may be in another order than that in which a venue sent them.
import { OrderBook } from './order-book.ts';
import { bookRuleOf } from './rules.ts';

/**
 * Changes that may come before one that is missing until it counts as lost: recorders of several streams write lines in other orders, and history is in
 * the order of times that clocks of venues say. The book is not served meanwhile.
 */
const REORDER = 4;

/** Returns the book of a symbol of a recording, by the rules of its source. */
export function recordedBook(source: string): OrderBook {
  return new OrderBook({ rule: bookRuleOf(source), reorder: REORDER });
}
