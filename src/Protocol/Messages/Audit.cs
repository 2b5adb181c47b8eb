namespace CertAuthority.Protocol;

/// <summary>Reads the audit.</summary>
/// <param name="Limit">The largest number of entries, at least 1. A page contains at most 1000.</param>
/// <param name="User">Only entries about this user.</param>
/// <param name="Request">Only entries about this request, by its whole ID.</param>
/// <param name="Since">Only entries at or after this instant: a time of RFC 3339, or a duration before now.</param>
/// <param name="Until">Only entries before this instant.</param>
/// <param name="After">Only entries that follow the one with this <c>seq</c> in the order: the <c>next</c> of the previous page.</param>
/// <param name="Event">Only these kinds of events: names or globs such as <c>certificate.*</c>, separated by commas.</param>
/// <param name="Account">Only what this account did.</param>
/// <param name="Order"><c>newest</c> or <c>oldest</c> first. Null for <c>newest</c>.</param>
/// <param name="Wait">
/// With <c>oldest</c>: how long to wait for an entry if there is none yet, as a duration; at most 25s. Null to return at once.
/// </param>
public sealed record ListAudit(
    int? Limit = null, string? User = null, string? Request = null, string? Since = null, DateTimeOffset? Until = null,
    string? After = null, string? Event = null, string? Account = null, string? Order = null, string? Wait = null);

/// <summary>The values of <see cref="ListAudit.Order"/>.</summary>
public static class AuditOrders
{
    /// <summary>The newest entry first.</summary>
    public const string Newest = "newest";

    /// <summary>The oldest entry first.</summary>
    public const string Oldest = "oldest";
}

/// <summary>Requests a copy of the database.</summary>
public sealed record TakeBackup;

/// <summary>Confirms that the clock of the daemon's host is right, after the daemon found it to be wrong.</summary>
public sealed record AcceptClock;

/// <summary>The time that the daemon now accepts.</summary>
/// <param name="Expected">The time that the daemon expected from the elapsed time.</param>
/// <param name="Shown">The time that the clock shows.</param>
public sealed record ClockAccepted(DateTimeOffset Expected, DateTimeOffset Shown);

/// <summary>Asks for the state of the daemon.</summary>
public sealed record GetStatus;

/// <summary>The state of the daemon.</summary>
public sealed record DaemonStatus
{
    /// <summary>The version of the daemon.</summary>
    public required string Version { get; init; }

    /// <summary>
    /// The database: <c>sqlite:</c> and the path of a file, or <c>postgres:</c> with the server and the name; null from a daemon of an
    /// earlier version.
    /// </summary>
    public string? Database { get; init; }

    /// <summary>The daemons that work on the database server, and those that are gone since; null with SQLite.</summary>
    public DaemonOnRecord[]? Daemons { get; init; }

    /// <summary>The standbys of the database server; null with SQLite.</summary>
    public ReplicationStatus? Replication { get; init; }

    /// <summary>The fingerprints of the user CA keys that hosts trust; the one that signs comes first.</summary>
    public required string[] UserCas { get; init; }

    /// <summary>The fingerprints of the host CA keys that clients trust; the one that signs comes first.</summary>
    public required string[] HostCas { get; init; }

    /// <summary>The rotations of CA keys that are under way; null if there are none.</summary>
    public KeyRotation[]? Rotations { get; init; }

    /// <summary>
    /// The hosts that may still trust a user CA key which is on the revocation list, so that whoever has it enters them if they do not have
    /// the list; null if there are none.
    /// </summary>
    public string[]? HostsWithRevokedCa { get; init; }

    /// <summary>How many requests wait for an answer.</summary>
    public required int PendingRequests { get; init; }

    /// <summary>How many certificates sshd would accept.</summary>
    public required int LiveCertificates { get; init; }

    /// <summary>How many certificates the revocation list contains.</summary>
    public required int RevokedCertificates { get; init; }

    /// <summary>The version of the current revocation list, as text.</summary>
    public required string KrlVersion { get; init; }

    /// <summary>When the current revocation list was written.</summary>
    public required DateTimeOffset KrlWritten { get; init; }

    /// <summary>The state of each receiver of notices; null if there are none.</summary>
    public ReceiverStatus[]? Notifications { get; init; }

    /// <summary>The state of each place to which the daemon sends the audit; null if there are none.</summary>
    public AuditSinkStatus[]? AuditSinks { get; init; }

    /// <summary>The state of the directory from which hosts fetch the list; null if there is none.</summary>
    public PublishedStatus? Published { get; init; }

    /// <summary>The state of the hosts that the daemon writes to; null if there are none.</summary>
    public HostsStatus? Hosts { get; init; }

    /// <summary>The nodes that have ended or are removed soon; null for none.</summary>
    public VanishingStatus? Vanishing { get; init; }

    /// <summary>One sentence for each row of the database that cannot be read; null if all can.</summary>
    public string[]? DamagedRows { get; init; }

    /// <summary>
    /// One sentence for each row that a job in the background could not handle when it was tried last; null for none.
    /// </summary>
    public string[]? StuckRows { get; init; }

    /// <summary>The deviation of the clock, because of which nothing is granted; null while the clock is right.</summary>
    public ClockStatus? Clock { get; init; }

    /// <summary>The state of the disk with the database; null from a daemon of an earlier version.</summary>
    public DiskStatus? Disk { get; init; }

    /// <summary>The log over the audit; null from a daemon of an earlier version.</summary>
    public AuditLogStatus? AuditLog { get; init; }

    /// <summary>The CA keys that sign; null from a daemon of an earlier version.</summary>
    public CaKeyStatus[]? CaKeys { get; init; }

    /// <summary>When the last backup was taken; null if none ever was.</summary>
    public DateTimeOffset? LastBackup { get; init; }
}

/// <summary>A daemon that works on the database server, or did.</summary>
/// <param name="Host">The name of its host.</param>
/// <param name="Directory">
/// Its data directory, which tells the daemons of one host apart; empty if an earlier version wrote the record.
/// </param>
/// <param name="State"><c>leads</c>, <c>follows</c> or <c>gone</c>.</param>
/// <param name="Since">When it began to lead, or to follow; null if that is not on record.</param>
/// <param name="Seen">When it last wrote, which it does every two seconds; null if that is not on record.</param>
/// <param name="Version">Its version; null if that is not on record.</param>
/// <param name="IsThis">Whether it is the daemon that answers.</param>
public sealed record DaemonOnRecord(
    string Host, string Directory, string State, DateTimeOffset? Since, DateTimeOffset? Seen, string? Version, bool IsThis)
{
    /// <summary>The version of the revocation list that it has in place; null if that is not on record.</summary>
    public string? List { get; init; }

    /// <summary>Why it has no newer one; null if nothing is in the way.</summary>
    public string? ListFailure { get; init; }

    /// <summary>Since when that is so; null if nothing is in the way.</summary>
    public DateTimeOffset? ListFailingSince { get; init; }

    /// <summary>It is connected, and leads.</summary>
    public const string Leads = "leads";

    /// <summary>It is connected, and follows the one that leads.</summary>
    public const string Follows = "follows";

    /// <summary>It is not connected.</summary>
    public const string Gone = "gone";

    /// <summary>The <c>database_realm</c> of its configuration; null for none.</summary>
    public string? Realm { get; init; }
}

/// <summary>The standbys of the database server.</summary>
/// <param name="IsSynchronous">Whether a commit waits until it is on the disk of a standby.</param>
/// <param name="Connected">The number of standbys that are connected.</param>
/// <param name="Standbys">Those standbys, one by one; null if the database account may not see them.</param>
/// <param name="Needs">The statement that lets the database account see them; null if it may.</param>
public sealed record ReplicationStatus(bool IsSynchronous, int Connected, StandbyStatus[]? Standbys = null, string? Needs = null);

/// <summary>A standby of the database server.</summary>
/// <param name="Name">Its name for <c>synchronous_standby_names</c>.</param>
/// <param name="Sync"><c>sync</c>, <c>quorum</c>, <c>potential</c> or <c>async</c>, as the server says.</param>
/// <param name="State">What it does, as the server says: <c>streaming</c> if all is well.</param>
/// <param name="LagBytes">How much of the log of the server is not on its disk yet.</param>
/// <param name="LagSeconds">How long its last confirmation took, or for how long it has confirmed nothing; 0 if nothing is missing.</param>
public sealed record StandbyStatus(string Name, string Sync, string State, long LagBytes, double LagSeconds);

/// <summary>A CA key that signs.</summary>
/// <param name="Ca">What it signs: <c>user</c>, <c>host</c>, or <c>sync</c> for the daemon's own access to hosts.</param>
/// <param name="Key">Its fingerprint.</param>
/// <param name="Kept">How its private half is kept: <c>file</c>, <c>encrypted_file</c> or <c>agent</c>.</param>
/// <param name="Path">The file, or the socket of the agent.</param>
/// <param name="Fault">Why it signs nothing now; null if it signs.</param>
public sealed record CaKeyStatus(string Ca, string Key, string Kept, string Path, string? Fault = null);

/// <summary>The log over the audit.</summary>
/// <param name="Key">The fingerprint of the key that signs its checkpoints.</param>
/// <param name="Size">The number of entries in the last checkpoint; null before the first.</param>
/// <param name="Fault">Why the audit does not match that checkpoint, so that no certificate is issued; null if it does.</param>
/// <param name="Archived">The entries that are archived; null for none.</param>
public sealed record AuditLogStatus(string Key, long? Size = null, string? Fault = null, ArchivedEntries? Archived = null);

/// <summary>A place to which the daemon sends the audit.</summary>
/// <param name="Name"><c>file</c>, <c>journal</c>, or <c>webhook/</c> and a name.</param>
/// <param name="Waiting">How many entries it does not have yet.</param>
/// <param name="Failure">Why it does not get them; null if nothing keeps it from that.</param>
/// <param name="FailingSince">When the failure began.</param>
public sealed record AuditSinkStatus(string Name, long Waiting, string? Failure = null, DateTimeOffset? FailingSince = null);

/// <summary>A clock that shows the wrong time.</summary>
/// <param name="Expected">The time that it should show, by the elapsed time.</param>
/// <param name="Shown">The time that it shows.</param>
public sealed record ClockStatus(DateTimeOffset Expected, DateTimeOffset Shown);

/// <summary>The hosts that the daemon writes to.</summary>
/// <param name="Written">How many there are.</param>
/// <param name="UpToDate">How many have the current revocation list.</param>
/// <param name="Stale">
/// The names of the hosts to which the daemon could not write for longer than <paramref name="StaleAfter"/>, or ever.
/// </param>
/// <param name="StaleAfter">A duration.</param>
/// <param name="Contested">The names of the hosts that have another daemon's revocation list.</param>
/// <param name="Altered">
/// The names of the hosts where the daemon found files changed, and nobody has run <c>tctl nodes sync</c> since.
/// </param>
public sealed record HostsStatus(
    int Written, int UpToDate, string[] Stale, string StaleAfter, string[] Contested, string[]? Altered = null);

/// <summary>Nodes that are going.</summary>
/// <param name="Ended">The names of the nodes whose <c>spec.expires</c> is over: nothing opens them.</param>
/// <param name="Leaving">The names of the nodes that are removed within a day unless their hosts are seen again.</param>
public sealed record VanishingStatus(string[] Ended, string[] Leaving);

/// <summary>The directory from which hosts fetch the revocation list and the CA keys.</summary>
/// <param name="Directory">Its path on the daemon's host.</param>
/// <param name="Failure">Why the directory does not contain the current files; null if it does.</param>
/// <param name="FailingSince">When the failure began.</param>
public sealed record PublishedStatus(string Directory, string? Failure = null, DateTimeOffset? FailingSince = null);

/// <summary>Entries of the audit.</summary>
/// <param name="Entries">The entries, in the order that was asked for.</param>
/// <param name="Next">The <c>seq</c> after which there are more entries; null if there are none.</param>
/// <param name="Position">
/// Oldest first: the <c>seq</c> after which to go on, now or later. Every entry up to there was in this reply or an earlier one, or does
/// not match. Null for the other order.
/// </param>
/// <param name="Archived">
/// The beginning of the audit that is archived, if this page begins or ends there and some of it may match; null otherwise.
/// </param>
public sealed record AuditList(
    AuditEntry[] Entries, string? Next = null, string? Position = null, ArchivedEntries? Archived = null);

/// <summary>The beginning of the audit, which the daemon does not have any more.</summary>
/// <param name="Through">The <c>seq</c> of the last entry that is archived.</param>
/// <param name="Before">All of them were made before this time.</param>
public sealed record ArchivedEntries(long Through, DateTimeOffset Before)
{
    /// <summary>Returns it in words.</summary>
    public string Describe() =>
        $"entries up to {Through}, all from before {Before.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}, are archived and not shown";
}

/// <summary>One field that a change modified.</summary>
/// <param name="Path">The path in the resource, <c>spec.allow.logins</c>; in a list of values, each changed value is one change.</param>
/// <param name="Old">The old value, at most about 300 characters; null if there was none.</param>
/// <param name="New">The new value, at most about 300 characters; null if there is none.</param>
public sealed record AuditChange(string Path, string? Old = null, string? New = null)
{
    // Characters that need no quotes. All others are quoted, so that no value looks like the next change or the next fact.
    private const string Plain = "-_.@:/*+$%{}[]()~";

    /// <summary>Returns a short form for one line: <c>allow.logins +root</c>, <c>push false→true</c>.</summary>
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

/// <summary>The administrators from a start or a reload of the daemon on.</summary>
/// <param name="Users">The accounts: root, the daemon's own, and those that the configuration names.</param>
/// <param name="Groups">The groups whose members are administrators too.</param>
public sealed record AuditAdministrators(string[] Users, string[] Groups);

/// <summary>A review of who has access, as it was started or signed.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Sha256">The SHA-256 of the report, in hexadecimal.</param>
/// <param name="Position">The <c>seq</c> of the last entry that the report contains.</param>
/// <param name="Key">The fingerprint of the key that signed it; null when it was started.</param>
public sealed record AuditAccessReview(long Number, string Sha256, long Position, string? Key = null);

/// <summary>One event. Its JSON is stored byte for byte, without the number.</summary>
public sealed record AuditEntry
{
    /// <summary>
    /// The number of the entry, without gaps from 1, in the order in which the changes were made durable. Null until then.
    /// </summary>
    public long? Seq { get; init; }

    /// <summary>When it happened.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The kind of event: <c>request.created</c>, <c>certificate.issued</c>, …</summary>
    public required string Event { get; init; }

    /// <summary>The uid of the caller; null if the daemon acted by itself.</summary>
    public uint? Uid { get; init; }

    /// <summary>The account of that uid at that moment.</summary>
    public string? Account { get; init; }

    /// <summary>
    /// The uid that the calling process logged in as (<c>/proc/PID/loginuid</c>), which shows who used sudo. Null if the kernel has none.
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

    /// <summary>The requested roles.</summary>
    public string[]? Asked { get; init; }

    /// <summary>The roles granted, or in use.</summary>
    public string[]? Granted { get; init; }

    /// <summary>How long the access lasts at most, if the reviewer set a limit: a duration.</summary>
    public string? MaxDuration { get; init; }

    /// <summary>The requests in use.</summary>
    public string[]? Requests { get; init; }

    /// <summary>The serial of the certificate concerned, as text.</summary>
    public string? Serial { get; init; }

    /// <summary>The principals of the certificate.</summary>
    public string[]? Principals { get; init; }

    /// <summary>When the certificate expires, or the access that was approved ends.</summary>
    public DateTimeOffset? ValidBefore { get; init; }

    /// <summary>The rule that set the end.</summary>
    public string? LimitedBy { get; init; }

    /// <summary>
    /// The SHA-256, in hex, of the bytes that were signed for a certificate, or of a resource as a file on one line without its revision.
    /// </summary>
    public string? Digest { get; init; }

    /// <summary>The reason, in a person's words.</summary>
    public string? Reason { get; init; }

    /// <summary>The refused route.</summary>
    public string? Route { get; init; }

    /// <summary>The user who reviewed.</summary>
    public string? Reviewer { get; init; }

    /// <summary>The requested nodes, each <c>node/NAME</c>.</summary>
    public string[]? Resources { get; init; }

    /// <summary>The notify command that called, or a process that it started, under the account of the daemon.</summary>
    public string? Program { get; init; }

    /// <summary>
    /// The changes of a resource, the settings or the clock, field by field; for a creation, all new values, and for a removal, all old
    /// ones.
    /// </summary>
    public AuditChange[]? Changes { get; init; }

    /// <summary>How many more changes there were than <see cref="Changes"/> can hold; null for none.</summary>
    public int? ChangesLeftOut { get; init; }

    /// <summary>The decision of the review: <c>approve</c> or <c>deny</c>.</summary>
    public string? Vote { get; init; }

    /// <summary>The vote count, threshold by threshold: <c>1 of 2 approvals from a lead</c>.</summary>
    public string[]? Tally { get; init; }

    /// <summary>
    /// The objections that an administrator overrode: thresholds that the votes did not reach, a role that changed since. Null if there
    /// were none.
    /// </summary>
    public string[]? Overridden { get; init; }

    /// <summary>The version of the daemon.</summary>
    public string? Version { get; init; }

    /// <summary>The administrators from now on.</summary>
    public AuditAdministrators? Admins { get; init; }

    /// <summary>The review of who has access that was started or signed.</summary>
    public AuditAccessReview? AccessReview { get; init; }

    /// <summary>How many refusals were left out.</summary>
    public long? Count { get; init; }

    // The length of the changes that a line of a terminal has room for in addition to the rest.
    private const int LongestChanges = 70;


    /// <summary>
    /// Returns who did it: the account, or <c>certauthority</c> if the daemon acted by itself. The account that somebody logged in as is
    /// shown if they have switched to another account since.
    /// </summary>
    public string DescribeActor()
    {
        var by = Account ?? (Uid is { } uid ? $"uid {uid}" : "certauthority");
        if (Program is not null)
            return $"{Program} (as {by})";
        return LoginUid is { } login && login != Uid ? $"{by} (login uid {login})" : by;
    }

    /// <summary>
    /// Returns the facts of the event: <c>user=alice; serial=7</c>. Text that people wrote comes last, so that it cannot look like a fact.
    /// </summary>
    public string DescribeFacts()
    {
        (string Name, string? Value)[] facts =
        [
            ("route", Route), ("user", User), ("resource", Resource), ("request", Request), ("state", State),
            ("self", Self is true ? "yes" : null),
            ("reviewer", Reviewer), ("vote", Vote), ("tally", Tally is null ? null : string.Join(", ", Tally)),
            ("overridden", Overridden is null ? null : string.Join(", ", Overridden)), ("asked", List(Asked)),
            ("resources", List(Resources)), ("granted", List(Granted)), ("max_duration", MaxDuration), ("requests", List(Requests)), ("serial", Serial),
            ("principals", List(Principals)), ("limited_by", LimitedBy), ("version", Version),
            ("admins", Admins is null ? null : string.Join(',', Admins.Users.Concat(Admins.Groups.Select(group => $"group {group}")))),
            ("count", Count?.ToString()),
            ("review", AccessReview is { } review ? $"{review.Number}, position={review.Position}, sha256={review.Sha256}" : null),
            ("key", AccessReview?.Key),
            ("changed", DescribeChanges()), ("reason", Reason),
        ];
        return string.Join("; ", facts.Where(fact => !string.IsNullOrEmpty(fact.Value)).Select(fact => $"{fact.Name}={fact.Value}"));

        static string? List(string[]? items) => items is null ? null : string.Join(',', items);
    }

    /// <summary>Returns the first changes, and how many more there are; the entry itself contains all of them.</summary>
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
