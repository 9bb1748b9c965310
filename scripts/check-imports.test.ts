// Behaviour of the import rules, on small trees written here.
import { describe, expect, test } from 'bun:test';
import { checkImports, type Exception } from './check-imports.ts';

/** Messages of the check over `files`, each with its path and line. */
function messages(files: Record<string, string>, exceptions: Exception[] = []): string[] {
  const found = checkImports(new Map(Object.entries(files)), exceptions);
  return found.map(({ path, line, message }) => `${path}:${line ?? 0} ${message}`);
}

const use = (specifier: string) => `import { x } from '${specifier}';\n`;

describe('TypeScript', () => {
  test('accepts imports that go down the tiers or stay in their folder', () => {
    const files = {
      'src/main.ts': use('../engines/risk/index.ts') + use('./cli/up.ts'),
      'src/cli/up.ts': '',
      'engines/risk/index.ts': use('./service.ts') + use('../../src/http/app.ts'),
      'engines/risk/service.ts': use('../../src/core/ids.ts') + use('zod') + use('node:fs'),
      'src/http/app.ts': use('../bus/client.ts'),
      'src/bus/client.ts': use('../market/bar.ts'),
      'src/market/bar.ts': use('../core/ids.ts'),
      'src/core/ids.ts': '',
    };
    expect(messages(files)).toEqual([]);
  });

  test('refuses an import that goes up', () => {
    const files = { 'src/core/ids.ts': `// ids\n${use('../bus/client.ts')}`, 'src/bus/client.ts': '' };
    expect(messages(files)).toEqual([
      'src/core/ids.ts:2 imports upwards, from src/core (tier 6) to src/bus/client.ts (tier 4)',
    ]);
  });

  test('refuses an import between two folders of one tier', () => {
    const files = { 'src/bus/client.ts': use('../store/db.ts'), 'src/store/db.ts': '' };
    expect(messages(files)[0]).toContain('imports sideways');
  });

  test('refuses an engine that imports another engine, also for types, re-exports and dynamic imports', () => {
    const target = '../ml/service.ts';
    for (const line of [
      use(target),
      `import type { A } from '${target}';`,
      `export * from '${target}';`,
      `import '${target}';`,
      `import {\n  a,\n  b,\n} from '${target}';`,
      `const late = await import('${target}');`,
    ]) {
      const files = { 'engines/risk/a.ts': line, 'engines/ml/service.ts': '' };
      expect(messages(files)).toHaveLength(1);
      expect(messages(files)[0]).toContain('engine imports another engine: engines/ml/service.ts');
    }
  });

  test('lets only the supervisor and the command line name engines', () => {
    const files = { 'src/http/app.ts': use('../../engines/ml/index.ts'), 'engines/ml/index.ts': '' };
    expect(messages(files)[0]).toContain('imports upwards');
    const cli = { 'src/cli/up.ts': use('../../engines/ml/index.ts'), 'engines/ml/index.ts': '' };
    expect(messages(cli)).toEqual([]);
  });

  test('lets tests import test helpers, and product code nothing outside src and engines', () => {
    const helper = { 'test/eventually.ts': '', 'scripts/run.ts': '' };
    expect(messages({ ...helper, 'src/bus/a.test.ts': use('../../test/eventually.ts') })).toEqual([]);
    expect(messages({ ...helper, 'src/bus/a.ts': use('../../test/eventually.ts') })).toEqual([
      'src/bus/a.ts:1 product code imports test/eventually.ts',
    ]);
    expect(messages({ ...helper, 'src/bus/a.test.ts': use('../../scripts/run.ts') })).toHaveLength(1);
  });

  test('lets tests, benches and scripts import everything', () => {
    const files = { 'test/a.test.ts': use('../engines/ml/index.ts'), 'bench/a.ts': use('../src/main.ts') };
    expect(messages({ ...files, 'engines/ml/index.ts': '', 'src/main.ts': '' })).toEqual([]);
  });

  test('names a folder without a tier and a file that does not exist', () => {
    expect(messages({ 'src/misc/a.ts': use('../core/ids.ts'), 'src/core/ids.ts': '' })).toEqual([
      'src/misc/a.ts:1 src/misc is in no tier; give it one in scripts/check-imports.ts',
    ]);
    expect(messages({ 'src/core/a.ts': use('./ids') })[0]).toContain('src/core/ids, which does not exist');
  });

  test('does not read comments', () => {
    const text = `/**\n * import { a } from '../ml/x.ts';\n */\n// import '../ml/x.ts';\n`;
    expect(messages({ 'engines/risk/a.ts': text })).toEqual([]);
  });

  test('reports each cycle with its files, once', () => {
    const files = {
      'src/core/a.ts': use('./b.ts'),
      'src/core/b.ts': use('./c.ts'),
      'src/core/c.ts': use('./a.ts'),
      'src/core/d.ts': use('./a.ts') + use('./b.ts'),
    };
    expect(messages(files)).toEqual([
      'src/core/c.ts:1 import cycle: src/core/a.ts -> src/core/b.ts -> src/core/c.ts -> src/core/a.ts',
    ]);
  });

  test('honours an exception and names one that nothing needs', () => {
    const files = { 'src/bus/client.ts': use('../store/db.ts'), 'src/store/db.ts': '' };
    const needed = { from: 'src/bus/', to: 'src/store/', reason: 'the durable log' };
    expect(messages(files, [needed])).toEqual([]);
    expect(messages({ 'src/store/db.ts': '' }, [needed])[0]).toContain('is not needed any more');
  });
});

describe('C++', () => {
  const native = { 'native/core/table.h': '', 'native/cpu/sum.h': '', 'native/metal/host.h': '' };

  test('accepts backends that include the core', () => {
    const files = {
      ...native,
      'native/cpu/sum.cpp': '#include <vector>\n#include "core/table.h"\n#include "sum.h"\n',
      'native/metal/host.mm': '#import <Metal/Metal.h>\n#include "../core/table.h"\n',
      'native/addon/addon.cpp': '#include <napi.h>\n#include "native/core/table.h"\n',
      'native/test/all.cpp': '#include "cpu/sum.h"\n#include "metal/host.h"\n',
    };
    expect(messages(files)).toEqual([]);
  });

  test('refuses backends that include each other, and an addon that goes past the core', () => {
    expect(messages({ ...native, 'native/cpu/a.cpp': '\n#include "metal/host.h"\n' })).toEqual([
      'native/cpu/a.cpp:2 native/cpu includes native/metal/host.h',
    ]);
    expect(messages({ ...native, 'native/metal/a.mm': '#include "../cpu/sum.h"\n' })).toHaveLength(1);
    expect(messages({ ...native, 'native/addon/a.cpp': '#include "cpu/sum.h"\n' })).toHaveLength(1);
  });

  test('keeps backends, Node headers and Apple headers out of the core', () => {
    for (const header of [
      '"cpu/sum.h"',
      '"metal/host.h"',
      '<node_api.h>',
      '"napi.h"',
      '<uv.h>',
      '<Metal/Metal.h>',
    ]) {
      expect(messages({ ...native, 'native/core/a.cpp': `#include ${header}\n` })).toHaveLength(1);
    }
  });
});
