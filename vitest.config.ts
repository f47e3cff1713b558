import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'apps/*/src/**/*.test.{ts,tsx}',
      'bench/**/*.test.ts',
      'tests/**/*.test.ts',
      'tools/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**', '**/.quittance/**'],
    globalSetup: ['tests/support/global-setup.ts'],
    // Processes, not threads: the servers that a test starts end with the *thread* that started them.
    pool: 'forks',
    // Sized for two cores; more workers only wait for each other and for the database.
    maxWorkers: 2,
    // Long enough for a machine that does other things beside: what hangs, hangs for ever.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    // A poll that is right ends at once; the second it has by default is too short beside others.
    expect: { poll: { timeout: 20_000 } },
  },
});
