// Where Redis is and who we are there, read from the environment; the secret stays out of everything that can be printed.
import { readFileSync } from 'node:fs';
import { InvalidOptionError } from './errors.ts';

/** How to reach Redis. */
export interface RedisSettings {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly tls: boolean;
  /** Put before every channel, so that several systems can share one Redis. */
  readonly prefix: string;
  /** Address for messages and logs: no user, no password. */
  readonly address: string;
  /** User and password. A function, so that printing the settings cannot show them. */
  credentials(): { readonly username?: string; readonly password?: string };
}

/** The variables that say where Redis is. */
export interface RedisEnvironment {
  readonly url: string;
  readonly passwordFile?: string | undefined;
  readonly prefix: string;
}

const URL_FORM = 'redis://[user:password@]host[:port][/database], or rediss:// for TLS';
const DATABASE = /^\/?(\d{0,5})$/;

/**
 * Returns the settings. The password of the file wins over the one of the URL; a line end after it is not part of it.
 * Throws {@link InvalidOptionError} that names the variable and never its value.
 */
export function redisSettings(env: RedisEnvironment): RedisSettings {
  const url = parseUrl(env.url);
  const database = DATABASE.exec(url.pathname);
  if (!/^rediss?:$/.test(url.protocol) || url.hostname === '' || !database || url.search !== '')
    throw badUrl();
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? 6379 : Number(url.port);
  const db = Number(database[1]);
  const username = decoded(url.username);
  const password = env.passwordFile === undefined ? decoded(url.password) : secretOf(env.passwordFile);
  return {
    host,
    port,
    db,
    tls: url.protocol === 'rediss:',
    prefix: env.prefix,
    address: `${url.protocol}//${url.hostname}:${port}/${db}`,
    credentials: () => ({ ...(username ? { username } : {}), ...(password ? { password } : {}) }),
  };
}

function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw badUrl();
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badUrl();
  }
}

function badUrl(): InvalidOptionError {
  return new InvalidOptionError(`Bad configuration: REDIS_URL: ${URL_FORM}`, [
    { pointer: 'env/REDIS_URL', expected: URL_FORM },
  ]);
}

function secretOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch {
    const expected = 'the path of a file that can be read';
    throw new InvalidOptionError(`Bad configuration: REDIS_PASSWORD_FILE: ${expected}`, [
      { pointer: 'env/REDIS_PASSWORD_FILE', expected },
    ]);
  }
}
