// Redis under Sentinels: nobody stays with a server that is no longer the master, or begins with one that is not.
import { afterEach, describe, expect, setDefaultTimeout, spyOn, test } from 'bun:test';
import { eventually } from '../../test/support/eventually.ts';
import { REDIS_SERVER, TestRedis } from '../../test/support/redis.ts';
import { ask, RedisGroup } from '../../test/support/redis-group.ts';
import { RedisLink } from '../bus/redis-link.ts';
import { redisSettings } from '../core/redis-settings.ts';
import { connectForCommands, connectForWork } from './bull-connections.ts';

setDefaultTimeout(120_000);

/** Names of the connections that a server has. */
async function clientsOf(server: TestRedis): Promise<string[]> {
  const list = await ask<string>(server, 'CLIENT', 'LIST');
  return [...list.matchAll(/ name=(\S+)/g)].map(([, name]) => name!).filter((name) => name.startsWith('t-'));
}

describe.skipIf(REDIS_SERVER === null)('under Sentinels', () => {
  const cleanup: (() => unknown)[] = [];
  afterEach(async () => {
    for (const undo of cleanup.splice(0).reverse()) await undo();
  });

  test('connections of the bus and of jobs leave a master that was replaced and does not know it', async () => {
    const group = await RedisGroup.start();
    cleanup.push(() => group.stop());
    const old = await group.whole();
    // The Sentinels cannot tell it: it takes itself for the master for ever.
    await ask(old, 'ACL', 'SETUSER', 'default', '-replicaof', '-slaveof');
    const settings = group.settings();
    const reasons: string[] = [];
    const link = new RedisLink(settings, 't-link', {
      opened: () => {},
      lost: (reason) => void reasons.push(reason),
    });
    cleanup.push(() => link.close());
    await link.start();
    for (const client of [
      await connectForCommands(settings, 't-commands'),
      await connectForWork(settings, 't'),
    ]) {
      client.on('error', () => {});
      cleanup.push(() => client.disconnect());
    }
    const all = ['t-commands', 't-link', 't-work'];
    const hasAll = async (server: TestRedis) =>
      Bun.deepEquals([...new Set(await clientsOf(server))].sort(), all);
    await eventually(() => hasAll(old), 'all are connected');
    await group.askForFailover();
    await group.movedFrom(old);
    await eventually(() => hasAll(group.other(old)), 'all are with the new master');
    await eventually(async () => (await clientsOf(old)).length === 0, 'nobody is with the old one');
    expect((await ask<unknown[]>(old, 'ROLE'))[0]).toBe('master');
    expect(reasons.length).toBeGreaterThan(0);
  });

  test('a Sentinel that is away is not talked of on the console by those who listen to it', async () => {
    const master = await TestRedis.start();
    cleanup.push(() => master.stop());
    const [one, other] = [await TestRedis.sentinel(master, 'main'), await TestRedis.sentinel(master, 'main')];
    cleanup.push(
      () => one.stop(),
      () => other.stop(),
    );
    const settings = redisSettings({
      url: 'redis://unused',
      prefix: 'nautilus:',
      sentinels: `127.0.0.1:${one.port},127.0.0.1:${other.port}`,
      sentinelName: 'main',
    });
    const printed = spyOn(console, 'error').mockImplementation(() => {});
    cleanup.push(() => printed.mockRestore());
    let opened = 0;
    const link = new RedisLink(settings, 't-link', { opened: () => void opened++, lost: () => {} });
    cleanup.push(() => link.close());
    await link.start();
    await eventually(() => opened === 1, 'it is open');
    await eventually(
      async () => (await ask<string>(other, 'CLIENT', 'LIST')).includes('sub=1'),
      'it listens',
    );
    await other.kill();
    await other.restart();
    await eventually(
      async () => (await ask<string>(other, 'CLIENT', 'LIST')).includes('sub=1'),
      'it listens again',
    );
    expect([opened, printed.mock.calls]).toEqual([1, []]);
  });

  test('a connection to a server that is not the master is given up, until it is one', async () => {
    const master = await TestRedis.start();
    cleanup.push(() => master.stop());
    const replica = await TestRedis.start(['--replicaof', '127.0.0.1', `${master.port}`]);
    cleanup.push(() => replica.stop());
    await eventually(async () => (await ask<unknown[]>(replica, 'ROLE'))[0] === 'slave', 'a replica');
    // So patient that it never corrects itself.
    const sentinel = await TestRedis.sentinel(replica, 'wrong', { quorum: 2, downAfterMs: 600_000 });
    cleanup.push(() => sentinel.stop());
    const settings = redisSettings({
      url: 'redis://unused',
      prefix: 'nautilus:',
      sentinels: `127.0.0.1:${sentinel.port}`,
      sentinelName: 'wrong',
    });
    const seen: string[] = [];
    const link = new RedisLink(settings, 't-link', {
      opened: () => void seen.push('opened'),
      lost: (reason) => void seen.push(reason),
    });
    cleanup.push(() => link.close());
    await link.start();
    await eventually(() => seen.length >= 2, 'it tries again');
    expect([...new Set(seen)]).toEqual(['not the master']);
    await ask(replica, 'REPLICAOF', 'NO', 'ONE');
    await eventually(() => seen.at(-1) === 'opened', 'it is open');
  });
});
