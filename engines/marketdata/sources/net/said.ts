// What a provider said, made fit for errors and logs: short, of one line, without secrets.
import { redact } from '../../../../src/core/redact.ts';

const MOST = 200;
const LEAST_SECRET = 4;

/** Returns at most 200 characters of `text` on one line, with `secrets` (plain or percent-encoded) and keys of ours replaced by marks. */
export function said(text: string, secrets: readonly string[] = []): string {
  // Cut after the secrets are out: half of one is a secret as well.
  let clean = text;
  for (const secret of secrets) {
    if (secret.length < LEAST_SECRET) continue;
    for (const form of new Set([secret, encodeURIComponent(secret)]))
      clean = clean.replaceAll(form, '[redacted]');
  }
  // Control characters could forge lines of a log.
  clean = redact(clean)
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  return clean.length > MOST ? `${clean.slice(0, MOST - 1)}…` : clean;
}
