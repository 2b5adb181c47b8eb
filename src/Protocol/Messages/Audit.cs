namespace CertAuthority.Protocol;

/// <summary>Reads the audit.</summary>
/// <param name="Limit">At most so many, from 1. A page has no more than 1000.</param>
/// <param name="User">About this user only.</param>
/// <param name="Request">About this request only, by its whole id.</param>
/// <param name="Since">Not before this instant.</param>
/// <param name="Until">Before this instant.</param>
/// <param name="After">Behind this place: the <c>next</c> of the page before.</param>
public sealed record ListAudit(
    int? Limit = null, string? User = null, string? Request = null, DateTimeOffset? Since = null, DateTimeOffset? Until = null,
    string? After = null);

/// <summary>Asks for a copy of the database.</summary>
public sealed record TakeBackup;

/// <summary>Says that the clock of the daemon's host is right, after it was found where it should not be.</summary>
public sealed record AcceptClock;

/// <summary>What time it is now taken to be.</summary>
/// <param name="Expected">What time it should have been, by the time that had gone by.</param>
/// <param name="Shown">What the clock shows.</param>
public sealed record ClockAccepted(DateTimeOffset Expected, DateTimeOffset Shown);

/// <summary>Asks how the daemon is.</summary>
public sealed record GetStatus;

/// <summary>How the daemon is.</summary>
public sealed record DaemonStatus
{
    /// <summary>Of the daemon.</summary>
    public required string Version { get; init; }

    /// <summary>The fingerprint of the user CA.</summary>
    public required string UserCa { get; init; }

    /// <summary>The fingerprint of the host CA.</summary>
    public required string HostCa { get; init; }

    /// <summary>How many wait for an answer.</summary>
    public required int PendingRequests { get; init; }

    /// <summary>How many sshd would accept.</summary>
    public required int LiveCertificates { get; init; }

    /// <summary>How many the revocation list names.</summary>
    public required int RevokedCertificates { get; init; }

    /// <summary>The version of the list in place, as text.</summary>
    public required string KrlVersion { get; init; }

    /// <summary>When it was written.</summary>
    public required DateTimeOffset KrlWritten { get; init; }

    /// <summary>How those fare who are told of what happens; null when nobody is.</summary>
    public ReceiverStatus[]? Notifications { get; init; }

    /// <summary>How the directory fares from which hosts fetch the list; null when there is none.</summary>
    public PublishedStatus? Published { get; init; }

    /// <summary>How those hosts fare that the daemon writes to; null when there are none.</summary>
    public HostsStatus? Hosts { get; init; }

    /// <summary>One sentence for each row of the database that cannot be read; null when all can.</summary>
    public string[]? DamagedRows { get; init; }

    /// <summary>How the clock is off, so that nothing is granted; null while it is right.</summary>
    public ClockStatus? Clock { get; init; }

    /// <summary>How full the disk with the database is; null from a daemon of an earlier version.</summary>
    public DiskStatus? Disk { get; init; }
}

/// <summary>A clock that is not where it should be.</summary>
/// <param name="Expected">What it should show, by the time that has gone by.</param>
/// <param name="Shown">What it shows.</param>
public sealed record ClockStatus(DateTimeOffset Expected, DateTimeOffset Shown);

/// <summary>Those hosts that the daemon writes to.</summary>
/// <param name="Written">How many there are.</param>
/// <param name="UpToDate">How many have the list that is in place.</param>
/// <param name="Stale">The names of those that nothing could be written to for longer than <paramref name="StaleAfter"/>, or ever.</param>
/// <param name="StaleAfter">A duration.</param>
/// <param name="Contested">The names of those where another daemon's revocation list is.</param>
public sealed record HostsStatus(int Written, int UpToDate, string[] Stale, string StaleAfter, string[] Contested);

/// <summary>The directory from which hosts fetch the revocation list and the CA keys.</summary>
/// <param name="Directory">Its path on the daemon's host.</param>
/// <param name="Failure">Why what lies there is not what should; null when it is.</param>
/// <param name="FailingSince">Since when.</param>
public sealed record PublishedStatus(string Directory, string? Failure = null, DateTimeOffset? FailingSince = null);

/// <summary>Entries of the audit.</summary>
/// <param name="Entries">Newest first.</param>
/// <param name="Next">Behind which place there are more; null where there are none.</param>
public sealed record AuditList(AuditEntry[] Entries, string? Next = null);

/// <summary>One field that a change made another.</summary>
/// <param name="Path">Where it is in the resource, <c>spec.allow.logins</c>; in a list of values one change is one value of it.</param>
/// <param name="Old">What it was, at most some 300 characters; null where it was not there.</param>
/// <param name="New">What it became, in the same way; null where it is gone.</param>
public sealed record AuditChange(string Path, string? Old = null, string? New = null)
{
    // What needs no quotes, so that no value can pass for the next change or the next fact.
    private const string Plain = "-_.@:/*+$%{}[]()~";

    /// <summary><c>allow.logins +root</c>, <c>push false→true</c>: short, for a line.</summary>
    internal string Describe()
    {
        var path = Path.StartsWith("spec.", StringComparison.Ordinal) ? Path["spec.".Length..] : Path;
        return $"{path} " + (Old is null ? $"+{Short(New)}" : New is null ? $"-{Short(Old)}" : $"{Short(Old)}→{Short(New)}");
    }

    private static string Short(string? value)
    {
        const int longest = 40;
        var text = value ?? "";
        text = text.Length <= longest ? text : $"{string.Concat(text.EnumerateRunes().Take(longest - 1))}…";
        return text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || Plain.Contains(c) || c == '…')
            ? text
            : $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
    }
}

/// <summary>Who administers, from a start or a reload of the daemon on.</summary>
/// <param name="Users">Accounts: root, the daemon's own, and those that the configuration names.</param>
/// <param name="Groups">Groups whose members administer too.</param>
public sealed record AuditAdministrators(string[] Users, string[] Groups);

/// <summary>One thing that happened. Its JSON is stored byte for byte.</summary>
public sealed record AuditEntry
{
    /// <summary>When.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>What: <c>request.created</c>, <c>certificate.issued</c>, …</summary>
    public required string Event { get; init; }

    /// <summary>The uid that called; null when the daemon acted by itself.</summary>
    public uint? Uid { get; init; }

    /// <summary>Its account at that moment.</summary>
    public string? Account { get; init; }

    /// <summary>
    /// The uid that the calling process logged in as (<c>/proc/PID/loginuid</c>): sudo has a name. Null where the kernel has none.
    /// </summary>
    public uint? LoginUid { get; init; }

    /// <summary>Whether the caller answered a request of their own.</summary>
    public bool? Self { get; init; }

    /// <summary>The user concerned.</summary>
    public string? User { get; init; }

    /// <summary>The resource concerned, <c>role/dba</c>.</summary>
    public string? Resource { get; init; }

    /// <summary>The request concerned.</summary>
    public string? Request { get; init; }

    /// <summary>The state of the request afterwards.</summary>
    public string? State { get; init; }

    /// <summary>The roles asked for.</summary>
    public string[]? Asked { get; init; }

    /// <summary>The roles granted, or in use.</summary>
    public string[]? Granted { get; init; }

    /// <summary>The requests in use.</summary>
    public string[]? Requests { get; init; }

    /// <summary>The certificate concerned, as text.</summary>
    public string? Serial { get; init; }

    /// <summary>What it opens.</summary>
    public string[]? Principals { get; init; }

    /// <summary>When it ends.</summary>
    public DateTimeOffset? ValidBefore { get; init; }

    /// <summary>The rule that set the end.</summary>
    public string? LimitedBy { get; init; }

    /// <summary>Why, in somebody's words.</summary>
    public string? Reason { get; init; }

    /// <summary>The route that was refused.</summary>
    public string? Route { get; init; }

    /// <summary>The user who reviewed.</summary>
    public string? Reviewer { get; init; }

    /// <summary>The nodes asked for, each <c>node/NAME</c>.</summary>
    public string[]? Resources { get; init; }

    /// <summary>The notify command that called, or what it has started, under the account of the daemon.</summary>
    public string? Program { get; init; }

    /// <summary>
    /// How a resource, the settings or the clock changed, field by field; of what was created everything that it became, of what was
    /// removed everything that it was.
    /// </summary>
    public AuditChange[]? Changes { get; init; }

    /// <summary>How many changes more there were than <see cref="Changes"/> has room for; null for none.</summary>
    public int? ChangesLeftOut { get; init; }

    /// <summary>What the review said: <c>approve</c> or <c>deny</c>.</summary>
    public string? Vote { get; init; }

    /// <summary>How far the votes are, threshold by threshold: <c>1 of 2 approvals from a lead</c>.</summary>
    public string[]? Tally { get; init; }

    /// <summary>
    /// What an administrator approved in spite of: thresholds that the votes did not reach, a role that changed since. Null for nothing.
    /// </summary>
    public string[]? Overridden { get; init; }

    /// <summary>The version of the daemon.</summary>
    public string? Version { get; init; }

    /// <summary>Who administers now.</summary>
    public AuditAdministrators? Admins { get; init; }

    /// <summary>How many refusals were left out.</summary>
    public long? Count { get; init; }

    // As much of the changes as a line of a terminal has room for beside the rest.
    private const int LongestChanges = 70;


    /// <summary>
    /// Says who did it: the account, or <c>certauthority</c> where the daemon acted by itself. The account that somebody logged in as says
    /// more where they
    /// have become somebody else since.
    /// </summary>
    public string DescribeActor()
    {
        var by = Account ?? (Uid is { } uid ? $"uid {uid}" : "certauthority");
        if (Program is not null)
            return $"{Program} (as {by})";
        return LoginUid is { } login && login != Uid ? $"{by} (login uid {login})" : by;
    }

    /// <summary>
    /// Says what it was about: <c>user=alice; serial=7</c>. Somebody's own words come last, so that they cannot pass for a fact.
    /// </summary>
    public string DescribeFacts()
    {
        (string Name, string? Value)[] facts =
        [
            ("route", Route), ("user", User), ("resource", Resource), ("request", Request), ("state", State),
            ("self", Self is true ? "yes" : null),
            ("reviewer", Reviewer), ("vote", Vote), ("tally", Tally is null ? null : string.Join(", ", Tally)),
            ("overridden", Overridden is null ? null : string.Join(", ", Overridden)), ("asked", List(Asked)),
            ("resources", List(Resources)), ("granted", List(Granted)), ("requests", List(Requests)), ("serial", Serial),
            ("principals", List(Principals)), ("limited_by", LimitedBy), ("version", Version),
            ("admins", Admins is null ? null : string.Join(',', Admins.Users.Concat(Admins.Groups.Select(group => $"group {group}")))),
            ("count", Count?.ToString()),
            ("changed", DescribeChanges()), ("reason", Reason),
        ];
        return string.Join("; ", facts.Where(fact => !string.IsNullOrEmpty(fact.Value)).Select(fact => $"{fact.Name}={fact.Value}"));

        static string? List(string[]? items) => items is null ? null : string.Join(',', items);
    }

    /// <summary>The first of the changes, and how many more there are: all of them are in the entry itself.</summary>
    private string? DescribeChanges()
    {
        var (parts, length) = (new List<string>(), 0);
        foreach (var change in Changes ?? [])
        {
            var part = change.Describe();
            if (parts.Count > 0 && length + part.Length > LongestChanges)
                break;
            parts.Add(part);
            length += part.Length + 2;
        }
        var more = (Changes?.Length ?? 0) - parts.Count + (ChangesLeftOut ?? 0);
        return string.Join(", ", more > 0 ? parts.Append($"{more} more") : parts);
    }
}
