/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-address.c - any text as "HOST:PORT": it is refused, or the parts make the same again; any
 * address that can be parsed can be printed, and is the same again. */
#include "transports/address.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_address (const char *host, guint16 port)
{
  struct sockaddr_storage address, again, normal;
  char text[CAIMAN_ADDRESS_TEXT_BYTES], network[CAIMAN_ADDRESS_TEXT_BYTES];
  if (!caiman_address_parse (host, port, &address))
    return;
  g_assert (caiman_address_normalise ((const struct sockaddr *)&address, &normal));
  g_assert (strlen (caiman_address_print_network (&normal, network)) < sizeof network - 1);
  g_autofree char *host_again = NULL;
  guint16 port_again;
  caiman_address_print (&address, text);
  g_assert (caiman_address_split (text, 0, &host_again, &port_again, NULL));
  g_assert (caiman_address_parse (host_again, port_again, &again));
  g_assert (port_again == port && caiman_address_equal (&address, &again));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = g_strndup ((const char *)data, size), *host = NULL;
  g_autoptr (GError) error = NULL;
  guint16 port;
  if (!caiman_address_split (text, 5800, &host, &port, &error)) {
    g_assert (error && !host);
    return 0;
  }
  g_assert (host[0] != '\0');
  if (strchr (host, ']'))
    return 0; /* an interface may be named so, but not in brackets */
  g_autofree char *again = g_strdup_printf (strchr (host, ':') ? "[%s]:%u" : "%s:%u", host, port);
  g_autofree char *host_again = NULL;
  guint16 port_again;
  g_assert (caiman_address_split (again, 1, &host_again, &port_again, NULL));
  g_assert (strcmp (host, host_again) == 0 && port == port_again);
  check_address (host, port);
  return 0;
}
