// SPDX-License-Identifier: Apache-2.0
// theme.js - light, dark, or as the system has it; paper is light. Plots take their colours from the
// style sheet's variables whenever the theme changes.

// Colours after Okabe and Ito, which people who cannot tell red from green can tell apart; each line
// has a dash pattern of its own, too.
const PALETTES = {
  light: ['#0072b2', '#d98200', '#00805c', '#b8538c', '#3a94c8', '#c24a00', '#7d7000', '#4d4d4d'],
  dark: ['#5cb8f0', '#f0ac2e', '#2fc79b', '#e394c2', '#9bd6ff', '#ff8c57', '#efe35a', '#c4c4c4'],
};
const DASHES = [[], [7, 3], [2, 2], [9, 3, 2, 3], [4, 4], [12, 3], [1, 3], [6, 2, 2, 2]];

const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
let isPrinting = false;

function chosenTheme() {
  try {
    return localStorage.getItem('caiman-theme') || 'auto';
  } catch (error) {
    return document.documentElement.dataset.choice || 'auto'; // storage may be denied to a file
  }
}

function currentTheme() {
  if (isPrinting) return 'light';
  const chosen = chosenTheme();
  if (chosen !== 'auto') return chosen;
  return systemIsDark.matches ? 'dark' : 'light';
}

const palette = () => PALETTES[currentTheme()];
const colourOf = (i) => palette()[i % palette().length];
const cssColour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function translucent(hex, alpha) {
  return hex + Math.round(alpha * 255).toString(16).padStart(2, '0');
}

function applyTheme() {
  document.documentElement.dataset.theme = currentTheme();
  byId('theme').replaceChildren('◐ ', el('span', null, `theme: ${chosenTheme()}`));
  redrawCharts();
}

function nextTheme() {
  const order = ['auto', 'dark', 'light'];
  const next = order[(order.indexOf(chosenTheme()) + 1) % order.length];
  document.documentElement.dataset.choice = next;
  try {
    localStorage.setItem('caiman-theme', next);
  } catch (error) { /* the choice holds until the page is left */ }
  applyTheme();
}

function startTheme() {
  byId('theme').addEventListener('click', nextTheme);
  systemIsDark.addEventListener('change', applyTheme);
  const printing = (on) => () => {
    isPrinting = on;
    document.documentElement.toggleAttribute('data-printing', on); // as wide as paper, then drawn
    if (on) drawAllCharts();
    applyTheme();
  };
  addEventListener('beforeprint', printing(true));
  addEventListener('afterprint', printing(false));
  applyTheme();
}
