import type { HttpApp } from '../../platform/http/index.ts';
import { addInvoiceRoutes, type InvoiceRouteDeps } from './invoice-routes.ts';
import { addNodeRoutes, type NodeRouteDeps } from './node-routes.ts';

export type LightningRouteDeps = NodeRouteDeps & InvoiceRouteDeps;

export function addLightningRoutes(app: HttpApp, deps: LightningRouteDeps): void {
  addNodeRoutes(app, deps);
  addInvoiceRoutes(app, deps);
}
