// The C++ header that follows from the indicator definitions: one option struct each and the list of all.
import { type AnyIndicator, INPUTS } from '../../src/indicators/define.ts';
import { type Expression, parseExpression } from '../../src/indicators/warmup.ts';
import { pascal } from './names.ts';

/**
 * How many times the warm-up until nothing is left of a state, to the last bit, for all that is known; 0: never. A window of
 * blocks has forgotten after two of its lengths. An average takes about as many bars as its first value to forget a state by a
 * factor of e, and rounding another few.
 */
const LEADS: Readonly<Record<AnyIndicator['stability'], number>> = {
  exact: 2,
  epsilon: 2,
  converging: 64,
  pathDependent: 0,
};

const snake = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Returns the text of `native/core/generated/indicator_options.h`. */
export function nativeOptions(head: string, defs: readonly AnyIndicator[]): string {
  const list = defs.map(({ name }) => `X(${pascal(name)})`);
  return `${head}
// What the definitions say of each indicator: columns, outputs, options with their ranges, bars before the first value, warm-ups
// until whatever came before is forgotten (0: never).
#ifndef NAUTILUS_CORE_GENERATED_INDICATOR_OPTIONS_H_
#define NAUTILUS_CORE_GENERATED_INDICATOR_OPTIONS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "core/indicator_call.h"

namespace nautilus::cpu::indicators {

constexpr int64_t Isqrt(int64_t value) {
  int64_t root = 0;
  while ((root + 1) * (root + 1) <= value) ++root;
  return root;
}

${defs.map(struct).join('\n')}
#define NAUTILUS_INDICATORS(X) \\
  ${list.join(' \\\n  ')}

}  // namespace nautilus::cpu::indicators

#endif  // NAUTILUS_CORE_GENERATED_INDICATOR_OPTIONS_H_
`;
}

function struct(def: AnyIndicator): string {
  const options = Object.entries(def.options);
  const outputs = Object.keys(def.outputs);
  const fields = options.map(
    ([name, { type }]) => `  ${type === 'int' ? 'int64_t' : 'double'} ${snake(name)};\n`,
  );
  const reads = options.map(([name, { type }], at) =>
    type === 'int'
      ? `.${snake(name)} = static_cast<int64_t>(values[${at}])`
      : `.${snake(name)} = values[${at}]`,
  );
  const specs = options.map(
    ([name, { type, min, max }]) => `{"${snake(name)}", ${type === 'int'}, ${number(min)}, ${number(max)}}`,
  );
  const columns = def.inputs.map((input) => `Column::k${input[0]!.toUpperCase()}${input.slice(1)}`);
  if (def.inputs.some((input) => !INPUTS.includes(input))) throw new Error(`unknown input of ${def.name}`);
  const ofOptions =
    options.length > 0
      ? `  static constexpr OptionSpec kOptionSpecs[] = {${specs.join(', ')}};
  static constexpr std::span<const OptionSpec> kSpecs = kOptionSpecs;`
      : '  static constexpr std::span<const OptionSpec> kSpecs = {};';
  return `struct ${pascal(def.name)}Options {
  static constexpr const char* kName = "${def.name}";
  static constexpr int kInputs = ${def.inputs.length};
  static constexpr int kOutputs = ${outputs.length};
  static constexpr int64_t kLead = ${LEADS[def.stability]};
  static constexpr Column kInputColumns[] = {${columns.join(', ')}};
  static constexpr const char* kOutputNames[] = {${outputs.map((name) => `"${snake(name)}"`).join(', ')}};
${ofOptions}

${fields.join('')}
  static ${pascal(def.name)}Options Read(${options.length > 0 ? '' : '[[maybe_unused]] '}const double* values) { return {${reads.join(', ')}}; }
  int64_t Warmup() const { return ${cpp(parseExpression(def.warmup))}; }
};
`;
}

const number = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value));

function cpp(tree: Expression): string {
  if (tree.kind === 'integer') return `int64_t{${tree.value}}`;
  if (tree.kind === 'option') return snake(tree.name);
  const operands = tree.operands.map(cpp);
  if (tree.kind === 'isqrt') return `Isqrt(${operands[0]})`;
  if (tree.kind === 'max' || tree.kind === 'min') return `std::${tree.kind}<int64_t>(${operands.join(', ')})`;
  return `(${operands.join(` ${tree.kind} `)})`;
}
