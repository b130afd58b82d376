// Puts the page together, and keeps it.

const title = ablation === null ? DATA.runs.map(({ name }) => name).join(' and ') : 'Ablation';
const parts = [
  ...ablationSections(),
  ablation === null ? adviceSection() : null,
  ablation === null ? heldOutSection() : null,
  curveSection(DATA.ablation?.arms ?? DATA.runs.map((run) => ({ label: run.name, curves: run.curves }))),
  groupSection(),
].filter((part) => part !== null);

document.getElementById('page').append(
  el(
    'header',
    {},
    el('h1', {}, title),
    overview(),
    el(
      'nav',
      { className: 'jump', ariaLabel: 'on this page' },
      parts.map(({ id, ariaLabel }) => el('a', { href: `#${id}` }, ariaLabel)),
    ),
  ),
  el('main', {}, parts),
);

if (groups.length > 0) {
  restore();
  showList();
}
drawAll();

addEventListener('keydown', (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === 'Escape' && typing) event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || groups.length === 0) return;
  const act = {
    j: () => move(1),
    k: () => move(-1),
    c: () => keep(other === current ? null : current),
    '/': () => {
      event.preventDefault();
      document.getElementById('filter-search').focus();
    },
  }[event.key];
  act?.();
});

let width = innerWidth;
addEventListener('resize', () => {
  if (innerWidth === width) return;
  width = innerWidth;
  drawAll();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);

/** A page that is loaded anew shows the group that it showed before. */
function restore() {
  const { key, order } = history.state ?? {};
  if (order in ORDERS) filters.order = order;
  // The first time: one that has something to say.
  const telling = groups.reduce((most, one) => (one.spread > most.spread ? one : most));
  current = groups.find((group) => `${group.run.name} ${group.step} ${group.id}` === key) ?? telling;
}

if (WATCH) {
  let known = null;
  setInterval(async () => {
    const news = await fetch('news', { cache: 'no-store' }).then(
      (reply) => reply.text(),
      () => null,
    );
    if (news === null) return;
    if (known !== null && news !== known) {
      const key = current === null ? null : `${current.run.name} ${current.step} ${current.id}`;
      history.replaceState({ key, order: filters.order }, '');
      location.reload();
    }
    known = news;
  }, 5000);
}
