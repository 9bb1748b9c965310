// Pages without scripts: text is escaped where it is put in, so that no name of a column or a model can be markup.

/** Markup that is safe to put into a page. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

type Part = Html | string | number | null | readonly Part[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function partOf(part: Part): string {
  if (part === null) return '';
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return part.map(partOf).join('');
  return String(part).replace(/[&<>"']/g, (c) => ESCAPES[c]!);
}

/** Markup from a template; what is put in is escaped unless it is {@link Html}. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(texts.reduce((all, text, i) => all + partOf(parts[i - 1] ?? null) + text));
}

const STYLE = `body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:68rem;padding:0 1rem;color:#1b2733;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse}td,th{padding:.2rem .7rem;text-align:left;border-bottom:1px solid #dde3ea}
td.n{text-align:right;font-variant-numeric:tabular-nums}.bad{color:#b3261e;font-weight:600}.good{color:#1d6b3a}.plots{display:flex;flex-wrap:wrap;gap:1rem}
figure{margin:0}figcaption{font-size:.85rem}.note{color:#5b6b7b}`;

/** Returns a page as a reply that a browser runs nothing of. */
export function pageOf(title: string, body: Html): Response {
  const page = html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title><style>${new Html(STYLE)}</style></head><body>${body}</body></html>`;
  return new Response(page.text, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
      'x-content-type-options': 'nosniff',
    },
  });
}

/** A number for people; a dash where there is none. */
export function figure(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return '–';
  return Number(value.toPrecision(digits)).toString();
}

/** A time for people. */
export function timeOf(us: number | null): string {
  return us === null ? '–' : new Date(us / 1000).toISOString().replace('T', ' ').slice(0, 19);
}
