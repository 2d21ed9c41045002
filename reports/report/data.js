// SPDX-License-Identifier: Apache-2.0
// data.js - what the report carries: all runs in columns (docs/report.md), and the pages of some.

const summary = { ...JSON.parse(byId('summary').textContent), ...JSON.parse(byId('columns').textContent) };
const runs = summary.runs;
const nRuns = runs.id.length;
const detailIds = new Set(summary.details.map(String));
const indexOfId = new Map(runs.id.map((id, i) => [String(id), i]));
const WIDE = ['flow', 'connection', 'link', 'run'];

// A column of runs: its text for run @i.
function textOf(name, i) {
  const column = runs[name];
  return column.texts[column.index[i]];
}

const isFailed = (i) => !['ok', 'skipped'].includes(textOf('verdict', i));

// Per run: its group, and its place in there.
const placeOf = new Array(nRuns);
for (const group of summary.groups) group.runs.forEach((run, at) => { placeOf[run] = { group, at }; });

const failuresOf = new Map();
for (const failure of summary.failures) {
  if (!failuresOf.has(failure[0])) failuresOf.set(failure[0], []);
  failuresOf.get(failure[0]).push(failure);
}

function metricValue(metric, at) {
  return Array.isArray(metric.v) ? metric.v[at] : metric.v;
}

function definitionOf(kind, name) {
  const found = summary.definitions[`${kind} ${name}`];
  return { meaning: found ? found[0] : '', better: found ? found[1] : 0 };
}

// What a metric's name is explained by, with the direction that is better.
function explain(kind, name) {
  const { meaning, better } = definitionOf(kind, name);
  if (!meaning) return null;
  return meaning + (better ? ` (${better > 0 ? 'higher' : 'lower'} is better)` : '');
}

const metricLabel = (metric) => (metric.subject ? `${metric.subject}.${metric.name}` : metric.name);

// Of a run, the metric of this kind and name; where several flows have it, the worst of them.
function worstValue(i, kind, name) {
  const { group, at } = placeOf[i];
  const better = definitionOf(kind, name).better || 1;
  let worst = null;
  for (const metric of group.metrics) {
    if (metric.kind !== kind || metric.name !== name) continue;
    const value = metricValue(metric, at);
    if (value !== null && (worst === null || value * better < worst * better)) worst = value;
  }
  return worst;
}

// The distinct [kind, name, unit] of all groups, in the order in which they are met.
function metricNames(groups) {
  const found = new Map();
  for (const group of groups) {
    for (const metric of group.metrics) {
      const key = `${metric.kind} ${metric.name}`;
      if (!found.has(key)) found.set(key, [metric.kind, metric.name, metric.unit]);
    }
  }
  return [...found.values()].sort((a, b) => WIDE.indexOf(a[0]) - WIDE.indexOf(b[0]));
}

// By nearest rank, of @sorted.
function percentile(sorted, percent) {
  return sorted.length ? sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] : null;
}

const ascending = (a, b) => a - b;

function distinct(values) {
  return [...new Set(values)];
}

// "5 seeds" sort as numbers, words as words, nothing comes last; for tables.
function compareValues(a, b) {
  const aMissing = a === null || a === undefined, bMissing = b === null || b === undefined;
  if (aMissing || bMissing) return aMissing - bMissing;
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
}

const commandOf = (i) => `caiman ${runs.replays[i] ? 'replay' : 'show'} ${summary.dbWord} ${runs.id[i]}`;

// The details of a run, or null where the report does not carry them.
const detailsRead = new Map();
function detailsOf(id) {
  const element = byId(`run-${id}`);
  if (!element || element.type !== 'application/json') return null;
  if (!detailsRead.has(id)) detailsRead.set(id, JSON.parse(element.textContent));
  return detailsRead.get(id);
}

function scenarioText(textId) {
  return JSON.parse(byId(`text-${textId}`).textContent);
}
