/* SPDX-License-Identifier: Apache-2.0 */
/* app-world.c - see app-world.h. */
#include "tests/apps/app-world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_S 60

/* --- Scripts --- */

typedef struct {
  void (*script) (gpointer user_data);
  gpointer user_data;
  int done; /* atomic */
} Script;

static gpointer
run_script (gpointer data)
{
  Script *script = data;
  script->script (script->user_data);
  g_atomic_int_set (&script->done, 1);
  g_main_context_wakeup (NULL);
  return NULL;
}

static gboolean
is_done (gpointer data)
{
  Script *script = data;
  return g_atomic_int_get (&script->done) != 0;
}

void
world_run_script (void (*script) (gpointer user_data), gpointer user_data)
{
  Script self = { script, user_data, 0 };
  GThread *thread = g_thread_new ("script", run_script, &self);
  world_wait (is_done, &self);
  g_thread_join (thread);
}

static gboolean
give_up (gpointer data)
{
  g_error ("a test takes too long");
  return G_SOURCE_REMOVE;
}

void
world_wait (gboolean (*is_true) (gpointer user_data), gpointer user_data)
{
  guint deadline = g_timeout_add_seconds (DEADLINE_S, give_up, NULL);
  while (!is_true (user_data))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (deadline);
}

/* --- Log lines --- */

static gboolean
keep_line (gpointer user_data, AppLogLevel level, const char *text)
{
  WorldLog *log = user_data;
  g_string_append_printf (log->text, "%s: %s\n", app_log_level_to_string (level), text);
  return TRUE;
}

void
world_log_init (WorldLog *log, AppEndpoint *endpoint)
{
  static const AppObserver observer = { .log = keep_line };
  log->text = g_string_new (NULL);
  log->endpoint = endpoint;
  log->id = app_endpoint_add_observer (endpoint, &observer, log);
}

void
world_log_clear (WorldLog *log)
{
  app_endpoint_remove_observer (log->endpoint, log->id);
  g_string_free (log->text, TRUE);
}

gboolean
world_log_has (const WorldLog *log, const char *text)
{
  return strstr (log->text->str, text) != NULL;
}

/* --- Sockets --- */

static int
try_connect (guint16 port)
{
  const struct sockaddr_in address = {
    .sin_family = AF_INET,
    .sin_port = htons (port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };
  const struct timeval patience = { .tv_sec = DEADLINE_S };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (fd, >=, 0);
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect (fd, (const struct sockaddr *)&address, sizeof address) == 0)
    return fd;
  close (fd);
  return -1;
}

int
socket_connect (guint16 port)
{
  int fd = try_connect (port);
  g_assert_cmpint (fd, >=, 0);
  return fd;
}

gboolean
socket_can_connect (guint16 port)
{
  int fd = try_connect (port);
  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

void
socket_send (int fd, const void *bytes, gsize size)
{
  for (gsize sent = 0; sent < size;) {
    gssize n = send (fd, (const char *)bytes + sent, size - sent, MSG_NOSIGNAL);
    g_assert_cmpint (n, >, 0);
    sent += (gsize)n;
  }
}

void
socket_send_text (int fd, const char *text)
{
  socket_send (fd, text, strlen (text));
}

void
socket_finish (int fd)
{
  g_assert_cmpint (shutdown (fd, SHUT_WR), ==, 0);
}

void
socket_reset (int fd)
{
  const struct linger linger = { .l_onoff = 1 };
  setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close (fd);
}

GBytes *
socket_read_all (int fd, gsize max, int *errno_out)
{
  GByteArray *bytes = g_byte_array_new ();
  guint8 buffer[65536];
  gssize n = 0;
  while (bytes->len < max) {
    n = recv (fd, buffer, MIN (sizeof buffer, max - bytes->len), 0);
    if (n <= 0)
      break;
    g_byte_array_append (bytes, buffer, (guint)n);
  }
  if (errno_out)
    *errno_out = n < 0 ? errno : 0;
  else
    g_assert_cmpint (n, >=, 0);
  return g_byte_array_free_to_bytes (bytes);
}

int
socket_read_to_end (int fd)
{
  int reason;
  g_bytes_unref (socket_read_all (fd, G_MAXSIZE, &reason));
  return reason;
}

void
socket_expect_next (int fd, const char *text)
{
  g_autoptr (GBytes) bytes = socket_read_all (fd, strlen (text), NULL);
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);
  g_assert_cmpmem (data, size, text, strlen (text));
}

void
socket_expect (int fd, const char *text)
{
  g_autoptr (GBytes) bytes = socket_read_all (fd, G_MAXSIZE, NULL);
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);
  g_assert_cmpmem (data, size, text, strlen (text));
  close (fd);
}

/* --- The target --- */

typedef struct {
  Target *target;
  int fd;
} Visit;

void
target_fill (guint8 *bytes, gsize size, guint64 position)
{
  for (gsize i = 0; i < size; i++) {
    guint64 n = position + i;
    bytes[i] = (guint8)(n ^ (n >> 8) ^ (n >> 16));
  }
}

static void
echo (int fd)
{
  guint8 buffer[16384];
  for (gssize n; (n = recv (fd, buffer, sizeof buffer, 0)) > 0;)
    socket_send (fd, buffer, (gsize)n);
}

static void
answer_sum (int fd)
{
  guint8 buffer[65536], sum[32];
  gsize size = sizeof sum;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  for (gssize n; (n = recv (fd, buffer, sizeof buffer, 0)) > 0;)
    g_checksum_update (checksum, buffer, n);
  g_checksum_get_digest (checksum, sum, &size);
  socket_send (fd, sum, size);
}

static void
generate (int fd)
{
  guint8 buffer[65536];
  guint64 wanted;
  g_autoptr (GBytes) number = socket_read_all (fd, sizeof wanted, NULL);
  memcpy (&wanted, g_bytes_get_data (number, NULL), sizeof wanted);
  wanted = GUINT64_FROM_BE (wanted);
  for (guint64 sent = 0; sent < wanted;) {
    gsize size = (gsize)MIN (sizeof buffer, wanted - sent);
    target_fill (buffer, size, sent);
    socket_send (fd, buffer, size);
    sent += size;
  }
}

static void
await_end (Target *target, int fd)
{
  g_atomic_int_inc (socket_read_to_end (fd) == 0 ? &target->n_ends : &target->n_resets);
  g_main_context_wakeup (NULL);
}

static gpointer
serve (gpointer data)
{
  g_autofree Visit *visit = data;
  char what = 0;
  gssize n = recv (visit->fd, &what, 1, 0);
  if (n == 1 && what == 'e')
    echo (visit->fd);
  else if (n == 1 && what == 's')
    answer_sum (visit->fd);
  else if (n == 1 && what == 'g')
    generate (visit->fd);
  else if (n == 1 && what == 'w')
    await_end (visit->target, visit->fd);
  if (what == 'r')
    socket_reset (visit->fd);
  else
    close (visit->fd);
  return NULL;
}

static void
join (gpointer thread)
{
  g_thread_join (thread);
}

static gpointer
accept_all (gpointer data)
{
  Target *target = data;
  g_autoptr (GPtrArray) threads = g_ptr_array_new_with_free_func (join);
  for (int fd; (fd = accept (target->fd, NULL, NULL)) >= 0;) {
    Visit *visit = g_new (Visit, 1);
    *visit = (Visit) { target, fd };
    g_ptr_array_add (threads, g_thread_new ("visit", serve, visit));
  }
  return NULL;
}

Target *
target_new (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  Target *target = g_new0 (Target, 1);
  target->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (target->fd, (struct sockaddr *)&address, size), ==, 0);
  g_assert_cmpint (listen (target->fd, 256), ==, 0);
  g_assert_cmpint (getsockname (target->fd, (struct sockaddr *)&address, &size), ==, 0);
  target->port = ntohs (address.sin_port);
  target->thread = g_thread_new ("target", accept_all, target);
  return target;
}

void
target_free (Target *target)
{
  shutdown (target->fd, SHUT_RDWR); /* wakes accept() */
  g_thread_join (target->thread);
  close (target->fd);
  g_free (target);
}
