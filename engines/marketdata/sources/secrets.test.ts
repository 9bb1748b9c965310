// Credentials of every source that has some, through every way in which a provider fails: they reach the provider and nobody else.
import { describe, expect, test } from 'bun:test';
import { inspect } from 'node:util';
import { NautilusError } from '../../../src/core/errors.ts';
import { systemTimers } from '../../../src/core/timers.ts';
import { MINUTE_US } from '../../../src/market/sessions/days.ts';
import { Provider, readAll, testContext } from '../../../test/support/provider.ts';
import { SOURCES } from './index.ts';

/** Not reached over HTTP: TWS is signed in, and what is given of it is an address. */
const WITHOUT_SECRETS = ['ib'];
/** With every character that an address or a header writes otherwise, where the source takes it. */
const SECRET = 'S3cr3t+/=%!\'()*~\\"0123456789';
const CONTACT = 'Secret Person secret.person@example.org';

/** How a provider can fail that says something. */
const FAILURES: Readonly<Record<string, (said: string) => Response>> = {
  'a refusal': (said) => Response.json({ message: said, error_message: said }, { status: 403 }),
  'a refusal of status 200': (said) => Response.json({ 'Error Message': said, Information: said }),
  'another answer': (said) => Response.json({ observations: said, bars: said, facts: said }),
  'no JSON': (said) => new Response(`<html>${said}</html>`),
  'a fault of the server': (said) => new Response(said, { status: 503 }),
  'too many requests': (said) => new Response(said, { status: 429 }),
  'a redirect': (said) =>
    new Response(said, {
      status: 302,
      headers: { location: `http://127.0.0.1:1/?${encodeURIComponent(said)}` },
    }),
};

const timers = {
  // Waits take no time; limits of time stay.
  after: (ms: number, run: () => void) => systemTimers.after(ms >= 15_000 ? ms : 0, run),
};

function credentialOf(name: string): string {
  return name.endsWith('_USER_AGENT') ? CONTACT : `${name}-${SECRET}`;
}

function formsOf(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  return [
    secret,
    inJson,
    encodeURIComponent(secret),
    new URLSearchParams({ '': secret }).toString().slice(1),
  ];
}

for (const [id, factory] of Object.entries(SOURCES)) {
  const { capabilities } = factory(testContext({}));
  const { credentials, historical } = capabilities;
  if (credentials.length === 0 || WITHOUT_SECRETS.includes(id)) continue;
  const secrets = credentials.map(credentialOf);

  /** Asks for history, and returns the error that it ends with and all that was written on the way. */
  async function failing(base: string) {
    const given = Object.fromEntries(credentials.map((name) => [name, credentialOf(name)]));
    let nowUs = Date.now() * 1000;
    // Each look at the clock is later, so that limits of rate are no wait.
    const clock = { nowUs: () => (nowUs += 60e6) };
    const context = testContext({ rest: base }, given, { clock, timers });
    const intervalUs = capabilities.intervalsUs?.at(-1) ?? MINUTE_US;
    const range = { fromUs: 1.6e15, toUs: 1.6e15 + 86_400e6, intervalUs };
    const request = {
      kind: historical[0]!,
      symbol: 'AAPL',
      nativeSymbol: id === 'edgar' ? 'CIK0000320193' : 'AAPL',
    };
    const error = await readAll(factory(context), { ...request, ...range }).catch(
      (thrown: unknown) => thrown,
    );
    return { error, lines: context.lines };
  }

  describe(id, () => {
    test.each(Object.keys(FAILURES))('keeps its credentials to itself at %s', async (name) => {
      // A provider that repeats what it was sent, as it was written in an address or a header, at the beginning of what it says.
      const said = secrets.flatMap(formsOf).join(' ');
      await using provider = new Provider(() => FAILURES[name]!(said));
      const { error, lines } = await failing(provider.base);
      // It was asked, with the credentials.
      const { url, headers } = provider.requests[0]!;
      const sent = [...url.searchParams.values(), ...headers.values()].join('\n');
      for (const secret of secrets) expect(sent).toContain(secret);
      expect(error).toBeInstanceOf(NautilusError);
      const shown = [
        inspect(error, { depth: 10 }),
        JSON.stringify((error as NautilusError).extras),
        ...lines,
      ].join();
      for (const form of secrets.flatMap(formsOf)) expect(shown).not.toContain(form);
    });

    test('keeps its credentials to itself where nobody answers', async () => {
      const provider = new Provider(() => Response.json({}));
      await provider[Symbol.asyncDispose]();
      const { error, lines } = await failing(provider.base);
      expect(error).toMatchObject({ slug: 'dependency-unavailable' });
      const shown = [inspect(error, { depth: 10 }), ...lines].join();
      for (const form of secrets.flatMap(formsOf)) expect(shown).not.toContain(form);
    });
  });
}
