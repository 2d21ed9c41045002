/* SPDX-License-Identifier: Apache-2.0 */
/* flows.c - see flows.h. A flow is found under the client's port, and, once a NAT has bound it
 * anew, under the port that it has now, too. */
#include "lab/flows.h"

typedef struct {
  guint64 key, bound_key; /* as the client sends it; as the server sees it */
  guint16 client_port, bound_port;
  LabSegment latest[SIM_N_DIRECTIONS]; /* headers of the latest segment sent in that direction */
  gboolean seen[SIM_N_DIRECTIONS];
  gboolean vanished[SIM_N_DIRECTIONS];
  gboolean reset;
  GList node; /* in LabFlows.by_age */
} Flow;

struct _LabFlows {
  GHashTable *by_key; /* of guint64 *: Flow *; not iterated */
  GQueue by_age;      /* of Flow (owned), oldest first */
  guint16 next_port;  /* that a NAT gives */
};

/* Ports that a NAT gives: above those that the kernel takes by itself (32768 to 60999). */
#define BOUND_PORT_FIRST 61000

LabFlows *
lab_flows_new (void)
{
  LabFlows *flows = g_new0 (LabFlows, 1);

  flows->by_key = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_queue_init (&flows->by_age);
  flows->next_port = BOUND_PORT_FIRST;
  return flows;
}

static void
forget (LabFlows *flows, Flow *flow)
{
  g_hash_table_remove (flows->by_key, &flow->bound_key);
  g_hash_table_remove (flows->by_key, &flow->key);
  g_queue_unlink (&flows->by_age, &flow->node);
  g_free (flow);
}

void
lab_flows_free (LabFlows *flows)
{
  if (!flows)
    return;
  while (flows->by_age.head)
    forget (flows, flows->by_age.head->data);
  g_hash_table_unref (flows->by_key);
  g_free (flows);
}

/* Of a flow with that port at the client; the addresses of a link hardly differ. */
static guint64
make_key (guint32 addresses, guint16 client_port, guint16 server_port)
{
  return (guint64)addresses << 32 | (guint32)client_port << 16 | server_port;
}

static guint64
get_key (const LabSegment *segment, SimDirection direction)
{
  guint32 addresses = segment->source ^ segment->destination;

  return direction == SIM_DIRECTION_UP
             ? make_key (addresses, segment->source_port, segment->destination_port)
             : make_key (addresses, segment->destination_port, segment->source_port);
}

static Flow *
find (const LabFlows *flows, const LabSegment *segment, SimDirection direction)
{
  guint64 key = get_key (segment, direction);

  return g_hash_table_lookup (flows->by_key, &key);
}

static Flow *
add (LabFlows *flows, const LabSegment *segment, SimDirection direction)
{
  Flow *flow = g_new0 (Flow, 1);

  if (flows->by_age.length == LAB_FLOWS_MAX)
    forget (flows, flows->by_age.head->data);
  flow->key = flow->bound_key = get_key (segment, direction);
  flow->client_port = flow->bound_port =
      direction == SIM_DIRECTION_UP ? segment->source_port : segment->destination_port;
  flow->node.data = flow;
  g_queue_push_tail_link (&flows->by_age, &flow->node);
  g_hash_table_insert (flows->by_key, &flow->key, flow);
  return flow;
}

/* A SYN without an ACK, other than one that is only repeated. */
static gboolean
begins_anew (const Flow *flow, const LabSegment *segment, SimDirection direction)
{
  if ((segment->flags & (LAB_TCP_SYN | LAB_TCP_ACK)) != LAB_TCP_SYN)
    return FALSE;
  return !flow->seen[direction] || flow->latest[direction].seq != segment->seq;
}

LabFlowVerdict
lab_flows_sent (LabFlows *flows, LabSegment *segment, SimDirection direction)
{
  Flow *flow = find (flows, segment, direction);

  if (flow && begins_anew (flow, segment, direction)) {
    forget (flows, flow);
    flow = NULL;
  }
  if (!flow)
    flow = add (flows, segment, direction);
  if (flow->vanished[SIM_DIRECTION_UP] || flow->vanished[SIM_DIRECTION_DOWN])
    return LAB_FLOW_DROP;
  if (flow->reset)
    return LAB_FLOW_ANSWER_RESET;
  if (!(segment->flags & LAB_TCP_RST)) {
    flow->latest[direction] = *segment;
    flow->latest[direction].packet = NULL;
    flow->seen[direction] = TRUE;
  }
  if (flow->bound_port != flow->client_port && direction == SIM_DIRECTION_UP)
    lab_segment_set_source_port (segment, flow->bound_port);
  return LAB_FLOW_PASS;
}

LabFlowVerdict
lab_flows_arrives (LabFlows *flows, LabSegment *segment, SimDirection direction)
{
  const Flow *flow = find (flows, segment, direction);

  if (!flow)
    return LAB_FLOW_PASS;
  if (flow->reset || flow->vanished[SIM_DIRECTION_UP] || flow->vanished[SIM_DIRECTION_DOWN])
    return LAB_FLOW_DROP;
  if (direction == SIM_DIRECTION_UP || flow->bound_port == flow->client_port)
    return LAB_FLOW_PASS;
  if (segment->destination_port != flow->bound_port)
    return LAB_FLOW_DROP;
  lab_segment_set_destination_port (segment, flow->client_port);
  return LAB_FLOW_PASS;
}

static void
forge_reset (const Flow *flow, SimDirection sender, LabForgeFunc forge, gpointer user_data)
{
  guint8 packet[LAB_RST_BYTES];
  SimDirection back = sender == SIM_DIRECTION_UP ? SIM_DIRECTION_DOWN : SIM_DIRECTION_UP;

  if (!flow->seen[sender])
    return;
  LabSegment latest = flow->latest[sender];
  /* The server knows the client under the port that the NAT has given. */
  if (sender == SIM_DIRECTION_DOWN)
    latest.destination_port = flow->bound_port;
  gsize size = lab_segment_make_reset (&latest, packet);
  if (size > 0)
    forge (user_data, back, packet, size);
}

void
lab_flows_reset (LabFlows *flows, LabForgeFunc forge, gpointer user_data)
{
  for (GList *node = flows->by_age.head; node; node = node->next) {
    Flow *flow = node->data;
    if (flow->reset || flow->vanished[SIM_DIRECTION_UP] || flow->vanished[SIM_DIRECTION_DOWN])
      continue;
    flow->reset = TRUE;
    forge_reset (flow, SIM_DIRECTION_UP, forge, user_data);
    forge_reset (flow, SIM_DIRECTION_DOWN, forge, user_data);
  }
}

void
lab_flows_vanish (LabFlows *flows, SimDirection direction)
{
  for (GList *node = flows->by_age.head; node; node = node->next)
    ((Flow *)node->data)->vanished[direction] = TRUE;
}

void
lab_flows_rebind (LabFlows *flows)
{
  for (GList *node = flows->by_age.head; node; node = node->next) {
    Flow *flow = node->data;
    if (flow->bound_key != flow->key)
      g_hash_table_remove (flows->by_key, &flow->bound_key);
    flow->bound_port = flows->next_port;
    flows->next_port = flows->next_port == G_MAXUINT16 ? BOUND_PORT_FIRST : flows->next_port + 1;
    flow->bound_key = make_key ((guint32)(flow->key >> 32), flow->bound_port, (guint16)flow->key);
    g_hash_table_insert (flows->by_key, &flow->bound_key, flow);
  }
}
