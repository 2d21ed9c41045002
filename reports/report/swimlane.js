// SPDX-License-Identifier: Apache-2.0
// swimlane.js - the state of each link over time, a lane per link and side, with the reasons.

const LANE_HEIGHT = 26, LANE_GAP = 6, LANE_LABEL = 132, AXIS_HEIGHT = 22;
const KNOWN_STATES = ['working', 'suspected', 'not-working', 'blocked', 'new', 'connecting', 'closing', 'closed'];

const stateClass = (state) => `state-${KNOWN_STATES.includes(state) ? state : 'other'}`;

function niceStep(range, n) {
  const rough = range / n, power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough);
}

// @lanes: [{ label, spans: [[t_ms, state, reason], …] }], @end in s, @bands as of the plots.
function swimlane(lanes, end, bands) {
  const box = el('div', { class: 'swimlane' });
  const draw = () => {
    const width = Math.max(box.clientWidth, 280);
    box.replaceChildren(drawLanes(lanes, end, bands, width, Math.min(LANE_LABEL, width * 0.3)));
  };
  new ResizeObserver(draw).observe(box);
  box.addEventListener('redraw', draw);
  const states = distinct(lanes.flatMap((lane) => lane.spans.map((span) => span[1])));
  return el('figure', null, box, el('div', { class: 'keys' },
    states.map((state) => el('span', { class: 'key' }, el('span', { class: `swatch ${stateClass(state)}` }), state))));
}

function drawLanes(lanes, end, bands, width, label) {
  const height = lanes.length * (LANE_HEIGHT + LANE_GAP) + AXIS_HEIGHT;
  const x = (s) => label + (Math.min(Math.max(s, 0), end) / end) * (width - label - 8);
  const picture = svg('svg', {
    viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': 'States of the links over time',
  });
  picture.append(svg('defs', null, svg('pattern', { id: 'hatch', width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
    svg('line', { x1: 0, y1: 0, x2: 0, y2: 6, class: 'hatch' }))));
  lanes.forEach((lane, i) => drawLane(picture, lane, i * (LANE_HEIGHT + LANE_GAP), x, end, Math.floor(label / 6.8)));
  for (const band of bands) {
    picture.append(svg('rect', { x: x(band.from), y: 0, width: Math.max(x(band.to) - x(band.from), 1.5), height: height - AXIS_HEIGHT, class: 'band' },
      svg('title', null, band.title)));
  }
  const step = niceStep(end, Math.max(2, (width - label) / 90));
  for (let s = 0; s <= end * 1.0001; s += step) {
    picture.append(svg('line', { x1: x(s), x2: x(s), y1: height - AXIS_HEIGHT, y2: height - AXIS_HEIGHT + 4, class: 'tick' }),
      svg('text', { x: x(s), y: height - 5, class: 'axis' }, `${Number(s.toPrecision(6))} s`));
  }
  return picture;
}

// @nLetters: so many of the label have room; its title has all.
function drawLane(picture, lane, y, x, end, nLetters) {
  const short = lane.label.length > nLetters ? `${lane.label.slice(0, nLetters - 1)}…` : lane.label;
  picture.append(svg('text', { x: 0, y: y + LANE_HEIGHT * 0.66, class: 'lane' }, short, svg('title', null, lane.label)));
  lane.spans.forEach(([ms, state, reason], i) => {
    const from = x(ms / 1000), until = i + 1 < lane.spans.length ? lane.spans[i + 1][0] / 1000 : end, to = x(until);
    const words = reason ? `${state}: ${reason}` : state;
    const title = `${lane.label}\n${words}\n${seconds(ms)} to ${seconds(until * 1000)}`;
    const shape = { x: from, y, width: Math.max(to - from, 1), height: LANE_HEIGHT };
    picture.append(svg('rect', { ...shape, class: stateClass(state) }, svg('title', null, title)));
    if (['not-working', 'suspected', 'blocked'].includes(state)) picture.append(svg('rect', { ...shape, fill: 'url(#hatch)', 'pointer-events': 'none' }));
    const room = (to - from - 8) / 6.6, label = words.length <= room ? words : state.length <= room ? state : '';
    if (label) picture.append(svg('text', { x: from + 5, y: y + LANE_HEIGHT * 0.66, class: `span ${stateClass(state)}` }, label));
  });
}
