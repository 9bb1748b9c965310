// What becomes of a step on its way into Metal's language.
import { expect, test } from 'bun:test';
import { insideNamespace, translate } from './metal-dialect.ts';

const step = `
struct Demo {
  using Options = DemoOptions;

  template <typename T>
  struct Plan {
    T weight;
    Ring window[2];

    // Made on the host: {brackets} and (parentheses) of its own.
    explicit Plan(const Options& options, Layout& layout)
        : weight(static_cast<T>(options.weight)), window{layout.Take(1), layout.Take(2)} {
      if (weight > 1) weight = 1;
    }

    NAUTILUS_RINGS(window)
  };

  template <class D>
  struct Step {
    using V = hn::Vec<D>;
    V last;
    EmaCell<D> average;

    NAUTILUS_FIELDS(last, average)

    template <class Bar>
    HWY_INLINE void Update(const Bar& at, const Plan<hn::TFromD<D>>& plan, const V* in, V* out) {
      T* slot = at.slots + plan.window[0].at;
      if (HWY_UNLIKELY(at.bar == int64_t{0})) last = in[0];
      Keep(last, in[0]);
    }

    static HWY_INLINE void Keep(V& old, V value) { old = value; }
  };
};
`;

test('leaves what the GPU runs and names the place of every pointer and reference', () => {
  const text = translate(step, 'demo');
  expect(text).not.toContain('Options');
  expect(text).not.toContain('Made on the host');
  expect(text).not.toContain('if (weight > 1)');
  expect(text).toContain('  struct Plan {\n    T weight;\n    Ring window[2];');
  expect(text).toContain(
    'void Update(thread const Bar& at, thread const Plan<hn::TFromD<D>>& plan, thread const V* in, thread V* out) thread {',
  );
  expect(text).toContain('device T* slot = at.slots');
  expect(text).toContain('if ((at.bar == long{0}))');
  expect(text).toContain('void Fields(thread Visit& visit) thread {\n      VisitMember(visit, last);');
  expect(text).toContain('void Seek(long bar) thread { SeekMember(window, bar); }');
  expect(text).toContain('static void Keep(thread V& old, V value) { old = value; }');
});

test('refuses a step that needs the host', () => {
  expect(() => translate(`${step}\nstruct More { double wide; };\n`, 'demo')).toThrow('demo');
  expect(() => insideNamespace('int x;', 'plain.h')).toThrow('plain.h');
});
