// A process that sends e-mails and does nothing else, for tests that kill it.
import { openDatabase, roleUrls } from '../../platform/db/index.ts';
import { startMailer } from './mailer.ts';
import { mailerOptions, smtpSettings } from './test-support.ts';

const [ownerUrl, port] = process.argv.slice(2);
if (ownerUrl === undefined) throw new Error('give the URL of the database');
const database = openDatabase(roleUrls(ownerUrl));
startMailer({ ...mailerOptions(database, smtpSettings(Number(port))), leaseMs: 1_500 });
