export * from './assert.ts';
export * from './bytes.ts';
export * from './clock.ts';
export * from './currency.ts';
export * from './ids.ts';
export * from './lines.ts';
export * from './money.ts';
