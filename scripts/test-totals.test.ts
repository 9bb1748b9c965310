// Behaviour of the reading of test totals, on output as the runners print it.
import { expect, test } from 'bun:test';
import { bunTotals, closingLine, ctestTotals, failures, sum } from './test-totals.ts';

const bunOutput = `
src/a.test.ts:
(pass) g > a [0.03ms]
(skip) g > b
(fail) g > c [0.23ms]
(todo) g > later

 1 pass
 1 skip
 1 todo
 1 fail
 2 expect() calls
Ran 4 tests across 1 file. [35.00ms]
`;

test('reads the summary of bun test, with todo as skipped', () => {
  expect(bunTotals(bunOutput, 1)).toEqual({ passed: 1, failed: 1, skipped: 2 });
});

test('is not misled by numbers that a test prints itself', () => {
  expect(bunTotals(` 99 pass\n 99 fail\n${bunOutput}`, 1)).toEqual({ passed: 1, failed: 1, skipped: 2 });
});

test('counts a run that broke off as its reported tests and one failure', () => {
  expect(bunTotals('src/a.test.ts:\n(pass) a [0.1ms]\n(pass) b\npanic: Segmentation fault\n', 139)).toEqual({
    passed: 2,
    failed: 1,
    skipped: 0,
  });
});

test('counts a bad end without a failed test as one failure', () => {
  expect(bunTotals(' 3 pass\n 0 fail\nRan 3 tests across 1 file. [1.00ms]\n', 1)).toEqual({
    passed: 3,
    failed: 1,
    skipped: 0,
  });
});

test('counts a run without test files as one failure', () => {
  expect(bunTotals('The following filters did not match any test files:\n ./src\n', 1).failed).toBe(1);
});

const ctestOutput = `test 1
    Start 1: native_tests
1: Test command: build/native/native_tests
1: ok   multiplies
1: native/test/a_test.cc:7: 1 == 2 is false
1: FAIL solves
1: ok   dispatches
1: 3 tests, 2 failed checks
1/2 Test #1: native_tests .....***Failed 0.10 sec
2: Test command: build/native/other
2: ok   runs
2: 1 tests, 0 failed checks
`;

test('adds up the programs that ctest ran, test by test', () => {
  expect(ctestTotals(ctestOutput, 8)).toEqual({ passed: 3, failed: 1, skipped: 0 });
});

test('counts a native program that broke off, and a bad end of ctest, as one failure', () => {
  const crash = '1: Test command: x\n1: ok   multiplies\n1: Segmentation fault\n';
  expect(ctestTotals(crash, 8)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  const whole = '1: Test command: x\n1: ok   multiplies\n1: 1 tests, 0 failed checks\n';
  expect(ctestTotals(whole, 0)).toEqual({ passed: 1, failed: 0, skipped: 0 });
  expect(ctestTotals(whole, 8)).toEqual({ passed: 1, failed: 1, skipped: 0 });
  expect(ctestTotals('No tests were found!!!\n', 8)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('names what failed, after the lines that say why', () => {
  expect(failures(ctestOutput)).toEqual(['1: native/test/a_test.cc:7: 1 == 2 is false', '1: FAIL solves']);
  const bun = '(pass) a\nerror: far\n\nExpected: 1\nReceived: 2\n(fail) b [1ms]\n(pass) c\n(fail) d\n';
  expect(failures(bun, 2)).toEqual(['Expected: 1', 'Received: 2', '(fail) b [1ms]', '(fail) d']);
  expect(failures(' 3 pass\n 0 fail\n')).toEqual([]);
});

test('closes with one plain line and names skipped tests only when there are any', () => {
  expect(
    closingLine(
      sum([
        { passed: 1, failed: 0, skipped: 0 },
        { passed: 2, failed: 1, skipped: 0 },
      ]),
    ),
  ).toBe('3 passed, 1 failed');
  expect(closingLine({ passed: 1, failed: 0, skipped: 4 })).toBe('1 passed, 0 failed, 4 skipped');
});
