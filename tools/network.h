/* SPDX-License-Identifier: Apache-2.0 */
/* network.h - what the verbs that use the network (tunnel, speed) share. */
#pragma once

#include "apps/endpoint.h"
#include "tools/tool.h"

G_BEGIN_DECLS

/* Takes "client" or "server" off the arguments of a verb, so that @argv[0] is "VERB ROLE". FALSE:
 * told on standard error, or what the roles are was printed and *@status_out is 0. */
gboolean network_parse_role (int *argc, char ***argv, AppRole *role_out, int *status_out);

/* The exit status that @error means: usage for what can be known before the network is touched. */
int network_get_status (const GError *error);

/* As many descriptors as the system allows: each connection takes one and each link another. */
void network_raise_limits (void);

/* Sets the level that -v, -q or CAIMAN_LOG ask for; FALSE: none of them says anything. What the
 * library logs by itself is for those who look for errors in it: it takes -vv. */
gboolean network_set_log_level (void);

/* "10s" of option @name. FALSE: told on standard error. NULL leaves *@ns as it is. */
gboolean network_parse_timeout (const char *verb, const char *name, const char *text, gint64 *ns);

G_END_DECLS
