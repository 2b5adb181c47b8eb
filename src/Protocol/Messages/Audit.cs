namespace CertAuthority.Protocol;

/// <summary>Reads the audit.</summary>
/// <param name="Limit">At most so many, from 1. A page has no more than 1000.</param>
/// <param name="User">About this user only.</param>
/// <param name="Request">About this request only, by its whole id.</param>
/// <param name="Since">Not before this instant.</param>
/// <param name="Until">Before this instant.</param>
/// <param name="After">Behind this place: the <c>next</c> of the page before.</param>
public sealed record ListAudit(int? Limit = null, string? User = null, string? Request = null, DateTimeOffset? Since = null, DateTimeOffset? Until = null, string? After = null);

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
/// <param name="Version">Of the daemon.</param>
/// <param name="UserCa">The fingerprint of the user CA.</param>
/// <param name="HostCa">The fingerprint of the host CA.</param>
/// <param name="PendingRequests">How many wait for an answer.</param>
/// <param name="LiveCertificates">How many sshd would accept.</param>
/// <param name="RevokedCertificates">How many the revocation list names.</param>
/// <param name="KrlVersion">The version of the list in place, as text.</param>
/// <param name="KrlWritten">When it was written.</param>
/// <param name="Notifications">How those fare who are told of what happens; null when nobody is.</param>
/// <param name="Published">How the directory fares from which hosts fetch the list; null when there is none.</param>
/// <param name="Hosts">How those hosts fare that the daemon writes to; null when there are none.</param>
/// <param name="DamagedRows">One sentence for each row of the database that cannot be read; null when all can.</param>
/// <param name="Clock">How the clock is off, so that nothing is granted; null while it is right.</param>
/// <param name="Disk">How full the disk with the database is; null from a daemon of an earlier version.</param>
public sealed record DaemonStatus(
    string Version,
    string UserCa,
    string HostCa,
    int PendingRequests,
    int LiveCertificates,
    int RevokedCertificates,
    string KrlVersion,
    DateTimeOffset KrlWritten,
    ReceiverStatus[]? Notifications = null,
    PublishedStatus? Published = null,
    HostsStatus? Hosts = null,
    string[]? DamagedRows = null,
    ClockStatus? Clock = null,
    DiskStatus? Disk = null);

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
        return text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || Plain.Contains(c) || c == '…') ? text : $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
    }
}

/// <summary>Who administers, from a start or a reload of the daemon on.</summary>
/// <param name="Users">Accounts: root, the daemon's own, and those that the configuration names.</param>
/// <param name="Groups">Groups whose members administer too.</param>
public sealed record AuditAdministrators(string[] Users, string[] Groups);

/// <summary>One thing that happened. Its JSON is stored byte for byte.</summary>
/// <param name="Time">When.</param>
/// <param name="Event">What: <c>request.created</c>, <c>certificate.issued</c>, …</param>
/// <param name="Uid">The uid that called; null when the daemon acted by itself.</param>
/// <param name="Account">Its account at that moment.</param>
/// <param name="LoginUid">The uid that the calling process logged in as (<c>/proc/PID/loginuid</c>): sudo has a name. Null where the kernel has none.</param>
/// <param name="Self">Whether the caller answered a request of their own.</param>
/// <param name="User">The user concerned.</param>
/// <param name="Resource">The resource concerned, <c>role/dba</c>.</param>
/// <param name="Request">The request concerned.</param>
/// <param name="State">The state of the request afterwards.</param>
/// <param name="Asked">The roles asked for.</param>
/// <param name="Granted">The roles granted, or in use.</param>
/// <param name="Requests">The requests in use.</param>
/// <param name="Serial">The certificate concerned, as text.</param>
/// <param name="Principals">What it opens.</param>
/// <param name="ValidBefore">When it ends.</param>
/// <param name="LimitedBy">The rule that set the end.</param>
/// <param name="Reason">Why, in somebody's words.</param>
/// <param name="Route">The route that was refused.</param>
/// <param name="Reviewer">The user who reviewed.</param>
/// <param name="Resources">The nodes asked for, each <c>node/NAME</c>.</param>
/// <param name="Program">The notify command that called, or what it has started, under the account of the daemon.</param>
/// <param name="Changes">How a resource, the settings or the clock changed, field by field; of what was created everything that it became, of what was removed everything that it was.</param>
/// <param name="ChangesLeftOut">How many changes more there were than <paramref name="Changes"/> has room for; null for none.</param>
/// <param name="Vote">What the review said: <c>approve</c> or <c>deny</c>.</param>
/// <param name="Tally">How far the votes are, threshold by threshold: <c>1 of 2 approvals from a lead</c>.</param>
/// <param name="Overridden">What an administrator approved in spite of: thresholds that the votes did not reach, a role that changed since. Null for nothing.</param>
/// <param name="Version">The version of the daemon.</param>
/// <param name="Admins">Who administers now.</param>
/// <param name="Count">How many refusals were left out.</param>
public sealed record AuditEntry(
    DateTimeOffset Time,
    string Event,
    uint? Uid = null,
    string? Account = null,
    uint? LoginUid = null,
    bool? Self = null,
    string? User = null,
    string? Resource = null,
    string? Request = null,
    string? State = null,
    string[]? Asked = null,
    string[]? Granted = null,
    string[]? Requests = null,
    string? Serial = null,
    string[]? Principals = null,
    DateTimeOffset? ValidBefore = null,
    string? LimitedBy = null,
    string? Reason = null,
    string? Route = null,
    string? Reviewer = null,
    string[]? Resources = null,
    string? Program = null,
    AuditChange[]? Changes = null,
    int? ChangesLeftOut = null,
    string? Vote = null,
    string[]? Tally = null,
    string[]? Overridden = null,
    string? Version = null,
    AuditAdministrators? Admins = null,
    long? Count = null)
{
    // As much of the changes as a line of a terminal has room for beside the rest.
    private const int LongestChanges = 70;


    /// <summary>
    /// Says who did it: the account, or <c>certauthority</c> where the daemon acted by itself. The account that somebody logged in as says more where they
    /// have become somebody else since.
    /// </summary>
    public string DescribeActor()
    {
        var by = Account ?? (Uid is { } uid ? $"uid {uid}" : "certauthority");
        if (Program is not null)
            return $"{Program} (as {by})";
        return LoginUid is { } login && login != Uid ? $"{by} (login uid {login})" : by;
    }

    /// <summary>Says what it was about: <c>user=alice; serial=7</c>. Somebody's own words come last, so that they cannot pass for a fact.</summary>
    public string DescribeFacts()
    {
        (string Name, string? Value)[] facts =
        [
            ("route", Route), ("user", User), ("resource", Resource), ("request", Request), ("state", State), ("self", Self is true ? "yes" : null),
            ("reviewer", Reviewer), ("vote", Vote), ("tally", Tally is null ? null : string.Join(", ", Tally)), ("overridden", Overridden is null ? null : string.Join(", ", Overridden)), ("asked", List(Asked)), ("resources", List(Resources)), ("granted", List(Granted)), ("requests", List(Requests)), ("serial", Serial),
            ("principals", List(Principals)), ("limited_by", LimitedBy), ("version", Version),
            ("admins", Admins is null ? null : string.Join(',', Admins.Users.Concat(Admins.Groups.Select(group => $"group {group}")))), ("count", Count?.ToString()),
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
