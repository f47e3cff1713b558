import type { Config } from '../../platform/config/index.ts';
import { openSmtp } from '../../telling/notifications/index.ts';
import { mailOf } from '../configured.ts';
import { type Finding, ok, reasonOf, warning } from './finding.ts';

/** Connects to the mail server and logs in as for an e-mail; sends none. */
export async function checkMail(config: Config): Promise<Finding[]> {
  const mail = mailOf(config);
  if (mail === undefined) {
    const detail = 'no mail server is set: alerts are told by webhook and API only';
    return [warning('e-mail', detail, 'set smtp.host, smtp.from and smtp.operatorEmails')];
  }
  const { host, port } = mail.smtp;
  try {
    await openSmtp(mail.smtp).verify();
  } catch (error) {
    const detail = `the mail server ${host}:${port} can not be used: ${reasonOf(error)}`;
    return [warning('e-mail', detail, 'check the smtp settings; alerts wait for a day')];
  }
  const works = ok('e-mail', `${host}:${port} takes e-mails`);
  if (mail.operatorEmails.length > 0) return [works];
  const detail = 'nobody is e-mailed when the server itself is in trouble';
  return [works, warning('e-mail', detail, 'set smtp.operatorEmails')];
}
