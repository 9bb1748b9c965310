// Formats the C++ of native/ with clang-format; with --check only lists what differs and fails.
import { relative, resolve } from 'node:path';

const root = resolve(import.meta.dir, '..');
const check = process.argv.includes('--check');
const files = [...new Bun.Glob('native/**/*.{cc,cpp,h,mm,metal}').scanSync({ cwd: root })]
  .filter((file) => !file.includes('/generated/'))
  .sort();

if (!Bun.which('clang-format')) {
  console.error(
    'Expected clang-format on the PATH, was absent: install it with `apt install clang-format` or `brew install clang-format`',
  );
  process.exit(1);
}

/** Returns what clang-format makes of one file. */
function formatted(file: string): string {
  const run = Bun.spawnSync(['clang-format', '--style=file', file], { cwd: root });
  if (!run.success) throw new Error(`clang-format failed on ${file}: ${run.stderr.toString()}`);
  return run.stdout.toString();
}

const differing: string[] = [];
for (const file of files) {
  const path = resolve(root, file);
  const wanted = formatted(file);
  if (wanted === (await Bun.file(path).text())) continue;
  differing.push(relative(root, path));
  if (!check) await Bun.write(path, wanted);
}

for (const file of differing) console.log(`${check ? 'differs' : 'formatted'}: ${file}`);
if (check && differing.length > 0) process.exit(1);
