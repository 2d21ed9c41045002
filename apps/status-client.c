/* SPDX-License-Identifier: Apache-2.0 */
/* status-client.c - see status-client.h. */
#include "apps/status-client.h"

#include "apps/status.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct _StatusClient {
  char *path;
  int fd;
  GString *in;
  gsize n_searched; /* of @in, for a newline */
};

static gboolean
fail (const StatusClient *client, int code, GError **error)
{
  g_set_error (error, G_IO_ERROR, (int)g_io_error_from_errno (code), "%s: %s", client->path,
               g_strerror (code));
  return FALSE;
}

StatusClient *
status_client_open (const char *path, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  g_autoptr (StatusClient) client = g_new0 (StatusClient, 1);
  client->path = g_strdup (path);
  client->in = g_string_new (NULL);
  client->fd = -1;
  if (strlen (path) >= sizeof address.sun_path) {
    fail (client, ENAMETOOLONG, error);
    return NULL;
  }
  strcpy (address.sun_path, path);
  client->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (client->fd < 0 ||
      connect (client->fd, (const struct sockaddr *)&address, sizeof address) != 0) {
    fail (client, errno, error);
    return NULL;
  }
  return g_steal_pointer (&client);
}

/* The last of those that answer, all of which are listed in @list; *@n_out: how many. */
static StatusClient *
open_listed (gboolean of_system, GString *list, guint *n_out)
{
  g_autoptr (GPtrArray) paths = status_list_default_paths (of_system);
  StatusClient *found = NULL;
  *n_out = 0;
  for (guint i = 0; i < paths->len; i++) {
    StatusClient *client = status_client_open (g_ptr_array_index (paths, i), NULL);
    if (client == NULL)
      continue;
    g_string_append_printf (list, "\n  %s", client->path);
    (*n_out)++;
    status_client_close (found);
    found = client;
  }
  return found;
}

StatusClient *
status_client_open_any (const char *path, GError **error)
{
  guint n_found;
  if (path != NULL)
    return status_client_open (path, error);
  g_autoptr (GString) list = g_string_new (NULL);
  g_autoptr (StatusClient) found = open_listed (FALSE, list, &n_found);
  if (found == NULL)
    found = open_listed (TRUE, list, &n_found);
  if (n_found == 1)
    return g_steal_pointer (&found);
  if (n_found == 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                 "there is no status socket of a running tunnel; if it is at a path of its own, "
                 "name that");
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "there are several; name one of%s",
                 list->str);
  return NULL;
}

void
status_client_close (StatusClient *client)
{
  if (client == NULL)
    return;
  if (client->fd >= 0)
    close (client->fd);
  g_string_free (client->in, TRUE);
  g_free (client->path);
  g_free (client);
}

const char *
status_client_get_path (const StatusClient *client)
{
  return client->path;
}

int
status_client_get_fd (const StatusClient *client)
{
  return client->fd;
}

gboolean
status_client_send (StatusClient *client, const char *request, GError **error)
{
  gsize size = strlen (request);
  while (size > 0) {
    gssize n = send (client->fd, request, size, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail (client, errno, error);
    request += n;
    size -= (gsize)n;
  }
  return TRUE;
}

/* (transfer full, nullable) The first whole line. */
static char *
take_line (StatusClient *client)
{
  GString *in = client->in;
  char *end = memchr (in->str + client->n_searched, '\n', in->len - client->n_searched);
  if (end == NULL) {
    client->n_searched = in->len;
    return NULL;
  }
  gsize size = (gsize)(end - in->str);
  char *line = g_strndup (in->str, size);
  g_string_erase (in, 0, (gssize)size + 1);
  client->n_searched = 0;
  return line;
}

char *
status_client_next (StatusClient *client, GError **error)
{
  char buffer[65536];
  char *line;
  while ((line = take_line (client)) == NULL) {
    gssize n = recv (client->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      return NULL;
    if (n <= 0) {
      fail (client, n < 0 ? errno : ECONNRESET, error);
      return NULL;
    }
    g_string_append_len (client->in, buffer, n);
    if (client->in->len > STATUS_ANSWER_MAX_BYTES) {
      fail (client, EMSGSIZE, error);
      return NULL;
    }
  }
  return line;
}

char *
status_client_wait (StatusClient *client, int timeout_ms, GError **error)
{
  gint64 until_us = g_get_monotonic_time () + (gint64)timeout_ms * 1000;
  for (;;) {
    g_autoptr (GError) problem = NULL;
    char *line = status_client_next (client, &problem);
    gint64 left_us = until_us - g_get_monotonic_time ();
    struct pollfd poll_fd = { .fd = client->fd, .events = POLLIN };
    if (line != NULL)
      return line;
    if (problem != NULL) {
      g_propagate_error (error, g_steal_pointer (&problem));
      return NULL;
    }
    if (left_us <= 0) {
      fail (client, ETIMEDOUT, error);
      return NULL;
    }
    if (poll (&poll_fd, 1, (int)(left_us / 1000) + 1) < 0 && errno != EINTR) {
      fail (client, errno, error);
      return NULL;
    }
  }
}

/* (nullable, belongs to @parser) The object of an answer that is "ok". */
static JsonObject *
parse_answer (JsonParser *parser, const char *answer, GError **error)
{
  JsonNode *root =
      json_parser_load_from_data (parser, answer, -1, NULL) ? json_parser_get_root (parser) : NULL;
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                 "the answer is not that of a status socket");
    return NULL;
  }
  JsonObject *object = json_node_get_object (root);
  if (json_object_get_boolean_member_with_default (object, "ok", FALSE))
    return object;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s",
               json_object_get_string_member_with_default (object, "error", "it failed"));
  return NULL;
}

gboolean
status_client_parse (const char *answer, LiveSnapshot **snapshot_out, gint64 *n_links_out,
                     GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonObject *object = parse_answer (parser, answer, error);
  if (object == NULL)
    return FALSE;
  JsonNode *status = json_object_get_member (object, "status");
  if (snapshot_out != NULL)
    *snapshot_out = status != NULL && JSON_NODE_HOLDS_OBJECT (status)
                        ? live_json_parse (json_node_get_object (status))
                        : NULL;
  if (n_links_out != NULL)
    *n_links_out = json_object_get_int_member_with_default (object, "links", 0);
  return TRUE;
}

char *
status_client_extract (const char *answer, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  JsonObject *object = parse_answer (parser, answer, error);
  if (object == NULL)
    return NULL;
  JsonNode *status = json_object_get_member (object, "status");
  g_autofree char *text = status != NULL ? json_to_string (status, FALSE) : g_strdup ("{}");
  return g_strconcat (text, "\n", NULL);
}
