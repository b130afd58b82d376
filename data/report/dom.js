// Small helpers. DATA (what is shown) and WATCH (whether a server has news) are set before them.

/** An element with properties, `on…` listeners and children; a string is text, whatever it says. */
function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (name in made && name !== 'list' && name !== 'style') made[name] = value;
    else if (name === 'style') Object.assign(made.style, value);
    else made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

/** An element of SVG. */
function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.flat());
  return made;
}

const COLORS = 8;
const color = (i) => `var(--c${i % COLORS})`;
/** For a canvas, which knows no variables. */
const canvasColor = (i) =>
  getComputedStyle(document.documentElement)
    .getPropertyValue(`--c${i % COLORS}`)
    .trim();

/** A number to three digits, for people. */
function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e9) return `${Number((value / 1e9).toPrecision(3))} G`;
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (size !== 0 && size < 1e-3) return value.toExponential(1);
  return String(Number(value.toPrecision(3))).replace('-', '−');
}

const seconds = (value) => `${Number(value.toFixed(1))} s`;
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** How far values lie apart: the largest less the smallest. */
const range = (values) => (values.length === 0 ? 0 : Math.max(...values) - Math.min(...values));
