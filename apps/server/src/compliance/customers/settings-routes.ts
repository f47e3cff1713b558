import {
  type CustomerSettingsJson,
  customerSettingsInputSchema,
  customerSettingsSchema,
  defaultCustomerSettings,
} from '@quittance/contract';
import { answers, type HttpApp, merchantOf, needs } from '../../platform/http/index.ts';
import { type CustomerRouteDeps, doingOf, tags } from './route-deps.ts';
import { checkSettings } from './settings.ts';
import { findSettings, type StoredSettings, writeSettings } from './settings-store.ts';

const SETTINGS_PATH = '/v1/compliance/customer-settings';

export function addCustomerSettingsRoutes(app: HttpApp, deps: CustomerRouteDeps): void {
  app.get(
    SETTINGS_PATH,
    {
      config: needs('compliance:read'),
      schema: {
        tags,
        operationId: 'readCustomerSettings',
        summary: "Read the store's rules about customers",
        response: answers(200, customerSettingsSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      return toJson(await deps.database.asTenant(merchantId, (tx) => findSettings(tx, merchantId)));
    },
  );
  app.put(
    SETTINGS_PATH,
    {
      config: needs('compliance:decide'),
      schema: {
        tags,
        operationId: 'writeCustomerSettings',
        summary: "Write the store's rules about customers",
        description: 'All fields are needed. They count for orders and decisions from now on.',
        body: customerSettingsInputSchema,
        response: answers(200, customerSettingsSchema),
      },
    },
    async (request) => {
      const merchantId = merchantOf(request);
      const settings = request.body;
      checkSettings(settings);
      const { by, nowMs } = doingOf(deps, request);
      return await deps.database.asTenant(merchantId, async (tx) => {
        await writeSettings(tx, { merchantId, settings, by, atMs: nowMs });
        await deps.recordAudit(tx, {
          ...{ merchantId, id: deps.ids.next(), atMs: nowMs, actor: by, subject: merchantId },
          ...{ action: 'customer_settings.updated', detail: { ...settings } },
        });
        return toJson(await findSettings(tx, merchantId));
      });
    },
  );
}

function toJson(stored: StoredSettings | undefined): CustomerSettingsJson {
  if (stored === undefined) return { ...defaultCustomerSettings, updatedAt: null, updatedBy: null };
  const { settings, updatedAt, updatedBy } = stored;
  return { ...settings, updatedAt: updatedAt.toISOString(), updatedBy };
}
