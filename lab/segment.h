/* SPDX-License-Identifier: Apache-2.0 */
/* segment.h - TCP segments in IPv4 packets: looks into them, changes them, and forges some (RFC
 * 791, RFC 9293, checksums RFC 1071 and 1624). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* As much as a forged packet takes. */
#define LAB_RST_BYTES      40
#define LAB_ICMP_BYTES_MAX 96

enum {
  LAB_TCP_FIN = 1 << 0,
  LAB_TCP_SYN = 1 << 1,
  LAB_TCP_RST = 1 << 2,
  LAB_TCP_ACK = 1 << 4,
};

/* Where things are in a packet, and what is in its headers (host byte order). */
typedef struct {
  guint8 *packet; /* (borrowed) */
  gsize size;
  gsize tcp_offset, payload_offset;
  guint32 source, destination; /* addresses */
  guint16 source_port, destination_port;
  guint32 seq, ack;
  guint8 flags;
} LabSegment;

/* FALSE: no whole, unfragmented TCP segment. */
gboolean lab_segment_parse (LabSegment *segment, guint8 *packet, gsize size);

gsize lab_segment_get_payload_bytes (const LabSegment *segment);

/* Flips bit @bit (0 to 7) of the payload byte @offset. With @covered the TCP checksum follows, so
 * that only what is above TCP can notice; else TCP does. */
void lab_segment_flip (LabSegment *segment, gsize offset, guint bit, gboolean covered);

/* Another port, with the checksum kept right. */
void lab_segment_set_source_port (LabSegment *segment, guint16 port);
void lab_segment_set_destination_port (LabSegment *segment, guint16 port);

/* The reset that is a valid answer to @segment for who sent it; returns its size, LAB_RST_BYTES, or
 * 0 when a reset must not be answered. */
gsize lab_segment_make_reset (const LabSegment *segment, guint8 out[LAB_RST_BYTES]);

/* What a router says of an IPv4 @packet that is too large for the next link and must not be
 * fragmented (RFC 1191): to its sender, from the address it was sent to. Returns the size. */
gsize lab_make_too_big (const guint8 *packet, gsize size, guint mtu_bytes,
                        guint8 out[LAB_ICMP_BYTES_MAX]);

/* What it says of one to a host that is not there; 0: nothing, of ICMP and of what is not IPv4. */
gsize lab_make_unreachable (const guint8 *packet, gsize size, guint8 out[LAB_ICMP_BYTES_MAX]);

/* TRUE: an IPv4 packet for @address (network byte order), or none of IPv4. */
gboolean lab_packet_may_be_for (const guint8 *packet, gsize size, guint32 address);

/* TRUE: routers must not fragment this IPv4 packet. */
gboolean lab_packet_must_not_fragment (const guint8 *packet, gsize size);

G_END_DECLS
