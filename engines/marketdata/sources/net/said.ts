// What a provider said, made fit for errors and logs: short, of one line, without secrets.
import { redact } from '../../../../src/core/redact.ts';

const MOST = 200;
const LEAST_SECRET = 4;

/** Returns at most 200 characters of `text` on one line, with `secrets` (plain, or as addresses and JSON write them) and keys of ours replaced by marks. */
export function said(text: string, secrets: readonly string[] = []): string {
  // Cut after the secrets are out: half of one is a secret as well.
  let clean = text;
  for (const secret of secrets) {
    if (secret.length < LEAST_SECRET) continue;
    for (const form of formsOf(secret)) clean = clean.replaceAll(form, '[redacted]');
  }
  // Control characters could forge lines of a log.
  clean = redact(clean)
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return clean.length > MOST ? `${clean.slice(0, MOST - 1)}…` : clean;
}

// As it is, within JSON, in a path, in a query as this client writes it.
function formsOf(secret: string): Set<string> {
  const inQuery = new URLSearchParams({ '': secret }).toString().slice(1);
  return new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), inQuery]);
}
