/* SPDX-License-Identifier: Apache-2.0 */
/* test-segment.c - segments are read, changed and forged with checksums that a kernel accepts. */
#include "tests/lab/packets.h"

#include <string.h>

#define CLIENT 0x0a4c0001u
#define SERVER 0x0a4c0002u

static const PacketSpec data = { .source = CLIENT,
                                 .destination = SERVER,
                                 .source_port = 40000,
                                 .destination_port = 5800,
                                 .seq = 1000,
                                 .ack = 2000,
                                 .flags = LAB_TCP_ACK,
                                 .payload = "seven by" };

static LabSegment
parse (guint8 *packet, gsize size)
{
  LabSegment segment;

  g_assert_true (lab_segment_parse (&segment, packet, size));
  return segment;
}

static void
test_fields (void)
{
  guint8 packet[PACKET_MAX];
  LabSegment segment = parse (packet, packet_make (&data, packet));

  g_assert_cmphex (segment.source, ==, CLIENT);
  g_assert_cmphex (segment.destination, ==, SERVER);
  g_assert_cmpuint (segment.source_port, ==, 40000);
  g_assert_cmpuint (segment.destination_port, ==, 5800);
  g_assert_cmpuint (segment.seq, ==, 1000);
  g_assert_cmpuint (segment.ack, ==, 2000);
  g_assert_cmphex (segment.flags, ==, LAB_TCP_ACK);
  g_assert_cmpuint (lab_segment_get_payload_bytes (&segment), ==, 8);
  g_assert_true (lab_packet_must_not_fragment (packet, segment.size));
}

/* Everything that is too short, of another protocol, a fragment, or lies about its lengths. */
static void
test_not_a_segment (void)
{
  guint8 good[PACKET_MAX], packet[PACKET_MAX];
  gsize size = packet_make (&data, good);
  static const struct {
    gsize offset;
    guint8 value;
  } changes[] = {
    { 0, 0x65 },  /* version 6 */
    { 0, 0x44 },  /* an IP header of 16 bytes */
    { 0, 0x4f },  /* one of 60: no TCP header fits behind */
    { 9, 17 },    /* UDP */
    { 3, 200 },   /* longer than it is */
    { 3, 30 },    /* shorter than its headers */
    { 7, 1 },     /* a later fragment */
    { 6, 0x20 },  /* more fragments follow */
    { 32, 0x40 }, /* a TCP header of 16 bytes */
    { 32, 0xf0 }, /* one of 60 that does not fit */
  };
  LabSegment segment;

  for (gsize cut = 0; cut < size; cut++)
    g_assert_false (lab_segment_parse (&segment, good, cut));
  for (gsize i = 0; i < G_N_ELEMENTS (changes); i++) {
    memcpy (packet, good, sizeof packet);
    packet[changes[i].offset] = changes[i].value;
    g_assert_false (lab_segment_parse (&segment, packet, size));
  }
}

/* Each bit of payloads of even and odd length. */
static void
test_flip (void)
{
  static const char *const payloads[] = { "seven by", "seven by nine" };

  for (gsize p = 0; p < G_N_ELEMENTS (payloads); p++) {
    PacketSpec spec = data;
    spec.payload = payloads[p];
    for (gsize i = 0; i < 8 * strlen (payloads[p]); i++) {
      guint8 packet[PACKET_MAX], before[PACKET_MAX];
      LabSegment segment = parse (packet, packet_make (&spec, packet));
      memcpy (before, packet, sizeof before);
      lab_segment_flip (&segment, i / 8, i % 8, TRUE);
      g_assert_true (packet_tcp_is_right (packet));
      g_assert_cmphex (packet[40 + i / 8] ^ before[40 + i / 8], ==, 1u << i % 8);
      lab_segment_flip (&segment, i / 8, i % 8, FALSE);
      g_assert_false (packet_tcp_is_right (packet));
    }
  }
}

static void
test_ports (void)
{
  guint8 packet[PACKET_MAX];
  LabSegment segment = parse (packet, packet_make (&data, packet));

  lab_segment_set_source_port (&segment, 61000);
  lab_segment_set_destination_port (&segment, 7);
  segment = parse (packet, segment.size);
  g_assert_cmpuint (segment.source_port, ==, 61000);
  g_assert_cmpuint (segment.destination_port, ==, 7);
  g_assert_true (packet_tcp_is_right (packet));
}

/* RFC 9293, 3.5.2: an answer to a segment with an ACK takes its number from there. */
static void
test_reset_of_data (void)
{
  guint8 packet[PACKET_MAX], answer[LAB_RST_BYTES];
  LabSegment segment = parse (packet, packet_make (&data, packet));

  g_assert_cmpuint (lab_segment_make_reset (&segment, answer), ==, LAB_RST_BYTES);
  g_assert_true (packet_ip_is_right (answer));
  g_assert_true (packet_tcp_is_right (answer));
  segment = parse (answer, LAB_RST_BYTES);
  g_assert_cmphex (segment.source, ==, SERVER);
  g_assert_cmphex (segment.destination, ==, CLIENT);
  g_assert_cmpuint (segment.source_port, ==, 5800);
  g_assert_cmpuint (segment.destination_port, ==, 40000);
  g_assert_cmphex (segment.flags, ==, LAB_TCP_RST);
  g_assert_cmpuint (segment.seq, ==, 2000);
}

static void
test_reset_of_syn (void)
{
  PacketSpec syn = data;
  guint8 packet[PACKET_MAX], answer[LAB_RST_BYTES];

  syn.flags = LAB_TCP_SYN;
  syn.payload = NULL;
  LabSegment segment = parse (packet, packet_make (&syn, packet));
  g_assert_cmpuint (lab_segment_make_reset (&segment, answer), ==, LAB_RST_BYTES);
  segment = parse (answer, LAB_RST_BYTES);
  g_assert_cmphex (segment.flags, ==, LAB_TCP_RST | LAB_TCP_ACK);
  g_assert_cmpuint (segment.ack, ==, 1001);
}

static void
test_reset_of_reset (void)
{
  PacketSpec reset = data;
  guint8 packet[PACKET_MAX], answer[LAB_RST_BYTES];

  reset.flags = LAB_TCP_RST;
  LabSegment segment = parse (packet, packet_make (&reset, packet));
  g_assert_cmpuint (lab_segment_make_reset (&segment, answer), ==, 0);
}

static void
test_too_big (void)
{
  guint8 packet[PACKET_MAX], answer[LAB_ICMP_BYTES_MAX];
  gsize size = packet_make (&data, packet);
  gsize answer_size = lab_make_too_big (packet, size, 1280, answer);

  g_assert_cmpuint (answer_size, ==, 20 + 8 + size);
  g_assert_true (packet_ip_is_right (answer));
  g_assert_true (packet_icmp_is_right (answer));
  g_assert_cmpuint (answer[20], ==, 3);
  g_assert_cmpuint (answer[21], ==, 4);
  g_assert_cmpuint (answer[26] * 256 + answer[27], ==, 1280);
  g_assert_cmpmem (answer + 28, size, packet, size);
  g_assert_cmpmem (answer + 16, 4, packet + 12, 4);
  g_assert_cmpuint (lab_make_too_big (packet, 19, 1280, answer), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lab/segment/fields", test_fields);
  g_test_add_func ("/lab/segment/not-a-segment", test_not_a_segment);
  g_test_add_func ("/lab/segment/flip", test_flip);
  g_test_add_func ("/lab/segment/ports", test_ports);
  g_test_add_func ("/lab/segment/reset-of-data", test_reset_of_data);
  g_test_add_func ("/lab/segment/reset-of-syn", test_reset_of_syn);
  g_test_add_func ("/lab/segment/reset-of-reset", test_reset_of_reset);
  g_test_add_func ("/lab/segment/too-big", test_too_big);
  return g_test_run ();
}
