/* SPDX-License-Identifier: Apache-2.0 */
/* foreign-programs.h - the two programs of a foreign run (foreign.h): one in each namespace. */
#pragma once

#include "harness/testbed-lab-private.h"

G_BEGIN_DECLS

typedef struct _ForeignPrograms ForeignPrograms;

/* @side's program has ended; called from the loop. */
typedef void (*ForeignEndedFunc) (gpointer user_data, ScenarioSide side, int status);

/* Starts @argv of each side (nullable: none), the server's first. What they print goes to standard
 * error. NULL with LAB_ERROR. */
ForeignPrograms *foreign_programs_new (TestbedLab *lab, char **const argv[SCENARIO_N_SIDES],
                                       ForeignEndedFunc ended, gpointer user_data, GError **error);

/* Ends them. Accepts NULL. */
void foreign_programs_free (ForeignPrograms *programs);

/* What their environment has on top of our own, as NAME=VALUE:
 *   CAIMAN_LAB_SIDE                  client or server
 *   CAIMAN_LAB_LINKS                 how many links there are
 *   CAIMAN_LAB_LINK_<n>_NAME         from 0: the scenario's name of it
 *   CAIMAN_LAB_LINK_<n>_INTERFACE    the interface, the same at both sides
 *   CAIMAN_LAB_LINK_<n>_CLIENT       the client's address on it
 *   CAIMAN_LAB_LINK_<n>_SERVER       the server's
 *   CAIMAN_LAB_SERVERS               the server's addresses on all links, with spaces between
 *   CAIMAN_LAB_ENTRY                 ADDRESS:PORT, in the client's namespace: listen there
 *   CAIMAN_LAB_TARGET                ADDRESS:PORT, in the server's: connect to it
 * (transfer full) */
GStrv foreign_make_environment (const TestbedLab *lab, ScenarioSide side);

/* The address of a side on @link, as text. (transfer full) */
char *foreign_format_address (const TestbedLab *lab, guint link, LabSide side);

/* foreign-mptcp.c: the kernels' path managers will use all links; needs ip(8). FALSE with
 * LAB_ERROR.
 */
gboolean foreign_set_up_mptcp (const TestbedLab *lab, GError **error);

G_END_DECLS
