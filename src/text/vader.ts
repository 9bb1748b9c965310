// Sentiment of a text by a lexicon and the rules of VADER: negation, degree words, capitals, punctuation, "but".
import { BOOSTERS, NEGATIONS, PHRASES } from './vader-words.ts';

/** What words and emoji say. */
export interface Lexicon {
  /** Valence of lower-case words and emoticons, about -4 to 4, as people rated them. */
  readonly words: ReadonlyMap<string, number>;
  /** Name in words of an emoji of one code point. */
  readonly emoji: ReadonlyMap<string, string>;
}

/** What a turned-around word keeps of its valence, and what capitals add; both are means of what people rated. */
const NEGATED = -0.74;
const CAPITALS = 0.733;
/** Brings a sum of valences into -1 to 1: about the largest square that is expected. */
const ALPHA = 15;
/** What a word one, two or three places before another has of its effect. */
const NEARNESS = [1, 0.95, 0.9];

// The white space and punctuation of Python, whose `str.split` and `string.punctuation` the rules were made with.
const SEPARATORS = String.fromCharCode(0x1c, 0x1d, 0x1e, 0x1f);
const SPACES = new RegExp(
  `[${SEPARATORS}\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+`,
);
const MARKS: ReadonlySet<string> = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~');
const UPPER = /\p{Uppercase}/u;
const LOWER = /\p{Lowercase}|\p{Lt}/u;

/**
 * Returns the compound score of a text in [-1, 1]; 0 for one without words of the lexicon. Time is linear in its length.
 * Source: Hutto and Gilbert, "VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text",
 * ICWSM 2014, as in vaderSentiment 3.3.2, with two differences: "but" halves what is before it and adds half to what is
 * after it by place, where the original looks places up by value and may find another word of that value; and a heart
 * that asks to be shown as a picture is a heart.
 */
export function vaderScore(text: string, lexicon: Lexicon): number {
  const plain = withoutEmoji(text, lexicon.emoji);
  const words = plain.split(SPACES).filter(Boolean).map(bare);
  if (words.length === 0) return 0;
  const valences = new Sentence(words, lexicon.words).valences();
  let sum = 0;
  for (const valence of valences) sum += valence;
  sum += Math.sign(sum) * emphasis(plain);
  return sum / Math.sqrt(sum * sum + ALPHA);
}

/** Emoji become their names, with a space before one that follows anything else than a space; what asks for a picture goes. */
function withoutEmoji(text: string, names: ReadonlyMap<string, string>): string {
  let plain = '';
  let afterSpace = true;
  let afterEmoji = false;
  for (const sign of text) {
    if (afterEmoji && sign === PICTURE) continue;
    const name = names.get(sign);
    afterEmoji = name !== undefined;
    if (name !== undefined && !afterSpace) plain += ' ';
    plain += name ?? sign;
    afterSpace = name === undefined && sign === ' ';
  }
  return plain;
}

/** A word without punctuation around it; what would be left with two letters at most is likely an emoticon and stays. */
function bare(word: string): string {
  let from = 0;
  let to = word.length;
  // Not a pattern: one that looks for marks at the end takes the square of the length of marks in the middle.
  while (from < to && MARKS.has(word[from]!)) from++;
  while (to > from && MARKS.has(word[to - 1]!)) to--;
  const stripped = word.slice(from, to);
  return stripped.length <= 4 && [...stripped].length <= 2 ? word : stripped;
}

/** The selector that follows a sign which is to be shown as an emoji. */
const PICTURE = '\ufe0f';

const isUpper = (word: string) => UPPER.test(word) && !LOWER.test(word);

/** One text, word by word. */
class Sentence {
  readonly #words: readonly string[];
  readonly #lower: readonly string[];
  readonly #lexicon: ReadonlyMap<string, number>;
  /** Whether capitals say something: some words have them and others don't. */
  readonly #capitalsTell: boolean;

  constructor(words: readonly string[], lexicon: ReadonlyMap<string, number>) {
    this.#words = words;
    this.#lower = words.map((word) => word.toLowerCase());
    this.#lexicon = lexicon;
    const upper = words.filter(isUpper).length;
    this.#capitalsTell = upper > 0 && upper < words.length;
  }

  valences(): number[] {
    const lower = this.#lower;
    const valences = lower.map((word, i) => {
      if (BOOSTERS.has(word) || (word === 'kind' && lower[i + 1] === 'of')) return 0;
      return this.#valence(i);
    });
    const but = lower.indexOf('but');
    return but < 0 ? valences : valences.map((v, i) => (i < but ? v * 0.5 : i > but ? v * 1.5 : v));
  }

  #valence(i: number): number {
    const lower = this.#lower;
    const known = this.#lexicon.get(lower[i]!);
    if (known === undefined) return 0;
    let valence = known;
    // "no" before a word of the lexicon turns it around and says nothing of its own.
    if (lower[i] === 'no' && i < lower.length - 1 && this.#lexicon.has(lower[i + 1]!)) valence = 0;
    const joined = lower[i - 1] === 'or' || lower[i - 1] === 'nor';
    if (lower[i - 1] === 'no' || lower[i - 2] === 'no' || (lower[i - 3] === 'no' && joined))
      valence = known * NEGATED;
    if (this.#capitalsTell && isUpper(this.#words[i]!)) valence += valence > 0 ? CAPITALS : -CAPITALS;
    for (const [before, nearness] of NEARNESS.entries()) {
      const at = i - before - 1;
      if (at < 0 || this.#lexicon.has(lower[at]!)) continue;
      valence += this.#boost(at, valence) * nearness;
      valence = this.#negated(valence, before, i);
      if (before === 2) valence = this.#phrase(valence, i);
    }
    return this.#least(valence, i);
  }

  #boost(at: number, valence: number): number {
    const boost = BOOSTERS.get(this.#lower[at]!);
    if (boost === undefined) return 0;
    const signed = valence < 0 ? -boost : boost;
    if (!this.#capitalsTell || !isUpper(this.#words[at]!)) return signed;
    return signed + (valence > 0 ? CAPITALS : -CAPITALS);
  }

  /** "never so good" is more than good; "without doubt" turns nothing around. */
  #negated(valence: number, before: number, i: number): number {
    const [one, two, three] = [this.#lower[i - 1]!, this.#lower[i - 2], this.#lower[i - 3]];
    const asMuch = (word: string | undefined) => word === 'so' || word === 'this';
    if (before === 1) {
      if (two === 'never' && asMuch(one)) return valence * 1.25;
      if (two === 'without' && one === 'doubt') return valence;
    }
    if (before === 2) {
      // As in the original, "so" or "this" right before is enough here.
      if ((three === 'never' && asMuch(two)) || asMuch(one)) return valence * 1.25;
      if (three === 'without' && (two === 'doubt' || one === 'doubt')) return valence;
    }
    const word = this.#lower[i - before - 1]!;
    return NEGATIONS.has(word) || word.includes("n't") ? valence * NEGATED : valence;
  }

  #phrase(valence: number, i: number): number {
    const phrase = (from: number, to: number) => this.#lower.slice(from, to + 1).join(' ');
    const behind = [
      phrase(i - 1, i),
      phrase(i - 2, i),
      phrase(i - 2, i - 1),
      phrase(i - 3, i - 1),
      phrase(i - 3, i - 2),
    ];
    const found = behind.find((words) => PHRASES.has(words));
    let changed = found === undefined ? valence : PHRASES.get(found)!;
    const last = this.#lower.length - 1;
    if (last > i) changed = PHRASES.get(phrase(i, i + 1)) ?? changed;
    if (last > i + 1) changed = PHRASES.get(phrase(i, i + 2)) ?? changed;
    for (const words of [behind[3]!, behind[4]!, behind[2]!]) changed += BOOSTERS.get(words) ?? 0;
    return changed;
  }

  #least(valence: number, i: number): number {
    if (this.#lower[i - 1] !== 'least' || this.#lexicon.has('least')) return valence;
    const before = this.#lower[i - 2];
    return before === 'at' || before === 'very' ? valence : valence * NEGATED;
  }
}

/** What up to four exclamation marks, and two question marks or more, add. */
function emphasis(text: string): number {
  const count = (mark: string) => text.split(mark).length - 1;
  const questions = count('?');
  const asked = questions < 2 ? 0 : questions <= 3 ? questions * 0.18 : 0.96;
  return Math.min(4, count('!')) * 0.292 + asked;
}
