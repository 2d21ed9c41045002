/* SPDX-License-Identifier: Apache-2.0 */
/* test-emulator.c - real TCP connections between the namespaces, and what faults do to them.
 * Skipped where no namespaces can be made. Nothing is timed: facts are waited for. */
#include "lab/emulator.h"
#include "lab/namespace.h"
#include "lab/program.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 5800
/* Whatever is waited for comes long before. */
#define PATIENCE_MS 20000

typedef struct {
  SimPathConfig config[2][SIM_N_DIRECTIONS];
  LabLinkOptions links[2];
  LabEmulator *emulator;
  int listen_fd[2], client_fd[2], server_fd[2]; /* by link */
  gint n_late;
} World;

static void
count_late (gpointer user_data, gint64 lateness_ns)
{
  g_atomic_int_inc (&((World *)user_data)->n_late);
}

static int
make_socket (World *world, LabSide side, int type)
{
  g_autoptr (GError) error = NULL;
  int previous = lab_namespace_enter (lab_emulator_get_namespace (world->emulator, side), &error);

  g_assert_no_error (error);
  int fd = socket (AF_INET, type | SOCK_CLOEXEC, 0);
  g_assert_cmpint (fd, >=, 0);
  lab_namespace_leave (previous);
  return fd;
}

static struct sockaddr_in
get_address (World *world, guint link, LabSide side, guint16 port)
{
  return (struct sockaddr_in) { .sin_family = AF_INET,
                                .sin_port = g_htons (port),
                                .sin_addr.s_addr =
                                    lab_emulator_get_address (world->emulator, link, side) };
}

static void
connect_link (World *world, guint link)
{
  struct sockaddr_in address = get_address (world, link, LAB_SIDE_SERVER, PORT);
  const int one = 1;

  world->client_fd[link] = make_socket (world, LAB_SIDE_CLIENT, SOCK_STREAM);
  int result = connect (world->client_fd[link], (const struct sockaddr *)&address, sizeof address);
  g_assert_cmpint (result, ==, 0);
  world->server_fd[link] = accept4 (world->listen_fd[link], NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint (world->server_fd[link], >=, 0);
  setsockopt (world->client_fd[link], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt (world->server_fd[link], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* FALSE: not permitted here, and the test is skipped. */
static gboolean
world_init (World *world)
{
  static const char *const names[] = { "wifi", "a-name-that-is-too-long-for-an-interface" };
  const int one = 1;
  g_autoptr (GError) error = NULL;

  memset (world, 0, sizeof *world);
  for (guint i = 0; i < 2; i++) {
    for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
      sim_path_config_init (&world->config[i][d]);
      world->config[i][d].rate_bps = 100 * 1000 * 1000;
      world->config[i][d].delay_ns = 2 * CAIMAN_NS_PER_MS;
    }
    world->links[i] = (LabLinkOptions) {
      .name = names[i], .config = world->config[i], .initial_window = 3, .congestion = "reno"
    };
    world->listen_fd[i] = world->client_fd[i] = world->server_fd[i] = -1;
  }
  const LabEmulatorOptions options = { .links = world->links, .n_links = 2, .run_seed = 1 };
  world->emulator = lab_emulator_new (&options, count_late, world, &error);
  if (g_error_matches (error, LAB_ERROR, LAB_ERROR_NOT_PERMITTED)) {
    g_test_skip (error->message);
    return FALSE;
  }
  g_assert_no_error (error);
  lab_emulator_start (world->emulator);
  for (guint i = 0; i < 2; i++) {
    struct sockaddr_in address = get_address (world, i, LAB_SIDE_SERVER, PORT);
    world->listen_fd[i] = make_socket (world, LAB_SIDE_SERVER, SOCK_STREAM);
    setsockopt (world->listen_fd[i], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    g_assert_cmpint (bind (world->listen_fd[i], (const struct sockaddr *)&address, sizeof address),
                     ==, 0);
    g_assert_cmpint (listen (world->listen_fd[i], 4), ==, 0);
  }
  return TRUE;
}

static void
world_clear (World *world)
{
  for (guint i = 0; i < 2; i++) {
    const int fds[] = { world->listen_fd[i], world->client_fd[i], world->server_fd[i] };
    for (guint f = 0; f < G_N_ELEMENTS (fds); f++) {
      if (fds[f] >= 0)
        close (fds[f]);
    }
  }
  lab_emulator_free (world->emulator);
}

static void
wait_for (int fd, short events)
{
  struct pollfd poll_fd = { .fd = fd, .events = events };

  g_assert_cmpint (poll (&poll_fd, 1, PATIENCE_MS), ==, 1);
}

/* What is sent at one end comes out at the other. */
static void
expect_carries (int from, int to)
{
  char buffer[5] = "";

  g_assert_cmpint (send (from, "hello", 5, MSG_NOSIGNAL), ==, 5);
  wait_for (to, POLLIN);
  g_assert_cmpint (recv (to, buffer, 5, MSG_WAITALL), ==, 5);
  g_assert_cmpmem (buffer, 5, "hello", 5);
}

static void
expect_reset (int fd)
{
  char byte;

  wait_for (fd, POLLIN);
  g_assert_cmpint (recv (fd, &byte, 1, 0), ==, -1);
  g_assert_cmpint (errno, ==, ECONNRESET);
}

static int
get_retransmits (int fd)
{
  struct tcp_info info;
  socklen_t size = sizeof info;

  g_assert_cmpint (getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &size), ==, 0);
  return info.tcpi_retransmits;
}

/* --- Tests --- */

static void
test_carries (void)
{
  World world;
  LabLinkStats stats;
  SimPacketPathStats path_stats;

  if (!world_init (&world))
    return;
  g_assert_cmpstr (lab_emulator_get_interface (world.emulator, 0), ==, "wifi");
  g_assert_cmpstr (lab_emulator_get_interface (world.emulator, 1), ==, "link1");
  for (guint i = 0; i < 2; i++) {
    connect_link (&world, i);
    expect_carries (world.client_fd[i], world.server_fd[i]);
    expect_carries (world.server_fd[i], world.client_fd[i]);
  }
  lab_emulator_stop (world.emulator);
  lab_emulator_get_stats (world.emulator, 0, SIM_DIRECTION_UP, &stats, &path_stats);
  g_assert_cmpuint (stats.taken_packets, >=, 4);
  g_assert_cmpuint (stats.refused_packets, ==, 0);
  g_assert_cmpuint (path_stats.put_packets, ==, stats.taken_packets);
  g_assert_cmpuint (lab_emulator_get_wire_bytes (world.emulator, 0, SIM_DIRECTION_UP), >, 160);
  g_assert_cmpint (g_atomic_int_get (&world.n_late), >=, 8);
  g_assert_cmpint (lab_emulator_get_cpu (world.emulator), >, 0);
  world_clear (&world);
}

/* The thread ends also when it is told to while it is about to hear of a change. (It would wait for
 * ever.) */
static void
test_stops (void)
{
  for (guint i = 0; i < 40; i++) {
    World world;
    if (!world_init (&world))
      return;
    for (guint j = 0; j < 20 + 3 * i; j++)
      lab_emulator_set_paused (world.emulator, 0, SIM_DIRECTION_UP, j % 2 == 0);
    lab_emulator_stop (world.emulator);
    world_clear (&world);
  }
}

/* The round trip is that of the path, and never less. */
static void
test_delay (void)
{
  World world;
  struct tcp_info info;
  socklen_t size = sizeof info;

  if (!world_init (&world))
    return;
  connect_link (&world, 0);
  g_assert_cmpint (getsockopt (world.client_fd[0], IPPROTO_TCP, TCP_INFO, &info, &size), ==, 0);
  g_assert_cmpuint (info.tcpi_rtt, >=, 4000);
  world_clear (&world);
}

static void
test_reset (void)
{
  World world;

  if (!world_init (&world))
    return;
  connect_link (&world, 0);
  connect_link (&world, 1);
  expect_carries (world.client_fd[0], world.server_fd[0]);
  lab_emulator_reset (world.emulator, 0);
  expect_reset (world.client_fd[0]);
  expect_reset (world.server_fd[0]);
  expect_carries (world.client_fd[1], world.server_fd[1]);
  close (world.client_fd[0]);
  close (world.server_fd[0]);
  connect_link (&world, 0);
  expect_carries (world.client_fd[0], world.server_fd[0]);
  world_clear (&world);
}

/* A socket that says nothing has what its link's route says, at either side. */
static void
test_route (void)
{
  World world;

  if (!world_init (&world))
    return;
  connect_link (&world, 1);
  const int fds[] = { world.client_fd[1], world.server_fd[1] };
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    struct tcp_info info;
    char congestion[16] = "";
    socklen_t info_size = sizeof info, size = sizeof congestion - 1;
    g_assert_cmpint (getsockopt (fds[i], IPPROTO_TCP, TCP_INFO, &info, &info_size), ==, 0);
    g_assert_cmpuint (info.tcpi_snd_cwnd, ==, 3);
    g_assert_cmpint (getsockopt (fds[i], IPPROTO_TCP, TCP_CONGESTION, congestion, &size), ==, 0);
    g_assert_cmpstr (congestion, ==, "reno");
  }
  world_clear (&world);
}

/* A link leads to its own other end alone, whatever interface a program chooses. */
static void
test_other_host (void)
{
  World world;
  struct sockaddr_in address;

  if (!world_init (&world))
    return;
  address = get_address (&world, 0, LAB_SIDE_SERVER, PORT);
  int fd = make_socket (&world, LAB_SIDE_CLIENT, SOCK_STREAM);
  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_BINDTODEVICE, "link1", 5), ==, 0);
  g_assert_cmpint (connect (fd, (const struct sockaddr *)&address, sizeof address), ==, -1);
  g_assert_true (errno == EHOSTUNREACH || errno == ENETUNREACH);
  close (fd);
  connect_link (&world, 0);
  expect_carries (world.client_fd[0], world.server_fd[0]);
  world_clear (&world);
}

/* In one direction nothing arrives; when it is over, what was sent meanwhile comes again. */
static void
test_blackhole (void)
{
  World world;

  if (!world_init (&world))
    return;
  connect_link (&world, 0);
  lab_emulator_set_blackhole (world.emulator, 0, SIM_DIRECTION_UP, TRUE);
  expect_carries (world.server_fd[0], world.client_fd[0]);
  g_assert_cmpint (send (world.client_fd[0], "hello", 5, MSG_NOSIGNAL), ==, 5);
  while (get_retransmits (world.client_fd[0]) == 0)
    g_usleep (1000);
  lab_emulator_set_blackhole (world.emulator, 0, SIM_DIRECTION_UP, FALSE);
  char buffer[5];
  wait_for (world.server_fd[0], POLLIN);
  g_assert_cmpint (recv (world.server_fd[0], buffer, 5, MSG_WAITALL), ==, 5);
  world_clear (&world);
}

static void
test_down (void)
{
  World world;
  g_autoptr (GError) error = NULL;
  LabLinkStats stats;
  SimPacketPathStats path_stats;

  if (!world_init (&world))
    return;
  connect_link (&world, 0);
  g_assert_true (lab_emulator_set_down (world.emulator, 0, TRUE, &error));
  g_assert_cmpint (send (world.server_fd[0], "hello", 5, MSG_NOSIGNAL), ==, 5);
  do {
    g_usleep (1000);
    lab_emulator_get_stats (world.emulator, 0, SIM_DIRECTION_DOWN, &stats, &path_stats);
  } while (stats.refused_packets == 0);
  g_assert_true (lab_emulator_set_down (world.emulator, 0, FALSE, &error));
  char buffer[5];
  wait_for (world.client_fd[0], POLLIN);
  g_assert_cmpint (recv (world.client_fd[0], buffer, 5, MSG_WAITALL), ==, 5);
  expect_carries (world.client_fd[0], world.server_fd[0]);
  world_clear (&world);
}

/* The other end is told nothing, and what it sends is never acknowledged. */
static void
test_vanish (void)
{
  World world;

  if (!world_init (&world))
    return;
  connect_link (&world, 0);
  lab_emulator_vanish (world.emulator, 0, LAB_SIDE_CLIENT);
  close (world.client_fd[0]);
  g_assert_cmpint (send (world.server_fd[0], "hello", 5, MSG_NOSIGNAL), ==, 5);
  while (get_retransmits (world.server_fd[0]) < 2)
    g_usleep (1000);
  struct pollfd poll_fd = { .fd = world.server_fd[0], .events = POLLIN };
  g_assert_cmpint (poll (&poll_fd, 1, 0), ==, 0);
  connect_link (&world, 0);
  expect_carries (world.client_fd[0], world.server_fd[0]);
  world_clear (&world);
}

/* The server knows nothing of the new port, and says so. */
static void
test_rebind (void)
{
  World world;

  if (!world_init (&world))
    return;
  connect_link (&world, 0);
  expect_carries (world.client_fd[0], world.server_fd[0]);
  lab_emulator_rebind (world.emulator, 0);
  g_assert_cmpint (send (world.client_fd[0], "hello", 5, MSG_NOSIGNAL), ==, 5);
  expect_reset (world.client_fd[0]);
  world_clear (&world);
}

static void
test_corrupt (void)
{
  World world;
  char buffer[5];

  if (!world_init (&world))
    return;
  connect_link (&world, 0);
  lab_emulator_corrupt (world.emulator, 0, SIM_DIRECTION_UP, 1);
  g_assert_cmpint (send (world.client_fd[0], "hello", 5, MSG_NOSIGNAL), ==, 5);
  wait_for (world.server_fd[0], POLLIN);
  g_assert_cmpint (recv (world.server_fd[0], buffer, 5, MSG_WAITALL), ==, 5);
  guint n_bits = 0;
  for (guint i = 0; i < 5; i++)
    n_bits += (guint)__builtin_popcount ((guint8)(buffer[i] ^ "hello"[i]));
  g_assert_cmpuint (n_bits, ==, 1);
  expect_carries (world.client_fd[0], world.server_fd[0]);
  world_clear (&world);
}

/* With an answer from the router TCP sends smaller segments; without, they are never heard of. */
static void
test_mtu (gconstpointer is_blackhole)
{
  World world;
  SimPathConfig config;
  char data[4000] = "", buffer[4000];

  if (!world_init (&world))
    return;
  connect_link (&world, 0);
  lab_emulator_get_config (world.emulator, 0, SIM_DIRECTION_UP, &config);
  config.mtu_bytes = 1000;
  config.mtu_is_blackhole = is_blackhole != NULL;
  lab_emulator_set_config (world.emulator, 0, SIM_DIRECTION_UP, &config);
  g_assert_cmpint (send (world.client_fd[0], data, sizeof data, MSG_NOSIGNAL), ==, sizeof data);
  if (is_blackhole) {
    while (get_retransmits (world.client_fd[0]) == 0)
      g_usleep (1000);
    config.mtu_bytes = 0;
    lab_emulator_set_config (world.emulator, 0, SIM_DIRECTION_UP, &config);
  }
  wait_for (world.server_fd[0], POLLIN);
  g_assert_cmpint (recv (world.server_fd[0], buffer, sizeof buffer, MSG_WAITALL), ==,
                   sizeof buffer);
  world_clear (&world);
}

/* A program sees its namespace's interfaces alone, and does not outlive its handle. */
static void
test_program (void)
{
  World world;
  g_autoptr (GError) error = NULL;
  const char *argv[] = { "sh", "-c",
                         "test -d /proc/sys/net/ipv4/conf/wifi && test $WORD = yes && exit 3",
                         NULL };
  const char *sleeper[] = { "sleep", "1000", NULL };
  const char *unknown[] = { "there-is-no-such-program", NULL };
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "WORD", "yes", TRUE);

  if (!world_init (&world))
    return;
  int namespace_fd = lab_emulator_get_namespace (world.emulator, LAB_SIDE_CLIENT);
  LabProgram *program =
      lab_program_new (namespace_fd, (char **)argv, environment, STDERR_FILENO, &error);
  g_assert_no_error (error);
  wait_for (lab_program_get_fd (program), POLLIN);
  g_assert_cmpint (lab_program_wait (program), ==, 3);
  lab_program_free (program);

  int status = -1;
  program = lab_program_new (namespace_fd, (char **)sleeper, environment, STDERR_FILENO, &error);
  g_assert_no_error (error);
  g_assert_false (lab_program_has_ended (program, &status));
  lab_program_free (program);

  g_assert_null (
      lab_program_new (namespace_fd, (char **)unknown, environment, STDERR_FILENO, &error));
  g_assert_error (error, LAB_ERROR, LAB_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "there-is-no-such-program"));
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lab/emulator/carries", test_carries);
  g_test_add_func ("/lab/emulator/stops", test_stops);
  g_test_add_func ("/lab/emulator/delay", test_delay);
  g_test_add_func ("/lab/emulator/route", test_route);
  g_test_add_func ("/lab/emulator/other-host", test_other_host);
  g_test_add_func ("/lab/emulator/reset", test_reset);
  g_test_add_func ("/lab/emulator/blackhole", test_blackhole);
  g_test_add_func ("/lab/emulator/down", test_down);
  g_test_add_func ("/lab/emulator/vanish", test_vanish);
  g_test_add_func ("/lab/emulator/rebind", test_rebind);
  g_test_add_func ("/lab/emulator/corrupt", test_corrupt);
  g_test_add_data_func ("/lab/emulator/mtu/told", NULL, test_mtu);
  g_test_add_data_func ("/lab/emulator/mtu/blackhole", "yes", test_mtu);
  g_test_add_func ("/lab/emulator/program", test_program);
  return g_test_run ();
}
