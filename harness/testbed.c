/* SPDX-License-Identifier: Apache-2.0 */
/* testbed.c - the testbeds there are. */
#include "harness/testbed-lab.h"
#include "harness/testbed-sim.h"
#include "harness/testbed-tcp.h"

static const TestbedClass *const classes[] = { &testbed_sim_class, &testbed_tcp_class,
                                               &testbed_lab_class };

const TestbedClass *
testbed_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (classes); i++) {
    if (g_strcmp0 (name, classes[i]->name) == 0)
      return classes[i];
  }
  return NULL;
}

const char *const *
testbed_list (void)
{
  static const char *const names[] = { "sim", "tcp", "lab", NULL };

  G_STATIC_ASSERT (G_N_ELEMENTS (names) == G_N_ELEMENTS (classes) + 1);
  return names;
}
