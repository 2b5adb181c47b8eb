using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl.Reports;

/// <summary>The changes of the policy in a period, and who left groups, put together from the entries of the audit, oldest first.</summary>
/// <param name="period">The times of the report.</param>
internal sealed class PolicyChanges(ReportPeriod period)
{
    private const string GroupsPath = "metadata.from_groups";
    private const string RolesPath = "spec.roles";
    private const string GroupsReason = "groups: ";

    private static readonly string[] Verbs = ["created", "updated", "removed"];

    private readonly List<ChangeRow> changes = [];
    private readonly List<LeftRow> left = [];

    /// <summary>The patterns of all events that change who can do what.</summary>
    public static readonly string[] Events = [.. ResourceReference.KnownKinds.Select(kind => $"{kind}.*")];

    /// <summary>The patterns of all events that this needs.</summary>
    public static readonly string[] AllEvents = [.. Events, "daemon.started", "daemon.reloaded"];

    /// <summary>Adds an entry.</summary>
    public void Take(AuditEntry entry)
    {
        if (!period.Has(entry.Time))
            return;
        var isOfSettings = entry is { Event: "daemon.started" or "daemon.reloaded", Changes: not null };
        if (!isOfSettings && (entry.Resource is null || !Verbs.Contains(entry.Event.Split('.')[^1])))
            return;
        changes.Add(new ChangeRow(
            entry.Seq ?? 0, Wording.Time(entry.Time), entry.Event, isOfSettings ? "the configuration" : entry.Resource!,
            entry.DescribeActor(), entry.Reason ?? "", entry.Changes ?? [], entry.ChangesLeftOut));
        if (Left(entry) is { } one)
            left.Add(one);
    }

    /// <summary>Returns the changes in their order.</summary>
    public ChangeRow[] Rows() => [.. changes];

    /// <summary>Returns who left groups, in the order in which the daemon found out.</summary>
    public LeftRow[] LeftRows() => [.. left];

    // The daemon itself changes users that come from groups.
    private static LeftRow? Left(AuditEntry entry)
    {
        if (entry is not { Uid: null, Event: "user.removed" or "user.updated", Reason: { } reason, Resource: { } resource }
            || !reason.StartsWith(GroupsReason, StringComparison.Ordinal))
            return null;
        var isRemoved = entry.Event == "user.removed";
        var groups = isRemoved ? reason[GroupsReason.Length..].Split(", ") : Lost(GroupsPath);
        return groups.Length == 0
            ? null
            : new LeftRow(
                entry.Seq ?? 0, Wording.Time(entry.Time), resource[(resource.IndexOf('/', StringComparison.Ordinal) + 1)..],
                isRemoved ? "removed" : "left some", groups, isRemoved ? entry.Granted ?? [] : Lost(RolesPath));

        string[] Lost(string path) =>
        [
            .. (entry.Changes ?? []).Where(change => change.Path == path && change.New is null).Select(change => change.Old)
                .OfType<string>(),
        ];
    }
}
