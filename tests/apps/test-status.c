/* SPDX-License-Identifier: Apache-2.0 */
/* test-status.c - the status socket: requests, answers, and clients that do not behave. */
#include "apps/status-client.h"
#include "apps/status.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utime.h>

#define DEADLINE_US (20 * G_USEC_PER_SEC)

/* A status socket that serves a snapshot by hand. */
typedef struct {
  char *folder, *path;
  LiveSnapshot *snapshot;
  Status *status;
  guint n_samples;
  LiveCommand last;
  char *last_name;
} Served;

static LiveSnapshot *
on_sample (gpointer user_data)
{
  Served *s = user_data;
  s->n_samples++;
  return s->snapshot;
}

static guint
on_command (gpointer user_data, const LiveCommand *command, GError **error)
{
  Served *s = user_data;
  s->last = *command;
  g_free (s->last_name);
  s->last_name = g_strdup (command->link_name);
  if (g_strcmp0 (command->link_name, "nope") != 0)
    return 2;
  g_set_error (error, CAIMAN_ERROR, CAIMAN_REASON_INVALID_ARGUMENT, "there is no \"nope\"");
  return 0;
}

static StatusSource
make_source (Served *s)
{
  return (StatusSource) { .sample = on_sample, .command = on_command, .user_data = s };
}

static void
set_up (Served *s, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  StatusSource source = make_source (s);
  s->folder = g_dir_make_tmp ("caiman-status-XXXXXX", &error);
  g_assert_no_error (error);
  s->path = g_build_filename (s->folder, "s.sock", NULL);
  s->snapshot = live_snapshot_new ("tunnel client");
  g_ptr_array_add (s->snapshot->connections, live_connection_new (1, "label"));
  s->status = status_new (NULL, s->path, &source, &error);
  g_assert_no_error (error);
}

static void
tear_down (Served *s, gconstpointer data)
{
  status_free (s->status);
  g_assert_false (g_file_test (s->path, G_FILE_TEST_EXISTS));
  g_assert_cmpint (g_rmdir (s->folder), ==, 0);
  live_snapshot_free (s->snapshot);
  g_free (s->last_name);
  g_free (s->path);
  g_free (s->folder);
}

/* Lets the server work; both ends are in this thread. */
static void
turn (gint64 until_us)
{
  g_assert_cmpint (g_get_monotonic_time (), <, until_us);
  if (!g_main_context_iteration (NULL, FALSE))
    g_usleep (500);
}

static StatusClient *
open_client (Served *s)
{
  g_autoptr (GError) error = NULL;
  StatusClient *client = status_client_open (s->path, &error);
  g_assert_no_error (error);
  return client;
}

/* (transfer full): the next answer, or NULL when the server has hung up. */
static char *
get_answer (StatusClient *client)
{
  gint64 until_us = g_get_monotonic_time () + DEADLINE_US;
  for (;;) {
    g_autoptr (GError) error = NULL;
    char *answer = status_client_next (client, &error);
    if (answer != NULL || error != NULL)
      return answer;
    turn (until_us);
  }
}

static char *
ask (Served *s, const char *request)
{
  g_autoptr (StatusClient) client = open_client (s);
  g_autoptr (GError) error = NULL;
  status_client_send (client, request, &error);
  g_assert_no_error (error);
  return get_answer (client);
}

static void
test_status (Served *s, gconstpointer data)
{
  g_autofree char *request = status_request_format_status (&(LiveJsonOptions) { 0 });
  g_autofree char *answer = ask (s, request);
  g_autoptr (LiveSnapshot) snapshot = NULL;
  g_autoptr (GError) error = NULL;
  struct stat info;
  g_assert_true (status_client_parse (answer, &snapshot, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (snapshot->title, ==, "tunnel client");
  g_assert_cmpuint (snapshot->connections->len, ==, 1);
  g_assert_cmpstr (status_get_path (s->status), ==, s->path);
  g_assert_cmpint (stat (s->path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 0777, ==, 0600);
}

static void
test_commands (Served *s, gconstpointer data)
{
  LiveCommand command = { .action = LIVE_UNBLOCK, .link_name = "a \"b\"" };
  g_autofree char *by_name = status_request_format_command (&command);
  g_autofree char *first = ask (s, by_name);
  gint64 n_links = 0;
  g_autoptr (GError) error = NULL;
  g_assert_true (status_client_parse (first, NULL, &n_links, NULL));
  g_assert_cmpint (n_links, ==, 2);
  g_assert_cmpint (s->last.action, ==, LIVE_UNBLOCK);
  g_assert_cmpstr (s->last_name, ==, "a \"b\"");

  command = (LiveCommand) { .action = LIVE_DISCONNECT, .connection = 5, .link_id = 9 };
  g_autofree char *by_id = status_request_format_command (&command);
  g_autofree char *second = ask (s, by_id);
  g_assert_true (status_client_parse (second, NULL, NULL, NULL));
  g_assert_cmpint (s->last.action, ==, LIVE_DISCONNECT);
  g_assert_cmpuint (s->last.connection, ==, 5);
  g_assert_cmpuint (s->last.link_id, ==, 9);

  g_autofree char *third = ask (s, "{\"do\":\"block\",\"link\":\"nope\"}\n");
  g_assert_false (status_client_parse (third, NULL, NULL, &error));
  g_assert_cmpstr (error->message, ==, "there is no \"nope\"");
}

/* Whatever somebody sends gets an answer that says what is wrong with it. */
static void
test_bad_requests (Served *s, gconstpointer data)
{
  static const struct {
    const char *request, *message;
  } cases[] = {
    { "\n", "a request is a JSON object on one line" },
    { "nonsense\n", "a request is a JSON object on one line" },
    { "[1]\n", "a request is a JSON object on one line" },
    { "{\"do\":\n", "a request is a JSON object on one line" },
    { "{\"do\":\"\xff\"}\n", "a request is a JSON object on one line" },
    { "{}\n", "'do' is missing" },
    { "{\"do\":3}\n", "'do' is missing" },
    { "{\"do\":\"dance\"}\n", "'do' must be status, watch, block, unblock or disconnect" },
    { "{\"do\":\"status\",\"history\":61}\n", "'history' must be a number from 0 to 60" },
    { "{\"do\":\"status\",\"history\":\"x\"}\n", "'history' must be a number from 0 to 60" },
    { "{\"do\":\"watch\",\"every_ms\":-1}\n", "'every_ms' must be a number from 0 to 60000" },
    { "{\"do\":\"block\"}\n", "'link' must be the name or the id of a link" },
    { "{\"do\":\"block\",\"link\":{}}\n", "'link' must be a number from 0 to 4294967295" },
    { "{\"do\":\"block\",\"link\":1}\n", "the id of a link needs 'connection', too" },
    { "{\"do\":\"block\",\"link\":\"x\",\"connection\":1.5}\n",
      "'connection' must be a number from 0 to 9223372036854775807" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *answer = ask (s, cases[i].request);
    g_autoptr (GError) error = NULL;
    g_assert_false (status_client_parse (answer, NULL, NULL, &error));
    g_assert_cmpstr (error->message, ==, cases[i].message);
  }
  g_assert_cmpuint (s->n_samples, ==, 0);
}

/* Nesting as deep as a request can be. */
static void
test_deep_request (Served *s, gconstpointer data)
{
  g_autofree char *deep = g_strnfill (STATUS_REQUEST_MAX_BYTES - 1, '[');
  g_autofree char *line = g_strconcat (deep, "\n", NULL);
  g_autofree char *answer = ask (s, line);
  g_assert_false (status_client_parse (answer, NULL, NULL, NULL));
}

static void
test_long_request (Served *s, gconstpointer data)
{
  g_autoptr (StatusClient) client = open_client (s);
  g_autofree char *noise = g_strnfill (STATUS_REQUEST_MAX_BYTES + 1, 'x');
  g_autoptr (GError) error = NULL;
  status_client_send (client, noise, NULL);
  g_autofree char *answer = get_answer (client);
  g_assert_false (status_client_parse (answer, NULL, NULL, &error));
  g_assert_cmpstr (error->message, ==, "the request is too long");
  g_assert_null (get_answer (client)); /* hung up */
}

/* Several requests on one connection, also in one piece, and the sender's end after them. */
static void
test_several_requests (Served *s, gconstpointer data)
{
  g_autoptr (StatusClient) client = open_client (s);
  status_client_send (client, "{\"do\":\"status\"}\n{\"do\":\"x\"}\n{\"do\":\"sta", NULL);
  g_autofree char *first = get_answer (client);
  g_autofree char *second = get_answer (client);
  status_client_send (client, "tus\"}\n", NULL);
  g_autofree char *third = get_answer (client);
  g_assert_true (status_client_parse (first, NULL, NULL, NULL));
  g_assert_false (status_client_parse (second, NULL, NULL, NULL));
  g_assert_true (status_client_parse (third, NULL, NULL, NULL));
  status_client_send (client, "{\"do\":\"status\"}\n", NULL);
  shutdown (status_client_get_fd (client), SHUT_WR);
  g_autofree char *last = get_answer (client);
  g_assert_true (status_client_parse (last, NULL, NULL, NULL));
  g_assert_null (get_answer (client));
}

static void
test_watch (Served *s, gconstpointer data)
{
  g_autoptr (StatusClient) client = open_client (s);
  g_autofree char *request =
      status_request_format_watch (&(LiveJsonOptions) { .history_max = 5 }, 1);
  status_client_send (client, request, NULL);
  for (guint i = 0; i < 3; i++) {
    g_autofree char *answer = get_answer (client);
    g_autoptr (LiveSnapshot) snapshot = NULL;
    g_assert_true (status_client_parse (answer, &snapshot, NULL, NULL));
    g_assert_nonnull (snapshot);
  }
  /* A command between two pictures. */
  status_client_send (client, "{\"do\":\"block\",\"link\":\"a\"}\n", NULL);
  gint64 n_links = 0;
  while (n_links == 0) {
    g_autofree char *answer = get_answer (client);
    g_assert_true (status_client_parse (answer, NULL, &n_links, NULL));
  }
  g_assert_cmpint (n_links, ==, 2);
}

/* One that watches and does not read holds one picture, however long it lasts. */
static void
test_slow_watcher (Served *s, gconstpointer data)
{
  g_autoptr (StatusClient) client = open_client (s);
  g_autofree char *label = g_strnfill (1000, 'x');
  gint64 until_us = g_get_monotonic_time () + DEADLINE_US;
  for (guint i = 2; i < 2000; i++)
    g_ptr_array_add (s->snapshot->connections, live_connection_new (i, label));
  status_client_send (client, "{\"do\":\"watch\",\"every_ms\":100}\n", NULL);
  while (s->n_samples == 0)
    turn (until_us);
  gint64 wait_us = g_get_monotonic_time () + 400 * 1000;
  while (g_get_monotonic_time () < wait_us)
    turn (until_us);
  g_assert_cmpuint (s->n_samples, ==, 1);
  /* Another one is served meanwhile. */
  g_autofree char *other = ask (s, "{\"do\":\"status\"}\n");
  g_assert_true (status_client_parse (other, NULL, NULL, NULL));
  /* Once it reads, it gets all of it, and the next. */
  for (guint i = 0; i < 2; i++) {
    g_autoptr (LiveSnapshot) snapshot = NULL;
    g_autofree char *answer = get_answer (client);
    g_assert_true (status_client_parse (answer, &snapshot, NULL, NULL));
    g_assert_cmpuint (snapshot->connections->len, ==, 1999);
  }
}

/* More clients than there may be: the last are dropped, and places become free again. */
static void
test_many_clients (Served *s, gconstpointer data)
{
  StatusClient *clients[STATUS_CLIENTS_MAX];
  for (guint i = 0; i < STATUS_CLIENTS_MAX; i++) {
    clients[i] = open_client (s);
    status_client_send (clients[i], "{\"do\":\"status\"}\n", NULL);
    g_autofree char *answer = get_answer (clients[i]);
    g_assert_nonnull (answer);
  }
  g_assert_null (ask (s, "{\"do\":\"status\"}\n"));
  for (guint i = 0; i < STATUS_CLIENTS_MAX; i++)
    status_client_close (clients[i]);
  gint64 until_us = g_get_monotonic_time () + DEADLINE_US;
  for (;;) { /* until their end has been noticed */
    g_autofree char *answer = ask (s, "{\"do\":\"status\"}\n");
    if (answer != NULL)
      break;
    turn (until_us);
  }
}

/* Clients that go away in the middle of anything. */
static void
test_clients_that_vanish (Served *s, gconstpointer data)
{
  static const char *const requests[] = { "", "{\"do\":", "{\"do\":\"status\"}\n",
                                          "{\"do\":\"watch\"}\n" };
  for (guint i = 0; i < 200; i++) {
    g_autoptr (StatusClient) client = open_client (s);
    status_client_send (client, requests[i % G_N_ELEMENTS (requests)], NULL);
    if (i % 3 == 0)
      g_main_context_iteration (NULL, FALSE);
    g_clear_pointer (&client, status_client_close);
    while (g_main_context_iteration (NULL, FALSE))
      ;
  }
  g_autofree char *answer = ask (s, "{\"do\":\"status\"}\n");
  g_assert_true (status_client_parse (answer, NULL, NULL, NULL));
}

/* --- The path --- */

/* (transfer full) The path of a socket that nobody serves, @age_s old. */
static char *
make_dead_socket (const char *folder, const char *name, gint64 age_s)
{
  char *path = g_build_filename (folder, name, NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  time_t made = (time_t)(g_get_real_time () / G_USEC_PER_SEC - age_s);
  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  close (fd);
  g_assert_cmpint (g_utime (path, &(struct utimbuf) { made, made }), ==, 0);
  return path;
}

static void
test_in_use (Served *s, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  StatusSource source = make_source (s);
  g_assert_null (status_new (NULL, s->path, &source, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
  g_assert_true (g_str_has_prefix (error->message, s->path));
  g_autofree char *answer = ask (s, "{\"do\":\"status\"}\n"); /* goes on */
  g_assert_true (status_client_parse (answer, NULL, NULL, NULL));
}

/* What a killed process has left behind is replaced; a file of another kind is not. */
static void
test_stale (Served *s, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = make_dead_socket (s->folder, "stale.sock", 0);
  StatusSource source = make_source (s);
  g_autoptr (Status) status = status_new (NULL, path, &source, &error);
  g_assert_no_error (error);
  g_clear_pointer (&status, status_free);

  g_assert_true (g_file_set_contents (path, "precious", -1, NULL));
  g_assert_null (status_new (NULL, path, &source, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_autofree char *contents = NULL;
  g_assert_true (g_file_get_contents (path, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "precious");
  g_unlink (path);
}

/* A socket that another process has put in our place stays. */
static void
test_replaced (Served *s, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  StatusSource source = make_source (s);
  g_assert_cmpint (g_unlink (s->path), ==, 0);
  Status *second = status_new (NULL, s->path, &source, &error);
  g_assert_no_error (error);
  status_free (s->status);
  g_assert_true (g_file_test (s->path, G_FILE_TEST_EXISTS));
  s->status = second;
}

static void
test_bad_paths (Served *s, gconstpointer data)
{
  g_autoptr (GError) too_long = NULL, no_folder = NULL, no_server = NULL, also_too_long = NULL;
  StatusSource source = make_source (s);
  g_autofree char *name = g_strnfill (200, 'x');
  g_assert_null (status_new (NULL, name, &source, &too_long));
  g_assert_error (too_long, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG);
  g_assert_null (status_client_open (name, &also_too_long));
  g_assert_error (also_too_long, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG);
  g_autofree char *nowhere = g_build_filename (s->folder, "no", "such.sock", NULL);
  g_assert_null (status_new (NULL, nowhere, &source, &no_folder));
  g_assert_error (no_folder, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_null (status_client_open (nowhere, &no_server));
  g_assert_error (no_server, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
}

static void
test_default_path (Served *s, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  StatusSource source = make_source (s);
  g_setenv ("XDG_RUNTIME_DIR", s->folder, TRUE);
  g_autofree char *path = status_make_default_path ("tunnel client", &error);
  g_assert_no_error (error);
  g_autofree char *expected =
      g_strdup_printf ("%s/caiman/tunnel-client-%d.sock", s->folder, (int)getpid ());
  g_assert_cmpstr (path, ==, expected);
  g_autoptr (Status) status = status_new (NULL, path, &source, &error);
  g_assert_no_error (error);
  g_autoptr (GPtrArray) paths = status_list_default_paths (FALSE);
  g_assert_true (g_ptr_array_find_with_equal_func (paths, expected, g_str_equal, NULL));
  /* Of others: one that was killed long ago, one that may be about to listen, one that does. */
  g_autofree char *folder = g_path_get_dirname (expected);
  g_autofree char *old = make_dead_socket (folder, "old.sock", 3600);
  g_autofree char *young = make_dead_socket (folder, "young.sock", 0);
  g_assert_cmpint (g_utime (expected, &(struct utimbuf) { 1, 1 }), ==, 0);
  g_autofree char *again = status_make_default_path ("tunnel client", &error);
  g_assert_cmpstr (again, ==, expected);
  g_assert_false (g_file_test (old, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (young, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (expected, G_FILE_TEST_EXISTS));
  g_unlink (young);
  g_clear_pointer (&status, status_free);
  g_assert_cmpint (g_rmdir (folder), ==, 0);

  g_autofree char *file = g_build_filename (s->folder, "file", NULL);
  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_setenv ("XDG_RUNTIME_DIR", file, TRUE);
  g_assert_null (status_make_default_path ("tunnel client", &error));
  g_assert_nonnull (error);
  g_unlink (file);
  g_unsetenv ("XDG_RUNTIME_DIR");
}

/* --- The client's side --- */

static void
test_answers_of_others (void)
{
  static const char *const answers[] = {
    "", "x", "[]", "{}", "{\"ok\":false}", "{\"ok\":false,\"error\":\"why\"}"
  };
  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_false (status_client_parse (answers[i], NULL, NULL, &error));
    g_assert_nonnull (error);
  }
  LiveSnapshot *snapshot = live_snapshot_new ("stays?");
  LiveSnapshot *before = snapshot;
  g_assert_true (status_client_parse ("{\"ok\":true,\"status\":3}", &snapshot, NULL, NULL));
  g_assert_null (snapshot);
  live_snapshot_free (before);
}

/* The server is silent: the client does not wait for ever. */
static void
test_wait (Served *s, gconstpointer data)
{
  g_autoptr (StatusClient) client = open_client (s);
  g_autoptr (GError) error = NULL;
  g_assert_null (status_client_wait (client, 20, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_clear_error (&error);
  status_client_send (client, "{\"do\":\"status\"}\n", NULL);
  for (guint i = 0; i < 10; i++)
    g_main_context_iteration (NULL, FALSE);
  g_autofree char *answer = status_client_wait (client, 10000, &error);
  g_assert_no_error (error);
  g_assert_nonnull (answer);
  status_free (s->status);
  s->status = NULL;
  g_assert_null (status_client_wait (client, 10000, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/apps/status/" name, Served, NULL, set_up, func, tear_down)
  ADD ("status", test_status);
  ADD ("commands", test_commands);
  ADD ("bad-requests", test_bad_requests);
  ADD ("deep-request", test_deep_request);
  ADD ("long-request", test_long_request);
  ADD ("several-requests", test_several_requests);
  ADD ("watch", test_watch);
  ADD ("slow-watcher", test_slow_watcher);
  ADD ("many-clients", test_many_clients);
  ADD ("clients-that-vanish", test_clients_that_vanish);
  ADD ("in-use", test_in_use);
  ADD ("stale", test_stale);
  ADD ("replaced", test_replaced);
  ADD ("bad-paths", test_bad_paths);
  ADD ("default-path", test_default_path);
  ADD ("wait", test_wait);
#undef ADD
  g_test_add_func ("/apps/status/answers-of-others", test_answers_of_others);
  return g_test_run ();
}
