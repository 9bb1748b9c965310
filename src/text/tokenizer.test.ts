import { describe, expect, test } from 'bun:test';
import { openTokenizer } from './tokenizer.ts';

interface Case {
  readonly model: string;
  readonly tokenizer: Record<string, unknown>;
  readonly samples: readonly { readonly text: string; readonly ids: readonly number[] }[];
}
const { tokenizers } = await Bun.file(`${import.meta.dir}/golden.json`).json();
const cases: readonly Case[] = tokenizers.cases;
const fileOf = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
const refusal = (json: unknown) => {
  try {
    openTokenizer(json instanceof Uint8Array ? json : fileOf(json));
  } catch (error) {
    return (error as { slug: string; message: string }).slug;
  }
  return 'accepted';
};

describe.each(cases)('a $model tokenizer', ({ model, tokenizer: json, samples }) => {
  const tokenizer = openTokenizer(fileOf(json));

  test('gives the ids of the original', () => {
    expect(tokenizer.model as string).toBe(model);
    for (const { text, ids } of samples)
      expect([text, ...tokenizer.encode(text, 1000).ids]).toEqual([text, ...ids]);
  });

  test('cuts what is between the tokens around a text', () => {
    const { text, ids } = samples.toSorted((a, b) => b.ids.length - a.ids.length)[0]!;
    for (const most of [2, 3, 8, ids.length - 1]) {
      const cut = tokenizer.encode(text, most);
      expect(cut.ids).toEqual([...ids.slice(0, most - 1), ids.at(-1)!]);
      expect(cut.total).toBe(ids.length);
    }
    expect(tokenizer.encode(text, ids.length).ids).toEqual([...ids]);
  });
});

describe('a file that is refused', () => {
  const { tokenizer } = cases[0]!;
  const model = tokenizer.model as Record<string, unknown>;
  const huge = Object.fromEntries(Array.from({ length: 300_001 }, (_, i) => [`w${i}`, i]));

  test.each([
    ['no JSON', new TextEncoder().encode('{"model": ')],
    ['no UTF-8', new Uint8Array([0xff, 0xfe, 0x00])],
    ['a list', []],
    ['null', null],
    ['without a model', { ...tokenizer, model: undefined }],
    ['of a model that is not served', { ...tokenizer, model: { ...model, type: 'WordLevel' } }],
    ['with ids that are no numbers', { ...tokenizer, model: { ...model, vocab: { a: 'b' } } }],
    ['with a vocabulary that is a text', { ...tokenizer, model: { ...model, vocab: 'words' } }],
    ['with a huge vocabulary', { ...tokenizer, model: { ...model, vocab: huge } }],
    ['with an unknown normaliser', { ...tokenizer, normalizer: { type: 'Reverse' } }],
    [
      'with a pattern that is none',
      { ...tokenizer, pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' } },
    ],
  ])('is %s', (_, json) => {
    expect(refusal(json)).toBe('invalid-model');
  });
});
