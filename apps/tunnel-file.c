/* SPDX-License-Identifier: Apache-2.0 */
/* tunnel-file.c - reads the configuration file of a tunnel: strictly, and all errors in one go. */
#include "apps/tunnel-config.h"

#include "config/fields.h"
#include "config/tunables.h"
#include "config/values.h"

#include <string.h>

#define CONNECTIONS_MAX 1000000
#define TIME_MAX_NS     (24 * 3600 * CAIMAN_NS_PER_S)

typedef struct {
  TunnelConfig *config;
  const char *path;
  ScanErrors *errors;
} Reader;

static const char *const ip_version_names[] = { "any", "4", "6", NULL };
static const char *const filter_names[] = { "interface-interface", "interface-ip", "none", NULL };
static const char *const log_level_names[] = {
  "error", "warning", "notice", "info", "debug", NULL
};

static const char *const tunnel_server_keys[] = {
  "listen", "interfaces",      "link-filter",     "log-level",
  "grace",  "connections-max", "connect-timeout", NULL,
};
static const char *const tunnel_client_keys[] = {
  "servers",          "ip-version",      "interfaces", "not-interfaces",
  "single-interface", "link-filter",     "log-level",  "grace",
  "connections-max",  "connect-timeout", NULL,
};
static const char *const tls_server_keys[] = { "certificate", "key", "ca", NULL };
static const char *const tls_client_keys[] = { "certificate", "key",         "ca",
                                               "server-name", "fingerprint", NULL };
static const char *const publish_keys[] = { "port", "target", NULL };
static const char *const forward_keys[] = { "server-port", "port", "global", NULL };

/* --- Values --- */

/* The command line wins: only what it left open is set. */
static void
take_string (const Fields *fields, const char *key, char **value)
{
  const ScanEntry *entry = fields_find (fields, key);
  if (entry && *value == NULL)
    *value = g_strdup (entry->value);
}

static void
take_list (const Fields *fields, const char *key, char ***value)
{
  const ScanEntry *entry = fields_find (fields, key);
  if (entry == NULL || *value != NULL)
    return;
  g_auto (GStrv) parts = g_strsplit (entry->value, ",", -1);
  for (char **part = parts; *part; part++) {
    if (*g_strstrip (*part) == '\0')
      fields_error (fields, entry, "an element of the list is empty");
  }
  *value = g_steal_pointer (&parts);
}

/* Relative to the folder of the file. */
static void
take_path (const Reader *reader, const Fields *fields, const char *key, char **value)
{
  const ScanEntry *entry = fields_find (fields, key);
  if (entry == NULL || *value != NULL)
    return;
  g_autofree char *folder = g_path_get_dirname (reader->path);
  *value = g_path_is_absolute (entry->value) ? g_strdup (entry->value)
                                             : g_build_filename (folder, entry->value, NULL);
}

static guint16
take_port (const Fields *fields, const char *key, guint16 fallback)
{
  return (guint16)fields_count (fields, key, fallback, 1, G_MAXUINT16);
}

static gboolean
take_boolean (const Fields *fields, const char *key)
{
  return fields_choice (fields, key, 0, value_boolean_names) == 1;
}

/* --- Groups --- */

static void
read_tunnel_client (const Fields *fields, AppOptions *options)
{
  int version = fields_choice (fields, "ip-version", 0, ip_version_names);
  take_list (fields, "servers", &options->tcp);
  take_list (fields, "not-interfaces", &options->not_interfaces);
  options->single_interface |= take_boolean (fields, "single-interface");
  if (!options->ipv4 && !options->ipv6) {
    options->ipv4 = version == 1;
    options->ipv6 = version == 2;
  }
}

static void
read_tunnel (const Reader *reader, const Fields *fields)
{
  TunnelConfig *config = reader->config;
  AppOptions *options = &config->options;
  gboolean is_server = config->role == APP_ROLE_SERVER;
  fields_check_known (fields, is_server ? tunnel_server_keys : tunnel_client_keys);
  if (is_server)
    take_list (fields, "listen", &options->tcp);
  else
    read_tunnel_client (fields, options);
  take_list (fields, "interfaces", &options->interfaces);
  fields_choice (fields, "link-filter", 0, filter_names);
  take_string (fields, "link-filter", &options->filter);
  config->has_log_level = fields_find (fields, "log-level") != NULL;
  config->log_level = (AppLogLevel)fields_choice (fields, "log-level", 0, log_level_names);
  config->grace_ns = fields_time (fields, "grace", config->grace_ns, 0, TIME_MAX_NS);
  config->connections_max =
      fields_count (fields, "connections-max", config->connections_max, 1, CONNECTIONS_MAX);
  gint64 connect_timeout_ns = fields_time (fields, "connect-timeout", config->connect_timeout_ns,
                                           CAIMAN_NS_PER_S, TIME_MAX_NS);
  if (!config->connect_timeout_fixed)
    config->connect_timeout_ns = connect_timeout_ns;
}

static void
read_tls (const Reader *reader, const Fields *fields)
{
  AppOptions *options = &reader->config->options;
  gboolean is_server = reader->config->role == APP_ROLE_SERVER;
  fields_check_known (fields, is_server ? tls_server_keys : tls_client_keys);
  options->tls = TRUE;
  take_path (reader, fields, "certificate", &options->tls_certificate);
  take_path (reader, fields, "key", &options->tls_key);
  take_path (reader, fields, "ca", &options->tls_ca);
  take_string (fields, "server-name", &options->tls_server_name);
  take_string (fields, "fingerprint", &options->tls_fingerprint);
}

static void
read_tunables (const Reader *reader, const Fields *fields)
{
  AppOptions *options = &reader->config->options;
  g_autoptr (GStrvBuilder) sets = g_strv_builder_new ();
  CaimanPreset preset;
  CaimanConfig scratch;
  caiman_config_init (&scratch, CAIMAN_PRESET_ADAPTIVE);
  for (guint i = 0; i < fields->group->entries->len; i++) {
    const ScanEntry *entry = fields->group->entries->pdata[i];
    if (strcmp (entry->key, "preset") == 0) {
      if (!caiman_preset_from_string (entry->value, &preset))
        fields_error (fields, entry, "there is no preset '%s'", entry->value);
      continue;
    }
    fields_take_problem (fields, entry, tunable_set (&scratch, entry->key, entry->value));
    g_autofree char *set = g_strdup_printf ("%s=%s", entry->key, entry->value);
    g_strv_builder_add (sets, set);
  }
  take_string (fields, "preset", &options->preset);
  if (options->sets)
    g_strv_builder_addv (sets, (const char **)options->sets); /* later, so they win */
  g_strfreev (options->sets);
  options->sets = g_strv_builder_end (sets);
}

static void
read_publish (const Reader *reader, const Fields *fields)
{
  const ScanEntry *port_entry = fields_require (fields, "port");
  const ScanEntry *target = fields_find (fields, "target");
  guint16 port = take_port (fields, "port", 0), target_port = port;
  g_autofree char *host = NULL;
  fields_check_known (fields, publish_keys);
  if (target) {
    char *problem = tunnel_config_parse_target (target->value, port, &host, &target_port);
    fields_take_problem (fields, target, problem);
  } else {
    host = g_strdup ("localhost");
  }
  if (port != 0 && host != NULL)
    fields_take_problem (fields, port_entry,
                         tunnel_config_publish (reader->config, host, target_port, port));
}

static void
read_forward (const Reader *reader, const Fields *fields)
{
  const ScanEntry *server_entry = fields_require (fields, "server-port");
  guint16 server_port = take_port (fields, "server-port", 0);
  guint16 port = take_port (fields, "port", server_port);
  gboolean global = take_boolean (fields, "global");
  const ScanEntry *entry = fields_find (fields, "port");
  fields_check_known (fields, forward_keys);
  if (server_port != 0)
    fields_take_problem (fields, entry ? entry : server_entry,
                         tunnel_config_forward (reader->config, server_port, port, global));
}

/* TRUE when @name is "@kind NAME" with a good name. */
static gboolean
is_kind (const char *name, const char *kind)
{
  gsize length = strlen (kind);
  return strncmp (name, kind, length) == 0 && name[length] == ' ' &&
         scan_is_name (name + length + 1);
}

static void
read_group (const Reader *reader, const ScanGroup *group)
{
  gboolean is_server = reader->config->role == APP_ROLE_SERVER;
  const char *ports = is_server ? "publish" : "forward";
  const Fields fields = { reader->errors, group };
  if (strcmp (group->name, "tunnel") == 0)
    read_tunnel (reader, &fields);
  else if (strcmp (group->name, "tls") == 0)
    read_tls (reader, &fields);
  else if (strcmp (group->name, "tunables") == 0)
    read_tunables (reader, &fields);
  else if (is_kind (group->name, ports) && is_server)
    read_publish (reader, &fields);
  else if (is_kind (group->name, ports))
    read_forward (reader, &fields);
  else
    scan_errors_add (reader->errors, group->place,
                     "unknown group [%s]; a tunnel's %s has [tunnel], [tls], [tunables] and [%s "
                     "NAME]",
                     group->name, is_server ? "server" : "client", ports);
}

gboolean
tunnel_config_load (TunnelConfig *config, const char *path, GPtrArray *messages)
{
  g_autoptr (ScanErrors) errors = scan_errors_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gsize size;
  guint file = scan_errors_add_file (errors, path);
  if (!g_file_get_contents (path, &text, &size, &error)) {
    g_ptr_array_add (messages, g_strdup (error->message));
    return FALSE;
  }
  const Reader reader = { config, path, errors };
  g_autoptr (ScanDoc) doc = scan_text (text, size, file, errors);
  for (guint i = 0; i < doc->groups->len; i++)
    read_group (&reader, doc->groups->pdata[i]);
  gboolean ok = scan_errors_count (errors) == 0;
  scan_errors_flush (errors, messages);
  return ok;
}
