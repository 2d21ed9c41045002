/* SPDX-License-Identifier: Apache-2.0 */
/* identity.h - which binary and which process recorded a run, and a name for the run itself. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The identity of the running program: the build ID that the linker made from its contents, or,
 * where it has none, a hash of its file; "" when neither can be had. Two programs with one identity
 * simulate the same way. (borrowed, for good) */
const char *identity_get_build (void);

/* This process among all that ever run on this host: "PID/START/BOOT". (transfer full) */
char *identity_get_process (void);

/* FALSE: the process that identity_get_process() has named @process (nullable) on host @host has
 * ended. A process on another host counts as ended, since a database is used on one host at a time.
 */
gboolean identity_is_alive (const char *process, const char *host);

/* A name that no other run has, anywhere: 128 random bits in hex. (transfer full) */
char *identity_make_origin (void);

G_END_DECLS
