/* SPDX-License-Identifier: Apache-2.0 */
/* foreign.c - see foreign.h. */
#include "harness/foreign.h"

#include "harness/app-socket.h"
#include "harness/foreign-programs.h"
#include "harness/run-private.h"
#include "lab/namespace.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* How often the entry is tried, and how long. */
#define RETRY_NS   (20 * CAIMAN_NS_PER_MS)
#define PREPARE_NS (20 * CAIMAN_NS_PER_S)
#define BACKLOG    8

typedef struct {
  Foreign *foreign;
  ScenarioSide side;
  AppSocket *app; /* (owned, nullable) */
} Socket;

struct _Foreign {
  Run *run;
  const RunForeign *spec;
  TestbedLab *lab;
  ForeignPrograms *programs; /* (nullable) */
  Socket socket[SCENARIO_N_SIDES];
  int listen_fd, connecting_fd, accepted_fd; /* -1: none */
  TestbedTimer *begin_timer;
  char *failure; /* (nullable) a program has ended too early */
  gboolean client_ended;
};

/* --- Sockets --- */

static gboolean
has_traffic (const Foreign *foreign)
{
  return foreign->run->scenario->flows->len > 0;
}

/* Where the harness listens, and where it connects to. Without programs these are one, on the first
 * link. */
static struct sockaddr_in
make_address (const Foreign *foreign, gboolean is_target)
{
  gboolean is_direct = foreign->spec->direct != RUN_DIRECT_NONE;

  return (struct sockaddr_in) {
    .sin_family = AF_INET,
    .sin_port = g_htons (is_target || is_direct ? FOREIGN_TARGET_PORT : FOREIGN_ENTRY_PORT),
    .sin_addr.s_addr = is_direct
                           ? lab_emulator_get_address (foreign->lab->emulator, 0, LAB_SIDE_SERVER)
                           : g_htonl (INADDR_LOOPBACK),
  };
}

static gboolean
set_number (int fd, int level, int option, gint64 value)
{
  int number = (int)value;

  return setsockopt (fd, level, option, &number, sizeof number) == 0;
}

/* Before connect() and listen(), as what is accepted inherits it. */
static gboolean
set_options (const Foreign *foreign, int fd)
{
  const ScenarioLink *link = scenario_get_link (foreign->run->scenario, 0);
  const ScenarioTcp *tcp = &link->tcp;
  const char *congestion = testbed_lab_get_congestion (foreign->lab, 0);

  return setsockopt (fd, IPPROTO_TCP, TCP_CONGESTION, congestion, (socklen_t)strlen (congestion)) ==
             0 &&
         (tcp->send_buffer_bytes == SCENARIO_BUFFER_AUTO ||
          set_number (fd, SOL_SOCKET, SO_SNDBUF, tcp->send_buffer_bytes)) &&
         (link->receive_buffer_bytes == SCENARIO_BUFFER_AUTO ||
          set_number (fd, SOL_SOCKET, SO_RCVBUF, link->receive_buffer_bytes)) &&
         (tcp->user_timeout_ns == CAIMAN_TIME_NEVER ||
          set_number (fd, IPPROTO_TCP, TCP_USER_TIMEOUT, tcp->user_timeout_ns / CAIMAN_NS_PER_MS));
}

/* What is direct has the first link's options; -1 with errno. */
static int
open_socket (const Foreign *foreign)
{
  gboolean is_direct = foreign->spec->direct != RUN_DIRECT_NONE;
  int protocol = foreign->spec->direct == RUN_DIRECT_MPTCP ? IPPROTO_MPTCP : IPPROTO_TCP;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

  if (fd >= 0 && is_direct && !set_options (foreign, fd)) {
    int saved = errno;
    close (fd);
    errno = saved;
    fd = -1;
  }
  return fd;
}

/* A socket of that side's namespace; -1 with @error. */
static int
make_socket (const Foreign *foreign, LabSide side, GError **error)
{
  int previous =
      lab_namespace_enter (lab_emulator_get_namespace (foreign->lab->emulator, side), error);

  if (previous < 0)
    return -1;
  int fd = open_socket (foreign);
  if (fd < 0)
    lab_set_error (error, errno, "make a socket for the traffic");
  lab_namespace_leave (previous);
  return fd;
}

static gboolean
listen_at_target (Foreign *foreign, GError **error)
{
  struct sockaddr_in address = make_address (foreign, TRUE);

  /* Subflows come to the other links' addresses. */
  if (foreign->spec->direct == RUN_DIRECT_MPTCP)
    address.sin_addr.s_addr = g_htonl (INADDR_ANY);
  foreign->listen_fd = make_socket (foreign, LAB_SIDE_SERVER, error);
  if (foreign->listen_fd < 0)
    return FALSE;
  if (bind (foreign->listen_fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
      listen (foreign->listen_fd, BACKLOG) == 0)
    return TRUE;
  lab_set_error (error, errno, "listen for the traffic");
  return FALSE;
}

static void
drop_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

/* --- Until the connection stands --- */

typedef enum { CONNECT_WAITS, CONNECT_STANDS, CONNECT_FAILED } ConnectState;

static ConnectState
look_at_connect (const Foreign *foreign)
{
  struct sockaddr_in entry = make_address (foreign, FALSE);
  guint8 byte;

  if (connect (foreign->connecting_fd, (const struct sockaddr *)&entry, sizeof entry) == 0 ||
      errno == EISCONN) {
    gboolean closed = recv (foreign->connecting_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    return closed ? CONNECT_FAILED : CONNECT_STANDS;
  }
  return errno == EINPROGRESS || errno == EALREADY ? CONNECT_WAITS : CONNECT_FAILED;
}

/* Sets *@stands_out when it does, from end to end. A program that takes the connection and closes
 * it at once was not ready: there will be another one. FALSE: no socket could be made. */
static gboolean
try_connection (Foreign *foreign, gboolean *stands_out, GError **error)
{
  if (foreign->connecting_fd < 0)
    foreign->connecting_fd = make_socket (foreign, LAB_SIDE_CLIENT, error);
  if (foreign->connecting_fd < 0)
    return FALSE;
  ConnectState state = look_at_connect (foreign);
  if (foreign->accepted_fd < 0)
    foreign->accepted_fd = accept4 (foreign->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (state == CONNECT_FAILED) {
    drop_fd (&foreign->connecting_fd);
    drop_fd (&foreign->accepted_fd);
  }
  *stands_out = state == CONNECT_STANDS && foreign->accepted_fd >= 0;
  return TRUE;
}

static gboolean
wait_for_connection (Foreign *foreign, GError **error)
{
  CaimanLoop *loop = foreign->lab->base.loop;
  gint64 until_ns = caiman_loop_now (loop) + PREPARE_NS;
  gboolean stands = FALSE;

  while (!stands && !foreign->failure) {
    if (!try_connection (foreign, &stands, error))
      return FALSE;
    if (!stands && caiman_loop_now (loop) >= until_ns) {
      g_set_error (error, LAB_ERROR, LAB_ERROR_FAILED,
                   "no connection from end to end came about within %d s",
                   (int)(PREPARE_NS / CAIMAN_NS_PER_S));
      return FALSE;
    }
    if (!stands)
      caiman_loop_iterate (loop, RETRY_NS);
  }
  if (foreign->failure)
    g_set_error (error, LAB_ERROR, LAB_ERROR_FAILED, "%s", foreign->failure);
  return stands;
}

/* --- The run --- */

static void
end_side (Foreign *foreign, ScenarioSide side, CaimanReason reason)
{
  RunSide *result = &foreign->run->result->side[side];

  if (result->ended_ns != CAIMAN_TIME_NEVER)
    return;
  result->ended_ns = testbed_now (foreign->run->testbed);
  if (reason != CAIMAN_REASON_FINISHED)
    result->reason = reason;
  traffic_ended (foreign->run->traffic, side, reason);
  measure_connection_ended (foreign->run->measure, side, reason, result->ended_ns);
}

static void
check_over (Foreign *foreign)
{
  Run *run = foreign->run;

  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    if (run->result->side[s].ended_ns == CAIMAN_TIME_NEVER)
      return;
  }
  run->is_over = TRUE;
  if (!run->scenario->ends_at_duration)
    testbed_timer_arm (run->quit_timer, testbed_now (run->testbed));
}

static void
socket_readable (gpointer user_data)
{
  Socket *socket = user_data;

  traffic_readable (socket->foreign->run->traffic, socket->side);
}

static void
socket_writable (gpointer user_data)
{
  Socket *socket = user_data;

  traffic_writable (socket->foreign->run->traffic, socket->side);
}

static void
socket_ended (gpointer user_data, CaimanReason reason)
{
  Socket *socket = user_data;

  end_side (socket->foreign, socket->side, reason);
  check_over (socket->foreign);
}

/* With traffic of ours the programs must outlive it; without, the client's end is the run's. */
static void
program_ended (gpointer user_data, ScenarioSide side, int status)
{
  Foreign *foreign = user_data;
  g_autoptr (GError) error = NULL;

  if (foreign->run->is_over)
    return;
  if (!has_traffic (foreign) && side == SCENARIO_SIDE_CLIENT && status == 0) {
    foreign->client_ended = TRUE;
    for (guint s = 0; s < SCENARIO_N_SIDES; s++)
      end_side (foreign, (ScenarioSide)s, CAIMAN_REASON_FINISHED);
    check_over (foreign);
    return;
  }
  g_set_error (&error, LAB_ERROR, LAB_ERROR_FAILED, "the %s's program has ended with status %d",
               scenario_side_to_string (side), status);
  if (!foreign->failure)
    foreign->failure = g_strdup (error->message);
  testbed_real_fail (&foreign->lab->base, error);
}

static gboolean
open_app (Foreign *foreign, ScenarioSide side, int *fd, GError **error)
{
  static const AppSocketEvents events = { .readable = socket_readable,
                                          .writable = socket_writable,
                                          .ended = socket_ended };
  Socket *socket = &foreign->socket[side];

  socket->app = app_socket_new (foreign->lab->base.loop, *fd, &events, socket, error);
  *fd = -1;
  return socket->app != NULL;
}

static void
begin_due (gpointer user_data)
{
  Foreign *foreign = user_data;

  Run *run = foreign->run;
  gint64 now_ns = testbed_now (run->testbed);

  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    run->result->side[s].connected_ns = now_ns;
    measure_connection_open (run->measure, (ScenarioSide)s, now_ns);
  }
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    traffic_opened (run->traffic, (ScenarioSide)s, app_socket_get_end (foreign->socket[s].app));
  }
}

void
foreign_begin (Foreign *foreign)
{
  if (has_traffic (foreign))
    testbed_timer_arm (foreign->begin_timer, 0);
}

/* --- Life --- */

static gboolean
prepare (Foreign *foreign, GError **error)
{
  foreign->programs =
      foreign_programs_new (foreign->lab, foreign->spec->argv, program_ended, foreign, error);
  if (!foreign->programs)
    return FALSE;
  return !has_traffic (foreign) ||
         (wait_for_connection (foreign, error) &&
          open_app (foreign, SCENARIO_SIDE_CLIENT, &foreign->connecting_fd, error) &&
          open_app (foreign, SCENARIO_SIDE_SERVER, &foreign->accepted_fd, error));
}

Foreign *
foreign_new (Run *run, const RunForeign *spec, GError **error)
{
  Foreign *foreign = g_new0 (Foreign, 1);

  foreign->run = run;
  foreign->spec = spec;
  foreign->lab = (TestbedLab *)run->testbed;
  foreign->listen_fd = foreign->connecting_fd = foreign->accepted_fd = -1;
  foreign->begin_timer = testbed_timer_new (run->testbed, begin_due, foreign);
  for (guint s = 0; s < SCENARIO_N_SIDES; s++) {
    foreign->socket[s].foreign = foreign;
    foreign->socket[s].side = s;
  }
  oracle_expect_no_traces (run->oracle);
  testbed_lab_start_network (foreign->lab);
  gboolean ok = spec->direct != RUN_DIRECT_MPTCP || foreign_set_up_mptcp (foreign->lab, error);
  if (ok && (!has_traffic (foreign) || listen_at_target (foreign, error)) &&
      prepare (foreign, error))
    return foreign;
  foreign_free (foreign);
  return NULL;
}

void
foreign_free (Foreign *foreign)
{
  if (!foreign)
    return;
  for (guint s = 0; s < SCENARIO_N_SIDES; s++)
    app_socket_free (foreign->socket[s].app);
  foreign_programs_free (foreign->programs);
  drop_fd (&foreign->listen_fd);
  drop_fd (&foreign->connecting_fd);
  drop_fd (&foreign->accepted_fd);
  testbed_timer_free (foreign->begin_timer);
  g_free (foreign->failure);
  g_free (foreign);
}
