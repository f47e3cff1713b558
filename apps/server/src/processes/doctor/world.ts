import { lookup } from 'node:dns/promises';
import type { Config } from '../../platform/config/index.ts';
import { createHttpFetch, publicSources } from '../../receiving/rates/index.ts';
import { blocking, type Finding, ok, reasonOf, warning } from './finding.ts';

const SOURCE_TIMEOUT_MS = 5_000;
const MAX_SOURCE_BYTES = 1_000_000;
/** Fewer than this and one wrong price has no others to be measured against. */
const MIN_SOURCES = 3;

export async function checkRates({ rates, network }: Config): Promise<Finding[]> {
  const fixed = Object.keys(rates.fixed);
  if (fixed.length > 0) {
    const detail = `fixed prices for ${fixed.join(', ')}`;
    if (network !== 'mainnet') return [ok('rates', detail)];
    const action = 'remove rates.fixed: real money must have a real price';
    return [blocking('rates', `${detail} on mainnet`, action)];
  }
  const known = new Map(publicSources.map((source) => [source.name, source]));
  const names = rates.sources ?? [...known.keys()];
  const unknown = names.filter((name) => !known.has(name));
  const findings = unknown.map((name) =>
    blocking(
      'rates',
      `there is no source "${name}"`,
      `use some of ${[...known.keys()].join(', ')}`,
    ),
  );
  const sources = names.flatMap((name) => known.get(name) ?? []);
  const answers = await askSources(sources);
  // Without real money at stake, orders in BTC are enough to go on.
  const mild = answers.map((finding) =>
    network !== 'mainnet' && finding.level === 'blocking'
      ? { ...finding, level: 'warning' as const }
      : finding,
  );
  return [...findings, ...mild];
}

async function askSources(sources: readonly (typeof publicSources)[number][]): Promise<Finding[]> {
  const http = createHttpFetch();
  try {
    const failed = (
      await Promise.all(
        sources.map(async (source) => {
          const currency = (['USD', 'EUR', 'JPY'] as const).find((code) => source.supports(code));
          if (currency === undefined) return [];
          const { url, headers } = source.request(currency);
          try {
            const limits = { timeoutMs: SOURCE_TIMEOUT_MS, maxBytes: MAX_SOURCE_BYTES, headers };
            const { status, body } = await http.fetchText(url, limits);
            if (status !== 200) return [`${source.name} (HTTP ${status})`];
            const parsed = source.parse(body, currency);
            return parsed.ok ? [] : [`${source.name} (${parsed.reason})`];
          } catch (error) {
            return [`${source.name} (${reasonOf(error)})`];
          }
        }),
      )
    ).flat();
    const good = sources.length - failed.length;
    const detail = `${good} of ${sources.length} sources answer`;
    const without = failed.length === 0 ? '' : `; not: ${failed.join(', ')}`;
    const action = 'check the way out to the internet (DNS, firewall, proxy)';
    if (good === 0)
      return [blocking('rates', `${detail}: fiat orders can not be priced${without}`, action)];
    if (good < MIN_SOURCES) return [warning('rates', `${detail}${without}`, action)];
    return [ok('rates', `${detail}${without}`)];
  } finally {
    await http.close();
  }
}

export async function checkPublicUrl({ publicUrl, network, http }: Config): Promise<Finding[]> {
  if (publicUrl === undefined) {
    if (network !== 'mainnet') return [ok('public URL', `http://${http.host}:${http.port}`)];
    const action = 'set publicUrl to the address that customers will see';
    return [warning('public URL', 'not set: links lead to this machine only', action)];
  }
  const url = new URL(publicUrl);
  if (network === 'mainnet' && url.protocol !== 'https:') {
    const action = 'put a TLS proxy in front (docs/runbooks/first-production-start.md)';
    return [
      blocking(
        'public URL',
        `${publicUrl} is not encrypted: addresses could be swapped on the way`,
        action,
      ),
    ];
  }
  try {
    await lookup(url.hostname.replace(/^\[|\]$/g, ''));
    return [ok('public URL', publicUrl)];
  } catch {
    return [warning('public URL', `${url.hostname} has no address`, 'add it to the DNS')];
  }
}
