/* SPDX-License-Identifier: Apache-2.0 */
/* namespace.h - network namespaces that belong to this process and to nobody else.
 *
 * They have no name: what holds one is a descriptor, and with the last of these, and the last
 * process in it, it is gone, however the process ends. Nothing has to be cleaned up. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  LAB_ERROR_NOT_PERMITTED, /* CAP_NET_ADMIN and CAP_SYS_ADMIN are missing */
  LAB_ERROR_FAILED,        /* what the system says */
} LabError;

#define LAB_ERROR (lab_error_quark ())
GQuark lab_error_quark (void);

/* Sets @error to what failed with errno @code; NOT_PERMITTED where that says so. */
void lab_set_error (GError **error, int code, const char *what);

/* A new network namespace with its loopback interface up, with IPv6 there alone (not on what comes
 * later), and without a cache of TCP metrics (so that a connection starts as if it were the first).
 * Returns a descriptor of it, or -1.
 */
int lab_namespace_new (GError **error);

/* Puts the calling thread into the namespace, until lab_namespace_leave() with what this returned
 * (owned); -1 with @error. Sockets stay in the namespace in which they were made. */
int lab_namespace_enter (int namespace_fd, GError **error);

/* Back; @previous is closed. */
void lab_namespace_leave (int previous);

G_END_DECLS
