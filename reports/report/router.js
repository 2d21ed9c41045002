// SPDX-License-Identifier: Apache-2.0
// router.js - which page is shown: #/ all runs, #/run/12 one of them, #/sweep, #/validation. So the browser's
// back, a bookmark and a link in a chat all work.

const pages = [
  { pattern: /^#?\/?$/, show: campaignPage, nav: '#/' },
  { pattern: /^#\/run\/(\d+)$/, show: runPage, nav: '#/run' },
  { pattern: /^#\/sweep$/, show: sweepPage, nav: '#/sweep' },
  { pattern: /^#\/validation$/, show: validationPage, nav: '#/validation' },
];

function navigation(current) {
  const links = [['#/', 'all runs']];
  if (sweptGroups().length) links.push(['#/sweep', 'sweep']);
  if (validationRows.length) links.push(['#/validation', 'validation']);
  const seen = location.hash.match(/^#\/run\/(\d+)$/);
  if (seen) links.push([location.hash, `run ${seen[1]}`]);
  return links.map(([href, text]) => el('a', { href, 'aria-current': href === current || (seen && href === location.hash) ? 'page' : null }, text));
}

function route() {
  const page = byId('page');
  clearCharts();
  page.replaceChildren();
  for (const { pattern, show, nav } of pages) {
    const found = location.hash.match(pattern);
    if (!found) continue;
    byId('nav').replaceChildren(...navigation(nav));
    show(page, found[1]);
    page.querySelectorAll(':scope > :empty:not(canvas)').forEach((empty) => empty.remove());
    scrollTo(0, 0);
    return;
  }
  byId('nav').replaceChildren(...navigation(''));
  add(page, el('h1', null, 'No such page'), note(`This report has no page ${location.hash}.`));
}

function footer() {
  const n = summary.details.length;
  const room = summary.detailBytesMax ? ` ${n < nRuns ? `Pages of single runs take no more than ${formatValue(summary.detailBytesMax, 'bytes')}: failing runs first, then of each scenario and policy the one in the middle and the worst, then others while there is room. caiman report --run N chooses others, --all-runs has them all.` : ''}` : '';
  byId('foot').append(el('p', null, `caiman ${summary.version} · ${summary.date} UTC · ${plural(nRuns, 'run')} of ${summary.db} · ${n === nRuns ? 'all of them with plots' : `${plural(n, 'run')} with plots`}.${room}`),
    el('p', null, `Plots: Chart.js ${Chart.version}, MIT License; its text is in this file.`));
}

startTheme();
footer();
addEventListener('hashchange', route);
route();
document.documentElement.dataset.ready = 'yes';
