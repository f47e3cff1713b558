export type DescriptorRefusalCode =
  | 'private_key'
  | 'wrong_network'
  | 'hardened'
  | 'bad_checksum'
  | 'not_ranged'
  | 'script_type_needed'
  | 'unsupported'
  | 'invalid';

/**
 * Carries a refusal from the depths of the parser to its front door, which turns it into a value.
 * The reason never repeats what was given: it may be a secret.
 */
export class DescriptorRefusal extends Error {
  readonly code: DescriptorRefusalCode;

  constructor(code: DescriptorRefusalCode, reason: string) {
    super(reason);
    this.code = code;
  }
}
