/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - see link.h. */
#include "lab/link.h"

#include "lab/namespace.h"
#include "lab/route.h"
#include "lab/tun.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Packets taken from an interface before others have their turn. */
#define READ_BATCH 64
/* The largest packet of IP: a program that may do so can make an interface take it. */
#define READ_BUFFER_BYTES 65535
/* An interface whose name is not its link's, with the link's index. */
#define FALLBACK_PREFIX "link"
/* Links are 10.76.0.0/30, 10.76.0.4/30, ...: .1 is the client, .2 the server. */
#define NETWORK 0x0a4c0000u

/* What is on a path. */
typedef struct {
  gsize size;
  guint8 data[];
} Packet;

typedef struct {
  SimPath *path;
  SimPacketPath *packets;
  guint64 corrupt_segments; /* still to be corrupted */
  gint64 now_ns;            /* the latest that the path knows */
  LabLinkStats stats;
} Direction;

struct _LabLink {
  guint index;
  guint mtu_bytes[LAB_N_SIDES];
  guint initial_window;
  char congestion[16]; /* "": the namespace's */
  char interface[LAB_TUN_NAME_MAX + 1];
  int fd[LAB_N_SIDES];
  Direction directions[SIM_N_DIRECTIONS];
  LabFlows *flows;
};

/* The side that sends in a direction, and the one that receives. */
static LabSide
get_receiver (SimDirection direction)
{
  return direction == SIM_DIRECTION_UP ? LAB_SIDE_SERVER : LAB_SIDE_CLIENT;
}

static SimDirection
get_direction (LabSide sender)
{
  return sender == LAB_SIDE_CLIENT ? SIM_DIRECTION_UP : SIM_DIRECTION_DOWN;
}

/* --- Packets --- */

static Packet *
packet_new (const guint8 *data, gsize size)
{
  Packet *packet = g_malloc (sizeof *packet + size);

  packet->size = size;
  memcpy (packet->data, data, size);
  return packet;
}

static void
packet_dropped (gpointer user_data, const SimPacket *packet, SimDropCause cause)
{
  g_free (packet->data);
}

static gpointer
packet_duplicate (gpointer user_data, const SimPacket *packet)
{
  const Packet *original = packet->data;

  return packet_new (original->data, original->size);
}

/* --- Life --- */

in_addr_t
lab_link_get_address (const LabLink *link, LabSide side)
{
  return g_htonl (NETWORK + 4 * link->index + (side == LAB_SIDE_CLIENT ? 1 : 2));
}

/* A name that no other link falls back to, and for which the system has no other use. */
static gboolean
may_be_interface (const char *name)
{
  static const char *const reserved[] = { "lo", "all", "default", ".", "..", NULL };

  return *name && strlen (name) <= LAB_TUN_NAME_MAX && !g_strv_contains (reserved, name) &&
         !g_str_has_prefix (name, FALLBACK_PREFIX) && !strpbrk (name, "/:% \t\r\n\v\f");
}

static void
fall_back (LabLink *link)
{
  g_snprintf (link->interface, sizeof link->interface, FALLBACK_PREFIX "%u", link->index);
}

static gboolean
set_route (const LabLink *link, LabSide side, GError **error)
{
  const LabRoute route = { .interface = link->interface,
                           .address = lab_link_get_address (link, side),
                           .peer = lab_link_get_address (link, (LabSide)!side),
                           .initial_window = link->initial_window,
                           .congestion = *link->congestion ? link->congestion : NULL };

  return lab_route_set (&route, error);
}

/* The route goes with the interface, and comes back by our doing alone. */
gboolean
lab_link_set_up (LabLink *link, LabSide side, gboolean up, GError **error)
{
  return lab_tun_set_up (link->interface, up, error) && (!up || set_route (link, side, error));
}

static gboolean
open_interface (LabLink *link, LabSide side, int namespace_fd, GError **error)
{
  const LabTunOptions options = { .name = link->interface,
                                  .address = lab_link_get_address (link, side),
                                  .peer = lab_link_get_address (link, (LabSide)!side),
                                  .mtu_bytes = link->mtu_bytes[side] };
  int previous = lab_namespace_enter (namespace_fd, error);

  if (previous < 0)
    return FALSE;
  link->fd[side] = lab_tun_open (&options, error);
  gboolean ok = link->fd[side] >= 0 && set_route (link, side, error);
  lab_namespace_leave (previous);
  return ok;
}

static void
close_interfaces (LabLink *link)
{
  for (guint s = 0; s < LAB_N_SIDES; s++) {
    if (link->fd[s] >= 0)
      close (link->fd[s]);
    link->fd[s] = -1;
  }
}

/* In some kernels a new namespace has interfaces already (tunl0, sit0): such a name is avoided. */
static gboolean
open_interfaces (LabLink *link, const int namespaces[LAB_N_SIDES], GError **error)
{
  if (open_interface (link, LAB_SIDE_CLIENT, namespaces[LAB_SIDE_CLIENT], NULL) &&
      open_interface (link, LAB_SIDE_SERVER, namespaces[LAB_SIDE_SERVER], NULL))
    return TRUE;
  close_interfaces (link);
  fall_back (link);
  return open_interface (link, LAB_SIDE_CLIENT, namespaces[LAB_SIDE_CLIENT], error) &&
         open_interface (link, LAB_SIDE_SERVER, namespaces[LAB_SIDE_SERVER], error);
}

LabLink *
lab_link_new (const LabLinkOptions *options, guint index, guint64 run_seed,
              const int namespaces[LAB_N_SIDES], gint64 now_ns, GError **error)
{
  static const SimPacketOwner owner = { .dropped = packet_dropped, .duplicate = packet_duplicate };
  LabLink *link = g_new0 (LabLink, 1);

  link->index = index;
  for (guint s = 0; s < LAB_N_SIDES; s++)
    link->mtu_bytes[s] = options->mtu_bytes[s] > 0 ? options->mtu_bytes[s] : LAB_MTU_BYTES;
  link->initial_window = options->initial_window;
  if (options->congestion)
    g_strlcpy (link->congestion, options->congestion, sizeof link->congestion);
  link->fd[LAB_SIDE_CLIENT] = link->fd[LAB_SIDE_SERVER] = -1;
  if (may_be_interface (options->name))
    g_strlcpy (link->interface, options->name, sizeof link->interface);
  else
    fall_back (link);
  link->flows = lab_flows_new ();
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
    Direction *direction = &link->directions[d];
    direction->path = sim_path_new (&options->config[d], run_seed, options->name, d);
    direction->packets = sim_packet_path_new (direction->path, &owner, link, now_ns);
    direction->now_ns = now_ns;
  }
  if (!open_interfaces (link, namespaces, error)) {
    lab_link_free (link);
    return NULL;
  }
  return link;
}

void
lab_link_free (LabLink *link)
{
  if (!link)
    return;
  close_interfaces (link);
  for (guint d = 0; d < SIM_N_DIRECTIONS; d++) {
    sim_packet_path_free (link->directions[d].packets);
    sim_path_free (link->directions[d].path);
  }
  lab_flows_free (link->flows);
  g_free (link);
}

int
lab_link_get_fd (const LabLink *link, LabSide side)
{
  return link->fd[side];
}

const char *
lab_link_get_interface (const LabLink *link)
{
  return link->interface;
}

SimPath *
lab_link_get_path (const LabLink *link, SimDirection direction)
{
  return link->directions[direction].path;
}

SimPacketPath *
lab_link_get_packets (LabLink *link, SimDirection direction, gint64 now_ns)
{
  link->directions[direction].now_ns = now_ns;
  return link->directions[direction].packets;
}

const SimPacketPath *
lab_link_peek_packets (const LabLink *link, SimDirection direction)
{
  return link->directions[direction].packets;
}

LabFlows *
lab_link_get_flows (const LabLink *link)
{
  return link->flows;
}

const LabLinkStats *
lab_link_get_stats (const LabLink *link, SimDirection direction)
{
  return &link->directions[direction].stats;
}

void
lab_link_corrupt (LabLink *link, SimDirection direction, guint64 count)
{
  link->directions[direction].corrupt_segments = count;
}

/* --- On the way --- */

/* A kernel that does not take a packet has its interface down: the packet is lost, as on a wire
 * that ends nowhere. */
static void
deliver (LabLink *link, SimDirection direction, const guint8 *data, gsize size)
{
  if (write (link->fd[get_receiver (direction)], data, size) < 0)
    link->directions[direction].stats.refused_packets++;
}

void
lab_link_inject (LabLink *link, SimDirection direction, const guint8 *packet, gsize size)
{
  deliver (link, direction, packet, size);
}

static SimDirection
get_opposite (SimDirection direction)
{
  return direction == SIM_DIRECTION_UP ? SIM_DIRECTION_DOWN : SIM_DIRECTION_UP;
}

static void
corrupt (Direction *direction, LabSegment *segment)
{
  gsize payload = lab_segment_get_payload_bytes (segment);

  if (direction->corrupt_segments == 0 || payload == 0)
    return;
  if (direction->corrupt_segments != G_MAXUINT64)
    direction->corrupt_segments--;
  guint64 bit = sim_path_draw_below (direction->path, 8 * payload);
  lab_segment_flip (segment, bit / 8, bit % 8, TRUE);
}

/* What middleboxes and faults say of a packet that an end has sent; FALSE: it goes no further. */
static gboolean
may_enter (LabLink *link, SimDirection d, guint8 *data, gsize size)
{
  LabSegment segment;
  guint8 answer[LAB_RST_BYTES];

  if (!lab_segment_parse (&segment, data, size))
    return TRUE;
  LabFlowVerdict verdict = lab_flows_sent (link->flows, &segment, d);
  if (verdict == LAB_FLOW_ANSWER_RESET && lab_segment_make_reset (&segment, answer) > 0)
    deliver (link, get_opposite (d), answer, sizeof answer);
  if (verdict == LAB_FLOW_PASS)
    corrupt (&link->directions[d], &segment);
  return verdict == LAB_FLOW_PASS;
}

/* A link leads to one host; a packet for another one came here by a program's choice of interface,
 * and what is on the far side must not pass for a second way to it. */
static gboolean
leads_there (LabLink *link, SimDirection d, const guint8 *data, gsize size)
{
  guint8 answer[LAB_ICMP_BYTES_MAX];

  if (lab_packet_may_be_for (data, size, lab_link_get_address (link, get_receiver (d))))
    return TRUE;
  gsize answer_size = lab_make_unreachable (data, size, answer);
  if (answer_size > 0)
    deliver (link, get_opposite (d), answer, answer_size);
  return FALSE;
}

static void
take (LabLink *link, SimDirection d, guint8 *data, gsize size, gint64 now_ns)
{
  Direction *direction = &link->directions[d];
  guint8 answer[LAB_ICMP_BYTES_MAX];

  direction->stats.taken_packets++;
  direction->stats.taken_bytes += size;
  direction->now_ns = now_ns;
  if (!leads_there (link, d, data, size) || !may_enter (link, d, data, size))
    return;
  const SimPacket packet = {
    .data = packet_new (data, size),
    .size_bytes = (guint32)size,
    .flags = lab_packet_must_not_fragment (data, size) ? SIM_PACKET_DONT_FRAGMENT : 0,
  };
  SimDropCause cause = sim_packet_path_put (direction->packets, &packet, now_ns);
  if (cause == SIM_DROP_NONE)
    return;
  g_free (packet.data);
  if (cause != SIM_DROP_TOO_BIG)
    return;
  guint mtu_bytes = sim_path_get_config (direction->path)->mtu_bytes;
  gsize answer_size = lab_make_too_big (data, size, mtu_bytes, answer);
  if (answer_size > 0)
    deliver (link, get_opposite (d), answer, answer_size);
}

gboolean
lab_link_read (LabLink *link, LabSide side, gint64 (*now) (gpointer clock), gpointer clock)
{
  guint8 buffer[READ_BUFFER_BYTES];

  for (guint i = 0; i < READ_BATCH; i++) {
    gssize size = read (link->fd[side], buffer, sizeof buffer);
    if (size <= 0)
      return size == 0 || errno == EAGAIN || errno == EINTR;
    take (link, get_direction (side), buffer, (gsize)size, now (clock));
  }
  return TRUE;
}

gint64
lab_link_get_deadline (const LabLink *link, SimDirection direction)
{
  return sim_packet_path_get_deadline (link->directions[direction].packets);
}

static void
arrive (LabLink *link, SimDirection d, const SimPacket *sim_packet)
{
  Packet *packet = sim_packet->data;
  LabSegment segment;

  gboolean is_corrupt = (sim_packet->flags & SIM_PACKET_CORRUPTED) != 0;

  /* What the receiver's checksums would find in it is left to them where that is TCP's. */
  if (!lab_segment_parse (&segment, packet->data, packet->size)) {
    if (!is_corrupt)
      deliver (link, d, packet->data, packet->size);
    return;
  }
  gsize payload = lab_segment_get_payload_bytes (&segment);
  if (is_corrupt) {
    /* A flipped bit of a header fails the same checksum. */
    if (payload == 0)
      return;
    lab_segment_flip (&segment, payload - 1, 0, FALSE);
  }
  if (lab_flows_arrives (link->flows, &segment, d) == LAB_FLOW_PASS)
    deliver (link, d, packet->data, packet->size);
}

void
lab_link_advance (LabLink *link, SimDirection d, gint64 until_ns, gint64 now_ns, LabLateFunc late,
                  gpointer user_data)
{
  Direction *direction = &link->directions[d];
  SimPacket packet;
  gint64 arrival_ns;

  direction->now_ns = MAX (direction->now_ns, until_ns);
  sim_packet_path_advance (direction->packets, direction->now_ns);
  while (sim_packet_path_pull (direction->packets, &packet, &arrival_ns)) {
    arrive (link, d, &packet);
    g_free (packet.data);
    if (late)
      late (user_data, now_ns - arrival_ns);
  }
}
