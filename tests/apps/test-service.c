/* SPDX-License-Identifier: Apache-2.0 */
/* test-service.c - what systemd is told, and log lines. */
#include "tests/apps/app-world.h"

#include "apps/listener.h"
#include "apps/service.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* --- sd_notify --- */

static int
bind_socket (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  socklen_t size = (socklen_t)(G_STRUCT_OFFSET (struct sockaddr_un, sun_path) + strlen (path));
  memcpy (address.sun_path, path, strlen (path));
  if (*path == '@')
    address.sun_path[0] = '\0';
  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, size), ==, 0);
  return fd;
}

static void
expect_datagram (int fd, const char *text)
{
  char buffer[256];
  gssize n = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT);
  g_assert_cmpint (n, >, 0);
  g_assert_cmpmem (buffer, n, text, strlen (text));
}

static void
test_notify (void)
{
  g_autofree char *folder = g_dir_make_tmp ("caiman-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "notify", NULL);
  g_autofree char *abstract = g_strdup_printf ("@caiman-test-%d", (int)getpid ());
  const char *paths[] = { path, abstract };
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++) {
    int fd = bind_socket (paths[i]);
    g_setenv ("NOTIFY_SOCKET", paths[i], TRUE);
    app_service_notify ("READY=1");
    expect_datagram (fd, "READY=1");
    close (fd);
  }
  unlink (path);
  g_rmdir (folder);
  /* Nobody there, no socket at all, no such thing: said or ignored, and no reason to fail. */
  app_service_notify ("READY=1");
  g_setenv ("NOTIFY_SOCKET", "relative", TRUE);
  app_service_notify ("READY=1");
  g_unsetenv ("NOTIFY_SOCKET");
  app_service_notify ("READY=1");
}

/* --- Ends --- */

static AppEndpoint *
make_endpoint (void)
{
  static const AppHandler handler = { NULL };
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  AppEndpoint *endpoint = app_endpoint_new (APP_ROLE_SERVER, "test", &config, &handler, NULL, NULL);
  g_assert_nonnull (endpoint);
  return endpoint;
}

static gboolean
quit_soon (gpointer endpoint)
{
  app_endpoint_quit (endpoint);
  app_endpoint_quit (endpoint); /* impatient */
  return G_SOURCE_REMOVE;
}

static void
count (gpointer data)
{
  ++*(int *)data;
}

static void
test_quit (void)
{
  static const AppServiceHandler handler = { .stop = count };
  int n_stops = 0;
  g_autoptr (AppEndpoint) endpoint = make_endpoint ();
  g_autoptr (AppService) service = app_service_new (endpoint, CAIMAN_NS_PER_S, &handler, &n_stops);
  g_idle_add (quit_soon, endpoint);
  app_service_run (service);
  g_assert_cmpint (n_stops, ==, 1);
  g_assert_cmpint (app_service_get_signal (service), ==, 0);
  g_clear_pointer (&service, app_service_free);
  app_endpoint_quit (endpoint); /* nobody listens */
}

/* --- Log lines --- */

static void
test_levels (void)
{
  AppLogLevel level = APP_LOG_ERROR, before = app_log_get_level ();
  g_assert_cmpint (before, ==, APP_LOG_NOTICE);
  for (AppLogLevel i = 0; i < APP_N_LOG_LEVELS; i++) {
    g_assert_true (app_log_level_from_string (app_log_level_to_string (i), &level));
    g_assert_cmpint (level, ==, i);
  }
  g_assert_false (app_log_level_from_string ("loud", &level));
}

static void
test_log (void)
{
  g_autoptr (AppEndpoint) endpoint = make_endpoint ();
  WorldLog log;
  world_log_init (&log, endpoint);
  app_endpoint_log (endpoint, APP_LOG_NOTICE, "number %d", 1);
  app_endpoint_log (endpoint, APP_LOG_DEBUG, "number %d", 2);
  g_assert_cmpstr (log.text->str, ==, "notice: number 1\n");
  world_log_clear (&log);
}

/* In a process of its own: what goes to standard error. */
static void
test_stderr (void)
{
  if (g_test_subprocess ()) {
    app_log_write (APP_LOG_NOTICE, "a notice");
    app_log_write (APP_LOG_WARNING, "a warning");
    app_log_write (APP_LOG_DEBUG, "a detail");
    exit (0);
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*caiman: a notice\ncaiman: warning: a warning\n*");
  g_test_trap_assert_stderr_unmatched ("*a detail*");
}

/* --- Listener --- */

typedef struct {
  int n_accepted;
  gboolean frees;
} Accepting;

static void
on_accepted (gpointer user_data, AppListener *listener, int fd, const char *peer)
{
  Accepting *accepting = user_data;
  g_assert_true (g_str_has_prefix (peer, "127.0.0.1:"));
  close (fd);
  accepting->n_accepted++;
  if (accepting->frees)
    app_listener_free (listener);
}

static gboolean
has_accepted (gpointer user_data)
{
  return ((const Accepting *)user_data)->n_accepted > 0;
}

static void
test_listener (void)
{
  g_autoptr (AppEndpoint) endpoint = make_endpoint ();
  g_autoptr (GError) error = NULL;
  Accepting accepting = { .frees = TRUE };
  CaimanLoop *loop = app_endpoint_get_loop (endpoint);
  AppListener *listener = app_listener_new (loop, 0, FALSE, on_accepted, &accepting, &error);
  g_assert_no_error (error);
  guint16 port = app_listener_get_port (listener);
  g_assert_null (app_listener_new (loop, port, FALSE, on_accepted, &accepting, &error));
  g_assert_error (error, CAIMAN_ERROR, CAIMAN_REASON_IO_ERROR);
  int fd = socket_connect (port), other_fd = socket_connect (port);
  world_wait (has_accepted, &accepting);
  g_assert_cmpint (accepting.n_accepted, ==, 1); /* it was freed with one in its queue */
  g_assert_false (socket_can_connect (port));
  close (fd);
  close (other_fd);
}

/* Without descriptors it waits, and goes on when there are some again. */
static void
test_no_descriptors (void)
{
  g_autoptr (AppEndpoint) endpoint = make_endpoint ();
  Accepting accepting = { 0 };
  g_autoptr (AppListener) listener =
      app_listener_new (app_endpoint_get_loop (endpoint), 0, TRUE, on_accepted, &accepting, NULL);
  struct rlimit limit, small;
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  int fd = socket_connect (app_listener_get_port (listener));
  small = (struct rlimit) { (rlim_t)fd, limit.rlim_max };
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &small), ==, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpint (accepting.n_accepted, ==, 0);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  world_wait (has_accepted, &accepting);
  close (fd);
}

static void
test_descriptor_limit (void)
{
  struct rlimit limit, small, raised;
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  small = (struct rlimit) { MIN (limit.rlim_max, 256), limit.rlim_max };
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &small), ==, 0);
  g_autoptr (AppEndpoint) endpoint = make_endpoint ();
  g_autoptr (AppService) service = app_service_new (endpoint, 0, &(AppServiceHandler) { 0 }, NULL);
  g_assert_nonnull (service);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &raised), ==, 0);
  g_assert_cmpuint (raised.rlim_cur, ==, limit.rlim_max);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/apps/service/notify", test_notify);
  g_test_add_func ("/apps/service/quit", test_quit);
  g_test_add_func ("/apps/service/descriptor-limit", test_descriptor_limit);
  g_test_add_func ("/apps/log/levels", test_levels);
  g_test_add_func ("/apps/log/observer", test_log);
  g_test_add_func ("/apps/log/stderr", test_stderr);
  g_test_add_func ("/apps/listener/accept", test_listener);
  g_test_add_func ("/apps/listener/no-descriptors", test_no_descriptors);
  return g_test_run ();
}
