/* SPDX-License-Identifier: Apache-2.0 */
/* loopback.c - caiman over loopback against plain TCP in the same run, a process per end.
 *
 *   build/bench/loopback [--rounds N] [--seconds S] [--size BYTES] [--links N] [--quiet N]
 *                        [--chunk BYTES] [--congestion NAME] [--only bulk|ping] [--anywhere]
 *                        [--of tcp|caiman]
 *   build/bench/loopback --scale
 *
 * Prints, of the medians of all rounds, throughput, processor time per byte of both ends together,
 * and round trip of a small message, each as a ratio to that of plain TCP. --scale: the same
 * figures of one busy connection beside 0, 10, 100 and 1 000 quiet ones of the same two processes.
 */
#include "bench/loopback-ends.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PING_BYTES 64

static int rounds = 5, n_links = 4, n_quiet = 0, size_bytes = 64 * 1024, chunk_bytes = 0;
static double seconds = 1;
static char *congestion, *only, *of;
static gboolean scale, anywhere;

static const GOptionEntry entries[] = {
  { "rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "number of rounds", "N" },
  { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds, "length of each measurement", "S" },
  { "size", 0, 0, G_OPTION_ARG_INT, &size_bytes, "bytes of each write and read", "BYTES" },
  { "links", 0, 0, G_OPTION_ARG_INT, &n_links, "links of a connection", "N" },
  { "quiet", 0, 0, G_OPTION_ARG_INT, &n_quiet, "other connections that are open", "N" },
  { "chunk", 0, 0, G_OPTION_ARG_INT, &chunk_bytes, "stream-chunk instead of the default", "BYTES" },
  { "congestion", 0, 0, G_OPTION_ARG_STRING, &congestion, "TCP_CONGESTION, cubic", "NAME" },
  { "only", 0, 0, G_OPTION_ARG_STRING, &only, "bulk or ping alone", "WHICH" },
  { "of", 0, 0, G_OPTION_ARG_STRING, &of, "tcp or caiman alone", "WHICH" },
  { "scale", 0, 0, G_OPTION_ARG_NONE, &scale, "beside 0 to 1 000 quiet connections", NULL },
  { "anywhere", 0, 0, G_OPTION_ARG_NONE, &anywhere, "processors as the scheduler likes", NULL },
  { NULL },
};

gint64
loopback_now (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (gint64)now.tv_sec * CAIMAN_NS_PER_S + now.tv_nsec;
}

gint64
loopback_cpu (void)
{
  struct timespec used;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &used);
  return (gint64)used.tv_sec * CAIMAN_NS_PER_S + used.tv_nsec;
}

static int
compare_values (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *)a, second = *(const gint64 *)b;
  return (first > second) - (first < second);
}

gint64
loopback_median (GArray *values)
{
  if (values->len == 0)
    return 0;
  g_array_sort (values, compare_values);
  return g_array_index (values, gint64, values->len / 2);
}

/* Each end on a processor of its own: where the scheduler puts both on the same one, for a while or
 * for good, the figures are others, of plain TCP most of all. */
static void
pin (guint processor)
{
  cpu_set_t set;
  CPU_ZERO (&set);
  CPU_SET (processor, &set);
  if (!anywhere && g_get_num_processors () > 1)
    sched_setaffinity (0, sizeof set, &set);
}

static pid_t
start (LoopbackEnd end, guint processor, const LoopbackSetup *setup, LoopbackResult *result_out)
{
  pid_t pid = fork ();
  if (pid < 0)
    g_error ("fork: %m");
  if (pid > 0)
    return pid;
  pin (processor);
  end (setup, result_out);
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  result_out->peak_kib = usage.ru_maxrss;
  _exit (0);
}

static void
finish (pid_t pid)
{
  int status;
  if (waitpid (pid, &status, 0) != pid || status != 0)
    g_error ("an end failed");
}

static void
listen_on_loopback (LoopbackSetup *setup)
{
  socklen_t size = sizeof setup->address;
  setup->listen_fd = socket (AF_INET, SOCK_STREAM, 0);
  setup->address =
      (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
  if (bind (setup->listen_fd, (struct sockaddr *)&setup->address, size) < 0 ||
      listen (setup->listen_fd, 128) < 0 ||
      getsockname (setup->listen_fd, (struct sockaddr *)&setup->address, &size) < 0)
    g_error ("cannot listen: %m");
}

/* results[0] is the server's, [1] the client's; shared with the processes. */
static void
measure (LoopbackEnd server, LoopbackEnd client, gboolean ping, guint quiet,
         LoopbackResult results[2])
{
  LoopbackSetup setup = { .n_links = (guint)n_links, .n_quiet = quiet, .ping = ping };
  setup.size = ping ? PING_BYTES : (gsize)size_bytes;
  g_strlcpy (setup.congestion, congestion ? congestion : "cubic", sizeof setup.congestion);
  caiman_config_init (&setup.config, CAIMAN_PRESET_ADAPTIVE);
  setup.config.stream_chunk_bytes = chunk_bytes;
  if (g_getenv ("WMAX"))
    setup.config.link_window_max_bytes = atoi (g_getenv ("WMAX"));
  listen_on_loopback (&setup);
  memset (results, 0, 2 * sizeof *results);
  setup.time_ns = (gint64)(seconds * (double)CAIMAN_NS_PER_S);
  pid_t server_pid = start (server, 0, &setup, &results[0]);
  pid_t client_pid = start (client, 1, &setup, &results[1]);
  finish (client_pid);
  finish (server_pid);
  close (setup.listen_fd);
}

typedef struct {
  GArray *rate; /* bytes/s */
  GArray *cost; /* ns of processor time per MiB, both ends */
  GArray *ping;
  gint64 peak_kib;
} Figures;

static void
figures_init (Figures *figures)
{
  figures->rate = g_array_new (FALSE, FALSE, sizeof (gint64));
  figures->cost = g_array_new (FALSE, FALSE, sizeof (gint64));
  figures->ping = g_array_new (FALSE, FALSE, sizeof (gint64));
}

static void
take_round (Figures *figures, LoopbackEnd server, LoopbackEnd client, guint quiet)
{
  LoopbackResult *results =
      mmap (NULL, 2 * sizeof *results, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (!only || strcmp (only, "bulk") == 0) {
    measure (server, client, FALSE, quiet, results);
    gint64 took_ns = MAX (results[0].last_ns - results[0].first_ns, 1);
    gint64 rate = caiman_muldiv ((gint64)results[0].bytes, CAIMAN_NS_PER_S, took_ns);
    gint64 cost = caiman_muldiv (results[0].cpu_ns + results[1].cpu_ns, 1024 * 1024,
                                 (gint64)MAX (results[0].bytes, 1));
    g_array_append_val (figures->rate, rate);
    g_array_append_val (figures->cost, cost);
    figures->peak_kib = MAX (figures->peak_kib, results[0].peak_kib);
    g_printerr ("  %.2f GB/s, %" G_GINT64_FORMAT " us/MiB (server %.2f s, client %.2f s)\n",
                (double)rate / 1e9, cost / 1000, (double)results[0].cpu_ns / 1e9,
                (double)results[1].cpu_ns / 1e9);
  }
  if (!only || strcmp (only, "ping") == 0) {
    measure (server, client, TRUE, quiet, results);
    g_array_append_val (figures->ping, results[1].ping_median_ns);
  }
  munmap (results, 2 * sizeof *results);
}

/* The ratio is the median of the rounds' ratios, as the two of a round had the same neighbours. */
static gint64
get_ratio (GArray *of_tcp, GArray *of_caiman)
{
  g_autoptr (GArray) ratios = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (guint i = 0; i < MIN (of_tcp->len, of_caiman->len); i++) {
    gint64 of_round = caiman_muldiv (g_array_index (of_caiman, gint64, i), 1000,
                                     MAX (g_array_index (of_tcp, gint64, i), 1));
    g_array_append_val (ratios, of_round);
  }
  return loopback_median (ratios);
}

static void
print_ratio (const char *what, GArray *of_tcp, GArray *of_caiman, double divisor, const char *unit)
{
  if (of_tcp->len + of_caiman->len == 0)
    return;
  double ratio = (double)get_ratio (of_tcp, of_caiman) / 1e3;
  g_print ("%-32s tcp %9.2f  caiman %9.2f %-7s ratio %.2f\n", what,
           (double)loopback_median (of_tcp) / divisor,
           (double)loopback_median (of_caiman) / divisor, unit, ratio);
}

static void
compare (void)
{
  Figures tcp = { 0 }, caiman = { 0 };
  figures_init (&tcp);
  figures_init (&caiman);
  for (int i = 0; i < rounds; i++) {
    if (!of || strcmp (of, "tcp") == 0)
      take_round (&tcp, loopback_tcp_server, loopback_tcp_client, 0);
    if (!of || strcmp (of, "caiman") == 0)
      take_round (&caiman, loopback_caiman_server, loopback_caiman_client, (guint)n_quiet);
  }
  print_ratio ("throughput", tcp.rate, caiman.rate, 1e9, "GB/s");
  print_ratio ("processor time, both ends", tcp.cost, caiman.cost, 1e3, "us/MiB");
  print_ratio ("round trip of 64 bytes", tcp.ping, caiman.ping, 1e3, "us");
  if (caiman.peak_kib > 0)
    g_print ("%-32s %" G_GINT64_FORMAT " KiB\n", "peak memory of caiman's receiver",
             caiman.peak_kib);
}

static void
allow_descriptors (guint needed)
{
  struct rlimit limit;
  getrlimit (RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < needed)
    g_error ("%u descriptors are needed (ulimit -n)", needed);
  limit.rlim_cur = MAX (limit.rlim_cur, needed);
  setrlimit (RLIMIT_NOFILE, &limit);
}

static void
print_scale (void)
{
  static const guint numbers[] = { 0, 10, 100, 1000 };
  Figures caiman[G_N_ELEMENTS (numbers)] = { 0 };
  allow_descriptors (1001 * (guint)n_links + 50);
  for (int i = 0; i < rounds; i++) {
    for (guint k = 0; k < G_N_ELEMENTS (numbers); k++) {
      if (i == 0)
        figures_init (&caiman[k]);
      take_round (&caiman[k], loopback_caiman_server, loopback_caiman_client, numbers[k]);
    }
  }
  for (guint k = 0; k < G_N_ELEMENTS (numbers); k++)
    g_print ("%4u quiet: %6.2f GB/s %8.2f us/MiB, round trip %8.2f us, receiver %6" G_GINT64_FORMAT
             " KiB\n",
             numbers[k], (double)loopback_median (caiman[k].rate) / 1e9,
             (double)loopback_median (caiman[k].cost) / 1e3,
             (double)loopback_median (caiman[k].ping) / 1e3, caiman[k].peak_kib);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("%s\n", error->message);
    return 2;
  }
  if (scale)
    print_scale ();
  else
    compare ();
  return 0;
}
