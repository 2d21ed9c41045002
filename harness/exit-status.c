/* SPDX-License-Identifier: Apache-2.0 */
/* exit-status.c - see exit-status.h. */
#include "harness/exit-status.h"

/* From the least bad to the worst. */
static const int order[] = {
  RUN_EXIT_SKIPPED,  RUN_EXIT_HELD,     RUN_EXIT_EXPECTATION, EXIT_STATUS_USAGE,
  RUN_EXIT_INTERNAL, RUN_EXIT_LIVENESS, RUN_EXIT_SAFETY,      EXIT_STATUS_INTERRUPTED,
};

static gsize
rank_of (int status)
{
  gsize internal = 0;
  for (gsize i = 0; i < G_N_ELEMENTS (order); i++) {
    if (order[i] == status)
      return i;
    if (order[i] == RUN_EXIT_INTERNAL)
      internal = i;
  }
  return internal;
}

int
exit_status_worse (int a, int b)
{
  return order[MAX (rank_of (a), rank_of (b))];
}
