using System.Collections.Immutable;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Auditing;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Push;
using CertAuthority.Revocation;
using CertAuthority.Signing;
using CertAuthority.Store;
using Microsoft.Extensions.Logging.Abstractions;

namespace CertAuthority.Operations;

/// <summary>The state and services that every operation works on.</summary>
/// <param name="Database">The database.</param>
/// <param name="Clock">The clock; each operation reads it once.</param>
/// <param name="KeysInForce">The CA keys, which a rotation changes.</param>
/// <param name="Krl">Keeps the revocation list in step.</param>
/// <param name="Watch">Wakes callers that wait for a change of a request.</param>
/// <param name="Logins">Limits how often each uid may log in.</param>
/// <param name="Refusals">Limits how many refusals of each account are recorded.</param>
/// <param name="Limits">The limits that the site has configured.</param>
/// <param name="PrivilegedLogins">
/// Accounts of this host that administer: anyone who can log in as one of them can change every role.
/// </param>
internal sealed record Authority(
    Database Database,
    SteadyClock Clock,
    CurrentKeys KeysInForce,
    KrlKeeper Krl,
    RequestWatch Watch,
    RateLimit<uint> Logins,
    RefusalLimit Refusals,
    SiteLimits Limits,
    ImmutableHashSet<string> PrivilegedLogins)
{
    /// <summary>The CA keys now. What must fit together takes them once.</summary>
    public KeyRing Keys => KeysInForce.Now;

    /// <summary>The files of the CA keys.</summary>
    public IReadOnlyDictionary<CaPurpose, KeyFiles> KeyFiles { get; init; } = new Dictionary<CaPurpose, KeyFiles>();

    /// <summary>Lets one change of the CA keys happen at a time.</summary>
    public SemaphoreSlim KeyTurn { get; } = new(1);

    /// <summary>The groups whose members become users.</summary>
    public UsersFromGroups UsersFromGroups { get; init; } = UsersFromGroups.None;

    /// <summary>The service that writes to hosts.</summary>
    public required HostPush Push { get; init; }

    /// <summary>Finds out which groups an account is in.</summary>
    public required Groups Groups { get; init; }

    /// <summary>The uids of the users' accounts; they show which users are the same person.</summary>
    public required UidBook Uids { get; init; }

    /// <summary>The checkpoints of the audit.</summary>
    public required Checkpoints Checkpoints { get; init; }

    /// <summary>Whether another daemon leads, and alone writes lists, files of hosts and checkpoints.</summary>
    public bool Follows { get; init; }

    /// <summary>The background services of the daemon.</summary>
    public IReadOnlyList<BackgroundService> Loops { get; init; } = [];

    /// <summary>When the daemon started.</summary>
    public DateTimeOffset Started { get; } = Clock.GetUtcNow();

    /// <summary>Rows that the daemon could not handle.</summary>
    public StuckRows Stuck { get; init; } = new(NullLogger.Instance);

    /// <summary>Finds the rows of the database that cannot be read.</summary>
    public required Damage Damage { get; init; }

    /// <summary>
    /// How many users, and how many certificates, a change of the policy reviews in its own transaction. They take about 30 ms, in which
    /// nobody can log in; a larger review is <see cref="OwedWithdrawal">owed</see>.
    /// </summary>
    public int ReviewedAtOnce { get; init; } = 1000;

    /// <summary>The age at which an entry of the audit may be archived; null to keep all.</summary>
    public TimeSpan? AuditKeep { get; init; }

    /// <summary>How long a host may go unseen before its node is removed; null if none is.</summary>
    public TimeSpan? ForgetNodesAfter { get; init; }

    /// <summary>Where hosts leave what they say; null if they cannot.</summary>
    public string? ReportsDirectory { get; init; }

    /// <summary>Removes the entries of the audit that are archived.</summary>
    public required AuditRemoval AuditRemoval { get; init; }

    /// <summary>How far the sinks of the audit are.</summary>
    public AuditProgress AuditProgress { get; } = new();

    /// <summary>The owed withdrawals that some call is finishing.</summary>
    public WithdrawalsAtWork WithdrawalsAtWork { get; } = new();

    /// <summary>The current time in whole seconds, as certificates and records count it.</summary>
    public DateTimeOffset Now() => DateTimeOffset.FromUnixTimeSeconds(Clock.GetUtcNow().ToUnixTimeSeconds());
}

/// <summary>Turns the outcome of a rule into the answer for the caller.</summary>
internal static class Problems
{
    /// <summary>Checks the key of a call that the caller may repeat.</summary>
    /// <param name="key">The key; null for none.</param>
    public static void ExpectKey(string? key)
    {
        if (key is not null && (key.Length is < 16 or > 64 || key.Any(one => !char.IsAsciiLetterOrDigit(one) && one != '-')))
            throw InvalidField("idempotency_key", "takes 16 to 64 letters, digits and dashes");
    }

    /// <summary>Returns the value, or throws the refusal for the caller.</summary>
    public static T OrRefuse<T>(this Outcome<T> outcome) where T : class =>
        outcome.Holds(out var value, out var refusal) ? value : throw Refused(refusal);

    public static ProblemException Refused(Refusal refusal) => new(From(refusal));

    /// <summary>Converts a refusal to the form in which it is sent.</summary>
    public static Problem From(Refusal refusal) => new(
        refusal.Kind switch
        {
            RefusalKind.NoLogin => ProblemCode.NoLogin,
            RefusalKind.Invalid => ProblemCode.Invalid,
            RefusalKind.Conflict => ProblemCode.Conflict,
            RefusalKind.Expired => ProblemCode.Expired,
            RefusalKind.Limited => ProblemCode.Limited,
            RefusalKind.Unavailable => ProblemCode.Unavailable,
            _ => ProblemCode.Denied,
        },
        refusal.Message,
        refusal.Hint,
        Next: NextSteps.From(refusal) is [_, ..] steps ? steps : null,
        Field: refusal.Field);

    /// <summary>Finds the user that the caller acts as.</summary>
    public static User ActingUser(this Snapshot snapshot, Caller caller, string? asked) =>
        caller.Identity.ActAs(snapshot.UsersOf(caller.Identity), asked, caller.NoGroups).OrRefuse();

    /// <summary>Parses a duration as people write it.</summary>
    public static TimeSpan Duration(string field, string text) =>
        Durations.TryParseWish(text, out var duration)
            ? duration
            : throw InvalidField(field, $"takes a duration such as 1h, 30h0m0s or 90s, not \"{text}\"");

    /// <summary>Parses a duration that may be missing.</summary>
    public static TimeSpan? DurationIfAny(string field, string? text) => text is null ? null : Duration(field, text);

    /// <summary>Parses an instant as people write it.</summary>
    public static DateTimeOffset Instant(string field, string text) =>
        Instants.TryParse(text, out var instant)
            ? instant
            : throw InvalidField(field, $"takes a time such as 2027-01-31T18:00:00Z, not \"{text}\"");

    /// <summary>Parses the beginning of a time, as people write it: an instant, or how long ago.</summary>
    public static DateTimeOffset Since(string text, DateTimeOffset now) =>
        Durations.TryParseWish(text, out var ago) ? now - ago
        : Instants.TryParse(text, out var instant) ? instant
        : throw InvalidField(
            "since", $"takes a time such as 2027-01-31T18:00:00Z, or a duration before now such as 24h, not \"{text}\"");

    /// <summary>Parses the key to certify, as people write it. The key must have an owner other than this authority.</summary>
    public static PublicKey Key(Authority ca, string line)
    {
        try
        {
            var key = PublicKey.ParseLine(line);
            return ca.Keys.Owns(key) is { } own ? throw Invalid($"the key cannot be certified: it is the {own} of this authority") : key;
        }
        catch (SshFormatException malformed)
        {
            throw Invalid($"the key cannot be certified: {malformed.Message}");
        }
    }

    public static ProblemException Invalid(string detail, string? hint = null, params NextStep[] next) =>
        new(new Problem(ProblemCode.Invalid, detail, hint, Next: next is [] ? null : next));

    /// <summary>Creates the error for a field of the request that has an invalid value.</summary>
    /// <param name="field">The name of the field in the message.</param>
    /// <param name="fault">What is wrong with the field, in words that follow its name.</param>
    public static ProblemException InvalidField(string field, string fault) =>
        new(new Problem(ProblemCode.Invalid, $"{field} {fault}", Field: field));

    /// <summary>
    /// Creates the error for a name that does not exist; the hints are the name that is spelt much like it, and the list of what exists.
    /// </summary>
    /// <param name="detail">What does not exist.</param>
    /// <param name="kind">The kind of the list.</param>
    /// <param name="name">The name.</param>
    /// <param name="known">The names that exist and that the caller may know.</param>
    public static ProblemException NotFound(string detail, string kind, string name = "", params IEnumerable<string> known) =>
        new(new Problem(ProblemCode.NotFound, detail, Next: [.. NextSteps.Meant(name, known), new NextStep.List(kind)]));
}
