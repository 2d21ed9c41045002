/* SPDX-License-Identifier: Apache-2.0 */
/* test-capture.c - packets byte by byte, captures of whole runs, and that a run does not notice
 * them. tests/tools/test-export.py reads whole captures. */
#include "harness/capture.h"

#include "harness/pcapng-writer.h"
#include "harness/qlog.h"
#include "harness/recapture.h"
#include "harness/tcp-packet.h"
#include "tests/harness/ran.h"

#include <string.h>

/* ---- segments ---- */

static guint16
get_u16 (const GByteArray *bytes, guint at)
{
  return (guint16)(bytes->data[at] << 8 | bytes->data[at + 1]);
}

/* The sum of words from @at on, which with a right checksum among them is 0xffff. */
static guint32
add_words (const GByteArray *bytes, guint at, guint size, guint32 sum)
{
  for (guint i = 0; i < size; i += 2)
    sum += (guint32)(bytes->data[at + i] << 8 | (i + 1 < size ? bytes->data[at + i + 1] : 0));
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

static void
test_segment (void)
{
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  TcpPacket packet = {
    .source = { .mac = { 2, 0, 0, 0, 0, 1 }, .address = 0x0a000001, .port = 49152 },
    .destination = { .mac = { 2, 0, 0, 0, 0, 2 }, .address = 0x0a000002, .port = 5800 },
    .seq = 0x01020304,
    .ack = 0x05060708,
    .flags = TCP_ACK | TCP_PSH,
    .window = 1000,
    .ip_id = 7,
    .window_scale = -1,
    .payload = (const guint8 *)"odd",
    .payload_bytes = 3,
  };

  tcp_packet_write (&packet, frame);
  g_assert_cmpuint (frame->len, ==, 14 + 20 + 20 + 3);
  g_assert_cmpmem (frame->data, 6, packet.destination.mac, 6);
  g_assert_cmpuint (get_u16 (frame, 12), ==, 0x0800);
  g_assert_cmpuint (get_u16 (frame, 16), ==, 43); /* length of the IPv4 packet */
  g_assert_cmpuint (add_words (frame, 14, 20, 0), ==, 0xffff);
  g_assert_cmpuint (get_u16 (frame, 34), ==, 49152);
  g_assert_cmpuint (get_u16 (frame, 36), ==, 5800);
  g_assert_cmpuint (get_u16 (frame, 38), ==, 0x0102);
  g_assert_cmpuint (get_u16 (frame, 44), ==, 0x0708);
  g_assert_cmpuint (frame->data[47], ==, TCP_ACK | TCP_PSH);
  /* With the pseudo header: addresses, protocol, length. */
  guint32 pseudo = add_words (frame, 26, 8, 6 + 23);
  g_assert_cmpuint (add_words (frame, 34, 23, pseudo), ==, 0xffff);

  packet.flags = TCP_SYN;
  packet.mss_bytes = 1448;
  packet.window_scale = 12;
  packet.payload_bytes = 0;
  tcp_packet_write (&packet, frame);
  g_assert_cmpuint (frame->len, ==, 14 + 20 + 28);
  g_assert_cmpuint (frame->data[46] >> 4, ==, 7); /* words of header */
  g_assert_cmpuint (get_u16 (frame, 42), ==, 0);  /* no acknowledgement */
  const guint8 options[] = { 2, 4, 1448 >> 8, 1448 & 255, 1, 3, 3, 12 };
  g_assert_cmpmem (frame->data + 54, 8, options, 8);
}

/* RFC 7323 and RFC 2018: timestamps and SACK, each filled to whole words. */
static void
test_options (void)
{
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  TcpPacket packet = { .flags = TCP_SYN,
                       .mss_bytes = 1460,
                       .window_scale = 10,
                       .has_timestamps = TRUE,
                       .ts_value = 0x01020304 };
  const guint8 syn[] = { 2, 4, 1460 >> 8, 1460 & 255, 4, 2, 8, 10, 1, 2,
                         3, 4, 0,         0,          0, 0, 1, 3,  3, 10 };

  tcp_packet_write (&packet, frame);
  g_assert_cmpmem (frame->data + 54, frame->len - 54, syn, sizeof syn);

  packet = (TcpPacket) { .flags = TCP_ACK,
                         .window_scale = -1,
                         .has_timestamps = TRUE,
                         .ts_value = 1,
                         .ts_echo = 2,
                         .n_sacks = 1,
                         .sacks = { { 5, 6 } },
                         .is_damaged = TRUE };
  const guint8 sack[] = {
    1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 5, 0, 0, 0, 6
  };
  tcp_packet_write (&packet, frame);
  g_assert_cmpmem (frame->data + 54, frame->len - 54, sack, sizeof sack);
  guint32 pseudo = add_words (frame, 26, 8, 6 + 44);
  g_assert_cmpuint (add_words (frame, 34, 44, pseudo), !=, 0xffff);
}

/* ---- the file ---- */

static GBytes *
read_all (FILE *file)
{
  long size = ftell (file);
  guint8 *bytes = g_malloc ((gsize)size);
  rewind (file);
  g_assert_cmpuint (fread (bytes, 1, (gsize)size, file), ==, size);
  return g_bytes_new_take (bytes, (gsize)size);
}

static void
test_file (void)
{
  g_autoptr (GError) error = NULL;
  FILE *file = tmpfile ();
  g_autoptr (PcapngWriter) writer = pcapng_writer_new (file, "x", NULL);
  g_assert_cmpuint (pcapng_writer_add_interface (writer, "one", NULL, 0), ==, 0);
  g_assert_cmpuint (pcapng_writer_add_interface (writer, "two", "about", 5000), ==, 1);
  pcapng_writer_add_packet (writer, 1, G_GINT64_CONSTANT (0x123456789), TRUE,
                            (const guint8 *)"abcde", 5, NULL);
  g_assert_cmpuint (pcapng_writer_get_packets (writer), ==, 1);
  g_assert_true (pcapng_writer_finish (writer, &error));
  g_assert_no_error (error);
  g_autoptr (GBytes) bytes = read_all (file);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  /* The packet: its block, option of 4 + 4 bytes, end of options. */
  const guint8 packet[] = {
    6,    0,    0, 0, 52, 0, 0, 0, 1, 0, 0,   0,   1,   0,   0,   0, 0x89, 0x67,
    0x45, 0x23, 5, 0, 0,  0, 5, 0, 0, 0, 'a', 'b', 'c', 'd', 'e', 0, 0,    0,
    2,    0,    4, 0, 2,  0, 0, 0, 0, 0, 0,   0,   52,  0,   0,   0,
  };
  g_assert_cmpmem (data + size - sizeof packet, sizeof packet, packet, sizeof packet);
  fclose (file);
}

static void
test_full_disk (void)
{
  g_autoptr (GError) error = NULL;
  FILE *file = fopen ("/dev/full", "w");
  if (file == NULL) {
    g_test_skip ("there is no /dev/full");
    return;
  }
  g_autoptr (PcapngWriter) writer = pcapng_writer_new (file, "x", "y");
  g_assert_false (pcapng_writer_finish (writer, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
  fclose (file);
}

/* ---- whole runs ---- */

#define TROUBLES                                                                                   \
  "[traffic t]\nfrom = both\nkind = bulk\nbytes = 1MB\n"                                           \
  "[event e1]\nat = 60ms\ndo = blackhole a for 300ms\n"                                            \
  "[event e2]\nat = 500ms\ndo = reset b\n"                                                         \
  "[event e3]\nat = 600ms\ndo = corrupt a.up 2\n"                                                  \
  "[event e4]\nat = 700ms\ndo = half-open b.down\n"
#define TROUBLE "[client]\nreconnect = 500ms\n" RAN_LINKS TROUBLES
#define TROUBLE_OVER_TCP                                                                           \
  "[client]\nreconnect = 500ms\n"                                                                  \
  "[link a]\ncarrier = tcp\nrate = 20mbit\ndelay = 10ms\nloss = 1%\ncorrupt-rate = 1%\n"           \
  "[link b]\ncarrier = tcp\nrate = 20mbit\ndelay = 20ms\n" TROUBLES                                \
  "[event e5]\nat = 300ms\ndo = rebind b\n"

static char *
get_digest (const char *text, ScenarioSide side, gboolean with_capture)
{
  FILE *file = tmpfile ();
  RunOptions options = { 0 };
  Ran first, ran;

  ran_init (&first, text);
  g_autoptr (Capture) capture = capture_new (file, first.scenario, 1, side);
  if (with_capture)
    options.capture = capture;
  ran_init_seed (&ran, text, 1, &options);
  char *digest = g_strdup (ran.store->digest);
  g_assert_cmpuint (capture_get_packets (capture), >=, with_capture ? 500 : 0);
  g_assert_true (capture_finish (capture, NULL));
  ran_clear (&ran);
  ran_clear (&first);
  fclose (file);
  return digest;
}

/* The digest of all events is the same with a capture at either side as without, and over either
 * carrier. */
static void
test_unnoticed (void)
{
  static const char *const texts[] = { TROUBLE, TROUBLE_OVER_TCP };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autofree char *alone = get_digest (texts[i], SCENARIO_SIDE_CLIENT, FALSE);
    for (guint side = 0; side < SCENARIO_N_SIDES; side++) {
      g_autofree char *watched = get_digest (texts[i], (ScenarioSide)side, TRUE);
      g_assert_cmpstr (watched, ==, alone);
    }
  }
}

static void
test_recapture (void)
{
  Ran ran;
  guint64 n_packets = 0;
  g_autoptr (GError) error = NULL;
  FILE *file = tmpfile ();

  ran_init (&ran, RAN_LINKS "[traffic t]\nfrom = client\nkind = bulk\nbytes = 100kB\n");
  ran.store->finished = TRUE;
  g_assert_cmpint (recapture_run (ran.store, SCENARIO_SIDE_CLIENT, file, &n_packets, &error), ==,
                   RECAPTURE_SAME);
  g_assert_no_error (error);
  g_assert_cmpuint (n_packets, >, 80);

  ran.store->digest = "another";
  g_assert_cmpint (recapture_run (ran.store, SCENARIO_SIDE_SERVER, file, &n_packets, &error), ==,
                   RECAPTURE_DIFFERENT);
  g_assert_nonnull (error);
  g_clear_error (&error);
  ran.store->scenario_text = "[scenario]\nformat = 99\n";
  g_assert_cmpint (recapture_run (ran.store, SCENARIO_SIDE_SERVER, file, &n_packets, &error), ==,
                   RECAPTURE_FAILED);
  g_assert_nonnull (error);
  g_clear_error (&error);
  ran.store->testbed = "tcp";
  g_assert_cmpint (recapture_run (ran.store, SCENARIO_SIDE_SERVER, file, &n_packets, &error), ==,
                   RECAPTURE_REFUSED);
  g_assert_nonnull (error);
  ran_clear (&ran);
  fclose (file);
}

/* ---- qlog of what no run of today gives ---- */

static void
test_qlog_unknown (void)
{
  g_autoptr (StoreRun) run = store_run_new ();
  g_autoptr (GError) error = NULL;
  gint64 n_missing = -1;
  const StoreEvent events[] = {
    { 5, STORE_SIDE_CLIENT, -1, "of-tomorrow", "why", 1, 2, "" },
    { 6, STORE_SIDE_CLIENT, 3, "link-state", "none", 99, 1, "" },
    { 7, STORE_SIDE_CLIENT, -1, "connection-state", "none", 1, 9, "" },
    { 8, STORE_SIDE_SERVER, -1, "connection-state", "none", 1, 2, "" },
    { 9, STORE_SIDE_HARNESS, -1, "safety", "", 0, 0, "a \"quote\"\n\\" },
  };
  FILE *file = tmpfile ();
  run->scenario_name = "x";
  run->seed = 1;
  run->policy = run->testbed = run->scenario_hash = run->git_id = "y";
  run->variant = "link a.delay=1ms";
  run->n_events = 12;
  g_array_append_vals (run->events, events, G_N_ELEMENTS (events));
  g_assert_true (qlog_write (run, QLOG_CLIENT, file, &n_missing, &error));
  g_assert_no_error (error);
  g_assert_cmpint (n_missing, ==, 12);
  g_autoptr (GBytes) bytes = read_all (file);
  g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  const char *const wanted[] = {
    ("\"name\":\"caiman:unknown\",\"data\":{\"a\":1,\"b\":2,\"type\":\"of-tomorrow\","
     "\"trigger\":\"why\"}"),
    "{\"old\":\"unknown\",\"new\":\"new\"}",
    "{\"old\":\"open\",\"new\":\"unknown\"}",
    "\"message\":\"a \\\"quote\\\"\\u000a\\\\\"",
    "\"variant\":\"link a.delay=1ms\"",
    "\"time\":0.000005,",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (wanted); i++) {
    if (strstr (text, wanted[i]) == NULL)
      g_error ("%s is not in\n%s", wanted[i], text);
  }
  g_assert_null (strstr (text, "terminating")); /* that was the server */
  fclose (file);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/harness/tcp-packet/segment", test_segment);
  g_test_add_func ("/harness/tcp-packet/options", test_options);
  g_test_add_func ("/harness/pcapng-writer/file", test_file);
  g_test_add_func ("/harness/pcapng-writer/full-disk", test_full_disk);
  g_test_add_func ("/harness/capture/unnoticed", test_unnoticed);
  g_test_add_func ("/harness/capture/recapture", test_recapture);
  g_test_add_func ("/harness/qlog/unknown", test_qlog_unknown);
  return g_test_run ();
}
