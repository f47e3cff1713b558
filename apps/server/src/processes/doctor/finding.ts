/** One line of the doctor's report. `blocking`: the server can't do its work like this. */
export type Finding = {
  level: 'ok' | 'warning' | 'blocking';
  check: string;
  detail: string;
  action?: string;
};

export function ok(check: string, detail: string): Finding {
  return { level: 'ok', check, detail };
}

export function warning(check: string, detail: string, action: string): Finding {
  return { level: 'warning', check, detail, action };
}

export function blocking(check: string, detail: string, action: string): Finding {
  return { level: 'blocking', check, detail, action };
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  return 'code' in error ? String(error.code) : error.name;
}
