// SPDX-License-Identifier: Apache-2.0
// campaign.js - the first page: verdicts, what failed, how metrics are spread, all runs.

const FAILED_ROWS = 20, RUN_ROWS = 50, SERIES_MAX = 8;
const STANDARD_COLUMNS = ['flow efficiency', 'flow completion-time', 'flow longest-gap', 'flow goodput'];

function campaignPage(page) {
  const all = [...Array(nRuns).keys()];
  const failed = all.filter(isFailed);
  add(page, el('h1', null, summary.title), verdictCards(all), failedSection(failed));
  if (nRuns === 0) return;
  add(page, distributionSection(), policySection(), runsSection(all));
}

// --- Verdicts -----------------------------------------------------------------------------------

function verdictCards(all) {
  const counts = new Map();
  for (const i of all) counts.set(textOf('verdict', i), (counts.get(textOf('verdict', i)) || 0) + 1);
  const card = (n, text, kind) => el('div', { class: `card ${kind}` }, el('b', null, formatCount(n)), el('span', null, text));
  const kinds = { ok: 'good', skipped: 'dim', unfinished: 'dim' };
  const order = [...counts].sort((a, b) => b[1] - a[1]);
  const started = runs.started.filter((s) => s > 0);
  const facts = [
    plural(summary.groups.length, 'scenario'), plural(runs.policy.texts.length, 'policy', 'policies'),
    plural(distinct(runs.seed).length, 'seed'), `testbed ${runs.testbed.texts.join(', ')}`, `build ${runs.git.texts.join(', ')}`,
  ];
  const first = started.length ? started.reduce((a, b) => Math.min(a, b)) : 0, last = started.reduce((a, b) => Math.max(a, b), 0);
  if (first) facts.push(first === last ? formatDate(first) + ' UTC' : `${formatDate(first)} to ${formatDate(last)} UTC`);
  const bar = el('div', { class: 'verdict-bar', 'aria-hidden': 'true' }, order.map(([verdict, n]) => {
    const part = el('span', { class: kinds[verdict] || 'bad', title: `${verdict}: ${n}` });
    part.style.flexGrow = n;
    return part;
  }));
  return el('section', { id: 'verdicts', 'aria-label': 'Verdicts' },
    el('div', { class: 'cards' }, card(nRuns, nRuns === 1 ? 'run' : 'runs', ''), order.map(([verdict, n]) => card(n, verdict, kinds[verdict] || 'bad'))),
    bar, el('p', { class: 'facts' }, facts.join(' · ')));
}

// --- What failed --------------------------------------------------------------------------------

function whyFailed(i) {
  const found = failuresOf.get(i) || [];
  if (!found.length) return textOf('verdict', i) === 'unfinished' ? 'still running, or killed' : textOf('outcome', i);
  return found.map(([, name, bound, actual]) => `${name} ${bound}, got ${actual === null ? 'nothing' : actual}`).join('; ');
}

function failedSection(failed) {
  const box = section('failed', failed.length ? `Runs that did not hold (${formatCount(failed.length)})` : nRuns ? 'No run failed' : 'There are no runs');
  if (!failed.length) return box;
  add(box, dataTable('failed-table', [
    { title: 'verdict', value: (i) => textOf('verdict', i), cell: (i) => el('td', null, verdictBadge(textOf('verdict', i))) },
    { title: 'run', value: (i) => runs.id[i], cell: (i) => el('td', null, runLink(i)) },
    { title: 'scenario', value: (i) => textOf('scenario', i), cell: (i) => scenarioCell(i) },
    { title: 'seed', value: (i) => runs.seed[i], cell: (i) => el('td', { class: 'number' }, String(runs.seed[i])) },
    { title: 'policy', value: (i) => textOf('policy', i), cell: (i) => el('td', null, textOf('policy', i)) },
    { title: 'what did not hold', value: whyFailed, cell: (i) => el('td', { class: 'why' }, whyFailed(i)) },
    { title: 'look closer', cell: (i) => el('td', null, command(commandOf(i))) },
  ], failed, FAILED_ROWS).element);
  return box;
}

function scenarioCell(i) {
  const variant = textOf('variant', i);
  return el('td', null, textOf('scenario', i), variant ? el('div', { class: 'variant' }, variant) : null);
}

// --- Distributions ---------------------------------------------------------------------------------

// The runs of a group split by policy and, while there are few, by variant and testbed.
function seriesOf(group) {
  const fields = ['policy', 'variant', 'testbed', 'git'].filter((name) => distinct(group.runs.map((i) => textOf(name, i))).length > 1);
  let used = fields;
  const split = () => {
    const found = new Map();
    group.runs.forEach((i, at) => {
      const label = used.map((name) => textOf(name, i)).filter(Boolean).join(' ') || (used.length ? 'default' : '');
      if (!found.has(label)) found.set(label, []);
      found.get(label).push(at);
    });
    return found;
  };
  let found = split();
  while (found.size > SERIES_MAX && used.length) {
    used = used.slice(0, -1);
    found = split();
  }
  return { series: [...found].map(([label, places]) => ({ label, places })), merged: fields.filter((name) => !used.includes(name)) };
}

function valuesOf(metric, places) {
  return places.map((at) => metricValue(metric, at)).filter((value) => value !== null).sort(ascending);
}

const isVarying = (metric) => Array.isArray(metric.v) && metric.v.some((value) => value !== metric.v[0]);

// The group to begin with: of those with something to show the one with the most failures.
function mostTelling() {
  const score = (group) => group.runs.filter(isFailed).length * 1000 + group.metrics.filter((metric) => metric.kind === 'flow' && isVarying(metric)).length;
  return summary.groups.reduce((best, group) => (score(group) > score(best) ? group : best));
}

function distributionSection() {
  const state = { scenario: mostTelling().scenario, kind: 'flow', form: 'cdf' };
  const body = el('div');
  const show = () => {
    clearCharts(body);
    body.replaceChildren(...distributions(summary.groups.find((group) => group.scenario === state.scenario), state));
  };
  const set = (key) => (value) => { state[key] = value; show(); };
  const kinds = [['flow', 'flows'], ['connection', 'connection'], ['link', 'links']];
  show();
  return section('distributions', 'How metrics are spread over the runs', el('div', { class: 'controls' },
    choice('scenario', 'distribution-scenario', summary.groups.map((group) => [group.scenario, group.scenario]), state.scenario, set('scenario')),
    choice('metrics of', 'distribution-kind', kinds, 'flow', set('kind')),
    choice('as', 'distribution-form', [['cdf', 'cumulative distribution'], ['box', 'boxes']], 'cdf', set('form'))), body);
}

function distributions(group, { kind, form }) {
  const { series, merged } = seriesOf(group);
  const metrics = group.metrics.filter((metric) => metric.kind === kind);
  const varying = metrics.filter(isVarying);
  const out = [];
  if (merged.length) out.push(note(`There are too many lines for one plot: runs that differ in ${merged.join(' and ')} are drawn together.${merged.includes('variant') ? ' The page "sweep" tells them apart.' : ''}`));
  if (kind === 'link' && summary.linkMetricsLeftOut) out.push(note('The metrics of links are left out here, because of the number of runs. The pages of single runs have them; so has a report of fewer runs (caiman report --scenario).'));
  out.push(el('div', { class: 'grid' }, varying.map((metric) => distributionFigure(metric,
    series.map(({ label, places }) => ({ label, values: valuesOf(metric, places) })).filter(({ values }) => values.length), form))));
  const constant = metrics.filter((metric) => !varying.includes(metric));
  if (constant.length) {
    out.push(el('details', null, el('summary', null, `The same in all ${plural(group.runs.length, 'run')}: ${plural(constant.length, 'metric')}`),
      plainTable(['metric', 'value', ''], constant.map((metric) => [
        el('td', { title: explain(metric.kind, metric.name) }, metricLabel(metric)), valueCell(metricValue(metric, 0), metric.unit, summary.digits),
        explain(metric.kind, metric.name) || '']))));
  }
  if (form === 'cdf' && group.runs.length > CDF_POINTS) out.unshift(note(`Each line goes through at most ${CDF_POINTS} of its runs, at equal distances in rank, the first and the last among them.`));
  if (metrics.length && !varying.length) out.unshift(note(group.runs.length > 1 ? 'Nothing varies: all runs of this scenario had the same values.' : 'There is one run of this scenario.'));
  if (!metrics.length) out.push(note('No run of this scenario has such metrics.'));
  return out;
}

// --- Policies side by side -------------------------------------------------------------------------

function policySection() {
  const groups = summary.groups.filter((group) => distinct(group.runs.map((i) => textOf('policy', i))).length > 1);
  if (!groups.length) return null;
  return section('policies', 'Policies side by side', el('p', { class: 'facts' }, 'Medians over the runs; in bold the best of a row, where one is better.'),
    groups.map((group) => el('details', { open: groups.length < 4 }, el('summary', null, group.scenario), policyTable(group))));
}

function policyTable(group) {
  const policies = distinct(group.runs.map((i) => textOf('policy', i)));
  const places = policies.map((policy) => group.runs.map((i, at) => at).filter((at) => textOf('policy', group.runs[at]) === policy));
  const held = policies.map((policy, p) => `${places[p].filter((at) => !isFailed(group.runs[at])).length} of ${places[p].length}`);
  const rows = group.metrics.filter((metric) => metric.kind === 'flow').map((metric) => {
    const medians = places.map((some) => percentile(valuesOf(metric, some), 50));
    const { better } = definitionOf(metric.kind, metric.name);
    const known = medians.filter((value) => value !== null);
    const best = better && known.length > 1 && Math.min(...known) !== Math.max(...known) ? (better > 0 ? Math.max(...known) : Math.min(...known)) : null;
    return [el('td', { title: explain(metric.kind, metric.name) }, metricLabel(metric)), ...medians.map((value) => {
      const cell = valueCell(value, metric.unit, summary.digits);
      if (best !== null && value === best) cell.classList.add('best');
      return cell;
    })];
  });
  return plainTable(['metric', ...policies], [['runs that held', ...held.map((text) => el('td', { class: 'number' }, text))], ...rows]);
}

// --- All runs ------------------------------------------------------------------------------------------

function runsSection(all) {
  const names = metricNames(summary.groups).filter(([kind]) => kind !== 'link');
  const keyed = new Map(names.map(([kind, name, unit]) => [`${kind} ${name}`, { kind, name, unit }]));
  let extra = STANDARD_COLUMNS.filter((key) => keyed.has(key)).slice(0, 3);
  const state = { text: '', verdict: '', scenario: '', policy: '' };
  const box = el('div');
  let table;
  const matches = (i) => (!state.verdict || (state.verdict === '!' ? isFailed(i) : textOf('verdict', i) === state.verdict))
    && (!state.scenario || textOf('scenario', i) === state.scenario) && (!state.policy || textOf('policy', i) === state.policy)
    && (!state.text || `${runs.id[i]} ${textOf('scenario', i)} ${textOf('variant', i)} seed ${runs.seed[i]} ${textOf('policy', i)} ${textOf('outcome', i)} ${textOf('campaign', i)} ${textOf('verdict', i)}`.toLowerCase().includes(state.text));
  const show = () => {
    table = dataTable('runs-table', runColumns(extra.map((key) => keyed.get(key))), all, RUN_ROWS);
    table.filter(matches);
    box.replaceChildren(table.element);
  };
  const set = (key) => (value) => { state[key] = value; table.filter(matches); };
  const texts = (name) => [['', 'all'], ...runs[name].texts.map((text) => [text, text])];
  const search = el('input', { id: 'runs-text', type: 'search', placeholder: 'scenario, seed 7, …', input: () => set('text')(search.value.toLowerCase()) });
  const verdicts = [...texts('verdict'), ['!', 'all but ok and skipped']];
  const add = choice('metric', 'runs-metric', [['', 'add or remove …'], ...[...keyed.keys()].map((key) => [key, key])], '', (key) => {
    if (key) extra = extra.includes(key) ? extra.filter((other) => other !== key) : [...extra, key];
    add.querySelector('select').value = '';
    show();
  });
  show();
  return section('runs', `All runs (${formatCount(nRuns)})`, el('div', { class: 'controls' },
    el('label', { class: 'choice' }, el('span', null, 'find'), search),
    choice('verdict', 'runs-verdict', verdicts, '', set('verdict')), choice('scenario', 'runs-scenario', texts('scenario'), '', set('scenario')),
    choice('policy', 'runs-policy', texts('policy'), '', set('policy')), add), box);
}

function runColumns(metrics) {
  return [
    { title: 'run', value: (i) => runs.id[i], cell: (i) => el('td', null, runLink(i)) },
    { title: 'verdict', value: (i) => textOf('verdict', i), cell: (i) => el('td', null, verdictBadge(textOf('verdict', i))) },
    { title: 'scenario', value: (i) => `${textOf('scenario', i)} ${textOf('variant', i)}`, cell: scenarioCell },
    { title: 'seed', value: (i) => runs.seed[i], cell: (i) => el('td', { class: 'number' }, String(runs.seed[i])) },
    { title: 'policy', value: (i) => textOf('policy', i), cell: (i) => el('td', null, textOf('policy', i)) },
    { title: 'outcome', value: (i) => textOf('outcome', i), cell: (i) => el('td', null, textOf('outcome', i)) },
    ...metrics.map(({ kind, name, unit }) => ({
      title: name, number: true, hint: `${explain(kind, name) || name}. Of several flows or sides: the worst.`,
      value: (i) => worstValue(i, kind, name), cell: (i) => valueCell(worstValue(i, kind, name), unit, summary.digits),
    })),
    { title: 'duration', hint: 'virtual time that the run covers', number: true, value: (i) => runs.simulated[i], cell: (i) => valueCell(runs.simulated[i] * 1e6, 'ns') },
  ];
}
