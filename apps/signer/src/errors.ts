/**
 * Something that a person can mend: shown as one sentence, without a stack. Never holds a secret,
 * so no text that was typed as one is ever put into it.
 */
export class SignerSetupError extends Error {
  override name = 'SignerSetupError';
}
