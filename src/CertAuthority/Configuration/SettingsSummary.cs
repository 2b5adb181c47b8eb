using System.Globalization;
using System.Text.Json.Nodes;
using CertAuthority.Access;
using CertAuthority.Resources;

namespace CertAuthority.Configuration;

/// <summary>Settings as records compare them: who administers, what is allowed, who becomes a user, and where things are. Never anything that is secret.</summary>
internal static class SettingsSummary
{
    /// <summary>The settings, in the words of the configuration file.</summary>
    public static JsonObject Write(Settings settings)
    {
        var limits = settings.Limits;
        return new JsonObject
        {
            ["admins"] = new JsonObject { ["users"] = Sorted(settings.Administrators), ["groups"] = Sorted(settings.AdministratorGroups) },
            ["users_from_groups"] = new JsonObject(settings.UsersFromGroups.Groups.Select(group =>
                KeyValuePair.Create<string, JsonNode?>(group, Sorted(settings.UsersFromGroups.Roles.Where(role => settings.UsersFromGroups.GroupsGiving(role).Contains(group)))))),
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
            ["notify"] = ResourceMetadata.Array(
            [
                .. settings.Notify.Command.IsEmpty ? (string[])[] : [$"command {settings.Notify.Command[0]}"],
                .. settings.Notify.Webhooks.Select(webhook => $"webhook {webhook.Name}"),
                .. settings.Notify.Mail is { } mail ? (string[])[$"mail {mail.Server}"] : [],
            ]),
            ["publish_dir"] = settings.PublishDirectory,
            ["data_dir"] = settings.DataDirectory,
            ["socket"] = settings.SocketPath,
        };
    }

    private static JsonArray Sorted(IEnumerable<string> names) => ResourceMetadata.Array(names.Order(StringComparer.Ordinal));

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
