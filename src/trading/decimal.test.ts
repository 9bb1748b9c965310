// Decimals: conversion, refusal, canonical text, JSON schemas.
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { NonFiniteInputError } from '../core/errors.ts';
import { Decimal, dec, decimalSchema, decimalTextSchema, positiveDecimalSchema, text } from './decimal.ts';

describe('dec', () => {
  test('reads a number through its shortest text', () => {
    expect(text(dec(0.1).plus(dec(0.2)))).toBe('0.3');
    expect(text(dec(1.2345678901234568e-5))).toBe('0.000012345678901234568');
  });
  test('refuses what is not a finite number', () => {
    for (const bad of [Number.NaN, Infinity, -Infinity, 'NaN', 'Infinity', '', 'abc', '0x10', '1 000']) {
      expect(() => dec(bad)).toThrow(NonFiniteInputError);
    }
    expect(() => dec(new Decimal(Number.NaN))).toThrow(NonFiniteInputError);
    expect(() => dec(undefined as unknown as string)).toThrow(NonFiniteInputError);
  });
  test('hands a decimal through without a copy', () => {
    const x = dec('1.5');
    expect(dec(x)).toBe(x);
  });
  test('writes minus zero as zero and never uses an exponent', () => {
    expect(text(dec(-0))).toBe('0');
    expect(text(dec('1e-20'))).toBe('0.00000000000000000001');
    expect(text(dec(1e17))).toBe('100000000000000000');
  });
  test('rounds half to even when told to round', () => {
    expect(text(dec('0.125').toDecimalPlaces(2))).toBe('0.12');
    expect(text(dec('0.135').toDecimalPlaces(2))).toBe('0.14');
  });
  test('multiplies and adds the widest admitted decimals without rounding', () => {
    const digits = (n: number) => fc.bigInt({ min: 0n, max: 10n ** BigInt(n) - 1n });
    const wide = fc.tuple(digits(18), digits(24)).map(([a, b]) => ({
      scaled: a * 10n ** 24n + b,
      value: dec(`${a}.${b.toString().padStart(24, '0')}`),
    }));
    fc.assert(
      fc.property(wide, wide, wide, (a, b, c) => {
        const exact = a.scaled * b.scaled + c.scaled * 10n ** 24n;
        const ours = a.value.times(b.value).plus(c.value);
        return ours.times('1e48').toFixed(0) === exact.toString();
      }),
    );
  });
});

describe('the schemas', () => {
  test('give the canonical string for strings and numbers', () => {
    expect(decimalSchema.parse('001.500')).toBe('1.5');
    expect(decimalSchema.parse(1e-7)).toBe('0.0000001');
    expect(decimalSchema.parse('-0.0')).toBe('0');
    expect(positiveDecimalSchema.parse('0.001')).toBe('0.001');
  });
  test('refuse exponents in text, too many digits and what is not finite', () => {
    for (const bad of [
      '1e5',
      '1'.repeat(19),
      `0.${'1'.repeat(25)}`,
      1e30,
      Number.NaN,
      Infinity,
      '',
      null,
      '+1',
      'x',
    ]) {
      expect(decimalSchema.safeParse(bad).success).toBe(false);
    }
  });
  test('refuse zero and less where a positive decimal is due', () => {
    for (const bad of ['0', 0, '-1', '-0.000', -0.5])
      expect(positiveDecimalSchema.safeParse(bad).success).toBe(false);
  });
  test('take only strings in replies', () => {
    expect(decimalTextSchema.safeParse('1.50').success).toBe(true);
    expect(decimalTextSchema.safeParse(1.5).success).toBe(false);
  });
});
