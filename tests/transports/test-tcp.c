/* SPDX-License-Identifier: Apache-2.0 */
/* test-tcp.c - a TCP transport against plain sockets: what it puts on the wire and takes from it
 * (PROTOCOL.md, section 2), how it dies, options, and what becomes of memory. The contract itself
 * is tested by contract.c. */
#include "transports/frame.h"
#include "transports/receive-buffer.h"
#include "transports/tcp-socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_US (30 * G_USEC_PER_SEC)

typedef struct {
  CaimanLoop *loop;
  struct sockaddr_in address; /* that listen_fd listens on */
  int listen_fd;
  int fd; /* the plain end */
  CaimanTransport *transport;
  GString *log;    /* c(onnected), w(ritable), sizes of packets in [], reason of failed */
  GPtrArray *kept; /* of GBytes: packets that came as such, if @keep */
  gboolean keep;
  gboolean one_at_a_time; /* stops reading with each packet */
} Fixture;

static void
on_connected (gpointer user_data)
{
  g_string_append (((Fixture *)user_data)->log, "c");
}

static void
on_packet (gpointer user_data, const guint8 *data, gsize size, GBytes *bytes)
{
  Fixture *fixture = user_data;
  g_string_append_printf (fixture->log, "[%zu]", size);
  for (gsize i = 0; i < size; i++)
    g_assert_cmpint (data[i], ==, (guint8)i);
  if (fixture->keep && bytes)
    g_ptr_array_add (fixture->kept, g_bytes_ref (bytes));
  if (fixture->one_at_a_time)
    fixture->transport->klass->set_reading (fixture->transport, FALSE);
}

static void
on_writable (gpointer user_data)
{
  g_string_append (((Fixture *)user_data)->log, "w");
}

static void
on_failed (gpointer user_data, CaimanReason reason)
{
  g_string_append (((Fixture *)user_data)->log, caiman_reason_to_string (reason));
}

static const CaimanTransportEvents events = { on_connected, on_packet, on_writable, on_failed };

static void
attach (Fixture *fixture, CaimanTransport *transport)
{
  g_assert_nonnull (transport);
  fixture->transport = transport;
  transport->events = &events;
  transport->user_data = fixture;
}

static void
free_transport (Fixture *fixture)
{
  CaimanTransport *transport = g_steal_pointer (&fixture->transport);
  if (transport)
    transport->klass->free (transport);
}

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static int
listen_on_loopback (struct sockaddr_in *address_out, int backlog)
{
  socklen_t size = sizeof *address_out;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  *address_out =
      (struct sockaddr_in) { .sin_family = AF_INET, .sin_addr.s_addr = g_htonl (INADDR_LOOPBACK) };
  g_assert_cmpint (bind (fd, (struct sockaddr *)address_out, size), ==, 0);
  g_assert_cmpint (listen (fd, backlog), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *)address_out, &size), ==, 0);
  return fd;
}

static Fixture *
fixture_new (void)
{
  Fixture *fixture = g_new0 (Fixture, 1);
  fixture->loop = caiman_loop_new (NULL);
  fixture->log = g_string_new (NULL);
  fixture->kept = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  fixture->fd = -1;
  fixture->listen_fd = listen_on_loopback (&fixture->address, 4);
  return fixture;
}

static void
fixture_free (Fixture *fixture)
{
  free_transport (fixture);
  close_fd (&fixture->fd);
  close_fd (&fixture->listen_fd);
  caiman_loop_free (fixture->loop);
  g_ptr_array_unref (fixture->kept);
  g_string_free (fixture->log, TRUE);
  g_free (fixture);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static CaimanTransport *
start_connect (Fixture *fixture, const CaimanTcpSource *source, const CaimanTcpOptions *options,
               CaimanReason *reason_out)
{
  return caiman_tcp_connect (fixture->loop, (const struct sockaddr *)&fixture->address,
                             sizeof fixture->address, source, options, reason_out);
}

#define wait_until(fixture, condition)                                                             \
  G_STMT_START                                                                                     \
  {                                                                                                \
    gint64 deadline_us_ = g_get_monotonic_time () + DEADLINE_US;                                   \
    while (!(condition)) {                                                                         \
      g_assert_cmpint (g_get_monotonic_time (), <, deadline_us_);                                  \
      caiman_loop_iterate ((fixture)->loop, 10 * CAIMAN_NS_PER_MS);                                \
    }                                                                                              \
  }                                                                                                \
  G_STMT_END

static void
settle (Fixture *fixture)
{
  for (guint i = 0; i < 3; i++)
    caiman_loop_iterate (fixture->loop, CAIMAN_NS_PER_MS);
}

/* Connected to a plain socket. */
static Fixture *
connected_fixture_new (const CaimanTcpOptions *options)
{
  Fixture *fixture = fixture_new ();
  CaimanReason reason;
  attach (fixture, start_connect (fixture, NULL, options, &reason));
  wait_until (fixture, fixture->log->len > 0);
  g_assert_cmpstr (fixture->log->str, ==, "c");
  g_string_truncate (fixture->log, 0);
  fixture->fd = accept (fixture->listen_fd, NULL, NULL);
  g_assert_cmpint (fixture->fd, >=, 0);
  return fixture;
}

/* A whole frame with payload 0, 1, 2, ... */
static GByteArray *
make_frame (guint16 seq, gsize size)
{
  GByteArray *frame = g_byte_array_new ();
  g_byte_array_set_size (frame, (guint)(CAIMAN_FRAME_HEADER_BYTES + size));
  guint8 *payload = frame->data + CAIMAN_FRAME_HEADER_BYTES;
  for (gsize i = 0; i < size; i++)
    payload[i] = (guint8)i;
  caiman_frame_encode_header (frame->data, seq, payload, size);
  return frame;
}

/* The loop runs meanwhile, or the sockets would fill. */
static void
send_bytes (Fixture *fixture, const guint8 *data, gsize size)
{
  while (size > 0) {
    gssize n = send (fixture->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
      data += n;
      size -= (gsize)n;
    }
    caiman_loop_iterate (fixture->loop, 0);
  }
}

static void
send_frame (Fixture *fixture, guint16 seq, gsize size)
{
  g_autoptr (GByteArray) frame = make_frame (seq, size);
  send_bytes (fixture, frame->data, frame->len);
}

static void
expect (Fixture *fixture, const char *log)
{
  wait_until (fixture, fixture->log->len >= strlen (log));
  g_assert_cmpstr (fixture->log->str, ==, log);
  g_string_truncate (fixture->log, 0);
}

/* --- Frames --- */

static void
test_in_pieces (void)
{
  g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
  g_autoptr (GByteArray) frame = make_frame (0, 300);
  for (guint i = 0; i < frame->len; i++)
    send_bytes (fixture, frame->data + i, 1);
  send_frame (fixture, 1, 0);
  send_frame (fixture, 2, 100000);
  send_frame (fixture, 3, CAIMAN_FRAME_PAYLOAD_MAX_BYTES);
  expect (fixture, "[300][0][100000][8388608]");
}

/* Header and payload of both packets, byte by byte. */
static void
test_wire (void)
{
  g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
  const guint8 expected[] = {
    0,   0,   0,   9,   0, 0, 0xCB, 0xF4, 0x39, 0x26, '1',  '2',  '3',  '4',  '5',
    '6', '7', '8', '9', 0, 0, 0,    1,    0,    1,    0x83, 0xDC, 0xEF, 0xB7, '1',
  };
  CaimanPacket packet = { .inline_len = 9, .payload = g_bytes_new ("1", 1) };
  memcpy (packet.inline_bytes, "123456789", 9);
  fixture->transport->klass->send (fixture->transport, &packet);
  guint8 bytes[sizeof expected + 1];
  gsize size = 0;
  while (size < sizeof expected) {
    caiman_loop_iterate (fixture->loop, 0);
    gssize n = recv (fixture->fd, bytes + size, sizeof bytes - size, MSG_DONTWAIT);
    size += n > 0 ? (gsize)n : 0;
  }
  g_assert_cmpmem (bytes, size, expected, sizeof expected);
}

/* A bad frame ends this link, at once and alone: another of the same loop goes on. */
static void
test_bad_frame (gconstpointer data)
{
  guint index = GPOINTER_TO_UINT (data);
  g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
  g_autoptr (Fixture) other = connected_fixture_new (NULL);
  g_autoptr (GByteArray) frame = make_frame (1, 50);
  send_frame (fixture, 0, 5);
  frame->data[index] ^= 0x80;
  /* Length and sequence number are judged before any payload has come. */
  gsize needed = index < 6 ? CAIMAN_FRAME_HEADER_BYTES : frame->len;
  send_bytes (fixture, frame->data, needed);
  expect (fixture, "[5]link-frame-error");
  g_assert_false (fixture->transport->klass->is_writable (fixture->transport));
  send_frame (other, 0, 5);
  expect (other, "[5]");
  g_assert_true (other->transport->klass->is_writable (other->transport));
}

/* --- Ends --- */

static void
test_end_within_frame (void)
{
  g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
  g_autoptr (GByteArray) frame = make_frame (1, 5000);
  send_frame (fixture, 0, 7);
  send_bytes (fixture, frame->data, 2000);
  close_fd (&fixture->fd);
  expect (fixture, "[7]link-closed");
}

static void
reset_fd (Fixture *fixture)
{
  struct linger linger = { .l_onoff = 1 };
  setsockopt (fixture->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close_fd (&fixture->fd);
}

static void
test_reset (gconstpointer data)
{
  g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
  fixture->transport->klass->set_reading (fixture->transport, GPOINTER_TO_INT (data));
  reset_fd (fixture);
  expect (fixture, "link-reset");
}

/* Who stops reading with a packet that came along with the reset learns of it, too. */
static void
test_reset_while_stopping (void)
{
  g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
  g_autoptr (GByteArray) frames = make_frame (0, 20), second = make_frame (1, 20);
  g_byte_array_append (frames, second->data, second->len);
  fixture->one_at_a_time = TRUE;
  g_assert_cmpint (send (fixture->fd, frames->data, frames->len, 0), ==, (gssize)frames->len);
  reset_fd (fixture);
  expect (fixture, "[20]link-reset");
}

/* An end that nobody reads is noticed once somebody does, with what came before it. */
static void
test_end_while_not_reading (void)
{
  g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
  fixture->transport->klass->set_reading (fixture->transport, FALSE);
  send_frame (fixture, 0, 20);
  close_fd (&fixture->fd);
  settle (fixture);
  expect (fixture, "");
  fixture->transport->klass->set_reading (fixture->transport, TRUE);
  expect (fixture, "[20]link-closed");
}

static int
read_to_end (Fixture *fixture)
{
  char bytes[4096];
  int total = 0;
  for (;;) {
    caiman_loop_iterate (fixture->loop, 0);
    gssize n = recv (fixture->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n == 0)
      return total;
    if (n > 0)
      total += (int)n;
    else
      g_assert_cmpint (errno, ==, EAGAIN);
  }
}

/* close() and free(): it drains, throws away what comes, and is gone when the peer ends. */
static void
test_drain (void)
{
  g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
  CaimanPacket packet = { .payload = g_bytes_new_take (g_malloc0 (3000000), 3000000) };
  send_frame (fixture, 0, 10);
  fixture->transport->klass->send (fixture->transport, &packet);
  fixture->transport->klass->close (fixture->transport);
  free_transport (fixture);
  g_assert_cmpuint (caiman_loop_get_n_draining (fixture->loop), ==, 1);
  send_frame (fixture, 1, 1000);
  g_assert_cmpint (read_to_end (fixture), ==, 3000000 + 2 * CAIMAN_FRAME_HEADER_BYTES);
  g_assert_cmpuint (caiman_loop_get_n_draining (fixture->loop), ==, 1);
  send_frame (fixture, 2, 100000);
  close_fd (&fixture->fd);
  wait_until (fixture, caiman_loop_get_n_draining (fixture->loop) == 0);
}

/* The loop may end before it is done; a peer that resets ends it too. */
static void
test_drain_ends (void)
{
  for (guint i = 0; i < 2; i++) {
    g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
    fixture->transport->klass->close (fixture->transport);
    settle (fixture);
    free_transport (fixture);
    settle (fixture);
    g_assert_cmpuint (caiman_loop_get_n_draining (fixture->loop), ==, 1);
    if (i == 0)
      continue;
    reset_fd (fixture);
    wait_until (fixture, caiman_loop_get_n_draining (fixture->loop) == 0);
  }
}

/* The peer has gone between close() and free(). */
static void
test_drained_before_free (void)
{
  g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
  fixture->transport->klass->close (fixture->transport);
  reset_fd (fixture);
  settle (fixture);
  free_transport (fixture);
  g_assert_cmpuint (caiman_loop_get_n_draining (fixture->loop), ==, 0);
}

/* --- Connecting --- */

/* A listener whose queue is full does not answer: the time-out does. */
static void
test_connect_timeout (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  CaimanTcpOptions options = { .connect_timeout_ns = 50 * CAIMAN_NS_PER_MS };
  CaimanReason reason;
  int fds[8];
  close_fd (&fixture->listen_fd);
  fixture->listen_fd = listen_on_loopback (&fixture->address, 0);
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++) {
    fds[i] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)!connect (fds[i], (struct sockaddr *)&fixture->address, sizeof fixture->address);
  }
  attach (fixture, start_connect (fixture, NULL, &options, &reason));
  expect (fixture, "connect-timeout");
  for (guint i = 0; i < G_N_ELEMENTS (fds); i++)
    close (fds[i]);
}

static void
test_source_address (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  CaimanTcpSource source = { .have_address = TRUE };
  struct sockaddr_in *address = (struct sockaddr_in *)&source.address, peer;
  socklen_t size = sizeof peer;
  CaimanReason reason;
  address->sin_family = AF_INET;
  address->sin_addr.s_addr = g_htonl (0x7F000005);
  attach (fixture, start_connect (fixture, &source, NULL, &reason));
  expect (fixture, "c");
  fixture->fd = accept (fixture->listen_fd, (struct sockaddr *)&peer, &size);
  g_assert_cmpint (g_ntohl (peer.sin_addr.s_addr), ==, 0x7F000005);

  /* An address that is not ours. */
  free_transport (fixture);
  address->sin_addr.s_addr = g_htonl (0xC0000201);
  g_assert_null (start_connect (fixture, &source, NULL, &reason));
  g_assert_cmpint (reason, ==, CAIMAN_REASON_LINK_DOWN);
}

static void
test_source_interface (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  CaimanTcpSource source = { .interface = "lo" };
  CaimanReason reason;
  CaimanTransport *transport = start_connect (fixture, &source, NULL, &reason);
  if (!transport) {
    g_assert_cmpint (reason, ==, CAIMAN_REASON_LINK_IO_ERROR);
    g_test_skip ("SO_BINDTODEVICE is not permitted");
    return;
  }
  attach (fixture, transport);
  expect (fixture, "c");
  free_transport (fixture);
  g_strlcpy (source.interface, "nosuch0", sizeof source.interface);
  g_assert_null (start_connect (fixture, &source, NULL, &reason));
  g_assert_cmpint (reason, ==, CAIMAN_REASON_LINK_DOWN);
}

/* SO_MAX_PACING_RATE: all bits set unless it is paced. */
static guint64
get_pacing_rate (const CaimanTransport *transport)
{
  guint64 rate = 0;
  socklen_t size = sizeof rate;
  g_assert_cmpint (
      getsockopt (caiman_tcp_get_fd (transport), SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &size), ==,
      0);
  return rate;
}

static guint64
get_accepted_pacing_rate (const CaimanTcpOptions *options)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  CaimanReason reason;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *)&fixture->address, sizeof fixture->address), ==,
                   0);
  fixture->fd = fd;
  int accepted = accept (fixture->listen_fd, NULL, NULL);
  g_assert_cmpint (accepted, >=, 0);
  attach (fixture, caiman_tcp_new (fixture->loop, accepted, options, &reason));
  return get_pacing_rate (fixture->transport);
}

static void
test_pacing (void)
{
  const CaimanTcpOptions from_a_nanosecond = { .pacing_rtt_ns = 1 };
  const CaimanTcpOptions from_an_hour = { .pacing_rtt_ns = 3600 * CAIMAN_NS_PER_S };
  const CaimanTcpOptions never = { .pacing_rtt_ns = CAIMAN_TIME_NEVER };
  g_autoptr (Fixture) paced = connected_fixture_new (&from_a_nanosecond);
  g_autoptr (Fixture) near = connected_fixture_new (&from_an_hour);
  g_assert_cmpuint (get_pacing_rate (paced->transport), ==, G_MAXUINT64 - 1);
  g_assert_cmpuint (get_pacing_rate (near->transport), ==, G_MAXUINT64);
  g_assert_cmpuint (get_accepted_pacing_rate (&from_a_nanosecond), ==, G_MAXUINT64 - 1);
  g_assert_cmpuint (get_accepted_pacing_rate (&from_an_hour), ==, G_MAXUINT64);
  g_assert_cmpuint (get_accepted_pacing_rate (&never), ==, G_MAXUINT64);
}

/* After a SYN that was repeated the RTT is not to be trusted until data has told it. */
static void
test_pacing_after_lost_syn (void)
{
  const CaimanTcpOptions never = { .pacing_rtt_ns = CAIMAN_TIME_NEVER };
  g_autoptr (Fixture) fixture = connected_fixture_new (&never);
  int fd = caiman_tcp_get_fd (fixture->transport);
  CaimanTcpPacer pacer = { .rtt_ns = CAIMAN_NS_PER_MS };
  CaimanLinkHint hint = {
    .rtt_ns = CAIMAN_NS_PER_S, .min_rtt_ns = CAIMAN_NS_PER_S, .retransmits = 1, .delivered = 1
  };
  caiman_tcp_socket_pace (fd, &pacer, &hint);
  hint.delivered = 20;
  hint.min_rtt_ns = 20 * CAIMAN_NS_PER_MS; /* and the smoothed one has not forgotten yet */
  caiman_tcp_socket_pace (fd, &pacer, &hint);
  g_assert_false (pacer.is_decided);
  g_assert_cmpuint (get_pacing_rate (fixture->transport), ==, G_MAXUINT64);
  hint.rtt_ns = 30 * CAIMAN_NS_PER_MS;
  caiman_tcp_socket_pace (fd, &pacer, &hint);
  g_assert_true (pacer.is_decided);
  g_assert_cmpuint (get_pacing_rate (fixture->transport), ==, G_MAXUINT64 - 1);
}

static void
test_options (void)
{
  CaimanTcpOptions options = { .user_timeout_ns = 5 * CAIMAN_NS_PER_S,
                               .send_buffer_bytes = 50000,
                               .receive_buffer_bytes = 60000,
                               .connect_timeout_ns = CAIMAN_NS_PER_S,
                               .congestion = "reno" };
  g_autoptr (Fixture) fixture = connected_fixture_new (&options);
  int fd = caiman_tcp_get_fd (fixture->transport), value = 0;
  socklen_t size = sizeof value;
  char congestion[16] = "";
  g_assert_cmpint (getsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &value, &size), ==, 0);
  g_assert_cmpint (value, ==, 1);
  g_assert_cmpint (getsockopt (fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &size), ==, 0);
  g_assert_cmpint (value, ==, 5000);
  /* The kernel doubles them for its own needs. */
  g_assert_cmpint (getsockopt (fd, SOL_SOCKET, SO_SNDBUF, &value, &size), ==, 0);
  g_assert_cmpint (value, ==, 100000);
  g_assert_cmpint (getsockopt (fd, SOL_SOCKET, SO_RCVBUF, &value, &size), ==, 0);
  g_assert_cmpint (value, ==, 120000);
  size = sizeof congestion;
  g_assert_cmpint (getsockopt (fd, IPPROTO_TCP, TCP_CONGESTION, congestion, &size), ==, 0);
  g_assert_cmpstr (congestion, ==, "reno");

  CaimanLinkHint hint = { -1, -1, -1, -1, -1, -1 };
  fixture->transport->klass->get_hint (fixture->transport, &hint);
  g_assert_cmpint (hint.rtt_ns, >, 0);
  g_assert_cmpint (hint.unsent_bytes, ==, 0);
  g_assert_cmpint (hint.retransmits, ==, 0);
  g_assert_cmpint (hint.backoff, ==, 0);
}

static void
test_no_socket (void)
{
  g_autoptr (Fixture) fixture = fixture_new ();
  CaimanReason reason = CAIMAN_REASON_NONE;
  int fds[2];
  g_assert_cmpint (pipe (fds), ==, 0);
  g_assert_null (caiman_tcp_new (fixture->loop, fds[0], NULL, &reason));
  g_assert_cmpint (reason, ==, CAIMAN_REASON_LINK_IO_ERROR);
  close (fds[1]);
}

/* --- Memory --- */

/* Large payloads have blocks of their own; small ones are the user's to copy. */
static void
test_blocks (void)
{
  g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
  CaimanReceiveBuffer *buffer = caiman_loop_get_receive_buffer (fixture->loop);
  fixture->keep = TRUE;
  send_frame (fixture, 0, 100);
  expect (fixture, "[100]");
  g_assert_cmpuint (fixture->kept->len, ==, 0);
  g_autoptr (GByteArray) frames = make_frame (1, 20000);
  send (fixture->fd, frames->data, frames->len, 0);
  expect (fixture, "[20000]");
  g_assert_cmpuint (fixture->kept->len, ==, 1);
  g_assert_cmpuint (caiman_receive_buffer_get_used_bytes (buffer), ==, 20000);
  g_ptr_array_set_size (fixture->kept, 0);
  g_assert_cmpuint (caiman_receive_buffer_get_used_bytes (buffer), ==, 0);
  g_assert_cmpuint (caiman_receive_buffer_get_held_bytes (buffer), ==, 0);
}

/* A frame that comes in pieces has a block of its own, too. A user who wants one at a time gets
 * them so. */
static void
test_blocks_in_pieces (gconstpointer one_at_a_time)
{
  g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
  CaimanReceiveBuffer *buffer = caiman_loop_get_receive_buffer (fixture->loop);
  g_autoptr (GByteArray) frames = g_byte_array_new ();
  static const gsize ends[] = { 3000, 9000, 25000, 40000, 45060 };
  for (guint16 i = 0; i < 3; i++) {
    g_autoptr (GByteArray) frame = make_frame (i, 15010);
    g_byte_array_append (frames, frame->data, frame->len);
  }
  g_assert_cmpuint (frames->len, ==, ends[G_N_ELEMENTS (ends) - 1]);
  fixture->keep = TRUE;
  fixture->one_at_a_time = one_at_a_time != NULL;
  for (gsize i = 0, start = 0; i < G_N_ELEMENTS (ends); start = ends[i++]) {
    g_assert_cmpint (send (fixture->fd, frames->data + start, ends[i] - start, 0), ==,
                     (gssize)(ends[i] - start));
    settle (fixture);
    fixture->transport->klass->set_reading (fixture->transport, TRUE);
  }
  while (fixture->kept->len < 3) {
    settle (fixture);
    fixture->transport->klass->set_reading (fixture->transport, TRUE);
  }
  expect (fixture, "[15010][15010][15010]");
  g_assert_cmpuint (caiman_receive_buffer_get_used_bytes (buffer), ==, 3 * 15010);
  g_ptr_array_set_size (fixture->kept, 0);
}

/* A sender that is stopped by the peer keeps no more than its limit and a packet. */
static void
test_send_limit (void)
{
  g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
  const CaimanTransportClass *klass = fixture->transport->klass;
  guint64 sent = 0;
  klass->set_send_limit (fixture->transport, 64 * 1024);
  for (guint i = 0; i < 10000 && klass->is_writable (fixture->transport); i++) {
    CaimanPacket packet = { .payload = g_bytes_new_take (g_malloc0 (8000), 8000) };
    klass->send (fixture->transport, &packet);
    sent += 8000;
    settle (fixture);
  }
  g_assert_false (klass->is_writable (fixture->transport));
  CaimanLinkHint hint = { -1, -1, -1, -1, -1, -1 };
  klass->get_hint (fixture->transport, &hint);
  g_assert_cmpint (hint.unsent_bytes, <=, 64 * 1024);
  g_assert_cmpuint (sent, >, 64 * 1024);
}

/* A limit far below the piece of up to 64 KiB that the kernel would fill without looking at it. */
static void
test_small_send_limit (void)
{
  g_autoptr (Fixture) fixture = connected_fixture_new (NULL);
  const CaimanTransportClass *klass = fixture->transport->klass;
  CaimanLinkHint hint = { -1, -1, -1, -1, -1, -1 };
  klass->set_send_limit (fixture->transport, 8 * 1024);
  for (guint i = 0; i < 100000 && klass->is_writable (fixture->transport); i++) {
    CaimanPacket packet = { .payload = g_bytes_new_take (g_malloc0 (1000), 1000) };
    klass->send (fixture->transport, &packet);
    settle (fixture);
  }
  g_assert_false (klass->is_writable (fixture->transport));
  klass->get_hint (fixture->transport, &hint);
  g_assert_cmpint (hint.unsent_bytes, >, 0);
  g_assert_cmpint (hint.unsent_bytes, <=, 8 * 1024 + 1100);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/transports/tcp/in-pieces", test_in_pieces);
  g_test_add_func ("/transports/tcp/wire", test_wire);
  g_test_add_data_func ("/transports/tcp/bad-frame/size", GUINT_TO_POINTER (0), test_bad_frame);
  g_test_add_data_func ("/transports/tcp/bad-frame/sequence", GUINT_TO_POINTER (5), test_bad_frame);
  g_test_add_data_func ("/transports/tcp/bad-frame/checksum", GUINT_TO_POINTER (9), test_bad_frame);
  g_test_add_data_func ("/transports/tcp/bad-frame/payload", GUINT_TO_POINTER (40), test_bad_frame);
  g_test_add_func ("/transports/tcp/end-within-frame", test_end_within_frame);
  g_test_add_data_func ("/transports/tcp/reset", GINT_TO_POINTER (TRUE), test_reset);
  g_test_add_data_func ("/transports/tcp/reset-while-not-reading", GINT_TO_POINTER (FALSE),
                        test_reset);
  g_test_add_func ("/transports/tcp/reset-while-stopping", test_reset_while_stopping);
  g_test_add_func ("/transports/tcp/end-while-not-reading", test_end_while_not_reading);
  g_test_add_func ("/transports/tcp/drain", test_drain);
  g_test_add_func ("/transports/tcp/drain-ends", test_drain_ends);
  g_test_add_func ("/transports/tcp/drained-before-free", test_drained_before_free);
  g_test_add_func ("/transports/tcp/connect-timeout", test_connect_timeout);
  g_test_add_func ("/transports/tcp/source-address", test_source_address);
  g_test_add_func ("/transports/tcp/source-interface", test_source_interface);
  g_test_add_func ("/transports/tcp/options", test_options);
  g_test_add_func ("/transports/tcp/pacing", test_pacing);
  g_test_add_func ("/transports/tcp/pacing-after-lost-syn", test_pacing_after_lost_syn);
  g_test_add_func ("/transports/tcp/no-socket", test_no_socket);
  g_test_add_func ("/transports/tcp/blocks", test_blocks);
  g_test_add_data_func ("/transports/tcp/blocks-in-pieces", NULL, test_blocks_in_pieces);
  g_test_add_data_func ("/transports/tcp/blocks-in-pieces-one-at-a-time", GINT_TO_POINTER (1),
                        test_blocks_in_pieces);
  g_test_add_func ("/transports/tcp/send-limit", test_send_limit);
  g_test_add_func ("/transports/tcp/small-send-limit", test_small_send_limit);
  return g_test_run ();
}
