/** What a secret is replaced by, wherever it would be read. */
const BLOT = '[secret]';

/** Keys of the services that people use here, by their own prefixes. */
const KEYS = /\b(?:sk-[\w-]{20,}|hf_\w{20,}|gh[pousr]_\w{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16})/g;

/** `judge.api_key=…`, `"password": "…"`: what somebody has called a secret. A number is none (`max_token=512`). */
const NAME =
  '(?:api|access|secret|private)[_-]?key|passw(?:or)?d|passphrase|secret|credentials?|(?:access|auth|bearer|hf|api)[_-]?token';
const VALUE = String.raw`(?!\d+(?:\.\d+)?(?![\w.]))[^\s"'&,;{}\[\]\\]{4,}`;
const NAMED = new RegExp(String.raw`((?:${NAME})["']?\s*[:=]\s*["']?|\btoken=["']?)${VALUE}`, 'gi');

/** Functions that blot secrets out of a text, however they came into it. */
export interface Scrubbers {
  /** For what a command was asked for, which must not be changed by a guess: secrets that are known to be ones. */
  results: (text: string) => string;
  /** For what we say and keep ourselves: also what looks like a secret. */
  messages: (text: string) => string;
}

/**
 * Known are the values of environment variables whose names say so, and passwords in URLs. They are blotted out as they
 * are, as they stand in JSON, and as they stand in a URL.
 */
export function secretScrubbers(env: NodeJS.ProcessEnv): Scrubbers {
  const secrets = Object.entries(env)
    .filter(
      ([name, value]) => /KEY|TOKEN|SECRET|PASSW|CREDENTIAL/i.test(name) && value !== undefined && value.length >= 8,
    )
    .flatMap(([, value]) => [value!, JSON.stringify(value).slice(1, -1), encodeURIComponent(value!)])
    // The longest first, since one may hold another.
    .sort((a, b) => b.length - a.length);
  const results = (text: string) =>
    secrets
      .reduce((clean, secret) => clean.replaceAll(secret, BLOT), text)
      .replaceAll(/(\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@"']*:)[^\s/@"']+@/gi, `$1${BLOT}@`);
  const messages = (text: string) => results(text).replaceAll(KEYS, BLOT).replaceAll(NAMED, `$1${BLOT}`);
  return { results, messages };
}
