/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-lab-link.c - a link of the lab: sockets of both sides, and what faults do to them. */
#include "harness/testbed-lab-private.h"

#include "harness/testbed-sim.h"
#include "lab/namespace.h"
#include "transports/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* The server's, on each link's address. */
#define PORT    5800
#define BACKLOG 128

typedef struct {
  TestbedRealLink base; /* its testbed is a TestbedLab */
  gboolean down, refusing;
  gboolean server_runs;
  gboolean listening;
  CaimanLoopWatch watch; /* of the server's listening socket, while @listening */
} TestbedLabLink;

static TestbedLabLink *
to_lab (TestbedRealLink *link)
{
  return (TestbedLabLink *)link;
}

static const TestbedLab *
get_testbed (const TestbedLabLink *link)
{
  return (const TestbedLab *)link->base.testbed;
}

static LabEmulator *
get_emulator (const TestbedLabLink *link)
{
  return get_testbed (link)->emulator;
}

static struct sockaddr_in
make_address (const TestbedLabLink *link, LabSide side, guint16 port)
{
  return (struct sockaddr_in) { .sin_family = AF_INET,
                                .sin_port = g_htons (port),
                                .sin_addr.s_addr = lab_emulator_get_address (
                                    get_emulator (link), link->base.index, side) };
}

static CaimanTcpOptions
get_options (const TestbedLabLink *link)
{
  const ScenarioLink *spec = testbed_real_link_get_spec (&link->base);
  const ScenarioTcp *tcp = &spec->tcp;
  CaimanTcpOptions options = {
    .connect_timeout_ns = spec->connect_timeout_ns,
    .user_timeout_ns = tcp->user_timeout_ns == CAIMAN_TIME_NEVER ? 0 : tcp->user_timeout_ns,
    .send_buffer_bytes = tcp->send_buffer_bytes,
    .receive_buffer_bytes = spec->receive_buffer_bytes,
    .pacing_rtt_ns = tcp->is_paced ? 0 : CAIMAN_TIME_NEVER,
  };

  g_strlcpy (options.congestion, testbed_lab_get_congestion (get_testbed (link), link->base.index),
             sizeof options.congestion);
  return options;
}

/* --- Ends --- */

static TestbedEnd *
end_new (TestbedLabLink *link, ScenarioSide side)
{
  static const TestbedEndClass end_class = { NULL };
  TestbedEnd *end = g_new0 (TestbedEnd, 1);

  testbed_end_init (end, &end_class, &link->base, side);
  return end;
}

/* Of a link that is down fails at once, as with an interface that the system knows to be down. */
static CaimanTransport *
connect_end (TestbedRealLink *base, CaimanReason *reason_out)
{
  TestbedLabLink *link = to_lab (base);
  LabEmulator *emulator = get_emulator (link);
  struct sockaddr_in remote = make_address (link, LAB_SIDE_SERVER, PORT);
  struct sockaddr_in local = make_address (link, LAB_SIDE_CLIENT, 0);
  CaimanTcpSource source = { .have_address = TRUE };
  CaimanTcpOptions options = get_options (link);
  g_autoptr (GError) error = NULL;

  if (link->down) {
    *reason_out = CAIMAN_REASON_LINK_DOWN;
    return NULL;
  }
  memcpy (&source.address, &local, sizeof local);
  int previous =
      lab_namespace_enter (lab_emulator_get_namespace (emulator, LAB_SIDE_CLIENT), &error);
  if (previous < 0) {
    testbed_real_fail (link->base.testbed, error);
    *reason_out = CAIMAN_REASON_LINK_IO_ERROR;
    return NULL;
  }
  CaimanTransport *inner =
      caiman_tcp_connect (link->base.testbed->loop, (const struct sockaddr *)&remote, sizeof remote,
                          &source, &options, reason_out);
  lab_namespace_leave (previous);
  if (!inner)
    return NULL;
  TestbedEnd *end = end_new (link, SCENARIO_SIDE_CLIENT);
  testbed_end_set_inner (end, inner, FALSE);
  return &end->base;
}

/* --- The server --- */

static void
accept_ready (CaimanLoopWatch *watch, guint32 epoll_events)
{
  TestbedLabLink *link =
      (TestbedLabLink *)((char *)watch - G_STRUCT_OFFSET (TestbedLabLink, watch));
  CaimanTcpOptions options = get_options (link);
  CaimanReason reason;

  while (link->listening) {
    int fd = accept4 (watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
      return;
    CaimanTransport *inner = caiman_tcp_new (link->base.testbed->loop, fd, &options, &reason);
    if (!inner)
      continue;
    TestbedEnd *end = end_new (link, SCENARIO_SIDE_SERVER);
    testbed_end_set_inner (end, inner, TRUE);
    testbed_links_accept (&link->base.testbed->links, link->base.index, &end->base);
  }
}

/* A socket of the server's namespace that listens; -1 with errno. Buffers and congestion control
 * are set before listen(), as what it accepts inherits them from the first segment on. */
static int
listen_at (const TestbedLabLink *link)
{
  const int one = 1;
  struct sockaddr_in address = make_address (link, LAB_SIDE_SERVER, PORT);
  CaimanTcpOptions options = get_options (link);
  int receive_bytes = (int)options.receive_buffer_bytes;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return -1;
  gboolean ok = setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                (receive_bytes == 0 || setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes,
                                                   sizeof receive_bytes) == 0) &&
                setsockopt (fd, IPPROTO_TCP, TCP_CONGESTION, options.congestion,
                            (socklen_t)strlen (options.congestion)) == 0 &&
                bind (fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                listen (fd, BACKLOG) == 0;
  if (ok)
    return fd;
  int saved = errno;
  close (fd);
  errno = saved;
  return -1;
}

static gboolean
start_listening (TestbedLabLink *link, GError **error)
{
  int namespace_fd = lab_emulator_get_namespace (get_emulator (link), LAB_SIDE_SERVER);
  int previous = lab_namespace_enter (namespace_fd, error);

  if (previous < 0)
    return FALSE;
  int fd = listen_at (link);
  if (fd < 0)
    lab_set_error (error, errno, "listen for a link");
  lab_namespace_leave (previous);
  if (fd < 0)
    return FALSE;
  link->watch.ready = accept_ready;
  if (!caiman_loop_add_watch (link->base.testbed->loop, &link->watch, fd, EPOLLIN, error)) {
    close (fd);
    return FALSE;
  }
  link->listening = TRUE;
  return TRUE;
}

static void
stop_listening (TestbedLabLink *link)
{
  int fd = link->watch.fd;

  link->listening = FALSE;
  caiman_loop_remove_watch (&link->watch);
  close (fd);
}

static void
update_listening (TestbedLabLink *link)
{
  gboolean wanted = link->server_runs && !link->refusing;
  g_autoptr (GError) error = NULL;

  if (wanted == link->listening)
    return;
  if (!wanted)
    stop_listening (link);
  else if (!start_listening (link, &error))
    testbed_real_fail (link->base.testbed, error);
}

static void
set_server (TestbedRealLink *base, gboolean runs)
{
  TestbedLabLink *link = to_lab (base);

  link->server_runs = runs;
  update_listening (link);
}

/* --- Faults --- */

/* The kernel lets connections over an interface that went down wait; an endpoint that watches its
 * interfaces (transports/interfaces.h) ends them at once, and so it is here. */
static void
set_down (TestbedLabLink *link, gboolean down)
{
  g_autoptr (GError) error = NULL;

  if (link->down == down)
    return;
  link->down = down;
  if (!lab_emulator_set_down (get_emulator (link), link->base.index, down, &error))
    testbed_real_fail (link->base.testbed, error);
  else if (down)
    testbed_real_link_fail_ends (&link->base, SCENARIO_SIDE_CLIENT, TRUE, CAIMAN_REASON_LINK_DOWN);
}

/* Each kernel sends its FIN behind what it has queued. */
static void
close_ends (TestbedLabLink *link)
{
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    for (GList *node = link->base.ends[s].head; node; node = node->next)
      testbed_end_finish (node->data);
  }
}

/* Segments of a dead end are swallowed before its socket is closed, so that its kernel cannot say
 * anything about it. */
static void
half_open (TestbedLabLink *link, ScenarioDirection direction)
{
  ScenarioSide side = direction == SCENARIO_UP ? SCENARIO_SIDE_CLIENT : SCENARIO_SIDE_SERVER;

  lab_emulator_vanish (get_emulator (link), link->base.index,
                       side == SCENARIO_SIDE_CLIENT ? LAB_SIDE_CLIENT : LAB_SIDE_SERVER);
  testbed_real_link_fail_ends (&link->base, side, FALSE, CAIMAN_REASON_LINK_IO_ERROR);
}

/* Only the parts that the fault is about. */
static void
set_path (TestbedLabLink *link, const TestbedFault *fault, SimDirection direction)
{
  SimPathConfig config;
  SimPathConfig wanted = testbed_sim_convert_traced (link->base.testbed->scenario, fault->path);

  lab_emulator_get_config (get_emulator (link), link->base.index, direction, &config);
  testbed_sim_set_parts (&config, &wanted, fault->set_mask);
  lab_emulator_set_config (get_emulator (link), link->base.index, direction, &config);
}

static void
apply_direction (TestbedRealLink *base, const TestbedFault *fault, SimDirection direction)
{
  TestbedLabLink *link = to_lab (base);
  LabEmulator *emulator = get_emulator (link);

  switch (fault->kind) {
  case TESTBED_BLACKHOLE:
    lab_emulator_set_blackhole (emulator, base->index, direction, fault->on);
    break;
  case TESTBED_PAUSE:
    lab_emulator_set_paused (emulator, base->index, direction, fault->on);
    break;
  case TESTBED_CORRUPT:
    lab_emulator_corrupt (emulator, base->index, direction, fault->count);
    break;
  case TESTBED_HALF_OPEN:
    half_open (link, (ScenarioDirection)direction);
    break;
  case TESTBED_SET:
    set_path (link, fault, direction);
    break;
  default:
    g_assert_not_reached ();
  }
}

static void
apply (TestbedRealLink *base, const TestbedFault *fault)
{
  TestbedLabLink *link = to_lab (base);

  switch (fault->kind) {
  case TESTBED_DOWN:
    set_down (link, fault->on);
    break;
  case TESTBED_REFUSE:
    link->refusing = fault->on;
    update_listening (link);
    break;
  case TESTBED_RESET:
    lab_emulator_reset (get_emulator (link), base->index);
    break;
  case TESTBED_REBIND:
    lab_emulator_rebind (get_emulator (link), base->index);
    break;
  case TESTBED_CLOSE:
    close_ends (link);
    break;
  default:
    g_assert_not_reached ();
  }
}

/* --- Life --- */

static void
free_link (TestbedRealLink *base)
{
  TestbedLabLink *link = to_lab (base);

  testbed_real_link_clear (base);
  if (link->listening)
    stop_listening (link);
  g_free (link);
}

static const TestbedRealLinkClass link_class = { .connect = connect_end,
                                                 .set_server = set_server,
                                                 .apply = apply,
                                                 .apply_direction = apply_direction,
                                                 .free = free_link };

TestbedRealLink *
testbed_lab_link_new (TestbedLab *testbed, guint index)
{
  TestbedLabLink *link = g_new0 (TestbedLabLink, 1);

  testbed_real_link_init (&link->base, &link_class, &testbed->base, index);
  return &link->base;
}
