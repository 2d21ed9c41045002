// SPDX-License-Identifier: Apache-2.0
// charts.js - plots on a page: made when they come into view, made again in another theme's colours,
// thrown away with the page.

Chart.defaults.animation = false;
Chart.defaults.responsive = true;
Chart.defaults.maintainAspectRatio = false;
Chart.defaults.font.family = 'system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

let plots = []; // { canvas, make, chart } of the page
const comesIntoView = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const plot = plots.find((other) => other.canvas === entry.target);
    if (entry.isIntersecting && plot) draw(plot);
  }
}, { rootMargin: '300px' });

function draw(plot) {
  if (!plot.chart) plot.chart = new Chart(plot.canvas, plot.make());
}

function drawAllCharts() {
  plots.forEach(draw);
}

// Throws away the plots of the page that is left, or of a part of it.
function clearCharts(inside) {
  plots = plots.filter((plot) => {
    if (inside && !inside.contains(plot.canvas)) return true;
    comesIntoView.unobserve(plot.canvas);
    if (plot.chart) plot.chart.destroy();
    return false;
  });
}

function redrawCharts() {
  for (const plot of plots) {
    if (!plot.chart) continue;
    plot.chart.destroy();
    plot.chart = new Chart(plot.canvas, plot.make());
  }
  document.querySelectorAll('.swimlane').forEach((box) => box.dispatchEvent(new Event('redraw')));
}

// A figure with a plot. @make gives Chart.js its configuration, whenever it is drawn. @text says in
// words what it shows, for those who cannot see it.
function figure(title, text, height, make, ...below) {
  const canvas = el('canvas', { role: 'img', 'aria-label': text });
  const box = el('div', { class: 'plot' }, canvas);
  box.style.height = `${height}px`;
  plots.push({ canvas, make, chart: null });
  comesIntoView.observe(canvas);
  return el('figure', null, title ? el('figcaption', { title: text }, title) : null, box, below);
}

function axis(title, options) {
  return {
    title: { display: Boolean(title), text: title, color: cssColour('dim') },
    grid: { color: cssColour('grid'), borderColor: cssColour('grid') },
    ...options,
    ticks: { color: cssColour('dim'), maxRotation: 0, autoSkipPadding: 12, ...(options && options.ticks) },
  };
}

function unitAxis(unit, options) {
  return axis(null, { beginAtZero: true, ...options, ticks: { callback: (value) => formatTick(value, unit), ...(options && options.ticks) } });
}

function legend(show) {
  return {
    display: show, position: 'top', align: 'start',
    labels: { color: cssColour('text'), boxWidth: 26, boxHeight: 2, padding: 10 },
  };
}

function tooltip(unit, title) {
  return {
    backgroundColor: cssColour('tip'), titleColor: cssColour('tip-text'), bodyColor: cssColour('tip-text'),
    callbacks: {
      title: title || ((items) => (items.length ? `at ${threeDigits(items[0].parsed.x)} s` : '')),
      label: (item) => ` ${item.dataset.label}: ${formatValue(item.parsed.y, unit)}`,
    },
  };
}

// A line of a plot over time; @points of {x, y}.
function lineSet(label, points, i, extra) {
  return {
    label, data: points, borderColor: colourOf(i), backgroundColor: colourOf(i), borderDash: DASHES[i % DASHES.length],
    borderWidth: 1.6, pointRadius: 0, pointHitRadius: 6, tension: 0, spanGaps: false, ...extra,
  };
}

// A plot over time in seconds, with the faults behind it.
function timeChart(sets, unit, end, bands, stacked) {
  return {
    type: 'line',
    data: { datasets: sets },
    options: {
      parsing: false, normalized: true,
      interaction: { mode: 'nearest', axis: 'x', intersect: false },
      scales: {
        x: axis(null, { type: 'linear', min: 0, max: end, ticks: { includeBounds: false, callback: (value) => `${Number(value.toPrecision(6))} s` } }),
        y: unitAxis(unit, { stacked: Boolean(stacked), grace: '6%' }),
      },
      plugins: { legend: legend(sets.length > 1), tooltip: tooltip(unit), faults: { bands } },
    },
  };
}
