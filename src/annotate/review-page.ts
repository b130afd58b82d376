import { readFileSync } from 'node:fs';
import { escapeHtml, htmlPage } from '../report/html.js';
import { packageFile } from '../system/package-file.js';

const STYLE = `
main { display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 1rem; }
nav ol { list-style: none; margin: 0; padding: 0; max-height: 85vh; overflow-y: auto; }
nav button { all: unset; cursor: pointer; display: block; width: 100%; padding: .2rem .4rem; border-radius: 4px; overflow-wrap: anywhere; font-size: .85rem; }
nav button[aria-current=true] { background: var(--soft); font-weight: 600; }
nav button:focus-visible { outline: 2px solid; }
label { display: block; margin: .45rem 0; font-size: .8rem; opacity: .9; }
input[type=text], input[type=number], textarea, select { display: block; width: 100%; font: inherit; padding: .3rem; }
textarea { min-height: 4.5rem; } .option { display: grid; grid-template-columns: auto 1fr; gap: .4rem; align-items: center; margin: .25rem 0; }
.times { display: grid; grid-template-columns: 1fr 1fr; gap: .6rem; }
.bar { display: flex; gap: .5rem; align-items: center; position: sticky; bottom: 0; padding: .6rem 0; background: Canvas; flex-wrap: wrap; }
.bar button { font: inherit; padding: .35rem .8rem; } #said { min-height: 1.4em; } .notes { color: var(--mark); }
kbd { font: inherit; font-size: .8em; border: 1px solid var(--line); border-radius: 3px; padding: 0 .3em; }
@media (max-width: 40rem) { main { grid-template-columns: minmax(0, 1fr); } nav ol { max-height: 9rem; } }
`;

/** The page on which annotations are looked at; its script is `data/annotate/review.js`. */
export function reviewPage(args: { nonce: string; token: string; classes: readonly string[] }): string {
  const { nonce, token, classes } = args;
  const options = classes.map((label) => `<option>${escapeHtml(label)}</option>`).join('');
  const body = `
<h1>Annotations <small id="count"></small></h1>
<main>
<nav aria-label="videos"><ol id="list"></ol></nav>
<form id="form" autocomplete="off">
<h2 id="name"></h2>
<p class="notes" id="notes"></p>
<div id="frames"></div>
<label>Question<input type="text" id="question"></label>
<fieldset><legend>Options; the right one is marked</legend><div id="options"></div></fieldset>
<label>Class<input type="text" id="class" list="classes"><datalist id="classes">${options}</datalist></label>
<div class="times"><label>Start, s<input type="number" id="start" min="0" step="any"></label><label>End, s<input type="number" id="end" min="0" step="any"></label></div>
<label><input type="checkbox" id="normal"> all is normal: there is no such time</label>
<label>Key object<input type="text" id="key_object"></label>
<label>Description<textarea id="description"></textarea></label>
<label>Reasoning<textarea id="reasoning"></textarea></label>
<div class="bar">
<button type="button" id="accept">Accept <kbd>a</kbd></button>
<button type="button" id="reject">Reject <kbd>r</kbd></button>
<button type="button" id="previous">Previous <kbd>k</kbd></button>
<button type="button" id="next">Next <kbd>j</kbd></button>
<span><kbd>e</kbd> edit, <kbd>Esc</kbd> leave the field; edits are saved as you leave it</span>
<span id="said" role="status"></span>
</div>
</form>
</main>`;
  const code = `const TOKEN = ${JSON.stringify(token)};\n${readFileSync(packageFile('data/annotate/review.js'), 'utf8')}`;
  return htmlPage({ title: 'Annotations', body, style: STYLE, script: { nonce, code }, connect: "'self'" });
}
