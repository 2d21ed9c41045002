// SPDX-License-Identifier: Apache-2.0
// plugins.js - what Chart.js does not draw by itself: the times of faults behind a plot, and boxes
// with whiskers.

// options.plugins.faults.bands: [{ from, to, label }] in the unit of the x axis; to === from: a line.
const faultBands = {
  id: 'faults',
  beforeDatasetsDraw(chart, args, options) {
    const { ctx, chartArea: area, scales: { x } } = chart;
    if (!options.bands || !x) return;
    ctx.save();
    ctx.font = `11px ${Chart.defaults.font.family}`;
    ctx.textBaseline = 'top';
    for (const band of options.bands) {
      const left = Math.max(area.left, x.getPixelForValue(band.from));
      const right = Math.min(area.right, x.getPixelForValue(band.to));
      if (right < area.left || left > area.right) continue;
      ctx.fillStyle = cssColour('fault-band');
      ctx.fillRect(left, area.top, Math.max(right - left, 1.5), area.bottom - area.top);
      if (ctx.measureText(band.label).width + 8 > right - left) continue;
      ctx.fillStyle = cssColour('fault-text');
      ctx.fillText(band.label, left + 4, area.top + 3);
    }
    ctx.restore();
  },
};

// A dataset with `boxes`: [{ min, p10, p25, p50, p75, p90, max }], one per label, has whiskers from p10 to p90,
// dots at the extremes and a line at the median drawn over its floating bars.
const boxWhiskers = {
  id: 'boxes',
  afterDatasetsDraw(chart) {
    const { ctx, scales: { x } } = chart;
    chart.data.datasets.forEach((dataset, at) => {
      if (!dataset.boxes || !chart.isDatasetVisible(at)) return;
      chart.getDatasetMeta(at).data.forEach((bar, i) => {
        if (dataset.boxes[i]) drawWhiskers(ctx, x, bar, dataset.boxes[i], dataset.borderColor);
      });
    });
  },
};

function drawWhiskers(ctx, x, bar, box, colour) {
  const half = Math.max(bar.height / 2, 3), at = (value) => x.getPixelForValue(value);
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  for (const [from, to] of [[box.p10, box.p25], [box.p75, box.p90]]) {
    ctx.moveTo(at(from), bar.y);
    ctx.lineTo(at(to), bar.y);
  }
  for (const end of [box.p10, box.p90]) {
    ctx.moveTo(at(end), bar.y - half / 2);
    ctx.lineTo(at(end), bar.y + half / 2);
  }
  ctx.stroke();
  ctx.lineWidth = 3;
  ctx.beginPath();
  ctx.moveTo(at(box.p50), bar.y - half);
  ctx.lineTo(at(box.p50), bar.y + half);
  ctx.stroke();
  for (const end of [box.min, box.max]) {
    ctx.beginPath();
    ctx.arc(at(end), bar.y, 2, 0, 2 * Math.PI);
    ctx.fill();
  }
  ctx.restore();
}

Chart.register(faultBands, boxWhiskers);
