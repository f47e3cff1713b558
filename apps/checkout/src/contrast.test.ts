import fc from 'fast-check';
import { expect, test } from 'vitest';
import { brandColors, contrastRatio, SURFACE } from './contrast.ts';

const color = fc
  .integer({ min: 0, max: 0xffffff })
  .map((value) => `#${value.toString(16).padStart(6, '0')}`);

test('any colour a store chooses can be read, as button, edge and text, in both themes', () => {
  fc.assert(
    fc.property(color, fc.constantFrom('light' as const, 'dark' as const), (chosen, theme) => {
      const { fill, onFill, edge, ink } = brandColors(chosen, theme);
      expect(fill).toBe(chosen);
      expect(contrastRatio(onFill, fill)).toBeGreaterThanOrEqual(4.5);
      expect(contrastRatio(edge, SURFACE[theme])).toBeGreaterThanOrEqual(3);
      expect(contrastRatio(ink, SURFACE[theme])).toBeGreaterThanOrEqual(4.5);
    }),
    { numRuns: 2_000 },
  );
});

test('a colour that is readable already stays as it is', () => {
  expect(brandColors('#2f54d6', 'light')).toEqual({
    fill: '#2f54d6',
    onFill: '#ffffff',
    edge: '#2f54d6',
    ink: '#2f54d6',
  });
});

test('contrast ratios are those of the WCAG definition', () => {
  expect(contrastRatio('#000000', '#ffffff')).toBeCloseTo(21, 5);
  expect(contrastRatio('#777777', '#ffffff')).toBeCloseTo(4.478, 3);
});

test('what is not a colour gives the default one, never broken CSS', () => {
  expect(brandColors('red;}</style>', 'light')).toEqual(brandColors(null, 'light'));
});
