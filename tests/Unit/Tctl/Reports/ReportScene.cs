using System.Text.Json;
using CertAuthority.Protocol;
using CertAuthority.Tctl.Reports;

namespace CertAuthority.Tests.Unit.Tctl.Reports;

/// <summary>Entries of an audit and resources, in as few words as a case needs.</summary>
internal static class ReportScene
{
    public static readonly DateTimeOffset Taken = new(2026, 10, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The first days of September.</summary>
    public static readonly ReportPeriod September = new(
        Taken, new DateTimeOffset(2026, 9, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2026, 10, 1, 0, 0, 0, TimeSpan.Zero), TimeSpan.FromDays(90));

    private static long last;

    /// <summary>An entry of root; the time is <c>09-01T00:00:00</c>.</summary>
    public static AuditEntry Entry(string time, string what, uint? uid = 0) => new()
    {
        Seq = ++last,
        Time = DateTimeOffset.Parse($"2026-{time}Z"),
        Event = what,
        Uid = uid,
        Account = uid is null ? null : "root",
    };

    /// <summary>An entry about a request of alice for dba.</summary>
    public static AuditEntry Request(string time, string what, string id = "r1") =>
        Entry(time, $"request.{what}") with { Request = id, User = "alice", Asked = ["dba"], Granted = ["dba"], Reason = $"{what} it" };

    public static AuditEntry Certificate(string time, string user, string[] roles, string[] principals, params string[] requests) =>
        Entry(time, "certificate.issued") with { User = user, Granted = roles, Principals = principals, Requests = requests };

    public static JsonElement Json(string text) => JsonDocument.Parse(text.Replace('\'', '"')).RootElement;

    public static JsonElement Node(string name, string labels = "", string? domain = null) =>
        Json($"{{'metadata': {{'name': '{name}', 'labels': {{{labels}}}}}, 'spec': {{'addr': 'x'{(domain is null ? "" : $", 'login_domain': '{domain}'")}}}}}");

    public static AccessReport Empty => new()
    {
        Taken = "2026-10-01T12:00:00Z",
        Position = 7,
        Since = "2026-09-01T00:00:00Z",
        Until = "2026-10-01T00:00:00Z",
        UnusedSince = "2026-07-03T12:00:00Z",
        Users = 1,
        Roles = 2,
        Hosts = 3,
        Listed = 50,
        Access = [],
        Grants = [],
        Unused = [],
        Left = [],
        Changes = [],
    };
}
