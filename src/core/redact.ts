// Keeps secrets out of what is written: API keys and credentials of URLs become marks.

const KEY = /\bnk_([a-z0-9]{5,8})_[\w-]{20,}/g;
// The user information of a URL (RFC 3986, section 3.2.1), in JSON text too.
const CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'\\]*@/gi;

/** Names of fields whose values are never logged, wherever they are within two levels of a log line. */
export const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'api_key',
  'x-api-key',
  'sec-websocket-protocol',
] as const;

/** Returns `text` with the secret part of API keys and the credentials of URLs replaced; the id of a key stays. */
export function redact(text: string): string {
  const keyless = text.includes('nk_') ? text.replace(KEY, 'nk_$1_[redacted]') : text;
  return keyless.includes('://') && keyless.includes('@')
    ? keyless.replace(CREDENTIALS, '$1[redacted]@')
    : keyless;
}
