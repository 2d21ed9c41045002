/* SPDX-License-Identifier: Apache-2.0 */
/* lab-absent.c - the testbed lab of a caiman that was built without it: it refuses everything. */
#include "harness/foreign.h"
#include "harness/testbed-lab.h"

static GPtrArray *
check (const Scenario *scenario)
{
  GPtrArray *refused = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (refused,
                   g_strdup ("testbed lab: this caiman was built without it (-Dlab=false); "
                             "sim and tcp are there"));
  return refused;
}

const TestbedClass testbed_lab_class = { .name = "lab", .check = check };

void
foreign_check (const Scenario *scenario, const RunForeign *spec, GPtrArray *refused)
{
}

Foreign *
foreign_new (Run *run, const RunForeign *spec, GError **error)
{
  g_assert_not_reached ();
}

void
foreign_begin (Foreign *foreign)
{
  g_assert_not_reached ();
}

void
foreign_free (Foreign *foreign)
{
  g_assert (!foreign);
}
