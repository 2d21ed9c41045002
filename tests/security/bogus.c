/* SPDX-License-Identifier: Apache-2.0 */
/* bogus.c - see bogus.h. */
#include "tests/security/bogus.h"

#include "core/message.h"
#include "transports/frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
set_address (struct sockaddr_in *address, const char *host, guint16 port)
{
  *address = (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = htons (port) };
  g_assert_cmpint (inet_pton (AF_INET, host, &address->sin_addr), ==, 1);
}

/* A frame's header that announces @announced_bytes, and the @size bytes of @payload. */
static void
say_frame (int fd, const guint8 *payload, gsize size, guint32 announced_bytes)
{
  g_autofree guint8 *frame = g_malloc (CAIMAN_FRAME_HEADER_BYTES + size);
  caiman_frame_encode_header (frame, 0, payload, size);
  guint32 length = htonl (announced_bytes);
  memcpy (frame, &length, sizeof length);
  memcpy (frame + CAIMAN_FRAME_HEADER_BYTES, payload, size);
  send (fd, frame, CAIMAN_FRAME_HEADER_BYTES + size, MSG_NOSIGNAL);
}

/* A record with a ClientHello of TLS 1.2: version, a random number that is none, no session; four
 * suites with ECDHE and AES-GCM; no compression; groups x25519 and secp256r1, plain points,
 * signatures by RSA, RSA-PSS and ECDSA. */
/* clang-format off */
static const guint8 tls_hello[] = {
  0x16, 3, 1, 0, 81, 1, 0, 0, 77,
  3, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
  26, 27, 28, 29, 30, 31, 32, 0,
  0, 8, 0xc0, 0x2f, 0xc0, 0x30, 0xc0, 0x2b, 0xc0, 0x2c, 1, 0,
  0, 28, 0, 10, 0, 6, 0, 4, 0, 29, 0, 23, 0, 11, 0, 2, 1, 0,
  0, 13, 0, 8, 0, 6, 4, 1, 8, 4, 4, 3,
};
/* clang-format on */

static void
say (int fd, BogusKind kind)
{
  static const guint8 zeros[1000];
  guint8 connect[] = { CAIMAN_MESSAGE_CONNECT, 'L', 'I', 'A', 'G', 0, 4, 0, 0, 0, 0, 1, 2, 3 };
  guint8 ping[] = { CAIMAN_MESSAGE_PING };
  switch (kind) {
  case BOGUS_GARBAGE:
    send (fd, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 35, MSG_NOSIGNAL);
    break;
  case BOGUS_HALF_CONNECT:
    say_frame (fd, connect, sizeof connect, 100);
    break;
  case BOGUS_HUGE:
    say_frame (fd, zeros, sizeof zeros, CAIMAN_FRAME_PAYLOAD_MAX_BYTES);
    break;
  case BOGUS_WRONG:
    say_frame (fd, ping, sizeof ping, sizeof ping);
    break;
  case BOGUS_HALF_TLS:
    send (fd, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11, MSG_NOSIGNAL);
    break;
  case BOGUS_TLS_HELLO:
    send (fd, tls_hello, sizeof tls_hello, MSG_NOSIGNAL);
    break;
  case BOGUS_QUIET:
  case BOGUS_N_KINDS:
    break;
  }
}

int
bogus_connect (const char *source, guint16 port, BogusKind kind)
{
  struct sockaddr_in from, to;
  const int on = 1;
  set_address (&from, source, 0);
  set_address (&to, "127.0.0.1", port);
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -1;
  setsockopt (fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (bind (fd, (struct sockaddr *)&from, sizeof from) < 0 ||
      (connect (fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)) {
    close (fd);
    return -1;
  }
  say (fd, kind);
  return fd;
}

gboolean
bogus_is_closed (int fd)
{
  char scratch[1000];
  gssize size;
  while ((size = recv (fd, scratch, sizeof scratch, MSG_DONTWAIT)) > 0)
    continue;
  return size == 0 || (errno != EAGAIN && errno != EINTR);
}

gboolean
bogus_trickle (int fd)
{
  return send (fd, "\0", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 || errno == EAGAIN;
}

void
bogus_close (int fd)
{
  const struct linger reset = { .l_onoff = 1 };
  setsockopt (fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close (fd);
}

guint
bogus_count_descriptors (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;
  g_assert_nonnull (folder);
  while (g_dir_read_name (folder))
    n++;
  return n - 1; /* that of the folder */
}
