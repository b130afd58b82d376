/** Text as HTML: what a model or a file's name says is data, and cannot become markup. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Nothing is fetched, and nothing runs but what has the page's own nonce. */
const policy = (nonce: string | undefined, connect: string) =>
  [
    "default-src 'none'",
    `img-src data:${connect === "'none'" ? '' : " 'self'"}`,
    "style-src 'unsafe-inline'",
    `script-src ${nonce === undefined ? "'none'" : `'nonce-${nonce}'`}`,
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --mark: #c33; --soft: #8882; }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 70rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.05rem; margin: 0 0 .4rem; overflow-wrap: anywhere; }
section { border-top: 1px solid var(--line); padding: 1rem 0; }
.frames { display: flex; gap: 4px; overflow-x: auto; }
.frames figure { margin: 0; flex: none; } .frames img { display: block; height: 90px; border-radius: 3px; }
.frames figcaption { font-size: .7rem; text-align: center; opacity: .7; }
svg { display: block; width: 100%; height: 44px; margin: .5rem 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem .8rem; margin: .3rem 0; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); padding: .5rem; border-radius: 4px; }
@media print { .frames { flex-wrap: wrap; } section { break-inside: avoid; } }
`;

/**
 * A page that needs nothing beside itself.
 *
 * @param body HTML
 * @param script what runs on it, with the nonce that lets it
 * @param connect where the script may ask: `'none'`, or `'self'` where the page is served
 */
export function htmlPage(args: {
  title: string;
  body: string;
  style?: string;
  script?: { nonce: string; code: string };
  connect?: "'none'" | "'self'";
}): string {
  const { title, body, style = '', script, connect = "'none'" } = args;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(script?.nonce, connect)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}${style}</style>
</head>
<body>
${body}
${script === undefined ? '' : `<script nonce="${script.nonce}">${script.code}</script>`}
</body>
</html>
`;
}
