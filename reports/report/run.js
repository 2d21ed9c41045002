// SPDX-License-Identifier: Apache-2.0
// run.js - the page of one run: what happened, over time and in sum.

const LOST = { 'lost-ramp-up': 'ramp-up', 'lost-head-of-line': 'head-of-line wait', 'lost-detection': 'detection', 'lost-resend': 'resend', 'lost-framing': 'framing', 'lost-idle': 'idle link' };

function runPage(page, id) {
  const i = indexOfId.get(id);
  if (i === undefined) {
    add(page, el('h1', null, `Run ${id}`), note('This report has no such run.'));
    return;
  }
  const variant = textOf('variant', i);
  add(page, el('h1', null, `${textOf('scenario', i)} `, el('span', { class: 'dim' }, `run ${id}`)),
    el('p', { class: 'facts' }, verdictBadge(textOf('verdict', i)), ` ${[textOf('outcome', i), `seed ${runs.seed[i]}`, textOf('policy', i), variant,
      `testbed ${textOf('testbed', i)}`, `${formatTime(runs.simulated[i] * 1e6)} in ${formatTime(runs.wall[i] * 1e6)}`, `campaign ${textOf('campaign', i)}`, formatDate(runs.started[i]) + ' UTC'].filter(Boolean).join(' · ')}`),
    el('p', null, command(commandOf(i))));
  const detail = detailsOf(id), isLive = textOf('testbed', i) === 'live';
  if (!detail) {
    bareRun(page, i);
    return;
  }
  const bands = faultBandsOf(detail);
  add(page, section('expectations', 'Expectations', expectationTable(detail)));
  add(page, lostSection(detail), throughputSections(detail, bands), stateSection(detail, bands), lineSections(detail, bands), latencySection(detail),
    section('metrics', 'Metrics', metricTables(detail)),
    section('facts', 'The run', linkTable(detail, isLive),
      detail.parameters.length ? el('details', null, el('summary', null, `Parameters (${detail.parameters.length})`), parameterTable(detail)) : null,
      el('details', null, el('summary', null, `Events (${detail.events.length + detail.eventsLeftOut + detail.faultsLeftOut})`), eventTable(detail)),
      el('details', { id: 'scenario-text' }, el('summary', null, isLive ? 'How it was started' : 'Scenario, with every default'), el('pre', null, scenarioText(detail.text))),
      el('p', { class: 'facts' }, [`scenario ${detail.hash}`, detail.digest ? `digest ${detail.digest}` : null, `${plural(detail.nEvents, 'trace event')}`, `build ${detail.git}`, `host ${detail.host}`].filter(Boolean).join(' · '))));
}

// What the columns of all runs say of a run without details.
function bareRun(page, i) {
  const { group, at } = placeOf[i];
  add(page, note(`This report has only the metrics of this run, to ${summary.digits} digits. Its plots, states and expectations:`),
    el('p', null, command(`caiman report ${summary.dbWord} --run ${runs.id[i]} -o run-${runs.id[i]}.html`)));
  const failed = failuresOf.get(i);
  if (failed) add(page, section('expectations', 'Expectations that did not hold', plainTable(['expectation', 'bound', 'actual', 'line'],
    failed.map(([, name, bound, actual, line]) => [name, bound, actual === null ? 'not defined' : actual, String(line)]))));
  add(page, section('metrics', 'Metrics', plainTable(['metric', 'value', ''], group.metrics.filter((metric) => metricValue(metric, at) !== null).map((metric) => [
    metricLabel(metric), valueCell(metricValue(metric, at), metric.unit, summary.digits), explain(metric.kind, metric.name) || '']))));
}

// --- Time --------------------------------------------------------------------------------------------

// From the harness's events: a band from an event's begin to its end, or a line.
function faultBandsOf(detail) {
  const bands = [], open = new Map(), end = detail.end / 1000;
  for (const [ms, side, link, kind, , text] of detail.events) {
    if (side !== 'harness') continue;
    if (/-begin$|-start$/.test(kind)) {
      const band = { from: ms / 1000, to: ms / 1000, label: text, link };
      open.set(text, band);
      bands.push(band);
    } else if (/-end$/.test(kind) && open.has(text)) {
      open.get(text).to = ms / 1000;
      open.delete(text);
    }
  }
  for (const band of open.values()) {
    if (/: (blackhole|down|partition|pause|set|flap|refuse|crash|block|remove|slow-reader|corrupt)/.test(band.label)) band.to = end;
  }
  bands.forEach((band) => {
    band.title = `${band.label}, ${threeDigits(band.from)} s${band.to > band.from ? ` to ${threeDigits(band.to)} s` : ''}`;
  });
  return bands;
}

const points = (line) => line.t.map((ms, i) => ({ x: ms / 1000, y: line.v[i] === null ? NaN : line.v[i] }));
const lineOf = (series, name) => series.lines.find((line) => line.name === name);
const isFlat = (line) => line.v.every((value) => !value);

// "reduced from N points to M", for the lines of a plot.
function reducedNote(lines, how) {
  const before = lines.reduce((sum, line) => sum + line.n, 0), after = lines.reduce((sum, line) => sum + line.t.length, 0);
  if (before <= after + lines.length) return null;
  return note(`Reduced from ${formatCount(before)} points to ${formatCount(after)} by ${how} per bucket of time.`);
}

function linkSeriesOf(detail, side) {
  return detail.linkSeries.filter((series) => series.side === side && detail.links[series.link]);
}

// --- Throughput ----------------------------------------------------------------------------------------

// Stacking needs the same times in each line: a rate holds since the point before it.
function onCommonTimes(lines) {
  const times = distinct(lines.flatMap((line) => line.t)).sort(ascending);
  return lines.map((line) => {
    let at = 0;
    return times.map((ms) => {
      while (at < line.t.length && line.t[at] < ms) at++;
      const isBefore = line.t.length && ms < line.t[0];
      return { x: ms / 1000, y: at < line.t.length && !isBefore ? line.v[at] : 0 };
    });
  });
}

function throughputSections(detail, bands) {
  return [['client', 'up', 'from client to server'], ['server', 'down', 'from server to client']].map(([side, direction, words]) => {
    const series = linkSeriesOf(detail, side);
    const flows = detail.flowSeries.filter(({ flow }) => detail.flows[flow] && detail.flows[flow].from === side);
    const lines = series.map((one) => lineOf(one, 'throughput')), delivered = flows.map((one) => lineOf(one, 'delivered'));
    if ([...lines, ...delivered].every(isFlat)) return null;
    const steps = detail.capacity[direction], end = detail.end / 1000;
    const unlimited = steps && steps.some(([, rate]) => rate === null);
    const ideal = steps ? [...steps.map(([ms, rate]) => ({ x: ms / 1000, y: rate === null ? NaN : rate })), { x: end, y: steps[steps.length - 1][1] === null ? NaN : steps[steps.length - 1][1] }] : null;
    const make = () => {
      const sets = onCommonTimes(lines).map((data, at) => lineSet(detail.links[series[at].link].name, data, series[at].link,
        { stepped: 'after', fill: at === 0 ? 'origin' : '-1', backgroundColor: translucent(colourOf(series[at].link), 0.55), borderDash: [], borderWidth: 1, stack: 'links' }));
      flows.forEach((flow, at) => sets.push(lineSet(`${detail.flows[flow.flow].name} delivered`, points(delivered[at]), 7 - at,
        { stepped: 'after', stack: `flow ${at}`, borderColor: cssColour('text'), borderDash: [2, 2], borderWidth: 1.2 })));
      if (ideal) sets.push(lineSet('ideal: what all links could carry', ideal, 7, { stepped: 'before', stack: 'ideal', borderColor: cssColour('ideal'), borderDash: [8, 4], borderWidth: 2 }));
      return timeChart(sets, 'bit/s', end, bands, true);
    };
    return section(`throughput-${direction}`, `Throughput ${words}`, figure(null, `Acknowledged payload per link, stacked, ${words}, in bit/s over time, with what all links could carry and what the application got`, 300, make),
      bandList(bands), detail.faultsLeftOut ? note(`${plural(detail.faultsLeftOut, 'later event')} of the scenario left out: the shaded times end before the run does.`) : null, detail.capacity.problem ? note(`The ideal is not shown: ${detail.capacity.problem}.`) : null,
      unlimited ? note('A link has no rate limit: while it can carry, there is no ideal.') : null,
      reducedNote([...lines, ...delivered], 'the mean'));
  });
}

function bandList(bands) {
  if (!bands.length) return null;
  const shown = bands.slice(0, 6).map((band) => band.title).join('; ');
  return el('p', { class: 'facts' }, `Shaded: ${shown}${bands.length > 6 ? `; and ${bands.length - 6} more` : ''}.`);
}

// --- States ----------------------------------------------------------------------------------------------

function stateSection(detail, bands) {
  if (!detail.lanes.length) return [];
  const lanes = detail.lanes.map((lane) => ({ label: `${detail.links[lane.link] ? detail.links[lane.link].name : `link ${lane.link}`}, ${lane.side}`, spans: lane.spans }));
  return [section('states', 'States of the links', swimlane(lanes, detail.end / 1000 || 1, bands))];
}

// --- RTT, in flight, reorder buffer, resent -------------------------------------------------------------------

function lineSections(detail, bands) {
  const end = detail.end / 1000;
  const perSide = (name, unit, title, text, more) => ['client', 'server'].map((side) => {
    const series = linkSeriesOf(detail, side).filter((one) => !isFlat(lineOf(one, name)));
    if (!series.length) return null;
    const lines = series.map((one) => lineOf(one, name));
    const limits = more ? series.map((one) => lineOf(one, more)) : [];
    // A window that TCP's own congestion control never lets anybody fill would leave nothing else to see.
    const cap = 4 * Math.max(0, ...lines.flatMap((line) => points(line).map((point) => point.y || 0)));
    const within = (line) => points(line).map((point) => (point.y > cap ? { ...point, y: null } : point));
    const isCut = limits.some((line) => points(line).some((point) => point.y > cap));
    const make = () => timeChart([
      ...lines.map((line, at) => lineSet(detail.links[series[at].link].name, points(line), series[at].link, more ? { borderDash: [] } : null)),
      ...limits.map((line, at) => lineSet(`${detail.links[series[at].link].name} limit`, within(line), series[at].link, { borderDash: [5, 4], borderWidth: 1 }))], unit, end, bands);
    const cut = isCut ? '; where that is far above, it is not drawn' : '';
    return figure(`${title}, ${side}`, `${text}, as the ${side} had it${cut}`, 220, make, reducedNote([...lines, ...limits], 'the smallest and the largest value'));
  });
  const reorder = detail.flowSeries.filter((series) => detail.flows[series.flow]);
  const held = reorder.map((series) => lineOf(series, 'reorder'));
  const reorderFigure = held.every(isFlat) ? null : figure('Reorder buffer', 'Payload that the receiver holds until what is before it arrives', 220,
    () => timeChart(held.map((line, at) => lineSet(detail.flows[reorder[at].flow].name, points(line), at)), 'bytes', end, bands), reducedNote(held, 'the smallest and the largest value'));
  return [section('lines', 'Links over time', el('div', { class: 'grid wide' },
    perSide('rtt', 'ns', 'Round-trip time', 'Smoothed round-trip time of each link'),
    perSide('in-flight', 'bytes', 'In flight and its limit', 'Bytes sent and not acknowledged, with the window of each link', 'limit'),
    reorderFigure, perSide('resent', 'bytes', 'Resent', 'Bytes sent before, here or on another link, in total')))];
}

// --- Sums ------------------------------------------------------------------------------------------------------

const metricOf = (detail, kind, subject, name) => detail.metrics.find((metric) => metric[0] === kind && metric[1] === subject && metric[2] === name && metric[3] !== null);

function latencySection(detail) {
  const names = [['latency-p50', 'p50'], ['latency-p90', 'p90'], ['latency-p99', 'p99'], ['latency-max', 'max']];
  const flows = detail.flows.map(({ name }) => name).filter((flow) => metricOf(detail, 'flow', flow, 'latency-p50'));
  if (!flows.length) return [];
  const make = () => ({
    type: 'bar',
    data: {
      labels: names.map(([, label]) => label),
      datasets: flows.map((flow, i) => ({
        label: flow, backgroundColor: colourOf(i), maxBarThickness: 26, minBarLength: 2,
        data: names.map(([name]) => { const found = metricOf(detail, 'flow', flow, name); return found ? found[3] : null; }),
      })),
    },
    options: {
      indexAxis: 'y', scales: { x: unitAxis('ns'), y: axis(null, { grid: { display: false } }) },
      plugins: { legend: legend(flows.length > 1), tooltip: { ...tooltip('ns'), callbacks: { label: (item) => ` ${item.dataset.label}: ${formatTime(item.parsed.x)}` } } },
    },
  });
  return [section('latency', 'Latency of messages', figure(null, 'Percentiles of the time from when a message was due until it was read whole', 70 + 34 * names.length * Math.max(1, flows.length * 0.7), make))];
}

function lostSection(detail) {
  const flows = detail.flows.map(({ name }) => name).filter((flow) => metricOf(detail, 'flow', flow, 'ideal-time') && metricOf(detail, 'flow', flow, 'lost-idle'));
  if (!flows.length) return [];
  const partsOf = (flow) => Object.entries(LOST).map(([name, label]) => ({ name, label, ns: (metricOf(detail, 'flow', flow, name) || [])[3] || 0 }));
  const total = (flow) => partsOf(flow).reduce((sum, part) => sum + part.ns, 0);
  const make = () => ({
    type: 'bar',
    data: {
      labels: flows,
      datasets: Object.keys(LOST).map((name, i) => ({
        label: LOST[name], backgroundColor: colourOf(i), borderColor: cssColour('background'), borderWidth: 1, maxBarThickness: 34,
        data: flows.map((flow) => partsOf(flow)[i].ns),
      })),
    },
    options: {
      indexAxis: 'y', scales: { x: unitAxis('ns', { stacked: true }), y: axis(null, { stacked: true, grid: { display: false } }) },
      plugins: {
        legend: { ...legend(true), labels: { ...legend(true).labels, boxHeight: 10, boxWidth: 14 } },
        tooltip: { ...tooltip('ns'), callbacks: { label: (item) => ` ${item.dataset.label}: ${formatTime(item.parsed.x)} of ${formatTime(total(item.label))}` } },
      },
    },
  });
  const rows = flows.map((flow) => [flow, valueCell(metricOf(detail, 'flow', flow, 'ideal-time')[3], 'ns'), valueCell(total(flow), 'ns'), ...partsOf(flow).map((part) => {
    const cell = valueCell(part.ns, 'ns');
    cell.title = `${explain('flow', part.name) || part.label}: ${cell.title}`;
    return cell;
  })]);
  return [section('lost', 'Where did the time go', el('p', { class: 'facts' }, 'Time beyond the ideal, by cause. The ideal is the least time in which the links, with their faults, could have carried the flow.'),
    figure(null, 'Time lost against the ideal, by cause, for each flow', 96 + 40 * flows.length, make), plainTable(['flow', 'ideal', 'lost', ...Object.values(LOST)], rows))];
}
