/* SPDX-License-Identifier: Apache-2.0 */
/* pump-carrier.c - see pump-carrier.h. */
#include "transports/pump-carrier.h"

/* Below this age a transport is not asked for a hint again. */
#define HINT_INTERVAL_NS (10 * CAIMAN_NS_PER_MS)

void
caiman_pump_carrier_init (CaimanPumpCarrier *carrier, CaimanTransport *transport)
{
  carrier->transport = transport;
  carrier->reading = TRUE;
  carrier->hint_ns = G_MININT64 / 2;
  carrier->send_limit_bytes = G_MAXINT64;
  carrier->packet_max_bytes = CAIMAN_FRAME_PAYLOAD_MAX_BYTES;
}

void
caiman_pump_carrier_clear (CaimanPumpCarrier *carrier)
{
  if (carrier->link) {
    caiman_link_set_transport_data (carrier->link, NULL);
    caiman_link_unref (carrier->link);
  }
  carrier->transport->klass->free (carrier->transport);
}

/* Holds the peer back while the application does not read (link.h). */
static void
update_reading (CaimanPumpCarrier *carrier)
{
  gboolean reading = caiman_link_wants_packets (carrier->link);
  if (reading == carrier->reading)
    return;
  carrier->reading = reading;
  carrier->transport->klass->set_reading (carrier->transport, reading);
}

/* Holds large packets back as long as nobody can have a reason to send any (link.h). */
static void
update_packet_max (CaimanPumpCarrier *carrier)
{
  gsize max_bytes = caiman_link_get_packet_max (carrier->link);
  if (!carrier->transport->klass->set_packet_max || max_bytes == carrier->packet_max_bytes)
    return;
  carrier->packet_max_bytes = max_bytes;
  carrier->transport->klass->set_packet_max (carrier->transport, max_bytes);
}

/* Keeps little unsent data in the transport (link.h). */
static void
update_send_limit (CaimanPumpCarrier *carrier, gint64 now_ns)
{
  const CaimanTransportClass *klass = carrier->transport->klass;
  gint64 limit_bytes = caiman_link_get_send_limit (carrier->link);
  if (!klass->set_send_limit || limit_bytes == carrier->send_limit_bytes)
    return;
  carrier->send_limit_bytes = limit_bytes;
  klass->set_send_limit (carrier->transport, limit_bytes);
  if (!klass->is_writable (carrier->transport))
    caiman_link_set_writable (carrier->link, FALSE, now_ns);
}

static void
take_hint (CaimanPumpCarrier *carrier, gint64 now_ns)
{
  const CaimanTransportClass *klass = carrier->transport->klass;
  if (!klass->get_hint || now_ns - carrier->hint_ns < HINT_INTERVAL_NS)
    return;
  CaimanLinkHint hint = { -1, -1, -1, -1, -1, -1 };
  klass->get_hint (carrier->transport, &hint);
  caiman_link_set_hint (carrier->link, &hint, now_ns);
  carrier->hint_ns = now_ns;
}

void
caiman_pump_carrier_set_link (CaimanPumpCarrier *carrier, CaimanLink *link, gint64 now_ns)
{
  carrier->link = link;
  caiman_link_set_transport_data (link, carrier);
  caiman_link_set_writable (link, carrier->transport->klass->is_writable (carrier->transport),
                            now_ns);
  update_packet_max (carrier);
}

void
caiman_pump_carrier_received (CaimanPumpCarrier *carrier)
{
  update_reading (carrier);
  update_packet_max (carrier);
}

void
caiman_pump_carrier_send (CaimanPacket *packet, gint64 now_ns)
{
  CaimanPumpCarrier *carrier = caiman_link_get_transport_data (packet->link);
  g_assert (carrier);
  const CaimanTransportClass *klass = carrier->transport->klass;
  klass->send (carrier->transport, packet);
  if (!klass->is_writable (carrier->transport))
    caiman_link_set_writable (carrier->link, FALSE, now_ns);
}

void
caiman_pump_carriers_take_hints (CaimanConnection *connection, gint64 now_ns)
{
  gsize n_links;
  CaimanLink *const *links = caiman_connection_get_links (connection, &n_links);
  for (gsize i = 0; i < n_links; i++) {
    CaimanPumpCarrier *carrier = caiman_link_get_transport_data (links[i]);
    if (carrier)
      take_hint (carrier, now_ns);
  }
}

void
caiman_pump_carriers_update (CaimanConnection *connection, gint64 now_ns)
{
  gsize n_links;
  CaimanLink *const *links = caiman_connection_get_links (connection, &n_links);
  for (gsize i = 0; i < n_links; i++) {
    CaimanPumpCarrier *carrier = caiman_link_get_transport_data (links[i]);
    if (!carrier)
      continue;
    update_reading (carrier);
    update_packet_max (carrier);
    take_hint (carrier, now_ns); /* first: the limit follows from it */
    update_send_limit (carrier, now_ns);
  }
}
