// Subscriptions as they are stored.
import type { Database } from '../../../src/store/database.ts';
import { type Subscription, subscription } from './subscription.ts';

/** Reads and writes subscriptions. */
export class SubscriptionStore {
  constructor(readonly database: Database) {}

  /** All of them, oldest first. */
  async all(): Promise<Subscription[]> {
    const rows = await this.database.all<{ spec: string }>(
      'SELECT spec FROM market_subscriptions ORDER BY created_us, subscription_id',
    );
    return rows.map(({ spec }) => subscription.parse(JSON.parse(spec)));
  }

  async add(added: Subscription): Promise<void> {
    await this.database.transaction((tx) => {
      tx.write(
        'INSERT INTO market_subscriptions (subscription_id, spec, created_us) VALUES (?, ?, ?)',
        added.subscription_id,
        JSON.stringify(added),
        added.created_us,
      );
    });
  }

  async remove(id: string): Promise<void> {
    await this.database.transaction((tx) => {
      tx.write('DELETE FROM market_subscriptions WHERE subscription_id = ?', id);
    });
  }
}
