/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - see status.h. A client reads while it has nothing to write, and the other way round,
 * so that it never holds more than one request and one answer. */
#include "apps/status.h"

#include "apps/status-request.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG    8
#define READ_BYTES 4096
#define CHECK_S    5

typedef struct {
  Status *status;
  int fd;
  GSource *io;       /* for the one direction that matters now */
  GSource *watching; /* (nullable) the timer of "watch" */
  LiveJsonOptions watch;
  GString *in;
  GString *out;
  gsize n_written;     /* of @out */
  gint64 progress_us;  /* when something last went on, by the monotonic clock */
  gboolean is_at_end;  /* it sends nothing more */
  gboolean is_closing; /* drop it when @out is written */
} Client;

struct _Status {
  GMainContext *context;
  StatusSource source;
  char *path;
  dev_t device; /* of our socket: another process may have put its own there since */
  ino_t inode;
  int fd;
  GSource *accepting, *checking;
  GPtrArray *clients; /* of Client */
};

static void client_wait (Client *client);

static GSource *
attach (Status *status, GSource *source, GSourceFunc func, gpointer data)
{
  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, status->context);
  return source;
}

static void
clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_source_unref (*source);
  *source = NULL;
}

/* --- Clients --- */

static void
client_free (gpointer data)
{
  Client *client = data;
  clear_source (&client->io);
  clear_source (&client->watching);
  close (client->fd);
  g_string_free (client->in, TRUE);
  g_string_free (client->out, TRUE);
  g_free (client);
}

static void
client_drop (Client *client)
{
  g_ptr_array_remove (client->status->clients, client);
}

static void
add_status (Client *client, const LiveJsonOptions *options)
{
  const StatusSource *source = &client->status->source;
  g_string_append (client->out, "{\"ok\":true,\"status\":");
  live_json_append (client->out, source->sample (source->user_data), options);
  g_string_append (client->out, "}\n");
}

static void
add_error (Client *client, const char *text)
{
  g_string_append (client->out, "{\"ok\":false,\"error\":");
  live_json_append_string (client->out, text);
  g_string_append (client->out, "}\n");
}

static void
add_command (Client *client, const LiveCommand *command)
{
  const StatusSource *source = &client->status->source;
  g_autoptr (GError) error = NULL;
  guint n_links = source->command (source->user_data, command, &error);
  if (error != NULL)
    add_error (client, error->message);
  else
    g_string_append_printf (client->out, "{\"ok\":true,\"links\":%u}\n", n_links);
}

/* FALSE: the client was dropped. */
static gboolean
client_write (Client *client)
{
  while (client->n_written < client->out->len) {
    gssize n = send (client->fd, client->out->str + client->n_written,
                     client->out->len - client->n_written, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      return TRUE;
    if (n < 0) {
      client_drop (client);
      return FALSE;
    }
    client->n_written += (gsize)n;
    client->progress_us = g_get_monotonic_time ();
  }
  g_string_truncate (client->out, 0);
  client->n_written = 0;
  if (!client->is_closing)
    return TRUE;
  client_drop (client);
  return FALSE;
}

/* A watcher that has not taken the picture before gets no other. */
static gboolean
on_watch (gpointer data)
{
  Client *client = data;
  if (client->out->len == 0) {
    add_status (client, &client->watch);
    if (client_write (client))
      client_wait (client);
  }
  return G_SOURCE_CONTINUE;
}

static void
start_watch (Client *client, const StatusRequest *request)
{
  clear_source (&client->watching);
  client->watch = request->json;
  client->watching =
      attach (client->status, g_timeout_source_new (request->every_ms), on_watch, client);
  add_status (client, &client->watch);
}

static void
answer (Client *client, const char *line, gsize size)
{
  StatusRequest request;
  g_autoptr (GError) error = NULL;
  if (!status_request_parse (line, size, &request, &error)) {
    add_error (client, error->message);
    return;
  }
  if (request.verb == STATUS_DO_COMMAND)
    add_command (client, &request.command);
  else if (request.verb == STATUS_DO_WATCH)
    start_watch (client, &request);
  else
    add_status (client, &request.json);
  status_request_clear (&request);
}

/* Answers what has come in, as long as the answers are taken. FALSE: the client was dropped. */
static gboolean
client_answer (Client *client)
{
  char *end;
  while (client->out->len == 0 && (end = memchr (client->in->str, '\n', client->in->len)) != NULL) {
    gsize size = (gsize)(end - client->in->str);
    answer (client, client->in->str, size);
    g_string_erase (client->in, 0, (gssize)size + 1);
    if (!client_write (client))
      return FALSE;
  }
  if (client->out->len > 0)
    return TRUE;
  if (client->in->len > STATUS_REQUEST_MAX_BYTES) {
    add_error (client, "the request is too long");
    client->is_closing = TRUE;
    return client_write (client);
  }
  if (client->is_at_end && client->watching == NULL) {
    client_drop (client);
    return FALSE;
  }
  return TRUE;
}

/* FALSE: the client was dropped. */
static gboolean
client_read (Client *client)
{
  char buffer[READ_BYTES];
  gssize n = recv (client->fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return TRUE;
  if (n < 0) {
    client_drop (client);
    return FALSE;
  }
  client->progress_us = g_get_monotonic_time ();
  client->is_at_end = n == 0;
  g_string_append_len (client->in, buffer, n);
  return TRUE;
}

static gboolean
on_io (gint fd, GIOCondition condition, gpointer data)
{
  Client *client = data;
  if (client->out->len > 0) {
    if (!client_write (client))
      return G_SOURCE_REMOVE;
  } else if (!client_read (client)) {
    return G_SOURCE_REMOVE;
  }
  if (client_answer (client))
    client_wait (client);
  return G_SOURCE_REMOVE;
}

/* Waits for what matters next: that the answer can go on, or for another request. */
static void
client_wait (Client *client)
{
  GIOCondition condition = client->out->len > 0 ? G_IO_OUT : G_IO_IN;
  clear_source (&client->io);
  if (client->is_at_end && condition == G_IO_IN)
    return; /* the timer of its watch goes on, until it closes */
  client->io = attach (client->status, g_unix_fd_source_new (client->fd, condition),
                       G_SOURCE_FUNC (on_io), client);
}

/* --- The socket --- */

static gboolean
is_allowed (int fd)
{
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == 0 || peer.uid == geteuid ());
}

static gboolean
on_incoming (gint fd, GIOCondition condition, gpointer data)
{
  Status *status = data;
  int client_fd = accept4 (fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client_fd < 0 && (errno == EMFILE || errno == ENFILE)) {
    clear_source (&status->accepting); /* else it would be ready again and again */
    return G_SOURCE_REMOVE;
  }
  if (client_fd < 0)
    return G_SOURCE_CONTINUE;
  if (status->clients->len >= STATUS_CLIENTS_MAX || !is_allowed (client_fd)) {
    close (client_fd);
    return G_SOURCE_CONTINUE;
  }
  Client *client = g_new0 (Client, 1);
  client->status = status;
  client->fd = client_fd;
  client->in = g_string_new (NULL);
  client->out = g_string_new (NULL);
  client->progress_us = g_get_monotonic_time ();
  g_ptr_array_add (status->clients, client);
  client_wait (client);
  return G_SOURCE_CONTINUE;
}

static void
start_accepting (Status *status)
{
  if (status->accepting == NULL)
    status->accepting = attach (status, g_unix_fd_source_new (status->fd, G_IO_IN),
                                G_SOURCE_FUNC (on_incoming), status);
}

static gboolean
on_check (gpointer data)
{
  Status *status = data;
  start_accepting (status);
  gint64 now_us = g_get_monotonic_time ();
  for (guint i = status->clients->len; i-- > 0;) {
    const Client *client = g_ptr_array_index (status->clients, i);
    if (now_us - client->progress_us > STATUS_TIMEOUT_S * G_USEC_PER_SEC)
      g_ptr_array_remove_index (status->clients, i);
  }
  return G_SOURCE_CONTINUE;
}

static gboolean
fail (const char *path, int code, GError **error)
{
  g_set_error (error, G_IO_ERROR, (int)g_io_error_from_errno (code), "%s: %s", path,
               g_strerror (code));
  return FALSE;
}

/* Removes a socket that nobody serves any more. FALSE when there is anything else. */
static gboolean
make_room (const char *path, const struct sockaddr_un *address, GError **error)
{
  struct stat info;
  if (lstat (path, &info) != 0)
    return errno == ENOENT ? TRUE : fail (path, errno, error);
  if (!S_ISSOCK (info.st_mode))
    return fail (path, EEXIST, error);
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return fail (path, errno, error);
  int code = connect (fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : errno;
  close (fd);
  if (code != ECONNREFUSED)
    return fail (path, code == 0 || code == EAGAIN ? EADDRINUSE : code, error);
  return unlink (path) == 0 ? TRUE : fail (path, errno, error);
}

static gboolean
listen_on (Status *status, const struct sockaddr_un *address, GError **error)
{
  struct stat info;
  status->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  /* The mode that the socket gets in the file system is that of its inode before bind(): so there
   * is no moment in which it is open to others. */
  if (status->fd < 0 || fchmod (status->fd, 0600) != 0 ||
      bind (status->fd, (const struct sockaddr *)address, sizeof *address) != 0 ||
      lstat (status->path, &info) != 0)
    return fail (status->path, errno, error);
  status->device = info.st_dev;
  status->inode = info.st_ino;
  return listen (status->fd, BACKLOG) == 0 ? TRUE : fail (status->path, errno, error);
}

Status *
status_new (GMainContext *context, const char *path, const StatusSource *source, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  if (strlen (path) >= sizeof address.sun_path) {
    fail (path, ENAMETOOLONG, error);
    return NULL;
  }
  strcpy (address.sun_path, path);
  if (!make_room (path, &address, error))
    return NULL;

  g_autoptr (Status) status = g_new0 (Status, 1);
  status->context = context;
  status->source = *source;
  status->path = g_strdup (path);
  status->clients = g_ptr_array_new_with_free_func (client_free);
  if (!listen_on (status, &address, error))
    return NULL;
  start_accepting (status);
  status->checking = attach (status, g_timeout_source_new_seconds (CHECK_S), on_check, status);
  return g_steal_pointer (&status);
}

void
status_free (Status *status)
{
  struct stat info;
  if (status == NULL)
    return;
  clear_source (&status->accepting);
  clear_source (&status->checking);
  g_ptr_array_unref (status->clients);
  if (status->fd >= 0)
    close (status->fd);
  if (status->inode != 0 && lstat (status->path, &info) == 0 && info.st_dev == status->device &&
      info.st_ino == status->inode)
    unlink (status->path);
  g_free (status->path);
  g_free (status);
}

const char *
status_get_path (const Status *status)
{
  return status->path;
}
