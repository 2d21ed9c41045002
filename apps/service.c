/* SPDX-License-Identifier: Apache-2.0 */
/* service.c - see service.h. While it ends it looks every few milliseconds whether all is gone:
 * that is simple, and right whatever the connections and transports do meanwhile. */
#include "apps/service.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CHECK_INTERVAL_MS 20

/* For terminated connections to say so to their peers, and for sockets to drain. */
#define LAST_WORDS_NS (2 * CAIMAN_NS_PER_S)

static const int signals[] = { SIGTERM, SIGINT, SIGHUP };

/* What a signal's source carries. */
typedef struct {
  AppService *service;
  int number;
  GSource *source;
} Signal;

struct _AppService {
  AppEndpoint *endpoint;
  gint64 grace_ns;
  AppServiceHandler handler;
  gpointer user_data;
  GMainLoop *main_loop;
  Signal signals[G_N_ELEMENTS (signals)];
  GSource *check;
  gint64 deadline_ns; /* of the grace time, then of the last words */
  gboolean stopping, terminated;
  int signal;
};

void
app_service_notify (const char *state)
{
  const char *path = g_getenv ("NOTIFY_SOCKET");
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gsize length = path ? strlen (path) : 0;
  if (length == 0 || length >= sizeof address.sun_path || (*path != '/' && *path != '@'))
    return;
  memcpy (address.sun_path, path, length);
  if (*path == '@')
    address.sun_path[0] = '\0';
  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return;
  socklen_t size = (socklen_t)(offsetof (struct sockaddr_un, sun_path) + length);
  if (sendto (fd, state, strlen (state), MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0) {
    g_autofree char *text =
        g_strdup_printf ("cannot tell the service manager at %s: %s", path, g_strerror (errno));
    app_log_write (APP_LOG_WARNING, text);
  }
  close (fd);
}

/* --- The end --- */

static void
terminate_all (AppService *service)
{
  const GPtrArray *connections = app_endpoint_get_connections (service->endpoint);
  service->terminated = TRUE;
  service->deadline_ns = app_endpoint_now (service->endpoint) + LAST_WORDS_NS;
  if (connections->len > 0)
    app_endpoint_log (service->endpoint, APP_LOG_NOTICE, "terminating %u connection%s",
                      connections->len, connections->len == 1 ? "" : "s");
  for (guint i = 0; i < connections->len; i++)
    app_connection_terminate (connections->pdata[i]);
}

static gboolean
check_end (gpointer user_data)
{
  AppService *service = user_data;
  gint64 now_ns = app_endpoint_now (service->endpoint);
  gboolean gone = app_endpoint_get_connections (service->endpoint)->len == 0 &&
                  caiman_loop_get_n_draining (app_endpoint_get_loop (service->endpoint)) == 0;
  if (gone || (service->terminated && now_ns >= service->deadline_ns))
    g_main_loop_quit (service->main_loop);
  else if (now_ns >= service->deadline_ns)
    terminate_all (service);
  return G_SOURCE_CONTINUE;
}

void
app_service_stop (AppService *service)
{
  if (service->stopping)
    return;
  service->stopping = TRUE;
  app_service_notify ("STOPPING=1");
  service->deadline_ns = caiman_time_add (app_endpoint_now (service->endpoint), service->grace_ns);
  if (service->handler.stop)
    service->handler.stop (service->user_data);
  service->check = g_timeout_source_new (CHECK_INTERVAL_MS);
  g_source_set_callback (service->check, check_end, service, NULL);
  g_source_attach (service->check, app_endpoint_get_context (service->endpoint));
}

static void
quit (gpointer user_data)
{
  AppService *service = user_data;
  if (service->stopping && !service->terminated)
    terminate_all (service);
  app_service_stop (service);
}

/* --- Signals --- */

static gboolean
on_signal (gpointer user_data)
{
  Signal *signal = user_data;
  AppService *service = signal->service;
  if (signal->number == SIGHUP && service->handler.reload && !service->stopping) {
    service->handler.reload (service->user_data);
    return G_SOURCE_CONTINUE;
  }
  if (service->signal == 0) {
    service->signal = signal->number;
    guint n = app_endpoint_get_connections (service->endpoint)->len;
    if (n > 0)
      app_endpoint_log (service->endpoint, APP_LOG_NOTICE,
                        "ending; %u connection%s may go on for a while (again: end at once)", n,
                        n == 1 ? "" : "s");
    app_service_stop (service);
  } else if (!service->terminated) {
    terminate_all (service);
  } else {
    g_main_loop_quit (service->main_loop);
  }
  return G_SOURCE_CONTINUE;
}

int
app_service_get_signal (const AppService *service)
{
  return service->signal;
}

/* --- Life --- */

/* Each link and each forwarded connection takes a descriptor; the usual limit of 1 024 is meant for
 * programs that use select(). */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
  }
}

static void
mask_signals (int how)
{
  sigset_t set;
  sigemptyset (&set);
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++)
    sigaddset (&set, signals[i]);
  sigprocmask (how, &set, NULL);
}

void
app_service_hold_signals (void)
{
  mask_signals (SIG_BLOCK);
}

AppService *
app_service_new (AppEndpoint *endpoint, gint64 grace_ns, const AppServiceHandler *handler,
                 gpointer user_data)
{
  raise_descriptor_limit ();
  AppService *service = g_new0 (AppService, 1);
  GMainContext *context = app_endpoint_get_context (endpoint);
  service->endpoint = endpoint;
  service->grace_ns = grace_ns;
  service->handler = *handler;
  service->user_data = user_data;
  service->main_loop = g_main_loop_new (context, FALSE);
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++) {
    GSource *source = g_unix_signal_source_new (signals[i]);
    service->signals[i] = (Signal) { service, signals[i], source };
    g_source_set_callback (source, on_signal, &service->signals[i], NULL);
    g_source_attach (source, context);
  }
  mask_signals (SIG_UNBLOCK);
  app_endpoint_set_quit (endpoint, quit, service);
  return service;
}

void
app_service_free (AppService *service)
{
  if (service == NULL)
    return;
  app_endpoint_set_quit (service->endpoint, NULL, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (signals); i++) {
    g_source_destroy (service->signals[i].source);
    g_source_unref (service->signals[i].source);
  }
  if (service->check) {
    g_source_destroy (service->check);
    g_source_unref (service->check);
  }
  g_main_loop_unref (service->main_loop);
  g_free (service);
}

void
app_service_set_grace (AppService *service, gint64 grace_ns)
{
  service->grace_ns = grace_ns;
}

void
app_service_run (AppService *service)
{
  g_main_loop_run (service->main_loop);
}
