// A process that dispatches and does nothing else, for tests that kill it.
import { openDatabase, roleUrls } from '../../platform/db/index.ts';
import { startWebhookDispatcher } from './dispatcher.ts';
import { localDispatcher } from './test-support.ts';

const [ownerUrl] = process.argv.slice(2);
if (ownerUrl === undefined) throw new Error('give the URL of the database');
startWebhookDispatcher({ ...localDispatcher(openDatabase(roleUrls(ownerUrl))), leaseMs: 1_500 });
