import type { FilingFacts, FilingReporter } from '@quittance/contract';
import { unreachable } from '@quittance/kernel';
import type { Built } from './findings.ts';
import { buildCtr } from './fincen/ctr.ts';
import { buildSar } from './fincen/sar.ts';
import { buildGoaml } from './goaml/goaml.ts';

/** The document of a filing, or all that is missing. Pure. */
export function buildFiling(facts: FilingFacts, reporter: FilingReporter): Built {
  switch (facts.kind) {
    case 'sar':
      return buildSar(facts, reporter);
    case 'ctr':
      return buildCtr(facts, reporter);
    case 'goaml':
      return buildGoaml(facts, reporter);
    default:
      return unreachable(facts);
  }
}
