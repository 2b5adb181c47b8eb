using System.Globalization;
using System.Text.Json.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.Resources;

namespace CertAuthority.Configuration;

/// <summary>
/// The settings as records compare them: the administrators and readers, the limits, the groups that become users, and the paths. It never
/// contains a secret.
/// </summary>
internal static class SettingsSummary
{
    /// <summary>Writes the settings with the names of the configuration file. An empty list is left out.</summary>
    public static JsonObject Write(Settings settings)
    {
        var limits = settings.Limits;
        var groups = settings.UsersFromGroups;
        return new JsonObject
        {
            ["admins"] = Accounts(settings.Administrators),
            ["auditors"] = Accounts(settings.Auditors),
            ["monitors"] = Accounts(settings.Monitors),
            ["users_from_groups"] = Lists(
                groups.Groups.Select(group => (group, groups.Roles.Where(role => groups.GroupsGiving(role).Contains(group))))),
            ["limits"] = new JsonObject
            {
                ["certificate"] = Durations.Show(limits.Certificate),
                ["access"] = Durations.Show(limits.Access),
                ["pending"] = Durations.Show(limits.PendingRequest),
                ["pending_requests"] = Number(limits.PendingRequestsPerUser),
                ["live_certificates"] = Number(limits.LiveCertificatesPerUser),
                ["logins_per_minute"] = Number(limits.LoginsPerMinute),
                ["requests_per_minute"] = Number(limits.RequestsPerMinute),
                ["requests_per_day"] = Number(limits.RequestsPerDay),
            },
            ["notify"] = List(
            [
                .. settings.Notify.Command.IsEmpty ? (string[])[] : [$"command {settings.Notify.Command[0]}"],
                .. settings.Notify.Webhooks.Select(
                    webhook => $"webhook {webhook.Name}{(webhook.Audit.IsEmpty ? "" : " with the audit")}"),
                .. settings.Notify.Slack.Select(slack => $"webhook {slack.Name}"),
                .. settings.Notify.Mail is { } mail ? (string[])[$"mail {mail.Server}"] : [],
            ]),
            ["audit"] = List(
            [
                .. settings.Audit.Journal ? (string[])["journal"] : [],
                .. settings.Audit.File is { } file ? (string[])[$"file {file}"] : [],
                .. settings.Audit.Keep is { } keep ? (string[])[$"keep {Durations.Show(keep)}"] : [],
            ]),
            ["database"] = settings.Database == DatabaseSettings.Default ? null : settings.Database.ToString(),
            ["user_ca"] = Custody(settings.UserCa),
            ["host_ca"] = Custody(settings.HostCa),
            ["sync_ca"] = Custody(settings.SyncCa),
            ["publish_dir"] = settings.PublishDirectory,
            ["reports_dir"] = settings.ReportsDirectory,
            ["forget_nodes_after"] = settings.ForgetNodesAfter is { } gone ? Durations.Show(gone) : null,
            ["data_dir"] = settings.DataDirectory,
            ["socket"] = settings.SocketPath,
        };
    }

    private static string? Custody(KeyCustody custody) => custody is KeyCustody.InFile ? null : custody.ToString();

    private static JsonObject? Accounts(NamedAccounts accounts) => Lists([("users", accounts.Users), ("groups", accounts.Groups)]);

    private static JsonObject? Lists(IEnumerable<(string Name, IEnumerable<string> Values)> lists) =>
        lists.Select(one => KeyValuePair.Create<string, JsonNode?>(one.Name, List(one.Values))).Where(one => one.Value is not null)
            .ToList() is [_, ..] some ? new JsonObject(some) : null;

    private static JsonArray? List(IEnumerable<string> values) =>
        values.Any() ? ResourceMetadata.Array(values.Order(StringComparer.Ordinal)) : null;

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
