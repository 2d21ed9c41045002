/* SPDX-License-Identifier: Apache-2.0 */
/* test-flows.c - what middleboxes do to the connections that they know. */
#include "lab/flows.h"

#include "tests/lab/packets.h"

#include <string.h>

#define CLIENT 0x0a4c0001u
#define SERVER 0x0a4c0002u

typedef struct {
  LabFlows *flows;
  guint8 packet[PACKET_MAX];           /* the one sent last, as it left */
  LabSegment segment;                  /* of it */
  GPtrArray *forged[SIM_N_DIRECTIONS]; /* of GBytes, by the direction to their receiver */
} World;

static void
world_init (World *world)
{
  world->flows = lab_flows_new ();
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    world->forged[d] = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
}

static void
world_clear (World *world)
{
  lab_flows_free (world->flows);
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++)
    g_ptr_array_unref (world->forged[d]);
}

static void
make (World *world, SimDirection direction, guint16 port, guint8 flags, guint32 seq, guint32 ack)
{
  gboolean up = direction == SIM_DIRECTION_UP;
  const PacketSpec spec = { .source = up ? CLIENT : SERVER,
                            .destination = up ? SERVER : CLIENT,
                            .source_port = up ? port : 5800,
                            .destination_port = up ? 5800 : port,
                            .seq = seq,
                            .ack = ack,
                            .flags = flags };
  gsize size = packet_make (&spec, world->packet);

  g_assert_true (lab_segment_parse (&world->segment, world->packet, size));
}

static LabFlowVerdict
send_one (World *world, SimDirection direction, guint16 port, guint8 flags, guint32 seq,
          guint32 ack)
{
  make (world, direction, port, flags, seq, ack);
  return lab_flows_sent (world->flows, &world->segment, direction);
}

/* Three segments of a handshake, and one more each way. */
static void
open_flow (World *world, guint16 port)
{
  g_assert_cmpint (send_one (world, SIM_DIRECTION_UP, port, LAB_TCP_SYN, 99, 0), ==, LAB_FLOW_PASS);
  g_assert_cmpint (send_one (world, SIM_DIRECTION_DOWN, port, LAB_TCP_SYN | LAB_TCP_ACK, 499, 100),
                   ==, LAB_FLOW_PASS);
  g_assert_cmpint (send_one (world, SIM_DIRECTION_UP, port, LAB_TCP_ACK, 100, 500), ==,
                   LAB_FLOW_PASS);
  g_assert_cmpint (send_one (world, SIM_DIRECTION_DOWN, port, LAB_TCP_ACK, 500, 140), ==,
                   LAB_FLOW_PASS);
}

static void
forge (gpointer user_data, SimDirection direction, const guint8 *packet, gsize size)
{
  g_ptr_array_add (((World *)user_data)->forged[direction], g_bytes_new (packet, size));
}

static LabSegment
get_forged (World *world, SimDirection direction, guint index, guint8 copy[LAB_RST_BYTES])
{
  LabSegment segment;

  g_assert_cmpuint (world->forged[direction]->len, >, index);
  memcpy (copy, g_bytes_get_data (g_ptr_array_index (world->forged[direction], index), NULL),
          LAB_RST_BYTES);
  g_assert_true (lab_segment_parse (&segment, copy, LAB_RST_BYTES));
  g_assert_true (packet_tcp_is_right (copy));
  return segment;
}

static void
test_pass (void)
{
  World world;
  guint8 before[PACKET_MAX];

  world_init (&world);
  open_flow (&world, 40000);
  make (&world, SIM_DIRECTION_UP, 40000, LAB_TCP_ACK, 140, 500);
  memcpy (before, world.packet, sizeof before);
  g_assert_cmpint (lab_flows_sent (world.flows, &world.segment, SIM_DIRECTION_UP), ==,
                   LAB_FLOW_PASS);
  g_assert_cmpint (lab_flows_arrives (world.flows, &world.segment, SIM_DIRECTION_UP), ==,
                   LAB_FLOW_PASS);
  g_assert_cmpmem (before, 40, world.packet, 40);
  world_clear (&world);
}

/* Both ends get a reset whose number they expect, at once and for whatever they still say. */
static void
test_reset (void)
{
  World world;
  guint8 copy[LAB_RST_BYTES];

  world_init (&world);
  open_flow (&world, 40000);
  lab_flows_reset (world.flows, forge, &world);
  LabSegment to_client = get_forged (&world, SIM_DIRECTION_DOWN, 0, copy);
  g_assert_cmpuint (to_client.seq, ==, 500);
  g_assert_cmpuint (to_client.destination_port, ==, 40000);
  LabSegment to_server = get_forged (&world, SIM_DIRECTION_UP, 0, copy);
  g_assert_cmpuint (to_server.seq, ==, 140);
  g_assert_cmpint (send_one (&world, SIM_DIRECTION_UP, 40000, LAB_TCP_ACK, 140, 510), ==,
                   LAB_FLOW_ANSWER_RESET);
  g_assert_cmpint (lab_flows_arrives (world.flows, &world.segment, SIM_DIRECTION_UP), ==,
                   LAB_FLOW_DROP);
  lab_flows_reset (world.flows, forge, &world);
  g_assert_cmpuint (world.forged[SIM_DIRECTION_DOWN]->len, ==, 1);
  world_clear (&world);
}

/* A connect under way is refused; there is nothing to say to a server that has not answered. */
static void
test_reset_while_connecting (void)
{
  World world;
  guint8 copy[LAB_RST_BYTES];

  world_init (&world);
  send_one (&world, SIM_DIRECTION_UP, 40000, LAB_TCP_SYN, 99, 0);
  lab_flows_reset (world.flows, forge, &world);
  LabSegment to_client = get_forged (&world, SIM_DIRECTION_DOWN, 0, copy);
  g_assert_cmphex (to_client.flags, ==, LAB_TCP_RST | LAB_TCP_ACK);
  g_assert_cmpuint (to_client.ack, ==, 100);
  g_assert_cmpuint (world.forged[SIM_DIRECTION_UP]->len, ==, 0);
  world_clear (&world);
}

/* The same ports, a new connection: it has nothing to do with what was done to the old one. */
static void
test_new_connection (void)
{
  World world;

  world_init (&world);
  open_flow (&world, 40000);
  lab_flows_reset (world.flows, forge, &world);
  g_assert_cmpint (send_one (&world, SIM_DIRECTION_UP, 40000, LAB_TCP_SYN, 7000, 0), ==,
                   LAB_FLOW_PASS);
  open_flow (&world, 40001);
  g_assert_cmpint (lab_flows_arrives (world.flows, &world.segment, SIM_DIRECTION_DOWN), ==,
                   LAB_FLOW_PASS);
  world_clear (&world);
}

static void
test_vanish (void)
{
  World world;

  world_init (&world);
  open_flow (&world, 40000);
  lab_flows_vanish (world.flows, SIM_DIRECTION_UP);
  g_assert_cmpint (send_one (&world, SIM_DIRECTION_UP, 40000, LAB_TCP_RST, 140, 0), ==,
                   LAB_FLOW_DROP);
  g_assert_cmpint (send_one (&world, SIM_DIRECTION_DOWN, 40000, LAB_TCP_ACK, 500, 140), ==,
                   LAB_FLOW_DROP);
  g_assert_cmpint (lab_flows_arrives (world.flows, &world.segment, SIM_DIRECTION_DOWN), ==,
                   LAB_FLOW_DROP);
  lab_flows_reset (world.flows, forge, &world);
  g_assert_cmpuint (world.forged[SIM_DIRECTION_DOWN]->len, ==, 0);
  open_flow (&world, 40001);
  world_clear (&world);
}

/* The server sees the client under another port, and its answer to that finds the client. */
static void
test_rebind (void)
{
  World world;

  world_init (&world);
  open_flow (&world, 40000);
  for (guint i = 0; i < 2; i++) {
    lab_flows_rebind (world.flows);
    guint16 bound = (guint16)(61000 + i);
    g_assert_cmpint (send_one (&world, SIM_DIRECTION_UP, 40000, LAB_TCP_ACK, 140, 500), ==,
                     LAB_FLOW_PASS);
    g_assert_cmpuint (world.segment.source_port, ==, bound);
    g_assert_true (packet_tcp_is_right (world.packet));
    g_assert_cmpint (lab_flows_arrives (world.flows, &world.segment, SIM_DIRECTION_UP), ==,
                     LAB_FLOW_PASS);
    g_assert_cmpint (send_one (&world, SIM_DIRECTION_DOWN, bound, LAB_TCP_RST, 500, 0), ==,
                     LAB_FLOW_PASS);
    g_assert_cmpint (lab_flows_arrives (world.flows, &world.segment, SIM_DIRECTION_DOWN), ==,
                     LAB_FLOW_PASS);
    g_assert_cmpuint (world.segment.destination_port, ==, 40000);
    g_assert_true (packet_tcp_is_right (world.packet));
    make (&world, SIM_DIRECTION_DOWN, 40000, LAB_TCP_ACK, 500, 140);
    g_assert_cmpint (lab_flows_arrives (world.flows, &world.segment, SIM_DIRECTION_DOWN), ==,
                     LAB_FLOW_DROP);
  }
  world_clear (&world);
}

/* The oldest are forgotten: nothing that a program opens makes the table grow. */
static void
test_bounded (void)
{
  World world;

  world_init (&world);
  for (guint i = 0; i <= LAB_FLOWS_MAX; i++)
    send_one (&world, SIM_DIRECTION_UP, (guint16)(1000 + i), LAB_TCP_SYN, 99, 0);
  lab_flows_reset (world.flows, forge, &world);
  g_assert_cmpuint (world.forged[SIM_DIRECTION_DOWN]->len, ==, LAB_FLOWS_MAX);
  guint8 copy[LAB_RST_BYTES];
  g_assert_cmpuint (get_forged (&world, SIM_DIRECTION_DOWN, 0, copy).destination_port, ==, 1001);
  world_clear (&world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lab/flows/pass", test_pass);
  g_test_add_func ("/lab/flows/reset", test_reset);
  g_test_add_func ("/lab/flows/reset-while-connecting", test_reset_while_connecting);
  g_test_add_func ("/lab/flows/new-connection", test_new_connection);
  g_test_add_func ("/lab/flows/vanish", test_vanish);
  g_test_add_func ("/lab/flows/rebind", test_rebind);
  g_test_add_func ("/lab/flows/bounded", test_bounded);
  return g_test_run ();
}
