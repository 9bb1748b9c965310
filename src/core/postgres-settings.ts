// Where Postgres is and who we are there, read from the environment; the secret stays out of everything that can be printed.
import { readFileSync } from 'node:fs';
import { InvalidOptionError } from './errors.ts';

/** `disable`: no TLS; `require`: TLS that trusts any certificate; `verify-full`: TLS whose certificate names the host. */
export type SslMode = 'disable' | 'require' | 'verify-full';

/** How to reach Postgres. */
export interface PostgresSettings {
  /** Host name or address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly sslMode: SslMode;
  /** Certificates of the authorities to trust (PEM); those of the system when undefined. */
  readonly sslRootCert: string | undefined;
  /** Put before the name of an engine to make that of its schema, so that several systems can share one database. */
  readonly schemaPrefix: string;
  /** Address for messages and logs: no user, no password. */
  readonly address: string;
  /** User and password. A function, so that printing the settings cannot show them. */
  credentials(): { readonly user: string; readonly password?: string };
}

/** The variables that say where Postgres is. */
export interface PostgresEnvironment {
  readonly url: string;
  readonly passwordFile?: string | undefined;
  /** Lower-case letters, digits and underscores; default none. */
  readonly schemaPrefix?: string | undefined;
}

const URL_FORM =
  'postgres://user[:password]@host[:port]/database[?sslmode=disable|require|verify-full&sslrootcert=file], or ?host=/folder for a Unix socket';
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;
const SSL_MODES: readonly string[] = ['disable', 'require', 'verify-full'] satisfies SslMode[];
const PARAMETERS: readonly string[] = ['sslmode', 'sslrootcert', 'host'];

/**
 * Returns the settings. The password of the file wins over the one of the URL; a line end after it is not part of it. Without
 * `sslmode` it is `disable` on this machine and `require` elsewhere. Throws {@link InvalidOptionError} that names the variable
 * and never its value.
 */
export function postgresSettings(env: PostgresEnvironment): PostgresSettings {
  const url = parseUrl(env.url);
  const parameters = url.searchParams;
  const database = decoded(url.pathname.slice(1));
  const user = decoded(url.username);
  const folder = parameters.get('host');
  const host = folder ?? decoded(url.hostname).replace(/^\[(.*)\]$/, '$1');
  const known = [...parameters.keys()].every((key) => PARAMETERS.includes(key));
  const named = host !== '' && user !== '' && database !== '' && !database.includes('/');
  if (!/^postgres(ql)?:$/.test(url.protocol) || !known || !named) throw badUrl();
  if (folder !== null && !folder.startsWith('/')) throw badUrl();
  const local = folder !== null || LOOPBACK.test(host);
  const sslMode = parameters.get('sslmode') ?? (local ? 'disable' : 'require');
  if (!isSslMode(sslMode)) throw badUrl();
  const rootFile = parameters.get('sslrootcert');
  if (rootFile !== null && sslMode !== 'verify-full')
    throw bad('DATABASE_URL', 'sslrootcert beside sslmode=verify-full only');
  const port = url.port === '' ? 5432 : Number(url.port);
  const password = env.passwordFile === undefined ? decoded(url.password) : passwordOf(env.passwordFile);
  return {
    host,
    port,
    database,
    sslMode,
    sslRootCert: rootFile === null ? undefined : certificateOf(rootFile),
    schemaPrefix: env.schemaPrefix ?? '',
    address: folder === null ? `postgres://${url.hostname}:${port}/${database}` : `${folder} (${database})`,
    credentials: () => ({ user, ...(password ? { password } : {}) }),
  };
}

// A scheme that URLs know no host rules for would leave the host as it is written; it is all the same here.
function parseUrl(text: string): URL {
  try {
    return new URL(text);
  } catch {
    throw badUrl();
  }
}

function isSslMode(text: string): text is SslMode {
  return SSL_MODES.includes(text);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badUrl();
  }
}

function bad(variable: string, expected: string): InvalidOptionError {
  const message = `Bad configuration: ${variable}: ${expected}`;
  return new InvalidOptionError(message, [{ pointer: `env/${variable}`, expected }]);
}

const badUrl = () => bad('DATABASE_URL', URL_FORM);

function certificateOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw bad('DATABASE_URL', 'sslrootcert to be the path of a file that can be read');
  }
}

function passwordOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch {
    throw bad('DATABASE_PASSWORD_FILE', 'the path of a file that can be read');
  }
}
