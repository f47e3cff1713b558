import { expect, test } from 'vitest';
import { checkImports, longFiles, machinePaths } from './checks.ts';
import { countTests, filesToRepeat, judgeRepeat } from './test.ts';

test('the import rules find each planted violation and nothing in the product', async () => {
  expect(await checkImports()).toMatchObject({ ok: true });
});

test('a file of 401 lines is too long, one of 400 and a test are not', () => {
  const text = (lines: number): string => 'x\n'.repeat(lines);
  expect(
    longFiles([
      { path: 'a.ts', text: text(401) },
      { path: 'b.ts', text: text(400) },
      { path: 'c.test.ts', text: text(900) },
    ]),
  ).toEqual([expect.stringContaining('a.ts')]);
});

test('the path of a home folder is found with its line, an address of the web is not', () => {
  const home = ['', 'home', 'somebody'].join('/');
  const found = machinePaths([
    { path: 'a.ts', text: `one\nconst file = '${home}/x';\n` },
    { path: 'b.md', text: `https://example.com${home}\n` },
  ]);
  expect(found).toEqual([`a.ts:2: ${home}`]);
});

test('a run in which a file breaks, nothing runs, or the runner fails is never a pass', () => {
  const report = {
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [] as { name: string; status: string; assertionResults: unknown[] }[],
  };
  const right = { status: 0, output: '', mayBeSkipped: false };
  expect(countTests(report, right)).toMatchObject({ passed: 3, failed: 0 });
  expect(countTests(report, { ...right, status: 1 }).failed).toBe(1);
  const nothing = { ...report, numPassedTests: 0 };
  expect(countTests(nothing, right).failed).toBe(1);
  const broken = { name: 'x', status: 'failed', assertionResults: [] };
  const breaks = { ...report, testResults: [broken] };
  expect(countTests(breaks, { ...right, status: 1 }).failed).toBe(1);
  // Where everything may be skipped, that is no failure; that nothing was found still is one.
  const optional = { ...right, mayBeSkipped: true };
  expect(countTests({ ...nothing, numPendingTests: 2 }, optional)).toMatchObject({
    ...{ passed: 0, failed: 0, skipped: 2 },
  });
  expect(countTests({ ...nothing, numPendingTests: 2 }, right).failed).toBe(1);
  expect(countTests(nothing, optional).failed).toBe(1);
  expect(countTests(breaks, { ...optional, status: 1 }).failed).toBe(1);
});

test('a few files that failed are tried once more and named; many, or a second failure, stay', () => {
  const file = (name: string, status = 'failed') => ({ name, status, assertionResults: [{}] });
  const report = {
    ...{ numPassedTests: 9, numFailedTests: 2, numPendingTests: 0, numTodoTests: 0 },
    testResults: [file('a.test.ts'), file('b.test.ts', 'passed'), file('c.test.ts')],
  };
  const first = countTests(report, { status: 1, output: '', mayBeSkipped: false });
  const files = filesToRepeat(report, first);
  expect(files).toEqual(['a.test.ts', 'c.test.ts']);
  const second = { passed: 5, failed: 0, skipped: 0, output: '' };
  const judged = judgeRepeat(first, second, files);
  expect(judged).toMatchObject({
    passed: 11,
    failed: 0,
    unsteady: [expect.stringMatching(/a\.test\.ts$/), expect.stringMatching(/c\.test\.ts$/)],
  });
  const again = judgeRepeat(first, { ...second, failed: 1 }, files);
  expect(again).toMatchObject({ passed: 9, failed: 2 });
  expect(again.unsteady).toBeUndefined();
  // A failure outside every file, and more files than a slow moment explains, are not repeated.
  const outside = { ...report, numFailedTests: 0, testResults: [file('b.test.ts', 'passed')] };
  expect(filesToRepeat(outside, { ...first, failed: 1 })).toEqual([]);
  const many = { ...report, testResults: [...'abcde'].map((name) => file(name)) };
  expect(filesToRepeat(many, first)).toEqual([]);
});
