import { z } from 'zod';
import { personText, timestamp, uuidText } from './fields.ts';

export const merchantNameText = personText({ min: 1, max: 200 }).meta({
  examples: ['Corner Coffee'],
});

/** What a merchant is besides its settings, whose schema the server completes. */
export const merchantFields = {
  id: uuidText,
  name: z.string(),
  createdAt: timestamp,
  updatedAt: timestamp,
} as const;
