import type { AlertEventCause, AlertKind, AlertSeverity } from '@quittance/contract';
import type { Facts } from '../facts.ts';

export type KindText<Kind extends AlertKind> = {
  /** Says it in a line; the same for all alerts of the kind. */
  title: string;
  detail(facts: Facts<Kind>): string;
  nextStep: string;
};

/** All words of one language. */
export type Texts = {
  kinds: { [Kind in AlertKind]: KindText<Kind> };
  severities: Record<AlertSeverity, string>;
  /** Before the title in the subject; empty for the first e-mail. */
  causes: Record<AlertEventCause, string>;
  /** Between a label and what it names. */
  colon: string;
  labels: {
    todo: string;
    store: string;
    severity: string;
    since: string;
    resolvedAt: string;
    count: string;
    alert: string;
  };
  /** Who the alerts of the instance are about. */
  instance: string;
  whyYou: string;
  whyOperator: string;
  /** The last e-mail for now. @param perHour how many are sent in an hour */
  limit(perHour: number): string;
};
