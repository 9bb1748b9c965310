// Turns the steps of indicators, written in C++ over vectors of lanes, into Metal's language for a lane of one.
//
// The steps keep to a dialect that makes this a matter of words: operations are calls of `hn::`, the constructor of a plan runs
// on the host, parameters are values, references or pointers to what the thread holds, and local pointers point into the state.

/** Functions that run on the host only, where a plan is made. */
const HOST_FUNCTIONS = ['WilderRule', 'WeightsOf', 'Begun', 'Rule'];

const OPEN = { '(': ')', '{': '}' } as const;

/** Returns the index after the bracket that closes the one at `from`. */
function closed(text: string, from: number): number {
  const open = text[from] as keyof typeof OPEN;
  const close = OPEN[open];
  for (let at = from, depth = 0; at < text.length; at++) {
    if (text[at] === open) depth++;
    if (text[at] === close && --depth === 0) return at + 1;
  }
  throw new Error(`Expected ${close}, was the end of the text`);
}

/** Returns what stands between the namespace of the SIMD target and its end. */
export function insideNamespace(text: string, path: string): string {
  const begin = text.indexOf('HWY_NAMESPACE {\n');
  const end = text.lastIndexOf('}  // namespace');
  if (begin < 0 || end < begin) throw new Error(`Expected a namespace of the SIMD target in ${path}`);
  return text.slice(begin + 'HWY_NAMESPACE {\n'.length, end);
}

/** Returns one declaration that begins with `head`, comments before it included, up to the end of its body. */
export function declaration(text: string, head: string): string {
  const at = text.indexOf(head);
  if (at < 0) throw new Error(`Expected a declaration with ${head.trim()}`);
  const body = text.indexOf('{', text.indexOf('(', at));
  const block = text.lastIndexOf('\n\n', at) + 2;
  return `${text.slice(block, closed(text, body))}\n`;
}

// Cuts what begins at `start` (a match in the text) up to the end of its body, with the comment and `template` lines before it.
function cut(text: string, start: number): string {
  let at = closed(text, text.indexOf('(', start));
  // Members are initialised in brackets right after their names; a space stands before the body.
  for (; text[at] !== '{' || text[at - 1] !== ' '; at++) {
    if (text[at] === '(' || text[at] === '{') at = closed(text, at) - 1;
  }
  let begin = text.lastIndexOf('\n', start) + 1;
  for (;;) {
    const before = text.lastIndexOf('\n', begin - 2) + 1;
    if (!/^\s*(\/\/|template)/.test(text.slice(before, begin))) break;
    begin = before;
  }
  const end = closed(text, at);
  return text.slice(0, begin) + text.slice(text[end] === '\n' ? end + 1 : end);
}

function cutAll(text: string, pattern: RegExp): string {
  let rest = text;
  for (let found = pattern.exec(rest); found; found = pattern.exec(rest)) rest = cut(rest, found.index);
  return rest;
}

const TYPE = String.raw`(?:hn::)?[A-Z]\w*(?:<(?:[^<>;(){}]|<[^<>;(){}]*>)*>)?`;

function visitors(text: string): string {
  const members = (list: string) => list.split(',').map((name) => name.trim());
  return text
    .replaceAll(/^( *)NAUTILUS_FIELDS\(([^)]*)\)/gm, (_, indent: string, list: string) =>
      [
        `${indent}template <class Visit>`,
        `${indent}void Fields(thread Visit& visit) {`,
        ...members(list).map((name) => `${indent}  VisitMember(visit, ${name});`),
        `${indent}}`,
      ].join('\n'),
    )
    .replaceAll(/^( *)NAUTILUS_RINGS\(([^)]*)\)/gm, (_, indent: string, list: string) =>
      ['Seek', 'Next']
        .map((verb) => {
          const [takes, gives] = verb === 'Seek' ? ['long bar', ', bar'] : ['', ''];
          const calls = members(list).map((name) => `${verb}Member(${name}${gives});`);
          return `${indent}void ${verb}(${takes}) { ${calls.join(' ')} }`;
        })
        .join('\n'),
    );
}

// Methods work on objects that the thread holds.
function threadMethods(text: string): string {
  const head = /^ +(?!return )[A-Za-z][\w:<>]* (?:\w+|operator\(\))\(/gm;
  let out = '';
  let from = 0;
  for (let found = head.exec(text); found; found = head.exec(text)) {
    const end = closed(text, head.lastIndex - 1);
    const rest = /^( const)? \{/.exec(text.slice(end));
    if (!rest || found[0].trimStart().startsWith('static')) continue;
    const at = end + (rest[1]?.length ?? 0);
    out += `${text.slice(from, at)} thread`;
    from = at;
  }
  return out + text.slice(from);
}

/** Returns the text in Metal's language. @throws Error when something is left that only the host can run. */
export function translate(text: string, path: string): string {
  let out = text.replaceAll(/^ *using Options = .*\n/gm, '').replaceAll(/^namespace hn = .*\n/gm, '');
  out = cutAll(out, /^ *(?:explicit )?(?:Plan|EmaRule)\((?!\))/m);
  for (const name of HOST_FUNCTIONS) out = cutAll(out, new RegExp(`^[^\\n(=]* ${name}\\([^)]*\\) \\{`, 'm'));
  out = visitors(out)
    .replaceAll('static constexpr', 'static constant constexpr')
    .replaceAll(/\b(static )?HWY_INLINE /g, (_, member: string | undefined) => member ?? '')
    .replaceAll(/HWY_UNLIKELY/g, '')
    .replaceAll(/\bint64_t\b/g, 'long')
    // Parameters and results by reference, pointers to numbers of the thread.
    .replaceAll(new RegExp(`([(,]\\s*)(const )?(${TYPE})& (\\w+)`, 'g'), '$1thread $2$3& $4')
    .replaceAll(new RegExp(`([(,]\\s*)(const )?(${TYPE})&(?=[,)])`, 'g'), '$1thread $2$3&')
    .replaceAll(/([(,]\s*)(const )?(V|hn::Vec<D>)\*( \w+)?(?=[,)])/g, '$1thread $2$3*$4')
    // Local pointers point into the state.
    .replaceAll(/^( *)(T|hn::TFromD<D>)\* (\w+) =/gm, '$1device $2* $3 =')
    .replaceAll(/At<D, kSteady>/g, 'At<D>')
    .replaceAll(/template <class D, bool kSteady>/g, 'template <class D>')
    .replaceAll(/^ *template <bool kSteady>\n/gm, '')
    .replaceAll(/!kSteady && /g, '')
    .replaceAll(/^\/\/ clang-format.*\n/gm, '')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
  const left = /\b(double|options|Layout|std::|HWY_\w+|requires|if constexpr|NAUTILUS_\w+)/.exec(out);
  if (left) throw new Error(`Expected a step of ${path} that Metal can run, was one with ${left[0]}`);
  return `${threadMethods(out)}\n`;
}
