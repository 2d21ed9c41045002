/* SPDX-License-Identifier: Apache-2.0 */
/* floods.c - what is left of a transfer over two links while others flood the server's link port.
 *
 * usage: floods [CONNECTS [SECONDS [FOLDER]]]
 *
 * A server, a client that sends all the time, and an attacker (this process), over loopback: the
 * transfer comes from 127.0.0.1, the floods from 127.0.0.2 and on. Between two floods the transfer
 * is measured undisturbed, and each flood is told as a share of that. With a FOLDER of credentials
 * (tests/transports/tls) all links are TLS. */
#include "tests/security/bogus.h"
#include "transports/tcp-acceptor.h"
#include "transports/tls.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITE_BYTES (64u * 1024u)

/* What the processes tell each other. */
typedef struct {
  volatile guint port;
  volatile guint64 received_bytes, n_turned_away, n_handshakes, n_accepted;
  volatile gint64 server_cpu_us;
} Shared;

static Shared *shared;
static GBytes *content;
static const char *tls_folder; /* (nullable) */

static gint64
now_us (void)
{
  return g_get_monotonic_time ();
}

/* TLS needs a main context (tls.h). */
static CaimanLoop *
loop_new (GSource **source_out)
{
  CaimanLoop *loop = caiman_loop_new (NULL);
  *source_out = tls_folder ? caiman_loop_source_new (loop) : NULL;
  if (*source_out)
    g_source_attach (*source_out, NULL);
  return loop;
}

static gboolean
woken_up (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/* Returns after 100 ms at the latest. */
static void
iterate (CaimanLoop *loop)
{
  static guint waker;
  if (!tls_folder) {
    caiman_loop_iterate (loop, 100 * CAIMAN_NS_PER_MS);
    return;
  }
  if (!waker)
    waker = g_timeout_add (100, woken_up, NULL);
  g_main_context_iteration (NULL, TRUE);
}

static void
loop_free (CaimanLoop *loop, GSource *source)
{
  if (source) {
    g_source_destroy (source);
    g_source_unref (source);
  }
  caiman_loop_free (loop);
}

/* --- The server --- */

typedef struct {
  CaimanLoop *loop;
  CaimanPump *pump;
  CaimanConfig config;
  guint8 *buffer;
} Server;

static void
server_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  Server *self = user_data;
  gssize size;
  while (event->type == CAIMAN_EVENT_READABLE &&
         (size = caiman_connection_read (connection, self->buffer, WRITE_BYTES,
                                         caiman_loop_now (self->loop), NULL)) > 0)
    shared->received_bytes += (guint64)size;
}

static void
server_incoming (gpointer user_data, CaimanConnection *pending)
{
  Server *self = user_data;
  caiman_pump_accept (self->pump, pending);
  shared->n_accepted++;
}

static void
tell (const Server *self)
{
  const CaimanServer *server = caiman_pump_get_server (self->pump);
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  shared->n_turned_away = caiman_server_get_n_turned_away (server);
  shared->n_handshakes = caiman_server_get_n_handshakes (server);
  shared->server_cpu_us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                          usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void
run_server (void)
{
  static const CaimanPumpHandler handler = { .event = server_event, .incoming = server_incoming };
  static const char *const addresses[] = { "127.0.0.1:0", NULL };
  GSource *source;
  Server self = { .loop = loop_new (&source), .buffer = g_malloc (WRITE_BYTES) };
  CaimanTcpAcceptorOptions options = { .filter = CAIMAN_TCP_FILTER_NONE };
  if (tls_folder) {
    g_autofree char *file = g_build_filename (tls_folder, "server.pem", NULL);
    g_autofree char *key = g_build_filename (tls_folder, "server-key.pem", NULL);
    options.wrap = caiman_tls_wrap;
    options.wrap_data = caiman_tls_new_server (file, key, NULL, NULL);
    g_assert (options.wrap_data);
  }
  caiman_config_init (&self.config, CAIMAN_PRESET_ADAPTIVE);
  self.pump = caiman_loop_new_server_pump (self.loop, &self.config, NULL, &handler, &self);
  CaimanTcpAcceptor *acceptor =
      caiman_tcp_acceptor_new (self.loop, self.pump, addresses, &options, NULL);
  g_assert (acceptor);
  shared->port = caiman_tcp_acceptor_get_port (acceptor, 0);
  for (;;) {
    iterate (self.loop);
    tell (&self);
  }
}

/* --- Clients --- */

typedef struct {
  CaimanLoop *loop;
  GSource *source;
  CaimanPump *pump;
  CaimanConfig config;
  CaimanTls *tls; /* (nullable) */
  guint n_connected;
} Client;

static void
write_all (Client *self)
{
  CaimanConnection *connection = caiman_pump_get_connection (self->pump);
  while (caiman_connection_write (connection, content, 0, caiman_loop_now (self->loop), NULL) > 0)
    continue;
}

static void
client_event (gpointer user_data, CaimanConnection *connection, const CaimanEvent *event)
{
  Client *self = user_data;
  self->n_connected += event->type == CAIMAN_EVENT_CONNECTED;
  if (event->type == CAIMAN_EVENT_WRITABLE)
    write_all (self);
}

static CaimanTransport *
client_open (gpointer user_data, guint32 path_id, CaimanReason *reason_out)
{
  static const CaimanTcpOptions options;
  Client *self = user_data;
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = g_htons ((guint16)shared->port),
                                 .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
  CaimanTransport *tcp = caiman_tcp_connect (self->loop, (struct sockaddr *)&address,
                                             sizeof address, NULL, &options, reason_out);
  return tcp && self->tls ? caiman_tls_wrap (self->loop, tcp, self->tls) : tcp;
}

static void
client_init (Client *self, guint n_links)
{
  static const CaimanPumpHandler handler = { .event = client_event, .open = client_open };
  *self = (Client) { .n_connected = 0 };
  self->loop = loop_new (&self->source);
  if (tls_folder)
    self->tls = caiman_tls_new_client (NULL, NULL, CAIMAN_TLS_ANY_SERVER, NULL, NULL, NULL);
  caiman_config_init (&self->config, CAIMAN_PRESET_ADAPTIVE);
  self->config.reconnect_delay_ns = CAIMAN_NS_PER_S / 2;
  self->pump = caiman_loop_new_client_pump (self->loop, &self->config, NULL, &handler, self);
  gint64 now_ns = caiman_loop_now (self->loop);
  for (guint i = 0; i < n_links; i++) {
    CaimanLinkInfo info = { .name = i ? "b" : "a" };
    caiman_connector_add_path (caiman_pump_get_connector (self->pump), &info, now_ns, now_ns);
  }
  caiman_pump_touch (self->pump);
}

static void
run_sender (void)
{
  Client self;
  client_init (&self, 2);
  while (self.n_connected == 0)
    iterate (self.loop);
  write_all (&self);
  caiman_pump_touch (self.pump);
  for (;;)
    iterate (self.loop);
}

/* How long a fresh connection takes to be accepted, in ms; -1: longer than 20 s. */
static gint64
time_connection (void)
{
  Client self;
  gint64 start_us = now_us ();
  client_init (&self, 1);
  while (self.n_connected == 0 && now_us () - start_us < 20 * G_USEC_PER_SEC)
    iterate (self.loop);
  gint64 time_ms = self.n_connected ? (now_us () - start_us) / 1000 : -1;
  caiman_loop_free_pump (self.loop, self.pump);
  loop_free (self.loop, self.source);
  caiman_tls_unref (self.tls);
  return time_ms;
}

/* --- The attacker --- */

typedef struct {
  guint64 bytes;
  gint64 time_us, cpu_us;
} Mark;

static Mark
mark (void)
{
  return (Mark) { shared->received_bytes, now_us (), shared->server_cpu_us };
}

static double
get_rate (const Mark *from, const Mark *to)
{
  return (double)(to->bytes - from->bytes) * 8 / (double)(to->time_us - from->time_us);
}

/* The same by the server's own processor time, whoever else had the processors. */
static double
get_efficiency (const Mark *from, const Mark *to)
{
  return (double)(to->bytes - from->bytes) / (double)MAX (to->cpu_us - from->cpu_us, 1);
}

static guint64
read_status (pid_t pid, const char *key)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", (int)pid), *text = NULL;
  g_assert (g_file_get_contents (path, &text, NULL, NULL));
  return g_ascii_strtoull (strstr (text, key) + strlen (key), NULL, 10);
}

static guint
count_descriptors (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fd", (int)pid);
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  guint n = 0;
  while (g_dir_read_name (folder))
    n++;
  return n;
}

static int sockets[20000];
static guint n_sockets;

static void
open_socket (guint n_sources, BogusKind kind)
{
  char source[20];
  g_snprintf (source, sizeof source, "127.0.0.%u", 2 + n_sockets % n_sources);
  int fd = bogus_connect (source, (guint16)shared->port, kind);
  if (fd >= 0)
    sockets[n_sockets++] = fd;
}

static void
close_sockets (void)
{
  for (guint i = 0; i < n_sockets; i++)
    bogus_close (sockets[i]);
  n_sockets = 0;
}

/* As many as fast as possible, of all kinds, a few hundred open at a time. */
static void
flood_connects (guint n_connects, gint64 duration_us)
{
  for (guint n = 0; n < n_connects; n++) {
    open_socket (8, (BogusKind)(n % BOGUS_N_KINDS));
    if (n_sockets >= 500 || n + 1 == n_connects)
      close_sockets ();
  }
}

/* @n handshakes that say a byte per second, opened again when the server has closed them. */
static void
trickle (guint n, guint n_sources, BogusKind kind, gint64 duration_us)
{
  gint64 end_us = now_us () + duration_us;
  while (now_us () < end_us) {
    for (guint i = 0; i < n_sockets;) {
      if (bogus_trickle (sockets[i]) && !bogus_is_closed (sockets[i])) {
        i++;
        continue;
      }
      bogus_close (sockets[i]);
      sockets[i] = sockets[--n_sockets];
    }
    while (n_sockets < n)
      open_socket (n_sources, kind);
    g_usleep (G_USEC_PER_SEC);
  }
}

static void
loris_one_address (guint n_connects, gint64 duration_us)
{
  trickle (1200, 1, tls_folder ? BOGUS_HALF_TLS : BOGUS_HALF_CONNECT, duration_us);
}

/* Enough to take all of the threads that GIO begins with. */
static void
loris_few_addresses (guint n_connects, gint64 duration_us)
{
  trickle (1200, 4, tls_folder ? BOGUS_TLS_HELLO : BOGUS_HALF_CONNECT, duration_us);
}

static void
loris_many_addresses (guint n_connects, gint64 duration_us)
{
  trickle (1200, 100, tls_folder ? BOGUS_TLS_HELLO : BOGUS_HALF_CONNECT, duration_us);
}

static void
hold_quiet (guint n_connects, gint64 duration_us)
{
  for (guint i = 0; i < 5000; i++)
    open_socket (100, BOGUS_QUIET);
  g_usleep ((gulong)duration_us);
}

static const struct {
  const char *name;
  void (*run) (guint n_connects, gint64 duration_us);
} floods[] = {
  { "bogus connects", flood_connects },
  { "1200 slow handshakes, one address", loris_one_address },
  { "1200 slow handshakes, 4 addresses", loris_few_addresses },
  { "1200 slow handshakes, 100 addresses", loris_many_addresses },
  { "5000 quiet connects, 100 addresses", hold_quiet },
};

static void
run_flood (guint index, guint n_connects, gint64 duration_us, pid_t server)
{
  Mark before = mark (), begin, end, after;
  g_usleep ((gulong)duration_us);
  begin = mark ();
  guint64 n_turned_away = shared->n_turned_away;
  floods[index].run (n_connects, duration_us);
  end = mark ();
  guint64 peak_kib = read_status (server, "VmHWM:");
  guint n_descriptors = count_descriptors (server);
  guint64 n_handshakes = shared->n_handshakes;
  gint64 connect_ms = time_connection ();
  close_sockets ();
  g_usleep (G_USEC_PER_SEC / 5);
  Mark rest = mark ();
  g_usleep ((gulong)duration_us);
  after = mark ();
  double efficiency = get_efficiency (&begin, &end) * 200 /
                      (get_efficiency (&before, &begin) + get_efficiency (&rest, &after));
  double undisturbed = (get_rate (&before, &begin) + get_rate (&rest, &after)) / 2;
  g_print ("%-36s %6.2f s: %5.0f Mbit/s, %3.0f %% of %5.0f, %3.0f %% by processor time; a new "
           "connection %" G_GINT64_FORMAT " ms; %" G_GUINT64_FORMAT
           " handshakes, %u descriptors, %" G_GUINT64_FORMAT " MiB at most, %" G_GUINT64_FORMAT
           " turned away\n",
           floods[index].name, (double)(end.time_us - begin.time_us) / 1e6, get_rate (&begin, &end),
           100 * get_rate (&begin, &end) / undisturbed, undisturbed, efficiency, connect_ms,
           n_handshakes, n_descriptors, peak_kib / 1024, shared->n_turned_away - n_turned_away);
}

static pid_t
start (void (*run) (void))
{
  pid_t pid = fork ();
  if (pid == 0) {
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    run ();
  }
  g_assert (pid > 0);
  return pid;
}

int
main (int argc, char **argv)
{
  guint n_connects = argc > 1 ? (guint)atoi (argv[1]) : 100000;
  gint64 duration_us = (argc > 2 ? atoi (argv[2]) : 5) * G_USEC_PER_SEC;
  tls_folder = argc > 3 ? argv[3] : NULL;
  struct rlimit limit;
  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  g_autofree guint8 *zeros = g_malloc0 (WRITE_BYTES);
  content = g_bytes_new_static (zeros, WRITE_BYTES);
  shared = mmap (NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_assert (shared != MAP_FAILED);
  pid_t server = start (run_server);
  while (shared->port == 0)
    g_usleep (1000);
  pid_t sender = start (run_sender);
  g_usleep (G_USEC_PER_SEC);
  for (guint i = 0; i < G_N_ELEMENTS (floods); i++)
    run_flood (i, n_connects, duration_us, server);
  kill (sender, SIGKILL);
  kill (server, SIGKILL);
  g_bytes_unref (content);
  return 0;
}
