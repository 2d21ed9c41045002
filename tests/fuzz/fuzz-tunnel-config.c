/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-tunnel-config.c - any text as the configuration file of a tunnel, and its first line as a
 * port of the command line: it is refused with messages, or what comes of it is in order.
 *
 * Input: a byte that chooses server or client, the text. */
#include "apps/tunnel-config.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_ports (const TunnelConfig *config)
{
  for (guint i = 0; i < config->publishes->len; i++) {
    const TunnelPublish *publish = config->publishes->pdata[i];
    g_autofree char *text = tunnel_publish_describe (publish);
    g_assert (publish->port != 0 && publish->target_port != 0 && publish->host[0] != '\0' && *text);
    g_assert (tunnel_config_find_publish (config, publish->port) == publish);
  }
  for (guint i = 0; i < config->forwards->len; i++) {
    const TunnelForward *forward = config->forwards->pdata[i];
    g_autofree char *text = tunnel_forward_describe (forward);
    g_assert (forward->server_port != 0 && *text);
  }
}

static void
load (AppRole role, const guint8 *data, gsize size)
{
  g_autoptr (TunnelConfig) config = tunnel_config_new (role);
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);
  int fd = memfd_create ("tunnel", MFD_CLOEXEC);
  g_assert (fd >= 0 && write (fd, data, size) == (gssize)size);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  gboolean loaded = tunnel_config_load (config, path, messages);
  g_assert (loaded == (messages->len == 0));
  close (fd);
  if (!loaded)
    return;
  check_ports (config);
  g_autoptr (TunnelConfig) copy = tunnel_config_copy (config);
  g_assert (!tunnel_config_needs_restart (config, copy));
  tunnel_config_check (config, NULL);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  if (size == 0)
    return 0;
  AppRole role = data[0] % 2 ? APP_ROLE_SERVER : APP_ROLE_CLIENT;
  load (role, data + 1, size - 1);
  g_autoptr (TunnelConfig) config = tunnel_config_new (role);
  g_autofree char *text = g_strndup ((const char *)data + 1, size - 1);
  text[strcspn (text, "\n")] = '\0';
  g_free (tunnel_config_add_port (config, text));
  check_ports (config);
  return 0;
}
