import { defineFaultPoints } from '../../platform/fault-points.ts';

/** Where a crash must lose nothing and tell nothing twice. */
export const monitoringFaultPoint = defineFaultPoints(['monitoring-step-uncommitted']);
