/* SPDX-License-Identifier: Apache-2.0 */
/* presets.c - the figures of the link presets.
 *
 * scenarios/README.md names the measurements behind them, and which have none: meant as a
 * start for an experiment, not as a claim about any operator. Delays are one way and without the
 * queue. A queue of 100 ms and more is what consumer devices have without active queue
 * management. */
#include "harness/presets.h"

#include <string.h>

static const LinkPreset presets[] = {
  { "ethernet",
    "a wired local network behind a fibre uplink of 1 Gbit/s",
    { { "rate", "1gbit" }, { "delay", "5ms" }, { "queue", "10ms" } } },
  { "wifi",
    "a home or office access point in use by others, too, behind a fibre uplink",
    { { "rate", "90mbit" },
      { "delay", "7ms" },
      { "jitter", "pareto(2ms)" },
      { "loss", "gilbert(0.05%, 40%)" },
      { "queue", "100ms" } } },
  { "dsl",
    "VDSL2 at a usual distance; protection against noise makes part of the delay",
    { { "down.rate", "50mbit" },
      { "up.rate", "10mbit" },
      { "delay", "14ms" },
      { "jitter", "normal(1ms)" },
      { "down.queue", "100ms" },
      { "up.queue", "200ms" } } },
  { "lte",
    "4G with a fair signal; the radio hides its losses behind delay",
    { { "down.rate", "40mbit" },
      { "up.rate", "15mbit" },
      { "delay", "25ms" },
      { "jitter", "pareto(6ms)" },
      { "loss", "gilbert(0.02%, 50%)" },
      { "queue", "300ms" } } },
  { "leo-satellite",
    "low orbit (about 550 km) with a ground station in reach",
    { { "down.rate", "150mbit" },
      { "up.rate", "15mbit" },
      { "delay", "22ms" },
      { "jitter", "normal(6ms)" },
      { "loss", "gilbert(0.2%, 40%)" },
      { "queue", "100ms" } } },
  { "5g",
    "mid-band 5G in a European capital, standing still outdoors",
    { { "down.rate", "450mbit" },
      { "up.rate", "35mbit" },
      { "delay", "20ms" },
      { "jitter", "pareto(4ms)" },
      { "loss", "gilbert(0.02%, 50%)" },
      { "queue", "200ms" } } },
  { "geo-satellite",
    "geostationary orbit: 36 000 km up and down make 270 ms one way, coding the rest",
    { { "down.rate", "30mbit" },
      { "up.rate", "3mbit" },
      { "delay", "290ms" },
      { "jitter", "normal(8ms)" },
      { "loss", "0.05%" },
      { "queue", "300ms" } } },
};

static const char *const names[] = { "ethernet",      "wifi", "dsl",           "lte",
                                     "leo-satellite", "5g",   "geo-satellite", NULL };
G_STATIC_ASSERT (G_N_ELEMENTS (names) == G_N_ELEMENTS (presets) + 1);

const LinkPreset *
link_presets_get (gsize *n_out)
{
  *n_out = G_N_ELEMENTS (presets);
  return presets;
}

const LinkPreset *
link_presets_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (presets); i++)
    if (strcmp (presets[i].name, name) == 0)
      return &presets[i];
  return NULL;
}

const char *const *
link_presets_get_names (void)
{
  return names;
}
