import { z } from 'zod';
import { timestamp } from './fields.ts';

/** off: nothing is looked at. shadow: payments are scored, nothing is held. on: decisions act. */
export const riskModes = ['off', 'shadow', 'on'] as const;
export type RiskMode = (typeof riskModes)[number];

/** The longest that any rule known here gives: 31 CFR 1020.320(b)(3). */
const MAX_SAR_DAYS = 60;

const sarDays = z.int().min(1).max(MAX_SAR_DAYS);

const fields = {
  risk: z.enum(riskModes).meta({
    description:
      'off: payments are not scored. shadow: they are, and nothing follows. on: decisions act',
  }),
  monitoring: z.boolean().meta({ description: 'Whether payments and payouts are watched' }),
  customerScreening: z.boolean().meta({
    description: 'Whether customers are screened, at onboarding and when lists change',
  }),
  payoutScreening: z.boolean().meta({
    description: 'Whether payouts to whom lists name, or the store blocks, wait for people',
  }),
  sarDaysSuspectKnown: sarDays.meta({
    description:
      'Days from detection to the last day for a report. 30 for banks and money services ' +
      'businesses (31 CFR 1020.320(b)(3), 1022.320(b)(3))',
  }),
  sarDaysSuspectUnknown: sarDays.meta({
    description:
      'The same while no suspect is known. 60 for banks (31 CFR 1020.320(b)(3)); a money services ' +
      'business has no more than 30 (1022.320(b)(3))',
  }),
  reminderDays: z
    .int()
    .min(0)
    .max(MAX_SAR_DAYS)
    .meta({ description: 'A case is listed as due soon this many days before its last day' }),
};

/** What a store sends: all of them but one, so that nothing is changed unseen. */
export const complianceSettingsInputSchema = z
  .strictObject({
    ...fields,
    payoutScreening: fields.payoutScreening.optional().meta({
      description:
        'Whether payouts to whom lists name, or the store blocks, wait for people. Absent: as it is',
    }),
  })
  .refine((settings) => settings.sarDaysSuspectKnown <= settings.sarDaysSuspectUnknown, {
    path: ['sarDaysSuspectUnknown'],
    error: 'must not be fewer than with a known suspect',
  })
  .meta({ id: 'WriteComplianceSettings' });
export type ComplianceSettingsInput = z.output<typeof complianceSettingsInputSchema>;
/** What holds for a store. */
export type ComplianceSettingsInForce = Omit<ComplianceSettingsInput, 'payoutScreening'> & {
  payoutScreening: boolean;
};

export const complianceSettingsSchema = z
  .strictObject({
    ...fields,
    updatedAt: timestamp.nullable().meta({ description: 'null: these are the defaults' }),
    updatedBy: z.string().nullable(),
  })
  .meta({ id: 'ComplianceSettings' });
export type ComplianceSettingsJson = z.output<typeof complianceSettingsSchema>;

/**
 * A store that says nothing wants nothing of it (docs/adr/0016-compliance.md). Both clocks are those
 * of a money services business, the stricter rule; a bank may set the second one to 60.
 */
export const defaultComplianceSettings: ComplianceSettingsInForce = {
  risk: 'off',
  monitoring: false,
  customerScreening: false,
  payoutScreening: false,
  sarDaysSuspectKnown: 30,
  sarDaysSuspectUnknown: 30,
  reminderDays: 7,
};
