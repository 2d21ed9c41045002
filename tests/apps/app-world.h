/* SPDX-License-Identifier: Apache-2.0 */
/* app-world.h - what the tests of tunnel and speed need: endpoints on loopback in this process, and
 * a script of blocking calls that runs in a thread while the main context does the rest.
 *
 * Nothing here goes by time, save for a deadline after which a test is given up. */
#pragma once

#include "apps/tunnel.h"

G_BEGIN_DECLS

/* Runs @script in a thread and the default main context meanwhile. */
void world_run_script (void (*script) (gpointer user_data), gpointer user_data);

/* Runs the default main context until @is_true. */
void world_wait (gboolean (*is_true) (gpointer user_data), gpointer user_data);

/* Log lines of an endpoint, kept instead of printed. */
typedef struct {
  GString *text;
  guint id;
  AppEndpoint *endpoint;
} WorldLog;

void world_log_init (WorldLog *log, AppEndpoint *endpoint);
void world_log_clear (WorldLog *log); /* before the endpoint is freed */
gboolean world_log_has (const WorldLog *log, const char *text);

/* --- Sockets, for scripts: every call blocks, and asserts that it works --- */

int socket_connect (guint16 port);
/* FALSE: nobody listens. */
gboolean socket_can_connect (guint16 port);
void socket_send (int fd, const void *bytes, gsize size);
void socket_send_text (int fd, const char *text);
void socket_finish (int fd); /* half-close */
void socket_reset (int fd);
/* Reads to the end, or up to @max bytes. *@errno_out (nullable): 0, or how it ended. */
GBytes *socket_read_all (int fd, gsize max, int *errno_out);
/* Reads to the end, and returns 0 or the errno by which it came. */
int socket_read_to_end (int fd);
/* Reads so much, which must be @text. */
void socket_expect_next (int fd, const char *text);
/* Reads to the end, which must be @text, and closes. */
void socket_expect (int fd, const char *text);

/* --- A target --- */

/* A TCP server in a thread. The first byte of a connection says what it does: 'e' echoes; 's' reads
 * to the end and answers with the SHA-256 of it; 'g' and 8 bytes, big-endian, sends so many bytes,
 * made by target_fill(); 'r' resets; 'w' reads to the end or an error and counts it. */
typedef struct {
  int fd;
  guint16 port;
  GThread *thread;
  int n_ends, n_resets; /* of 'w', atomic */
} Target;

Target *target_new (void);
void target_free (Target *target);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Target, target_free)

/* Byte @position of everything that is sent here in bulk. */
void target_fill (guint8 *bytes, gsize size, guint64 position);

G_END_DECLS
