/* SPDX-License-Identifier: Apache-2.0 */
/* duo.c - see duo.h. Endpoints, links, and the passing of time. */
#include "tests/core/duo-private.h"

/* More turns than this at one instant mean that an endpoint spins. */
#define TURNS_MAX 1000000
/* A deadline may call for another advance at once, but not for ever. */
#define STEP_TURNS_MAX 10

/* --- Making and freeing --- */

static void
parcel_free (gpointer data)
{
  DuoParcel *parcel = data;
  g_clear_pointer (&parcel->bytes, g_bytes_unref);
  g_free (parcel);
}

static void
clear_inbox (DuoEnd *end)
{
  g_queue_clear_full (&end->inbox, parcel_free);
  end->inbox_bytes = 0;
}

static void
end_clear (DuoEnd *end)
{
  clear_inbox (end);
  g_clear_pointer (&end->link, caiman_link_unref);
}

static void
link_free (gpointer data)
{
  DuoLink *link = data;
  for (DuoSide side = 0; side < DUO_N_SIDES; side++)
    end_clear (&link->ends[side]);
  g_free (link);
}

static void
log_entry_clear (gpointer data)
{
  DuoMessage *entry = data;
  g_bytes_unref (entry->raw);
}

CaimanConfig
duo_config (void)
{
  CaimanConfig config;
  caiman_config_init (&config, CAIMAN_PRESET_ADAPTIVE);
  return config;
}

static void
count_trace (const CaimanTraceEvent *event, gpointer user_data)
{
  guint64 *n_traces = user_data;
  g_assert_cmpint (event->type, <, CAIMAN_N_TRACE_TYPES);
  n_traces[event->type]++;
}

static void
make_server (Duo *d)
{
  d->server = caiman_server_new (&d->server_config, &d->randoms[DUO_SERVER], d->now_ns);
  CaimanTracer tracer = { count_trace, d->n_traces[DUO_SERVER] };
  caiman_server_set_tracer (d->server, &tracer);
}

Duo *
duo_new_seeded (const CaimanConfig *client_config, const CaimanConfig *server_config, guint64 seed)
{
  Duo *d = g_new0 (Duo, 1);
  CaimanConfig fallback = duo_config ();
  d->server_config = server_config ? *server_config : fallback;
  d->auto_accept = d->keep_log = TRUE;
  caiman_prng_init_stream (&d->prngs[DUO_CLIENT], seed, "client");
  caiman_prng_init_stream (&d->prngs[DUO_SERVER], seed, "server");
  for (DuoSide side = 0; side < DUO_N_SIDES; side++)
    d->randoms[side] = caiman_prng_as_random (&d->prngs[side]);
  d->links = g_ptr_array_new_with_free_func (link_free);
  d->log = g_array_new (FALSE, FALSE, sizeof (DuoMessage));
  g_array_set_clear_func (d->log, log_entry_clear);
  d->events = g_array_new (FALSE, FALSE, sizeof (DuoEvent));
  d->client = caiman_connection_new (client_config ? client_config : &fallback,
                                     &d->randoms[DUO_CLIENT], d->now_ns);
  CaimanTracer tracer = { count_trace, d->n_traces[DUO_CLIENT] };
  caiman_connection_set_tracer (d->client, &tracer);
  make_server (d);
  return d;
}

Duo *
duo_new (const CaimanConfig *client_config, const CaimanConfig *server_config)
{
  return duo_new_seeded (client_config, server_config, 1);
}

void
duo_free (Duo *d)
{
  if (!d)
    return;
  caiman_connection_free (d->accepted);
  caiman_server_free (d->server);
  caiman_connection_free (d->client);
  g_ptr_array_unref (d->links);
  g_array_unref (d->log);
  g_array_unref (d->events);
  g_free (d);
}

void
duo_start_at_seq (Duo *d, guint32 seq)
{
  d->first_seq = seq;
  duo_set_first_seq (d->client, seq);
}

/* --- The wire --- */

/* The ends carry the DuoLink as their transport data; a link has one end per side. */
static DuoLink *
link_of_end (CaimanLink *end)
{
  DuoLink *link = caiman_link_get_transport_data (end);
  g_assert_nonnull (link);
  return link;
}

static gboolean
has_room (const DuoLink *link, DuoSide receiver)
{
  const DuoEnd *end = &link->ends[receiver];
  return (link->limits.packets_max == 0 || end->inbox.length < link->limits.packets_max) &&
         (link->limits.bytes_max == 0 || end->inbox_bytes < link->limits.bytes_max);
}

static void
push_parcel (DuoLink *link, DuoSide receiver, GBytes *bytes, CaimanReason end_reason,
             gint64 arrival_ns)
{
  DuoEnd *end = &link->ends[receiver];
  DuoParcel *last = g_queue_peek_tail (&end->inbox);
  DuoParcel *parcel = g_new0 (DuoParcel, 1);
  parcel->bytes = bytes;
  parcel->end_reason = end_reason;
  parcel->arrival_ns = last ? MAX (last->arrival_ns, arrival_ns) : arrival_ns;
  end->inbox_bytes += bytes ? g_bytes_get_size (bytes) : 0;
  g_queue_push_tail (&end->inbox, parcel);
}

static void
log_packet (Duo *d, DuoSide side, guint number, const CaimanPacket *packet)
{
  gsize size;
  const guint8 *data = caiman_packet_get_message (packet, &size);
  DuoMessage entry = { .time_ns = d->now_ns, .side = side, .link = number };
  entry.raw = g_bytes_new (data, size);
  entry.payload_bytes = packet->payload ? (gssize)g_bytes_get_size (packet->payload) : -1;
  data = g_bytes_get_data (entry.raw, &size);
  entry.known = caiman_message_parse (data, size, &entry.message);
  /* Everything that an endpoint says must be well-formed, and its payload must follow Data. */
  g_assert_true (entry.known);
  g_assert_cmpint (entry.message.type == CAIMAN_MESSAGE_DATA, ==, packet->payload != NULL);
  g_array_append_val (d->log, entry);
}

static void
carry (Duo *d, DuoSide side, CaimanPacket *packet)
{
  DuoLink *link = link_of_end (packet->link);
  DuoSide receiver = duo_other_side (side);
  g_assert_true (has_room (link, receiver));
  if (d->keep_log)
    log_packet (d, side, link->number, packet);
  if (!link->ends[receiver].raw && link->ends[receiver].link) {
    gsize size;
    const guint8 *data = caiman_packet_get_message (packet, &size);
    gint64 arrival_ns = d->now_ns + link->delay_ns;
    push_parcel (link, receiver, g_bytes_new (data, size), CAIMAN_REASON_NONE, arrival_ns);
    if (packet->payload)
      push_parcel (link, receiver, g_bytes_ref (packet->payload), CAIMAN_REASON_NONE,
                   arrival_ns + link->limits.split_ns);
  }
  if (!has_room (link, receiver))
    caiman_link_set_writable (packet->link, FALSE, d->now_ns);
  caiman_packet_clear (packet);
}

static void
update_writable (Duo *d, DuoLink *link, DuoSide side)
{
  CaimanLink *end = link->ends[side].link;
  if (end)
    caiman_link_set_writable (end, has_room (link, duo_other_side (side)), d->now_ns);
}

/* When the next parcel for this end may be handed over. */
static gint64
get_arrival (const DuoEnd *end)
{
  const DuoParcel *parcel = g_queue_peek_head ((GQueue *)&end->inbox);
  if (!parcel || end->stalled || !end->link || !caiman_link_wants_packets (end->link))
    return CAIMAN_TIME_NEVER;
  return parcel->arrival_ns;
}

static void
hand_over (Duo *d, DuoLink *link, DuoSide side)
{
  DuoEnd *end = &link->ends[side];
  DuoParcel *parcel = g_queue_pop_head (&end->inbox);
  if (parcel->bytes) {
    gsize size;
    const guint8 *data = g_bytes_get_data (parcel->bytes, &size);
    end->inbox_bytes -= size;
    caiman_link_received (end->link, data, size, parcel->bytes, d->now_ns);
  } else {
    caiman_link_failed (end->link, parcel->end_reason, d->now_ns);
  }
  parcel_free (parcel);
  update_writable (d, link, duo_other_side (side));
}

/* --- Doing what is due --- */

static void
close_end (Duo *d, DuoSide side, CaimanLink *end, CaimanReason reason, gboolean graceful)
{
  DuoLink *link = link_of_end (end);
  DuoEnd *own = &link->ends[side];
  DuoEnd *peer = &link->ends[duo_other_side (side)];
  if (own->link != end)
    return;
  own->close_reason = reason;
  end_clear (own);
  if (!peer->link)
    return;
  if (!graceful)
    clear_inbox (peer);
  push_parcel (link, duo_other_side (side), NULL,
               graceful ? CAIMAN_REASON_LINK_CLOSED : CAIMAN_REASON_LINK_RESET,
               d->now_ns + link->delay_ns);
}

static void
take_event (Duo *d, DuoSide side, const CaimanEvent *event)
{
  DuoEvent record = { .time_ns = d->now_ns, .side = side, .event = *event };
  g_autoptr (CaimanLink) link = event->link ? caiman_link_ref (event->link) : NULL;
  if (link && caiman_link_get_transport_data (link))
    record.link = link_of_end (link)->number;
  record.event.link = NULL;
  g_array_append_val (d->events, record);
  if (event->type == CAIMAN_EVENT_LINK_CLOSE)
    close_end (d, side, link, event->reason, event->graceful);
  if (side == DUO_CLIENT && d->connector) {
    CaimanEvent told = *event;
    told.link = link;
    caiman_connector_link_event (d->connector, &told, d->now_ns);
  }
}

static void
take_incoming (Duo *d, CaimanConnection *connection)
{
  d->n_incoming++;
  d->pending = connection;
  if (d->auto_accept && !d->accepted)
    duo_accept (d);
}

static gboolean
take_server_events (Duo *d)
{
  gboolean worked = FALSE;
  for (CaimanServerEvent event; caiman_server_next_event (d->server, &event); worked = TRUE) {
    if (event.type == CAIMAN_SERVER_EVENT_INCOMING) {
      take_incoming (d, event.connection);
    } else if (event.type == CAIMAN_SERVER_EVENT_GONE) {
      if (d->pending == event.connection)
        d->pending = NULL;
    } else if (event.type == CAIMAN_SERVER_EVENT_LINK_CLOSE) {
      g_autoptr (CaimanLink) link = caiman_link_ref (event.link);
      close_end (d, DUO_SERVER, link, event.reason, event.graceful);
    }
  }
  return worked;
}

static void
check_invariants (Duo *d, DuoSide side, const CaimanConnection *connection)
{
  CaimanConnectionStats stats;
  caiman_connection_get_stats (connection, &stats);
  const CaimanConfig *config = caiman_connection_get_config (connection);
  g_assert_cmpuint (stats.reorder_bytes + stats.readable_bytes, <=,
                    (guint64)config->receive_buffer_bytes);
  g_assert_cmpuint (stats.buffered_peak_bytes, <=, (guint64)config->receive_buffer_bytes);
  /* One message may be larger than the send buffer, if it is alone. */
  g_assert_cmpuint (
      stats.unacked_bytes, <=,
      MAX ((guint64)config->send_buffer_bytes, caiman_connection_get_message_max (connection)));
}

static gboolean
pump_connection (Duo *d, DuoSide side, CaimanConnection *connection)
{
  gboolean worked = FALSE;
  for (CaimanPacket packet; caiman_connection_next_packet (connection, &packet, d->now_ns);
       worked = TRUE)
    carry (d, side, &packet);
  for (CaimanEvent event; caiman_connection_next_event (connection, &event); worked = TRUE)
    take_event (d, side, &event);
  check_invariants (d, side, connection);
  return worked;
}

static gboolean
run_connector (Duo *d)
{
  gboolean worked = FALSE;
  if (!d->connector)
    return FALSE;
  if (caiman_connector_get_deadline (d->connector) <= d->now_ns)
    caiman_connector_advance (d->connector, d->now_ns);
  for (CaimanConnectorAction action; caiman_connector_next_action (d->connector, &action);
       worked = TRUE)
    d->opened (d, &action);
  return worked;
}

static gboolean
settle_once (Duo *d)
{
  gboolean worked = FALSE;
  for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
    CaimanConnection *connection = side == DUO_CLIENT ? d->client : d->accepted;
    if (!connection)
      continue;
    if (d->auto_read)
      duo_read_all (d, side);
    duo_offer_more (d, side);
    if (caiman_connection_get_deadline (connection) <= d->now_ns)
      caiman_connection_advance (connection, d->now_ns);
    worked |= pump_connection (d, side, connection);
  }
  worked |= run_connector (d);
  if (caiman_server_get_deadline (d->server) <= d->now_ns)
    caiman_server_advance (d->server, d->now_ns);
  for (CaimanPacket packet; caiman_server_next_packet (d->server, &packet, d->now_ns);
       worked = TRUE)
    carry (d, DUO_SERVER, &packet);
  worked |= take_server_events (d);
  return worked;
}

static gboolean
hand_over_due (Duo *d)
{
  gboolean worked = FALSE;
  for (guint i = 0; i < d->links->len; i++) {
    DuoLink *link = d->links->pdata[i];
    for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
      if (get_arrival (&link->ends[side]) > d->now_ns)
        continue;
      hand_over (d, link, side);
      worked = TRUE;
    }
  }
  return worked;
}

void
duo_settle (Duo *d)
{
  for (guint turn = 0; settle_once (d) || hand_over_due (d); turn++)
    g_assert_cmpuint (turn, <, TURNS_MAX);
}

/* When something arrives next. */
static gint64
get_next_arrival (Duo *d)
{
  gint64 next_ns = CAIMAN_TIME_NEVER;
  for (guint i = 0; i < d->links->len; i++) {
    const DuoLink *link = d->links->pdata[i];
    for (DuoSide side = 0; side < DUO_N_SIDES; side++)
      next_ns = MIN (next_ns, get_arrival (&link->ends[side]));
  }
  return next_ns;
}

static gint64
get_next_deadline (Duo *d)
{
  gint64 next_ns = caiman_connection_get_deadline (d->client);
  next_ns = MIN (next_ns, caiman_server_get_deadline (d->server));
  if (d->accepted)
    next_ns = MIN (next_ns, caiman_connection_get_deadline (d->accepted));
  if (d->connector)
    next_ns = MIN (next_ns, caiman_connector_get_deadline (d->connector));
  return next_ns;
}

/* One step of time, to the next thing that happens but not beyond @until_ns. A deadline that was
 * not met by the work at the present instant would stop the clock. */
static void
step (Duo *d, gint64 until_ns)
{
  gint64 next_ns = MIN (get_next_arrival (d), get_next_deadline (d));
  for (guint turn = 0; next_ns <= d->now_ns; turn++) {
    if (turn == STEP_TURNS_MAX)
      g_error ("a deadline stays in the past at %" G_GINT64_FORMAT " ns", d->now_ns);
    duo_settle (d);
    next_ns = MIN (get_next_arrival (d), get_next_deadline (d));
  }
  d->now_ns = MIN (next_ns, until_ns);
  duo_settle (d);
}

void
duo_advance (Duo *d, gint64 delta_ns)
{
  gint64 until_ns = d->now_ns + delta_ns;
  duo_settle (d);
  while (d->now_ns < until_ns)
    step (d, until_ns);
}

void
duo_run_until_idle (Duo *d)
{
  gint64 limit_ns = d->now_ns + S (600);
  duo_settle (d);
  while (TRUE) {
    gint64 next_ns = MIN (get_next_arrival (d), get_next_deadline (d));
    if (next_ns == CAIMAN_TIME_NEVER || next_ns > d->now_ns + S (1))
      return;
    g_assert_cmpint (d->now_ns, <, limit_ns);
    step (d, limit_ns);
  }
}

static gboolean
has_ended (const CaimanConnection *connection)
{
  return !connection || caiman_connection_get_state (connection) == CAIMAN_CONNECTION_ENDED;
}

gboolean
duo_run_until_ended (Duo *d, gint64 limit_ns)
{
  gint64 until_ns = d->now_ns + limit_ns;
  duo_settle (d);
  while (!has_ended (d->client) || !has_ended (d->accepted)) {
    if (d->now_ns >= until_ns)
      return FALSE;
    step (d, until_ns);
  }
  return TRUE;
}

/* --- Links --- */

static DuoLink *
link_new (Duo *d, gint64 delay_ns)
{
  DuoLink *link = g_new0 (DuoLink, 1);
  link->duo = d;
  link->delay_ns = delay_ns;
  link->limits.bytes_max = 1 << 20;
  g_ptr_array_add (d->links, link);
  link->number = d->links->len;
  for (DuoSide side = 0; side < DUO_N_SIDES; side++)
    g_queue_init (&link->ends[side].inbox);
  return link;
}

static void
set_end (Duo *d, DuoLink *link, DuoSide side, CaimanLink *end)
{
  g_assert_nonnull (end);
  link->ends[side].link = end;
  caiman_link_set_transport_data (end, link);
  caiman_link_set_writable (end, TRUE, d->now_ns);
}

static void
add_server_end (Duo *d, DuoLink *link, const CaimanLinkInfo *info)
{
  set_end (d, link, DUO_SERVER, caiman_server_add_link (d->server, info, d->now_ns));
}

guint
duo_add_link_full (Duo *d, const CaimanLinkInfo *info, gint64 delay_ns, const DuoLinkLimits *limits)
{
  DuoLink *link = link_new (d, delay_ns);
  if (limits)
    link->limits = *limits;
  set_end (d, link, DUO_CLIENT, caiman_connection_add_link (d->client, info, d->now_ns));
  add_server_end (d, link, info);
  duo_settle (d);
  return link->number;
}

guint
duo_add_link (Duo *d, const char *name, gint64 delay_ns)
{
  CaimanLinkInfo info = { .name = name };
  return duo_add_link_full (d, &info, delay_ns, NULL);
}

guint
duo_join_link (Duo *d, CaimanLink *client_end, gint64 delay_ns)
{
  DuoLink *link = link_new (d, delay_ns);
  CaimanLinkInfo info = { .name = caiman_link_get_name (client_end) };
  set_end (d, link, DUO_CLIENT, client_end);
  add_server_end (d, link, &info);
  return link->number;
}

guint
duo_add_raw_link (Duo *d, DuoSide side, const char *name)
{
  DuoLink *link = link_new (d, 0);
  CaimanLinkInfo info = { .name = name };
  link->ends[duo_other_side (side)].raw = TRUE;
  if (side == DUO_CLIENT)
    set_end (d, link, DUO_CLIENT, caiman_connection_add_link (d->client, &info, d->now_ns));
  else
    add_server_end (d, link, &info);
  duo_settle (d);
  return link->number;
}

CaimanLink *
duo_get_link (Duo *d, DuoSide side, guint link)
{
  CaimanLink *end = duo_get_duo_link (d, link)->ends[side].link;
  g_assert_nonnull (end);
  return end;
}

void
duo_drop_link (Duo *d, guint link)
{
  DuoLink *duo_link = duo_get_duo_link (d, link);
  for (DuoSide side = 0; side < DUO_N_SIDES; side++)
    clear_inbox (&duo_link->ends[side]);
  for (DuoSide side = 0; side < DUO_N_SIDES; side++) {
    if (duo_link->ends[side].link)
      caiman_link_failed (duo_link->ends[side].link, CAIMAN_REASON_LINK_RESET, d->now_ns);
  }
  duo_settle (d);
}

void
duo_stall_direction (Duo *d, DuoSide from, guint link)
{
  duo_get_duo_link (d, link)->ends[duo_other_side (from)].stalled = TRUE;
}

void
duo_stall_link (Duo *d, guint link)
{
  duo_stall_direction (d, DUO_CLIENT, link);
  duo_stall_direction (d, DUO_SERVER, link);
}

void
duo_resume_link (Duo *d, guint link)
{
  for (DuoSide side = 0; side < DUO_N_SIDES; side++)
    duo_get_duo_link (d, link)->ends[side].stalled = FALSE;
  duo_settle (d);
}

void
duo_limit_link (Duo *d, guint link, guint packets_max, gsize bytes_max)
{
  DuoLink *duo_link = duo_get_duo_link (d, link);
  duo_link->limits.packets_max = packets_max;
  duo_link->limits.bytes_max = bytes_max;
  for (DuoSide side = 0; side < DUO_N_SIDES; side++)
    update_writable (d, duo_link, side);
  duo_settle (d);
}

void
duo_block (Duo *d, DuoSide side, guint link)
{
  caiman_link_set_blocked (duo_get_link (d, side, link), TRUE, d->now_ns);
  duo_settle (d);
}

void
duo_unblock (Duo *d, DuoSide side, guint link)
{
  caiman_link_set_blocked (duo_get_link (d, side, link), FALSE, d->now_ns);
  duo_settle (d);
}

void
duo_disconnect (Duo *d, DuoSide side, guint link)
{
  caiman_link_disconnect (duo_get_link (d, side, link), d->now_ns);
  duo_settle (d);
}

void
duo_restart_server (Duo *d)
{
  for (guint i = 0; i < d->links->len; i++) {
    DuoLink *link = d->links->pdata[i];
    end_clear (&link->ends[DUO_SERVER]);
  }
  g_clear_pointer (&d->accepted, caiman_connection_free);
  caiman_server_free (d->server);
  d->pending = NULL;
  make_server (d);
  duo_settle (d);
}
