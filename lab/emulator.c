/* SPDX-License-Identifier: Apache-2.0 */
/* emulator.c - see emulator.h. One lock around all links: the thread holds it while it works and
 * gives it up while it waits. (A pthread mutex: a thread sanitizer knows it.) */
#include "lab/emulator.h"

#include "lab/link.h"
#include "lab/namespace.h"
#include "lab/priority.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Descriptors told of at a time. */
#define EVENTS_MAX 32
/* So many waits tell the timer's resolution, each this long. */
#define PROBES        21
#define PROBE_WAIT_NS (200 * G_GINT64_CONSTANT (1000))
/* In epoll's data: what wakes the thread, in the place of a link and a side. */
#define WAKE_UP G_MAXUINT32

struct _LabEmulator {
  int namespaces[LAB_N_SIDES];
  GPtrArray *links;       /* of LabLink */
  GPtrArray *bottlenecks; /* of SimBottleneck (borrowed) */
  LabLateFunc late;       /* (nullable) */
  gpointer user_data;
  gint64 base_ns; /* the clock at time 0 */
  int epoll_fd, wake_fd, broken_fd;
  pthread_mutex_t lock; /* of links, and of what they hold */
  GThread *thread;
  gint stop; /* atomic */
  gint64 timer_resolution_ns;
  gint64 cpu_ns; /* of the thread, when it has ended */
};

static gint64
read_clock (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return (gint64)now.tv_sec * CAIMAN_NS_PER_S + now.tv_nsec;
}

/* 0 until it starts. */
static gint64
get_now (gpointer user_data)
{
  const LabEmulator *emulator = user_data;

  return emulator->base_ns < 0 ? 0 : read_clock (CLOCK_MONOTONIC) - emulator->base_ns;
}

static LabLink *
get_link (const LabEmulator *emulator, guint link)
{
  return g_ptr_array_index (emulator->links, link);
}

/* --- The thread --- */

static int
wait_for (int epoll_fd, struct epoll_event *events, gint64 timeout_ns)
{
  struct timespec timeout = { .tv_sec = timeout_ns / CAIMAN_NS_PER_S,
                              .tv_nsec = timeout_ns % CAIMAN_NS_PER_S };
  gboolean for_ever = timeout_ns == CAIMAN_TIME_NEVER;

  return epoll_pwait2 (epoll_fd, events, EVENTS_MAX, for_ever ? NULL : &timeout, NULL);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 difference = *(const gint64 *)a - *(const gint64 *)b;

  return difference < 0 ? -1 : difference > 0;
}

/* Nothing is watched yet. */
static gint64
measure_timer (int epoll_fd)
{
  struct epoll_event events[EVENTS_MAX];
  gint64 late_ns[PROBES];

  for (guint i = 0; i < PROBES; i++) {
    gint64 due_ns = read_clock (CLOCK_MONOTONIC) + PROBE_WAIT_NS;
    wait_for (epoll_fd, events, PROBE_WAIT_NS);
    late_ns[i] = read_clock (CLOCK_MONOTONIC) - due_ns;
  }
  qsort (late_ns, PROBES, sizeof late_ns[0], compare_times);
  return late_ns[PROBES / 2];
}

static void
raise_event (int event_fd)
{
  const guint64 one = 1;

  if (write (event_fd, &one, sizeof one) < 0)
    g_warn_if_fail (errno == EAGAIN);
}

/* Something that has a deadline: a direction of a link, or a bottleneck. */
typedef struct {
  LabLink *link; /* (nullable) */
  SimDirection direction;
  SimBottleneck *bottleneck;
  gint64 deadline_ns;
} Due;

static void
consider (Due *first, Due candidate)
{
  if (candidate.deadline_ns < first->deadline_ns)
    *first = candidate;
}

static Due
find_first (const LabEmulator *emulator)
{
  Due first = { .deadline_ns = CAIMAN_TIME_NEVER };

  for (guint i = 0; i < emulator->links->len; i++) {
    for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
      LabLink *link = get_link (emulator, i);
      gint64 deadline_ns = lab_link_get_deadline (link, d);
      consider (&first, (Due) { .link = link, .direction = d, .deadline_ns = deadline_ns });
    }
  }
  for (guint i = 0; i < emulator->bottlenecks->len; i++) {
    SimBottleneck *bottleneck = g_ptr_array_index (emulator->bottlenecks, i);
    gint64 deadline_ns = sim_bottleneck_get_deadline (bottleneck);
    consider (&first, (Due) { .bottleneck = bottleneck, .deadline_ns = deadline_ns });
  }
  return first;
}

/* In the order of deadlines, each at its own time, because links feed the bottlenecks that they
 * share, which feed the links. Returns the next deadline. */
static gint64
advance (LabEmulator *emulator)
{
  gint64 now_ns = get_now (emulator);
  Due first = find_first (emulator);

  while (first.deadline_ns <= now_ns) {
    if (first.link)
      lab_link_advance (first.link, first.direction, first.deadline_ns, now_ns, emulator->late,
                        emulator->user_data);
    else
      sim_bottleneck_advance (first.bottleneck, first.deadline_ns);
    first = find_first (emulator);
  }
  return first.deadline_ns;
}

/* An interface that is gone would be ready for ever. */
static void
read_link (LabEmulator *emulator, guint index, LabSide side)
{
  LabLink *link = get_link (emulator, index);

  if (lab_link_read (link, side, get_now, emulator))
    return;
  epoll_ctl (emulator->epoll_fd, EPOLL_CTL_DEL, lab_link_get_fd (link, side), NULL);
  raise_event (emulator->broken_fd);
}

static void
read_packets (LabEmulator *emulator, const struct epoll_event *events, int n_events)
{
  for (int i = 0; i < n_events; i++) {
    guint32 what = events[i].data.u32;
    guint64 count;

    if (what != WAKE_UP)
      read_link (emulator, what / LAB_N_SIDES, what % LAB_N_SIDES);
    else if (read (emulator->wake_fd, &count, sizeof count) < 0)
      g_warn_if_fail (errno == EAGAIN);
  }
}

static gpointer
run (gpointer user_data)
{
  LabEmulator *emulator = user_data;
  struct epoll_event events[EVENTS_MAX];
  int n_events = 0;

  lab_priority_set (LAB_PRIORITY_NETWORK);
  for (;;) {
    pthread_mutex_lock (&emulator->lock);
    read_packets (emulator, events, n_events);
    gint64 deadline_ns = advance (emulator);
    gint64 now_ns = get_now (emulator);
    pthread_mutex_unlock (&emulator->lock);
    /* Behind the reading of wake_fd, which may have taken the call to stop along with another. */
    if (g_atomic_int_get (&emulator->stop))
      break;
    gint64 timeout_ns =
        deadline_ns == CAIMAN_TIME_NEVER ? CAIMAN_TIME_NEVER : MAX (deadline_ns - now_ns, 0);
    n_events = MAX (wait_for (emulator->epoll_fd, events, timeout_ns), 0);
  }
  emulator->cpu_ns = read_clock (CLOCK_THREAD_CPUTIME_ID);
  return NULL;
}

static void
wake (LabEmulator *emulator)
{
  raise_event (emulator->wake_fd);
}

/* --- Life --- */

static gboolean
watch (LabEmulator *emulator, int fd, guint32 what)
{
  struct epoll_event event = { .events = EPOLLIN, .data.u32 = what };

  return epoll_ctl (emulator->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static gboolean
add_link (LabEmulator *emulator, const LabLinkOptions *options, guint64 run_seed, GError **error)
{
  guint index = emulator->links->len;
  LabLink *link = lab_link_new (options, index, run_seed, emulator->namespaces, 0, error);

  if (!link)
    return FALSE;
  g_ptr_array_add (emulator->links, link);
  for (guint s = 0; s < LAB_N_SIDES; s++) {
    if (!watch (emulator, lab_link_get_fd (link, s), index * LAB_N_SIDES + s)) {
      lab_set_error (error, errno, "watch an interface");
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
set_up (LabEmulator *emulator, GError **error)
{
  emulator->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  emulator->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  emulator->broken_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (emulator->epoll_fd < 0 || emulator->wake_fd < 0 || emulator->broken_fd < 0) {
    lab_set_error (error, errno, "make an event loop");
    return FALSE;
  }
  emulator->timer_resolution_ns = measure_timer (emulator->epoll_fd);
  for (guint s = 0; s < LAB_N_SIDES; s++) {
    emulator->namespaces[s] = lab_namespace_new (error);
    if (emulator->namespaces[s] < 0)
      return FALSE;
  }
  return watch (emulator, emulator->wake_fd, WAKE_UP);
}

static void
free_link (gpointer link)
{
  lab_link_free (link);
}

LabEmulator *
lab_emulator_new (const LabEmulatorOptions *options, LabLateFunc late, gpointer user_data,
                  GError **error)
{
  LabEmulator *emulator = g_new0 (LabEmulator, 1);

  g_assert (options->n_links <= LAB_LINKS_MAX);
  pthread_mutex_init (&emulator->lock, NULL);
  emulator->links = g_ptr_array_new_with_free_func (free_link);
  emulator->bottlenecks = g_ptr_array_new ();
  for (guint i = 0; i < options->n_bottlenecks; i++)
    g_ptr_array_add (emulator->bottlenecks, options->bottlenecks[i]);
  emulator->base_ns = -1;
  emulator->late = late;
  emulator->user_data = user_data;
  emulator->namespaces[LAB_SIDE_CLIENT] = emulator->namespaces[LAB_SIDE_SERVER] = -1;
  emulator->epoll_fd = emulator->wake_fd = emulator->broken_fd = -1;
  gboolean ok = set_up (emulator, error);
  for (guint i = 0; ok && i < options->n_links; i++)
    ok = add_link (emulator, &options->links[i], options->run_seed, error);
  if (!ok) {
    lab_emulator_free (emulator);
    return NULL;
  }
  return emulator;
}

void
lab_emulator_start (LabEmulator *emulator)
{
  g_assert (!emulator->thread);
  emulator->base_ns = read_clock (CLOCK_MONOTONIC);
  emulator->thread = g_thread_new ("lab-emulator", run, emulator);
}

void
lab_emulator_stop (LabEmulator *emulator)
{
  if (!emulator->thread)
    return;
  g_atomic_int_set (&emulator->stop, TRUE);
  wake (emulator);
  g_thread_join (g_steal_pointer (&emulator->thread));
}

void
lab_emulator_free (LabEmulator *emulator)
{
  if (!emulator)
    return;
  lab_emulator_stop (emulator);
  g_ptr_array_unref (emulator->links);
  g_ptr_array_unref (emulator->bottlenecks);
  for (guint s = 0; s < LAB_N_SIDES; s++) {
    if (emulator->namespaces[s] >= 0)
      close (emulator->namespaces[s]);
  }
  if (emulator->wake_fd >= 0)
    close (emulator->wake_fd);
  if (emulator->broken_fd >= 0)
    close (emulator->broken_fd);
  if (emulator->epoll_fd >= 0)
    close (emulator->epoll_fd);
  pthread_mutex_destroy (&emulator->lock);
  g_free (emulator);
}

int
lab_emulator_get_namespace (const LabEmulator *emulator, LabSide side)
{
  return emulator->namespaces[side];
}

in_addr_t
lab_emulator_get_address (const LabEmulator *emulator, guint link, LabSide side)
{
  return lab_link_get_address (get_link (emulator, link), side);
}

const char *
lab_emulator_get_interface (const LabEmulator *emulator, guint link)
{
  return lab_link_get_interface (get_link (emulator, link));
}

int
lab_emulator_get_broken_fd (const LabEmulator *emulator)
{
  return emulator->broken_fd;
}

gint64
lab_emulator_get_timer_resolution (const LabEmulator *emulator)
{
  return emulator->timer_resolution_ns;
}

gint64
lab_emulator_get_cpu (const LabEmulator *emulator)
{
  return emulator->cpu_ns;
}

/* --- Changes and faults --- */

/* What is changed inside is in force at once. */
static LabLink *
begin_change (LabEmulator *emulator, guint link)
{
  pthread_mutex_lock (&emulator->lock);
  return get_link (emulator, link);
}

static void
end_change (LabEmulator *emulator)
{
  pthread_mutex_unlock (&emulator->lock);
  wake (emulator);
}

void
lab_emulator_get_config (LabEmulator *emulator, guint link, SimDirection direction,
                         SimPathConfig *config_out)
{
  pthread_mutex_lock (&emulator->lock);
  *config_out = *sim_path_get_config (lab_link_get_path (get_link (emulator, link), direction));
  pthread_mutex_unlock (&emulator->lock);
}

void
lab_emulator_set_config (LabEmulator *emulator, guint link, SimDirection direction,
                         const SimPathConfig *config)
{
  LabLink *lab_link = begin_change (emulator, link);
  gint64 now_ns = get_now (emulator);
  SimPacketPath *packets = lab_link_get_packets (lab_link, direction, now_ns);

  sim_packet_path_will_change (packets, now_ns);
  sim_path_set_config (lab_link_get_path (lab_link, direction), config);
  sim_packet_path_changed (packets, now_ns);
  end_change (emulator);
}

void
lab_emulator_set_blackhole (LabEmulator *emulator, guint link, SimDirection direction, gboolean on)
{
  LabLink *lab_link = begin_change (emulator, link);
  gint64 now_ns = get_now (emulator);

  sim_packet_path_set_blackhole (lab_link_get_packets (lab_link, direction, now_ns),
                                 on ? SIM_BLACKHOLE_VANISH : SIM_BLACKHOLE_OFF, now_ns);
  end_change (emulator);
}

void
lab_emulator_set_paused (LabEmulator *emulator, guint link, SimDirection direction, gboolean paused)
{
  LabLink *lab_link = begin_change (emulator, link);
  gint64 now_ns = get_now (emulator);

  sim_packet_path_set_paused (lab_link_get_packets (lab_link, direction, now_ns), paused, now_ns);
  end_change (emulator);
}

gboolean
lab_emulator_set_down (LabEmulator *emulator, guint link, gboolean down, GError **error)
{
  int previous = lab_namespace_enter (emulator->namespaces[LAB_SIDE_CLIENT], error);

  if (previous < 0)
    return FALSE;
  gboolean ok = lab_link_set_up (get_link (emulator, link), LAB_SIDE_CLIENT, !down, error);
  lab_namespace_leave (previous);
  if (!ok || !down)
    return ok;
  LabLink *lab_link = begin_change (emulator, link);
  gint64 now_ns = get_now (emulator);
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    sim_packet_path_flush (lab_link_get_packets (lab_link, d, now_ns), now_ns);
  end_change (emulator);
  return TRUE;
}

static void
inject (gpointer link, SimDirection direction, const guint8 *packet, gsize size)
{
  lab_link_inject (link, direction, packet, size);
}

void
lab_emulator_reset (LabEmulator *emulator, guint link)
{
  LabLink *lab_link = begin_change (emulator, link);

  lab_flows_reset (lab_link_get_flows (lab_link), inject, lab_link);
  end_change (emulator);
}

void
lab_emulator_vanish (LabEmulator *emulator, guint link, LabSide side)
{
  LabLink *lab_link = begin_change (emulator, link);

  lab_flows_vanish (lab_link_get_flows (lab_link),
                    side == LAB_SIDE_CLIENT ? SIM_DIRECTION_UP : SIM_DIRECTION_DOWN);
  end_change (emulator);
}

void
lab_emulator_rebind (LabEmulator *emulator, guint link)
{
  lab_flows_rebind (lab_link_get_flows (begin_change (emulator, link)));
  end_change (emulator);
}

void
lab_emulator_corrupt (LabEmulator *emulator, guint link, SimDirection direction, guint64 count)
{
  lab_link_corrupt (begin_change (emulator, link), direction, count);
  end_change (emulator);
}

/* --- What it has seen --- */

guint64
lab_emulator_get_wire_bytes (LabEmulator *emulator, guint link, SimDirection direction)
{
  LabLink *lab_link = begin_change (emulator, link);
  const SimBottleneckStats *stats =
      sim_packet_path_get_bottleneck_stats (lab_link_peek_packets (lab_link, direction));
  guint64 bytes = stats->bytes - stats->cross_bytes;

  pthread_mutex_unlock (&emulator->lock);
  return bytes;
}

gsize
lab_emulator_get_queue_bytes (LabEmulator *emulator, guint link, SimDirection direction)
{
  LabLink *lab_link = begin_change (emulator, link);
  gint64 now_ns = get_now (emulator);
  SimPacketPath *packets = lab_link_get_packets (lab_link, direction, now_ns);

  sim_packet_path_advance (packets, now_ns);
  gsize bytes = sim_packet_path_get_backlog_bytes (packets);
  end_change (emulator);
  return bytes;
}

void
lab_emulator_get_stats (LabEmulator *emulator, guint link, SimDirection direction,
                        LabLinkStats *stats_out, SimPacketPathStats *path_stats_out)
{
  LabLink *lab_link = begin_change (emulator, link);

  *stats_out = *lab_link_get_stats (lab_link, direction);
  *path_stats_out = *sim_packet_path_get_stats (lab_link_peek_packets (lab_link, direction));
  pthread_mutex_unlock (&emulator->lock);
}
