/**
 * Makes a function that blots out the values of environment variables that hold secrets (their names say so), however
 * they came into a text.
 */
export function secretScrubber(env: NodeJS.ProcessEnv): (text: string) => string {
  const secrets = Object.entries(env)
    .filter(
      ([name, value]) => /KEY|TOKEN|SECRET|PASSW|CREDENTIAL/i.test(name) && value !== undefined && value.length >= 8,
    )
    // As they are, and as they stand inside a JSON string; the longest first, since one may hold another.
    .flatMap(([, value]) => [value!, JSON.stringify(value).slice(1, -1)])
    .sort((a, b) => b.length - a.length);
  return (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, '[secret]'), text);
}
