using CertAuthority.Terminal;

namespace CertAuthority.Tctl.Reports;

/// <summary>One part of a report as a table of texts.</summary>
/// <param name="Name">Its name, as <c>--section</c> takes it.</param>
/// <param name="Title">Its heading.</param>
/// <param name="Meaning">What a row means, for people.</param>
/// <param name="Columns">The headers.</param>
/// <param name="Rows">The rows, each with as many cells as there are columns.</param>
/// <param name="Nothing">What to say if there is no row.</param>
internal sealed record ReportSection(
    string Name, string Title, string Meaning, string[] Columns, IReadOnlyList<string[]> Rows, string Nothing)
{
    /// <summary>The names of all sections, in their order.</summary>
    public static readonly string[] Names = ["access", "grants", "unused", "left", "changes"];

    /// <summary>Returns every section, in few columns, for people.</summary>
    public static ReportSection[] ForPeople(AccessReport report) =>
        [Access(report), GrantsForPeople(report), Unused(report), Left(report), Changes(report)];

    /// <summary>Returns one section, with a column for each fact, for programs.</summary>
    public static ReportSection ForPrograms(AccessReport report, string name) => name switch
    {
        "access" => Access(report),
        "grants" => Grants(report),
        "unused" => Unused(report),
        "left" => Left(report),
        "changes" => Changes(report),
        _ => throw new ArgumentException("there is no such section", nameof(name)),
    };

    private static ReportSection Access(AccessReport report) => new(
        "access", "Who can do what on which host",
        $"Access as of entry {report.Position} of the audit. Standing: by roles that the users hold. By request: roles that they could request, "
            + "or hosts that they could request by name. {user} stands for the name of each user."
            + (report.Listed is { } most ? $" A row lists at most {most} names; the numbers count all." : ""),
        ["How", "Roles", "Logins", "Conditions", "Users", "Names", "Hosts", "Host names", "Labels"],
        [
            .. report.Access.Select(row => new[]
            {
                row.How, Join(row.Roles), Join(row.Logins), row.Conditions ?? "", $"{row.Users}", Few(row.UserNames, row.Users),
                row.Hosts is { } hosts ? $"{hosts}" : "every host that trusts the CA", Few(row.HostNames, row.Hosts ?? 0),
                string.Join("; ", row.Labels),
            }),
        ],
        "nobody can log in, and nobody can request it");

    private static ReportSection GrantsForPeople(AccessReport report) => new(
        "grants", "Grants", "Every request that was approved in the period, whether or not its certificates were used on a host.",
        ["Approved", "User", "Granted", "Why", "Who said yes", "Passed over", "Used"],
        [
            .. report.Grants.Select(grant => new[]
            {
                $"{grant.Approved}, until {grant.AccessUntil ?? "?"}" + (grant.Ended is { } ended ? $"; {ended}" : ""),
                grant.User,
                Join([.. grant.Granted, .. grant.Resources]) + $" (request {grant.Request[..Math.Min(8, grant.Request.Length)]})",
                grant.Reason ?? "?",
                WhoSaidYes(grant),
                Overridden(grant),
                Used(grant),
            }),
        ],
        "no request was approved in the period");

    private static ReportSection Grants(AccessReport report) => new(
        "grants", "Grants", "",
        [
            "Approved", "Request", "User", "Asked", "Granted", "Resources", "Reason", "Filed", "Filed by", "Decided by", "Votes",
            "Approved by", "Approval reason", "Overridden", "Self", "Access until", "Ended", "Certificates", "First used",
        ],
        [
            .. report.Grants.Select(grant => new[]
            {
                grant.Approved, grant.Request, grant.User, Join(grant.Asked), Join(grant.Granted), Join(grant.Resources),
                grant.Reason ?? "", grant.Filed ?? "", grant.FiledBy ?? "", grant.ByVotes ? "votes" : "administrator", Votes(grant), grant.ApprovedBy,
                grant.ApprovedReason, string.Join("; ", grant.Overridden ?? []), grant.Self is true ? "yes" : "", grant.AccessUntil ?? "",
                grant.Ended ?? "", $"{grant.Certificates}", grant.FirstUsed ?? "",
            }),
        ],
        "");

    private static ReportSection Unused(AccessReport report) => new(
        "unused", "Standing roles without use",
        $"Roles that users hold and that open a login, and that were not used since {report.UnusedSince}: no certificate of the user named the "
            + "role, or none contained a login that it opens.",
        ["Role", "User", "Logins", "Why"],
        [.. report.Unused.Select(row => new[] { row.Role, row.User, Join(row.Logins), row.Why })],
        "every role that opens a login was used");

    private static ReportSection Left(AccessReport report) => new(
        "left", "People who left groups", "Users that groups of the system make: the daemon found that their account had left these groups.",
        ["Time", "User", "What", "Groups", "Roles lost", "Entry"],
        [.. report.Left.Select(row => new[] { row.Time, row.User, row.What, Join(row.Groups), Join(row.Roles), $"{row.Seq}" })],
        "nobody left a group that makes users");

    private static ReportSection Changes(AccessReport report) => new(
        "changes", "Changes of the policy", "Every change of a role, user, host, lock or of the configuration in the period.",
        ["Time", "What", "Subject", "By", "Differences", "Reason", "Entry"],
        [
            .. report.Changes.Select(row => new[]
            {
                row.Time, row.Event, row.Subject, row.By,
                string.Join("; ", row.Changes.Select(Difference))
                    + (row.ChangesLeftOut is { } more ? $"; and {Wording.Count(more, "more change")} that the entry had no room for" : ""),
                row.Reason, $"{row.Seq}",
            }),
        ],
        "nothing was changed in the period");

    private static string Difference(Protocol.AuditChange change) =>
        change.Old is null ? $"{change.Path}: +{change.New}"
        : change.New is null ? $"{change.Path}: -{change.Old}"
        : $"{change.Path}: {change.Old} → {change.New}";

    private static string WhoSaidYes(GrantRow grant) =>
        (grant.ByVotes ? "votes: " : $"administrator {grant.ApprovedBy}" + (grant.ApprovedReason is "" ? "" : $" ({grant.ApprovedReason})")
            + (grant.Votes is [] ? "" : "; votes: ")) + Votes(grant);

    private static string Votes(GrantRow grant) =>
        string.Join(
            "; ", grant.Votes.Select(vote => $"{vote.Reviewer} {vote.Vote} {vote.Time}" + (vote.Reason is "" ? "" : $" ({vote.Reason})")));

    private static string Overridden(GrantRow grant) =>
        string.Join("; ", [.. grant.Overridden ?? [], .. grant.Self is true ? (string[])["own request"] : []]);

    private static string Used(GrantRow grant) =>
        grant.Certificates == 0 ? "no certificate" : $"{Wording.Count(grant.Certificates, "certificate")}, the first {grant.FirstUsed}";

    private static string Join(string[] parts) => string.Join(", ", parts);

    private static string Few(string[] listed, int all) => Join(listed) + (all > listed.Length ? $", and {all - listed.Length} more" : "");
}
